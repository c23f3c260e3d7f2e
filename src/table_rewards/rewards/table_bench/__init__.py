"""Answers about tables, as TableBench asks for them, and the regions of the table that an answer cites (Table-R1)."""

from table_rewards.rewards.table_bench.table_bench import TableBench, TableBenchReference
from table_rewards.rewards.table_bench.table_region import RegionReference, TableRegion

__all__ = ["RegionReference", "TableBench", "TableBenchReference", "TableRegion"]

for _public in (RegionReference, TableBench, TableBenchReference, TableRegion):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
