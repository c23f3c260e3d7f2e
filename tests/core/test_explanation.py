"""Explanations as data: what does not come to the score is left out, and said."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import pytest

from table_rewards import TEDS, TableBench, WeightedSum
from table_rewards.core.explanation.data import KEPT, Line, Mark, Section, ShownCell, Step, Working
from table_rewards.core.explanation.html import shown_lines
from table_rewards.core.explanation.text import as_text
from table_rewards.core.reward import Reward
from table_rewards.core.scores import Judgement


@dataclass(frozen=True)
class Gold:
    answer: str


class Echo(Reward):
    name = "echo"
    reference_type = Gold
    parts = ("same",)
    told = Working()

    def reference(self, row):
        return Gold(str(row["answer"]))

    def natural(self, value):
        return Gold(str(value))

    def judge(self, completion, reference, step):
        same = float(completion == reference.answer)
        return Judgement(same, (same,))

    def working(self, completion, reference, judgement, step):
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


def test_a_reward_without_working_shows_its_reference():
    told = Echo().explain("7", "7")
    assert told.value == 1.0
    assert [(step.label, step.detail) for step in told.sections[0].steps] == [("answer", "7")]


@pytest.mark.parametrize(
    "section",
    [
        Section("wrong value", gives={"score": 0.5}),
        Section("wrong part", gives={"same": 0.5}),
        Section("no such part", gives={"other": 1.0}),
        Section("wrong sum", (Step(KEPT, "a", cost=0.5),), total=1.0),
    ],
)
def test_working_that_does_not_come_to_the_score_is_left_out_and_said(section, caplog):
    reward = Echo()
    reward.told = Working((section, Section("right", gives={"score": 1.0, "same": 1.0})))
    with caplog.at_level(logging.ERROR):
        told = reward.explain("7", "7")
    assert [one.title for one in told.sections] == ["right"]
    assert section.title in told.remarks[0]
    assert caplog.records


def test_working_that_breaks_leaves_the_score(caplog):
    reward = Echo()
    reward.told = ValueError("broken")
    told = reward.explain("7", "7")
    assert told.value == 1.0
    assert "broken" in told.remarks[0]


def test_a_reference_that_cannot_be_read_is_explained_as_unscored():
    told = Echo().explain("7", None)
    assert (told.status, told.sections) == ("unscored", ())
    assert told.value != told.value
    assert told.to_dict()["value"] is None


def test_a_chat_is_explained_as_its_last_answer():
    chat = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "7"}]
    assert Echo().explain(chat, "7").completion == "7"


def test_members_of_a_composed_reward_are_explained_and_add_up():
    mix = WeightedSum({"one": Echo(), "two": TableBench()}, weights={"one": 0.25, "two": 0.5})
    told = mix.explain("Final Answer: 7", "7")
    assert told.value == mix(["Final Answer: 7"], ["7"]).values[0] == 0.5
    assert told.remarks == ()
    assert [step.cost for step in told.sections[0].steps] == [0.0, 0.5]
    assert any(section.title.startswith("two: ") for section in told.sections)


def test_only_lines_that_differ_and_their_neighbours_are_shown_of_a_long_table():
    same, other = ShownCell("a"), ShownCell("b", "changed", marks=(Mark("replace", "b", "c"),))
    lines = [Line((same,), (same,)) for _ in range(50)]
    lines[30] = Line((other,), (other,))
    shown, left_out = shown_lines(lines, 10)
    assert [one is None for one in shown] == [False, True, False, False, False, True]
    assert left_out == 46


@pytest.mark.parametrize("width", [50, 80, 140])
@pytest.mark.parametrize("columns", [3, 12, 20])
def test_every_cell_of_a_wide_table_can_be_read_in_a_narrow_terminal(width, columns):
    """Columns that had no room were once drawn with none, without a word."""
    cells = [f"v{column:02}" for column in range(columns)]
    table = lambda row: "<table><tr>" + "".join(f"<td>{cell} km</td>" for cell in row) + "</tr></table>"  # noqa: E731
    told = as_text(TEDS().explain(table([f"{cell}x" for cell in cells]), table(cells)), width)
    assert max(map(len, told.split("\n"))) <= width
    shown = told.split("\nTEDS\n")[1].split("\nStructure alone")[0].split("~ changed text")[0]
    assert all(len(re.findall(rf"\b{cell}\b", shown.replace("[x]", ""))) >= 2 for cell in cells)
    same = as_text(TEDS().explain(table(["other", *cells[1:]]), table(cells)), width)
    assert same.count("do not differ") == max(0, same.count("of each row") - 1)
