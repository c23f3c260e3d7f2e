"""Any supported format into the table model and out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from table_rewards.tables.formats.find import FORMATS, HTML, LATEX, MARKDOWN, OTSL, find_tables
from table_rewards.tables.formats.html import parse_html, render_html
from table_rewards.tables.formats.latex import parse_latex, render_latex
from table_rewards.tables.formats.markdown import parse_markdown, render_markdown
from table_rewards.tables.formats.otsl import parse_otsl, render_otsl
from table_rewards.tables.table import Table

PARSERS: Final[dict[str, Callable[[str], Table | None]]] = {
    HTML: parse_html,
    OTSL: parse_otsl,
    MARKDOWN: parse_markdown,
    LATEX: parse_latex,
}
RENDERERS: Final[dict[str, Callable[[Table], str]]] = {
    HTML: render_html,
    OTSL: render_otsl,
    MARKDOWN: render_markdown,
    LATEX: render_latex,
}


def parse_table(source: str, format: str | None = None) -> Table | None:
    """Read the first table of a text.

    Args:
        source: a table, or a completion with a table in it.
        format: ``html``, ``otsl``, ``markdown`` or ``latex``; None looks for the table and tells its format.

    Returns:
        the table, or None when there is none.

    >>> parse_table("<fcel>a<fcel>b<nl>").size
    2
    """
    if format is not None:
        return PARSERS[_known(format)](source)
    found = find_tables(source)
    return PARSERS[found[0].format](found[0].source) if found else None


def render_table(table: Table, format: str) -> str:
    """Write a table as ``html``, ``otsl``, ``markdown`` or ``latex``.

    >>> render_table(Table.of([["a", "b"]]), "otsl")
    '<fcel>a<fcel>b<nl>\\n'
    """
    return RENDERERS[_known(format)](table)


def _known(format: str) -> str:
    if format not in FORMATS:
        raise ValueError(f"unknown table format {format!r}; known: {', '.join(FORMATS)}")
    return format
