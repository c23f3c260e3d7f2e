"""The verl plug-in: every function keeps verl's return contract, whatever comes in."""

from __future__ import annotations

import asyncio
import inspect
import math
import pickle
from collections import UserDict, UserList
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from table_rewards import UnknownName
from table_rewards.core import registry
from table_rewards.frameworks import verl
from table_rewards.testing.chat_server import ChatServer

NUMERIC = (float,)


def keeps_the_contract(found: Any) -> None:
    """specs of verl's extract_reward and process_validation_metrics, as far as a dict can break them."""
    assert isinstance(found, dict)
    assert list(found)[:2] == ["score", "acc"]
    assert len(found) <= 5, "verl's validation bootstraps each numeric key"
    assert not set(found) & verl.RESERVED
    for key, value in found.items():
        assert type(key) is str
        assert type(value) in NUMERIC
        assert math.isfinite(value)
        assert "/" not in key
        assert "@" not in key


anything = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.integers(),
    st.floats(),
    st.dictionaries(st.sampled_from(["answer", "gold_area", "qtype", "x"]), st.text(max_size=20), max_size=3),
    st.lists(st.text(max_size=5), max_size=3),
    st.just(np.array(["a", None], dtype=object)),
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with ChatServer(reply=lambda request: "<answer>7</answer>", model="scripted") as server:
        yield server.url


def options_of(name: str, endpoint: str) -> dict[str, Any]:
    asked = {"endpoints": endpoint, "attempts": 1} if "endpoints" in registry.find(name).option_names() else {}
    return {**asked, "unscored_ceiling": 1.0}


@pytest.mark.parametrize("name", sorted(registry.BUILTIN))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(text=st.one_of(st.none(), st.text(max_size=200)), truth=anything, info=anything, source=anything)
def test_whatever_comes_in_every_function_keeps_the_contract(
    name: str, endpoint: str, text: Any, truth: Any, info: Any, source: Any
) -> None:
    options = options_of(name, endpoint)
    one = getattr(verl, name)(source, text, truth, info, **options)
    keeps_the_contract(one)
    (batched,) = getattr(verl, f"{name}_batch")([source], [text], [truth], [info], **options)
    awaited = asyncio.run(getattr(verl, f"{name}_async")(source, text, truth, info, **options))
    for found in (batched, awaited):
        keeps_the_contract(found)
        assert list(found) == list(one), "verl takes the keys of sample 0 for all"
    number = getattr(verl, f"{name}_float")(source, text, truth, info, **options)
    assert type(number) is float
    assert math.isfinite(number)


@pytest.mark.parametrize("name", sorted(registry.BUILTIN))
def test_every_reward_has_four_plain_functions_that_pickle(name: str) -> None:
    for suffix in verl.SUFFIXES:
        function = getattr(verl, name + suffix)
        assert inspect.isfunction(function), "verl takes a callable object for a synchronous function"
        assert inspect.iscoroutinefunction(function) == (suffix == "_async")
        assert pickle.loads(pickle.dumps(function)) is function
        names = list(inspect.signature(function).parameters)
        assert len(names) == 5
        assert function.__name__ == name + suffix


@pytest.mark.parametrize("name", sorted(registry.BUILTIN))
def test_the_parts_that_reach_verl_have_free_names(name: str) -> None:
    assert not set(registry.find(name).option_names()) & {"data_source", "solution_str", "ground_truth", "extra_info"}


KINDS = {"qtype": "DataAnalysis", "qsubtype": "CorrelationAnalysis"}


def test_one_float_batch_and_async_agree() -> None:
    one = verl.table_bench("t", "Final Answer: 104", "100", KINDS)
    assert one == {"score": 1.0, "acc": 1.0, "em": 0.0, "rouge_l": 0.0, "unscored": 0.0}
    assert verl.table_bench_float("t", "Final Answer: 104", "100", KINDS) == 1.0
    assert asyncio.run(verl.table_bench_async("t", "Final Answer: 104", "100", KINDS)) == one
    batch = verl.table_bench_batch(
        data_sources=np.array(["t", "t"], dtype=object),
        solution_strs=["Final Answer: 104", ""],
        ground_truths=["100", "100"],
        extra_infos=np.array([KINDS, None], dtype=object),
    )
    assert batch[0] == one
    assert batch[1]["score"] == 0.0


def test_calls_by_position_work_as_prime_and_main_eval_make_them() -> None:
    assert verl.table_bench_float("t", "Final Answer: 7", "7") == 1.0


def test_an_unknown_option_is_named_and_what_verl_injects_is_not_ours() -> None:
    with pytest.raises(UnknownName, match=r"option of table_bench 'metrik' \(did you mean 'metric'\?\)"):
        verl.table_bench("t", "x", "7", None, metrik="em")
    verl.table_bench("t", "x", "7", None, reward_router_address=None, reward_model_tokenizer=None)


def test_the_step_comes_from_the_keywords_or_from_extra_info() -> None:
    truth = {"answer": "7", "gold_area": '{"columns": [], "rows": []}', "instruction_type": "DP"}
    late = verl.table_region("t", "Final Answer: 7", truth, {"global_steps": 1200})
    assert late == verl.table_region("t", "Final Answer: 7", truth, None, step=1200)
    assert late["score"] == pytest.approx(1 - 0.3 * math.exp(-0.0915 * 12))
    assert late["acc"] == 1.0, "validation shows the answer's accuracy"


def test_route_picks_by_the_longest_match_and_keeps_its_keys() -> None:
    routes = {"tab": "table_bench", "tables/x": {"reward": "teds", "structure_only": True}, "*": "table_bench"}
    table = "<table><tr><td>1</td></tr></table>"
    found = [
        verl.route("tables/x", table, table, None, routes=routes),
        verl.route("tab", "Final Answer: 7", "7", None, routes=routes),
        verl.route("other", "Final Answer: 7", "7", None, routes=routes),
    ]
    assert [(row["score"], row["acc"], row["unscored"]) for row in found] == [(1.0, 1.0, 0.0)] * 3
    keys = ["score", "acc", "em", "rouge_l", "structure", "unscored"]
    assert [list(row) for row in found] == [keys] * 3, "verl wants the same keys of every data set"
    assert found[0]["structure"] == found[1]["em"] == 1.0, "a reward's own parts are kept"
    with pytest.raises(UnknownName, match="unknown data source 'nowhere'"):
        verl.route("nowhere", "x", "7", None, routes={"tab": "table_bench"})
    assert verl.route_float("tab", "Final Answer: 7", "7", None, routes=routes) == 1.0


def test_mappings_and_sequences_that_are_no_dict_and_list_are_read_as_such() -> None:
    weight = UserDict({"schedule": "linear", "start": 0.3, "end": 0.1, "steps": 100})  # as OmegaConf's DictConfig
    truth = UserDict({"answer": UserList(["7"]), "gold_area": '{"columns": [], "rows": []}', "instruction_type": "DP"})
    assert verl.table_region("t", "Final Answer: 7", truth, None, weight=weight, step=100)["score"] == pytest.approx(
        1.0 - 0.1
    )


def test_rewards_of_other_packages_get_their_functions_on_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    from table_rewards import TableBench

    class Mine(TableBench):
        name = "mine_only"

    monkeypatch.setitem(registry._registered, "mine_only", Mine)
    assert verl.mine_only_float("t", "Final Answer: 7", "7") == 1.0
    with pytest.raises(AttributeError, match="no attribute 'not_there'; rewards: "):
        verl.not_there  # noqa: B018


def test_thirty_two_threads_share_batches_and_get_their_own_scores() -> None:
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda i: verl.table_bench_float("t", f"Final Answer: {i}", str(i - i % 2)), range(400)))
    assert found == [float(i % 2 == 0) for i in range(400)]


def test_extra_info_is_never_changed() -> None:
    info = {"index": 1, "qtype": "FactChecking"}
    before = dict(info)
    verl.table_bench("t", "Final Answer: 7", "7", info)
    assert info == before
