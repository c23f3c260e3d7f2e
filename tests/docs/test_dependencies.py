"""The page of dependencies and pyproject.toml name the same libraries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def required():
    """Where a requirement stands (`dependencies`, or an extra) -> the names there, without our own."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lists = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    return {
        where: {re.match(r"[\w-]+", one)[0] for one in wanted} - {"table-rewards"} for where, wanted in lists.items()
    }


def told():
    """The same from the page: the first column of the first table, the libraries of each extra in the others."""
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    found, extras = {}, ["dependencies"]
    for section in re.findall(r"^## (?:Always|Extras|For development)[^#]*", text, re.MULTILINE):
        for row in re.findall(r"^\| (.*) \|$", section, re.MULTILINE):
            cells = re.split(r" ?\| ?", row)
            if section.startswith("## Always"):
                libraries = cells[0]
            else:
                extras = re.findall(r"`([\w-]+)`", cells[0]) or extras
                libraries = cells[1]
            names = re.findall(r"`([\w-]+)`", libraries)
            for number, extra in enumerate(extras):
                several = len(extras) > 1
                found.setdefault(extra, set()).update(names[number : number + 1] if several else names)
    return found


def test_every_library_is_on_the_page_where_pyproject_has_it_and_no_other():
    ours = {where: names for where, names in required().items() if where != "all"}
    page = {where: names for where, names in told().items() if where != "all"}
    assert page == ours


def test_all_names_every_extra_but_the_trainers():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (listed,) = re.findall(r'^all = \["table-rewards\[([\w,]+)\]"\]', text, re.MULTILINE)
    assert set(listed.split(",")) == set(required()) - {"dependencies", "all", "verl", "swift", "trl", "docs", "dev"}


def test_no_requirement_has_a_cap():
    """A peer that caps numpy cannot share an environment with a trainer."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [one for listed in (project["dependencies"], *project["optional-dependencies"].values()) for one in listed]
    assert [one for one in wanted if re.search("[<~]|==", one.split(";")[0])] == []
