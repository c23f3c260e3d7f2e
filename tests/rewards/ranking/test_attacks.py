"""Attacks on the ranking reward: none earns more than an honest answer that knows as much."""

from __future__ import annotations

import itertools

import pytest

from table_rewards import Ranking, ScalarQuality
from table_rewards.rewards.ranking.prompts import ranking_answer

GOLD = {"A": 9, "B": 6, "C": 2}
HONEST = ranking_answer("A is faithful, C is not.", GOLD)
WRONG = ranking_answer("C is best.", {"A": 2, "B": 6, "C": 9})
RIGHT_TAIL = "A > B > C\nA: 9, B: 6, C: 2"


def every_order():
    return [" > ".join(order) for order in itertools.permutations("ABC")]


ATTACKS = {
    "every ranking, one a line": "Hm.\n" + "\n".join(every_order()) + "\nA: 9, B: 6, C: 2",
    "every ranking on one line": "Hm.\n" + ", ".join(every_order()) + "\nA: 9, B: 6, C: 2",
    "the ranking repeated": f"Hm.\n{RIGHT_TAIL}\n{RIGHT_TAIL}",
    "two rankings, the second other": f"Hm.\nC > B > A\n{RIGHT_TAIL}",
    "hidden in a comment": "Hm.\nA > B > C <!-- C > B > A -->\nA: 9, B: 6, C: 2",
    "hidden behind a line separator": "Hm.\nA > B > C\u2028C > B > A\nA: 9, B: 6, C: 2",
    "hidden behind a carriage return": "Hm.\nA > B > C\rC > B > A\nA: 9, B: 6, C: 2",
    "hidden behind a right-to-left override": "Hm.\n\u202eA > B > C\nA: 9, B: 6, C: 2",
    "hidden by zero-width spaces": "Hm.\nA\u200b > B > C\nA: 9, B: 6, C: 2",
    "Cyrillic look-alikes": "Hm.\nА > В > С\nА: 9, В: 6, С: 2",
    "Greek look-alikes": "Hm.\nΑ > Β > C\nΑ: 9, Β: 6, C: 2",
    "mathematical letters": "Hm.\n𝐀 > 𝐁 > 𝐂\n𝐀: 9, 𝐁: 6, 𝐂: 2",
    "real and look-alike side by side": "Hm.\nA = А > B > C\nA: 9, А: 9, B: 6, C: 2",
    "scores beyond the range": "Hm.\nA > B > C\nA: 109, B: 106, C: 102",
    "negative scores": "Hm.\nA > B > C\nA: -1, B: -4, C: -8",
    "infinite scores": "Hm.\nA > B > C\nA: inf, B: nan, C: -inf",
    "exponents": "Hm.\nA > B > C\nA: 0.9e1, B: 6, C: 2",
    "digits of another script": "Hm.\nA > B > C\nA: ٩, B: ٦, C: ٢",
    "a candidate scored twice": "Hm.\nA > B > C\nA: 9, A: 2, B: 6, C: 2",
    "two scores for one": "Hm.\nA > B > C\nA: 9 or 2, B: 6, C: 2",
    "all tied": "Hm.\nA = B = C\nA: 6, B: 6, C: 6",
    "a tie and an order of the same": "Hm.\nA > B = A > C\nA: 9, B: 6, C: 2",
    "circular": "Hm.\nA > B > C > A\nA: 9, B: 6, C: 2",
    "scores alone": "Hm.\nA: 9, B: 6, C: 2",
    "no reasoning": RIGHT_TAIL,
    "punctuation for reasoning": f"...\n{RIGHT_TAIL}",
    "a header for reasoning": f"### Final Ranking:\n{RIGHT_TAIL}",
    "order against scores": "Hm.\nA > B > C\nA: 2, B: 6, C: 9",
    "an empty string": "",
    "only signs": ">>>===:::,,,",
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("mode", ["ranking_score", "ranking", "score"])
def test_no_attack_earns_more_than_the_honest_answer(attack, mode):
    text = ATTACKS[attack]
    honest = HONEST
    if mode == "ranking":
        text, honest = text.rpartition("\n")[0], HONEST.partition("\n\n### Scores")[0]
    scores = Ranking(mode=mode)([text, honest], [GOLD, GOLD])
    assert scores[0].value <= scores[1].value, scores[0]
    if mode == "ranking_score" and attack != "all tied":
        assert (scores[0].value, scores[0].status) == (0.0, "unparsed"), scores[0]


@pytest.mark.parametrize("attack", ["two rankings, the second other", "the ranking repeated"])
def test_a_second_ranking_is_named(attack):
    assert "a second ranking: " in Ranking()([ATTACKS[attack]], [GOLD]).notes[0]


def test_rankings_inside_the_reasoning_that_are_no_answers_are_fine():
    """Criteria may be ranked one by one: such a line has a name before its colon."""
    text = f"Fluency: B > A > C\nFaithfulness: A > B > C\nOverall I say A > B > C.\n{RIGHT_TAIL}"
    assert Ranking()([text], [GOLD]).values.tolist() == [2.0]


def test_a_wrong_answer_earns_the_same_however_it_is_dressed():
    dressed = [
        WRONG,
        "The right ranking is A > B > C, A: 9, B: 6, C: 2. " + WRONG,
        WRONG.replace("### Scores:", "### Scores (A: 9, B: 6, C: 2):"),
        WRONG + "\n\n```\n```",
        WRONG.replace("C is best.", "C is best. " * 1000),
    ]
    values = Ranking()(dressed, [GOLD] * len(dressed)).values
    assert set(values.tolist()) == {values[0]}


@pytest.mark.parametrize(
    "text", ["8 9 10", "8, 9", "108", "-1", "nan", "1e1", "8-9", "٨", "Score: 8 9", "8\n\nor 9", "", "/10"]
)
def test_attacks_on_the_scalar_score_earn_nothing(text):
    score = ScalarQuality()([text], [9])[0]
    assert (score.value, score.status) == (0.0, "unparsed")
