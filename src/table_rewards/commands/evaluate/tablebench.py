"""`table-rewards evaluate tablebench FILE`: the official parse and evaluation in one command."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.pages.progress import followed
from table_rewards.commands.task import Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Profile
from table_rewards.core.rows import plain
from table_rewards.datasets.files import read_rows, require_columns
from table_rewards.evaluation.tablebench import Evaluation, Parsed, evaluate, headline, parse_predictions
from table_rewards.rewards.table_bench.programs import ProgramRunner

DESCRIPTION = """\
Compute TableBench's official numbers from predictions: subtype, type and overall scores, Parse@1, and for programs and
charts ECR@1 and Pass@1. FILE holds one row a prediction: qtype, qsubtype, answer, instruction_type, table (or
table.columns and table.data), and prediction (official) or response (Table-R1); model_name where there are several.
Prints the released numbers, comparable with published ones, beside the corrected ones.
"""

PROFILES: Final[tuple[Profile, ...]] = ("released", "corrected")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("file", metavar="FILE", nargs="+", help="predictions: JSON lines, JSON or parquet")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write the official files there (json, and csv with tabs), the corrected ones in DIR/corrected",
    )
    parser.add_argument("--model-name", metavar="NAME", help="for rows without model_name")
    parser.add_argument("--cpu-seconds", type=float, default=15.0, metavar="S", help="of one program (%(default)s)")
    parser.add_argument("--sandbox", default="local", help="local or sandbox_fusion (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Compute TableBench's numbers.

    Raises:
        ConfigurationError: the files have no rows.
    """
    rows = [row for name in arguments.file for row in _rows(Path(name), arguments.model_name)]
    if not rows:
        raise ConfigurationError(f"no rows in {', '.join(arguments.file)}")
    runner = ProgramRunner(arguments.sandbox, arguments.cpu_seconds)
    parsed = {profile: _parse(rows, profile, runner) for profile in PROFILES}
    found = {profile: evaluate(parsed[profile], profile) for profile in PROFILES}
    if arguments.out is not None:
        for profile in PROFILES:
            folder = arguments.out if profile == "released" else arguments.out / profile
            write_official(folder, parsed[profile], found[profile])
    if arguments.json:
        print(json.dumps({p: {"subtypes": e.subtypes, "types": e.types} for p, e in found.items()}, indent=2))
    else:
        print("\n".join(page(found)))
    if arguments.out is not None and not arguments.json:
        print(f"\nWritten to {arguments.out} (corrected: {arguments.out / 'corrected'}).")
    unscored = max(evaluation.unscored for evaluation in found.values())
    if unscored:
        reasons = sorted({one.unscored for some in parsed.values() for one in some if one.unscored})
        print(f"{unscored} of {len(rows)} unscored, left out of every mean: {'; '.join(reasons[:3])}", file=sys.stderr)
    return INCOMPLETE if unscored else DONE


def page(found: Mapping[Profile, Evaluation]) -> list[str]:
    """The printed tables: for each method its types and subtypes, released beside corrected."""
    lines: list[str] = []
    released, corrected = found["released"], found["corrected"]
    for method, types in released.types.items():
        lines += ["", method, f"  {'':42}{'n':>5}{'released':>10}{'corrected':>11}"]
        subtypes = released.subtypes[method]
        for qtype, numbers in types.items():
            other = corrected.types.get(method, {}).get(qtype, {})
            lines.append(_line(qtype, qtype, numbers, other))
            for name in sorted(subtypes):
                if name.partition("_")[0] == qtype:
                    other = corrected.subtypes.get(method, {}).get(name, {})
                    lines.append(_line(f"  {name.partition('_')[2]}", name, subtypes[name], other))
        overall = types["Overall"]
        shares = [f"{name} {overall[name]:g}" for name in ("Parse@1", "ECR@1") if name in overall]
        lines.append(f"  {', '.join(shares)}")
    return lines[1:]


def _line(shown: str, name: str, numbers: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    second = f"{headline(name, other):11.2f}" if other else f"{'-':>11}"
    return f"  {shown:42}{numbers['total']:5}{headline(name, numbers):10.2f}{second}"


def write_official(folder: Path, parsed: Sequence[Parsed], found: Evaluation) -> None:
    """Write the files of the official scripts, under their names."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "parsed_results.jsonl").open("w", encoding="utf-8", errors="replace") as file:
        for one in parsed:
            file.write(json.dumps({**one.row, "parsed_result": one.result}, ensure_ascii=False) + "\n")
    merged = [
        {**{k: v for k, v in one.row.items() if k not in ("instruction", "prediction")}, "parsed_result": one.result}
        for one in parsed
    ]
    _write_json(folder / "overall_sim_inference_results.json", merged)
    for level, numbers in (("subtype", found.subtypes), ("type", found.types)):
        _write_json(folder / f"llm_eval_{level}_results.json", numbers)
        _write_tabs(folder / f"llm_eval_{level}_results.csv", numbers)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=4, ensure_ascii=False), encoding="utf-8", errors="replace")


def _write_tabs(path: Path, numbers: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    columns = list(dict.fromkeys(name for method in numbers.values() for name in method))
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["model_name", "instruction_type", *columns])
        for method, named in numbers.items():
            model, _, instruction = method.rpartition("/")
            cells = [headline(name, named[name]) if name in named else "" for name in columns]
            writer.writerow([model, instruction, *cells])


def _rows(path: Path, model_name: str | None) -> Iterable[dict[str, Any]]:
    require_columns(path, ["qtype", "qsubtype", "answer"])
    for row in read_rows(path):
        row = plain(row)
        if row.get("model_name") is None:
            row["model_name"] = model_name or path.stem
        yield row


def _parse(rows: Sequence[dict[str, Any]], profile: Profile, runner: ProgramRunner) -> list[Parsed]:
    return list(followed(parse_predictions(rows, profile, runner), len(rows), f"rows, {profile}"))


SUBCOMMANDS: Final[
    Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]]
] = {"tablebench": Task("TableBench's official numbers, released and corrected side by side", configure, run)}
