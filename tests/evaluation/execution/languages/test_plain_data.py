"""Plain data in C++, C#, Go, Java and PHP: values as people write them pass, whatever acts does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.evaluation.execution.languages.judging import CALLED, GRAMMARS
from table_rewards.evaluation.execution.languages.plain_data import is_plain

VALUES = {
    "cpp": [
        '("a\\"b")',
        "-1",
        "(std::vector<long>({(long)1, (long)-2}))",
        "std::vector<std::tuple<std::string, long>>{{}}",
        '(std::map<std::string,long>({{"a", 1}, {"b", 2}}))',
        'std::make_tuple(1, std::string("x"))',
        "std::nullopt",
        "'c'",
        '(Union_std_string_long("a"))',
        "8.5f",
    ],
    "cs": [
        '(new List<string>(new string[]{(string)"a", (string)"b"}))',
        '(new Dictionary<string,long>(){{"a", 1L}})',
        '(Tuple<string, long>)Tuple.Create(@"a""b", 74L)',
        "new List<long> { 1, 2 }",
        "string.Empty",
        "Enumerable.Repeat(0L, 3).ToList()",
        "('x')",
        "null",
    ],
    "go": [
        '[]interface{}{0, "x"}',
        'map[string]int{"a": 1}',
        "[][]int{{1}, {}}",
        "nil",
        '`a"b`',
        "'x'",
        "-3.5",
        'strings.Repeat("ab", 3)',
        "make(map[string]int)",
    ],
    "java": [
        "(new ArrayList<Long>(Arrays.asList((long)1L, (long)2l)))",
        '(new HashMap<String,Long>(Map.of("a", 1L)))',
        'new HashMap<String, Long>() {{ put("a", 1L); }}',
        'Pair.with("a", 1L)',
        "Optional.empty()",
        '("ab".repeat(3))',
        "Long.MAX_VALUE",
        "'c'",
        "(5.5f)",
        "new ArrayList<>(List.of(1L, 2L))",
    ],
    "php": [
        'array("a" => 1, 2 => array())',
        "[1, 2, 'x']",
        '"Hello $1 {x}"',
        '"a\\$b"',
        "'a$b'",
        "-1.5e3",
        "null",
        "str_repeat('ab', 3)",
        "'a' . 'b'",
    ],
}
ACTIONS = {
    "cpp": [
        "(exit(0), 1)",
        "std::exit(0)",
        "candidate(1)",
        "f(1)",
        "[]{ return 1; }()",
        "1)); return 0; //",
        "1 /* x */",
        "({ 1; })",
        "1 < 2",
        "std::vector<exit>()",
        'std::system("x")',
        '"??/"',
        "_Exit(0)",
        "1\n#include </etc/passwd>",
    ],
    "cs": [
        "Environment.Exit(0)",
        "F(1)",
        "((Func<int>)(() => 1))()",
        '$"{F(1)}"',
        "typeof(Problem)",
        'System.IO.File.ReadAllText("x")',
        "1)); return; //",
        "new Problem()",
    ],
    "go": [
        "os.Exit(0)",
        "candidate(1)",
        "func() int { return 1 }()",
        'panic("x")',
        "t",
        "tests[0]",
        "1 }, } ; return ; _ = []int{1",
        "recover()",
        "1 // x",
    ],
    "java": [
        "System.exit(0)",
        "f(1L)",
        "Problem.f(1L)",
        '"\\u0022 + System.exit(0) + \\u0022"',
        "new Object() { public boolean equals(Object o) { return true; } }",
        "() -> 1",
        "1L)); return; //",
        'Runtime.getRuntime().exec("x")',
        "1L; 2L",
        "new ArrayList<Long>(){{ System.exit(0); }}",
    ],
    "php": [
        "exit(0)",
        "die",
        "candidate(1)",
        '"{${exit(0)}}"',
        '"$argv"',
        '"a$b"',
        '"\\\\$b"',
        '"\\{$b}"',
        '"${x}"',
        "$argv",
        "`ls`",
        "1) {} exit(0); if (1",
        "?>",
        "fn() => 1",
        "1 // x",
        'eval("exit;")',
        "function() { return 1; }",
    ],
}


def _pairs(table):
    return [(language, text) for language, texts in table.items() for text in texts]


@pytest.mark.parametrize(("language", "text"), _pairs(VALUES))
def test_values_are_plain(language, text):
    assert is_plain(text, GRAMMARS[language])


@pytest.mark.parametrize(("language", "text"), _pairs(ACTIONS))
def test_whatever_acts_is_not_plain(language, text):
    assert not is_plain(text, GRAMMARS[language])
    assert not is_plain(text, GRAMMARS[language], several=True)


@pytest.mark.parametrize("language", GRAMMARS)
def test_commas_outside_of_brackets_are_for_arguments_alone(language):
    assert not is_plain("1, 2", GRAMMARS[language])
    assert is_plain("1, 2", GRAMMARS[language], several=True)


@pytest.mark.parametrize("language", GRAMMARS)
@given(before=st.text(" ()[]{}1,\"'.", max_size=8), behind=st.text(" ()[]{}1,.\"'", max_size=8))
def test_a_call_of_the_function_is_never_plain(language, before, behind):
    """Whatever stands round it: unless all of it is inside a text, it is a call."""
    text = f"{before} {CALLED[language]}(1) {behind}"
    if before.count('"') == before.count("'") == 0:
        assert not is_plain(text, GRAMMARS[language], several=True)
