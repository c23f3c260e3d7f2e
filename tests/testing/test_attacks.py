"""The attacks find what pays, hold nothing of the gold answer, and tell a sound reward from one that is not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from table_rewards import TEDS, CellF1, GriTS, Mathematics, Ranking, ScalarQuality, TableBench, TableRegion, Verifier
from table_rewards.commands.attack_rows import shipped_rows
from table_rewards.commands.main import main
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.core.scores import Judgement
from table_rewards.testing.attacks import Attack, Target, check_attacks, known_attacks, run_attacks, search
from table_rewards.testing.attacks.slots import slots_of
from table_rewards.testing.chat_server import ChatServer


@dataclass(frozen=True)
class Gold:
    answer: str


class Mentions(Reward[Gold]):
    """Pays for an answer that stands anywhere: to name all candidates pays."""

    name = "mentions"
    reference_type = Gold

    def reference(self, row: Mapping[str, Any]) -> Gold:
        return Gold(str(row["answer"]))

    def natural(self, value: Any) -> Gold:
        return Gold(str(value))

    def judge(self, completion: str, reference: Gold, step: int | None) -> Judgement:
        return Judgement(float(reference.answer in completion))


class Says(Mentions):
    """Pays for an answer and nothing else."""

    name = "says"

    def judge(self, completion: str, reference: Gold, step: int | None) -> Judgement:
        return Judgement(float(reference.answer == completion))


NAMES = ("Rome", "Bonn", "Oslo", "Bern", "Kyiv", "Riga", "Baku", "Lima")
CITIES = [
    {"answer": name, "question": "Which?", "table": {"columns": ["city"], "data": [[one] for one in NAMES]}}
    for name in NAMES
]


def test_a_reward_that_pays_for_naming_all_candidates_is_found_out() -> None:
    with pytest.raises(AssertionError, match=r"attacks pay; the best \(candidates\) earns 1\.000.*«cells»"):
        check_attacks(Mentions(), CITIES)
    check_attacks(Says(), CITIES)


@pytest.mark.parametrize(
    ("reward", "allowed"),
    [
        (Mathematics(symbolic=False), 0.15),
        (TableBench(zero_point="blind", facts=True), 0.15),
        (TEDS(zero_point="blind"), 0.35),  # cells in rows of a guessed width: right where the guess is
        (CellF1(zero_point="blind"), 0.35),
    ],
    ids=lambda value: value.name if isinstance(value, Reward) else "",
)
def test_rewards_of_this_package_hold_with_the_options_for_training(reward: Any, allowed: float) -> None:
    check_attacks(reward, shipped_rows(reward.name, 24), allowed=allowed)


@pytest.mark.parametrize(
    ("kind", "options", "template"),
    [
        (TEDS, {}, "«one_row»"),
        (TEDS, {"structure_only": True}, "«right_grid»"),
        (CellF1, {}, "«one_row»"),
        (Ranking, {"reasoning": "optional"}, "«tied»"),
        (ScalarQuality, {}, "It reads well.\n\n7"),
        (TableRegion, {"weight": 1.0}, "<gold_area>«whole_region»</gold_area> Final Answer: ?"),
    ],
)
def test_the_stated_blind_strategies_pay_without_the_zero_point_and_hardly_with_it(
    kind: Any, options: dict[str, Any], template: str
) -> None:
    rows = shipped_rows(kind.name, 40)
    attack = Attack("stated", template)
    (before,), (after,) = (
        run_attacks(Target(kind(**options, **extra), rows, step=0), [attack]) for extra in ({}, {"zero_point": "blind"})
    )
    assert before.share > 0.3
    # An empty grid is right by S-TEDS where the table is a plain grid, a constant where it is the score.
    assert after.share < (0.6 if "structure_only" in options else 0.35 if kind is ScalarQuality else 0.15)
    assert after.share < before.share


def test_a_search_is_seeded_and_scores_on_rows_it_was_not_fitted_on() -> None:
    target = Target(GriTS(), shipped_rows("grits", 16))
    one, two = (search(target, seed=3, generations=2, population=4) for _ in range(2))
    assert one == two
    assert one.unseen == pytest.approx(target.attack(one.attack, range(1, 16, 2)).mean())
    assert one.honest == 1.0
    values = target.attack(one.attack, range(1, 16, 2))
    assert one.full == (values == 1.0).mean()
    assert one.rest == pytest.approx(values[values < 1.0].mean())


def test_slots_hold_nothing_of_the_gold_answer() -> None:
    row = {"question": "Who?", "answer": "GOLD", "gold_area": {"columns": ["GOLD"], "rows": [0]}}
    for reward in (TableBench(), TableRegion(weight=0.1), Says(), Mathematics()):
        reference = reward.read_reference(row)
        assert "GOLD" not in json.dumps(slots_of(reward, row, reference))
    ranked = slots_of(Ranking(), {}, Ranking().natural({"A": 3.25, "B": 9}))
    assert "3.25" not in json.dumps(ranked)


def test_every_slot_of_a_template_is_one_that_is_filled() -> None:
    for name in (
        "table_bench",
        "teds",
        "ranking",
        "scalar_quality",
        "verifier",
        "white_box",
        "unit_tests",
        "table_region",
    ):
        rows = shipped_rows(name, 4)
        from table_rewards.core.registry import create

        reward = create(name)
        slots = slots_of(reward, rows[0], reward.read_reference(rows[0]))
        asked = {slot for attack in known_attacks(reward) for slot in re.findall("«(\\w+)»", attack.template)}
        assert asked <= set(slots), asked - set(slots)


def test_rows_that_no_reward_can_read_are_told() -> None:
    with pytest.raises(ConfigurationError, match="none of the rows"):
        Target(Verifier(), [{"question": "?"}])


def test_the_command_prints_what_pays_and_what_the_search_found(capsys: Any, tmp_path: Any) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in shipped_rows("ranking", 12)), "utf-8")
    assert main(["attack", "ranking", str(path), "--search", "--generations", "1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())  # lines break where the terminal ends
    assert "«tied»" in shown or "«falling_slowly»" in shown
    assert "attacks earn more than the floor 0; the references as their own answers earn 2." in shown
    assert "Search, " in shown
    assert main(["attack", "ranking", str(path), "--json", "--option", "zero_point=blind"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 12
    assert max(one["share"] for one in told["attacks"]) < 0.3


def test_the_command_says_what_it_needs(capsys: Any) -> None:
    assert main(["attack", "qa_f1", "--option", "answering=extractive"]) != 0
    assert main(["attack", "teds", "--limit", "1"]) != 0
    assert "--limit must be at least 2" in capsys.readouterr().err


def test_the_audit_says_what_a_blind_policy_earns_on_the_file(capsys: Any, tmp_path: Any) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in shipped_rows("teds", 8)), "utf-8")
    assert main(["audit", str(path), "--reward", "teds"]) == 0
    assert "earns 0.8" in (shown := " ".join(capsys.readouterr().out.split()))
    assert "«dividing_width»" in shown
    assert main(["audit", str(path), "--reward", "teds", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["blind"]["completion"] == "«dividing_width»"
    assert main(["audit", str(path), "--reward", "teds", "--no-blind", "--json"]) == 0
    assert "blind" not in json.loads(capsys.readouterr().out)


def test_an_audit_asks_no_model_what_attacks_earn_unless_it_is_told_to(capsys: Any, tmp_path: Any) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"question": "How much is 3 * 5?"}) + "\n", "utf-8")
    with ChatServer() as server:
        asked = ["--option", f'endpoints="{server.url}"', "--option", "model=m"]
        assert main(["audit", str(path), "--reward", "step_verifier", *asked, "--json"]) == 0
        assert not server.received
    assert "blind" not in json.loads(capsys.readouterr().out)
