"""The ranking reward: published and released values, its rules, its promises to a batch."""

from __future__ import annotations

import json
import pathlib
import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards import BadReference, ConfigurationError, Ranking, RankingReference, create
from table_rewards.rewards.ranking.prompts import ranking_answer
from table_rewards.rewards.ranking.reference import label, named

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "grrm"
GOLD = {"A": 8, "B": 3, "C": 3, "D": 5}


def rows(name):
    return [json.loads(line) for line in (FIXTURES / name).read_text("utf-8").splitlines()]


def answer(scores, analysis="A is the most faithful."):
    return ranking_answer(analysis, scores)


@pytest.mark.parametrize("row", rows("rankings.jsonl"), ids=lambda row: row["id"])
def test_the_published_example_and_its_variants(row):
    score = Ranking()([row["completion"]], [{"scores": row["scores"]}])[0]
    assert score.value == pytest.approx(row["expected"])
    assert score.status == ("scored" if score.parts["valid"] else "unparsed")
    assert bool(score.note) == (score.status == "unparsed")


FUNCTIONS = {
    "ranking_score_reward_fn": {},
    "ranking_reward_fn_no_cot": {"mode": "ranking", "reasoning": "absent"},
    "ranking_reward_fn_zero": {"mode": "ranking", "reasoning": 50},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_released_equals_what_the_released_functions_returned(function):
    """240 answers, most of them damaged at random, with the values that the authors' code gave them."""
    cases = [row for row in rows("released_cases.jsonl") if row["function"] == function]
    reward = Ranking(**FUNCTIONS[function], profile="released")
    scores = reward([c["completion"] for c in cases], [{"ground_truth": c["ground_truth"]} for c in cases])
    assert len(cases) == 80
    for case, score in zip(cases, scores, strict=True):
        expected = case["expected"]
        # Their sum() of floats gives another last digit from CPython 3.12 on.
        assert score.value == pytest.approx(expected["score"], abs=1e-12), case
        assert score.parts["valid"] == expected["valid_answer"], case
        if "score_reward" in expected:
            assert score.parts["ranking"] == pytest.approx(expected["ranking_reward"], abs=1e-12)
            assert score.parts["margin"] == pytest.approx(expected["score_reward"], abs=1e-12)


def test_integers_beyond_floats_are_a_wrong_answer_and_no_failure():
    text = f"why\n### Final Ranking:\nA > B\n### Scores:\nA: {'9' * 400}, B: 3"
    for profile in ("released", "corrected"):
        assert Ranking(profile=profile)([text], [{"A": 8.5, "B": 3}]).status.tolist() != ["unscored"]


def test_a_perfect_ranking_earns_its_reward_with_reasoning_before_it():
    """M1: the released ranking_reward_fn gives 0 for this."""
    scores = Ranking(mode="ranking")(["B loses the idiom.\nA > C > B"], ["A > C > B"])
    assert scores.values.tolist() == [1.0]


SCORES = st.integers(2, 30).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 10), min_size=n, max_size=n)] * 2))


@settings(max_examples=60, deadline=None)
@given(SCORES)
def test_perfect_is_one_and_two_and_no_ranking_is_above_it(both):
    truth, other = both
    perfect, guess = Ranking()([answer(named(truth)), answer(named(other))], [truth, truth])
    assert (perfect.value, perfect.parts["ranking"], perfect.parts["margin"]) == (2.0, 1.0, 1.0)
    assert 0 <= guess.value <= 2
    assert 0 <= guess.parts["ranking"] <= 1
    assert -1 <= guess.parts["kendall_tau"] <= 1


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(11)))
def test_the_reverse_of_an_order_without_ties_is_zero(order):
    names = [label(i) for i in order]
    forth, back = " > ".join(names), " > ".join(reversed(names))
    score = Ranking(mode="ranking", reasoning="absent", rank_correlation="both")([back], [forth])[0]
    assert (score.value, score.parts["kendall_tau"], score.parts["spearman"]) == (0.0, -1.0, pytest.approx(-1.0))


@settings(max_examples=60, deadline=None)
@given(SCORES, st.randoms())
def test_new_names_for_the_candidates_change_nothing(both, rng):
    truth, guess = both
    names = [label(i) for i in range(len(truth))]
    shuffled = rng.sample(names, len(names))
    renamed = dict(zip(names, shuffled, strict=True))
    first = Ranking(rank_correlation="both")([answer(named(guess))], [named(truth)])[0]
    swapped = {renamed[name]: score for name, score in named(truth).items()}
    other = {renamed[name]: score for name, score in named(guess).items()}
    second = Ranking(rank_correlation="both")([answer(other)], [dict(sorted(swapped.items()))])[0]
    assert second.value == pytest.approx(first.value, abs=1e-12)
    assert second.parts == pytest.approx(first.parts, abs=1e-12)


def test_beyond_26_candidates_names_go_on_with_aa():
    truth = [i % 11 for i in range(60)]
    text = answer(named(truth))
    assert "AA: " in text
    assert "BH: " in text
    assert Ranking()([text], [truth]).values.tolist() == [2.0]


BROKEN = {
    "missing from the scores: D": ("A > B", "A: 8, B: 3, C: 3"),
    "missing from the ranking: D": ("A > B = C", "A: 8, B: 3, C: 3, D: 5"),
    "the ranking names A twice": ("A > D > B = C > A", "A: 8, B: 3, C: 3, D: 5"),
    "the scores name A twice": ("A > D > B = C", "A: 8, B: 3, C: 3, D: 5, A: 8"),
    "unknown candidate in the ranking: 'E'": ("A > E > D > B = C", "A: 8, B: 3, C: 3, D: 5"),
    "unknown candidate in the scores: 'E'": ("A > D > B = C", "A: 8, B: 3, C: 3, D: 5, E: 1"),
    "out of range: A 11, not 0 to 10": ("A > D > B = C", "A: 11, B: 3, C: 3, D: 5"),
    "out of range: C -1, not 0 to 10": ("A > D > B > C", "A: 8, B: 3, C: -1, D: 5"),
    "the ranking and the scores contradict each other": ("A > D > B > C", "A: 8, B: 3, C: 3, D: 5"),
    "the score of B is no number: 'three'": ("A > D > B = C", "A: 8, B: three, C: 3, D: 5"),
    "an empty place in the ranking": ("A > D > > B = C", "A: 8, B: 3, C: 3, D: 5"),
    "'<' in the ranking; the best comes first, joined by '>'": ("B = C < D > A", "A: 8, B: 3, C: 3, D: 5"),
    "no ranking line": ("The best is A.", "A: 8, B: 3, C: 3, D: 5"),
}


@pytest.mark.parametrize("note", BROKEN)
def test_each_broken_rule_has_its_note(note):
    order, scores = BROKEN[note]
    score = Ranking()([f"Because.\n\n### Final Ranking:\n\n{order}\n\n### Scores:\n\n{scores}"], [GOLD])[0]
    assert (score.value, score.status, score.note) == (0.0, "unparsed", note)


WRITTEN = [
    "why\nA > D > B = C\nA: 8, B: 3, C: 3, D: 5",
    "why\n\nRanking: A>D>B=C\n\nScores: A:8,B:3,C:3,D:5.",
    "why\n**A > D > C = B**\n\n\n\n*Scores*\n\n  D: 5; C: 3; B: 3; A: 8  \n\n",
    "why\n### 最終順位\nＡ＞Ｄ＞Ｂ＝Ｃ\n### 点数\nＡ：８、Ｂ：３，Ｃ：３，Ｄ：５",
    "why\nFinal order\nTranslation A > Translation D > Translation B = Translation C\n---\n"
    "Translation A: 8/10, Translation B: 3/10, Translation C: 3/10, Translation D: 5/10",
    "why\r\n\r\n### Final Ranking:\r\n\r\nA > D > B = C\r\n\r\n### Scores:\r\n\r\nA: 8, B: 3, C: 3, D: 5\r\n",
    "why\n```\nA > D > B = C\n```\n```text\nA: 8.0, B: 3.0, C: 3, D: +5\n```",
    "<think>why</think>\n`A` > `D` > `B` = `C`\n`A`: 8, `B`: 3, `C`: 3, `D`: 5",
    "why\n<answer>\nA > D > B = C\nA: 8, B: 3, C: 3, D: 5\n</answer>",
    "why\n> A > D > B = C\n\n> A: 8, B: 3, C: 3, D: 5",
    "why\n\\boxed{A > D > B = C}\nA: 8, B: 3, C: 3, and D: 5",
    "why\nA \\> D \\> B = C\nA: 8 points, B: 3 points, C: 3 points, D: 5 points",
    "why\nA &gt; D &gt; B = C\nA: 8 out of 10, B: 3 out of 10, C: 3 out of 10, D: 5 out of 10",
    "why\nA ≻ D ≻ B = C\nA: 8分, B: 3分, C: 3分, D: 5分",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_any_spacing_and_wording_that_is_unambiguous(text):
    score = Ranking()([text], [GOLD])[0]
    assert (score.value, score.note) == (2.0, "")


@pytest.mark.parametrize("earlier", ["> B > D > A = C", "\\boxed{B > D > A = C}", "B &gt; D &gt; A = C"])
def test_a_second_ranking_in_a_quotation_or_a_box_is_one_too_many(earlier):
    score = Ranking()([f"why\n{earlier}\n\nno:\n{WRITTEN[0].removeprefix('why')}"], [GOLD])[0]
    assert (score.value, score.status) == (0.0, "unparsed")


def test_what_stands_before_the_answer_is_required_absent_or_measured():
    bare = "### Final Ranking:\nA > B"
    texts = [bare, "Because.\n" + bare, "x" * 100 + "\n" + bare, "x" + " \n" * 200 + bare]
    expected = {"required": [0, 1, 1, 1], "absent": [1, 0, 0, 0], "optional": [1, 1, 1, 1], 50: [0, 0, 1, 0]}
    for reasoning, values in expected.items():
        reward = Ranking(mode="ranking", reasoning=reasoning)
        assert reward(texts, ["A > B"] * 4).values.tolist() == values, reasoning


def test_scores_alone_by_name_or_in_order():
    """M6: the released reading of scores alone is by place, whatever the names."""
    reward = Ranking(mode="score")
    texts = ["why\nA: 4, B: 9", "why\nB: 9, A: 4", "why\n4, 9", "why\n4"]
    assert reward(texts, [[4, 9]] * 4).values.tolist() == [2.0, 2.0, 2.0, 0.0]


def test_decimals_earn_credit_between_the_whole_numbers():
    values = Ranking()([answer({"A": a, "B": 3}) for a in (8, 8.5, 9, 9.5, 10)], [{"A": 8, "B": 3}] * 5)
    assert values.parts["margin"].tolist() == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])


@pytest.mark.parametrize(
    "reference",
    [
        GOLD,
        [8, 3, 3, 5],
        np.array([8, 3, 3, 5]),
        json.dumps(GOLD),
        {"ground_truth": json.dumps(GOLD), "extra_info": {"index": 3}},
        {"reward_model": {"ground_truth": GOLD}, "data_source": "x"},
        {"ground_truth": {**GOLD, "E": None}},
        {"scores": np.array([8.0, 3.0, 3.0, 5.0]), "completion": "y"},
        {"ground_truth": {"scores": GOLD}},
    ],
)
def test_references_in_every_form_that_data_sets_leave(reference):
    assert Ranking()([answer(GOLD)], [reference]).values.tolist() == [2.0]


@pytest.mark.parametrize("reference", ["", "A", {"A": 1}, [5], "A > > B", "A > A", {"scores": {"A": "x", "B": 1}}, 7])
def test_an_unusable_reference_is_unscored_and_says_why(reference):
    scores = Ranking(mode="ranking")(["why\nA > B"] * 2, [reference, "A > B"])
    assert scores.status.tolist() == ["unscored", "scored"]
    assert scores.notes[0].startswith("reference unusable: ")


def test_an_order_is_no_reference_for_scores():
    with pytest.raises(BadReference, match="give scores, or use mode='ranking'"):
        Ranking().natural("A > B")
    assert Ranking(mode="ranking").natural("A > B") == RankingReference(("A", "B"), (0.0, -1.0), False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "rank"}, "did you mean 'ranking'"),
        ({"reasoning": "none"}, "unknown reasoning 'none'"),
        ({"reasoning": 0}, "positive number of characters"),
        ({"score_range": (10, 0)}, "must go up"),
        ({"score_range": 10}, "must be a pair"),
        ({"margin_weight": -1}, "margin_weight must be"),
        ({"scale": "x"}, "scale must be"),
        ({"mode": "ranking", "profile": "released"}, "M1"),
        ({"mode": "score", "profile": "released"}, "no reward for mode='score'"),
        ({"margin_weight": 0.5, "profile": "released"}, "knows no margin_weight"),
    ],
)
def test_misconfiguration_is_an_error_at_once(options, message):
    with pytest.raises(ConfigurationError, match=message):
        Ranking(**options)


def batch(n=200, seed=1):
    rng = random.Random(seed)
    texts, references = [], []
    for _ in range(n):
        truth = [rng.randint(0, 10) for _ in range(rng.randint(2, 9))]
        text = answer(named([max(0, min(10, s + rng.randint(-2, 2))) for s in truth]))
        texts.append(text if rng.random() < 0.8 else text[: rng.randrange(len(text))])
        references.append(truth)
    return texts, references


def test_order_and_split_of_the_batch_change_no_score():
    texts, references = batch()
    whole = Ranking()(texts, references)
    order = random.Random(2).sample(range(len(texts)), len(texts))
    assert Ranking()([texts[i] for i in order], [references[i] for i in order]).equals(whole.take(order))
    for i in range(0, 200, 17):
        assert Ranking()([texts[i]], [references[i]]).equals(whole.take([i]))


def test_a_poisoned_sample_touches_no_other():
    texts, references = batch(40)
    clean = Ranking()(texts, references)
    poison = [
        "A > " * 200_000,
        "\n" * 300_000 + "A: 1",
        "A: " * 100_000,
        "=" * 500_000,
        "\x00\ud800 > \udfff",
        ">" * 99,
    ]
    dirty = Ranking()([*texts, *poison], [*references, *[GOLD] * len(poison)])
    assert dirty.take(range(40)).equals(clean)
    assert dirty.counts == {**clean.counts, "unparsed": clean.counts["unparsed"] + len(poison)}


def test_pickles_signs_and_is_found_by_name():
    reward = create("ranking", mode="ranking", reasoning=50)
    assert pickle.loads(pickle.dumps(reward)).signature == reward.signature
    assert reward.signature.startswith("ranking:mode=ranking,reasoning=50,range=0..10,")
    assert reward.parts == ("ranking", "valid", "kendall_tau")


def test_an_empty_thought_is_no_reasoning_and_no_text_before_the_answer():
    required, absent = Ranking(mode="ranking"), Ranking(mode="ranking", reasoning="absent")
    counted = Ranking(mode="ranking", reasoning=5)
    empty, said = "<think>\n\n</think>\n\nA > B", "<think>A keeps the idiom.</think>\nA > B"
    gold = [{"A": 8, "B": 3}] * 2
    assert required([empty, said], gold).values.tolist() == [0.0, 1.0]
    assert counted([empty, said], gold).values.tolist() == [0.0, 1.0]
    assert absent([empty, said], gold).values.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("end", ["<|im_end|>", "</s>", "\n<|eot_id|>\n", "<end_of_turn>", "<｜end▁of▁sentence｜>"])
def test_tokens_that_end_a_turn_change_nothing(end):
    texts = [f"A is better.\nA > B\nA: 8, B: 3{end}", f"A is better.\nB > A\nA: 3, B: 8{end}"]
    assert Ranking()(texts, [{"A": 8, "B": 3}] * 2).values.tolist() == [2.0, 0.0]


def test_a_draft_in_thoughts_is_no_second_ranking():
    text = "<think>B > A\nA: 3, B: 8\nNo.</think>\nA > B\nA: 8, B: 3"
    assert Ranking()([text, text.replace("</think>", "")], [{"A": 8, "B": 3}] * 2).values.tolist() == [2.0, 0.0]


@pytest.mark.parametrize(
    "text",
    [
        "why\nFinal Ranking: B > A\nScores: B: 8, A: 3\nFinal Ranking: A > B\nScores: A: 8, B: 3",
        "why\nRanking: B > A\nScores: B: 8, A: 3\n\nFinal Ranking: A > B\nScores: A: 8, B: 3",
        "why\n### Final ranking: B > A\n\n### Scores: B: 8, A: 3\n\n### Final ranking:\nA > B\n### Scores:\nA: 8, B: 3",
        "why\nThe final ranking: B > A\nFinal Ranking: A > B\nScores: A: 8, B: 3",
    ],
)
def test_two_answers_with_headers_on_their_own_lines_are_two_answers(text):
    scores = Ranking()([text], [{"A": 8, "B": 3}])
    assert scores.values.tolist() == [0.0]
    assert "second" in scores.notes[0]


@pytest.mark.parametrize("remark", ["Fluency: B > A", "Accuracy: B > A. Style: A > B.", "Score: 3 for B, 8 for A"])
def test_remarks_on_one_aspect_are_no_ranking(remark):
    text = f"why\n{remark}\nFinal Ranking: A > B\nScores (0-10): A: 8, B: 3"
    assert Ranking()([text], [{"A": 8, "B": 3}]).values.tolist() == [2.0]


@pytest.mark.parametrize(
    "scores",
    [
        "A: 8\nB: 3\nC: 1",
        "### Scores:\n- A: 8\n- B: 3\n- C: 1",
        "1. **A**: 8/10\n2. **B**: 3/10\n3. **C**: 1/10",
        "C：1\nB：3\nA：8",
    ],
)
def test_scores_may_stand_one_on_a_line(scores: str) -> None:
    assert Ranking()([f"Why.\nA > B > C\n{scores}"], [{"A": 8, "B": 3, "C": 1}]).values.tolist() == [2.0]


@pytest.mark.parametrize(
    "answer",
    [
        "Why.\nA > B > C\nA: 8\nB: 3",
        "Why.\nA > B > C\nA: 8\nB: 3\nB: 1",
        "Why.\nC > B > A\nA: 8\nB: 3\nC: 1",
        "Why.\nA > B > C\nA: 8\nD: 3\nC: 1",
        "Why.\nA > B > C\nA: 8\nB: 3 or 8\nC: 1",
        "A > B > C\nA: 8\nB: 3\nC: 1",
    ],
)
def test_scores_on_lines_of_their_own_obey_the_rules(answer: str) -> None:
    assert Ranking()([answer], [{"A": 8, "B": 3, "C": 1}]).values.tolist() == [0.0]


def test_tags_round_the_last_lines_are_no_part_of_them_and_hide_no_second_answer() -> None:
    written = [
        "Why.\n<answer>A > B\nA: 8, B: 3</answer>",
        "Why.\n<answer>\nA > B\nA: 8, B: 3\n</answer>",
        "Why.\n<ranking>A > B</ranking>\n<scores>A: 8, B: 3</scores>",
        "Why.\n<scores>A: 3, B: 8</scores>\nA > B\nA: 8, B: 3",
        "Why.\n<ranking>B > A</ranking>\nA > B\nA: 8, B: 3",
    ]
    assert Ranking()(written, [{"A": 8, "B": 3}] * 5).values.tolist() == [2.0, 2.0, 2.0, 0.0, 0.0]
