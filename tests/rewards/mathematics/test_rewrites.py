r"""Real gold answers in other spellings, which are right, and with a change that makes them wrong; the echo."""

from __future__ import annotations

import json
import pathlib
import re

import pytest

from table_rewards import Mathematics

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "mathematics"
ROWS = [json.loads(line) for line in (FIXTURES / "golds.jsonl").read_text("utf-8").splitlines()]
GOLDS = [row["gold"].strip() for row in ROWS]
NUMBER = re.compile(r"-?\d{1,6}|-?\\[dt]?frac\{\d+\}\{\d+\}")


def plain(gold):
    return "\\text" not in gold and "\\mbox" not in gold and "begin" not in gold


BENIGN = {
    "in dollars": lambda g: f"${g}$" if "$" not in g else None,
    "a full stop behind": lambda g: g + "." if g[-1] != "." else None,
    "in braces": lambda g: "{" + g + "}" if plain(g) else None,
    "displaystyle": lambda g: "\\displaystyle " + g if plain(g) else None,
    "sized brackets": lambda g: (
        g.replace("(", "\\bigl(").replace(")", "\\bigr)") if "(" in g and plain(g) and "\\left" not in g else None
    ),
    "dfrac": lambda g: g.replace("\\frac", "\\dfrac") if "\\frac" in g else None,
    "a minus sign of typesetters": lambda g: g.replace("-", "−") if "-" in g and plain(g) else None,
    "full-width digits": lambda g: (
        g.translate({ord(c): 0xFF10 + int(c) for c in "0123456789"}) if re.fullmatch(r"-?\d+", g) else None
    ),
    "a name before a number": lambda g: "k = " + g if NUMBER.fullmatch(g) else None,
    "a unit behind a number": lambda g: g + "\\text{ ways}" if NUMBER.fullmatch(g) else None,
    "the same number twice": lambda g: f"{g} = {g}" if NUMBER.fullmatch(g) else None,
    "set in bold": lambda g: f"\\mathbf{{{g}}}" if re.fullmatch(r"-?\d+", g) else None,
    "quad after commas": lambda g: (
        re.sub(r",(?=\s)", r",\\quad", g) if re.search(r",\s", g) and plain(g) and "\\!" not in g else None
    ),
    "braces of a set left out": lambda g: g[2:-2] if g.startswith("\\{") and g.endswith("\\}") else None,
}
WRONG = {
    "a digit more": lambda g: g + "7" if re.fullmatch(r"-?\d+", g) else None,
    "minus one": lambda g: f"({g})-1" if plain(g) and not re.search(r"[=<>,]|\\(?:pm|in|cup|circ|%)|_", g) else None,
    "a factor to compute": lambda g: f"1\\cdot {g}" if re.fullmatch(r"\d+", g) and g not in ("0", "1") else None,
    "a sum to compute": lambda g: f"{int(g) - 5}+5" if re.fullmatch(r"\d+", g) and int(g) > 5 else None,
    "a letter more": lambda g: g + "q" if re.fullmatch(r"-?\d+", g) and g != "0" else None,
    "another answer beside it": lambda g: f"{g} \\text{{ or }} 123457" if plain(g) else None,
    "taken back": lambda g: "\\text{not }" + g,
    "hedged": lambda g: g + "\\text{ (or close to it)}" if plain(g) else None,
    "an implication": lambda g: "y=17 \\Rightarrow " + g,
    "thousands": lambda g: g + "\\text{ thousand}" if re.fullmatch(r"-?\d+", g) and g != "0" else None,
    "a set of one more": lambda g: f"\\{{{g}, 123457\\}}" if NUMBER.fullmatch(g) else None,
    "an interval around it": lambda g: f"[{g}, {g}+1]" if re.fullmatch(r"\d+", g) else None,
    "the words left of a unit": lambda g: g[g.index("\\text") :] if re.match(r"\d.*\\text\{", g) else None,
}


def judged(rewrite, **options):
    pairs = [(gold, changed) for gold in GOLDS if (changed := rewrite(gold)) and changed != gold]
    scores = Mathematics(**options)([f"Hence \\boxed{{{answer}}}" for _, answer in pairs], [gold for gold, _ in pairs])
    return pairs, scores


@pytest.mark.parametrize("form", ["finished", "same"])
@pytest.mark.parametrize("name", BENIGN)
def test_another_spelling_of_a_gold_answer_is_right(name, form):
    pairs, scores = judged(BENIGN[name], answer_form=form)
    assert [pair for pair, value in zip(pairs, scores.values, strict=True) if value != 1] == []


@pytest.mark.parametrize("name", WRONG)
def test_a_changed_gold_answer_is_wrong(name):
    pairs, scores = judged(WRONG[name])
    assert [pair for pair, value in zip(pairs, scores.values, strict=True) if value != 0] == []


def test_every_rewrite_meets_gold_answers():
    """A pattern that fits nothing would pass for any grader."""
    for rewrite in (*BENIGN.values(), *WRONG.values()):
        if rewrite is not BENIGN["braces of a set left out"]:
            assert any(rewrite(gold) for gold in GOLDS)


def squeezed(text):
    return re.sub(r"[\s{}]|\\left|\\right|\\[!,;:]|(?<=\\)[dt](?=frac)", "", text)


def test_the_formula_of_the_question_is_no_answer():
    rows, echoes = [], []
    for row in ROWS:
        formula = re.search(r"\$([^$]+)\$", row.get("question", ""))
        if formula and re.search(r"\d|\\", formula[1]) and squeezed(formula[1]) != squeezed(row["gold"]):
            rows.append({"ground_truth": row["gold"], "question": row["question"]})
            echoes.append(f"\\boxed{{{formula[1]}}}")
    scores = Mathematics()(echoes, rows)
    assert len(rows) > 40
    assert [pair for pair, value in zip(echoes, scores.values, strict=True) if value != 0] == []
    unasked = [{"ground_truth": row["ground_truth"]} for row in rows]
    for form in ("finished", "same"):
        scores = Mathematics(answer_form=form)(echoes, unasked)
        assert [pair for pair, value in zip(echoes, scores.values, strict=True) if value != 0] == []
    honest = Mathematics()([f"\\boxed{{{row['ground_truth']}}}" for row in rows], rows)
    assert set(honest.values.tolist()) == {1.0}
