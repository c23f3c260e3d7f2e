"""`table-rewards list`: the rewards there are."""

from __future__ import annotations

import argparse
import inspect
import json
import textwrap
from typing import Any

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.pages.terminal import styled, width
from table_rewards.core.errors import TableRewardsError
from table_rewards.core.registry import find, names

DESCRIPTION = """\
List every reward: those of this package and those that installed packages offer through the entry-point group
table_rewards.rewards.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    told = [describe(name) for name in arguments.names or names()]
    if arguments.json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return DONE
    print("\n\n".join(_shown(one) for one in told))
    return DONE


def describe(name: str) -> dict[str, Any]:
    """A reward in words: what it is, its options, its parts, its reference.

    >>> describe("table_bench")["class"], "em" in describe("table_bench")["parts"]
    ('TableBench', True)

    Raises:
        UnknownName: no such reward.
    """
    reward = find(name)
    defaults = {
        parameter.name: parameter.default
        for parameter in inspect.signature(reward.__init__).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    try:
        parts = reward().parts
    except (TableRewardsError, TypeError):  # it needs options, such as endpoints
        parts = reward.parts if isinstance(reward.parts, tuple) else ()
    return {
        "name": name,
        "class": reward.__name__,
        "module": reward.__module__,
        "what": _first_sentence(reward),
        "reference": _first_sentence(reward.reference_type),
        "parts": list(parts),
        "waits": bool(reward.waits),
        "options": {key: None if value is inspect.Parameter.empty else value for key, value in defaults.items()},
    }


def _first_sentence(thing: type) -> str:
    text = inspect.getdoc(thing) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _shown(one: dict[str, Any]) -> str:
    room = width()
    options = ", ".join(f"{key}={value!r}" for key, value in one["options"].items())
    lines = [f"{styled(one['name'], 'bold')}  {one['class']}" + ("  (waits)" if one["waits"] else "")]
    for label, text in (
        ("", one["what"]),
        ("reference", one["reference"]),
        ("parts", ", ".join(one["parts"]) or "none"),
        ("options", options),
    ):
        lead = f"  {label:<10}" if label else "  "
        lines.append(textwrap.fill(text, room, initial_indent=lead, subsequent_indent=" " * len(lead)))
    return "\n".join(lines)
