"""`table-rewards audit`: which rows of a training file would teach a model something wrong."""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path
from typing import Any

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.output_files import refuse_inputs
from table_rewards.commands.pages.terminal import cut, filled, note, share, table, width
from table_rewards.commands.reward_options import add_reward_arguments, reward_from
from table_rewards.core.reward import Reward
from table_rewards.datasets.files import BrokenRow, RowSource, RowWriter
from table_rewards.evaluation.audit.auditing import Audit, Auditor
from table_rewards.evaluation.audit.findings import DROPPED, KINDS
from table_rewards.evaluation.scores.layout import named_value
from table_rewards.testing.attacks import AttackResult, Target, run_attacks

DESCRIPTION = """\
Look at the gold answers of a training file: can they be read, does each earn full marks as its own answer, are they
what a template left, do equal prompts have answers that contradict one another, do percent signs disagree with the
question, are tables empty, do prompts stand in a test file too; and what does the best known attack earn that needs no
gold answer.

With --out, the rows that are sound are written to one file, and every finding with its row to another.
"""

EPILOG = """\
examples:
  table-rewards audit train.parquet --reward table_region --test test.parquet --out clean.parquet
  table-rewards audit train.jsonl --reward mathematics --also repeated --out clean.jsonl
"""


BLIND_ROWS, PROGRAM_ROWS = 100, 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("file", metavar="DATA", help="rows with prompts and references")
    add_reward_arguments(parser)
    parser.add_argument("--reference-column", metavar="C", help="the column that is the ground truth")
    parser.add_argument(
        "--test", action="append", default=[], metavar="FILE", help="a file to stay apart from; repeat it"
    )
    parser.add_argument(
        "--blind",
        action=argparse.BooleanOptionalAction,
        help=f"what the best known attack without the answer earns on {BLIND_ROWS} rows, {PROGRAM_ROWS} where programs "
        "run (default: yes, unless the reward asks a model)",
    )
    out = parser.add_argument_group("output")
    out.add_argument("--out", type=Path, metavar="FILE", help="write the sound rows to .parquet, .jsonl or .json")
    out.add_argument("--reasons", type=Path, metavar="FILE", help="write the findings here (OUT.reasons.jsonl)")
    out.add_argument(
        "--also", action="append", default=[], choices=[kind for kind in KINDS if kind not in DROPPED], metavar="KIND",
        help="leave rows with this remark out too: " + ", ".join(kind for kind in KINDS if kind not in DROPPED),
    )  # fmt: skip
    out.add_argument(
        "--keep", action="append", default=[], choices=DROPPED, metavar="KIND",
        help="keep rows with this finding: " + ", ".join(DROPPED),
    )  # fmt: skip
    out.add_argument("--json", action="store_true", help="the counts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look for the rows of a data set that a reward cannot use.

    Raises:
        ConfigurationError: the report would be written over the data.
    """
    reasons: Path | None = arguments.reasons
    if arguments.out is not None:
        if reasons is None:
            reasons = arguments.out.with_name(arguments.out.name + ".reasons.jsonl")
        refuse_inputs(arguments.out, RowSource(arguments.file).files, what="DATA")
    reward = reward_from(arguments)
    auditor = Auditor(
        RowSource(arguments.file),
        reward,
        reference=arguments.reference_column,
        tests=[RowSource(test) for test in arguments.test],
    )
    found = auditor.run()
    kinds = [kind for kind in (*DROPPED, *arguments.also) if kind not in arguments.keep]
    dropped = found.dropped(kinds)
    if reasons is not None:
        with RowWriter(reasons) as writer:
            writer.write(
                {"row": one.row, "finding": one.kind, "detail": one.detail, "left_out": one.row in dropped}
                for one in found.findings
            )
    if arguments.out is not None:
        with RowWriter(arguments.out) as writer:
            writer.write(auditor.clean(found, kinds))
        note(f"wrote {arguments.out}: {writer.count:,} of {found.rows:,} rows; the findings are in {reasons}")
    wanted = not reward.waits if arguments.blind is None else arguments.blind
    blind = _blind(reward, arguments.file, arguments.reference_column) if wanted and found.judged else None
    if arguments.json:
        told: dict[str, Any] = {
            "file": str(arguments.file),
            "rows": found.rows,
            "judged": found.judged,
            "left_out": len(dropped),
        }
        if blind is not None:
            told["blind"] = {"mean": blind[0].mean, "share": blind[0].share, "completion": blind[0].attack.template}
        print(json.dumps({**told, "findings": found.counted(), "signature": reward.signature}, indent=1))
    else:
        print("\n".join(_page(found, kinds, dropped, arguments.file)))
        if blind is not None:
            print("\n" + "\n".join(_told_blind(*blind)))
    return DONE


def _blind(reward: Reward[Any], name: str, column: str | None) -> tuple[AttackResult, int]:
    """The best known attack that needs no answer, and on how many rows it was carried out."""
    whole = (row for row in RowSource(name).rows(broken="yield") if not isinstance(row, BrokenRow))
    rows = islice(whole, PROGRAM_ROWS if reward.runs_programs else BLIND_ROWS)
    read = [{**row, "ground_truth": named_value(row, column)} if column is not None else row for row in rows]
    target = Target(reward, read)
    return run_attacks(target)[0], len(target)


def _told_blind(best: AttackResult, rows: int) -> list[str]:
    template = " ".join(best.attack.template.split())
    shown = template if len(template) <= 100 else f"{template[:50]} ... {template[-50:]}"
    return filled(
        f"Without the answer, the best known attack ({best.attack.family}) earns {best.mean:.3f} on {rows} rows, "
        f"{best.share:.0%} of the way from the floor to the gold answers: {shown}"
    )


def _page(found: Audit, kinds: list[str], dropped: set[int], name: str) -> list[str]:
    lines = filled(
        f"{name}: {found.rows:,} rows; {found.judged:,} gold answers were judged as their own answer; "
        f"{len(dropped):,} rows ({share(len(dropped), found.rows)}) would be left out"
    )
    counts = found.counted()
    if not counts:
        return [*lines, "nothing found"]
    rows = []
    for kind, meaning in KINDS.items():
        if kind in counts:
            fate = "left out" if kind in kinds else "remark"
            rows.append([f"{counts[kind]:,}", kind, fate, meaning])
    lines += ["", *table(("rows", "finding", "", "what"), rows, right=[0])]
    for kind in counts:
        first = next(one for one in found.findings if one.kind == kind)
        lines += ["", *([f"{kind}, first in row {first.row:,}:"]), "  " + cut(first.detail, width() - 4)]
    return lines
