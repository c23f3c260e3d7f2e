"""The command line as a person uses it: a process of its own."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

from table_rewards.commands.main import COMMANDS, _tasks, main

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
RUN = "import sys; from table_rewards.commands.main import main; sys.exit(main())"


def command(*words, check=None, columns=100, stdin=None):
    """Run `table-rewards WORDS`; return the finished process."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8"},
        input=stdin,
        timeout=100,
    )
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


def here(*words, check=None, columns=100, glyphs=False):
    """Run `table-rewards WORDS` in this process, which costs no start; ``glyphs``: on a stream that takes any."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) if glyphs else io.StringIO() for _ in "oe")
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main([*map(str, words)])
            except SystemExit as left:
                status = left.code
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    said = [one.buffer.getvalue().decode() if glyphs else one.getvalue() for one in (out, err)]
    done = subprocess.CompletedProcess(words, status, *said)
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


def parsed(words):
    """What the parser that the command line would use makes of the words behind `table-rewards`; nothing is run."""
    name, *rest = words
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    if name in ("prepare", "evaluate"):
        _tasks(name)[rest[0]][1](parser)
        return parser.parse_args(rest[1:])
    homes = {command: home for group in COMMANDS.values() for command, (_, home) in group.items()}
    module = importlib.import_module(homes[name])
    (module.configure if hasattr(module, "configure") else module.add_arguments)(parser)
    return parser.parse_args(rest)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def read(path):
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


def answers(count, **columns):
    """Rows for `table_bench`: every third is wrong, every fifth holds no answer."""
    types = ("NumericalReasoning", "FactChecking", "DataAnalysis")
    return [
        {
            "id": f"r{i}",
            "qtype": types[i % 3],
            "qsubtype": "Counting",
            "answer": str(i),
            "prediction": "I cannot tell." if i % 5 == 0 else f"Final Answer: {i + (i % 3 == 0) * 1000}",
            **columns,
        }
        for i in range(count)
    ]
