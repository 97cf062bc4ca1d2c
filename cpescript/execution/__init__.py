"""Runs a timeline: generator processes on the kernel, targets, flow, handlers. Never asyncio."""
