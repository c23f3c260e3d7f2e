"""RL Tango's verifier reward: agreement and form, tolerant where the released code was not, and its class balance."""

from __future__ import annotations

import json
import pathlib
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards import ClassBalance, ConfigurationError, Verifier
from table_rewards.rewards.tango.format import read_verification, verifier_format
from table_rewards.rewards.tango.forms import Forms
from table_rewards.rewards.tango.released import ReleasedForms

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tango"
EXAMPLE = json.loads((FIXTURES / "prompt_examples.jsonl").read_text("utf-8").splitlines()[2])
GOOD = EXAMPLE["prediction"]


@pytest.mark.parametrize("profile", ["corrected", "released"])
def test_the_example_of_the_prompt_gets_its_published_marks(profile):
    row = {"label": True, "solution": EXAMPLE["solution"]}
    score = Verifier(profile=profile)([GOOD], [row])[0]
    assert score.parts == {"correct": 1.0, "format": EXAMPLE["expected_verifier_format_reward"], "parsed": 1.0}
    assert score.value == 1.8
    said = Verifier(profile=profile).forms.verification(GOOD)
    assert said.steps == (True, True)
    assert said.final is True


@pytest.mark.parametrize(
    "label", [True, 1.0, np.bool_(True), "CORRECT", "true", {"label": 1}, {"outcome": np.float64(1.0)}]
)
def test_every_way_to_say_that_the_solution_is_right(label):
    assert Verifier()([GOOD], [label]).parts["correct"].tolist() == [1.0]
    assert Verifier()(
        [GOOD.replace("<final_verification>\\boxed{CORRECT}", "<final_verification>\\boxed{INCORRECT}")], [label]
    ).parts["correct"].tolist() == [0.0]


@pytest.mark.parametrize("label", ["perhaps", None, float("nan"), {"label": "?"}, []])
def test_a_label_that_says_nothing_is_unscored(label):
    assert Verifier()([GOOD, GOOD], [label, True]).status.tolist() == ["unscored", "scored"]


def final(text):
    steps = "<step_verification><step>a \\boxed{CORRECT}</step></step_verification>"
    return f"{steps}<final_verification>{text}</final_verification>"


@pytest.mark.parametrize(
    ("text", "corrected", "released"),
    [
        ("\\boxed{CORRECT}", True, True),
        ("\n\\boxed{CORRECT}\n", True, None),  # G3: a line break in the tag lost the reward
        ("\\boxed{INCORRECT}.", False, False),
        ("The answer is \\boxed{ CORRECT }", True, None),
        ("\\box{INCORRECT}", False, False),
        ("\\boxed{\\text{correct}}", True, None),
        ("\\fbox{INCORRECT}", False, None),
        ("\\boxed{\\texttt{INCORRECT}}", False, None),
        ("\\boxed{**INCORRECT**}", False, None),
        ("\\boxed{INCORRECT.}", False, None),
        ("\\boxed{NOT CORRECT}", None, None),
        ("\\boxed{CORRECT} \\boxed{INCORRECT}", None, None),
        ("\\boxed{CORRECT or INCORRECT}", None, None),
        ("CORRECT", None, None),
        ("", None, None),
    ],
)
def test_the_final_verdict(text, corrected, released):
    assert read_verification(final(text)).final is corrected
    assert ReleasedForms().verification(final(text)).final is released


def test_a_step_without_a_verdict_does_not_swallow_the_next():
    """G4."""
    text = (
        "<step_verification><step>no verdict</step><step>wrong \\boxed{INCORRECT}</step><step>\\boxed{CORRECT}</step>"
        "</step_verification><final_verification>\\boxed{CORRECT}</final_verification>"
    )
    assert read_verification(text).steps == (None, False, True)
    assert ReleasedForms().verification(text).steps == (False, True)


ATTACKS = [
    "\\boxed{CORRECT}" * 100,
    "CORRECT " * 100,
    "<final_verification>\\boxed{CORRECT}\\boxed{INCORRECT}</final_verification>",
    final("\\boxed{CORRECT}") + final("\\boxed{INCORRECT}"),
    "<final_verification>\\boxed{CORRECT}</final_verification><final_verification>\\boxed{INCORRECT}</final_verification>",
    final("<final_verification>\\boxed{CORRECT}</final_verification>\\boxed{INCORRECT}").replace(
        "</final_verification>", "", 1
    ),
    "<step_verification><step>\\boxed{CORRECT}</step></step_verification>",
    "<step_verification></step_verification><final_verification></final_verification>",
    "",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
@pytest.mark.parametrize("label", [True, False])
def test_attacks_earn_nothing(attack, label):
    score = Verifier()([attack], [label])[0]
    assert (score.value, score.status) == (0.0, "unparsed")


@pytest.mark.parametrize(
    ("text", "steps", "mark"),
    [
        (GOOD, 2, 1.0),
        (GOOD, None, 1.0),
        (GOOD, 3, 0.2),
        (GOOD.replace("<step>", "outside <step>", 1), 2, 0.6),
        (final("\\boxed{CORRECT}"), 1, 1.0),
        (final("\\boxed{CORRECT}").replace("<step>a ", "<step>"), 1, 0.2),  # a verdict without a word of analysis
        (final("none"), 1, 0.2),
        (final("\\boxed{CORRECT}").replace("<step>", "<step><step>"), 1, 0.0),
        ("before " + GOOD, 2, 0.0),
        (GOOD + " after", 2, 0.0),
        (GOOD + "<|im_end|>", 2, 1.0),
        ("", 2, 0.0),
    ],
)
def test_the_marks_of_the_form(text, steps, mark):
    assert verifier_format(text, steps) == pytest.approx(mark)


def test_the_count_of_steps_is_held_against_a_well_formed_solution_only():
    assert verifier_format(GOOD, 3, 0.5) == 1.0
    assert verifier_format(GOOD, 3, 0.6) == pytest.approx(0.2)


def test_saying_correct_to_everything_is_worth_chance_under_class_balance():
    """A verifier that always nods agrees with 90 % of a good generator's solutions; balanced, with half."""
    labels = np.array([True] * 90 + [False] * 10)
    correct = Verifier()([final("\\boxed{CORRECT}")] * 100, labels.tolist()).parts["correct"]
    assert correct.mean() == 0.9
    weights = ClassBalance(scheme="inverse").weights(labels)
    assert np.average(correct, weights=weights) == pytest.approx(0.5, abs=1e-6)


def test_class_weights_by_hand():
    """4 right, 1 wrong: coefficients 1/2 and 1/1, sum 3, times 5/3. Then counts 0.8 * (4, 1) + 0.2 * (1, 4)."""
    balance = ClassBalance()
    np.testing.assert_allclose(balance.weights([1, 1, 1, 1, 0]), [5 / 6] * 4 + [5 / 3], rtol=1e-5)
    weights = balance.weights([1, 0, 0, 0, 0])
    assert balance.counts == pytest.approx((3.4, 1.6))
    a, b = 3.4**-0.5, 1.6**-0.5
    np.testing.assert_allclose(weights, [5 * a / (a + 4 * b)] + [5 * b / (a + 4 * b)] * 4, rtol=1e-5)


def test_the_state_goes_through_a_checkpoint():
    one, other = ClassBalance(), ClassBalance()
    one.weights([1, 1, 0])
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    np.testing.assert_array_equal(one.weights([1, 0, 0]), other.weights([1, 0, 0]))
    with pytest.raises(ConfigurationError, match="decay and scheme"):
        ClassBalance(scheme="inverse").load_state_dict(one.state_dict())
    with pytest.raises(ConfigurationError, match="not the state"):
        ClassBalance().load_state_dict({})


def test_unscored_samples_neither_count_nor_are_reweighted():
    balance = ClassBalance()
    weights = balance.weights([1.0, float("nan"), 0.0])
    assert balance.counts == (1.0, 1.0)
    np.testing.assert_allclose(weights, [1, 1, 1])
    np.testing.assert_allclose(ClassBalance().weights([]), [])
    np.testing.assert_allclose(ClassBalance().weights([1, 1]), [1, 1])


@pytest.mark.parametrize(
    "unit",
    [
        "</step_verification><final_verification>",
        "<step>",
        "\\boxed{",
        "<final_verification>",
        "</step>",
        " ",
        "\\boxed{CORRECT}.  ",
    ],
)
def test_reading_is_linear_in_hostile_text(unit):
    text = "<step_verification>" + unit * (200_000 // len(unit)) + "</final_verification>"
    begin = time.process_time()
    for forms in (Forms(), ReleasedForms()):
        forms.verification(text)
        forms.verification_mark(text, 3, 1.0)
        forms.solution_mark(text)
        forms.steps(text)
    assert time.process_time() - begin < 3.0


@given(
    st.lists(
        st.sampled_from(
            [
                "<step>",
                "</step>",
                "\\boxed{CORRECT}",
                "\\boxed{INCORRECT}",
                "<final_verification>",
                "</final_verification>",
                "<step_verification>",
                "</step_verification>",
                " a ",
                "\n",
            ]
        ),
        max_size=20,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_jumble_of_the_format_is_scored_within_its_range(parts):
    for profile in ("corrected", "released"):
        scores = Verifier(profile=profile)(["".join(parts)] * 2, [True, False])
        assert set(scores.status) <= {"scored", "unparsed"}
        assert ((scores.values >= 0) & (scores.values <= 1.8)).all()
        assert scores.parts["correct"].sum() <= 1  # it agrees with one of the labels at most


SAID = (
    "<step_verification><step>3 * 5 = 15. \\boxed{CORRECT}</step></step_verification>"
    "<final_verification>\\boxed{CORRECT}</final_verification>"
)


@pytest.mark.parametrize(
    "before", ["<think></think>", "<think>\n\n</think>\n\n", "<think>Is it 15? Yes.</think>\n", "Is it?\n</think>\n"]
)
def test_thoughts_before_the_tags_do_not_cost_the_format(before):
    assert Verifier()([before + SAID, before + SAID + "<|im_end|>"], [True, True]).values.tolist() == [1.8, 1.8]


def test_a_draft_in_thoughts_is_no_verdict():
    draft = SAID.replace("CORRECT", "INCORRECT")
    reward = Verifier()
    assert reward([f"<think>{draft}</think>{SAID}"], [True]).values.tolist() == [1.8]
    assert reward([f"<think>{SAID}</think>{draft}"], [True]).parts["correct"].tolist() == [0.0]
    unclosed = reward([f"<think>{SAID}", f"<think>{SAID}</think>"], [True, True])
    assert unclosed.status.tolist() == ["unparsed", "unparsed"]
    assert unclosed.values.tolist() == [0.0, 0.0]
