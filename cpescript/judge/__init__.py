"""Claims, windows, monitors, verdicts: reads the trace and nothing else."""
