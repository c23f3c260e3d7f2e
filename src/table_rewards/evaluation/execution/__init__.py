"""Benchmarks of code execution: CRUXEval, DREval."""
