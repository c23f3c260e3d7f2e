"""Material in a prompt: no control token of a chat template survives in it, and everything else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.llm.quoting import fenced, without_control_tokens

TOKENS = (
    "<|im_start|>",
    "<|im_end|>",
    "<|IM_END|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|endoftext|>",
    "<|channel|>",
    "<|message|>",
    "<|user|>",
    "<|turn>",
    "<turn|>",
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "[SYSTEM_PROMPT]",
    "[TOOL_CALLS]",
    "<start_of_turn>",
    "<end_of_turn>",
    "<s>",
    "</s>",
    "<eos>",
    "<bos>",
    "<think>",
    "</think>",
    "<tool_call>",
    "[gMASK]",
    "<sop>",
    "]~b]",
    "[e~[",
    "<unused12>",
    "<|START_OF_TURN_TOKEN|>",
    "<|reserved_special_token_0|>",
)


@pytest.mark.parametrize("token", TOKENS)
def test_every_spelling_of_a_control_token_is_broken_up(token: str) -> None:
    for text in (token, f"a{token}b", token * 3, f"<|{token}|>", f"<{token}>", f"[{token}]"):
        assert token not in without_control_tokens(text)


@pytest.mark.parametrize(
    "text",
    [
        "a <| b and b |> c",
        "|x| > 2, so x < -2",
        "[1, 2] [A]",
        "<b>bold</b>",
        "|a|<|b|",
        "<table><tr>",
        "a<s and b>s",
        "[PAD me]",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert without_control_tokens(text) == text


@given(st.lists(st.sampled_from([*TOKENS, "<", "|", ">", "[", "]", " ", "x", "\n", "｜"]), max_size=12).map("".join))
def test_no_mixture_brings_a_token_back(text: str) -> None:
    broken = without_control_tokens(text)
    assert not [token for token in TOKENS if token in broken]
    assert broken.replace(" ", "") == text.replace(" ", "")


@given(st.text(alphabet="`a\n", max_size=30))
def test_nothing_closes_its_fence(text: str) -> None:
    fence, _, rest = fenced(text).partition("\n")
    assert rest.rpartition("\n")[0] == text
    assert fence not in text
