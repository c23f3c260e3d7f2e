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
from table_rewards.commands.own_reward import is_place
from table_rewards.commands.pages.terminal import note
from table_rewards.commands.reward_options import read_options
from table_rewards.core.errors import ConfigurationError, UnknownName, one_of
from table_rewards.core.registry import create, find
from table_rewards.core.reward import PROFILES
from table_rewards.core.schedules import KINDS, Constant, Schedule
from table_rewards.frameworks.options import ADAPTER_OPTIONS, split_options
from table_rewards.frameworks.unscored import UnscoredPolicy
from table_rewards.frameworks.verl import ALIASES, FLOAT_ALIASES, check

NEWEST: Final = (0, 9, 1)
ESTIMATOR_MODULE: Final = "table_rewards.frameworks.advantages_verl"
VERLS: Final = ("grpo", "rloo", "reinforce_plus_plus", "reinforce_plus_plus_baseline", "opo")
ADVANTAGES: Final = (*VERLS, "tarpo", "tango_tokens")
PACKAGE: Final = "pkg://table_rewards.frameworks.verl"
MOVING: Final = frozenset(KINDS) - {"constant"}
OURS: Final = "TableRewardManager"
MANAGERS: Final = ("naive", "dapo", "batch", "prime", "gdpo", "rate_limited", "remote", OURS)

DESCRIPTION = """\
Print the overrides for verl's command line, one a line. The keys moved: up to 0.7.0 they are
custom_reward_function.*, from 0.7.1 on reward.custom_reward_function.*, and 0.9 accepts the old ones and ignores them
without a word. Several rewards become their weighted sum (`mixed`), routes pick the reward by data source (`route`),
and the published names of functions are known. Remarks go to standard error.
"""

EPILOG = """\
examples:
  table-rewards verl-args table_bench | xargs python -m verl.trainer.main_ppo data.train_files=train.parquet ...
  table-rewards verl-args teds --verl-version 0.5 --option structure_only=yes
  table-rewards verl-args table_bench --for eval
  table-rewards verl-args table_bench teds --weight teds=0.3 --option teds.structure_only=yes
  table-rewards verl-args --route openai/gsm8k=mathematics --route otherwise=table_bench --advantage grpo
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument(
        "rewards", nargs="*", metavar="REWARD", help="its name or a published function's; several: their weighted sum"
    )
    parser.add_argument(
        "--route", action="append", default=[], metavar="SOURCE=REWARD", help="by data source; `otherwise`: all others"
    )
    parser.add_argument("--weight", action="append", default=[], metavar="REWARD=W", help="of one of several rewards")
    parser.add_argument(
        "--advantage", metavar="A", help=f"leave unscored rollouts out of verl's estimator: {', '.join(ADVANTAGES)}"
    )
    parser.add_argument(
        "--verl-version", metavar="V", help="such as 0.6.1 or main (default: the installed one, else 0.9.1)"
    )
    parser.add_argument("--profile", choices=PROFILES, help="corrected (default) or released")
    parser.add_argument(
        "--option", action="append", default=[], metavar="K=V", help="an option; REWARD.K=V: of that one"
    )
    parser.add_argument(
        "--published",
        action="store_true",
        help="leave out the options that price what a blind policy earns (zero_point=blind and the like)",
    )
    parser.add_argument(
        "--manager",
        metavar="M",
        help=f"verl's reward manager: {', '.join(MANAGERS[:-1])}; or {OURS}, which tells a reward the step and the "
        "prompt (printed by itself where a weight is a schedule)",
    )
    parser.add_argument(
        "--for", dest="purpose", choices=("train", "eval"), default="train", help="main_ppo or main_eval (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="as a JSON object")


def run(arguments: argparse.Namespace) -> int:
    reward, options = _described(arguments)
    _check(reward, options)
    version = read_version(arguments.verl_version or _installed())
    added: list[str] = []
    if not arguments.published and arguments.purpose == "train" and version >= (0, 4, 0):
        options, added = for_training(reward, options)
    overrides, remarks = verl_overrides(
        reward,
        version,
        options,
        manager=arguments.manager,
        evaluation=arguments.purpose == "eval",
        advantage=arguments.advantage,
    )
    if added:
        remarks.append(
            f"{', '.join(added)}: what a blind policy earns is worth nothing, for training; --published leaves that "
            "out, see docs/blind.md"
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
    advantage: str | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Return the overrides, key -> value, and remarks.

    ``reward`` is a function's name of :mod:`table_rewards.frameworks.verl` without its suffix: a reward, a published
    name, ``route`` or ``mixed``.

    >>> verl_overrides("teds", (0, 9, 1), {"structure_only": True})[0]  # doctest: +NORMALIZE_WHITESPACE
    {'reward.custom_reward_function.path': 'pkg://table_rewards.frameworks.verl',
     'reward.custom_reward_function.name': 'teds_async',
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
    members = _rewards_of(reward, options)
    if evaluation or version < (0, 4, 0) or manager == "prime":
        name = (
            reward if reward in FLOAT_ALIASES else f"{reward}_float"
        )  # main_eval, prime and 0.3 take a number, never a dict
        if manager == "prime" and moved:
            raise ConfigurationError(f"verl {shown} cannot select the prime manager; its last version is 0.7.0")
    elif moved and manager == "batch":
        raise ConfigurationError(f"verl {shown} cannot select the batch manager; leave --manager out")
    elif (manager or ("batch" if not loop else "naive")) == "batch":
        name, manager = f"{reward}_batch", "batch"
    elif loop and manager != "remote" and any(map(_better_as_coroutine, members)):
        name = f"{reward}_async"
    elif reward in FLOAT_ALIASES:
        remarks.append(f"{reward} returns a number, as prime needs; unit_tests gives its parts as well")
    overrides[f"{unlisted}{prefix}.path"] = PACKAGE if loop else str(shipped(ADAPTERS["verl"]))
    overrides[f"{unlisted}{prefix}.name"] = name
    if not evaluation:
        if manager is None and moved and (_has_schedule(options) or _follows_training(members, reward, options)):
            manager = OURS
            remarks.append(f"{OURS}: a weight follows the training, and verl's own managers tell a reward no step")
        overrides.update(_manager(manager, version, remarks))
    if options and version < (0, 4, 0):
        raise ConfigurationError(f"verl {shown} cannot pass options to a reward function; use 0.4 or later")
    if options and evaluation and version < (0, 6, 0):
        remarks.append(f"main_eval of verl {shown} may leave reward_kwargs out; check the printed signature")
    for key, value in options.items():
        overrides[f"+{prefix}.reward_kwargs.{key}"] = value
    if "group_judge" in members and not evaluation:
        _whole_groups(reward, options, prefix, version, overrides, remarks)
    if advantage is not None:
        _advantage(advantage, version, overrides, remarks)
    elif moved and not evaluation:
        remarks.append("an unscored rollout counts with its filler unless --advantage leaves it out; see docs/verl.md")
    if moved and not evaluation:
        remarks.append("the old custom_reward_function.* keys are ignored by verl 0.9; leave them out")
    if not loop:
        remarks.append("verl reads the file by its path: it must stand there on every node")
    return overrides, remarks


def _whole_groups(
    reward: str,
    options: Mapping[str, Any],
    prefix: str,
    version: tuple[int, int, int],
    overrides: dict[str, Any],
    remarks: list[str],
) -> None:
    """A judge of groups needs the group in one process, and its size."""
    if version >= (0, 7, 1):
        overrides["reward.num_workers"] = 1
    elif version >= (0, 7, 0):
        overrides["reward_model.num_workers"] = 1
    if reward == "group_judge" and "group_size" not in options:
        overrides[f"+{prefix}.reward_kwargs.group_size"] = "${actor_rollout_ref.rollout.n}"
    elif reward != "group_judge":
        remarks.append("group_judge needs group_size among its options: the number of rollouts of a prompt")


def _advantage(name: str, version: tuple[int, int, int], overrides: dict[str, Any], remarks: list[str]) -> None:
    """The estimator that leaves unscored rollouts out, and the module that registers it."""
    one_of("advantage", name, ADVANTAGES)
    if version < (0, 6, 0):
        raise ConfigurationError("the estimators that leave unscored rollouts out need verl 0.6 or later")
    overrides["algorithm.adv_estimator"] = f"{name}_scored" if name in VERLS else name
    overrides["+ray_kwargs.ray_init.runtime_env.env_vars.VERL_USE_EXTERNAL_MODULES"] = ESTIMATOR_MODULE
    remarks.append(f"or export VERL_USE_EXTERNAL_MODULES={ESTIMATOR_MODULE} where ray starts, instead of the last key")


def _has_schedule(options: Any) -> bool:
    """Whether an option, of whichever reward, is a schedule over training."""
    if isinstance(options, Mapping):
        return any(_has_schedule(one) for one in options.values())
    return isinstance(options, str) and options.partition("(")[0].strip() in MOVING


def _follows_training(members: list[str], reward: str, options: Mapping[str, Any]) -> bool:
    """Whether a reward has a schedule among its defaults, where nothing else is said of it."""
    for name in members:
        own = options if reward == name else {}
        known = {key: value for key, value in own.items() if key in find(name).option_names()}
        try:
            made = create(name, **known)
        except ConfigurationError:  # it needs what is on the training machine only
            continue
        if any(isinstance(value, Schedule) and not isinstance(value, Constant) for value in vars(made).values()):
            return True
    return False


def _manager(manager: str | None, version: tuple[int, int, int], remarks: list[str]) -> dict[str, Any]:
    if manager == OURS:
        if version < (0, 7, 1):
            raise ConfigurationError(f"{OURS} needs verl 0.7.1 or later")
        return {
            "reward.reward_manager.source": "importlib",
            "reward.reward_manager.name": OURS,
            "reward.reward_manager.module.path": "pkg://table_rewards.frameworks.verl_manager",
        }
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


def for_training(reward: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The options with those that price what a blind policy earns, where nothing else was said, and what was added.

    Published names and ``profile="released"`` keep what they are.

    >>> for_training("teds", {"exact_numbers": False})
    ({'exact_numbers': False, 'zero_point': 'blind'}, ['zero_point=blind'])
    >>> for_training("ranking", {"profile": "released"})
    ({'profile': 'released'}, [])
    """
    found = dict(options)
    if reward == "mixed":
        pairs = {name: for_training(str(own.get("reward", name)), own) for name, own in options["rewards"].items()}
        found["rewards"] = {name: own for name, (own, _) in pairs.items()}
    elif reward == "route":
        routes = {
            source: one if isinstance(one, Mapping) else {"reward": one} for source, one in options["routes"].items()
        }
        pairs = {source: for_training(str(own["reward"]), own) for source, own in routes.items()}
        found["routes"] = {source: own if len(own) > 1 else own["reward"] for source, (own, _) in pairs.items()}
    else:
        if reward in ALIASES or options.get("profile") == "released":
            return found, []
        more = {name: value for name, value in find(reward).for_training.items() if name not in options}
        return {**found, **more}, [f"{name}={str(value).lower()}" for name, value in more.items()]
    return found, list(dict.fromkeys(one for _, added in pairs.values() for one in added))


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
        return "{" + ",".join(f"{_hydra_key(key)}:{hydra_value(item)}" for key, item in value.items()) + "}"
    text = str(value)
    if re.fullmatch(r"\$\{[A-Za-z0-9_.]+\}", text):  # what the configuration itself has there
        return text
    if text.startswith("pkg://") or (re.fullmatch(r"[A-Za-z_/][A-Za-z0-9_./\-]*", text) and not _is_word(text)):
        return text
    quoted = re.sub(
        r'(\\*)"', lambda match: match[1] * 2 + r"\"", text
    )  # Hydra halves backslashes before a quote alone
    trailing = len(quoted) - len(quoted.rstrip("\\"))
    return f'"{quoted}{quoted[len(quoted) - trailing :]}"'


def _hydra_key(key: Any) -> str:
    """A key in a mapping of Hydra's grammar, which knows no quotes there."""
    text = str(key)
    if not re.fullmatch(r"[A-Za-z0-9_./*@\-]+( [A-Za-z0-9_./*@\-]+)*", text) or _is_word(text) or _is_number(text):
        raise ConfigurationError(
            f"Hydra cannot take {text!r} as a key: write it into [routes] of the file that TABLE_REWARDS_CONFIG names"
        )
    return text


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9_]*\.?[0-9_]+(e[0-9]+)?", text, re.IGNORECASE) is not None and not text.startswith("0")


def _is_word(text: str) -> bool:
    return text.lower() in ("true", "false", "null", "none", "nan", "inf", "yes", "no", "on", "off")


def _described(arguments: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The function's name without its suffix and its options, from all that was said on the command line."""
    for name in arguments.rewards:
        if is_place(name):
            raise ConfigurationError(
                f"{name}: verl loads a reward of your own from a second file, which docs/contract.md shows; "
                "its keys are reward.custom_reward_function.path and .name"
            )
    options = read_options(arguments.option)
    shared = {key: value for key, value in options.items() if "." not in key}
    apart: dict[str, dict[str, Any]] = {}
    for key, value in options.items():
        if "." in key:
            name, _, option = key.partition(".")
            apart.setdefault(name, {})[option] = value
    if arguments.profile is not None:
        shared["profile"] = arguments.profile
    if arguments.route:
        if arguments.rewards or arguments.weight:
            raise ConfigurationError("--route names the rewards itself; leave REWARD and --weight out")
        return "route", {"routes": _routes(arguments.route, apart), **shared}
    if not arguments.rewards:
        raise ConfigurationError("name a reward, or say --route SOURCE=REWARD")
    if len(arguments.rewards) == 1:
        (name,) = arguments.rewards
        if arguments.weight:
            raise ConfigurationError("--weight is for several rewards; a single one has none")
        return name, {**shared, **apart.pop(name, {}), **_unused(apart, [name])}
    weights = read_options(arguments.weight)
    rewards = {name: apart.pop(name, {}) for name in arguments.rewards}
    for name, own in rewards.items():
        for option in [o for o in shared if o not in ADAPTER_OPTIONS and o in find(name).option_names()]:
            own.setdefault(option, shared[option])
    known = [option for name in rewards for option in find(name).option_names()]
    for option in shared:
        if option not in ADAPTER_OPTIONS and option not in known:
            raise UnknownName("option", option, dict.fromkeys((*known, *ADAPTER_OPTIONS)))
    both: dict[str, Any] = {"rewards": rewards, **_unused(apart, list(rewards))}
    if weights:
        both["weights"] = weights
    return "mixed", {**both, **{key: value for key, value in shared.items() if key in ADAPTER_OPTIONS}}


def _unused(apart: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    for name in apart:
        raise UnknownName("reward of an option", name, names)
    return {}


def _routes(words: list[str], apart: dict[str, dict[str, Any]]) -> dict[str, Any]:
    routes: dict[str, Any] = {}
    used = []
    for word in words:
        source, equals, name = word.rpartition("=")
        if not equals or not source or not name:
            raise ConfigurationError(f"--route takes SOURCE=REWARD, such as openai/gsm8k=mathematics, not {word!r}")
        if source in routes:
            raise ConfigurationError(f"--route {source} is given twice")
        find(name)
        routes[source] = {"reward": name, **apart[name]} if name in apart else name
        used.append(name)
    _unused({name: own for name, own in apart.items() if name not in used}, used)
    return routes


def _better_as_coroutine(reward: str) -> bool:
    """Whether many calls of a reward overlap, or meet in batches, better as coroutines than from threads."""
    kind = find(reward)
    return kind.waits or kind.runs_programs or kind.gains_from_batches


def _rewards_of(reward: str, options: Mapping[str, Any]) -> list[str]:
    """The names of the rewards that a function scores with."""
    if reward == "mixed":
        return [str(own.get("reward", name)) for name, own in options["rewards"].items()]
    if reward == "route":
        return [str(one["reward"] if isinstance(one, Mapping) else one) for one in options["routes"].values()]
    return [ALIASES[reward][0] if reward in ALIASES else reward]


def _check(reward: str, options: dict[str, Any]) -> None:
    """Raise for what the reward would raise for at the start of a training run."""
    members = _rewards_of(reward, options)
    if len(members) == 1 and reward not in ("mixed", "route"):
        own, _ = split_options(members[0], options)
        UnscoredPolicy(options.get("unscored", "neutral"), options.get("unscored_ceiling", 0.2))
        try:
            create(members[0], **{**ALIASES.get(reward, ("", {}))[1], **own})
        except ConfigurationError:
            if not find(members[0]).waits:  # endpoints and sandboxes may be there on the training machine only
                raise
        return
    try:
        check(reward, options)
    except UnknownName:
        raise
    except ConfigurationError:
        if not any(find(name).waits for name in members):
            raise


def _installed() -> str:
    try:
        return metadata.version("verl")
    except metadata.PackageNotFoundError:
        return "main"
