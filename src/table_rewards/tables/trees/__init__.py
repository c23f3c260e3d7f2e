"""Tables as trees, and what is normalised before two of them are compared."""
