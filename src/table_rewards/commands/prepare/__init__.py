"""The tasks of `table-rewards prepare`, a module for each system."""
