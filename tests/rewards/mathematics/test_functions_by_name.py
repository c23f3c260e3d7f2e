"""Functions in the spelling of other schools and programs, letters of constants, words that join values.

Russian and French books write tg, ctg, arctg, sh and ch; programs write acos(x); a bare ``sqrt(x)`` was read as words.
"""

from __future__ import annotations

import pytest

from table_rewards import Mathematics

SAME = [
    ("\\tan x", "\\operatorname{tg} x"),
    ("\\tan^2 x", "\\operatorname{tg}^2 x"),
    ("\\cot\\alpha", "\\ctg \\alpha"),
    ("\\arctan 2", "\\operatorname{arctg} 2"),
    ("x=\\arctan 2+\\pi k, k\\in\\mathbb Z", "x = \\operatorname{arctg} 2 + \\pi k, k \\in \\mathbb{Z}"),
    ("\\operatorname{arccot} 2", "\\operatorname{arcctg} 2"),
    ("\\csc x", "\\cosec x"),
    ("\\sinh x", "\\operatorname{sh} x"),
    ("\\cosh x", "\\mathrm{ch}\\,x"),
    ("\\frac{1}{\\cosh x}", "\\operatorname{sech} x"),
    ("\\operatorname{sech}^2(x)", "\\text{sech}^2 x"),
    ("\\ln(x+\\sqrt{x^2+1})", "\\operatorname{arsinh} x"),
    ("\\ln(x+\\sqrt{x^2+1})", "\\sinh^{-1} x"),
    ("sqrt(x)", "\\sqrt{x}"),
    ("\\sqrt{x}", "sqrt(x)"),
    ("arccos(x)", "\\arccos x"),
    ("acos(x)", "\\cos^{-1}(x)"),
    ("sin x", "\\sin x"),
    ("\\Gamma\\left(\\frac14\\right)^2", "\\Gamma^2(1/4)"),
    ("x\\Gamma(x)", "\\Gamma(x+1)"),
    ("\\frac{1}{2}\\zeta(3)", "\\frac{\\zeta(3)}{2}"),
    ("\\zeta-\\zeta^2", "\\zeta(1-\\zeta)"),
    ("(-\\cos x)^n", "(-1)^n\\cos^n x"),
    ("\\angle ABC", "\\angle CBA"),
    ("f(1)<f(2)", "f(2)>f(1)"),
    ("x=2, 3", "x = 3 또는 x = 2"),
    ("x=3, y=1", "x = 3 \\text{이고 } y = 1"),
    ("x=2, 3", "x=2 \\text{ или } x=3"),
    ("x=2, 3", "x=2\\text{ ou }x=3"),
    ("2, 3", "2\\text{ und }3"),
    ("2, 3", "2\\text{ または }3"),
    ("1/2", "\\mathbf{\\frac{1}{2}}"),
    ("-3", "\\boldsymbol{-3}"),
    ("\\frac12x^2+C", "\\frac{x^2}{2}+c"),
    ("\\frac12x^2+c", "\\frac{x^2}{2}+C"),
    ("C_1 e^x + C_2 e^{-x}", "y=c_1e^{x}+c_2e^{-x}"),
]

DIFFERENT = [
    ("\\cot x", "\\operatorname{tg} x"),
    ("\\sinh x", "\\operatorname{ch} x"),
    ("\\cosh x", "\\operatorname{sech} x"),
    ("sqrt(a)", "sqrt(b)"),
    ("sin x", "sin y"),
    # Read as products, these were equal.
    ("\\frac12\\Gamma(\\frac14)", "\\Gamma(\\frac18)"),
    ("\\frac{\\zeta(3)}{2}", "\\zeta(\\frac32)"),
    ("\\zeta(2)\\zeta(3)", "\\zeta(6)"),
    ("\\zeta s", "\\zeta(s)"),
    ("\\Phi(2)", "\\Phi(3)-\\Phi(1)"),
    ("\\sqrt{\\pi}", "\\Gamma(1/2)"),  # not finished
    ("24", "\\Gamma(5)"),
    ("\\frac{1}{2004!}", "\\frac{1}{2006!}"),
    # Equal near zero only.
    ("|x+11|-11", "|x+10|-10"),
    ("|x+1001|-1001", "|x+1000|-1000"),
    ("|x-2|", "x-2"),
    ("\\angle ABC", "\\angle ACB"),
    ("2, 3", "2\\text{ et }4"),
    ("\\text{ja}", "\\text{ja und nein}"),
    ("\\frac12x^2+C", "\\frac{x^2}{2}"),
    ("\\frac12x^2+C", "x^2+c"),
    ("C_1 e^x + C_2 e^{-x}", "c_1e^{x}+c_1e^{-x}"),
    ("a+b+c", "a+b+C"),
    ("kx+C", "kx+k"),
    ("C", "c"),
    ("f(20)>1000", "f(30)>1000"),
    ("f(2)>f(1)", "f(3)>f(1)"),
    ("\\angle B E A_{1}=90,\\angle A E B_{1}=90", "\\angle B E A_{2}=90, \\angle A E B_{1}=90"),
    ("\\frac{100!}{2^{50}}", "\\frac{100!}{2^{50}}+1"),
]


def test_a_function_has_other_names_and_values_are_joined_in_other_languages() -> None:
    values = Mathematics()([f"\\boxed{{{answer}}}" for _, answer in SAME], [gold for gold, _ in SAME]).values
    assert [pair for pair, value in zip(SAME, values, strict=True) if value != 1.0] == []


def test_a_function_is_no_product_and_another_function_is_another() -> None:
    values = Mathematics()([f"\\boxed{{{answer}}}" for _, answer in DIFFERENT], [gold for gold, _ in DIFFERENT]).values
    assert [pair for pair, value in zip(DIFFERENT, values, strict=True) if value != 0.0] == []


@pytest.mark.parametrize(
    ("gold", "completion"),
    [
        ("\\sqrt{3}-1", "-1 + sqrt(3)"),
        ("(3,\\pi/2)", "\\left( 3, \\frac{\\pi}{2} \\right)"),
        ("(-\\infty,-8)\\cup(8,\\infty)", "(-\\infty,-8)\\cup (8,\\infty)"),
        ("2>x", "x<2"),
        ("8\\sqrt{6}", "\\beginboxed{8\\sqrt{6}}"),
    ],
)
def test_a_formula_that_is_the_whole_reply_is_the_answer(gold: str, completion: str) -> None:
    assert Mathematics()([completion], [gold]).values[0] == 1.0
