"""How much a table that a model wrote is like the reference table: TEDS, cell F1 and GriTS."""

from table_rewards.rewards.table_similarity.base import TableReference
from table_rewards.rewards.table_similarity.cell_f1 import CellF1
from table_rewards.rewards.table_similarity.grits import GriTS
from table_rewards.rewards.table_similarity.teds import TEDS

__all__ = ["TEDS", "CellF1", "GriTS", "TableReference"]

for _public in (CellF1, GriTS, TEDS, TableReference):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
