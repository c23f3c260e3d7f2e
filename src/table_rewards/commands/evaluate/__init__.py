"""The tasks of `table-rewards evaluate`, a module for each benchmark."""
