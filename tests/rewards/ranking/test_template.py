"""Prompts from a user's file: put together letter for letter, and told apart by their fingerprint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards import ConfigurationError, GroupJudge
from table_rewards.commands.main import main
from table_rewards.rewards.ranking.template import PromptTemplate, fingerprint
from table_rewards.testing.chat_server import ChatServer

GROUP = "Rank {target_language}: {source}\n{#candidates}[{label}] {text}\n{/candidates}Braces {stay}, {} too."


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4), st.text(max_size=20))
def test_what_is_put_in_is_never_read_as_a_placeholder(candidates, source):
    shown = "".join(f"[{'ABCD'[i]}] {text}\n" for i, text in enumerate(candidates))
    filled = PromptTemplate(GROUP).fill(source, candidates, target_language="fr")
    assert filled == f"Rank French: {source}\n{shown}Braces {{stay}}, {{}} too."


def test_the_file_is_taken_as_it_is(tmp_path):
    for end in ("", "\n", "\r\n", "\n\n"):
        (tmp_path / "prompt.txt").write_bytes((GROUP + end).encode())
        read = PromptTemplate.from_file(tmp_path / "prompt.txt", "group")
        assert read.text == GROUP + end
        assert read.fingerprint == fingerprint(read.fill("SRC", ["ONE", "TWO"], target_language="Chinese"))


def test_a_newline_that_an_editor_added_is_named(tmp_path):
    (tmp_path / "prompt.txt").write_text(GROUP + "\n", encoding="utf-8")
    right = PromptTemplate(GROUP).fingerprint
    with pytest.raises(ConfigurationError, match="a newline that an editor may have added"):
        PromptTemplate.from_file(tmp_path / "prompt.txt", "group", right)
    assert PromptTemplate(GROUP).check(right) is None


@pytest.mark.parametrize(
    ("text", "kind", "named"),
    [
        ("{#candidates}{text}{/candidates}", "group", "no {source}"),
        ("{source}", "group", "{#candidates}"),
        ("{source}{#candidates}{label}{/candidates}", "group", "no {text}"),
        ("{source}", "single", "no {translation}"),
        ("{source}{translation}", "translate", "no {translation}"),
        ("{source}{translation}", "other", "kind of template"),
    ],
)
def test_a_template_that_cannot_work_is_refused(text, kind, named):
    with pytest.raises(ConfigurationError, match=named.replace("{", r"\{").replace("}", r"\}")):
        PromptTemplate(text, kind)


def test_codes_are_there_for_prompts_that_end_in_a_language_mark():
    """M11."""
    template = PromptTemplate("{source} <{target_code}>", "translate")
    assert template.fill("Hi", target_language="Chinese") == template.fill("Hi", target_language="zh-CN") == "Hi <zh>"


def test_the_group_judge_asks_with_the_users_prompt(tmp_path):
    (tmp_path / "prompt.txt").write_text(GROUP, encoding="utf-8")
    row = {"src_text": "Hi", "src_lang": "en", "trg_lang": "fr"}
    with ChatServer(reply="x\nA > B\nA: 8, B: 3") as server:
        judge = GroupJudge(endpoints=server.url, model="m", prompt_file=str(tmp_path / "prompt.txt"))
        scores = judge(["Salut", "Non"], [row] * 2)
        assert server.received[0]["messages"][-1]["content"].startswith("Rank French: Hi\n[A] ")
    assert sorted(scores.values.tolist()) == [0.03, 0.08]
    assert PromptTemplate(GROUP).fingerprint in judge.signature
    assert "#" not in GroupJudge(endpoints=server.url, model="m").signature


def test_the_command_prints_and_compares(tmp_path, capsys):
    (tmp_path / "prompt.txt").write_text(GROUP, encoding="utf-8")
    right = PromptTemplate(GROUP).fingerprint
    assert main(["prepare", "fingerprint", str(tmp_path / "prompt.txt"), "--expect", right]) == 0
    assert capsys.readouterr().out.strip() == right
    assert main(["prepare", "fingerprint", str(tmp_path / "prompt.txt"), "--expect", "#0123456789abcdef/3"]) == 2
    assert right in capsys.readouterr().err
