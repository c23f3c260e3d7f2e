"""Completions and references that no reward may stumble over."""

from __future__ import annotations

from typing import Any, Final

HOSTILE_COMPLETIONS: Final[tuple[str, ...]] = (
    "",
    " \n\t\r\n ",
    "Final Answer:",
    "x" * 1_000_000,
    "Final Answer: " * 20_000,
    "\x00\x01\x02\xff binary \x7f" * 50,
    "lone \ud800 surrogates \udfff here",
    "الجواب النهائي: ٤٢ \u202e",
    "最终答案：四十二",
    "<think>" * 500,
    "```python\nprint(" + "(" * 300,
    "\\boxed{" * 2_000,
    "<gold_area>{" * 1_000,
    "<gold_area>[[[[</gold_area><answer></answer>",
    '{"a":' * 2_000,
    "9" * 5_000,
    "9^9^9^9 1e999999 -nan inf",
    "{0} {x!r} %s %n ${HOME} `id`",
)
"""Empty, huge, binary, right to left, unclosed, deep: what a policy under training writes sooner or later."""

HOSTILE_REFERENCES: Final[tuple[Any, ...]] = (
    {},
    [],
    "",
    {"unrelated": 1},
    {"ground_truth": None, "extra_info": None},
    {"ground_truth": {"nested": {"deep": [None]}}},
    {"answer": float("nan")},
    b"bytes",
    float("nan"),
    {"answer": "7", "gold_area": "not json"},
)
"""References that data sets hold by accident."""
