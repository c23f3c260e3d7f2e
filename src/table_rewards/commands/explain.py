"""`table-rewards explain`: one completion of a file, its score, and the work behind it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from html import escape
from pathlib import Path

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.output_files import refuse_inputs
from table_rewards.commands.pages.html import write_page
from table_rewards.commands.pages.terminal import unicode_output, width
from table_rewards.commands.reward_options import add_reward_arguments, reward_from
from table_rewards.core.explanation.explanation import Explanation
from table_rewards.core.explanation.text import as_text
from table_rewards.evaluation.scores.one_sample import OneSample, sample_at
from table_rewards.evaluation.scores.scoring import plan

DESCRIPTION = """\
Score one completion of a file and show the work: what was taken for thoughts and for the answer, how both sides were
read, what each difference costs, and which step decided.

FILE, columns and reward are those of `score`; ROW and SAMPLE are the numbers that its scores carry, both from 0.
"""

EPILOG = """\
examples:
  table-rewards explain rollouts.jsonl --reward teds --row 17
  table-rewards explain rollouts.jsonl --reward table_bench --row 3 --sample 5 --html explained.html
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("file", metavar="FILE", help="rows with completions and references")
    parser.add_argument("--row", type=int, required=True, metavar="N", help="the row, counted from 0")
    parser.add_argument("--sample", type=int, default=0, metavar="K", help="the completion in it, from 0 (%(default)s)")
    add_reward_arguments(parser)
    where = parser.add_argument_group("columns")
    where.add_argument("--completion-column", metavar="C", help="the column of completions")
    where.add_argument("--reference-column", metavar="C", help="the column that is the ground truth")
    where.add_argument("--prompt-column", metavar="C", help="what the completions of one prompt have in common")
    out = parser.add_argument_group("output")
    out.add_argument("--html", type=Path, metavar="OUT", help="write the explanation as a page of its own")
    out.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--step", type=int, metavar="N", help="the training step, for rewards with a schedule")


def run(arguments: argparse.Namespace) -> int:
    reward = reward_from(arguments)
    how = plan(
        arguments.file,
        completion=arguments.completion_column,
        reference=arguments.reference_column,
        prompt=arguments.prompt_column,
        parts=reward.parts,
    )
    refuse_inputs(arguments.html, how.source.files, "--html")
    one = sample_at(how, arguments.row, arguments.sample, with_peers=not reward.deduplicates)
    told = reward.explain(one.completion, one.reference, step=arguments.step, peers=one.peers)
    if arguments.html is not None:
        title = f"{told.reward} on {how.name}, row {arguments.row}"
        write_page(arguments.html, _page(title, one, told))
    if arguments.json:
        about = {"file": how.name, "row": arguments.row, "sample": arguments.sample}
        print(json.dumps({**about, **told.to_dict()}, ensure_ascii=False, indent=1))
    elif arguments.html is None:
        _print(told)
    return DONE


def _print(told: Explanation) -> None:
    if sys.stdout.isatty() and unicode_output() and not os.environ.get("NO_COLOR"):
        from rich.console import Console

        Console(width=width(), highlight=False, markup=False, emoji=False).print(told)
        return
    text = as_text(told, width())
    if not unicode_output():
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        text = text.encode(encoding, "replace").decode(encoding)
    print(text)


def _page(title: str, one: OneSample, told: Explanation) -> str:
    asked = f"<details><summary>What was asked</summary><pre>{escape(one.prompt)}</pre></details>" if one.prompt else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<style>:root{color-scheme:light dark}body{margin:1.5em;max-width:90em;font-family:system-ui,sans-serif}"
        f"h1{{font-size:1.4em;overflow-wrap:anywhere}}pre{{white-space:pre-wrap}}</style><title>{escape(title)}</title><h1>{escape(title)}</h1>{asked}"
        f"{told._repr_html_()}</html>\n"
    )
