"""Claimed values: compared as Python would compare them, without ever building what a snippet chose."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.sandbox.values import Value, decode, from_literal, from_python, missing, same
from table_rewards.sandbox.worker.encoding import encode, plain

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8)
HASHABLE = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
VALUES = st.recursive(
    SCALARS | st.complex_numbers(allow_infinity=False, allow_nan=False) | st.sets(HASHABLE, max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(HASHABLE, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_a_value_survives_the_way_through_a_process(value: object) -> None:
    back = plain(json.loads(json.dumps(encode(value))))
    assert repr(back) == repr(value) or sorted(repr(back)) == sorted(repr(value))


@settings(max_examples=100, deadline=None)
@given(VALUES, VALUES)
def test_same_says_what_python_says(a: object, b: object) -> None:
    if "nan" in repr(a) + repr(b):
        return  # identity, not equality, decides about a NaN inside a container
    assert same(from_python(a), from_python(a)) is (a == a)
    assert same(from_python(a), from_python(b)) is (a == b)


@pytest.mark.parametrize(
    ("a", "b"),
    [(False, 0j), (7, 7 + 0j), (1j, 1), ({7 + 0j, 5}, {5, 7}), ({0j: 1}, {0: 1}), (0.5, 0.5 + 1j), ([1j], [1j])],
)
def test_complex_numbers_equal_the_real_ones_that_they_are(a: object, b: object) -> None:
    assert same(from_python(a), from_python(b)) is (a == b)
    assert same(from_python(b), from_python(a)) is (a == b)


@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_the_text_of_a_value_is_a_literal_of_it(value: object) -> None:
    if "nan" in repr(value):
        return  # a set may hold two NaNs that are one to us, as in the test above
    claimed = from_python(value)
    assert same(claimed, from_literal(claimed.text(10**6)), nan_is_nan=True)


@pytest.mark.parametrize(
    ("a", "b", "options"),
    [
        ((1, 2), [1, 2], {"tuple_is_list": True}),
        (0.1 + 0.2, 0.3, {"rel_tol": 1e-9}),
        ({1.0000001, 2}, {1, 2}, {"abs_tol": 1e-3}),
        (math.nan, math.nan, {"nan_is_nan": True}),
    ],
)
def test_switches_widen(a: object, b: object, options: dict[str, object]) -> None:
    assert not same(from_python(a), from_python(b))
    assert same(from_python(a), from_python(b), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("a", "b", "option"), [(True, 1, "bool_is_int"), (1, 1.0, "int_is_float")])
def test_switches_narrow(a: object, b: object, option: str) -> None:
    assert same(from_python(a), from_python(b))
    assert not same(from_python(a), from_python(b), **{option: False})  # type: ignore[arg-type]
    assert not same(from_python([{a: b}]), from_python([{b: a}]), **{option: False})  # type: ignore[arg-type]


def test_what_is_no_value_equals_nothing() -> None:
    for raw in ('["o","A"]', '["r","ValueError","x"]', '["m","timeout"]', "nonsense", "{}", '["?"]', "NaN"):
        claimed = decode(raw)
        assert not claimed.ok
        assert claimed != claimed
        assert claimed != from_python(None)
        with pytest.raises(ValueError):
            claimed.python()
    assert missing("timeout_cpu").error == "timeout_cpu"
    assert decode('["r","ValueError","no"]').raised == "ValueError"


MALFORMED = [
    "", "[", "[]", "[1]", '["d",1]', '["i","zz"]', '["i"]', '["f"]', '["f",1]', '["b","x"]', '["c","1"]',
    '{"a":1}', '["l",{}]',
    "9" * 100_000, "[" * 100_000, '["l",' * 100_000, "1e999", "Infinity", '["zz"]', '"\\ud800"', "\x00", "tru",
]  # fmt: skip


@pytest.mark.parametrize("raw", MALFORMED)
def test_no_claim_raises(raw: str) -> None:
    claimed = decode(raw)
    assert isinstance(claimed.kind + claimed.error + claimed.text() + repr(claimed), str)
    assert not same(from_python([1]), claimed)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        SCALARS.filter(lambda s: not isinstance(s, bytes)), lambda i: st.lists(i) | st.dictionaries(st.text(), i)
    )
)
def test_no_json_at_all_raises(data: object) -> None:
    claimed = decode(json.dumps(data))
    same(claimed, claimed)
    assert isinstance(claimed.text(), str)


def test_colliding_integers_cost_nothing() -> None:
    """As a set they took the trainer half a minute."""
    flood = json.dumps(["s"] + [["i", hex(i * (2**61 - 1))] for i in range(60_000)])
    began = time.process_time()
    assert not same(from_python({1, 2}), decode(flood))
    assert same(decode(flood), decode(flood))
    with pytest.raises(ValueError, match="stays a Value"):
        decode(flood).python()
    assert time.process_time() - began < 5


def test_a_claim_far_longer_than_the_expectation_is_not_even_read() -> None:
    claimed = decode(json.dumps(["l", *range(90_000)]))
    assert not same(from_python(1), claimed)
    assert repr(claimed._data).startswith("<object")


LITERALS = [
    "1", "-1", "1.5e3", ".5", "5.", "0x_ff", "0b10", "0o17", "1_000", "2j", "1-2j", "'a'", '"it\'s"',
    "'a' \"b\"", "b'\\xff'",
    "r'\\d'", "'\\u00e9\\N{BULLET}\\x41\\101'", "'''a\nb'''", "None", "True", "[1, (2,), {3: 4}, {5, 6}]",
    "()", "(1)", "{}", "1, 2",
    "[1,]", "{1: 2, 1: 3}", "10000000000000000000000", "1e400", "{'a': [1, 2.0], (1, 2): None}",
]  # fmt: skip


@pytest.mark.parametrize("text", LITERALS)
def test_literals_are_read_as_python_reads_them(text: str) -> None:
    import ast

    assert same(from_python(ast.literal_eval(text)), from_literal(text))


@pytest.mark.parametrize(
    "text",
    ["", " ", "f(1)", "[", "[1", "1 2", "a", "1+2", "f'x'", "{1:}", "'a", "lambda: 0", "[" * 1000,
    "-" * 100 + "1", "(1,,2)",
     "[1]*3", "__import__('os')", "'a' b'b'", "0123", "1__0", "9" * 5000, "'\\N{no such}'", "'\\U99999999'",
    "x" * 70_000,
     "{1, 2: 3}",
     "{[1]: 2}[0]", "…", "1 if 2 else 3", "b'é'"],
)  # fmt: skip
def test_anything_else_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        from_literal(text)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="[](){}'\"\\,:+-.0123456789eEjJxbr abn#", max_size=40))
def test_the_parser_raises_value_error_or_agrees_with_python(text: str) -> None:
    import ast
    import warnings

    try:
        found = from_literal(text)
    except ValueError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError):
            return  # unhashable keys and the like: a tree can hold them
    assert same(from_python(expected), found, nan_is_nan=True)


def test_only_exact_builtin_types_are_encoded() -> None:
    class Liar(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    assert encode(Liar(3)) == ["o", "Liar"]
    assert Value(json.dumps(encode([Liar(3)]))) != from_python([3])
    cycle: list[object] = []
    cycle.append(cycle)
    assert encode(cycle) == ["o", "too large"]
    with pytest.raises(ValueError, match="cyclic"):
        from_python(cycle)
