"""NeMo Gym's own agent against our service: it seeds, asks its model, verifies and aggregates by its own client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from nemo_gym.config_types import AggregateMetrics, AggregateMetricsRequest, BaseServerConfig, ModelServerRef
from nemo_gym.config_types import ResourcesServerRef as Resources
from nemo_gym.rollout_collection import NG_FAILURE_CLASS_KEY
from nemo_gym.server_utils import ServerClient, get_response_json, raise_for_status
from omegaconf import OmegaConf
from responses_api_agents.simple_agent.app import SimpleAgent, SimpleAgentConfig

from table_rewards.frameworks.serving.front import Front
from table_rewards.frameworks.serving.listening import Listener, bound
from table_rewards.frameworks.serving.scoring import Scoring
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings

pytestmark = pytest.mark.slow


class Here:
    """Scores in this process: the Ray suite tries the replicas."""

    def __init__(self, reward: str) -> None:
        self.scoring = Scoring(reward, {})

    async def answer(self, form: str, body: bytes) -> tuple[int, bytes]:
        return await self.scoring.answer(form, body)

    async def signature(self) -> str:
        return self.scoring.reward.signature


def policy(texts: list[str]) -> Any:
    """A model server that says the texts one after another."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/v1/responses")
    async def responses() -> dict[str, Any]:
        part = {"type": "output_text", "text": texts.pop(0), "annotations": []}
        message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        told = {"id": "r", "created_at": 0, "model": "scripted", "object": "response", "output": [message]}
        return {**told, "parallel_tool_calls": False, "tool_choice": "auto", "tools": []}

    return app


@asynccontextmanager
async def gym(reward: str, texts: list[str]) -> AsyncIterator[tuple[ServerClient, str]]:
    """Gym's client, and the name of its agent, in front of a model and our service."""
    sockets = [bound("127.0.0.1", 0) for _ in range(3)]
    ports = [one.getsockname()[1] for one in sockets]
    places = [{"host": "127.0.0.1", "port": port} for port in ports]
    # There is no entrypoint beside our host and port, so Gym starts nothing: the service runs already.
    known = {
        "table_rewards": {"resources_servers": {"table_rewards": {**places[0], "domain": "other"}}},
        "policy": {"responses_api_models": {"policy": places[1]}},
        "agent": {"responses_api_agents": {"simple_agent": places[2]}},
    }
    head = BaseServerConfig(host="127.0.0.1", port=1)
    client = ServerClient(head_server_config=head, global_config_dict=OmegaConf.create(known))
    config = SimpleAgentConfig(
        **places[2],
        entrypoint="app.py",
        name="agent",
        resources_server=Resources(type="resources_servers", name="table_rewards"),
        model_server=ModelServerRef(type="responses_api_models", name="policy"),
    )
    agent = SimpleAgent(config=config, server_client=client)
    service = Front(ServiceSettings((RewardService(reward, reward),)), {reward: Here(reward)})
    applications = (service, policy(texts), agent.setup_webserver())
    listeners = [Listener(one, listening, 1) for one, listening in zip(applications, sockets, strict=True)]
    try:
        yield client, "agent"
    finally:
        from nemo_gym import server_utils

        await server_utils.get_global_aiohttp_client().close()
        server_utils._GLOBAL_AIOHTTP_CLIENT = None
        for one in listeners:
            await one.close()


def run(reward: str, texts: list[str], tasks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], AggregateMetrics]:
    async def go() -> tuple[list[dict[str, Any]], AggregateMetrics]:
        async with gym(reward, list(texts)) as (client, agent):
            replies = []
            for number, task in enumerate(tasks):
                body = {"responses_create_params": {"input": "How many?"}, **task}
                response = await client.post(server_name=agent, url_path="/run", json=body)
                await raise_for_status(response)
                replies.append({**(await get_response_json(response)), "_ng_task_index": number})
            asked = AggregateMetricsRequest(verify_responses=replies)
            told = await client.post(server_name=agent, url_path="/aggregate_metrics", json=asked)
            await raise_for_status(told)
            return replies, AggregateMetrics.model_validate(await get_response_json(told))

    return asyncio.run(go())


def test_an_agent_runs_its_tasks_against_the_service() -> None:
    texts = ["We count.\nFinal Answer: 7", "Final Answer: 8", "Final Answer: 7"]
    tasks: list[dict[str, Any]] = [
        {"answer": "7", "verifier_metadata": {"qtype": "NumericalReasoning"}},
        {"answer": "7"},
        {"no_reference": 1},
    ]
    replies, metrics = run("table_bench", texts, tasks)
    assert [one["reward"] for one in replies] == [1.0, 0.0, 0.0]
    assert [one.get(NG_FAILURE_CLASS_KEY) for one in replies] == [None, None, "judge_failed"]
    assert all(set(one["reward_components"]) == set(replies[0]["reward_components"]) for one in replies)
    assert replies[0]["answer"] == "7"
    assert metrics.key_metrics["mean/reward"] == 0.5
    assert metrics.agent_metrics["unscored"] == 1


def test_a_row_of_tables_is_verified() -> None:
    table = "<table><tr><td>1</td><td>2</td></tr></table>"
    replies, _ = run("teds", [json.dumps("no table"), table], [{"ground_truth": table}] * 2)
    assert [one["reward"] for one in replies] == [0.0, 1.0]
