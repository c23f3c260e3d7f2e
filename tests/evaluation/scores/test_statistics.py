"""Groups, correlations and identities against plain definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.evaluation.scores.identity import Identity, identity, is_empty
from table_rewards.evaluation.scores.part_correlations import PartCorrelations
from table_rewards.evaluation.scores.prompt_groups import PromptGroups
from table_rewards.evaluation.scores.samples import SampleBook
from table_rewards.evaluation.scores.statistics import ScoreStatistics

VALUES = st.sampled_from([0.0, 0.25, 0.5, 1.0])
ROWS = st.lists(st.tuples(st.integers(0, 5), VALUES, st.integers(0, 300)), min_size=2, max_size=60)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_the_correlation_within_prompts_is_that_of_centred_columns(rows):
    groups = PromptGroups()
    for prompt, value, length in rows:
        groups.add(prompt, value, length)
    values, lengths = [], []
    for prompt in {prompt for prompt, _, _ in rows}:
        mine = [(value, length) for other, value, length in rows if other == prompt]
        if len(mine) > 1:
            columns = np.array(mine, dtype=float)
            values += list(columns[:, 0] - columns[:, 0].mean())
            lengths += list(columns[:, 1] - columns[:, 1].mean())
    found, pairs = groups.length_within()
    assert pairs == len(values)
    spread = math.sqrt(float(np.dot(values, values)) * float(np.dot(lengths, lengths))) if values else 0.0
    if spread < 1e-9:
        assert math.isnan(found) or abs(found) < 1e-3
    else:
        assert found == pytest.approx(float(np.dot(values, lengths)) / spread, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_dead_prompts_are_counted_for_the_score_and_for_parts(rows):
    groups = PromptGroups(("part",))
    for prompt, value, length in rows:
        groups.add(prompt, value, parts=[float(length > 150)])
    several = {p: [row for row in rows if row[0] == p] for p, _, _ in rows}
    several = {p: mine for p, mine in several.items() if len(mine) > 1}
    assert groups.several == len(several)
    assert groups.dead == sum(len({value for _, value, _ in mine}) == 1 for mine in several.values())
    dead = sum(len({length > 150 for *_, length in mine}) == 1 for mine in several.values())
    assert groups.dead_parts() == {"part": (dead, len(several))}


def test_prompts_of_two_steps_are_two_groups_and_told_by_step():
    statistics = ScoreStatistics(())
    for step, scores in (("2", (0.0, 1.0)), ("10", (1.0, 1.0))):
        for sample, score in enumerate(scores):
            statistics.add({"row": sample, "prompt": "p", "step": step, "score": score, "status": "scored"})
    assert statistics.groups.prompts == 2
    assert statistics.groups.by_step() == {"2": (0, 1), "10": (1, 1)}
    assert [(step, one.mean) for step, one in statistics.curve()] == [("2", 0.5), ("10", 1.0)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES, st.one_of(st.none(), VALUES)), min_size=3, max_size=50))
def test_correlations_of_parts_are_those_of_numpy_over_rows_that_have_both(rows):
    some = PartCorrelations(("score", "a", "b"))
    for value, *parts in rows:
        some.add(value, parts)
    matrix = some.matrix()
    columns = np.array([[np.nan if one is None else one for one in row] for row in rows], dtype=float)
    for i in range(3):
        for j in range(3):
            both = columns[~np.isnan(columns[:, i]) & ~np.isnan(columns[:, j])]
            x, y = both[:, i], both[:, j]
            if len(both) < 3 or x.std() < 1e-6 or y.std() < 1e-6:
                assert math.isnan(matrix[i][j])
            else:
                assert matrix[i][j] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.one_of(st.none(), VALUES), VALUES, st.sampled_from(["", "no answer"])),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 9),
)
def test_batches_say_what_single_rows_say(rows, size):
    """A file that is resumed, or read in other batches, has the same summary."""
    lines = [
        {"row": n, "prompt": p, "kind": p, "step": n % 3, "characters": 7 * n % 11, "score": value, "part": part,
         "status": "unscored" if value is None else "scored", "note": note, "signature": "s"}
        for n, (p, value, part, note) in enumerate(rows)
    ]  # fmt: skip
    one, many = ScoreStatistics(("part",), by="kind"), ScoreStatistics(("part",), by="kind")
    for line in lines:
        one.add(line)
    for start in range(0, len(lines), size):
        many.add_all(lines[start : start + size])
    _alike(one.to_dict(), many.to_dict())
    assert one.values.count + one.values.missing == len(rows)
    known = [value for _, value, _, _ in rows if value is not None]
    if known:
        assert one.values.mean == pytest.approx(np.mean(known), abs=1e-9)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e6 / 7, 0.0])
def test_a_constant_score_correlates_with_nothing(constant):
    """What rounding leaves of a constant column is no spread: it would correlate with length by chance."""
    statistics = ScoreStatistics(())
    for start in range(0, 90, 7):
        statistics.add_all(
            [{"score": constant, "characters": n, "prompt": "p", "status": "scored"} for n in range(start, start + 7)]
        )
    assert math.isnan(statistics.length.value)


def _alike(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name, value in one.items():
            _alike(value, other[name])
    else:
        assert one == pytest.approx(other, abs=1e-6) if isinstance(one, float) else one == other


def told(rows, completion="completion", **located):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return identity(rows, columns, completion, {name: (name,) for name in located or ()})


def test_an_id_that_is_empty_names_nothing():
    who = Identity(ids=(("uid",), ("id",)), asked=("prompt",))
    assert who.of({"uid": "", "id": 7, "prompt": "p"}) == "7"
    assert who.of({"uid": None, "id": float("nan"), "prompt": "p"}) == who.digest({"prompt": "p"})
    assert who.of({"uid": None, "id": None}) is None
    assert not is_empty(0)
    assert not is_empty(False)


def test_an_id_that_stands_for_two_prompts_is_none():
    rows = [{"index": i % 2, "prompt": f"q{i // 2}"} for i in range(4)]
    assert told(rows, index=1).ids == ()
    assert told([{"index": i // 2, "prompt": f"q{i // 2}"} for i in range(4)], index=1).ids == (("index",),)


def test_a_gold_answer_is_the_same_as_a_number_and_as_text():
    """A csv file has 12 as text, JSON as a number: one prompt, and comparable runs."""
    who = Identity(asked=("prompt",), references=("answer",))
    one, *others = (who.of({"prompt": "p", "answer": answer}) for answer in ("12", 12, 12.0))
    assert others == [one, one]
    assert who.of({"prompt": "p", "answer": 1}) != who.of({"prompt": "p", "answer": True})


def test_one_data_sets_index_is_not_anothers():
    who = Identity(ids=(("index",),))
    assert who.of({"index": 0, "data_source": "a"}) != who.of({"index": 0, "data_source": "b"})


def test_the_final_assistant_turn_is_no_part_of_a_prompt_and_earlier_ones_are():
    who = Identity(asked=("messages",))
    chat = lambda *turns: {"messages": [{"role": role, "content": text} for role, text in turns]}  # noqa: E731
    one = chat(("user", "a"), ("assistant", "x"), ("user", "b"), ("assistant", "1"))
    other = chat(("user", "a"), ("assistant", "x"), ("user", "b"), ("assistant", "2"))
    third = chat(("user", "a"), ("assistant", "y"), ("user", "b"), ("assistant", "1"))
    assert who.of(one) == who.of(other) != who.of(third)


def test_a_sample_book_stays_small_and_keeps_what_stands_out():
    book = SampleBook(("a", "b"), room=60)
    for i in range(5_000):
        row = {
            "row": i,
            "sample": 0,
            "score": (i % 1000) / 1000,
            "a": 1.0 if i == 77 else 0.5,
            "b": 0.5 - (i == 77) / 2,
        }
        book.add({**row, "status": "unscored" if i == 4_321 else "scored", "characters": i % 50 + (i == 9) * 1000})
    chosen = {sample.scores["row"]: sample.views for sample in book.chosen()}
    assert len(chosen) <= 80
    assert "disagree" in chosen[77]
    assert "long" in chosen[9]
    assert "unscored" in chosen[4_321]
    assert {row % 1000 for row, views in chosen.items() if "best" in views} >= {999}
