"""A right answer earns all in every form that models write it in, and a wrong one earns nothing in any."""

from __future__ import annotations

import json
import pathlib
import re

import pytest

from table_rewards import TableBench, TableRegion

ITEMS = pathlib.Path(__file__).parents[3] / "fixtures" / "tablebench" / "tablebench_o3mini_dp_items.jsonl"
GOLDS = sorted(
    {
        (row["reference"].strip(), row["qtype"], row["qsubtype"])
        for row in map(json.loads, ITEMS.read_text("utf-8").splitlines())
        if row["expected_metric_name"] == "EM"
    }
)
NUMBER = re.compile(r"-?\d+(\.\d+)?")
LEAD = "We look at the table.\n"
AREA = '<gold_area>{"columns": ["a"], "rows": [0]}</gold_area>'


def items(gold):
    return [item.strip() for item in gold.split(",") if item.strip()]


def is_number(gold):
    return NUMBER.fullmatch(gold) is not None


def is_list(gold):
    return ", " in gold


def thousands(gold, mark=","):
    return re.sub(r"(?<![\d.,])\d{4,}(?![\d,])", lambda m: f"{int(m[0]):,}".replace(",", mark), gold)


def python_item(item):
    return item if is_number(item) else repr(item)


def say(write, test=lambda gold: True):
    """The form of a gold answer behind the label that the prompt asks for; None where it does not apply."""
    return lambda gold: f"{LEAD}Final Answer: {write(gold)}" if test(gold) else None


def bullets(gold):
    lines = "\n".join("- " + item for item in items(gold))
    return f"{LEAD}Final Answer:\n{lines}" if is_list(gold) else None


RIGHT = {
    "as asked": say(str),
    "bold": say("**{}**".format),
    "italic": say("*{}*".format),
    "code": say("`{}`".format),
    "quotes": say('"{}"'.format),
    "curly quotes": say("“{}”".format),
    "full stop": say("{}.".format),
    "comma behind": say("{},".format),
    "semicolon behind": say("{};".format),
    "exclamation mark": say("{}!".format),
    "Chinese full stop": say("{}。".format),
    "article": say("The {}".format),
    "square brackets": say("[{}]".format),
    "boxed": say("\\boxed{{{}}}".format),
    "boxed text": say("\\boxed{{\\text{{{}}}}}".format),
    "boxed, in dollars": say("$\\boxed{{{}}}$".format),
    "boxed, bold": say("**\\boxed{{{}}}**".format),
    "inline LaTeX": say("\\({}\\)".format),
    "display LaTeX": say("\\[{}\\]".format),
    "dollars": say("${}$".format),
    "double dollars": say("$${}$$".format),
    "textbf": say("\\textbf{{{}}}".format),
    "mathrm": say("$\\mathrm{{{}}}$".format),
    "LaTeX percent": say(lambda g: g.replace("%", "\\%"), lambda g: "%" in g),
    "LaTeX dollar": say("\\${}".format, lambda g: is_number(g) and g[0] != "-"),
    "LaTeX thousands": say(lambda g: thousands(g, "{,}"), is_number),
    "thousands": say(thousands),
    "space thousands": say(lambda g: thousands(g, " "), is_number),
    "about": say("≈ {}".format, is_number),
    "tilde": say("~{}".format, is_number),
    "equals": say("= {}".format, is_number),
    "in words": say("approximately {}".format, is_number),
    "in Chinese": say("约{}".format, is_number),
    "percent added": say("{}%".format, is_number),
    "percent left out": say(lambda g: g[:-1], lambda g: re.fullmatch(r"-?[\d.]+%", g)),
    "numpy": say("np.float64({})".format, is_number),
    "trailing zero": say("{}.0".format, lambda g: re.fullmatch(r"-?\d+", g)),
    "Python list": say(lambda g: "[" + ", ".join(map(python_item, items(g))) + "]"),
    "Python tuple": say(lambda g: "(" + ", ".join(map(python_item, items(g))) + ")", is_list),
    "and": say(lambda g: ", and ".join(g.rsplit(", ", 1)), is_list),
    "semicolons": say(lambda g: g.replace(", ", "; "), is_list),
    "Chinese commas": say(lambda g: g.replace(", ", "，"), is_list),
    "no spaces": say(lambda g: g.replace(", ", ","), is_list),
    "each in dollars": say(lambda g: ", ".join(f"${item}$" for item in items(g)), is_list),
    "bullets": bullets,
    "heading": lambda g: f"{LEAD}### Final Answer\n\n{g}",
    "bold heading": lambda g: f"{LEAD}**Final Answer**\n**{g}**",
    "bold label": lambda g: f"{LEAD}**Final Answer:** {g}",
    "is": lambda g: f"{LEAD}Final Answer is: {g}",
    "sentence": lambda g: f"{LEAD}The final answer is {g}.",
    "full-width colon": lambda g: f"{LEAD}Final Answer：{g}",
    "Chinese label": lambda g: f"{LEAD}最终答案：{g}",
    "answer tag": lambda g: f"<think>Hm.</think><answer>Final Answer: {g}</answer>",
    "Answer tag": lambda g: f"{LEAD}<Answer>Final Answer: {g}</Answer>",
    "tag inside": say("<answer>{}</answer>.".format),
    "boxed label": lambda g: f"{LEAD}\\boxed{{Final Answer: {g}}}",
    "region behind": say(lambda g: f"{g} {AREA}"),
    "text below": say("{}\n\nThis follows from row 12.".format),
    "end token": say("{}<|im_end|>".format),
    "decimal comma": say(lambda g: g.replace(".", ","), lambda g: re.fullmatch(r"-?\d+\.(\d{1,2}|\d{4,})", g)),
    "apostrophes": say(lambda g: thousands(g, "'"), is_number),
    "number sign": say("#{}".format, lambda g: re.fullmatch(r"\d+", g)),
    "pipes": say("| {} |".format),
    "angle brackets": say("<{}>".format),
    "guillemets": say("«{}»".format),
    "CJK brackets": say("「{}」".format),
    "struck through": say("~~{}~~".format),
    "question mark": say("{}?".format),
    "tick": say("{} ✅".format),
    "box tokens": say("<|begin_of_box|>{}<|end_of_box|>".format),
    "line in brackets": lambda g: f"{LEAD}(Final Answer: {g})",
    "line in square brackets": lambda g: f"{LEAD}[Final Answer: {g}]",
    "label in brackets": lambda g: f"{LEAD}[Final Answer]: {g}",
    "hope": lambda g: f"{LEAD}The final answer is: $\\boxed{{{g}}}$. I hope it is correct.",
    "calculation": say("2 + 3 = {}".format, is_number),
    "equation": say("x = {}".format, is_number),
    "display lines": lambda g: f"{LEAD}Final Answer:\n$$\n\\boxed{{\\text{{{g}}}}}\n$$",
    "numbered": say(lambda g: " ".join(f"{n}. {item}" for n, item in enumerate(items(g), 1)), is_list),
    "wrapper": lambda g: f"<response>Final Answer: {g}</response>",
    "ran on": say("{}<|im_end|>\n<|im_start|>user\nThanks".format),
    "underlined": say("<u>{}</u>".format),
    "capitals": say(str.upper),
}
WRONG = {
    "minus": say("-{}".format, lambda g: is_number(g) and g[0] != "-" and float(g) != 0),
    "brackets of accounting": say("({})".format, lambda g: is_number(g) and g[0] != "-" and float(g) != 0),
    "point dropped": say(lambda g: g.replace(".", ""), lambda g: re.fullmatch(r"-?\d+\.\d*[1-9]\d*", g)),
    "plus one": say(lambda g: str(int(g) + 1), lambda g: re.fullmatch(r"\d+", g)),
    "boxed, plus one": say(lambda g: f"\\boxed{{{int(g) + 1}}}", lambda g: re.fullmatch(r"\d+", g)),
    "times hundred": say(lambda g: g + "00", lambda g: re.fullmatch(r"[1-9]\d*", g)),
    "per mille": say("{}‰".format, lambda g: is_number(g) and float(g) != 0),
    "million": say("{} million".format, lambda g: is_number(g) and float(g) != 0),
    "thousand": say("{}k".format, lambda g: re.fullmatch(r"[1-9]\d*", g)),
    "minus in words": say("minus {}".format, lambda g: is_number(g) and g[0] != "-" and float(g) != 0),
    "comma moved": say(lambda g: f"{g[:2]},{g[2:]}", lambda g: re.fullmatch(r"[1-9]\d\d", g)),
    "two equal": say("123456 = {}".format, is_number),
    "range": say("123456-{}".format, lambda g: re.fullmatch(r"\d+", g)),
    "two boxes": say("\\boxed{{{}}} \\boxed{{Atlantis}}".format),
    "an item more": say("{}, Atlantis".format),
    "and more": say("{} and Atlantis".format),
    "or": say("{} or Atlantis".format),
    "not": say("not {}".format),
    "order": say(lambda g: ", ".join(reversed(items(g))), lambda g: is_list(g) and items(g) != items(g)[::-1]),
    "only the first": say(lambda g: items(g)[0], is_list),
    "in thoughts": lambda g: f"<think>Final Answer: {g}</think>\nFinal Answer: Atlantis",
    "unclosed": lambda g: f"<think>Final Answer: {g}",
    "taken back": lambda g: f"Final Answer: {g}\nFinal Answer: Atlantis",
}


def full_marks(write):
    """The gold answers that a form applies to, and whether TableBench and TableRegion give it full marks."""
    written = [(write(gold), gold, qtype, subtype) for gold, qtype, subtype in GOLDS]
    written = [row for row in written if row[0] is not None]
    texts = [row[0] for row in written]
    bench = TableBench()(texts, [{"answer": g, "qtype": q, "qsubtype": s} for _, g, q, s in written])
    region = TableRegion(weight=0.0)(
        texts,
        [
            {"answer": g, "gold_area": '{"columns": ["a"], "rows": [0]}', "instruction_type": "TCoT"}
            for _, g, _, _ in written
        ],
    )
    return [row[1] for row in written], bench.values == 1, region.parts["answer"] == 1


@pytest.mark.parametrize("form", RIGHT)
def test_a_right_answer_in_any_form_earns_all(form):
    golds, bench, region = full_marks(RIGHT[form])
    lost = [gold for gold, a, b in zip(golds, bench, region, strict=True) if not (a and b)]
    assert golds
    assert len(lost) <= 0.01 * len(golds), lost[:5]


@pytest.mark.parametrize("form", WRONG)
def test_a_wrong_answer_in_any_form_does_not(form):
    golds, bench, region = full_marks(WRONG[form])
    paid = [gold for gold, a, b in zip(golds, bench, region, strict=True) if a or b]
    assert golds
    assert not paid, paid[:5]


def test_counts_and_years_are_whole_numbers():
    """2.6 is no count of 3 and 1998.4 no year, by one rule in both rewards; elsewhere the gold decimals decide."""
    count = {"answer": "3", "qtype": "NumericalReasoning", "qsubtype": "Counting"}
    year = {"answer": "1998", "qtype": "FactChecking", "qsubtype": "MatchBased"}
    other = {"answer": "3", "qtype": "NumericalReasoning", "qsubtype": "Aggregation"}
    cases = [("2.6", count, 0), ("3.0", count, 1), ("3.4", count, 0), ("1998.4", year, 0), ("1998.0", year, 1)]
    cases += [("2.6", other, 1), ("3.4", other, 1), ("3.5", other, 0)]
    texts = [f"Final Answer: {given}" for given, _, _ in cases]
    wanted = [value for _, _, value in cases]
    area = {"gold_area": '{"columns": [], "rows": [0]}', "instruction_type": "TCoT"}
    assert TableBench()(texts, [row for _, row, _ in cases]).values.tolist() == wanted
    region = TableRegion(weight=0.0)(texts, [{**row, **area} for _, row, _ in cases])
    assert region.parts["answer"].tolist() == wanted


@pytest.mark.parametrize(
    ("gold", "given", "right"),
    [
        ("-1234", "($1,234)", True),
        ("-1234", "$(1,234)", True),
        ("-1234", "$(1,234)$", True),
        ("1234", "(1,234)", False),
        ("9.33, 1.11", "(9.33, 1.11)", True),
        ("A, B", "B", False),
        ("8F, 8B, 8Ab, 8Aa, 8A", "8F, 8B, 8Ab, 8Aa, 8", False),
        ("Serie A champions", "serie a champions", True),
        ("Serie A champions", "Serie champions", False),
        ("a draw", "Draw", True),
        ("Tonga, 81.53%", "Tonga, 81.53", True),
        ("Tonga, 81.53", "Tonga, 81.53%", True),
        ("Tonga, 81.53%", "Tonga, 18.53", False),
        ("100, 200, 300", "100,200,300", True),
        ("100, 200, 300", "100200300", False),
        ("Paris, Rome", "Paris and Rome", True),
        ("Trinidad and Tobago", "Trinidad, Tobago", False),
        ("2500000", "2.5 million", True),
        ("25000", "2.5万", True),
        ("0.002", "2 × 10^-3", True),
        ("10³", "103", False),
        ("1", "95%", False),
    ],
)
def test_signs_brackets_articles_and_percent(gold, given, right):
    value = TableBench()([f"Final Answer: {given}"], [gold]).values[0]
    assert bool(value == 1.0) is right
