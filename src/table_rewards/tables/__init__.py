"""Tables: formats, one model, trees, exact tree edit distance."""

from table_rewards.tables.formats.convert import parse_table, render_table
from table_rewards.tables.table import Cell, Table

__all__ = ["Cell", "Table", "parse_table", "render_table"]
