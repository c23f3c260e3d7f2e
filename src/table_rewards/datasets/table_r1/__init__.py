"""Table-R1's training data and predictions."""
