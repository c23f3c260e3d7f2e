"""One completion of a file, found by the numbers that its scores carry, with the others of its prompt."""

from __future__ import annotations

import pytest

from command_line import write
from table_rewards.datasets.files import UnusableFile
from table_rewards.evaluation.scores.one_sample import sample_at
from table_rewards.evaluation.scores.scoring import plan


@pytest.fixture
def rows(tmp_path):
    log = [{"prompt": f"p{i // 3}", "completion": f"c{i}", "answer": "7"} for i in range(9)]
    return plan(write(tmp_path / "rows.jsonl", log))


@pytest.mark.parametrize(("row", "peers"), [(0, "c1 c2"), (4, "c3 c5"), (8, "c6 c7")])
def test_the_others_of_a_prompt_are_its_peers(rows, row, peers):
    one = sample_at(rows, row, with_peers=True)
    assert (one.completion, one.prompt, one.peers) == (f"c{row}", f"p{row // 3}", peers.split())
    assert sample_at(rows, row).peers == []


def test_a_row_of_several_completions_is_a_group_of_its_own(tmp_path):
    log = [{"prompt": p, "completions": [f"{p}{i}" for i in range(3)], "answer": "7"} for p in "ab"]
    one = sample_at(plan(write(tmp_path / "rows.jsonl", log)), 1, 2, with_peers=True)
    assert (one.completion, one.peers, one.samples) == ("b2", ["b0", "b1"], 3)


def test_a_log_of_columns_of_lists_is_unzipped_as_scoring_unzips_it(tmp_path):
    log = [{"prompt": ["a", "b"], "completion": ["one", "two"], "answer": ["1", "2"]}]
    one = sample_at(plan(write(tmp_path / "rows.jsonl", log)), 1)
    assert (one.completion, one.reference["answer"]) == ("two", "2")


@pytest.mark.parametrize(("row", "sample"), [(9, 0), (0, 1), (-1, 0), (0, -1)])
def test_what_is_not_there_is_named(rows, row, sample):
    with pytest.raises(UnusableFile, match="counted from 0"):
        sample_at(rows, row, sample)
