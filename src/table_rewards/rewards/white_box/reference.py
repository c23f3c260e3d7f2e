"""The reference of the white-box reward: a function, a call of it, and questions about how it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from table_rewards.core.errors import BadReference, one_of
from table_rewards.core.rows import Row, as_mapping, parse_json
from table_rewards.rewards.white_box.calls import arguments_of, only_function, parameters_of
from table_rewards.rewards.white_box.tokens import NotThatForm

TYPES: Final = ("io_mixed", "oi")


class State(NamedTuple):
    """An accepted answer to a variable-state question: the type's name and the value's ``repr``."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class WhiteBoxReference:
    """What one completion is asked about.

    Attributes:
        code: the function and what it needs, as source.
        function: its name.
        arguments: the arguments of the call as source, ``"[1, 2], 'a'"`` (``io_mixed``).
        result: the ``repr`` of what the call returns; in ``io_mixed`` it may be empty, the call is then run.
        type: ``io_mixed`` (state the output, then answer the questions) or ``oi`` (find an input).
        path: for each next-statement question the accepted statements, ``-1`` for the end.
        state: for each variable-state question the accepted states.
    """

    code: str
    function: str
    arguments: str = ""
    result: str = ""
    type: str = "io_mixed"
    path: tuple[tuple[str, ...], ...] = ()
    state: tuple[tuple[State, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise BadReference(f"type must be one of {', '.join(TYPES)}, not {self.type!r}")
        if not self.function:
            raise BadReference("no function name, and the code defines no function at its top level")
        if self.type == "oi" and not self.result:
            raise BadReference("no 'result': without it no input can be judged")
        if any(not accepted for accepted in (*self.path, *self.state)):
            raise BadReference("a question without an accepted answer")
        try:
            arguments_of(self.arguments, parameters_of(self.code, self.function))
        except NotThatForm as error:
            raise BadReference(f"func_args {self.arguments[:60]!r}: {error}") from None

    @property
    def questions(self) -> int:
        return len(self.path) + len(self.state)

    @classmethod
    def from_row(cls, raw: Mapping[str, Any]) -> WhiteBoxReference:
        """Read a row: ExecVerify's columns (verl's ``extra_info`` or top level), or CRUXEval's ``code, input, output``.

        >>> row = {"func_str": "def f(a):\\n    return a + 1", "func_args": "1", "result": "2",
        ...        "question_answers": {"path_answers": [["-1"]], "state_as": [[["int", "1"]]]}}
        >>> WhiteBoxReference.from_row(row).state
        ((State(type='int', value='1'),),)

        Raises:
            BadReference: a key is missing or its value is unusable; the message names it.
        """
        row = Row(raw)
        code = _text(row.find("func_str", "code"), "func_str")
        kind = _text(row.find("type", default="io_mixed"), "type")
        if kind not in TYPES:
            try:
                one_of("type", kind, TYPES)
            except ValueError as error:
                raise BadReference(str(error)) from None
        answers = row.find("question_answers", default={})
        answers = as_mapping(answers) if not isinstance(answers, list) else None
        if answers is None:
            raise BadReference("question_answers must be a mapping with path_answers and state_as, or JSON of one")
        return cls(
            code=code,
            function=_text(row.find("func_name", "entry_point", default=only_function(code)), "func_name"),
            arguments=_text(row.find(*_ARGUMENTS, default="") if kind == "oi" else row.find(*_ARGUMENTS), "func_args"),
            result=_text(row.find("result", "output", "reference_output", default=""), "result"),
            type=kind,
            path=tuple(_path(item, n) for n, item in enumerate(_listed(answers.get("path_answers"), "path_answers"))),
            state=tuple(_state(item, n) for n, item in enumerate(_listed(answers.get("state_as"), "state_as"))),
        )


_ARGUMENTS: Final = ("func_args", "input")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadReference(f"{name} must be source text, not {type(value).__name__}")
    return value.strip() if name != "func_str" else value


def _listed(value: Any, name: str) -> list[Any]:
    if isinstance(value, str):
        value = parse_json(value)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadReference(f"{name} must be a list with one entry for each question")
    return [item for item in value if item is not None]


def _path(item: Any, number: int) -> tuple[str, ...]:
    accepted = item if isinstance(item, list) else [item]
    if not all(isinstance(line, (str, int)) for line in accepted):
        raise BadReference(f"path_answers[{number}] must be a list of statements")
    return tuple(str(line) for line in accepted)


def _state(item: Any, number: int) -> tuple[State, ...]:
    pairs = item
    if isinstance(item, dict) or (isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)):
        pairs = [item]
    found = []
    for pair in pairs if isinstance(pairs, list) else [None]:
        if isinstance(pair, dict):
            pair = [pair.get("type"), pair.get("value")]
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise BadReference(f"state_as[{number}] must be a list of [type, value] pairs")
        found.append(State(pair[0], pair[1] if isinstance(pair[1], str) else repr(pair[1])))
    return tuple(found)
