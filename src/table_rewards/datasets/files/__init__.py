"""Files of rows: parquet, arrow, JSON and csv, read in bounded memory, written so that work can be resumed."""

from table_rewards.datasets.files.json_rows import BrokenRow
from table_rewards.datasets.files.reading import (
    columns_of,
    count_rows,
    format_of,
    read_batches,
    read_rows,
    require_columns,
    schema_of,
)
from table_rewards.datasets.files.row_writer import RowWriter
from table_rewards.datasets.files.source import RowSource, missing_column
from table_rewards.datasets.files.unusable import UnusableFile

__all__ = [
    "BrokenRow",
    "RowSource",
    "RowWriter",
    "UnusableFile",
    "columns_of",
    "count_rows",
    "format_of",
    "missing_column",
    "read_batches",
    "read_rows",
    "require_columns",
    "schema_of",
]
