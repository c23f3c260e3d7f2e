r"""RL Tango's outcome scorers as released, by data source.

``math`` is math-verify on the whole completion; ``text`` (BGQA, StrategyQA, TableBench) compares two spellings;
``python`` (CRUXEval) takes ``ast.literal_eval`` of the last box.

What the text scorer does is a catalogue of accidents (G8 in docs/profiles.md): ``true`` is not ``True``, ``5%`` is not
``5`` but ``\$5`` is, ``10 km`` is 10, ``0.5`` is ``1/2``, the order of a list counts. It also asks sympy to parse
LaTeX, which fails with the ANTLR of the authors' own environment (G25); so only spellings are compared, as there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.explanation import data as shown
from table_rewards.core.explanation.data import DECIDED, TOLD, Section, Step
from table_rewards.core.rows import Row, plain
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.mathematics.pool import Task, shared_comparer
from table_rewards.rewards.mathematics.reference import MathReference, kind_of_answer, kind_of_source
from table_rewards.text.literal_eval import literal_eval

RIGHT: Final = Judgement(1.0, (1.0, 1.0))
WRONG: Final = Judgement(0.0, (0.0, 1.0))
MAX_REPEATS: Final = 20_000
_BRACES: Final = re.compile(r"[{}]")
_WHOLE_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")


class ReleasedScorers:
    """The released scorers behind the verbs of :class:`~table_rewards.rewards.mathematics.Mathematics`."""

    def __init__(self, answer_kind: str, timeout_s: float) -> None:
        self.answer_kind, self.timeout_s = answer_kind, timeout_s

    def reference(self, row: Mapping[str, Any]) -> MathReference:
        """The gold answer as it stands in the row, and its kind.

        Raises:
            BadReference: the gold answer is neither text nor a number.
        """
        wrapped = Row(row)
        kind = self.answer_kind
        if kind == "auto":
            kind = str(wrapped.find("answer_kind", default="auto"))
        if kind == "auto":
            kind = kind_of_source(str(wrapped.find("data_source", default="")))
        return self.natural(wrapped.answer("answer", "gold", "gold_answer", "final_answer", "solution"), kind)

    def natural(self, value: Any, kind: str = "") -> MathReference:
        """The same of a bare gold answer.

        Raises:
            BadReference: the gold answer is neither text nor number.
        """
        value = plain(value)
        if not isinstance(value, (str, bool, int, float)):
            raise BadReference(f"a gold answer is text or a number, not {type(value).__name__}")
        text, kind = str(value), kind or self.answer_kind
        return MathReference(text, kind_of_answer(text) if kind == "auto" else kind)

    def judge_all(self, completions: Sequence[str], references: Sequence[MathReference]) -> list[Judgement]:
        judged: list[Judgement] = [WRONG] * len(completions)
        tasks: dict[int, Task] = {}
        for index, (completion, reference) in enumerate(zip(completions, references, strict=True)):
            if reference.kind == "math":
                tasks[index] = Task(reference.answer, completion, "metric")
                continue
            same = (same_python if reference.kind == "python" else same_text)(reference.answer, completion)
            if same:
                judged[index] = RIGHT
            elif last_box(completion) is None:
                judged[index] = Judgement(0.0, (0.0, 0.0), UNPARSED, "no box")
        verdicts = shared_comparer().compare(list(tasks.values()), self.timeout_s) if tasks else []
        for index, verdict in zip(tasks, verdicts, strict=True):
            if verdict.same is None and verdict.ours:
                judged[index] = Judgement.unscored(verdict.note, 2)
            else:
                judged[index] = RIGHT if verdict.same else Judgement(0.0, (0.0, 1.0), SCORED, verdict.note)
        return judged

    def telling(self, completion: str, reference: MathReference, judged: Judgement) -> Section:
        """What the released scorer of this kind looks at, for an explanation."""
        box = last_box(completion)
        how = {
            "math": "math-verify, on the whole completion",
            "python": "Python literals, else texts",
        }.get(reference.kind, "texts")
        steps = (
            Step(TOLD, "gold answer", f"{reference.answer} ({reference.kind})"),
            Step(TOLD, "last box", "none" if box is None else box),
            Step(DECIDED, "decided by", how),
            Step(shown.RIGHT if judged.value == 1.0 else shown.WRONG, "verdict", judged.note),
        )
        return Section("Answer, as the released scorer reads it", steps)


def last_box(text: str) -> str | None:
    r"""The content of the last ``\boxed``, if its braces balance and it is written ``\boxed{...}``.

    A last box that is not closed hides the ones before it.

    >>> last_box(r"\boxed{1}, \boxed{\frac{1}{2}}"), last_box(r"\boxed{1} \boxed{2")
    ('\\frac{1}{2}', None)
    """
    start = text.rfind("\\boxed")
    if not text.startswith("\\boxed{", max(start, 0)):
        return None
    depth = 0
    for brace in _BRACES.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[start + 7 : brace.start()]
    return None


def same_python(gold: str, completion: str) -> bool:
    """CRUXEval's scorer: both sides as ``ast.literal_eval`` reads them, else as text; without a box all of the text.

    >>> same_python("'ab'", r"\\boxed{ab}"), same_python("1", r"\\boxed{True}"), same_python("[1]", r"\\boxed{(1,)}")
    (True, True, False)
    """
    box = last_box(completion)
    answer = completion if box is None else box
    if not answer.strip():
        return False
    try:
        return bool(_object(answer) == _object(gold))
    except RecursionError:
        return False


def _object(text: str) -> Any:
    try:
        return literal_eval(text)
    except ValueError:
        return text


def same_text(gold: str, completion: str) -> bool:
    """The text scorer: the last box, or without one all of the text, against the gold answer's; two spellings each.

    >>> same_text("True", r"\\boxed{true}"), same_text("5", r"\\boxed{\\$5}")
    (False, True)
    >>> same_text("10", r"\\boxed{10 km}"), same_text("1/2", r"\\boxed{0.5}")
    (True, True)
    """
    sides = [text if (box := last_box(text)) is None else box for text in (gold, completion)]
    return _same_stripped(*sides) or _same_normalised(*sides)


def _same_stripped(gold: str, answer: str) -> bool:
    try:
        one, two = stripped(gold), stripped(answer)
    except ValueError:
        return gold == answer
    try:
        return float(one) == float(two)
    except ValueError:
        return one == two


def stripped(text: str) -> str:
    """The first spelling: no dollar signs, commas, spaces, degrees, units; fractions and roots with braces.

    Raises:
        ValueError: two ``\\text{ ``, or a ``\\frac`` or ``\\sqrt`` at the end, on which the released function stops.
    """
    for before, after in _STRIPPED:
        text = text.replace(before, after)
    head, *units = text.split("\\text{ ")
    if len(units) > 1:
        raise ValueError("two units")
    text = head.replace("\\%", "").replace(" .", " 0.").replace("{.", "{0.")
    if text.startswith("."):
        text = "0" + text
    sides = text.split("=")
    if len(sides) == 2 and len(sides[0]) <= 2:
        text = sides[1]
    text = _braced_fractions(_braced_roots(text).replace(" ", ""))
    if text == "0.5":
        return "\\frac{1}{2}"
    over = text.split("/")
    if len(over) == 2 and all(_is_plain_integer(part) for part in over):
        return f"\\frac{{{over[0]}}}{{{over[1]}}}"
    return text


_STRIPPED: Final = (
    ("\n", ""),
    ("\\!", ""),
    ("\\\\", "\\"),
    ("tfrac", "frac"),
    ("dfrac", "frac"),
    ("\\left", ""),
    ("\\right", ""),
    ("^{\\circ}", ""),
    ("^\\circ", ""),
    ("\\$", ""),
    ("$", ""),
    (",", ""),
)


def _braced_roots(text: str) -> str:
    head, *roots = text.split("\\sqrt")
    if "" in roots:
        raise ValueError("a root of nothing")
    return head + "".join("\\sqrt" + (root if root[0] == "{" else f"{{{root[0]}}}{root[1:]}") for root in roots)


def _braced_fractions(text: str) -> str:
    r"""``\frac12`` as ``\frac{1}{2}``; a single character behind ``\frac`` leaves the whole text as it was."""
    head, *fractions = text.split("\\frac")
    parts = [head]
    for fraction in fractions:
        if not fraction:
            raise ValueError("a fraction of nothing")
        if fraction[0] != "{":
            if len(fraction) < 2:
                return text
            over, under, rest = fraction[0], fraction[1], fraction[2:]
            fraction = f"{{{over}}}{under}{rest}" if under == "{" else f"{{{over}}}{{{under}}}{rest}"
        parts.append(fraction)
    return "\\frac".join(parts)


def _is_plain_integer(text: str) -> bool:
    """Whether a text is what ``str`` makes of the integer that it spells."""
    return len(text) <= 4_300 and _WHOLE_NUMBER.fullmatch(text) is not None and text != "-0"


def _same_normalised(gold: str, answer: str) -> bool:
    """Equal in the second spelling; long texts that repeat themselves are equal to nothing."""
    if normalised(gold) != normalised(answer):
        return False
    return not any(len(text) > 128 and repeats_itself(text) for text in (gold, answer))


def normalised(text: str) -> str:
    """The second spelling: no articles, spaces, words for units and some LaTeX; of a line only its first formula."""
    for before, after in _SUBSTITUTED:
        text = text.replace(before, after)
    for word in _REMOVED:
        text = text.replace(word, "")
    text = "\n".join(map(_first_formula, text.split("\n")))
    for command in ("\\text{", "\\textbf{", "\\overline{"):
        text = "\n".join(_unwrapped(line, command) for line in text.split("\n"))
    text = "\n".join(map(_widest_box, text.split("\n")))
    text = _SHORT_FRACTION.sub(r"frac{\1}{\2}", text)
    text = _SHORT_ROOT.sub(r"sqrt{\1}", text).replace("$", "")
    return text.replace(",", "") if text.replace(",", "").isdigit() else text


_SUBSTITUTED: Final = (
    ("an ", ""),
    ("a ", ""),
    (".$", "$"),
    ("\\$", ""),
    ("\\ ", ""),
    (" ", ""),
    ("mbox", "text"),
    (",\\text{and}", ","),
    ("\\text{and}", ","),
    ("\\text{m}", "\\text{}"),
)
_REMOVED: Final = (
    *("square", "ways", "integers", "dollars", "mph", "inches", "ft", "hours", "km", "units", "\\ldots", "sue"),
    *("points", "feet", "minutes", "digits", "cents", "degrees", "cm", "gm", "pounds", "meters", "meals", "edges"),
    *("students", "childrentickets", "multiples", "\\text{s}", "\\text{.}", "\\text{\ns}", "\\text{}^2"),
    *(
        "\\text{}^3",
        "\\text{\n}",
        "\\text{}",
        "\\mathrm{th}",
        "^\\circ",
        "^{\\circ}",
        "\\;",
        ",\\!",
        "{,}",
        '"',
        "\\dots",
    ),
)
_SHORT_FRACTION: Final = re.compile(r"frac([^{])(.)")
_SHORT_ROOT: Final = re.compile(r"sqrt([^{])")


def _first_formula(line: str) -> str:
    """A line with two dollar signs is what stands between the first two."""
    parts = line.split("$", 2)
    return f"${parts[1]}$" if len(parts) == 3 else line


def _unwrapped(line: str, command: str) -> str:
    """``\\text{x}`` as ``x``, up to the nearest closing brace."""
    parts, at = [], 0
    while (start := line.find(command, at)) >= 0 and (end := line.find("}", start + len(command))) >= 0:
        parts += [line[at:start], line[start + len(command) : end]]
        at = end + 1
    return "".join([*parts, line[at:]])


def _widest_box(line: str) -> str:
    """``\\boxed{x}`` as ``x``, from the first box to the last closing brace."""
    start = line.find("\\boxed{")
    end = line.rfind("}")
    return line[:start] + line[start + 7 : end] + line[end + 1 :] if start >= 0 and end >= start + 7 else line


def repeats_itself(text: str) -> bool:
    """Whether more than a fifth of all pieces of a text are repetitions of earlier ones.

    Pieces are counted by the common beginnings of neighbours among the sorted endings, as released; only the first
    20,000 characters are looked at.
    """
    text = text[:MAX_REPEATS]
    size = len(text)
    if size <= 1:
        return False
    names = {char: number for number, char in enumerate(sorted(set(text)))}
    rank = [names[char] for char in text]
    width = 1
    while width < size - 1:
        pairs = [(rank[i], rank[i + width] if i + width < size else -1) for i in range(size)]
        order = {pair: number for number, pair in enumerate(sorted(set(pairs)))}
        rank = [order[pair] for pair in pairs]
        width *= 2
    ending_of = [0] * size
    for ending, place in enumerate(rank):
        ending_of[place] = ending
    common = total = 0
    for ending in range(size):
        if rank[ending] == size - 1:
            common = 0
            continue
        other = ending_of[rank[ending] + 1]
        while ending + common < size and other + common < size and text[ending + common] == text[other + common]:
            common += 1
        total += common
        common = max(0, common - 1)
    return total * 2 / (size * (size + 1)) > 0.2
