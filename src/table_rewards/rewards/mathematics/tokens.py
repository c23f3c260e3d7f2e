r"""The words of a formula: numbers, letters, commands, and the texts in ``\text{}`` or in plain writing.

A run of letters is a product of variables, unless it is a function, a constant, a unit behind a number or a word.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from table_rewards.rewards.mathematics.tree import Unreadable, vocabulary
from table_rewards.rewards.mathematics.units import MULTIPLIERS, PERCENT, PLAIN


class Token(NamedTuple):
    """``kind`` is num, based, repeat, letter, cmd, text, sep, begin, end or ch (any other character)."""

    kind: str
    value: str


FUNCTIONS: Final = vocabulary(
    "sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh coth ln log exp gcd lcm min max det lg arg "
    "Re Im tr rank dim deg arcsinh arccosh arctanh sgn sign abs floor ceil sqrt perm Var cis "
    "sech csch arcsec arccsc arccoth arcsech arccsch"
)
OTHER_NAMES: Final = {
    "ctg": "cot", "cotg": "cot", "cotan": "cot", "cosec": "csc", "cosech": "csch",
    "arctg": "arctan", "arcctg": "arccot", "arccotg": "arccot", "arccosec": "arccsc",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "acot": "arccot", "asec": "arcsec", "acsc": "arccsc",
    **{
        f"{short}{name}": f"arc{name}"
        for short in ("a", "ar")
        for name in ("sinh", "cosh", "tanh", "coth", "sech", "csch")
    },
}  # fmt: skip
"""Names that other schools and programs give to functions."""
SHORT_NAMES: Final = {
    "tg": "tan", "sh": "sinh", "ch": "cosh", "th": "tanh", "cth": "coth",
    "arsh": "arcsinh", "arch": "arccosh", "arth": "arctanh",
}  # fmt: skip
"""Those that are other words or products, too, where they are not set as the name of a function."""
TEXTUAL: Final = vocabulary(
    "text textrm textbf textit texttt textnormal textsf textsc mathrm mbox operatorname emph mathit mathsf mathtt hbox "
    "mathnormal"
)
CONSTANTS: Final = {
    "pi": "pi", "infinity": "infty", "infty": "infty", "inf": "infty", "oo": "infty", "theta": "theta",
    "alpha": "alpha", "beta": "beta", "gamma": "gamma", "lambda": "lambda", "sigma": "sigma", "omega": "omega",
    "phi": "phi", "pm": "pm", "sqrt": "ROOT", "cup": "cup",
}  # fmt: skip
_SMALL: Final = vocabulary(
    "no yes odd all one two six ten the is if of in to an at by on up off are not for was has few any low top mon tue "
    "wed thu fri sat sun jan feb mar apr jun jul aug sep oct nov dec red mr ms dr st am pm a.m p.m none even both left "
    "zero five four nine true but as it be do he she we yes"
)
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_ONLY_WORDS = re.compile(r"[^\W\d_]['.,()\-\s]?(?:[^\W\d_]|['.,()&\-\s])*")
_BASE_NAMES: Final = "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_BASES: Final = {name: base for base, name in enumerate(_BASE_NAMES.split(), 2)}
_SUBSCRIPT = (
    r"_(?:\{\s*([0-9]{1,2})\s*\}|([0-9]{1,2})(?![0-9])"
    r"|\{?\s*\\(?:text|mathrm|mbox)\{\s*(?:base\s+)?([a-z]+|[0-9]{1,2})\s*\}\s*\}?)"
)
_BASED = re.compile(rf"(?:(?<![A-Za-z0-9.\\])\(?\s*([0-9A-F]{{1,200}}(?:\.[0-9A-F]{{1,60}})?)\s*\)?){_SUBSCRIPT}")
_REPEAT = re.compile(
    r"([0-9]*)\.([0-9]*)(?:\\dot\s*\{?([0-9])\}?([0-9]*)\\dot\s*\{?([0-9])\}?|\\(?:overline|bar|dot)\s*\{?([0-9]+)\}?"
    r"|\(([0-9]{1,12})\)(?=\s*(?:$|[,;%}]|\\%|\\text)))"
)
_ENDLESS = re.compile(r"([0-9]*)\.([0-9]+)\s*\\ldots")
_NUMBER = re.compile(
    r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+|\.(?=\s*[/*+^,;)\]}-]))?(?:[eE][+-]?[0-9]{1,4}(?![0-9A-Za-z.]))?"
    r"|\.[0-9]+(?:[eE][+-]?[0-9]{1,4}(?![0-9A-Za-z.]))?"
)
_COMMAND = re.compile(r"\\([a-zA-Z]+|.)", re.DOTALL)
_LETTERS = re.compile(r"[AaPp]\.[Mm]\b\.?|[A-Za-z]+(?:\.(?=[A-Za-z]\.)[A-Za-z]\.)?")
_WORDY = re.compile(r"[^\W\d_](?:[^\W\d_]|['.\-](?=[^\W\d_]))*\.?")
_CALL = re.compile(r"(?<![A-Za-z])([A-Za-z]{2,8})\((?=[^()]{1,8}\))")
_APPLIED = re.compile(r"([A-Za-z]{2,8})\s+(?:[a-z]|pi|theta|alpha|beta)")
_ASIDE = re.compile(r"\([^\W\d_][^()\\,;0-9]+\)")
_THING = re.compile(r"\(([A-Za-z]{3,}(?:[ \-][A-Za-z]{2,}){0,3}|[\u4e00-\u9fff]{1,4})\)(?=\s*$)")
_EXTREMES: Final = (Token("cmd", "max"), Token("cmd", "min"))
_WORDS_TOO: Final = vocabulary("max min det deg rank dim sign floor ceil perm tr arg abs Var Re Im")
_CONNECTIVE: Final = {
    "and": "and", "or": "or", "&": "and", "和": "and", "或": "or", "与": "and", "或者": "or", "且": "and",
    "并且": "and", "及": "and", "以及": "and", "または": "or", "かつ": "and", "또는": "or", "혹은": "or", "이고": "and",
    "그리고": "and", "или": "or",
}  # fmt: skip
_CONNECTIVE_IN_TEXT: Final = {**_CONNECTIVE, "ou": "or", "oder": "or", "et": "and", "und": "and", "и": "and"}
_PARTED = re.compile(r"(或者|[和或与且及]|并且|以及|または|かつ|또는|혹은|이고|그리고)")
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_CIRCLED = re.compile(r"[①-⑳](?:[\s,;]*[①-⑳])*")
"""The numbers of statements in Chinese problems; one answer names several."""
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([a-zA-Z*]+)\}(?:\s*\{[lcr|\s]*\})?(?:\[[a-z]\])?")
_TWO_IN_BRACKETS = re.compile(r"([(\[]|\\\{)(\s*-?[0-9]{1,3}),([0-9]{3}\s*)(?=[)\]]|\\\})")


def tokens_of(text: str) -> list[Token]:
    r"""Cut a formula in the one spelling of ``dressed_down`` into tokens.

    >>> [token.value for token in tokens_of("3x^{12}+1,000")]
    ['3', 'x', '^', '{', '12', '}', '+', '1000']
    >>> tokens_of(r"5\text{ hours and }7\text{ min}")[1:3]
    [Token(kind='text', value='hours'), Token(kind='sep', value='and')]
    """
    text = _TWO_IN_BRACKETS.sub(r"\1\2, \3", text)
    if (
        _ONLY_WORDS.fullmatch(text)
        and not _is_call(text)
        and (len(max(re.split(r"[^\w]", text), key=len)) > 3 or " " in text.strip())
    ):
        return _joined(_text_tokens(text))
    return _joined(_formula_tokens(text))


def _is_call(text: str) -> bool:
    """Whether letters alone are a formula: ``sqrt(x)``, ``arcsin(x)-cos(x)``, ``sin x``."""
    calls = _CALL.findall(text) if "(" in text else []
    alone = None if calls else _APPLIED.fullmatch(text.strip())
    named = calls or ([alone[1]] if alone else [])
    return (
        bool(named) and all(name in FUNCTIONS or name in OTHER_NAMES for name in named) and named[0] not in _WORDS_TOO
    )


def _formula_tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at, end = 0, len(text)
    while at < end:
        char = text[at]
        if char.isspace():
            at += 1
            continue
        if char in "0123456789.":
            at = _number(text, at, found)
        elif char in "ABCDEF(" and (based := _BASED.match(text, at)) and _base(based) is not None:
            found.append(Token("based", f"{based[1]}_{_base(based)}"))
            at = based.end()
        elif char == "\\":
            at = _command(text, at, found)
        elif char.isalpha() and char.isascii():
            at = _letters(text, at, found)
        elif char in ",;":
            found.append(Token("sep", char))
            at += 1
        elif char == "(" and (thing := _counted_thing(text, at, found)):
            found.append(Token("text", thing[1]))
            at = thing.end()
        elif char in "€£¥₹¢":
            found.append(Token("text", char))
            at += 1
        elif "①" <= char <= "⑳" and (circled := _CIRCLED.match(text, at)):
            found.append(Token("text", re.sub(r"[^①-⑳]", "", circled[0])))
            at = circled.end()
        elif char.isalpha() and (han := _HAN.match(text, at)):
            found.extend(_text_tokens(han[0]))
            at = han.end()
        elif char.isalpha():
            word = _WORDY.match(text, at)
            said = word[0] if word else char
            joins = _CONNECTIVE.get(said.lower())
            found.append(Token("sep", joins) if joins else Token("text", said))
            at += len(said)
        else:
            found.append(Token("ch", char))
            at += 1
    return found


def _counted_thing(text: str, at: int, found: list[Token]) -> re.Match[str] | None:
    """What is counted, in brackets behind the number: ``9 (apples)``; None where letters may be factors."""
    thing = _THING.match(text, at) if found and found[-1].kind == "num" else None
    if thing is None or not thing[1].isascii():
        return thing
    if FUNCTIONS.intersection(thing[1].split()) or not _VOWEL.search(thing[1]):
        return None
    return None if list(thing[1]) == sorted(thing[1]) else thing


def _number(text: str, at: int, found: list[Token]) -> int:
    based = _BASED.match(text, at)
    if based and (base := _base(based)) is not None:
        found.append(Token("based", f"{based[1]}_{base}"))
        return based.end()
    repeat = _REPEAT.match(text, at)
    if repeat:
        block = repeat[6] or repeat[7] or f"{repeat[3]}{repeat[4]}{repeat[5]}"
        found.append(Token("repeat", f"{repeat[1] or 0}.{repeat[2]}({block})"))
        return repeat.end()
    endless = _ENDLESS.match(text, at)
    if endless and (again := re.search(r"([0-9]{1,8}?)\1{2,}$|([0-9]{2,8}?)\2$", endless[2])):
        block = again[1] or again[2]
        found.append(Token("repeat", f"{endless[1] or 0}.{endless[2][: again.start()]}({block})"))
        return endless.end()
    number = _NUMBER.match(text, at)
    if number is None:
        raise Unreadable("a point that belongs to no number")
    found.append(Token("num", number[0].replace(",", "")))
    return number.end()


def _base(match: re.Match[str]) -> int | None:
    named = match[2] or match[3] or match[4]
    base = int(named) if named.isdecimal() else _BASES.get(named)
    if base is None or not 2 <= base <= 36:
        return None
    digits = match[1].replace(".", "")
    if match[0].lstrip()[:1] != "(" and match[0].partition("_")[0].rstrip().endswith(")"):
        return None
    return base if all(int(digit, 36) < base for digit in digits) else None


def _command(text: str, at: int, found: list[Token]) -> int:
    environment = _ENVIRONMENT.match(text, at)
    if environment:
        found.append(Token(environment[1], environment[2].rstrip("*")))
        return environment.end()
    command = _COMMAND.match(text, at)
    if command is None:
        raise Unreadable("a lone backslash")
    name, end = command[1], command.end()
    if name in TEXTUAL:
        content, end = _group(text, end)
        inner = content.strip()
        if name in ("mathrm", "operatorname", "mathit", "mathnormal") and len(inner) == 1 and inner in "eid":
            found.append(Token("letter", inner))
        elif (
            inner in PLAIN
            and found
            and (found[-1].kind in ("num", "repeat") or found[-1].value in (")", "}") or _divides_a_unit(found))
        ):
            found.append(Token("text", inner))  # five minutes, no minimum
        elif (inner in FUNCTIONS or inner in OTHER_NAMES) and name in ("mathrm", "operatorname", "text", "mathit"):
            found.append(Token("cmd", OTHER_NAMES.get(inner, inner)))
        elif inner in SHORT_NAMES and (name == "operatorname" or (name == "mathrm" and _applies(text, end, found))):
            found.append(Token("cmd", SHORT_NAMES[inner]))
        elif name == "mathrm" and inner in ("T", "t") and found and found[-1].value in ("^", "{"):
            found.append(Token("letter", inner))
        else:
            found.extend(_text_tokens(content))
        return end
    if name == "\\":
        found.append(Token("sep", "\\\\"))
    elif name in ("land", "lor"):
        found.append(Token("sep", "and" if name == "land" else "or"))
    elif name in "{}%$&#_|":
        found.append(Token("ch" if name != "&" else "cmd", "\\" + name))
    else:
        found.append(Token("cmd", OTHER_NAMES.get(name) or SHORT_NAMES.get(name) or name))
    return end


def _applies(text: str, end: int, found: list[Token]) -> bool:
    """Whether a name set upright is a function: something follows, and it is no ordinal or unit behind a value."""
    behind = bool(found) and (found[-1].kind in ("num", "repeat", "letter") or found[-1].value in ("^", ")", "}"))
    return not behind and re.match(r"\s*(?:[a-zA-Z0-9(\\]|\^)", text[end:]) is not None


def _divides_a_unit(found: list[Token]) -> bool:
    """Whether a sign of division behind a unit comes last, so that a unit follows: ``km / h``."""
    return len(found) > 1 and found[-1] == Token("ch", "/") and found[-2].kind == "text"


def _group(text: str, at: int) -> tuple[str, int]:
    """What stands in the braces at ``at`` (spaces before them skipped), and where they end."""
    while text[at : at + 1] == " ":
        at += 1
    if text[at : at + 1] != "{":
        return text[at : at + 1], at + 1
    depth = 0
    for index in range(at, len(text)):
        if text[index] == "\\":
            continue
        if text[index] in "{}" and text[index - 1] != "\\":
            depth += 1 if text[index] == "{" else -1
            if not depth:
                return text[at + 1 : index], index + 1
    raise Unreadable("a brace that is not closed")


def _letters(text: str, at: int, found: list[Token]) -> int:
    run = _LETTERS.match(text, at)
    assert run is not None
    word, lower = run[0], run[0].lower()
    behind_value = bool(found) and (found[-1].kind in ("num", "repeat", "based") or found[-1].value in (")", "}", "pi"))
    if lower in ("a.m", "p.m", "a.m.", "p.m.") or (behind_value and lower in ("am", "pm")):
        found.append(Token("text", lower))
    elif lower in _CONNECTIVE:
        found.append(Token("sep", lower))
    elif word in FUNCTIONS and len(word) > 1 and not (behind_value and word in ("min", "deg")):
        found.append(Token("cmd", "ROOT" if word == "sqrt" else word))
    elif word in OTHER_NAMES or (word == "tg" and re.match(r"\s*\(|\s+[a-z0-9]", text[run.end() :])):
        found.append(Token("cmd", OTHER_NAMES.get(word, "tan")))
    elif lower in CONSTANTS:
        found.append(Token("cmd", CONSTANTS[lower]))
    elif _divides_a_unit(found) and (word in "hsLl" or lower in PLAIN):
        found.append(Token("text", word))
    elif (
        lower in PLAIN
        and len(found) > 2
        and found[-1] == Token("ch", "/")
        and found[-2].kind == "letter"
        and found[-3].kind == "num"
    ):  # 1.2 g/cm^3
        found[-2:] = [Token("text", found[-2].value), found[-1], Token("text", word)]
    elif (
        (
            len(word) > 1
            and (lower in MULTIPLIERS or lower in PERCENT)
            and (lower not in ("mn", "bn") or _of_money(found))
        )
        or (lower in PLAIN and (behind_value or (found and found[-1].kind == "text")))
        or (len(word) > 3 and _VOWEL.search(word) and list(word) != sorted(word))
        or (lower in _SMALL and (len(word) > 2 or _stands_alone(text, at, run.end())))
    ):
        found.append(Token("text", word))
    elif len(word) == 2 and behind_value and lower in ("st", "nd", "rd", "th"):
        found.append(Token("text", lower))
    else:
        found.extend(Token("letter", letter) for letter in word)
    return run.end()


def _of_money(found: list[Token]) -> bool:
    """Whether the number is an amount of money: ``$8bn``, while ``8mn`` is a product."""
    return any(token.value in ("\\$", "€", "£", "¥", "₹") for token in found)


def _stands_alone(text: str, start: int, end: int) -> bool:
    return (
        text[start - 1 : start] in ("", " ") and text[end : end + 1] in ("", " ") and len(text.strip()) != end - start
    )


def _text_tokens(content: str) -> list[Token]:
    r"""The tokens of what stands in ``\text{}``: words in runs, connectives and commas, numbers and signs."""
    content = re.sub(r"(?<!\\)\$", "", content.replace("~", " ")).replace("\\$", "$")
    if re.fullmatch(r"[\s(]*[A-Za-z][\s).:]*", content):
        return [Token("text", content.strip(" ().:"))]
    found: list[Token] = []
    at = 0
    while at < len(content):
        char = content[at]
        if char.isspace():
            at += 1
        elif char.isdecimal() and char.isascii():
            at = _number(content, at, found)
        elif han := _HAN.match(content, at):
            found.extend(
                Token("sep", _CONNECTIVE[part]) if part in _CONNECTIVE else Token("text", part)
                for part in _PARTED.split(han[0])
                if part
            )
            at = han.end()
        elif aside := _ASIDE.match(content, at):
            found.append(Token("text", aside[0]))
            at = aside.end()
        elif word := _WORDY.match(content, at):
            lower = word[0].lower()
            short = word[0] if lower in ("a.m.", "p.m.") or len(word[0]) < 3 else word[0].rstrip(".")
            joins = _CONNECTIVE_IN_TEXT.get(lower)
            found.append(Token("sep", joins) if joins else Token("text", short))
            at = word.end()
        elif char in ",;":
            found.append(Token("sep", ","))
            at += 1
        elif char == "&":
            found.append(Token("sep", "and"))
            at += 1
        elif char == "\\":
            at = _command(content, at, found)
        elif char in ".?\"'`":
            at += 1
        elif char in "€£¥₹¢":
            found.append(Token("text", char))
            at += 1
        elif char == "$":
            found.append(Token("ch", "\\$"))
            at += 1
        else:
            found.append(Token("ch", char))
            at += 1
    return found


def _joined(found: list[Token]) -> list[Token]:
    """Neighbouring words as one text; a maximum that lies at something is a word."""
    joined: list[Token] = []
    for at, token in enumerate(found):
        if token in _EXTREMES and at + 1 < len(found) and found[at + 1].kind == "text":
            token = Token("text", token.value)
        if token.kind == "text" and joined and joined[-1].kind == "text":
            joined[-1] = Token("text", f"{joined[-1].value} {token.value}")
        else:
            joined.append(token)
    return joined
