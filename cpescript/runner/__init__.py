"""Picks scenarios, expands matrices, assembles and supervises runs. `run.run(options)` is the door."""
