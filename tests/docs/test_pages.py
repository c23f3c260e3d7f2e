"""The pages as they are typed: commands parse, `console` blocks show what is printed, links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
from pathlib import Path

import pytest

from command_line import FIXTURES, here, parsed

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("rewards/*.md"))]
"""All but the recipes, which test_recipes.py reads."""

BEGINS = re.compile(r"(?:^|[ (])(table-rewards [^\n)#|>]+)")


def name_of(page):
    return str(page.relative_to(ROOT))


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def typed(text):
    """Every command of the page's blocks."""
    blocks = re.findall(r"^```(?:bash|console)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    found = [inner for line in lines for inner in re.findall(r"\$\((table-rewards [^)]*)\)", line)]
    for line in lines:
        words = shlex.split(line, comments=True)
        if "table-rewards" in words:
            words = words[words.index("table-rewards") :]
            end = next((place for place, word in enumerate(words) if word in ("|", ">", "&&", ";")), len(words))
            found.append(shlex.join(words[:end]))
    return found


def told(text):
    """Every command that a sentence names, with the options that it names."""
    body = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [found.strip() for code in re.findall(r"`([^`\n]+)`", body) for found in BEGINS.findall(code)]


def written(kind):
    found = [(page, line) for page in PAGES for line in dict.fromkeys(kind(page.read_text("utf-8")))]
    return pytest.mark.parametrize(("page", "line"), found, ids=[f"{page.stem}-{line[14:60]}" for page, line in found])


@written(typed)
def test_the_parser_takes_every_command_of_a_block(page, line):
    words = ["0.9.1" if word == "V" else "0" if word == "N" else word for word in shlex.split(line)[1:]]
    if "--help" in words or "..." in words or words in ([], ["--version"]):
        return
    try:
        parsed(words)
    except SystemExit as left:
        pytest.fail(f"{line}: exit status {left.code}")


@written(told)
def test_every_option_that_a_sentence_names_is_one_of_the_command(page, line):
    _, name, *words = line.split()
    if name in ("prepare", "evaluate") and not (words and words[0].islower()):
        return
    known = here(name, *words[: name in ("prepare", "evaluate")], "--help").stdout
    for option in re.findall(r"(?<!\S)--[\w-]+", " ".join(words)):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", known), f"{line}: no {option}"
    assert "usage: table-rewards" in known or name.startswith("-"), line


CONSOLE = [page for page in PAGES if "```console" in page.read_text("utf-8")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", CONSOLE, ids=name_of)
def test_console_blocks_show_what_is_printed(page, tmp_path, monkeypatch):
    """Each `$ command` runs in the order of the page; `...` stands for anything."""
    pytest.importorskip("jinja2")
    pytest.importorskip("vl_convert")
    monkeypatch.chdir(tmp_path)
    same = doctest.OutputChecker().check_output
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        for line, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            words = shlex.split(line.replace("$DATA", str(FIXTURES)))
            assert words[0] == "table-rewards"
            done = here(*words[1:], check=0, glyphs=True)
            assert same(shown, done.stdout + "\n", flags), f"$ {line}\n{done.stdout}\n--- the page says\n{shown}"


def test_the_folder_of_the_demonstration_is_where_its_data_is():
    folder = Path(here("demo", "--folder", check=0).stdout.strip())
    assert (folder / "demo.toml").is_file()
    assert (folder / "tables" / "rollouts.jsonl").is_file()


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent != ROOT], ids=name_of)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", without_code(page.read_text("utf-8"))):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readme_stands_alone_on_a_package_index():
    """No relative link or picture dies there, and no address is invented."""
    text = (ROOT / "README.md").read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text):
        assert "".join(target).startswith("https://arxiv.org/"), target


def test_every_page_is_reached_from_the_front_page():
    trees = re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text("utf-8"), re.DOTALL)
    entries = {line.strip() for tree in trees for line in tree.splitlines() if line.strip() and line[0] != ":"}
    assert {page.stem for page in DOCS.glob("*.md")} - {"index"} <= entries


def test_every_name_of_the_api_page_is_there():
    """The build of the documentation would fail on it, minutes later."""
    found = re.findall(
        r"^\.\. auto(module|class):: (\S+)\n(?:   :members: ([^\n]*))?", (DOCS / "api.md").read_text("utf-8"), re.M
    )
    assert len(found) > 20
    for kind, place, members in found:
        module, name = (place, "") if kind == "module" else place.rsplit(".", 1)
        home = importlib.import_module(module)
        if name:
            assert hasattr(home, name), place
            home = getattr(home, name)
        missing = [one for one in members.split(", ") if one and not hasattr(home, one)]
        assert not missing, f"{place}: {missing}"
