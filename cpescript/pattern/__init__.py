"""Predicates over messages, values and devices: expressions, message patterns, targets, and their evaluation."""
