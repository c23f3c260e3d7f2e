"""The exact distance of two table trees: fast kernels, bounds, and a plain implementation to check them."""
