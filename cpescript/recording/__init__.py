"""Traces read back: judged again, compared, turned into profiles and scenarios."""
