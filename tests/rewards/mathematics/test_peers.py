r"""Where our verdict is not the one that another grader's test suite expects, and why ours stands.

Suites compared, all their pairs, judged with ``answer_form="any"``: Math-Verify's (269 pairs), lighteval's (232),
NeMo-Skills' (29, both ways round), MARIO_EVAL's (60, both ways round), hendrycks/math's (16, both ways round), AReaL's
(51 assertions). Each disagreement stands here once, in a short form of its completion; a pair that two suites share
stands under the first. ``theirs`` is what their suite asserts.
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
    # lighteval
    ("C Cecile", "C", True, "two words, of which a letter is one; a label has a mark: (C), C), C. or C:"),
    ("Alina and the answer is\nC Cecile", "C", True, "words in which nothing marks a letter as the answer"),
    ("A Peter\nCelina bum", "A", True, "words in which nothing marks a letter as the answer"),
    ("C", "réponse est C non A", True, "what takes the other choice back is read in English and Chinese"),
    ("220", "Réponse: il faudra encore 220 $ dans 12 mois.", True, "a sentence with two numbers and no word we know"),
    ("1", "how many $? just about 1$", True, "dollars mark a formula; this one is words"),
    (
        "$(37,3,3,13),(17,3,3,7),(3,37,3,13),(3,17,3,7),(3,3,2,3)$",
        "\\boxed{(3, 37, 3, 13), (3, 17, 3, 7), (3, 3, 2, 3), (3,17,3,7), (17,3,3,7), (37,3,3,13)}",
        True,
        "a list that repeats an item has another length",
    ),
    ("\\boxed{1} thus but \\boxed{2} and \\boxed{3}", "$\\boxed{2,3}$", True, "three boxes are three answers"),
    ("\\boxed{1} thus but \\boxed{2} and \\boxed{3}", "$\\boxed{1,2,3}$", False, "three boxes are three answers"),
    # NeMo-Skills
    ("17", "\\boxed{17\\text{ any text}}", True, "words behind a number are a unit or they are not understood"),
    # MARIO_EVAL
    ("\\frac13, \\sqrt3, \\pi", "\\boxed{1/3, 1.732, 3.1416}", True, ROUNDED),
    ("40\\pi", "\\boxed{125.663}", True, ROUNDED),
    ("10", "\\boxed{10cm}", False, "a unit may be left out of the gold answer"),
    ("10cm", "\\boxed{10}", False, "a unit may be left out of the answer"),
    ("x + \\sqrt2I", "\\boxed{x + 1.414I}", True, ROUNDED),
    (
        "\\begin{cases} a+b=\\frac12 \\\\ a-b=\\sqrt3 \\end{cases}",
        "\\boxed{\\begin{cases} a+b=0.5\\\\ a-b=1.732\\end{cases}}",
        True,
        ROUNDED,
    ),
    (
        "[0.5, 1]",
        "\\boxed{\\begin{matrix} \\frac12 \\\\ 1 \\end{matrix}}",
        True,
        "square brackets are an interval, unless the gold answer is a vector",
    ),
    # hendrycks/math
    ("10, 4, -2", "\\boxed{4, 10, -2}", False, "solutions have no order"),
    ("0.1, 4, 2", "\\boxed{4, .1, 2}", False, "solutions have no order"),
]


@pytest.mark.parametrize(("gold", "completion", "theirs", "why"), DISAGREEMENTS)
def test_we_disagree_with_a_peers_suite_for_a_reason(gold, completion, theirs, why):
    value = Mathematics(answer_kind="math", answer_form="any")([completion], [gold]).values[0]
    assert value == float(not theirs), why


@pytest.mark.parametrize(
    "gold",
    [
        "Alina and the answer is\n(C) Cecile",
        "1 = \\zzz = x = 0",
        "\\\\boxed{W(n) = 1 \\\\text{ and } W(n) = -1",
        "8 # 7",
    ],
)
def test_a_gold_answer_that_cannot_be_read_is_unscored_not_wrong(gold):
    """Pairs of Math-Verify's and lighteval's suites have one; they call another reading of them right."""
    assert math.isnan(Mathematics(answer_kind="math")(["\\boxed{0}"], [gold]).values[0])


def test_a_reference_that_is_none_is_unscored_not_wrong():
    """AReaL's suite expects 0: a row without a gold answer would teach that every answer is wrong."""
    assert math.isnan(Mathematics(answer_kind="math")(["No answer"], [None]).values[0])


AGREEMENTS = [
    ("1", "\\lim_{x \\to 0} \\frac{\\sin x}{x} = 1", True),
    ("n(n+1)/2", "\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}", True),
    ("n(n+1)/2", "\\sum_{i=1}^{n} i = \\frac{n(n+2)}{2}", False),
    ("5", "\\int_0^5 dx = 5", True),
    ("6", "\\int_0^5 dx = 6", False),
    ("\\frac{\\sqrt{3}}{3} \\approx 0.577", "\\frac{\\sqrt{3}}{3}", True),
    ("\\frac{\\sqrt{3}}{3} \\approx 0.577", "0.577", True),
    ("\\frac{\\sqrt{3}}{3} \\approx 0.577", "0.578", False),
    ("x \\approx 2.5", "2.5", True),
    ("x \\approx 2.5", "x = 2.6", False),
    ("x = \\frac13", "x = \\frac13 \\approx 0.333", True),
    ("x = \\frac13", "x = \\frac13 \\approx 0.433", False),
    ("\\begin{matrix} \\frac12 \\\\ 1 \\end{matrix}", "[0.5, 1]", True),
    ("\\begin{matrix} x \\\\ \\frac12 \\end{matrix}", "\\\\begin{matrix} x \\\\\\\\ \\\\frac12 \\\\end{matrix}", True),
    ("p = 5, q = 2 \\quad \\text{and} \\quad p = 7, q = 2", "p=5,q=2;p=7,q=2", True),
    ("p=5,q=2;p=7,q=2", "p=5,q=2,p=7,q=3", False),
    ("(1,2),(3,4)", "x=1,y=2\\text{ or }x=3,y=4", True),
    ("(1,2),(3,4)", "x=1,y=4\\text{ or }x=3,y=2", False),
    ("14916", "14 {, }916", True),
    ("A, B, D", "ABD", True),
    ("ABD", "A, B, D", True),
    ("ABD", "A、B、D", True),
    ("ABD", "AB", False),
    ("A, B", "ABD", False),
    ("A, B, D", "A, B, C", False),
    ("A \\text{ or } C", "AC", False),
    ("x_1=1, x_2=2", "y_1=1, y_2=2", False),
    ("x_1=1, x_2=2", "x_1=2, x_2=1", False),
    ("x_1=1", "x_2=1", False),
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


IN_SENTENCES = [
    ("B", "It can't be A, which makes no sense; therefore I think it's B"),
    ("D", "The answer is for sure D, it can't be A or B"),
    ("D", "The answer: D, it makes no sense for it to be A or B"),
    ("D", "D. it can't be A or B"),
    ("B", "B。 不是 A"),
    ("B", "B不是 A"),
    ("42", "La réponse est 42."),
    ("x=5", "La respuesta final es $x=5$."),
    ("7", "Die Antwort lautet 7."),
    ("12", "Ответ: 12"),
    ("2/5", "所以有 \\frac{6}{15} = \\frac{2}{5} 吨。 答案：每份应该是 (\\frac{2}{5}) 吨。"),
    ("2*x + 2", "2x + 2"),
    ("10455", "First \\boxed{200}, then \\boxed{255}. Final Answer: The final answer is $10,455$. I hope so."),
    ("14916", "The final answer is $14 {, }916$. I hope so. Note: it is assumed that $A$ and $B$ are digits of $N$."),
    ("5", "The answer is $5$, not $7$."),
]


@pytest.mark.parametrize(("gold", "completion"), IN_SENTENCES)
def test_an_answer_in_a_sentence_of_the_peers_suites_is_found(gold, completion):
    reward = Mathematics(answer_kind="math")
    assert reward([completion], [gold]).values[0] == 1.0
    assert reward([completion], [gold + "+1"]).values[0] == 0.0
