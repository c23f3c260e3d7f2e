"""`table-rewards new-reward NAME`: a reward of one's own that works, with its tests, to be changed from there."""

from __future__ import annotations

import argparse
import keyword
import re
from importlib.resources import files
from pathlib import Path

from table_rewards.commands.exit_codes import DONE
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.registry import BUILTIN
from table_rewards.datasets.files import UnusableFile

DESCRIPTION = """\
Write NAME.py, a reward that works: it reads references, takes the answer from a completion, compares, and explains its
scores; and test_NAME.py, which holds it to what every reward promises, to right and wrong answers and to known attacks.
Change what it compares; the tests say when something no longer holds.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("name", metavar="NAME", help="lower_snake_case, such as unit_price")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder for the two files (this one)")
    parser.add_argument("--force", action="store_true", help="write over files that are there")


def run(arguments: argparse.Namespace) -> int:
    """Write a reward to begin with, and its tests.

    Raises:
        ConfigurationError: a file is there already.
        UnusableFile: a file cannot be written.
    """
    name = _checked(arguments.name)
    texts = {
        arguments.out / f"{name}.py": _filled("reward.py.txt", name),
        arguments.out / f"test_{name}.py": _filled("test.py.txt", name),
    }
    there = [str(path) for path in texts if path.exists()]
    if there and not arguments.force:
        raise ConfigurationError(f"{' and '.join(there)} exist already; --force writes over them")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except OSError as error:
            raise UnusableFile(path, f"cannot be written: {error.strerror or error}") from None
    where = arguments.out / f"{name}.py"
    print("\n".join(map(str, texts)))
    print(
        f"\nNext:\n  pytest {arguments.out / f'test_{name}.py'}\n"
        f"  table-rewards score rollouts.jsonl --reward {where}\n"
        f"  table-rewards explain rollouts.jsonl --reward {where} --row 0\n"
        f"  table-rewards profile rollouts.jsonl --reward {where}"
    )
    return DONE


def _checked(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        nearest = re.sub(r"\W+", "_", word).strip("_0123456789") or "my_reward"
        if keyword.iskeyword(name):
            raise ConfigurationError(f"{name!r} is a word of Python; a reward's name could be {nearest}_reward")
        raise ConfigurationError(f"a reward's name is lower_snake_case, such as {nearest}, not {name!r}")
    if name in BUILTIN:
        raise ConfigurationError(f"the reward name {name!r} is taken; give yours another")
    return name


def _filled(template: str, name: str) -> str:
    """A template with the reward's name and the class's.

    >>> "class UnitPrice(Reward" in _filled("reward.py.txt", "unit_price")
    True
    """
    text = (files("table_rewards.commands") / "new_reward_templates" / template).read_text("utf-8")
    title = "".join(part.capitalize() for part in name.split("_") if part)
    return text.replace("MyReward", title).replace("my_reward", name)
