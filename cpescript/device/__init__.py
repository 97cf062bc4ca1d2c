"""Devices: profiles, the data model with its overlay, values that move, states. Knows no protocol."""
