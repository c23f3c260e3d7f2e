"""One reading of a completion: its shapes, its thoughts, the tokens around it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.core.completion import (
    REASONING_TAGS,
    answer_of,
    completion_text,
    read_completion,
    without_empty_thoughts,
    without_end_tokens,
)
from table_rewards.core.errors import ConfigurationError, UnreadableCompletion
from table_rewards.rewards.table_bench import TableBench

ANSWER = "Adding them up.\nFinal Answer: 7"
END_TOKENS = [
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "<eos>", "</s>", "<|end|>",
    "<|return|>", "<｜end▁of▁sentence｜>", "<|im_end|>\n<|endoftext|>", "\n<|im_end|>\n", "<pad><pad>",
]  # fmt: skip
PAIRS = [
    ("<think>", "</think>"), ("<THINK>", "</THINK>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"), ("◁think▷", "◁/think▷"), ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"), ("<|channel>thought\n", "<channel|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>\n\n<|begin_of_solution|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
]  # fmt: skip


@pytest.mark.parametrize("token", END_TOKENS)
def test_tokens_that_end_a_turn_change_nothing(token: str) -> None:
    assert without_end_tokens(ANSWER + token) == ANSWER
    assert answer_of("<think>hm</think>" + ANSWER + token) == ANSWER


@pytest.mark.parametrize(
    "text", ["<td>7</td>", "a <b>", "x > y", "7</answer>", "<nl>", "<fcel>7<nl>", "<|>", "[|x|]", "[1]", "[EO]"]
)
def test_what_only_looks_like_a_token_stays(text: str) -> None:
    assert without_end_tokens(text) == text


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
@pytest.mark.parametrize("thought", ["", "\n\n", "First idea:\nFinal Answer: 8\nNo."])
def test_closed_thoughts_are_no_answer_and_empty_ones_change_nothing(opening: str, closing: str, thought: str) -> None:
    reading = read_completion(opening + thought + closing + "\n\n" + ANSWER)
    assert reading.answer == ANSWER
    assert reading.thoughts == thought
    assert reading.closed


@pytest.mark.parametrize(("opening", "_"), PAIRS)
def test_thoughts_that_never_end_have_no_answer(opening: str, _: str) -> None:
    reading = read_completion(opening + ANSWER)
    assert reading.answer == ""
    assert not reading.closed


@pytest.mark.parametrize("closing", ["</think>", "</thinking>", "[/THINK]", "<channel|>"])
def test_thoughts_that_the_prompt_opened_are_thoughts(closing: str) -> None:
    assert answer_of("Let me see.\nFinal Answer: 8\n" + closing + "\n" + ANSWER) == ANSWER


def test_channels_of_gpt_oss_without_their_special_tokens() -> None:
    assert answer_of("analysisWe need 7.\nFinal Answer: 8assistantfinal" + ANSWER) == ANSWER
    assert answer_of("analysisWe need 7.\nFinal Answer: 8") == ""
    assert answer_of("analysis of the table: " + ANSWER) == "analysis of the table: " + ANSWER


def test_a_mark_that_is_quoted_is_text() -> None:
    for text in ("I close with `</think>`.\n" + ANSWER, 'The tag "<think>" is not needed.\n' + ANSWER):
        assert answer_of(text) == text


@pytest.mark.parametrize(
    "thought", ['the table says "8"', "so `8`", "it says '8'", "```python\n8\n```", 'a "</think>" is no end']
)
def test_thoughts_may_end_with_a_quotation_mark_or_a_fence(thought: str) -> None:
    for answer in (ANSWER, '"8"', "```python\nprint(8)\n```"):
        if thought[-1] != answer[0] or thought.endswith("```"):
            assert answer_of(f"<think>{thought}</think>{answer}") == answer
    assert answer_of(f"<think>{thought}. Final Answer: 8") == ""


def test_a_thought_that_mentions_its_own_mark_is_one_thought() -> None:
    assert answer_of("<think>I write <think> once more. Final Answer: 8</think>" + ANSWER) == ANSWER
    assert answer_of("<think>a</think> Final Answer: 8, no </think>" + ANSWER) == ANSWER


def test_reasoning_tags_count_only_where_the_format_has_them() -> None:
    text = "<reasoning>Final Answer: 8</reasoning>" + ANSWER
    assert answer_of(text) == text
    assert answer_of(text, REASONING_TAGS) == ANSWER
    assert read_completion("<reasoning>" + ANSWER, REASONING_TAGS).answer == ""


def test_empty_thoughts_go_and_full_ones_stay() -> None:
    assert without_empty_thoughts("<think>\n\n</think>\n\n<think>\n</think>\n" + ANSWER) == ANSWER
    assert without_empty_thoughts("<think>x</think>" + ANSWER) == "<think>x</think>" + ANSWER


@given(st.lists(st.sampled_from(["<think>", "</think>", "a", "\n", "  b", "<|im_end|>", "`", "[THINK]"]), max_size=12))
def test_spans_are_where_the_answer_stands(pieces: list[str]) -> None:
    text = "".join(pieces)
    reading = read_completion(text)
    assert "".join(text[start:end] for start, end in reading.spans) == reading.answer
    assert reading.closed or not reading.answer


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    answer = answer_of(text)
    assert answer in text or "think" in text.lower() or "channel" in text or "thought" in text.lower()


def test_the_last_turn_that_says_something_is_the_answer() -> None:
    chat = "7<|im_end|>\n<|im_start|>user\nSure?<|im_end|>\n<|im_start|>assistant\n"
    assert answer_of(chat + "8") == "8"
    assert answer_of(chat) == "7"  # a generation prompt says nothing
    assert answer_of("<start_of_turn>model\n7<end_of_turn>\n<start_of_turn>user\nThanks") == "7"
    assert answer_of("<|assistant|>\n7<|user|>\n8<|observation|>\n9") == "7"
    assert answer_of("7<|im_end|>\n<|im_start|>assistant\n<think>8") == ""
    program = 'prompt = "<|im_start|>user\\n" + text + "<|im_end|>\\n<|im_start|>assistant\\n"\nprint(prompt)'
    assert answer_of(program) == program  # a turn begins behind the end of another, or a line
    quoted = "Qwen writes `<|im_start|>user` before a question."
    assert answer_of(quoted) == quoted


def test_what_a_tool_wrote_into_a_text_is_no_answer() -> None:
    assert answer_of("<tool_response>\n7\n</tool_response>\n8") == "8"
    assert answer_of("I ask.\n<tool_response>\n7") == "I ask.\n"
    assert answer_of('print("<tool_response>")') == 'print("<tool_response>")'


def test_granites_sentences_are_marks_only_together() -> None:
    assert answer_of("Here's my thought process:\n8?\nHere's my response:\n7") == "7"
    for text in ("Here is my thought process:\n7", "Here is my response:\n7", "Hello. Here is my thought process:\n7"):
        assert answer_of(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "<think>",
        "</think>",
        "<think></think>",
        "<|im_end|>",
        "\n",
        "<|channel|>final<|message|>",
        "<|im_start|>user",
        "<tool_response>",
        "<|im_start|>",
        "Here is my thought process:\n\n",
        "<|end_message|>",
        "<|close|>",
        "[",
    ],
)
def test_a_megabyte_of_marks_is_read_at_once(piece: str) -> None:
    read_completion(piece * (1_000_000 // len(piece)))  # the suite's time limit is the bound


@pytest.mark.parametrize(
    "completion",
    [
        "x",
        b"x",
        np.str_("x"),
        {"role": "assistant", "content": "x"},
        {"role": "assistant", "content": "x", "reasoning_content": "y"},
        {"role": "assistant", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "y"}, {"type": "output_text", "text": "x"}]},
        [{"role": "user", "content": "q"}, {"role": "assistant", "content": "x"}],
        [{"role": "assistant", "content": "x"}, {"role": "tool", "content": "z"}, {"role": "user", "content": "z"}],
        np.array([{"role": "assistant", "content": "x"}], dtype=object),
        [{"from": "human", "value": "q"}, {"from": "gpt", "value": "x"}],
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "x"}]},
        {"index": 0, "text": "x", "finish_reason": "stop"},
        {"choices": [{"message": {"role": "assistant", "content": "x"}}]},
        {"generated_text": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "x"}]},
        SimpleNamespace(text="x", token_ids=[1]),
        SimpleNamespace(prompt="q", outputs=[SimpleNamespace(text="x")]),
        [{"type": "text", "text": "x"}],
        {"output": [{"type": "reasoning", "summary": []}, {"type": "message", "role": "assistant", "content": "x"}]},
        [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": "x"}]}],
        SimpleNamespace(
            output=[SimpleNamespace(type="message", content=[SimpleNamespace(type="output_text", text="x")])]
        ),
        SimpleNamespace(role="assistant", content=[SimpleNamespace(type="text", text="x")]),
        SimpleNamespace(choices=[SimpleNamespace(message=SimpleNamespace(content="x", reasoning_content="y"))]),
        [SimpleNamespace(role="user", content="q"), SimpleNamespace(role="assistant", content="x")],
        [SimpleNamespace(type="human", content="q"), SimpleNamespace(type="ai", content="x")],
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "y", "thought": True}, {"text": "x"}]}}]},
        {"role": "assistant", "content": np.array([{"type": "text", "text": "x"}], dtype=object)},
        {"role": "assistant", "content": [{"type": "text", "text": {"value": "x", "annotations": []}}]},
        {"role": "assistant", "content": {"content_type": "text", "parts": ["x"]}},
        {"model": "m", "response": "x", "done": True},
        {"response": {"choices": [{"message": {"role": "assistant", "content": "x"}}]}},
        {"input": "q", "output": "x", "score": 1.0},
        [
            {"role": "assistant", "channel": "analysis", "content": "y"},
            {"role": "assistant", "channel": "final", "content": [{"type": "text", "text": "x"}]},
        ],
    ],
)
def test_every_shape_of_trainers_and_servers_is_read(completion: Any) -> None:
    assert completion_text(completion) == "x"


@pytest.mark.parametrize(
    "completion",
    [
        None,
        [],
        "",
        {"role": "assistant", "content": None},
        [{"role": "assistant", "channel": "analysis", "content": "7"}],
        [
            {"from": "gpt", "value": "7"},
            {"from": "function_call", "value": "{}"},
            {"from": "observation", "value": "7"},
        ],
        {"role": "assistant", "content": [{"type": "image_url", "image_url": {}}]},
    ],
)
def test_no_text_is_an_empty_text(completion: Any) -> None:
    assert completion_text(completion) == ""


@pytest.mark.parametrize(
    ("completion", "names"),
    [
        (["7", "8"], "list of 2 texts"),
        (["7"], "list of 1 texts"),
        (3.5, "float"),
        (float("nan"), "float"),
        ({"unknown": "7"}, "unknown"),
        ({}, "nothing in it"),
        ([1, 2], "list of int"),
        ({"role": "user", "content": "7"}, "'user'"),
        ([{"role": "user", "content": "7"}, {"role": "tool", "content": "7"}], "roles: tool, user"),
        ({"outputs": [{"text": "7"}, {"text": "8"}]}, "2 outputs"),
        ({"role": "assistant", "content": 7}, "int"),
        ({"role": "assistant", "content": [{"type": "text", "body": "7"}]}, "body"),
        ({"role": "assistant", "content": [{"type": "text", "text": 7}]}, "int"),
        ([object()], "list of object"),
    ],
)
def test_any_other_shape_is_named(completion: Any, names: str) -> None:
    with pytest.raises(UnreadableCompletion, match=names):
        completion_text(completion)


def test_one_unreadable_completion_is_unscored_and_spares_the_others() -> None:
    scores = TableBench()(["Final Answer: 7", {"unknown": "x"}, "Final Answer: 8"], ["7", "7", "7"])
    assert scores.status.tolist() == ["scored", "unscored", "scored"]
    assert scores.notes[1].startswith("a completion is a mapping with unknown")


def test_a_batch_that_holds_nothing_readable_is_the_callers_mistake() -> None:
    with pytest.raises(ConfigurationError, match="several samples"):
        TableBench()([["7", "8"], ["7", "8"]], ["7", "7"])
    with pytest.raises(ConfigurationError, match="single mapping"):
        TableBench()({"text": "7"}, ["7"])  # type: ignore[arg-type]


def test_each_channel_mark_is_read_once():
    """Tens of thousands of marks without an end: each message ends where the next begins."""
    assert answer_of("<|channel|>final<|message|>" * 30_000 + "7") == "7"
    assert answer_of("<|channel|>analysis<|message|>8<|channel|>final<|message|>7") == "7"
    assert answer_of("<|channel|>" + "a" * 300_000).endswith("aaa")
