"""Scores as people use them: columns by name, tables, short in a terminal, whole in a notebook."""

from __future__ import annotations

import math

import numpy as np
import pytest

from table_rewards import TableBench
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.core.scores import Judgement, Scores


@pytest.fixture
def scores():
    judged = [Judgement(1.0, (1.0,)), Judgement(0.0, (0.5,), "unparsed", "no <answer>"), Judgement.unscored("down", 1)]
    return Scores.of(judged, ("em",), "demo|v0")


def test_columns_have_names_and_samples_numbers(scores):
    assert scores["em"].tolist()[:2] == [1.0, 0.5]
    assert scores["status"].tolist() == ["scored", "unparsed", "unscored"]
    assert scores["note"][2] == "down"
    assert scores["score"] is scores.values
    assert scores[0].parts == {"em": 1.0}
    assert len(scores[1:]) == 2
    with pytest.raises(KeyError, match="did you mean 'status'"):
        scores["statsu"]


def test_tables_hold_every_column(scores):
    frame = scores.to_pandas()
    assert list(frame.columns) == ["score", "em", "status", "note"]
    table = scores.to_arrow()
    assert table.column("score").to_pylist() == [1.0, 0.0, None]
    assert table.schema.metadata == {b"signature": b"demo|v0"}


def test_a_short_line_in_a_terminal_and_escaped_html_in_a_notebook(scores):
    assert repr(scores) == "<Scores of 3: mean 0.5000 (1 scored, 1 unparsed, 1 unscored) demo|v0>"
    html = scores._repr_html_()
    assert "no &lt;answer&gt;" in html
    assert "nan" not in html
    assert len(repr(Scores.of([Judgement(1.0)] * 10_000, (), "demo|v0"))) < 100


@pytest.mark.parametrize("kind", ["int", "numpy", "numpy array", "pandas", "arrow", "arrow scalars"])
def test_a_natural_reference_may_come_from_any_table(kind):
    import pandas
    import pyarrow

    references = {
        "int": [104, 7],
        "numpy": [np.int64(104), np.int32(7)],
        "numpy array": np.array([104, 7]),
        "pandas": pandas.Series([104, 7]),
        "arrow": pyarrow.array([104, 7]),
        "arrow scalars": list(pyarrow.array([104, 7])),
    }[kind]
    scores = TableBench()(["Final Answer: 104", "Final Answer: 8"], references)
    assert scores.values.tolist() == [1.0, 0.0]
    assert scores.counts["scored"] == 2


def test_completions_may_come_from_any_table():
    import pandas
    import pyarrow

    texts = ["Final Answer: 104", "Final Answer: 8"]
    for column in (pandas.Series(texts), pyarrow.array(texts), np.array(texts), np.array(texts, dtype=object)):
        assert TableBench()(column, [104, 8]).values.tolist() == [1.0, 1.0]
    frame = pandas.DataFrame({"answer": ["104", "8"], "qtype": "FactChecking"})
    assert TableBench()(texts, frame).values.tolist() == [1.0, 1.0]


def test_a_missing_value_is_no_answer():
    import pandas

    scores = TableBench()(["Final Answer: 7"] * 2, pandas.Series([7, None], dtype="Int64"))
    assert scores.values[0] == 1.0
    assert math.isnan(scores.values[1])


def test_what_is_no_batch_of_references_is_told():
    with pytest.raises(ConfigurationError, match="references is None"):
        TableBench()(["Final Answer: 7"], None)
    with pytest.raises(ConfigurationError, match="completions is None"):
        TableBench()(None, ["7"])


def test_swapped_arguments_are_told(caplog):
    TableBench()(["16", "17"], ["Final Answer: 16", "Final Answer: 17"])
    assert "completions and references look swapped" in caplog.text
    caplog.clear()
    TableBench()(["no answer", "none here"], ["16", "17"])
    assert caplog.text == ""
    reward = TableBench()
    gold = reward.coerce("16")
    with pytest.raises(ConfigurationError, match="swapped"):
        reward([gold], ["Final Answer: 16"])


def test_texts_may_be_the_references_of_a_reward_of_ones_own():
    """Completions are texts too: they were once taken for swapped references."""

    class Same(Reward[str]):
        name, parts, reference_type = "same", (), str

        def natural(self, value):
            return str(value)

        def reference(self, row):
            return str(row["answer"])

        def judge(self, completion, reference, step):
            return Judgement(float(completion == reference))

    assert Same()(["7", "8"], ["7", "7"]).values.tolist() == [1.0, 0.0]
    assert Same()(["7"], [{"answer": 7}]).values.tolist() == [1.0]
