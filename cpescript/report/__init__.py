"""Reports: pure functions from the frozen result model to text. Nothing here runs, reads or decides anything."""
