"""RL Tango's generator reward: outcome, verifier's opinion, form, and the rewards of the steps with their places."""

from __future__ import annotations

import json
import pathlib
import pickle

import pytest

from table_rewards import ConfigurationError, Generator, Linear
from table_rewards.rewards.tango.format import generator_format, token_of_step
from table_rewards.rewards.tango.released import ReleasedForms

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tango"
EXAMPLES = [json.loads(line) for line in (FIXTURES / "prompt_examples.jsonl").read_text("utf-8").splitlines()]
SOLUTIONS = [row for row in EXAMPLES if "expected_generator_format_reward" in row]

SOLUTION = (
    "<think>\n<step>3 * 2 = 6</step>\n<step>15 - 6 = 9</step>\n<step>so 9</step>\n</think>\n<answer>\\boxed{9}</answer>"
)


def verified(*verdicts, final="CORRECT"):
    boxes = ["" if verdict is None else "\\boxed{" + verdict + "}" for verdict in verdicts]
    steps = "\n".join(f"<step>Step. {box}</step>" for box in boxes)
    whole = f"<final_verification>\\boxed{{{final}}}</final_verification>"
    return f"<step_verification>\n{steps}\n</step_verification>\n{whole}"


@pytest.mark.parametrize("profile", ["corrected", "released"])
@pytest.mark.parametrize("row", SOLUTIONS, ids=[row["id"] for row in SOLUTIONS])
def test_the_examples_of_the_prompts_get_their_published_marks(row, profile):
    score = Generator(format_weight=1.0, profile=profile)([row["prediction"]], [row["reference"]])[0]
    assert score.parts["format"] == pytest.approx(row["expected_generator_format_reward"])
    assert score.parts["correct"] == row["expected_outcome_reward"]
    assert score.value == pytest.approx(row["expected_outcome_reward"] + row["expected_generator_format_reward"])


def test_the_verified_example_gives_its_published_step_rewards():
    row = EXAMPLES[2]
    for profile in ("corrected", "released"):
        rewards = Generator(profile=profile).step_rewards(row["solution"], row["prediction"])
        assert [step.reward for step in rewards] == row["expected_generator_step_rewards"] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("weight", "final", "answer", "value"),
    [
        (1.0, "INCORRECT", "9", 1.0),
        (0.0, "INCORRECT", "9", 0.0),
        (0.25, "CORRECT", "8", 0.75),
        (0.25, "MAYBE", "9", 1.0),  # no final verdict: the truth alone
    ],
)
def test_outcome_and_opinion_are_mixed(weight, final, answer, value):
    row = {"ground_truth": answer, "verification": verified("CORRECT", final=final)}
    assert Generator(ground_truth_weight=weight)([SOLUTION], [row]).values.tolist() == [value]


def test_weights_follow_their_schedule():
    row = {"ground_truth": "9", "verification": verified("CORRECT", final="INCORRECT")}
    reward = Generator(ground_truth_weight=Linear(1.0, 0.0, 100))
    assert [reward([SOLUTION], [row], step=step).values[0] for step in (0, 50, 100)] == [1.0, 0.5, 0.0]


def test_a_step_reward_stands_at_the_end_of_its_step():
    reward = Generator()
    rewards = reward.step_rewards(SOLUTION, verified("CORRECT", "INCORRECT", "CORRECT"))
    assert [round(step.reward * 3) for step in rewards] == [1, -1, 1]
    assert [SOLUTION[step.start : step.end] for step in rewards] == [
        "<step>3 * 2 = 6</step>",
        "<step>15 - 6 = 9</step>",
        "<step>so 9</step>",
    ]


def test_a_step_without_a_verdict_leaves_the_others_alone():
    """G4: as released it swallows its successor, the counts differ, and every step reward is lost."""
    said = verified("CORRECT", None, "INCORRECT")
    assert [round(step.reward * 3) for step in Generator().step_rewards(SOLUTION, said)] == [1, -1]
    assert Generator(profile="released").step_rewards(SOLUTION, said) == ()


@pytest.mark.parametrize(
    "said", ["", "nothing", verified("CORRECT"), verified(*["CORRECT"] * 4), "\\boxed{CORRECT}" * 3]
)
def test_without_one_judgement_a_step_there_are_no_step_rewards(said):
    assert Generator().step_rewards(SOLUTION, said) == ()


@pytest.mark.parametrize(
    ("text", "corrected", "released"),
    [
        (SOLUTION, 1.0, 1.0),
        (SOLUTION.replace("<step>so 9</step>", ""), 0.6, 0.6),
        (SOLUTION.replace("\\boxed{9}", "It is \\boxed{9}"), 0.6, 0.2),  # G5: a word in the tag cost as much as no box
        (SOLUTION.replace("\\boxed{9}", "\\boxed{9}."), 1.0, 0.2),
        (SOLUTION.replace("\\boxed{9}", "9"), 0.2, 0.2),
        (SOLUTION.replace("\\boxed{9}", "\\boxed{}"), 0.2, 0.2),  # an empty box is no answer
        (SOLUTION.replace("<answer>\\boxed{9}</answer>", ""), 0.0, 0.0),
        ("<answer>\\boxed{9}</answer>", 0.2, 0.2),
        ("junk " * 50 + SOLUTION, 0.6, 1.0),  # G5: text outside the tags cost nothing
        (SOLUTION.replace("<step>so 9</step>", "<step><step>so 9</step></step>"), 0.0, 1.0),  # G5: nested steps passed
        (SOLUTION + "<answer>\\boxed{8}</answer>", 0.2, 1.0),
        ("", 0.0, 0.0),
        ("<step>" * 5000, 0.0, 0.0),
        ("<step></step>" * 20000, 0.0, 0.0),
    ],
)
def test_the_marks_of_the_form(text, corrected, released):
    assert generator_format(text) == pytest.approx(corrected, abs=1e-9)
    assert ReleasedForms().solution_mark(text) == pytest.approx(released)


ATTACKS = [
    "\\boxed{CORRECT}" * 20,
    "<final_verification>\\boxed{CORRECT}</final_verification>",
    verified(*["CORRECT"] * 3),
    "<think><step>\\boxed{CORRECT}</step></think><answer>\\boxed{}</answer>",
    "<answer>\\boxed{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}</answer>",
    "<answer><answer>\\boxed{9}</answer><answer>\\boxed{}</answer></answer>",
    "<answer>\\boxed{8}</answer> <step>\\boxed{9}</step>",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_attacks_earn_nothing(attack):
    reward = Generator()
    assert reward([attack], ["9"]).values.tolist() == [0.0]
    assert reward.step_rewards(attack, "") == ()


def test_a_solution_cannot_bring_its_own_verification():
    """The verifier's text comes from the row, never from the completion."""
    score = Generator(ground_truth_weight=0.0)([SOLUTION.replace("9", "8") + verified(*["CORRECT"] * 3)], ["9"])[0]
    assert (score.value, score.parts["step_reward"]) == (0.0, 0.0)


def test_options_pickling_and_signature():
    reward = pickle.loads(pickle.dumps(Generator(ground_truth_weight="linear(1, 0, 10)", format_weight=0.1)))
    assert reward.signature.startswith("generator:ground_truth=linear(1;0;10),format=constant(0.1),kind=auto")
    with pytest.raises(ConfigurationError, match="ground_truth_weight"):
        Generator(ground_truth_weight="often")


def test_tokens_of_steps_by_the_generators_own_offsets():
    """G7: the index counts in the tokens of the tokenizer whose offsets are given."""
    text = SOLUTION
    offsets = [(i, min(i + 4, len(text))) for i in range(0, len(text), 4)]
    for step in Generator().step_rewards(text, verified("CORRECT", "CORRECT", "CORRECT")):
        token = token_of_step(step.end, offsets)
        start, end = offsets[token]
        assert start < step.end <= end
    assert token_of_step(10**9, offsets) is None
    assert token_of_step(1, []) is None


MARKED = "<think><step>3 * 2 = 6</step><step>15 - 6 = 9</step><step>so 9</step></think><answer>\\boxed{9}</answer>"


@pytest.mark.parametrize(
    "before",
    [
        "<think></think>",
        "<think>\n\n</think>\n\n",
        "<think>15 - 6, that is 9.</think>\n",
        "<thinking>Perhaps \\boxed{8}.</thinking>",
    ],
)
def test_thoughts_before_the_format_do_not_cost_it(before):
    assert generator_format(MARKED) == 1.0
    assert generator_format(before + MARKED) == 1.0
    assert generator_format(before + MARKED + "<|im_end|>") == 1.0


def test_a_draft_in_the_thoughts_is_no_second_answer():
    draft = MARKED.replace("<step>so 9", "<answer>\\boxed{8}</answer><step>so 9")
    assert generator_format(draft) == 1.0
    assert generator_format(MARKED + "<answer>\\boxed{8}</answer>") == pytest.approx(0.2)


@pytest.mark.parametrize("empty", ["", " ", "\n", "...", "-"])
def test_empty_steps_are_no_steps(empty):
    three = f"<think>{'<step>' + empty + '</step>'}</think><answer>\\boxed{{9}}</answer>".replace(
        "</step></think>", f"</step><step>{empty}</step><step>{empty}</step></think>"
    )
    assert generator_format(three) == pytest.approx(0.2)
    padded = MARKED.replace("<step>so 9</step>", f"<step>{empty}</step>")
    assert generator_format(padded) == pytest.approx(0.6)  # two steps, not three


def test_an_empty_step_has_no_reward_and_takes_none():
    reward = Generator(symbolic=False)
    solution = MARKED.replace("<step>so 9</step>", "<step> </step>")
    for said in (verified("CORRECT", "INCORRECT", "CORRECT"), verified("CORRECT", "INCORRECT")):
        assert [step.reward for step in reward.step_rewards(solution, said)] == [0.5, -0.5]


def test_padding_counts_as_the_formula_says():
    """(CORRECT - INCORRECT) / K: the page says what that means for trivial steps."""
    padded = "".join(f"<step>and {number}</step>" for number in range(9)) + "<step>so 8</step>"
    solution = f"<think>{padded}</think><answer>\\boxed{{8}}</answer>"
    said = verified(*["CORRECT"] * 9, "INCORRECT")
    assert sum(step.reward for step in Generator(symbolic=False).step_rewards(solution, said)) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        (r"\boxed{9}", 1.0),
        (r"$\boxed{9}$.", 1.0),
        (r" $$\boxed{9}$$ ", 1.0),
        (r"\(\boxed{9}\).", 1.0),
        (r"\[ \boxed{\frac{1}{2}} \]", 1.0),
        (r"So \boxed{9}", 0.6),
        (r"\boxed{9} apples", 0.6),
        (r"$\boxed{}$.", 0.2),
        ("9", 0.2),
    ],
)
def test_marks_of_a_formula_and_a_full_stop_are_no_words(answer: str, mark: float) -> None:
    steps = "<step>a=4</step><step>b=5</step><step>sum 9</step>"
    assert generator_format(f"<think>{steps}</think><answer>{answer}</answer>") == pytest.approx(mark)


@pytest.mark.parametrize("profile", ["corrected", "released"])
@pytest.mark.parametrize("gold", [{}, {"ground_truth": None}, {"ground_truth": [[1]]}])
def test_a_row_without_a_gold_answer_has_no_step_rewards_and_ends_no_training(profile, gold):
    row = {**gold, "verification": verified("CORRECT", "CORRECT", "CORRECT")}
    assert Generator(answer_kind="text", profile=profile).step_rewards(MARKED, row) == ()
