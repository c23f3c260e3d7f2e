"""What the commands share that have a model complete a file's rows: they ask, go on where they stopped, and say so."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from table_rewards.commands.endpoint_arguments import pool_of
from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.output_files import refuse_inputs
from table_rewards.datasets.completed_rows import Asked, Question, ask_rows
from table_rewards.datasets.files import count_rows


def complete_rows(
    options: argparse.Namespace,
    source: Path,
    out: Path,
    identity: Mapping[str, Any],
    questions: Iterable[tuple[int, Question]],
) -> Asked:
    """Ask the questions of a file's rows at the endpoints that ``options`` name, and write the rows to ``out``.

    Args:
        options: with ``--attempts``, ``--overwrite`` and the arguments of an endpoint.
        source: the file, which is counted for the progress bar.
        out: ``.jsonl``; a run that was cut short goes on there.
        identity: what the lines of ``out`` depend on, beside the rows; the model is added.
        questions: (row, question).

    Raises:
        ConfigurationError: ``out`` is another run's, or an option cannot be.
    """
    from table_rewards.commands.pages.progress import Progress

    refuse_inputs(out, [source])
    pool = pool_of(options, timeout_s=600.0, deadline_s=1800.0, workers=1)
    with Progress(count_rows(source) or 0, "rows") as bar:
        return ask_rows(
            out,
            {**identity, "model": options.model},
            questions,
            pool,
            attempts=options.attempts,
            overwrite=options.overwrite,
            progress=bar.update,
        )


def report_completed(out: Path, asked: Asked, what: str) -> int:
    """Say what came of asking, list the failures beside the file, and return the exit status."""
    listed = out.with_suffix(".failed.jsonl")
    lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in asked.failures)
    if lines:
        listed.write_text(lines, "utf-8", "replace")
    else:
        listed.unlink(missing_ok=True)
    fresh = asked.written - asked.passed_on
    parts = [f"{fresh:,} {what}"]
    if asked.passed_on:
        parts.append(f"{asked.passed_on:,} as they were")
    if asked.before:
        parts.append(f"{asked.before:,} from before")
    print(f"{out}: {asked.before + asked.written:,} rows: {', '.join(parts)}")
    if not asked.failures:
        return DONE
    print(f"left out: {len(asked.failures):,} rows ({listed}); the same command asks them again", file=sys.stderr)
    for reason, count in asked.reasons.most_common(5):
        print(f"  {count:,} x {reason}", file=sys.stderr)
    return INCOMPLETE
