"""`table-rewards verl-args`: the overrides that make verl call a reward, right for each version of verl."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Final

from table_rewards.commands.adapter import ADAPTERS
from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.installed import shipped
from table_rewards.commands.pages.terminal import note
from table_rewards.commands.reward_options import read_options
from table_rewards.core.errors import ConfigurationError, UnknownName, one_of
from table_rewards.core.registry import create, find
from table_rewards.core.reward import PROFILES

NEWEST: Final = (0, 9, 1)
PACKAGE: Final = "pkg://table_rewards.frameworks.verl"
MANAGERS: Final = ("naive", "dapo", "batch", "prime", "gdpo", "rate_limited", "remote")

DESCRIPTION = """\
Print the overrides for verl's command line, one a line. The keys moved: up to 0.7.0 they are
custom_reward_function.*, from 0.7.1 on reward.custom_reward_function.*, and 0.9 accepts the old ones and ignores them
without a word. Remarks go to standard error.
"""

EPILOG = """\
examples:
  table-rewards verl-args table_bench | xargs python -m verl.trainer.main_ppo data.train_files=train.parquet ...
  table-rewards verl-args teds --verl-version 0.5 --option structure_only=yes
  table-rewards verl-args table_bench --for eval
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("reward", metavar="REWARD", help="its name; `table-rewards list` shows them")
    parser.add_argument(
        "--verl-version", metavar="V", help="such as 0.6.1 or main (default: the installed one, else 0.9.1)"
    )
    parser.add_argument("--profile", choices=PROFILES, help="corrected (default) or released")
    parser.add_argument("--option", action="append", default=[], metavar="K=V", help="an option of the reward")
    parser.add_argument("--manager", metavar="M", help=f"verl's reward manager: {', '.join(MANAGERS)}")
    parser.add_argument(
        "--for", dest="purpose", choices=("train", "eval"), default="train", help="main_ppo or main_eval (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="as a JSON object")


def run(arguments: argparse.Namespace) -> int:
    options = read_options(arguments.option)
    if arguments.profile is not None:
        options["profile"] = arguments.profile
    _check(arguments.reward, options)
    version = read_version(arguments.verl_version or _installed())
    overrides, remarks = verl_overrides(
        arguments.reward, version, options, manager=arguments.manager, evaluation=arguments.purpose == "eval"
    )
    if arguments.json:
        print(json.dumps(overrides, ensure_ascii=False, indent=1))
    else:
        for key, value in overrides.items():
            print(shlex.quote(f"{key}={hydra_value(value)}"))
    for remark in remarks:
        note(f"# {remark}")
    return DONE


def verl_overrides(
    reward: str,
    version: tuple[int, int, int],
    options: Mapping[str, Any],
    *,
    manager: str | None = None,
    evaluation: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Return the overrides, key -> value, and remarks.

    >>> verl_overrides("teds", (0, 9, 1), {"structure_only": True})[0]  # doctest: +NORMALIZE_WHITESPACE
    {'reward.custom_reward_function.path': 'pkg://table_rewards.frameworks.verl',
     'reward.custom_reward_function.name': 'teds',
     '+reward.custom_reward_function.reward_kwargs.structure_only': True}

    Raises:
        ConfigurationError: this verl has no way to do it.
    """
    if manager is not None:
        one_of("reward manager", manager, MANAGERS)
    shown = ".".join(map(str, version))
    if version < (0, 3, 0):
        raise ConfigurationError(
            f"verl {shown} has no setting for a reward function; use 0.3 or later, or pass compute_score to run_ppo"
        )
    moved, loop = version >= (0, 7, 1), version >= (0, 7, 0)
    remarks: list[str] = []
    overrides: dict[str, Any] = {}
    prefix = "reward.custom_reward_function" if moved else "custom_reward_function"
    unlisted = "+" if evaluation and moved else ""
    name = reward
    if evaluation or version < (0, 4, 0) or manager == "prime":
        name = f"{reward}_float"  # main_eval, prime and 0.3 take a number, never a dict
        if manager == "prime" and moved:
            raise ConfigurationError(f"verl {shown} cannot select the prime manager; its last version is 0.7.0")
    elif moved and manager == "batch":
        raise ConfigurationError(f"verl {shown} cannot select the batch manager; leave --manager out")
    elif (manager or ("batch" if not loop else "naive")) == "batch":
        name, manager = f"{reward}_batch", "batch"
    elif loop and find(reward).waits and manager != "remote":
        name = f"{reward}_async"
    overrides[f"{unlisted}{prefix}.path"] = PACKAGE if loop else str(shipped(ADAPTERS["verl"]))
    overrides[f"{unlisted}{prefix}.name"] = name
    if not evaluation:
        overrides.update(_manager(manager, version, remarks))
    if options and version < (0, 4, 0):
        raise ConfigurationError(f"verl {shown} cannot pass options to a reward function; use 0.4 or later")
    if options and evaluation and version < (0, 6, 0):
        remarks.append(f"main_eval of verl {shown} may leave reward_kwargs out; check the printed signature")
    for key, value in options.items():
        overrides[f"+{prefix}.reward_kwargs.{key}"] = value
    if moved and not evaluation:
        remarks.append("the old custom_reward_function.* keys are ignored by verl 0.9; leave them out")
    if not loop:
        remarks.append("verl reads the file by its path: it must stand there on every node")
    return overrides, remarks


def _manager(manager: str | None, version: tuple[int, int, int], remarks: list[str]) -> dict[str, Any]:
    if version >= (0, 7, 1):
        return {} if manager is None else {"reward.reward_manager.name": manager}
    if manager in ("gdpo",):
        raise ConfigurationError("the gdpo manager needs verl 0.7.1 or later")
    if version >= (0, 7, 0):
        if manager in ("batch", "prime"):
            return {"reward_model.reward_manager": manager, "reward_model.use_reward_loop": False}
        return {} if manager is None else {"reward_model.reward_manager": manager}
    if manager in ("rate_limited", "remote"):
        raise ConfigurationError(f"the {manager} manager needs verl 0.7.0 or later")
    if manager == "batch":
        remarks.append("the batch manager scores a whole batch in one call; --manager naive scores one at a time")
    return {} if manager is None else {"reward_model.reward_manager": manager}


def read_version(text: str) -> tuple[int, int, int]:
    """Read ``0.9``, ``v0.6.1``, ``0.7.0.dev``, ``main``; a release without its third number counts as its last.

    >>> read_version("0.6.1"), read_version("main"), read_version("0.7"), read_version("0.3.0.post1")
    ((0, 6, 1), (0, 9, 1), (0, 7, 1), (0, 3, 0))

    Raises:
        ConfigurationError: it is no version.
    """
    if text.strip().lower() in ("main", "latest", "newest"):
        return NEWEST
    match = re.fullmatch(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[.\-+a-z].*)?", text.strip().lower())
    if match is None:
        raise ConfigurationError(f"--verl-version takes a version such as 0.6.1, or main, not {text!r}")
    major, minor = int(match[1]), int(match[2])
    last = {(0, 2): 0, (0, 3): 0, (0, 4): 1, (0, 5): 0, (0, 6): 1, (0, 7): 1, (0, 8): 0, (0, 9): 1}
    return major, minor, int(match[3]) if match[3] else last.get((major, minor), 0)


def hydra_value(value: Any) -> str:
    """A value in the grammar of Hydra's overrides.

    >>> hydra_value(True), hydra_value(None), hydra_value("linear(0.3, 0.1, 9)"), hydra_value(["http://a/v1", "b"])
    ('true', 'null', '"linear(0.3, 0.1, 9)"', '["http://a/v1",b]')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return f"[{','.join(map(hydra_value, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{hydra_value(item)}" for key, item in value.items()) + "}"
    text = str(value)
    if text.startswith("pkg://") or (re.fullmatch(r"[A-Za-z_/][A-Za-z0-9_./\-]*", text) and not _is_word(text)):
        return text
    quoted = re.sub(
        r'(\\*)"', lambda match: match[1] * 2 + r"\"", text
    )  # Hydra halves backslashes before a quote alone
    trailing = len(quoted) - len(quoted.rstrip("\\"))
    return f'"{quoted}{quoted[len(quoted) - trailing :]}"'


def _is_word(text: str) -> bool:
    return text.lower() in ("true", "false", "null", "none", "nan", "inf", "yes", "no", "on", "off")


def _check(reward: str, options: dict[str, Any]) -> None:
    """Raise for what the reward would raise for at the start of a training run."""
    kind = find(reward)
    for option in options:
        if option not in kind.option_names():
            raise UnknownName(f"option of {reward}", option, kind.option_names())
    try:
        create(reward, **options)
    except ConfigurationError:
        if not kind.waits:  # endpoints and sandboxes may be there on the training machine only
            raise


def _installed() -> str:
    try:
        return metadata.version("verl")
    except metadata.PackageNotFoundError:
        return "main"
