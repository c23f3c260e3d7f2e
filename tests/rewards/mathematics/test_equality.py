r"""Structures compared as what they are: each pair once, in the reward and so through its reader and its algebra."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards import Mathematics
from table_rewards.rewards.mathematics.algebra import Algebra
from table_rewards.rewards.mathematics.equality import Comparison
from table_rewards.rewards.mathematics.reading import read_answer
from table_rewards.rewards.mathematics.tree import Unreadable

SAME = [
    ("①③", "①③"),
    ("①③", "①、③"),
    ("①③", "\\text{①③}"),
    ("\\frac{11}{36}", "\\frac{11}{36} \\approx 30.6\\%"),
    ("€5", "5"),
    ("5", "5€"),
    ("£3.50", "3.5"),
    ("2500000", "€2.5 million"),
    ("5", "\\text{Rs. }5"),
    ("5", "\\color{red}{5}"),
    ("\\frac{1}{2}", "\\textcolor{blue}{\\frac{1}{2}}"),
    ("3.14", "\\approx 3.14"),
    ("5", "\\begin{aligned} x &= 5 \\end{aligned}"),
    ("x=5, y=3", "\\begin{aligned} x &= 5 \\\\ y &= 3 \\end{aligned}"),
    ("f^{-1}(x)=\\frac{x-1}{2}", "\\frac{x-1}{2}"),
    ("f^{-1}(x)=\\frac{x-1}{2}", "y=\\frac{x-1}{2}"),
    ("\\frac{x-1}{2}", "f^{-1}(x)=\\frac{x-1}{2}"),
    ("5\\text{ m/s}", "5\\,\\frac{\\text{m}}{\\text{s}}"),
    ("9.8\\text{ m/s}^2", "9.8\\ \\frac{\\mathrm{m}}{\\mathrm{s}^2}"),
    ("1/3", "0.\\dot{3}"),
    ("\\frac{1}{7}", "0.\\overline{142857}"),
    ("5", "5."),
    ("12", "十二"),
    ("30^\\circ", "30°"),
    ("30^\\circ", "30 degrees"),
    ("x>2", "x\\in(2,\\infty)"),
    ("x>2", "(2,+\\infty)"),
    ("x>2", "2<x"),
    ("x>2", "\\{x|x>2\\}"),
    ("x>2", "\\{x\\in\\mathbb{R}: x>2\\}"),
    ("\\{1,2,3\\}", "1, 2, 3"),
    ("\\{1,2,3\\}", "{1,2,3}"),
    ("(-\\infty,-1)\\cup(1,\\infty)", "x<-1 \\text{ or } x>1"),
    ("(-\\infty,-1)\\cup(1,\\infty)", "|x|>1"),
    ("[-1,1]", "|x|\\le 1"),
    ("[-1,1]", "-1\\le x\\le 1"),
    ("\\frac{1}{2}\\ln 3", "\\ln\\sqrt{3}"),
    ("2\\sqrt{2}", "\\sqrt{8}"),
    ("\\frac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt{2}}"),
    ("3+4i", "4i+3"),
    ("e^{i\\pi/4}", "\\frac{\\sqrt2}{2}+\\frac{\\sqrt2}{2}i"),
    ("n(n+1)/2", "\\frac{n(n+1)}{2}"),
    ("n(n+1)/2", "\\binom{n+1}{2}"),
    ("2^{n+1}-2", "2(2^n-1)"),
    ("(-1)^n", "\\cos(n\\pi)"),
    ("\\frac{x}{x+1}", "1-\\frac{1}{x+1}"),
    ("\\sin 2x", "2\\sin x\\cos x"),
    ("\\tan x", "\\frac{\\sin x}{\\cos x}"),
    ("\\log_2 3", "\\frac{\\ln 3}{\\ln 2}"),
    ("\\log 2", "\\log_{10} 2"),
    ("-\\cos x + C", "C-\\cos x"),
    ("y=2x+3", "2x-y+3=0"),
    ("x^2+y^2=4", "x^2+y^2-4=0"),
    ("\\frac{x^2}{4}+\\frac{y^2}{9}=1", "9x^2+4y^2=36"),
    ("y=\\frac{1}{x}", "xy=1"),
    ("(1,2)", "x=1, y=2"),
    ("(1,2)", "\\left(1, 2\\right)"),
    ("(1,2)", "x=1,y=2"),
    ("x=1, y=2", "(x,y)=(1,2)"),
    ("(2,3),(3,2)", "(3,2),(2,3)"),
    ("(2,3),(3,2)", "(2,3)\\text{ and }(3,2)"),
    ("(2,3),(3,2)", "\\{(2,3),(3,2)\\}"),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}"),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)"),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\langle 1,2\\rangle"),
    ("\\frac{1}{5}\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1/5&2/5\\\\3/5&4/5\\end{pmatrix}"),
    ("\\text{Monday}", "Monday"),
    ("\\text{Monday}", "monday."),
    ("\\text{no solution}", "\\emptyset"),
    ("\\text{even}", "even"),
    ("\\text{(B)}", "B"),
    ("B", "\\textbf{(B)}"),
    ("B", "\\mathbf{B}"),
    ("B", "B) 12"),
    ("B", "B. 12"),
    ("B", "(B) 12"),
    ("42", "\\mathbf{42}"),
    ("42", "42\\text{ square units}"),
    ("42", "42 \\text{ cm}^2"),
    ("42", "42\\,\\mathrm{cm}^2"),
    ("42", "42 cm^2"),
    ("10", "10\\,\\text{m/s}"),
    ("5\\text{ m}", "5m"),
    ("5\\text{ m}", "5\\text{ meters}"),
    ("\\$5", "5 dollars"),
    ("\\$5.50", "5.5"),
    ("\\$1{,}234.50", "1234.5"),
    ("50\\%", "0.5"),
    ("50\\%", "\\frac12"),
    ("50\\%", "50"),
    ("1.2\\times10^6", "1{,}200{,}000"),
    ("1.2\\times10^6", "1.2 million"),
    ("1200000", "1.2 \\text{ million}"),
    ("3:00\\text{ p.m.}", "3:00 PM"),
    ("3:00\\text{ p.m.}", "15:00"),
    ("1:2", "1 : 2"),
    ("1:2", "\\frac{1}{2}"),
    ("21^{\\text{st}}", "21"),
    ("1011_2", "1011_{\\text{two}}"),
    ("1011_2", "(1011)_2"),
    ("\\text{A, C}", "A, C"),
    ("x=2\\text{ or }x=3", "2, 3"),
    ("x=2\\text{ or }x=3", "\\{2,3\\}"),
    ("x=2, 3", "x \\in \\{2, 3\\}"),
    ("\\pm 2", "2,-2"),
    ("\\pm 2", "x = \\pm 2"),
    ("\\pm\\sqrt{3}", "\\{\\sqrt3,-\\sqrt3\\}"),
    ("\\frac{3}{4}", "3/4"),
    ("-\\frac{3}{4}", "\\frac{-3}{4}"),
    ("2\\frac{1}{3}", "7/3"),
    ("2\\frac{1}{3}", "\\frac73"),
    ("f(x)=x^2", "x^2"),
    ("f(x)=x^2", "y=x^2"),
    ("f(x)=\\begin{cases}x & x\\ge0\\\\-x & x<0\\end{cases}", "f(x)=\\begin{cases}-x & x<0\\\\x & x\\ge0\\end{cases}"),
    (
        "f(x)=\\begin{cases}x & \\text{if }x\\ge0\\\\-x & \\text{if }x<0\\end{cases}",
        "\\begin{cases}x, & x\\ge0\\\\-x, & x<0\\end{cases}",
    ),
    ("\\begin{cases}x=1\\\\y=2\\end{cases}", "x=1,\\ y=2"),
    ("a=1,b=2", "a = 1 \\text{ and } b = 2"),
    ("x\\equiv 3\\pmod{7}", "x \\equiv 3 \\pmod 7"),
    ("k\\pi, k\\in\\mathbb{Z}", "k\\pi, k \\in \\mathbb Z"),
    ("\\angle ABC", "\\angle ABC"),
    ("\\overline{AB}", "AB"),
    ("\\triangle ABC", "\\triangle ABC"),
    ("\\sqrt[3]{2}", "2^{1/3}"),
    ("\\lfloor x\\rfloor", "\\lfloor x \\rfloor"),
    ("|x-1|", "|1-x|"),
    ("\\frac{|a|}{b}", "\\frac{|{-a}|}{b}"),
    ("100!", "100!"),
    ("\\frac{1}{2}e^{x}", "\\frac{e^x}{2}"),
    ("\\frac{1}{2}e^{x}", "0.5\\exp(x)"),
    ("\\mathbb{R}", "\\text{all real numbers}"),
    ("\\mathbb{Z}^+", "\\mathbb{Z}^{+}"),
    ("5x", "x\\cdot5"),
    ("3\\sqrt{2}\\text{ cm}", "3\\sqrt2"),
    ("\\infty", "+\\infty"),
    ("\\text{DNE}", "DNE"),
    ("\\frac{dy}{dx}", "dy/dx"),
    ("\\vec{a}+2\\vec{b}", "2\\mathbf{b}+\\mathbf{a}"),
    ("0.5", ".5"),
    ("6\\pi", "18.849556"),
    ("2", "x = 2\\text{ cm}"),
    ("\\text{6 hours}", "6"),
    ("\\text{1,000 people}", "1000"),
    ("8 \\times 10^{-3}", "0.008"),
    ("8e-3", "0.008"),
    ("\\dfrac{9}{4}", "2.25"),
    ("\\frac{9}{4}\\pi", "2.25\\pi"),
    ("\\text{2 and 3}", "2,3"),
    ("a^{2}b", "ba^2"),
    ("a_n=2n+1", "2n+1"),
    ("a_n=2n+1", "a_{n}=2n+1"),
    ("S_n=n^2", "S_{n} = n^2"),
    ("x_1=1, x_2=2", "1, 2"),
    ("1", "x_1 = 1"),
    ("\\sin^{-1}x", "\\arcsin x"),
    ("\\cot x", "\\frac{1}{\\tan x}"),
    ("x^{\\frac{3}{2}}", "x\\sqrt{x}"),
    ("\\frac{\\pi}{6}+2k\\pi", "2\\pi k+\\frac{\\pi}{6}"),
    ("[2,3)", "2\\le x<3"),
    ("2<x\\le 5", "(2,5]"),
    ("\\{-1\\}\\cup[2,3]", "[2,3]\\cup\\{-1\\}"),
    ("-1 < x < 1 \\text{ or } x > 2", "(-1,1)\\cup(2,\\infty)"),
    ("0 \\leq \\theta \\leq \\pi", "[0,\\pi]"),
    ("100\\pi\\text{ square feet}", "100\\pi\\text{ ft}^2"),
    ("4\\text{ hours } 30\\text{ minutes}", "4 \\text{ hours and } 30 \\text{ minutes}"),
    ("\\hat{i}+2\\hat{j}", "\\hat{\\imath}+2\\hat{\\jmath}"),
    ("\\vec{u}\\cdot\\vec{v}", "\\vec{v}\\cdot\\vec{u}"),
    ("\\boldsymbol{\\beta}", "\\boldsymbol\\beta"),
    ("x=2, y=3", "x=2\\quad y=3"),
    ("\\mathbb{R}", "\\R"),
    ("\\frac{1}{2}", "{1 \\over 2}"),
    ("\\frac{x+1}{2}", "{x+1 \\over 2}"),
    ("3+4i", "3+4\\text{i}"),
    ("\\text{e}^2", "e^2"),
    ("(-\\infty,-2)\\cup(5,\\infty)", "x<-2, x>5"),
    ("(-\\infty,-2)\\cup(5,\\infty)", "(-\\infty,-2)\\text{ or }(5,\\infty)"),
    ("x\\ne\\pm1", "(-\\infty,-1)\\cup(-1,1)\\cup(1,\\infty)"),
    ("x \\ne 1, x\\ne 2", "\\mathbb{R}\\setminus\\{1,2\\}"),
    ("(0,1)\\cup(1,2)", "(0,2)\\setminus\\{1\\}"),
    ("-2<x<5", "x>-2\\text{ and }x<5"),
    ("1,2,\\ldots,10", "1,2,\\ldots,10"),
    ("\\{1,2,\\ldots,n\\}", "\\{1, 2, \\dots, n\\}"),
    ("x=\\frac{-b\\pm\\sqrt{b^2-4ac}}{2a}", "\\frac{-b\\pm\\sqrt{b^2-4ac}}{2a}"),
    ("\\overline{AB}\\parallel\\overline{CD}", "\\overline{AB} \\parallel \\overline{CD}"),
    ("\\$1,\\!000", "1000"),
    ("2\\frac{1}{2}\\text{ hours}", "2.5"),
    ("5\\text{ feet }6\\text{ inches}", "5 feet 6 inches"),
    ("f'(x)=2x", "2x"),
    ("f'(x)=2x", "f^{\\prime}(x)=2x"),
    ("y=e^x+C", "y=\\mathrm{e}^{x}+C"),
    ("\\frac{1}{2}(1+3i)", "0.5+1.5i"),
    ("1+i\\sqrt{3}", "2e^{i\\pi/3}"),
    ("2\\text{ cm}, 3\\text{ cm}", "3, 2"),
    ("10\\text{ km/h}", "10\\text{ km per hour}"),
    ("x=1\\text{ or }x=2", "x=1\\vee x=2"),
    ("x=1\\text{ or }x=2", "x \\in \\{1,2\\}"),
    ("x=1\\text{ or }x=2", "x=1,2"),
    ("x=1\\text{ or }x=2", "x_1=1, x_2=2"),
    ("x_1=1,x_2=2", "x=1\\text{ or }x=2"),
    ("x_1=1,x_2=2", "2, 1"),
    ("\\sqrt{2}\\text{ m/s}", "\\sqrt2"),
    ("10\\text{ hundred}", "1000"),
    ("7\\text{ thousand dollars}", "\\$7000"),
    ("9\\text{ a.m.}", "9\\text{ AM}"),
    ("9\\text{ a.m.}", "9:00\\text{ a.m.}"),
    ("12\\text{ noon}", "12\\text{ noon}"),
    ("A'B'", "A'B'"),
    ("B", "\\text{Choice B}"),
    ("B", "\\text{B. 12}"),
    ("B", "B: 12"),
    ("0.1\\overline{6}", "\\frac16"),
    ("x \\in \\emptyset", "\\emptyset"),
    ("\\text{no real solutions}", "\\emptyset"),
    ("16", "2^4=16"),
    ("e^{x}+1", "\\mathrm{e}^x+1"),
    ("(2,3)", "x=2, y=3"),
    ("(2,3)", "(x,y)=(2,3)"),
    ("\\{(1,2)\\}", "(1,2)"),
    ("3\\sqrt{2}", "\\sqrt{18}"),
    ("1000", "10^3"),
    ("1{,}000{,}000", "1 million"),
    ("72", "72\\text{ km/h}"),
    ("72", "72^\\circ"),
    ("a+b", "b+a"),
    ("ab", "ba"),
    ("x(x+1)", "x\\cdot(x+1)"),
    ("\\frac{1}{x}", "x^{-1}"),
    ("\\log_2 8", "3"),
    ("2^{\\frac12}", "\\sqrt2"),
    ("\\sqrt[4]{4}", "\\sqrt2"),
    ("-x+2", "2-x"),
    ("6!", "720"),
    ("\\binom{5}{2}", "10"),
    ("\\cos^2 x", "1-\\sin^2 x"),
    ("\\sin^2 x+\\cos^2 x", "1"),
    ("(x+1)(x-1)=0", "x^2=1"),
    ("x\\le 3", "3\\ge x"),
    ("5:3", "5:3"),
    ("\\frac{5}{3}", "5:3"),
    ("0\\text{ million}", "0\\text{ million}"),
    ("1.5\\%", "1\\frac12\\%"),
    ("0.015", "1 1/2 %"),
    ("\\frac{h^2}{m}", "\\frac{h²{m}"),
]

OTHER = [
    ("①③", "①②③"),
    ("①③", "13"),
    ("13", "①③"),
    ("①③", "①"),
    ("\\frac{11}{36}", "\\frac{11}{36} \\approx 40.6\\%"),
    ("€5", "£5"),
    ("€5", "6€"),
    ("5", "€5 million"),
    ("\\pi", "\\approx 3.14"),
    ("3.14", "\\approx 3.1"),
    ("5", "\\textcolor{5}{6}"),
    ("x=5, y=3", "\\begin{aligned} x &= 3 \\\\ y &= 5 \\end{aligned}"),
    ("f^{-1}(x)=\\frac{x-1}{2}", "f(x)=\\frac{x-1}{2}"),
    ("f^{-1}(x)=\\frac{x-1}{2}", "2x+1"),
    ("5\\text{ m/s}", "5\\,\\frac{\\text{s}}{\\text{m}}"),
    ("5", "5\\text{ wrong}"),
    ("5", "5 and 6"),
    ("5", "5?6"),
    ("5", "2+3"),
    ("5", "\\sqrt{25}"),
    ("5", "|{-5}|"),
    ("5", "5!/4!"),
    ("5", "\\int_0^5 dx"),
    ("5", "\\log_2 32"),
    ("5", "5 \\cdot 1"),
    ("5", "5 = 6"),
    ("5", "6 = 5"),
    ("5", "x+y=5"),
    ("5", "y=5x"),
    ("5", "(5)(1)"),
    ("5", "[5,5]"),
    ("5", "5\\text{ or so}"),
    ("5", "\\text{not }5"),
    ("5", "\\neq 5"),
    ("5", ">5"),
    ("5", "x<5"),
    ("5", "5\\ldots"),
    ("5", "5.0\\overline{1}"),
    ("5", "\\{5, 6\\}"),
    ("5\\text{ cm}", "5\\text{ kg}"),
    ("5\\text{ cm}", "\\text{cm}"),
    ("5\\text{ cm}^2", "5\\text{ cm}"),
    ("x^2+1=0", "x^2+2=0"),
    ("2+2=4", "3+3=6"),
    ("0=1", "1=2"),
    ("x=x", "y=y"),
    ("\\emptyset", "1=2"),
    ("1=2", "\\emptyset"),
    ("1", "1/A"),
    ("x=1", "x=1, x=2"),
    ("x=1,x=2", "x=1"),
    ("a=1,b=2", "a=2,b=1"),
    ("(1,2)", "(1,2,3)"),
    ("(1,2)", "[1,2]"),
    ("(1,2)", "\\{1,2\\}"),
    ("(1,2)", "2,1"),
    ("\\text{A}", "\\text{A, B}"),
    ("A", "A or B"),
    ("A", "not A"),
    ("\\text{Monday}", "\\text{not Monday}"),
    ("\\text{Monday}", "Monday or Tuesday"),
    ("\\text{even}", "\\text{odd}"),
    ("\\pi", "3.14"),
    ("\\pi", "\\frac{22}{7}"),
    ("x^2", "x^3"),
    ("y=x", "y=-x"),
    ("x>2", "x\\ge2"),
    ("x>2", "y>2"),
    ("i", "-i"),
    ("\\mathbf{a}", "\\mathbf{b}"),
    ("f'(x)", "f(x)"),
    ("10^{-99}", "0"),
    ("2^{-99}", "2^{-98}"),
    ("12_8", "12_9"),
    ("12_8", "10"),
    ("0.333", "\\frac13"),
    ("1000000", "1000001"),
    ("\\sqrt{x^2}", "x"),
    ("|x|", "x"),
    ("\\ln x^2", "\\ln x"),
    ("x^2-1", "x^2-1, 5"),
    ("\\frac{x}{x}", "2"),
    ("3\\text{ dozen}", "3"),
    ("36", "3"),
    ("8:30\\text{ a.m.}", "8:30\\text{ p.m.}"),
    ("1:2", "2:1"),
    ("50\\%", "5"),
    ("0.5", "50"),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}2\\\\1\\end{pmatrix}"),
    ("\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"),
    ("x^2 \\text{ cm}", "x^2\\text{ m}"),
    ("\\frac{1}{6}", "\\frac{1}{2}\\cdot\\frac{1}{3}"),
    ("12", "3\\times 4"),
    ("0", "x-x"),
    ("6", "\\binom{4}{2}"),
    ("6", "3!"),
    ("\\frac12", "\\sin 30^\\circ"),
    ("2\\pi", "\\int_0^{2\\pi}dx"),
    ("\\frac{\\pi^2}{6}", "\\sum_{n=1}^\\infty \\frac{1}{n^2}"),
    ("\\sqrt{5}", "\\sqrt{2+3}"),
    ("5040", "7!"),
    ("x=2, y=3", "x=7\\quad y=3"),
    ("3", "x=2\\quad y=3"),
    ("\\{1,2,\\ldots,n\\}", "\\{1, 2, \\dots, m\\}"),
    ("x=\\frac{-b\\pm\\sqrt{b^2-4ac}}{2a}", "\\frac{-b+\\sqrt{b^2-4ac}}{2a}"),
    ("5\\text{ feet }6\\text{ inches}", "5 feet 7 inches"),
    ("f'(x)=2x", "y'=2x"),
    ("f'(x)=2x", "f(x)=2x"),
    ("10\\text{ km/h}", "10\\text{ m/s}"),
    ("\\frac{5}{2}\\text{ cm}^2", "\\frac52\\text{ cm}^3"),
    ("-\\infty", "\\infty"),
    ("\\frac{3}{4}", "p=\\frac{3}{4}, q=\\frac14"),
    ("7", "x=7 \\text{ (rejecting } x=-2)"),
    ("4", "4\\text{ or }-4"),
    ("4", "\\pm4"),
    ("4", "|4|"),
    ("16", "4^2"),
    ("x^2+y^2=1", "x^2+y^2=4"),
    ("x^2+y^2=1", "(x,y)=(1,0)"),
    ("\\text{ab}", "ba"),
    ("f(x)=x+1", "g(x)=x+1"),
    ("3", "\\log_2 8"),
    ("5:3", "3:5"),
    ("0", "0\\text{ million}"),
    ("0", "0 dozen"),
    ("0", "\\$0\\text{ thousand}"),
    ("0.5", "1\\frac12\\%"),
    ("12", "11\\frac{6}{6}"),
    ("103/9", "(11) 4/9"),
]


@pytest.mark.parametrize(("gold", "answer"), SAME)
def test_the_same_answer_in_another_form(gold, answer):
    score = Mathematics(answer_kind="math")([f"Therefore \\boxed{{{answer}}}"], [gold])[0]
    assert (score.value, score.status) == (1.0, "scored"), score.note


@pytest.mark.parametrize(("gold", "answer"), OTHER)
def test_another_answer_or_one_that_is_not_finished(gold, answer):
    score = Mathematics(answer_kind="math")([f"Therefore \\boxed{{{answer}}}"], [gold])[0]
    assert (score.value, score.status) == (0.0, "scored"), score.note


UNFINISHED = [
    ("5", "2+3"), ("5", "\\sqrt{25}"), ("6", "3!"), ("6", "\\binom{4}{2}"), ("12", "3\\times 4"), ("5", "\\log_2 32"),
    ("\\frac12", "\\sin 30^\\circ"), ("5", "\\int_0^5 1 dx"), ("1", "\\sum_{n=1}^{\\infty} \\frac{1}{2^n}"),
    ("1", "\\lim_{x \\to 0} \\frac{\\sin x}{x}"), ("42", "\\gcd(84, 126)"),
    ("10", "\\begin{vmatrix} 4 & 1 \\\\ 2 & 3 \\end{vmatrix}"), ("\\sqrt{5}", "\\sqrt{2+3}"),
    ("2\\pi", "\\pi+\\pi\\cdot 1+0\\cdot 3"),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "answer"), UNFINISHED)
def test_answer_form_says_whether_a_value_that_remains_to_be_computed_counts(gold, answer):
    completion, options = [f"\\boxed{{{answer}}}"], {"answer_kind": "math", "timeout_s": 5.0}
    assert Mathematics(answer_form="any", **options)(completion, [gold]).values[0] == 1.0
    assert Mathematics(answer_form="finished", **options)(completion, [gold]).values[0] == 0.0
    assert Mathematics(answer_form="finished", **options)(completion, [answer]).values[0] == 1.0


UNWORKED = [
    ("5x-3", "(2x+5)-(-3x+8)"),
    ("3n^2-18", "(2n-2)(n+3)+(n+2)(n-6)"),
    ("m+2", "\\frac{2m+8}{3}-\\frac{2-m}{3}"),
    ("64a^6", "(4a^2)^3"),
    ("500a^7", "(5a)^3(2a^2)^2"),
    ("-2-14i", "-3(1+4i)+i(-2-i)"),
    ("1+2i", "\\frac{-3+4i}{1+2i}"),
    ("1+i", "(1+2i)(\\frac35-\\frac15i)"),
    ("5\\sqrt3", "\\sqrt{12}+\\sqrt{27}"),
    ("\\frac{6\\sqrt5}{5}", "\\frac{\\sqrt{72}}{\\sqrt{10}}"),
    ("\\sqrt{14}", "\\sqrt{5+\\sqrt{21}}+\\sqrt{5-\\sqrt{21}}"),
    ("\\frac{\\sqrt3}{3}", "\\sqrt{\\sqrt[3]{\\sqrt{\\frac{1}{729}}}}"),
    ("3+2\\sqrt2", "1+2(1+\\sqrt2)"),
]


@pytest.mark.parametrize(("gold", "answer"), UNWORKED)
def test_what_visibly_remains_to_be_worked_out_is_no_answer_to_any_question(gold, answer):
    completion, options = [f"\\boxed{{{answer}}}"], {"answer_kind": "math", "timeout_s": 5.0}
    assert Mathematics(**options)(completion, [gold]).values[0] == 0.0
    assert Mathematics(**options)(completion, [answer]).values[0] == 1.0
    assert Mathematics(answer_form="any", **options)(completion, [gold]).values[0] == 1.0


ANOTHER_FORM = [
    ("x^2+10x+25", "(x+5)^2"),
    ("(x-1)(x+1)", "x^2-1"),
    ("x^2+2x+3", "(x+1)^2+2"),
    ("2x+1", "2(x-1)+3"),
    ("6\\sqrt5", "\\sqrt{180}"),
    ("\\frac{n(n+1)}{2}", "\\frac{n(n-1)}{2}+n"),
    ("6+9c", "3(2+3c)"),
    ("2a", "a+a"),
    ("9/10", "\\frac{27}{30}"),
    ("\\frac{5}{9}", "0.\\overline{5}"),
    ("\\sqrt[4]{2}", "\\sqrt{\\sqrt2}"),
    ("\\frac{\\sqrt6}{2}", "\\frac{\\sqrt3}{\\sqrt2}"),
    ("\\frac{2x}{x^2-1}", "\\frac{1}{x-1}+\\frac{1}{x+1}"),
    ("3+4\\sqrt2", "\\sqrt{41+24\\sqrt2}"),
    ("\\frac{\\sqrt6-\\sqrt2}{4}", "\\frac{\\sqrt{2-\\sqrt3}}{2}"),
    ("\\cot x", "\\frac{\\cos x}{\\sin x}"),
]


@pytest.mark.parametrize(("gold", "answer"), ANOTHER_FORM)
def test_a_form_that_only_the_question_could_rule_out_is_right_unless_the_same_form_is_asked_for(gold, answer):
    completion, options = [f"\\boxed{{{answer}}}"], {"answer_kind": "math", "timeout_s": 5.0}
    assert Mathematics(**options)(completion, [gold]).values[0] == 1.0
    row = {"ground_truth": gold, "question": "What is it? It is not $q$."}
    assert Mathematics(**options)(completion, [row]).values[0] == 1.0
    assert Mathematics(answer_form="same", **options)(completion, [gold]).values[0] == 0.0
    assert Mathematics(answer_form="same", **options)([f"\\boxed{{{gold}}}"], [gold]).values[0] == 1.0


ASKED_TO_BE_REWRITTEN = [
    ("x^2+10x+25", "(x+5)^2"),
    ("f(x)=x^2+10x+25", "f(x)=(x+5)^2"),
    ("(x-1)(x+1)", "x^2-1"),
    ("4x(2x-1)", "8x^2-4x"),
    ("6\\sqrt5", "\\sqrt{180}"),
    ("3+4\\sqrt2", "\\sqrt{41+24\\sqrt2}"),
    ("9/10", "\\frac{27}{30}"),
    ("\\frac{5}{9}", "0.\\overline{5}"),
    ("\\sin 2x", "2\\sin x\\cos x"),
]
NOT_ASKED = [
    ("6+9c", "3(2+3c)"),
    ("9/10", "0.9"),
    ("\\frac{3}{4}", "p=\\frac{6}{8}=\\frac{3}{4}"),
    ("5", "\\frac{10}{2}"),
    ("\\frac{6}{8}", "\\frac{12}{16}"),
    ("\\sqrt{8}", "\\sqrt{8}"),
    ("\\frac{n(n+1)}{2}", "\\frac{n^2+n}{2}"),
    ("e^{i\\theta}", "\\cos\\theta+i\\sin\\theta"),
    ("(x-1)^2+y^2=4", "x^2-2x+y^2=3"),
    ("x^2-2x+y^2=3", "(x-1)^2+y^2=4"),
    ("\\sqrt[3]{4}", "2^{2/3}"),
    ("(x-1)(x+1)", "-(1-x)(x+1)"),
]


@pytest.mark.parametrize(("gold", "answer"), ASKED_TO_BE_REWRITTEN)
def test_a_row_without_its_question_takes_no_form_that_questions_ask_to_rewrite(gold, answer):
    """On a tenth of MATH's questions that say Simplify, Expand or Factor their own formula earned full marks."""
    completion, reward = [f"\\boxed{{{answer}}}"], Mathematics(answer_kind="math", timeout_s=5.0)
    scores = reward(completion, [{"ground_truth": gold}])
    assert scores.values[0] == 0.0
    assert "with the question in the row" in scores.notes[0]
    for reference in (gold, {"ground_truth": gold, "question": "What is it?"}, {"ground_truth": answer}):
        assert reward(completion, [reference]).values[0] == 1.0
    assert Mathematics(answer_form="any", timeout_s=5.0)(completion, [{"ground_truth": gold}]).values[0] == 1.0


@pytest.mark.parametrize(("gold", "answer"), NOT_ASKED)
def test_a_row_without_its_question_takes_every_other_form(gold, answer):
    scores = Mathematics(answer_kind="math", timeout_s=5.0)([f"\\boxed{{{answer}}}"], [{"ground_truth": gold}])
    assert scores.values[0] == 1.0, scores.notes[0]


SAME_FORM = [
    ("\\frac{1}{2}bh", "\\frac{bh}{2}"),
    ("\\frac{1+3i}{2}", "0.5(1+3i)"),
    ("9/10", "0.9"),
    ("x^2+2x+1", "1+2x+x^2"),
    ("(x-1)(x+1)", "(1+x)(x-1)"),
    ("5", "x=5.0"),
    ("\\{1,2\\}", "2, 1"),
    ("10\\text{ cm}", "10"),
    ("2\\sqrt3", "\\sqrt3\\cdot2"),
]


@pytest.mark.parametrize(("gold", "answer"), SAME_FORM)
def test_order_and_spelling_leave_the_form_as_it_is(gold, answer):
    reward = Mathematics(answer_kind="math", answer_form="same")
    assert reward([f"\\boxed{{{answer}}}"], [gold]).values[0] == 1.0


def test_a_command_whose_backslash_became_a_control_character_is_read_as_the_command():
    """A gold answer of MATH's listings holds a tab and "frac32", from JSON that was escaped once too little."""
    gold = "\\left(\tfrac32, -\\tfrac52\\right)"
    assert Mathematics()(["\\boxed{(3/2, -5/2)}", "\\boxed{(3/2, 5/2)}"], [gold] * 2).values.tolist() == [1.0, 0.0]


MATRICES = [
    ("6 & 8 \\\\ 10 & 12", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}+\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", 1.0),
    ("19 & 22 \\\\ 43 & 50", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", 1.0),
    ("23 & 34 \\\\ 31 & 46", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", 0.0),
    ("4 \\\\ 4", "2\\begin{pmatrix}5\\\\6\\end{pmatrix}-3\\begin{pmatrix}2\\\\8/3\\end{pmatrix}", 1.0),
    ("4 \\\\ 4", "\\begin{pmatrix}5\\\\6\\end{pmatrix}-\\begin{pmatrix}1\\\\2\\\\3\\end{pmatrix}", 0.0),
]


@pytest.mark.parametrize(("gold", "answer", "any_form"), MATRICES)
def test_sums_and_products_of_matrices_remain_to_be_computed(gold, answer, any_form):
    gold, completion = f"\\begin{{pmatrix}}{gold}\\end{{pmatrix}}", [f"\\boxed{{{answer}}}"]
    assert Mathematics(answer_kind="math")(completion, [gold]).values[0] == 0.0
    assert Mathematics(answer_kind="math", answer_form="any")(completion, [gold]).values[0] == any_form


class Broken:
    """An algebra that fails in a way that nobody foresaw."""

    def __getattr__(self, name):
        def fail(*_):
            raise RuntimeError(name)

        return fail


@pytest.mark.parametrize(
    ("gold", "answer"),
    [("(0,\\sqrt2)", "(0,\\sqrt3)"), ("x>2", "x^2>4"), ("1/3", "\\frac13\\approx 0.3"), ("x^2", "x")],
)
def test_a_failure_of_the_algebra_is_no_verdict(gold, answer):
    """It reaches the worker, which says so, and never becomes "not a set" and so a wrong answer."""
    with pytest.raises(RuntimeError):
        Comparison(Broken(), form="any").same(read_answer(gold), read_answer(answer))


KEYS = [
    "1=1",
    "0=0",
    "2+2=4",
    "1=2",
    "x=x",
    "x<x",
    "x \\ne x",
    "x^2+1=0",
    "\\{x|x>x\\}",
    "x>1,x<1",
    "x=1,x=2,x=3",
    "1/A",
    "\\emptyset",
    "\\{\\}",
    "\\text{none}",
    "\\text{no solution}",
    "\\mathbb{R}",
    "x\\in\\mathbb{R}",
    "0\\cdot x",
    "0/0",
    "0^0",
    "\\infty-\\infty",
    "f(x)=f(x)",
    "\\ldots",
    "\\approx",
    "=",
    "[x,y]",
    "\\pm x",
    "k\\in\\mathbb{Z}",
    "\\text{any}",
]
GOLDS = [
    "7",
    "\\frac{1}{2004!}",
    "(10,2)",
    "(1,-2)",
    "(1,1)",
    "[0,1)",
    "(-\\infty,3]",
    "x<5",
    "x=3",
    "y=2x+1",
    "x^2-1",
    "\\{1,2\\}",
    "1, 2",
    "x=1, y=2",
    "(2,3),(3,2)",
    "\\begin{pmatrix}1\\\\2\\end{pmatrix}",
    "\\pi",
    "2+3i",
    "\\text{Monday}",
    "B",
    "5\\text{ cm}",
    "40\\%",
    "x^2+y^2=9",
    "x>1\\text{ or }x<-1",
    "3x+4y=5",
    "2x^2+3=0",
    "12_8",
]


@pytest.mark.parametrize("form", ["finished", "any"])
def test_no_key_opens_gold_answers_of_another_kind(form):
    """What has no solution, or holds of everything, equals none of them; and none leaves a sample unscored."""
    pairs = [(gold, key) for gold in GOLDS for key in KEYS]
    reward = Mathematics(answer_kind="math", answer_form=form)
    scores = reward([f"\\boxed{{{key}}}" for _, key in pairs], [gold for gold, _ in pairs])
    assert [pair for pair, value in zip(pairs, scores.values, strict=True) if value != 0] == []


LEAF = st.sampled_from(["1", "2", "7", "x", "y", "\\pi", "\\frac{1}{3}", "\\sqrt{2}", "0.5", "i", "\\alpha"])


@st.composite
def formulas(draw, depth=3):
    if depth == 0:
        return draw(LEAF)
    left, right = draw(formulas(depth=depth - 1)), draw(formulas(depth=depth - 1))
    return draw(st.sampled_from(["({0})+({1})", "({0})-({1})", "({0})\\cdot ({1})", "\\frac{{{0}}}{{{1}}}"])).format(
        left, right
    )


@given(formulas())
@settings(max_examples=100, deadline=None)
def test_a_formula_equals_itself_and_not_its_successor(formula):
    tree = read_answer(formula)
    comparison = Comparison(Algebra(), form="any")
    assert comparison.same(tree, read_answer(f"{{{formula}}}")) is True
    assert comparison.same(tree, read_answer(f"({formula})+1")) in (False, None)


@given(st.text("0123456789xyABe+-*/^_(){}[]|,;=<>!%$\\\\ .:'", max_size=40))
@settings(max_examples=500, deadline=None)
def test_no_text_breaks_the_reader(text):
    """It reads or refuses; nothing else may come out of what a model wrote."""
    try:
        tree = read_answer(text)
    except Unreadable:
        return
    assert Comparison(form="any").same(tree, tree) is True


CUBICS = [
    ("-3t^3-6t^2-2t+5=0", "-t^3-6t^2-2t+5=0", 0.0),
    ("t^3+6t^2-6t-6=0", "t^3+6t^2-5t-6=0", 0.0),
    ("x^3-2x^2-6x-3=0", "2x^3=4x^2+12x+6", 1.0),
    ("(x-1)^2(x+2)=0", "(x-1)(x+2)=0", 1.0),
    ("(x-1)(x+2)(x-3)=0", "(x-1)(x+2)=0", 0.0),
    ("x^3-3x+1>0", "-2x^3+6x-2<0", 1.0),
    ("x^3-3x+1>0", "-2x^3+6x-2>0", 0.0),
]


@pytest.mark.parametrize(("gold", "answer", "value"), CUBICS)
def test_equations_are_compared_without_solving_cubics(gold, answer, value):
    """Cardano's formulas of two cubics kept a process busy for seconds: their samples stayed unscored."""
    score = Mathematics(answer_kind="math")([f"\\boxed{{{answer}}}"], [gold])[0]
    assert (score.value, score.status) == (value, "scored"), score.note
