"""`table-rewards attack`: what a reward pays for completions that need no gold answer."""

from __future__ import annotations

import argparse
import json
from itertools import islice
from typing import Any

from table_rewards.commands.attack_rows import shipped_rows
from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.pages.terminal import filled, note, number, share, table
from table_rewards.commands.reward_options import options_of, reward_of
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import RowSource
from table_rewards.testing.attacks import AttackResult, Found, Target, known_attacks, run_attacks, search

DESCRIPTION = """\
Attack a reward on your own references: with nothing, the question said again, all candidates at once, stuffing,
thoughts, control tokens, keys that open judges, constants, constant programs, shotgun charts, length, and the blind
strategies of its kind. Prints which earn more than the floor. --search looks for better ones: it evolves templates
whose slots hold only what a policy sees, on one half of the rows, and scores the best on the other.
"""

EPILOG = """\
examples:
  table-rewards attack teds
  table-rewards attack table_bench train.parquet --search
  table-rewards attack table_bench train.parquet --search --option zero_point=blind --option facts=yes
  table-rewards attack mine.py:Exact train.jsonl
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("reward", metavar="REWARD", help="its name, module:Class or file.py:Class")
    parser.add_argument("data", metavar="DATA", nargs="*", help="rows with references (default: the shipped ones)")
    parser.add_argument("--profile", choices=("corrected", "released"), help="corrected (default) or released")
    parser.add_argument("--option", action="append", default=[], metavar="K=V", help="an option of the reward")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows to attack on (%(default)s)")
    parser.add_argument("--search", action="store_true", help="also search for better strategies")
    parser.add_argument("--generations", type=int, default=6, metavar="N", help="rounds of the search (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the search (%(default)s)")
    parser.add_argument("--step", type=int, metavar="N", help="the training step, for rewards with a schedule")
    parser.add_argument("--all", action="store_true", help="also show what earns nothing")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    """Look for worthless answers that a reward pays.

    Raises:
        ConfigurationError: an option is out of its range.
    """
    if arguments.limit < 2 or arguments.generations < 1:
        raise ConfigurationError("--limit must be at least 2 and --generations at least 1")
    reward = reward_of(arguments.reward, options_of(arguments))
    rows = _rows(arguments.data, arguments.reward, arguments.limit)
    target = Target(reward, rows, step=arguments.step)
    attacks = known_attacks(reward)
    note(f"{len(attacks)} attacks on {len(target)} of {len(rows)} rows: {reward.signature}")
    results = run_attacks(target, attacks)
    found = None
    if arguments.search:
        found = search(target, seed=arguments.seed, generations=arguments.generations, watch=note)
    if arguments.json:
        print(json.dumps(_as_json(target, results, found), ensure_ascii=False, indent=1))
    else:
        _print(target, results, found, everything=arguments.all)
    return DONE


def _rows(files: list[str], reward: str, limit: int) -> list[dict[str, Any]]:
    if not files:
        return shipped_rows(reward, limit)
    return [row for row in islice(RowSource(*files).rows(), limit) if isinstance(row, dict)]


def _print(target: Target, results: list[AttackResult], found: Found | None, *, everything: bool) -> None:
    paying = [one for one in results if one.mean > target.floor + 1e-9]
    shown = results if everything else paying[:20]
    if shown:
        lines = [
            [
                one.attack.family,
                number(one.mean),
                number(one.best),
                share(one.paid * len(target), len(target)),
                number(one.share, 3),
                _shown(one.attack.template),
            ]
            for one in shown
        ]
        heads = ["family", "mean", "best", "rows paid", "of honest", "completion"]
        for line in table(heads, lines, right=(1, 2, 3, 4)):
            print(line)
    honest = f"; the references as their own answers earn {number(target.honest_mean)}"
    known = honest if target.honest_mean == target.honest_mean else ""
    print()
    for line in filled(f"{len(paying)} of {len(results)} attacks earn more than the floor {target.floor:g}{known}."):
        print(line)
    if found is not None:
        best = _shown(found.attack.template, 200)
        text = (
            f"Search, {found.tried} strategies: the best earns {number(found.unseen)} on rows that it was not fitted "
            f"on ({number(found.fitted)} on the others), {number(found.share, 3)} of the way from the floor to an "
            f"honest answer; full marks on {share(found.full * 100, 100)} of the rows, {number(found.rest, 3)} of the "
            f"way on the rest: {best}"
        )
        for line in filled(text):
            print(line)


def _shown(template: str, room: int = 34) -> str:
    """A template in one line: the end says what it is, the beginning is the form."""
    line = " ".join(template.split())
    if not line:
        return "(nothing)"
    if len(line) > 10 * room:
        return f"{line[:room]} ... ({len(template):,} characters)"
    return line if len(line) <= room else f"... {line[-room:]}"


def _as_json(target: Target, results: list[AttackResult], found: Found | None) -> dict[str, Any]:
    def plain(value: float) -> float | None:
        return None if value != value else value

    told: dict[str, Any] = {
        "reward": target.reward.signature,
        "rows": len(target),
        "floor": target.floor,
        "honest": plain(target.honest_mean),
        "attacks": [
            {
                "family": one.attack.family,
                "completion": one.attack.template,
                "mean": plain(one.mean),
                "best": plain(one.best),
                "paid": one.paid,
                "share": one.share,
            }
            for one in results
        ],
    }
    if found is not None:
        told["search"] = {
            "completion": found.attack.template,
            "fitted": found.fitted,
            "unseen": found.unseen,
            "share": found.share,
            "full": found.full,
            "rest": found.rest,
            "tried": found.tried,
        }
    return told
