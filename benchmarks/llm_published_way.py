"""TRivia's way of asking its reader, for `bench_llm.py`: 120 threads, a blocking OpenAI SDK client, a call a question.

    python benchmarks/llm_published_way.py URL REQUESTS THREADS

Needs the `openai` package; without it the same threads use `requests` sessions, which is kinder to the published code.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import local


def main(url: str, count: int, threads: int) -> None:
    try:
        from openai import OpenAI

        client = OpenAI(base_url=url, api_key="EMPTY")
        way = "openai SDK"

        def ask(number: int) -> str:
            reply = client.chat.completions.create(
                model="test-model",
                messages=[{"role": "user", "content": f"question {number} " * 50}],
                max_tokens=100,
                temperature=0,
                top_p=0.8,
                presence_penalty=1.5,
            )
            return reply.choices[0].message.content or ""

    except ImportError:
        import requests

        store = local()
        way = "requests"

        def ask(number: int) -> str:
            session = getattr(store, "session", None) or requests.Session()
            store.session = session
            body = {"model": "test-model", "messages": [{"role": "user", "content": f"question {number} " * 50}]}
            text: str = session.post(f"{url}/chat/completions", json=body).json()["choices"][0]["message"]["content"]
            return text

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(ask, range(threads)))  # connections and imports
        wall, cpu = time.perf_counter(), time.process_time()
        answers = list(pool.map(ask, range(count)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert all(answers)
    print(json.dumps({"way": way, "threads": threads, "per_second": count / wall, "cpu_ms": cpu / count * 1e3}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
