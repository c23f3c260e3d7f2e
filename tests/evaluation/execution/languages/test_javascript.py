"""Plain data in JavaScript: objects with bare keys are values, what reaches into a value is none."""

from __future__ import annotations

import pytest

from table_rewards.evaluation.execution.languages.javascript import is_plain


@pytest.mark.parametrize(
    "text",
    [
        "[]['constructor']",
        "[].constructor",
        "{__proto__: []}",
        "{'__pro\\x74o__': []}",
        "() => 1",
        "a",
        "1;2",
    ],
)
def test_what_reaches_into_values_is_not_plain(text):
    assert not is_plain(text)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, b: [null, NaN]}', "new Set([1, 2])", "-1.5e3", "'it\\'s'", "`a b`", "Array(3).fill(0)", "[...'abc']"],
)
def test_plain_data_in_javascripts_forms(text):
    assert is_plain(text)
