"""Every reward reads a completion by one policy: each form of thoughts, each end of a turn, each shape of a chat."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest

from table_rewards import create
from table_rewards.rewards.group_judge.reference import candidate_of

TABLE = "<table><tr><td>City</td><td>People</td></tr><tr><td>Oslo</td><td>7</td></tr></table>"
OTHER_TABLE = "<table><tr><td>Town</td></tr><tr><td>Rome</td></tr></table>"
REGION = '<gold_area>{"columns": ["Pairs"], "rows": [0, 1]}</gold_area>\nFinal Answer: 22.33'
OTHER_REGION = '<gold_area>{"columns": ["Elo"], "rows": [7]}</gold_area>\nFinal Answer: 90'
SAID = (
    "<step_verification><step>Step 1: the product is right. \\boxed{CORRECT}</step></step_verification>"
    "<final_verification>\\boxed{CORRECT}</final_verification>"
)
PROGRAM = "<answer>\n```python\nprint(sum(map(int, input().split())))\n```\n</answer>"


class Case(NamedTuple):
    """A right answer, one that earns less, the reference, and the tags of the reward's thoughts."""

    right: str
    wrong: str
    reference: Any
    options: dict[str, Any]
    tags: tuple[str, ...] = ("think", "thinking")


CASES = {
    "table_bench": Case("Final Answer: 7", "Final Answer: 8", "7", {}),
    "table_region": Case(
        REGION,
        OTHER_REGION,
        {"answer": "22.33", "gold_area": {"columns": ["Pairs"], "rows": [0, 1]}, "instruction_type": "TCoT"},
        {"weight": 0.5},
    ),
    "teds": Case(TABLE, OTHER_TABLE, TABLE, {}),
    "cell_f1": Case(TABLE, OTHER_TABLE, TABLE, {}),
    "grits": Case(TABLE, OTHER_TABLE, TABLE, {}),
    "qa_f1": Case(
        TABLE,
        OTHER_TABLE,
        [{"question": "How many People live in Oslo?", "answer": "7"}],
        {"reader": "extractive"},
    ),
    "mathematics": Case("\\boxed{9}", "\\boxed{8}", "9", {"symbolic": False}),
    "generator": Case("<answer>\\boxed{9}</answer>", "<answer>\\boxed{8}</answer>", "9", {"symbolic": False}),
    "verifier": Case(SAID, SAID.replace("CORRECT", "INCORRECT"), True, {}),
    "ranking": Case("A > B\nA: 8, B: 3", "B > A\nA: 3, B: 8", {"A": 8, "B": 3}, {"reasoning": "optional"}),
    "scalar_quality": Case("Score: 8", "Score: 2", 8, {}),
    "white_box": Case(
        "<answer>\nassert f(1) == 2\n</answer>",
        "<answer>\nassert f(1) == 3\n</answer>",
        {"func_str": "def f(a):\n    return a + 1", "func_args": "1", "result": "2"},
        {},
        ("think", "thinking", "reasoning"),
    ),
    "unit_tests": Case(
        PROGRAM,
        PROGRAM.replace("sum", "max"),
        {"inputs": ["1 2", "3 4"], "outputs": ["3", "7"]},
        {},
        ("think", "thinking", "reasoning"),
    ),
}
ENDS = (
    "",
    "<|im_end|>",
    "<|im_end|>\n",
    "</s>",
    "<|eot_id|>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "<|im_end|>\n<|endoftext|>",
    "\n<|end|>",
    "<eos>",
    "[|endofturn|]",  # EXAONE
    "[e~[",  # MiniMax M2
    "[EOS]",  # Kimi K2
    "<seed:eos>",
    "<SPECIAL_12>",  # Nemotron
    "<|close|>response<|sep|><|close|>message<|sep|><|end_of_msg|>",  # Kimi K3
)
# Each takes the draft of a thought and the answer behind it.
CLOSED = {
    "think": "<think>\nFirst: {draft}\nNo.\n</think>\n\n{answer}",
    "thinking": "<thinking>{draft}</thinking>\n{answer}",
    "opened by the prompt": "First: {draft}\nNo.\n</think>\n{answer}",
    "twice": "<think>Hm.</think>\n<think>{draft}</think>\n{answer}",
    "capitals": "<THINK>{draft}</THINK>\n{answer}",
    "brackets": "[THINK]{draft}[/THINK]{answer}",
    "gpt-oss": "<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant<|channel|>final<|message|>{answer}",
    "kimi": "◁think▷{draft}◁/think▷{answer}",
    "empty": "<think></think>{answer}",
    "empty, with lines": "<think>\n\n</think>\n\n{answer}",
    "blank": "<thinking> \n</thinking>\n{answer}",
    "gpt-oss, without its tokens": "analysiswe look. {draft}assistantfinal{answer}",
    "gpt-oss, constrained": "<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant<|channel|>final "
    "<|constrain|>json<|message|>{answer}",
    "gemma": "<|channel>thought\n{draft}<channel|>{answer}",
    "command": "{draft}<|END_THINKING|><|START_TEXT|>{answer}<|END_TEXT|>",
    "minimax": "<mm:think>{draft}</mm:think>{answer}",
    "kimi k3": "<|open|>think<|sep|>{draft}<|close|>think<|sep|><|open|>response<|sep|>{answer}",
    "apertus": "<|inner_prefix|>{draft}<|inner_suffix|>{answer}",
    "plamo": "<|plamo:begin_think:plamo|>{draft}<|plamo:end_think:plamo|>{answer}",
    "inkling": "<|message_model|><|content_thinking|>{draft}<|end_message|><|message_model|><|content_text|>{answer}"
    "<|end_message|>",
    "pangu": "[unused16]{draft}[unused17]{answer}[unused10]",
    "hunyuan": "<think:opensource>{draft}</think:opensource>{answer}",
    "apriel": "First: {draft}\nNo.\n[BEGIN FINAL RESPONSE]\n{answer}\n[END FINAL RESPONSE]",
    "granite": "Here is my thought process:\n{draft}\nHere is my response:\n{answer}",
    "ernie": "<think>\n{draft}\n</think>\n\n<response>\n{answer}\n</response>\n",
    "a tool's turn": "<tool_call>{{}}</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n{draft}\n"
    "</tool_response><|im_end|>\n<|im_start|>assistant\n{answer}",
    "a tool's turn, without its tokens": "<think>\n\n</think>\n\n<tool_response>\n{draft}\n</tool_response>\n{answer}",
    "a user's turn": "<|start_header_id|>assistant<|end_header_id|>\n\n{draft}<|eot_id|><|start_header_id|>user"
    "<|end_header_id|>\n\nSure?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n{answer}",
    "ran on": "{answer}<|im_end|>\n<|im_start|>user\n{draft}",
}
UNCLOSED = (
    "<think>{answer}",
    "<think>\n{answer}\nbut wait",
    "<thinking>{answer}",
    "[THINK]{answer}",
    "Hm.\n<think>{answer}",
    "<mm:think>{answer}",
    "<|inner_prefix|>{answer}",
    "<|open|>think<|sep|>{answer}",
    "<|message_model|><|content_thinking|>{answer}<|end_message|>",
    "[unused16]{answer}",
    "I ask.<|im_end|>\n<|im_start|>tool\n{answer}<|im_end|>",
    "I ask.\n<tool_response>\n{answer}\n</tool_response>",
)
SHAPES = {
    "message": lambda text: {"role": "assistant", "content": text},
    "messages": lambda text: [{"role": "user", "content": "?"}, {"role": "assistant", "content": text}],
    "parts": lambda text: [
        {"role": "assistant", "content": [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}]}
    ],
    "ShareGPT": lambda text: [{"from": "human", "value": "?"}, {"from": "gpt", "value": text}],
    "vLLM": lambda text: {"index": 0, "text": text, "finish_reason": "stop"},
    "OpenAI": lambda text: {"choices": [{"message": {"role": "assistant", "content": text}}]},
    "tool before": lambda text: [
        {"role": "assistant", "content": "I look it up."},
        {"role": "tool", "content": "[]"},
        {"role": "assistant", "content": text},
    ],
    "bytes": lambda text: text.encode(),
}


@pytest.fixture(params=CASES)
def judged(request):
    """The case, and a function that scores completions of it."""
    case = CASES[request.param]
    reward = create(request.param, **case.options)

    def score(completions):
        return reward(completions, [case.reference] * len(completions))

    return case, score


def test_the_two_answers_differ(judged):
    case, score = judged
    right, wrong = score([case.right, case.wrong]).values
    assert right > wrong


def test_thoughts_and_ends_of_turn_change_nothing(judged):
    """A wrong draft costs nothing and a right draft earns nothing, whatever stands behind the answer."""
    case, score = judged
    best, worst = score([case.right, case.wrong]).values
    forms = [*CLOSED.values(), "{answer}"]
    if "reasoning" in case.tags:
        forms.append("<reasoning>\n{draft}\n</reasoning>\n{answer}")
    for answer, draft, expected in ((case.right, case.wrong, best), (case.wrong, case.right, worst)):
        texts = [form.format(draft=draft, answer=answer) + end for form, end in itertools.product(forms, ENDS)]
        values = score(texts).values
        missed = [text for text, value in zip(texts, values, strict=True) if abs(value - expected) > 1e-9]
        assert not missed, missed[:3]


def test_an_answer_in_thoughts_that_never_close_is_none(judged):
    case, score = judged
    texts = [form.format(answer=case.right) for form in UNCLOSED]
    if "reasoning" in case.tags:
        texts.append(f"<reasoning>{case.right}")
    scores = score(texts)
    assert scores.status.tolist() == ["unparsed"] * len(texts)
    assert np.all(scores.values <= 0)


def test_an_answer_in_closed_thoughts_alone_is_none(judged):
    case, score = judged
    texts = [form.format(draft=case.right, answer="I do not know.") for form in CLOSED.values() if "{draft}" in form]
    scores = score(texts)
    assert scores.status.tolist() == ["unparsed"] * len(texts), scores.notes
    assert np.all(scores.values <= 0)


def test_every_shape_of_a_chat_is_read(judged):
    case, score = judged
    best, worst = score([case.right, case.wrong]).values
    for text, expected in ((case.right, best), (case.wrong, worst)):
        scores = score([shape(text) for shape in SHAPES.values()])
        assert dict(zip(SHAPES, scores.values.tolist(), strict=True)) == pytest.approx(dict.fromkeys(SHAPES, expected))


def test_what_others_wrote_earns_nothing(judged):
    """The answer of a tool or a user, an unknown shape, and a list of samples are no completion: each is unscored."""
    case, score = judged
    strangers = [
        {"unknown": case.right},
        [case.right, case.right],
        [{"role": "tool", "content": case.right}],
        [{"role": "user", "content": case.right}],
        7,
    ]
    scores = score([case.right, *strangers])
    assert scores.status.tolist() == ["scored", *["unscored"] * len(strangers)]
    assert all(scores.notes[1:])


def test_a_candidate_of_the_group_judge_is_what_stands_behind_its_thoughts():
    for form, end in itertools.product(CLOSED.values(), ENDS):
        text = form.format(draft="Salut.", answer="Bonjour.") + end
        assert candidate_of(text, "text") == ("Bonjour.", ""), text
