"""Virtual clock, event queue, draws and trace. Knows no protocol, no wall clock and no asyncio."""
