"""Mathematics inside a Ray actor: off the main thread, in an event loop, beside verl's pins (ANTLR 4.9.3)."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
pytest.importorskip("math_verify")

COMPLETIONS = ["\\boxed{(x+1)^2}", "\\boxed{9^{9^{9}}}", "\\boxed{\\sqrt{8}}", "\\boxed{x}"]
GOLDS = ["x^2+2x+1", "7", "2\\sqrt{2}", "y"]


def test_it_scores_in_threads_and_loops_of_an_actor(ray_cluster: None) -> None:
    import asyncio

    import ray

    @ray.remote(num_cpus=1)
    class Worker:
        def blocking(self) -> list[float]:
            from table_rewards import Mathematics

            return Mathematics()(COMPLETIONS, GOLDS).values.tolist()

    @ray.remote(num_cpus=1)
    class AsyncWorker:
        async def in_a_thread(self) -> list[float]:
            from table_rewards import Mathematics

            scores = await asyncio.get_running_loop().run_in_executor(None, Mathematics(), COMPLETIONS, GOLDS)
            return scores.values.tolist()

        async def in_the_loop(self) -> list[float]:
            from table_rewards import Mathematics

            return (await Mathematics().score(COMPLETIONS, GOLDS)).values.tolist()

    one, other = Worker.remote(), AsyncWorker.remote()
    calls = [one.blocking.remote(), other.in_a_thread.remote(), other.in_the_loop.remote()]
    assert ray.get(calls, timeout=120) == [[1.0, 0.0, 1.0, 0.0]] * 3
