"""Step rewards that padding cannot raise, and a verifier whose verdicts must agree with themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards import Generator, Verifier
from table_rewards.core.errors import ConfigurationError
from table_rewards.rewards.tango.step_credit import STEP_CREDITS, counted_weights, share_right, step_weights
from table_rewards.testing.attacks.slots import verification

WRONG = ["3 * 5 = 18", "18 + 1 = 20", "so the answer is 21"]
PADDING = ["1*1=1"] * 60


@pytest.mark.parametrize(("rule", "most"), [("share", 1.0), ("text", 0.2), ("first_wrong", 0.0), ("weakest", 0.0)])
def test_sixty_trivial_steps_behind_three_wrong_ones(rule: str, most: float) -> None:
    share = share_right([0.0] * 3 + [1.0] * 60, WRONG + PADDING, rule)
    assert share <= most
    assert (share > 0.9) == (rule == "share")


@pytest.mark.parametrize("rule", STEP_CREDITS)
def test_right_solutions_keep_their_one_and_wrong_ones_earn_nothing(rule: str) -> None:
    assert share_right([1.0] * 3, WRONG, rule) == pytest.approx(1.0)
    assert share_right([0.0] * 3, WRONG, rule) == 0.0


def test_under_the_weakest_step_no_padding_pays_in_front_either() -> None:
    distinct = [f"{n} * 1 = {n}" for n in range(60)]
    assert share_right([1.0] * 60 + [0.0], [*distinct, "so x = 7"], "weakest") == 0.0
    assert share_right([1.0] * 60 + [0.0], [*distinct, "so x = 7"], "text") > 0.5  # what this rule does not hold off


@given(
    st.lists(st.tuples(st.booleans(), st.text(min_size=1, max_size=20)), min_size=1, max_size=8),
    st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=6),
    st.integers(0, 8),
)
def test_under_the_rule_for_training_true_steps_put_anywhere_never_pay(
    steps: list[tuple[bool, str]], padding: list[str], place: int
) -> None:
    place = min(place, len(steps))
    padded = [*steps[:place], *((True, text) for text in padding), *steps[place:]]

    def earned(given: list[tuple[bool, str]]) -> tuple[float, float]:
        sure, texts = [float(right) for right, _ in given], [text for _, text in given]
        weights = counted_weights(sure, texts, "weakest")
        placed = sum(weight if one else -weight for weight, one in zip(weights, sure, strict=True))
        return share_right(sure, texts, "weakest"), placed

    for padded_value, value in zip(earned(padded), earned(steps), strict=True):
        assert padded_value <= value + 1e-9


@given(
    st.lists(st.tuples(st.booleans(), st.text(min_size=1, max_size=20)), min_size=1, max_size=12),
    st.sampled_from(STEP_CREDITS),
)
def test_shares_stay_in_range_and_a_wrong_step_more_never_pays(steps: list[tuple[bool, str]], rule: str) -> None:
    sure, texts = [float(right) for right, _ in steps], [text for _, text in steps]
    share = share_right(sure, texts, rule)
    assert -1e-9 <= share <= 1 + 1e-9
    assert sum(step_weights(texts, rule)) == pytest.approx(1.0)
    assert all(weight >= 0 for weight in counted_weights(sure, texts, rule))
    assert share_right([*sure, 0.0], [*texts, "a step that is wrong"], rule) <= share + 1e-9


def test_the_generators_steps_follow_the_rule_and_the_release_its_own() -> None:
    solution = "<think>" + "".join(f"<step>{text}</step>" for text in WRONG + PADDING) + "</think>"
    said = "<step_verification>" + "<step>No. \\boxed{INCORRECT}</step>" * 3 + "<step>Yes. \\boxed{CORRECT}</step>" * 60
    said += "</step_verification><final_verification>\\boxed{INCORRECT}</final_verification>"

    def total(rule: str) -> float:
        reward = Generator(symbolic=False, step_credit=rule)  # type: ignore[arg-type]
        return sum(step.reward for step in reward.step_rewards(solution, said))

    assert total("share") == pytest.approx(57 / 63)
    assert total("text") < -0.6
    assert total("first_wrong") < 0
    assert total("weakest") == -1.0
    with pytest.raises(ConfigurationError, match="step_credit='share'"):
        Generator(step_credit="text", profile="released")
    assert "step_credit" not in Generator().signature
    assert "step_credit=text" in Generator(step_credit="text").signature


def test_a_verdict_that_contradicts_its_own_steps_costs_the_format() -> None:
    right = verification(True, 2)
    nod = right.replace("\\boxed{CORRECT}", "\\boxed{INCORRECT}", 1)
    doubt = right.replace("<final_verification>\\boxed{CORRECT}", "<final_verification>\\boxed{INCORRECT}")
    row = {"label": True, "generator_step_count": 2}
    assert Verifier()([right, nod, doubt], [row] * 3).values.tolist() == pytest.approx([1.8, 1.8, 0.8])
    scores = Verifier(consistent=True)([right, nod, doubt], [row] * 3)
    assert scores.values.tolist() == pytest.approx([1.8, 1.0, 0.0])
    told = Verifier(consistent=True).explain(nod, row)
    assert not told.remarks
    with pytest.raises(ConfigurationError, match="consistent"):
        Verifier(consistent=True, profile="released")
