"""Several data sets and several rewards behind one function of verl."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from table_rewards import ConfigurationError, UnknownName
from table_rewards.frameworks import verl

TABLE = "<table><tr><td>1</td></tr></table>"
ROUTES = {
    "openai/gsm8k": {"reward": "mathematics", "symbolic": False},
    "hf.co/tables.v1": "teds",
    "otherwise": {"reward": "table_bench", "metric": "em"},
}
SAMPLES = [
    ("openai/gsm8k", "\\boxed{72}", "72"),
    ("hf.co/tables.v1", TABLE, TABLE),
    ("anything/else.v2", "Final Answer: 7", "7"),
]


@pytest.mark.parametrize(("source", "right", "truth"), SAMPLES)
def test_data_sources_with_slashes_and_dots_and_everything_else(source: str, right: str, truth: str) -> None:
    found = verl.route(source, right, truth, {}, routes=ROUTES)
    assert (found["score"], found["acc"], found["unscored"]) == (1.0, 1.0, 0.0)
    assert verl.route(source, "wrong", truth, {}, routes=ROUTES)["score"] == 0.0


def test_all_forms_give_the_same_under_the_same_keys() -> None:
    one = [verl.route(source, text, truth, {}, routes=ROUTES) for source, text, truth in SAMPLES]
    sources, texts, truths = map(list, zip(*SAMPLES, strict=True))
    assert verl.route_batch(sources, texts, truths, [{}] * 3, routes=ROUTES) == one

    async def together() -> list[Any]:
        calls = (verl.route_async(source, text, truth, {}, routes=ROUTES) for source, text, truth in SAMPLES)
        return list(await asyncio.gather(*calls))

    assert asyncio.run(together()) == one
    assert [verl.route_float(source, text, truth, {}, routes=ROUTES) for source, text, truth in SAMPLES] == [1.0] * 3
    assert len({tuple(row) for row in one}) == 1, "verl wants the same keys on every row"
    assert one[2]["em"] == 1.0, "the parts of the row's own reward are kept"


def test_a_data_source_with_dots_as_hydra_nests_it() -> None:
    nested = {"hf": {"co/tables": {"v1": "teds"}}, "otherwise": "table_bench"}
    assert verl.route("hf.co/tables.v1", TABLE, TABLE, {}, routes=nested)["structure"] == 1.0


def test_routes_come_from_the_file_and_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "rewards.toml"
    config.write_text(
        '[routes]\n"openai/gsm8k" = { reward = "mathematics", symbolic = false }\notherwise = "teds"\n', "utf-8"
    )
    monkeypatch.setenv("TABLE_REWARDS_CONFIG", str(config))
    assert verl.route("openai/gsm8k", "\\boxed{72}", "72", {})["acc"] == 1.0
    assert verl.route("x", TABLE, TABLE, {})["structure"] == 1.0
    monkeypatch.setenv("TABLE_REWARDS_ROUTES", json.dumps({"otherwise": "table_bench"}))
    assert verl.route("openai/gsm8k", "Final Answer: 72", "72", {})["em"] == 1.0


def test_options_for_all_routes_go_to_those_that_know_them() -> None:
    routes = {"a": "table_bench", "b": "teds"}
    near = {"qtype": "DataAnalysis", "qsubtype": "CorrelationAnalysis"}
    assert verl.route("a", "Final Answer: 104", "100", near, routes=routes)["score"] == 1.0
    assert verl.route("a", "Final Answer: 104", "100", near, routes=routes, metric="em")["score"] == 0.0
    assert verl.route("b", TABLE, TABLE, {}, routes=routes, metric="em")["score"] == 1.0
    with pytest.raises(UnknownName, match="did you mean 'metric'"):
        verl.route("b", TABLE, TABLE, {}, routes=routes, metrik="em")


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        ({"a": "table_brench"}, "did you mean 'table_bench'"),
        ({"a": {"reward": "teds", "structure": True}}, "did you mean 'structure_only'"),
        ({"a": "teds"}, "unknown data source 'b'"),
        ("teds", "routes must be a mapping"),
    ],
)
def test_a_route_that_cannot_be_is_told_at_the_first_sample_whatever_its_source(routes: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        verl.route("b", TABLE, TABLE, {}, routes=routes)


MIX: dict[str, Any] = {
    "rewards": {"table_bench": {"metric": "em"}, "teds": {}},
    "weights": {"table_bench": 0.75, "teds": 0.25},
}


def test_a_weighted_mixture_by_name() -> None:
    truth = {"answer": "7", "table": TABLE}
    assert verl.mixed("t", f"{TABLE}\nFinal Answer: 7", truth, {}, **MIX) == {
        "score": 1.0,
        "acc": 1.0,
        "table_bench": 1.0,
        "teds": 1.0,
        "unscored": 0.0,
    }
    half = verl.mixed("t", f"{TABLE}\nFinal Answer: 8", truth, {}, **MIX)
    assert (half["score"], half["acc"]) == (0.25, 0.25)
    assert verl.mixed_float("t", f"{TABLE}\nFinal Answer: 8", truth, {}, **MIX) == 0.25
    assert verl.mixed_batch(["t"], ["Final Answer: 7"], [truth], [{}], **MIX)[0]["score"] == 0.75
    assert asyncio.run(verl.mixed_async("t", "Final Answer: 7", truth, {}, **MIX))["score"] == 0.75


def test_a_reward_of_a_mixture_that_the_row_is_not_for_contributes_nothing() -> None:
    found = verl.mixed("t", "Final Answer: 7", {"answer": "7"}, {}, **MIX)
    assert (found["score"], found["acc"], found["unscored"]) == (0.75, 1.0, 0.0)


def test_a_mixture_may_be_a_route_and_comes_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = {"t": MIX, "otherwise": "table_bench"}
    assert verl.route("t", "Final Answer: 7", {"answer": "7"}, {}, routes=routes)["score"] == 0.75
    config = tmp_path / "rewards.toml"
    config.write_text('[mixed]\nrewards = ["table_bench", "teds"]\nweights = [0.5, 0.5]\n', "utf-8")
    monkeypatch.setenv("TABLE_REWARDS_CONFIG", str(config))
    assert verl.mixed("t", "Final Answer: 7", {"answer": "7"}, {})["score"] == 0.5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "needs rewards"),
        ({"rewards": ["table_bench", "table_bench"]}, "different names"),
        ({"rewards": ["table_brench"]}, "did you mean 'table_bench'"),
        ({"rewards": {"teds": {"structure": True}}}, "did you mean 'structure_only'"),
        ({"rewards": ["teds"], "weights": {"tedds": 1}}, "did you mean 'teds'"),
        ({"rewards": ["teds"], "weights": [1, 2]}, "one number for each"),
        ({"rewards": {"teds": {"unscored": 0}}}, "goes for the whole mixture"),
        ({"rewards": ["teds"], "wieghts": {}}, "did you mean 'weights'"),
    ],
)
def test_a_mixture_that_cannot_be_says_why(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        verl.mixed("t", TABLE, TABLE, {}, **options)
