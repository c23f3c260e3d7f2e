"""The arguments of every command that asks a model: where it is, its key, any option of the pool or the sampling."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.reward_options import read_options
from table_rewards.core.errors import UnknownName
from table_rewards.llm import ChatPool, Sampling, get_pool

CACHE_MB: Final = 100_000.0
"""Of a cache that a command goes on from: it must hold every reply of the run."""


def add_endpoint_arguments(parser: Any, prefix: str = "", *, whose: str = "", same: str = "$llm_serve_urls") -> None:
    """Add ``--endpoint``, ``--model``, ``--api-key-env``, ``--endpoint-option`` and ``--sampling``.

    Args:
        parser: a parser or a group of one.
        prefix: in front of each name, such as ``check-``.
        whose: which model is meant, for the help.
        same: what holds without ``--endpoint``, for the help.
    """
    parser.add_argument(
        f"--{prefix}endpoint",
        action="append",
        metavar="URL",
        help=f"server{whose}; repeat it, or separate several by commas (default: {same})",
    )
    parser.add_argument(f"--{prefix}model", metavar="NAME", help=f"name of the model{whose} (default: the one served)")
    parser.add_argument(f"--{prefix}api-key-env", metavar="NAME", help="environment variable that holds the API key")
    parser.add_argument(
        f"--{prefix}endpoint-option",
        action="append",
        default=[],
        metavar="K=V",
        help="an option of the pool (docs/llm.md), such as requests_per_minute=600, max_cost=5 or "
        """'default_headers={"api-key": "$AZURE_KEY"}'; repeat it""",
    )
    parser.add_argument(
        f"--{prefix}sampling",
        action="append",
        default=[],
        metavar="K=V",
        help="a field of the sampling, such as temperature=none (not sent) or max_completion_tokens=512; repeat it",
    )


def add_cache(parser: Any) -> None:
    """Add ``--cache``, which makes a command go on where it was stopped."""
    parser.add_argument(
        "--cache",
        metavar="FILE",
        help="SQLite file of the replies, from which the same command goes on where it was stopped; none keeps none "
        "(OUT.cache.sqlite)",
    )


def cache_of(arguments: argparse.Namespace, out: Path) -> str | None:
    """The file that ``--cache`` names, beside the output where it names none.

    >>> cache_of(argparse.Namespace(cache=None), Path("sft.jsonl"))
    'sft.jsonl.cache.sqlite'
    """
    if arguments.cache is None:
        out.parent.mkdir(parents=True, exist_ok=True)
        return f"{out}.cache.sqlite"
    return None if arguments.cache == "none" else str(arguments.cache)


def pool_of(arguments: argparse.Namespace, prefix: str = "", **defaults: Any) -> ChatPool:
    """The pool that the arguments name.

    Raises:
        ConfigurationError: an address or an option cannot work.
    """
    given = {
        "model": _of(arguments, prefix, "model"),
        "api_key_env": _of(arguments, prefix, "api_key_env"),
    }
    given = {name: value for name, value in given.items() if value is not None}
    options = {**defaults, **given, **read_options(_of(arguments, prefix, "endpoint_option"))}
    endpoints = _of(arguments, prefix, "endpoint") or defaults.get("endpoints")
    options.pop("endpoints", None)
    return get_pool(endpoints[0] if isinstance(endpoints, list) and len(endpoints) == 1 else endpoints, **options)


def sampling_of(arguments: argparse.Namespace, prefix: str = "", **fields: Any) -> Sampling:
    """The sampling that a command uses, changed as the arguments say.

    Raises:
        UnknownName: a field that there is not.
        ConfigurationError: a value that no server would take.
    """
    known = [field.name for field in dataclasses.fields(Sampling)]
    changes = read_options(_of(arguments, prefix, "sampling"))
    for name in changes:
        if name not in known:
            raise UnknownName("field of sampling", name, known)
    return Sampling(**{**fields, **changes})


def _of(arguments: argparse.Namespace, prefix: str, name: str) -> Any:
    return getattr(arguments, f"{prefix}{name}".replace("-", "_"))
