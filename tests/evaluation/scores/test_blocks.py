"""Blocks of a file, scored one by one in any order, are the rows of the whole file: each once, none lost."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards import TableBench
from table_rewards.evaluation.scores.scoring import plan, score_block, score_file

LINES = st.sampled_from(
    [
        '{"id": 1, "answer": "7", "prediction": "Final Answer: 7"}',
        '{"id": 1, "answer": "7", "prediction": "Final Answer: 8"}',
        '{"id": 2, "answer": NaN, "prediction": null}',
        '{"id": 2, "answer": "\\ud800", "prediction": "\\u2028"}',
        '{"id": "3", "answer": {"answer": "7"}, "prediction": ["Final Answer: 7", "x"]}',
        '{"prediction": "Final Answer: 7", "answer": 1e999}',
        '{"id": 4, "prediction": {"unknown": 1}, "answer": "7"}',
        "{half",
        "[1]",
        "",
        "   ",
        "\u00e9\u2028",
        '"text"',
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(LINES, min_size=1, max_size=40),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(1, 7),
    st.sampled_from(["\n", "\r\n"]),
)
def test_blocks_are_the_file(lines: list[str], block: int, batch: int, every: int, newline: str) -> None:
    first = '{"id": 0, "answer": "7", "prediction": "Final Answer: 7"}'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(newline.join([first, *lines]).encode("utf-8"))
        reward = TableBench()
        whole = [
            row for _, rows in score_file(reward, plan(path, parts=reward.parts), batch_size=batch) for row in rows
        ]
        how = plan(path, parts=reward.parts)
        how.source.index = None if how.unzips else how.source.indexed(every)
        total = how.source.count() if how.source.index is None else sum(how.source.index.rows)
        found = []
        for start in reversed(range(0, total, block)):
            rows = [
                row
                for scored in score_block(reward, how, start, min(total, start + block), batch_size=batch)
                for row in scored
            ]
            found = rows + found
    assert json.dumps(found) == json.dumps(whole)
