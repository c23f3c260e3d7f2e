r"""Where our verdict is not the one that another grader's test suite expects, and why ours stands.

Suites compared: Math-Verify (269 pairs, 29 disagreements, some of one kind), NeMo-Skills (32 pairs both ways, 1),
MARIO_EVAL (60, 4), hendrycks/math (16, 2). ``theirs`` is what their suite asserts.
"""

from __future__ import annotations

import math

import pytest

from table_rewards import Mathematics

COMMA = "a comma parts a list or groups thousands; a decimal comma is not told from it"
CHAIN = "a chain of equations that contradicts itself is no answer, whatever stands at its end"
ROUNDED = "a decimal counts when it is right to the sixth place; the gold answer has an exact value"
SPACE = "white space inside a formula changes nothing"

DISAGREEMENTS = [
    # Math-Verify
    ("1000.99", "1000,99", True, COMMA),
    ("1,22", "1.22", True, COMMA),
    ("2.74", "Soucis : 2,74 $ a..", True, COMMA),
    ("0,111", "0.111", True, COMMA),
    ("$9$", "Answer $ \n 9 \n $", False, SPACE),
    ("$9$", "Answer \\( \n 9 \n \\)", False, SPACE),
    ("$x = 11$", "$x = 5+5+1 = 7 =11$", True, CHAIN),
    ("$x = 1/3$", "$x = 5+5+1 = 1/3 \\approx 11$", True, CHAIN),
    ("$1/3$", "$x=1/3\\approx1.3$", True, "what is said to be about 1.3 is not a third"),
    ("$z = 1 + 1 = 2$", "$z = 3+3 = 2$", True, CHAIN),
    (
        "$\\begin{pmatrix}6 & 8 \\\\ 10 & 12\\end{pmatrix}$",
        "$\\begin{pmatrix}1 & 2 \\\\ 3 & 4\\end{pmatrix} + \\begin{pmatrix}5 & 6 \\\\ 7 & 8\\end{pmatrix}$",
        True,
        "a sum of matrices that remains to be computed",
    ),
    (
        "$\\begin{pmatrix}\\frac{1}{3}\\\\ \\frac{1}{5} \\end{pmatrix}$",
        "$\\begin{pmatrix}0.33\\\\0.2 \\end{pmatrix}$",
        True,
        ROUNDED,
    ),
    ("$(\\frac{3}{5},\\frac{8}{3}]$", "$(0.6,2.6667]$", True, ROUNDED),
    ("$x \\in [-2,7]$", "$-2 \\le x \\le 7$", False, "two ways to write one set of numbers, with one unknown"),
    ("(3,1),(2,3)", "\\boxed{(2,3),(3,1),(2,3)}", True, "a list that repeats an item has another length"),
    (
        "(3, 3), (1, 1)",
        "\\boxed{(3, 3)} \\text{ for part (a) and } \\boxed{(1, 1)}",
        True,
        "the last box is the answer",
    ),
    ("\\boxed{1} no no \\boxed{2}", "\\boxed{1,2}", False, "a gold answer of two boxes is two answers"),
    ("1 - \\frac{1}{\\mathrm{e}}", "\\boxed{1 + \\frac{1}{\\mathrm{e}}}", True, "another sign is another number"),
    ("f(x)", "\\boxed{f(y)}", True, "f(x) and f(y) are equal only when x and y are"),
    ("$\text{13}$", "$13$", False, "a tab and 'ext' are a command that lost its backslash on the way"),
    # NeMo-Skills
    ("17", "\\boxed{17\\text{ any text}}", True, "words behind a number are a unit or they are not understood"),
    # MARIO_EVAL
    ("\\frac13, \\sqrt3, \\pi", "\\boxed{1/3, 1.732, 3.1416}", True, ROUNDED),
    ("40\\pi", "\\boxed{125.663}", True, ROUNDED),
    ("10", "\\boxed{10cm}", False, "a unit may be left out of the gold answer"),
    # hendrycks/math
    ("10, 4, -2", "\\boxed{4, 10, -2}", False, "solutions have no order"),
    ("0.1, 4, 2", "\\boxed{4, .1, 2}", False, "solutions have no order"),
]


@pytest.mark.parametrize(("gold", "completion", "theirs", "why"), DISAGREEMENTS)
def test_we_disagree_with_a_peers_suite_for_a_reason(gold, completion, theirs, why):
    value = Mathematics(answer_kind="math", answer_form="any")([completion], [gold]).values[0]
    assert value == float(not theirs), why


@pytest.mark.parametrize("gold", ["1 = \\zzz = x = 0", "\\\\boxed{W(n) = 1 \\\\text{ and } W(n) = -1", "8 # 7"])
def test_a_gold_answer_that_cannot_be_read_is_unscored_not_wrong(gold):
    """Two of Math-Verify's pairs have one; its suite calls another reading of them right."""
    assert math.isnan(Mathematics(answer_kind="math")(["\\boxed{0}"], [gold]).values[0])


AGREEMENTS = [
    ("\\frac{\\sqrt{3}}{3}", "\\frac{\\sqrt{3}}{3} \\approx 0.577", True),
    ("C", "C. x = 42", True),
    ("185", "185\\", True),
    ("E", "\\mathrm{E}*2", False),
    ("\\sqrt{67},-\\sqrt{85}", "\\sqrt{67}", False),
    ("20:34", "20:34:00", True),
    ("20:34", "08:34 \\text{ p.m.}", True),
    ("20:34", "08:34 \\text{ a.m.}", False),
    ("10", "10weeks", True),
    ("\\sin(90^{\\circ}-x)", "\\cos(x)", True),
    ("f(x) = 2x + 3", "y = 2x + 3", True),
    ("S_{MBCN}:S=7:32", "7:32", True),
    ("\\frac{NO}{BO}=\\frac{1}{\\sqrt{6}}", "\\frac{1}{\\sqrt{6}}", True),
    ("p=5,q=2;p=7,q=2", "(5,2),(7,2)", True),
    ("p=5,q=2;p=7,q=2", "(5,2),(2,7)", False),
    ("0<f(x)<1", "(0,1)", True),
    ("-2 \\\\le x \\\\le 7", "x \\in [-2,7]", True),
]


@pytest.mark.parametrize(("gold", "answer", "same"), AGREEMENTS)
def test_pairs_of_the_peers_that_were_judged_wrongly_before(gold, answer, same):
    assert Mathematics(answer_kind="math")([f"\\boxed{{{answer}}}"], [gold]).values[0] == float(same)
