"""What the parts cost: `make bench`, or `python -m benchmarks` from the checkout."""
