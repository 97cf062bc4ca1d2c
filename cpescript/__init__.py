"""Scripted scenarios, a virtual clock and a judge for the servers that manage broadband devices."""

__version__ = "0.1.0"
