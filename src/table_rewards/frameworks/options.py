"""Options as frameworks deliver them: keyword arguments, OmegaConf objects, a TOML file, environment variables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.registry import find
from table_rewards.core.rows import plain

ADAPTER_OPTIONS: Final = ("unscored", "unscored_ceiling")
CONFIG: Final = "TABLE_REWARDS_CONFIG"
PREFIX: Final = "TABLE_REWARDS_"


def split_options(name: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (options of the reward, options of the adapter), in plain Python.

    >>> split_options("table_bench", {"metric": "em", "unscored": 0.0})
    ({'metric': 'em'}, {'unscored': 0.0})
    >>> split_options("table_bench", {"metrik": "em"})
    Traceback (most recent call last):
    table_rewards.core.errors.UnknownName: unknown option of table_bench 'metrik' (did you mean 'metric'?); known: ...
    """
    known = find(name).option_names()
    own: dict[str, Any] = {}
    adapter: dict[str, Any] = {}
    for option, value in given.items():
        if option in known:
            own[option] = plain(value)
        elif option in ADAPTER_OPTIONS:
            adapter[option] = plain(value)
        else:
            raise UnknownName(f"option of {name}", option, (*known, *ADAPTER_OPTIONS))
    return own, adapter


def configured(name: str, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the options of a reward from the TOML file that ``TABLE_REWARDS_CONFIG`` names, then from the environment.

    The file has a table a reward; ``[adapter]`` holds what goes for all. ``TABLE_REWARDS_TABLE_BENCH_METRIC=em`` sets
    one option and wins over the file. Values from the environment are JSON where they parse as JSON, else text.

    >>> configured("table_bench", {"TABLE_REWARDS_TABLE_BENCH_METRIC": "em", "TABLE_REWARDS_UNSCORED": "raise"})
    {'unscored': 'raise', 'metric': 'em'}
    """
    environ = os.environ if environ is None else environ
    options: dict[str, Any] = {}
    path = environ.get(CONFIG)
    if path:
        tables = _read_toml(path)
        for table in ("adapter", name):
            section = tables.get(table, {})
            if not isinstance(section, Mapping):
                raise ConfigurationError(f"{CONFIG}: [{table}] in {path} must be a table, not {section!r}")
            options.update(section)
    known = find(name).option_names()
    for option in ADAPTER_OPTIONS:
        options.update(_from_environment(environ, f"{PREFIX}{option.upper()}", option))
    for option in (*known, *ADAPTER_OPTIONS):
        options.update(_from_environment(environ, f"{PREFIX}{name.upper()}_{option.upper()}", option))
    return options


def _from_environment(environ: Mapping[str, str], variable: str, option: str) -> dict[str, Any]:
    text = environ.get(variable)
    if text is None:
        return {}
    try:
        return {option: json.loads(text)}
    except ValueError:
        return {option: text}


def _read_toml(path: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"{CONFIG} names {path}, which cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{CONFIG} names {path}, which is not TOML: {error}") from None
