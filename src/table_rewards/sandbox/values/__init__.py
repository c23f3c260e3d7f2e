"""Values that cross the border of the sandbox: read from text, compared and written without running anything."""

from table_rewards.sandbox.values.value import Value, decode, from_literal, from_python, missing, same

__all__ = ["Value", "decode", "from_literal", "from_python", "missing", "same"]
