"""What of a table is compared: three named normalisations, from any format to a tree.

================  ====================================================================================================
``standard``      ours. Rows of cells with their spans and plain texts: sections, captions and markup are dropped,
                  ``th`` is ``td``, texts are NFKC with single spaces and without characters that cannot be seen; a
                  caret stands before a power, so that 10² is not 102. HTML, OTSL, Markdown and LaTeX are equals.
``omnidocbench``  OmniDocBench's, which TRivia took over: markup in cells is compared, sections are not.
``pubtabnet``     PubTabNet's original definition: the HTML as it stands.
================  ====================================================================================================

The two others are described in :mod:`table_rewards.tables.trees.html_trees`. A table that is not HTML has no markup, so
there the three differ only in the white space and Unicode form of texts.
"""

from __future__ import annotations

from typing import Final

from table_rewards.core.invisible import visible
from table_rewards.tables.formats.convert import PARSERS
from table_rewards.tables.formats.find import HTML, Found
from table_rewards.tables.formats.html_rows import may_hide, read_rows, table_element
from table_rewards.tables.formats.scripts import BARE, compatible, with_powers
from table_rewards.tables.formats.simple_html import simple_rows
from table_rewards.tables.table import Table, tidy
from table_rewards.tables.trees.filled import filled
from table_rewards.tables.trees.html_trees import omnidocbench_tree, pubtabnet_tree
from table_rewards.tables.trees.tree import Tree
from table_rewards.tables.unicode_form import nfkc

STANDARD: Final = "standard"
OMNIDOCBENCH: Final = "omnidocbench"
PUBTABNET: Final = "pubtabnet"
NORMALISATIONS: Final = (STANDARD, PUBTABNET, OMNIDOCBENCH)


def tree_of(found: Found, normalisation: str = STANDARD) -> Tree | None:
    """Return the tree of a table found in a completion; None when it holds no cell.

    >>> tree_of(Found("html", "<table><tr><th>a</th><td><b>b</b></td></tr></table>")).rows
    (('a', 'b'),)
    """
    if found.format != HTML:
        table = PARSERS[found.format](found.source)
        return None if table is None or not table.size else filled(tree_of_table(table, normalisation))
    if normalisation != PUBTABNET:
        simple = simple_rows(found.source, powers=normalisation == STANDARD)
        if simple is not None:
            return Tree.from_rows(simple) if any(simple) else None
    element = table_element(found.source)
    if element is None:
        return None
    if normalisation == STANDARD:
        rows, _ = read_rows(element, hides=may_hide(found.source))
        return Tree.from_rows(rows) if any(rows) else None
    tree = pubtabnet_tree(element) if normalisation == PUBTABNET else omnidocbench_tree(element)
    return tree if tree.size > 1 else None


def tree_of_table(table: Table, normalisation: str = STANDARD) -> Tree:
    """Return the tree of a table of the model.

    >>> tree_of_table(Table.of([[("ﬁx", 2, 1)]])).rows
    ((('fix', 2, 1),),)
    """
    rows = []
    for row in table.rows:
        leaves = []
        for text, colspan, rowspan, _, marked in row:
            if marked:
                text = with_powers(marked) if normalisation == STANDARD else marked.translate(BARE)
            if normalisation != PUBTABNET and not text.isascii():
                text = tidy(visible(compatible(text)) if normalisation == STANDARD else nfkc(text))
            leaves.append(text if colspan == rowspan == 1 else (text, colspan, rowspan))
        rows.append(tuple(leaves))
    return Tree.from_rows(rows)
