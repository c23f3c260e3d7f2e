"""The commands of docs/recipes/*.md, cut out of the pages as a shell would read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "recipes"
PAGES = tuple(sorted(path.name for path in FOLDER.glob("*.md")))

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


@dataclass(frozen=True)
class Command:
    """One command of a page: its words, and the variables that stand in front of it."""

    page: str
    number: int  # among the commands of the page
    words: tuple[str, ...]
    environment: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page.removesuffix('.md')}-{self.number}"

    def starts(self, *words: str) -> bool:
        return self.words[: len(words)] == words

    def option(self, name: str) -> str:
        """The word behind `--name`."""
        return self.words[self.words.index(f"--{name}") + 1]

    @property
    def settings(self) -> list[str]:
        """What verl's configuration is given: the words with `=` that are no options."""
        return [word for word in self.words if "=" in word and not word.startswith("-")]


def text(page: str) -> str:
    return (FOLDER / page).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[Command]:
    """The commands of the page's bash blocks, with what the page exported before put in; comments are none."""
    found: list[Command] = []
    exported: dict[str, str] = {}
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = [Template(word).safe_substitute(exported) for word in shlex.split(line, comments=True)]
            if words[:1] == ["export"]:
                exported |= dict(word.split("=", 1) for word in words[1:])
            before = 0
            while before < len(words) and _ASSIGNMENT.match(words[before]):
                before += 1
            if words[before:]:
                found.append(Command(page, len(found), tuple(words[before:]), tuple(words[:before])))
    return found


def all_commands(*start: str) -> list[Command]:
    """The commands of all pages that begin with these words, behind what starts them on a cluster."""
    return [inner for page in PAGES for command in commands(page) if (inner := _inner(command)).starts(*start)]


def verl_trainings() -> list[Command]:
    """Every `python3 -m verl.trainer.main_ppo ...` of the pages."""
    return all_commands("python3", "-m", "verl.trainer.main_ppo")


def written_commands(page: str) -> Iterator[str]:
    """Every `table-rewards ...` of the page: in blocks, in the text and inside `$(...)`."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith("table-rewards "):
                yield line.strip()
    body = re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`(table-rewards [^`\n]+)`", body)
    yield from re.findall(r"\$\((table-rewards [^)]+)\)", text(page))


def _inner(command: Command) -> Command:
    if command.starts("ray", "job", "submit") and "--" in command.words:
        words = command.words[command.words.index("--") + 1 :]
        return Command(command.page, command.number, words, command.environment)
    return command
