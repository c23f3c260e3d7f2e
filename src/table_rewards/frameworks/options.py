"""Options, one way for every framework: arguments of the function, then the environment, then a TOML file.

====================================  ===============================================================================
``TABLE_REWARDS_TABLE_BENCH_METRIC``  an option of one reward
``TABLE_REWARDS_UNSCORED``            an option of the adapter, for all rewards
``TABLE_REWARDS_CONFIG``              a TOML file: ``[adapter]`` for all rewards, ``[table_bench]`` for one,
                                      ``[routes]`` and ``[mixed]`` for verl's `route` and `mixed`
====================================  ===============================================================================

A variable with this prefix or a table of the file that belongs to nobody is an error which names the nearest one.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.registry import find, names
from table_rewards.core.rows import plain

ADAPTER_OPTIONS: Final = (
    *("unscored", "unscored_ceiling", "batch_size", "batch_window_s"),
    *("service", "service_deadline_s", "service_batch"),
    *("observe", "observe_share"),
)
"""What every reward takes in a framework, besides its own options."""

CONFIG: Final = "TABLE_REWARDS_CONFIG"
PREFIX: Final = "TABLE_REWARDS_"
ADAPTER_TABLE: Final = "adapter"
COMPOSED_TABLES: Final = ("routes", "mixed")

OTHER_VARIABLES: Final = (
    CONFIG,
    "TABLE_REWARDS_API_KEY",
    "TABLE_REWARDS_CANARY",
    "TABLE_REWARDS_CPUS",
    "TABLE_REWARDS_DEBUG",
    "TABLE_REWARDS_ENDPOINTS",
    "TABLE_REWARDS_FILTER_ROUNDS",
    "TABLE_REWARDS_FILTER_TAILS",
    "TABLE_REWARDS_INTEGRATION",
    "TABLE_REWARDS_MATH_WORKERS",
    "TABLE_REWARDS_MIXED",
    "TABLE_REWARDS_REWARD",
    "TABLE_REWARDS_REWARD",
    "TABLE_REWARDS_ROUTES",
    "TABLE_REWARDS_SERVICE_TOKEN",
    "TABLE_REWARDS_SERVICE_TOKEN",
    "TABLE_REWARDS_STEP_WEIGHT",
    "TABLE_REWARDS_WORKERS",
)
"""Variables of the library that are no option of a reward."""

_KEY_OPTIONS: Final = ("api_key_env",)  # options whose value is the name of a variable

_WORDS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "none": None}


@dataclass
class Options:
    """What is in force for one reward, and where each value came from.

    Attributes:
        own: options of the reward.
        adapter: options of the adapter.
        sources: option -> ``argument``, the variable's name, or the file with its table.
    """

    own: dict[str, Any] = field(default_factory=dict)
    adapter: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        given = {**self.own, **self.adapter}
        told = [f"{name}={_shown(name, value)} ({self.sources[name]})" for name, value in given.items()]
        return ", ".join(told) or "all at their defaults"


def resolve(name: str, given: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Options:
    """Return the options of a reward: ``given`` first, then the environment, then the TOML file.

    >>> found = resolve("table_bench", {"unscored": 0.0}, {"TABLE_REWARDS_TABLE_BENCH_METRIC": "em"})
    >>> found.own, found.adapter
    ({'metric': 'em'}, {'unscored': 0.0})
    >>> print(found)
    metric=em (TABLE_REWARDS_TABLE_BENCH_METRIC), unscored=0.0 (argument)

    Raises:
        UnknownName: no such option, variable or table; names the nearest.
        ConfigurationError: the file cannot be read.
    """
    environ = os.environ if environ is None else environ
    found = Options()
    values: dict[str, Any] = {}
    for option, (value, source) in _configured(name, environ).items():
        values[option], found.sources[option] = value, source
    for option, value in given.items():
        values[option], found.sources[option] = value, "argument"
    found.own, found.adapter = split_options(name, values)
    return found


def split_options(name: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (options of the reward, options of the adapter), in plain Python.

    >>> split_options("table_bench", {"metric": "em", "unscored": 0.0})
    ({'metric': 'em'}, {'unscored': 0.0})
    >>> split_options("table_bench", {"metrik": "em"})
    Traceback (most recent call last):
    table_rewards.core.errors.UnknownName: unknown option of table_bench 'metrik' (did you mean 'metric'?); known: ...

    Raises:
        UnknownName: no such option; names the nearest.
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
    """Return the options of a reward that come from the TOML file and, stronger, from the environment.

    Values from the environment are JSON where they parse as JSON, truth values for yes, no, on, off, else text.

    >>> configured("table_bench", {"TABLE_REWARDS_TABLE_BENCH_METRIC": "em", "TABLE_REWARDS_UNSCORED": "raise"})
    {'unscored': 'raise', 'metric': 'em'}
    """
    found = _configured(name, os.environ if environ is None else environ)
    return {option: value for option, (value, _) in found.items()}


def composed(table: str, environ: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    """Return what the configuration says for ``routes`` or ``mixed``: a variable with JSON, else the file's table.

    Raises:
        ConfigurationError: a variable is no JSON object.

    >>> composed("routes", {"TABLE_REWARDS_ROUTES": '{"openai/gsm8k": "mathematics"}'})
    {'openai/gsm8k': 'mathematics'}
    """
    environ = os.environ if environ is None else environ
    variable = f"{PREFIX}{table.upper()}"
    if variable in environ:
        value = read_value(environ[variable])
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{variable} must be a JSON object, not {environ[variable][:60]!r}")
        return value
    return _table(_tables(environ), table, environ)


def check_environment(environ: Mapping[str, str] | None = None, allowed: Iterable[str] = ()) -> None:
    """Raise for a variable with our prefix that is nobody's.

    >>> check_environment({"TABLE_REWARDS_TABLE_BENCH_METRIK": "em"})
    Traceback (most recent call last):
    table_rewards.core.errors.ConfigurationError: the environment variable TABLE_REWARDS_TABLE_BENCH_METRIK belongs ...

    Raises:
        ConfigurationError: there is one; names the nearest that is known.
    """
    environ = os.environ if environ is None else environ
    fine = {*OTHER_VARIABLES, *(f"{PREFIX}{option.upper()}" for option in ADAPTER_OPTIONS), *allowed}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in fine:
            continue
        rewards = [name for name in names() if variable.startswith(f"{PREFIX}{name.upper()}_")]
        if any(variable in _variables(name) for name in rewards):
            continue
        known = [known for name in rewards or names() for known in _variables(name)]
        close = get_close_matches(variable, [*known, *sorted(fine)], n=1, cutoff=0.6)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ConfigurationError(
            f"the environment variable {variable} belongs to nobody{hint}; known: "
            f"{PREFIX}<REWARD>_<OPTION> and {', '.join(sorted(fine))}"
        )


def read_value(text: str) -> Any:
    """Read a value from text: JSON, a truth value or "none" in words, else the text itself.

    >>> read_value("yes"), read_value("none"), read_value("0.5"), read_value('["a"]'), read_value("linear(0.3, 0.1, 9)")
    (True, None, 0.5, ['a'], 'linear(0.3, 0.1, 9)')
    """
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _configured(name: str, environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    options: dict[str, tuple[Any, str]] = {}
    tables = _tables(environ)
    for table in (ADAPTER_TABLE, name):
        for option, value in _table(tables, table, environ).items():
            if table == ADAPTER_TABLE and option not in ADAPTER_OPTIONS:
                raise UnknownName(f"option in [adapter] of {environ[CONFIG]}", option, ADAPTER_OPTIONS)
            options[option] = (value, f"{environ[CONFIG]} [{table}]")
    keys = [str(value) for option, (value, _) in options.items() if option in _KEY_OPTIONS]
    keys += [environ[v] for v in environ if v.startswith(PREFIX) and v.lower().endswith(_KEY_OPTIONS)]
    keys += [str(t[o]) for t in tables.values() if isinstance(t, Mapping) for o in _KEY_OPTIONS if o in t]
    check_environment(environ, keys)
    known = find(name).option_names()
    variables = [(f"{PREFIX}{option.upper()}", option) for option in ADAPTER_OPTIONS]
    variables += [(f"{PREFIX}{name.upper()}_{option.upper()}", option) for option in (*known, *ADAPTER_OPTIONS)]
    for variable, option in variables:
        if variable in environ:
            options[option] = (read_value(environ[variable]), variable)
    return options


def _variables(name: str) -> list[str]:
    return [f"{PREFIX}{name.upper()}_{option.upper()}" for option in (*find(name).option_names(), *ADAPTER_OPTIONS)]


def _tables(environ: Mapping[str, str]) -> dict[str, Any]:
    """The TOML file's tables; empty without a file."""
    path = environ.get(CONFIG)
    if not path:
        return {}
    tables = _read_toml(path)
    known = (ADAPTER_TABLE, *COMPOSED_TABLES, *names())
    for table in tables:
        if table not in known:
            raise UnknownName(f"table in {path}", table, known)
    return tables


def _table(tables: Mapping[str, Any], table: str, environ: Mapping[str, str]) -> Mapping[str, Any]:
    section = tables.get(table, {})
    if not isinstance(section, Mapping):
        raise ConfigurationError(f"{CONFIG}: [{table}] in {environ[CONFIG]} must be a table, not {section!r}")
    return section


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


def _shown(option: str, value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
