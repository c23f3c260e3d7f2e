"""The ranking rewards through verl's functions under the published names, and through swift's classes."""

from __future__ import annotations

import asyncio
import json

import pytest

from table_rewards.frameworks import swift, verl
from table_rewards.rewards.ranking.prompts import ranking_answer
from table_rewards.testing.chat_server import ChatServer

SCORES = {"A": 8, "B": 3, "C": 5}
FULL = ranking_answer("A keeps the idiom.", {"A": 8, "B": 4, "C": 5})
ORDER = "A > C > B"


@pytest.mark.parametrize(
    ("function", "completion", "truth", "value"),
    [
        ("ranking_score_reward_fn", FULL, json.dumps(SCORES), 1 + (0.6 + 0.6 + 1) / 3),
        ("ranking_reward_fn", f"Why.\n{ORDER}", ORDER, 1.0),
        ("ranking_reward_fn", ORDER, ORDER, 0.0),
        ("ranking_reward_fn_zero", "x" * 150 + f"\n{ORDER}", ORDER, 1.0),
        ("ranking_reward_fn_zero", "x" * 149 + f"\n{ORDER}", ORDER, 0.0),
        ("ranking_reward_fn_no_cot", ORDER, ORDER, 1.0),
        ("ranking_reward_fn_no_cot", f"Why.\n{ORDER}", ORDER, 0.0),
    ],
)
def test_the_seeds_names_in_verl(function, completion, truth, value):
    found = getattr(verl, function)("TowerBlocks-MT-Ranking", completion, truth, {"index": 1})
    assert found["score"] == pytest.approx(value)
    assert set(found) == {"score", "acc", "ranking", "valid", "unscored"}
    assert found["acc"] == found["ranking"]


def test_routes_follow_the_prompt_type_of_the_rows():
    for mode, completion, truth in (
        ("ranking", f"Why.\n{ORDER}", ORDER),
        ("ranking_score", ranking_answer("Why.", SCORES), json.dumps(SCORES)),
        ("score", ranking_answer("Why.", SCORES, "score"), json.dumps(SCORES)),
    ):
        found = verl.route(f"TowerBlocks-MT-Ranking.{mode}", completion, truth, {})
        assert found == {"score": 1.0 if mode == "ranking" else 2.0, "acc": 1.0, "unscored": 0.0}


def test_verls_single_calls_of_a_group_are_judged_together():
    with ChatServer(reply="Hm.\nA > B > C\nA: 9, B: 5, C: 1") as server:
        options = {"endpoints": server.url, "model": "m", "group_size": 3, "gather_s": 5}
        info = {"index": 4, "src_text": "Hello.", "src_lang": "en", "trg_lang": "fr"}

        async def group():
            calls = (verl.group_judge_async("mt", text, "", info, **options) for text in ("Salut", "Non", "Bonjour"))
            return await asyncio.gather(*calls)

        found = asyncio.run(group())
        assert len(server.received) == 1
    assert sorted(one["judge_score"] for one in found) == [1, 5, 9]
    assert [one["candidates"] for one in found] == [3, 3, 3]


def test_swifts_classes():
    ranking = swift.make("ranking", "Ranking", {})()
    assert ranking([FULL, "?"], scores=[[8, 4, 5]] * 2, trainer_state=None) == [2.0, 0.0]
    quality = swift.make("scalar_quality", "ScalarQuality", {})()
    assert quality(["Why.\n8"], solution=["9"]) == [0.8]
    with ChatServer(reply="Hm.\nA > B\nA: 9, B: 5") as server:
        judge = swift.make("group_judge", "GroupJudge", {"endpoints": server.url, "model": "m"})()
        chat = [
            [{"role": "user", "content": "Greet."}, {"role": "assistant", "content": text}] for text in ("Hi", "Yo")
        ]
        assert sorted(judge(["Hi", "Yo"], messages=chat)) == pytest.approx([0.05, 0.09])
