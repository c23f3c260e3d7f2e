"""TRivia on the real ms-swift: QA-F1 and TEDS with a faulty reader, the filter, the metrics, a foreign server."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_reader import faulty_reader
from swift_harness import grpo_command, major, run_grpo

from table_rewards.datasets.trivia.check import check
from table_rewards.datasets.trivia.rows import prepare, to_jsonl
from table_rewards.llm import Sampling, get_pool
from table_rewards.rewards.qa_f1 import QAF1, QAPairs
from table_rewards.testing.chat_server import FAULTS, ChatServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

FIXTURE = Path(__file__).resolve().parents[3] / "fixtures" / "trivia" / "tables_qa.jsonl"
TABLES = [json.loads(line) for line in FIXTURE.read_text("utf-8").splitlines()][1:]
SUPPORT = Path(__file__).resolve().parents[1] / "support"


def plugin(name: str, adapter_file: Path) -> Path:
    """An opt-in plugin beside the installed adapter: each stands alone in a folder of its own."""
    path = adapter_file.parents[1] / name / f"table_rewards_{name}.py"
    assert path.is_file(), path
    assert [entry.name for entry in path.parent.iterdir() if entry.suffix == ".py"] == [path.name]
    return path


def rows(**columns: Any) -> list[dict[str, Any]]:
    """Four prompts as `table-rewards prepare trivia` writes them: `solution` and `qa_pairs` are strings."""
    return [
        {
            "messages": [{"role": "user", "content": f"Read table {number}."}],
            "solution": row["otsl"],
            "qa_pairs": json.dumps(row["qa_pairs"], ensure_ascii=False),
            **{name: make(row["otsl"]) for name, make in columns.items()},
        }
        for number, row in enumerate(TABLES)
    ]


def damaged(otsl: str) -> str:
    lines = otsl.splitlines(keepends=True)
    return "".join([lines[0], *(line.replace("<fcel>", "<fcel>9", 3) for line in lines[1:])])


def test_two_steps_with_qa_f1_and_teds_against_a_faulty_reader(
    tmp_path: Path, adapter_file: Path, scripted_rollout: Path, tiny_model: Path
) -> None:
    """Each prompt is answered by its table, a damaged one, a cut one and prose; a third of all questions fail once."""
    faults = [kind for kind in FAULTS if kind not in ("400", "401", "404", "hang", "slow")]
    scripted = rows(
        scripted=lambda otsl: [otsl, damaged(otsl), otsl[: len(otsl) // 2].rstrip("\n"), "There is no table."]
    )
    with faulty_reader(faults) as server:
        training = run_grpo(
            tmp_path,
            scripted,
            [scripted_rollout, plugin("swift_metrics", adapter_file), adapter_file],
            ["QA_F1_score", "TEDS"],
            model=tiny_model,
            extra=["--max_length", "4096", *(["--callbacks", "table_rewards"] if major() >= 4 else [])],
            env={"llm_serve_urls": server.url.removesuffix("/v1")},
        )
        assert server.outcomes["ok"] > 0
        assert sum(server.outcomes.values()) > server.outcomes["ok"]
    assert len(training.steps) == 2
    for step, logged in zip(training.steps, training.completions, strict=True):
        for name in ("QA_F1_score", "TEDS"):
            scores = [float(value) for value in logged[name]]
            best, broken, cut, prose = scores
            assert best > broken > prose - 1e-9, (name, scores)
            assert prose == 0.0
            assert cut < best
            assert step[f"rewards/{name}/mean"] == pytest.approx(statistics.fmean(scores), abs=1e-4)
        assert float(logged["QA_F1_score"][2]) == 0.0, "cut off inside a table"
        assert step["table_rewards/qa_f1/unscored"] == 0.0
        assert step["table_rewards/qa_f1/truncated"] == pytest.approx(0.25)
        assert step["table_rewards/llm/requests"] > 0
        assert step["table_rewards/llm/failures"] == 0
        assert step["table_rewards/llm/latency_p50_s"] > 0


def test_an_outage_of_the_reader_does_not_train_on_zeros(
    tmp_path: Path, adapter_file: Path, scripted_rollout: Path, tiny_model: Path
) -> None:
    """Above the ceiling of unscored samples the run stops and says why, instead of learning from filler."""
    scripted = rows(scripted=lambda otsl: [otsl, damaged(otsl)])
    with (
        ChatServer(script=lambda number: "503") as server,
        pytest.raises(AssertionError, match=r"could not be scored(.|\n)*HTTP 503"),
    ):
        run_grpo(
            tmp_path,
            scripted,
            [scripted_rollout, adapter_file],
            ["QA_F1_score"],
            model=tiny_model,
            extra=["--max_length", "4096"],
            env={
                "llm_serve_urls": server.url,
                "TABLE_REWARDS_QA_F1_DEADLINE_S": "2",
                "TABLE_REWARDS_UNSCORED_CEILING": "0",
            },
        )


def test_the_filter_generates_cut_off_tables_again(tmp_path: Path, adapter_file: Path, tiny_model: Path) -> None:
    def rounds(otsl: str) -> list[list[str]]:
        cut = otsl.rstrip()[:-4]
        return [
            [otsl, cut, otsl + "<fcel>1<nl>\n", cut],
            ["never kept", otsl, "never kept", cut],
            [otsl + "<fcel>2<nl>\n"],
        ]

    training = run_grpo(
        tmp_path,
        rows(rounds=rounds),
        [SUPPORT / "scripted_rounds.py", plugin("swift_filter", adapter_file), adapter_file],
        ["TEDS"],
        model=tiny_model,
        extra=["--max_length", "4096"],
    )
    assert len(training.steps) == 2
    for step, logged in zip(training.steps, training.completions, strict=True):
        assert step["table_filter/rejected_first"] == pytest.approx(0.5)
        assert step["table_filter/rejected_final"] == 0.0
        assert step["table_filter/rounds"] == 2.0
        texts = [text.removesuffix("<|im_end|>").strip() for text in logged["completion"]]  # 3.x logs the end token
        assert all(text.endswith("<nl>") for text in texts)
        assert not any("never kept" in text for text in texts)
        assert [text.endswith("<fcel>1<nl>") for text in texts] == [False, False, True, False]
        assert [text.endswith("<fcel>2<nl>") for text in texts] == [False, False, False, True]
        assert "loss" in step


def test_the_filter_keeps_two_ranks_together(tmp_path: Path, adapter_file: Path, tiny_model: Path) -> None:
    """Only the second rank has something to generate again; the first must generate along, or the run hangs."""

    def rounds(otsl: str) -> list[list[str]]:
        return [[otsl, otsl, otsl, otsl.rstrip()[:-4]], [otsl]]

    (tmp_path / "train.jsonl").write_text("".join(to_jsonl(rows(rounds=rounds))), "utf-8")
    plugins = [SUPPORT / "scripted_rounds.py", plugin("swift_filter", adapter_file), adapter_file]
    command = grpo_command(tmp_path, tiny_model, plugins, ["TEDS"], steps=2)
    ranks = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(free_port())]
    extra = ["--max_length", "4096", "--per_device_train_batch_size", "2", "--ddp_backend", "gloo"]
    settings = {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [command[0], *ranks, *command[1:], *extra],
        env={**os.environ, **settings, "MODELSCOPE_CACHE": str(tmp_path / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    # gloo's threads may abort a rank that exits, once the training is over: torch's affair, and the log below tells all
    aborted = "End time of running main" in done.stderr and "terminate called without an active" in done.stderr
    assert done.returncode == 0 or aborted, done.stderr[-3000:]
    logged = [json.loads(line) for line in next(tmp_path.rglob("logging.jsonl")).read_text().splitlines()]
    steps = [step for step in logged if "table_filter/rounds" in step]
    assert len(steps) == 2
    assert [step["table_filter/rounds"] for step in steps] == [1.0, 1.0]
    assert [step["table_filter/rejected_final"] for step in steps] == [0.0, 0.0]
    assert [step["rewards/TEDS/mean"] for step in steps] == [1.0, 1.0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


ANSWERS = ["007", "1.50", "null", "true", "[1]", "mA", "北京"]


@pytest.mark.parametrize("through_swift", [False, True])
def test_the_loader_keeps_what_prepare_writes(tmp_path: Path, through_swift: bool) -> None:
    pairs = [{"question": f"Question {number}?", "answer": answer} for number, answer in enumerate(ANSWERS)]
    row = {"messages": [{"role": "user", "content": "Read."}, {"role": "assistant", "content": TABLES[0]["otsl"]}]}
    done = prepare([{**row, "qa_pairs": pairs}] * 4)
    assert not [finding for finding in check(done.rows) if finding.level == "error"]
    loaded = load(tmp_path, done.rows, through_swift)
    assert [[pair.answer for pair in QAPairs.read(found["qa_pairs"]).pairs] for found in loaded] == [ANSWERS] * 4
    assert {found["solution"] for found in loaded} == {TABLES[0]["otsl"]}


@pytest.mark.parametrize("answer", ["007", "1.50", "null", "true"])
def test_what_the_validator_refuses_is_what_the_loader_corrupts(tmp_path: Path, answer: str) -> None:
    """One number among the answers, and text that looks like JSON is rewritten (datasets 4.8); 3.6 loads nothing."""
    pairs = [{"question": "Which code?", "answer": answer}, {"question": "How many?", "answer": 7}]
    rows = [{"messages": [{"role": "user", "content": "Read."}], "solution": "<table></table>", "qa_pairs": pairs}] * 2
    assert any("answer" in str(finding) and finding.level == "error" for finding in check(rows))
    try:
        loaded = load(tmp_path, rows, through_swift=False)
    except Exception:
        return
    assert loaded[0]["qa_pairs"][0]["answer"] != answer


def load(folder: Path, rows: list[dict[str, Any]], through_swift: bool) -> list[dict[str, Any]]:
    path = folder / "rows.jsonl"
    path.write_text("".join(to_jsonl(rows)), "utf-8")
    if not through_swift:
        from datasets import load_dataset

        return list(load_dataset("json", data_files=str(path), split="train", cache_dir=str(folder / "cache")))
    if major() >= 4:
        from swift.dataset import load_dataset as swift_load
    else:
        from swift.llm import load_dataset as swift_load
    train, _ = swift_load(str(path), remove_unused_columns=False)
    return list(train)


@pytest.fixture(scope="module")
def deployed(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`swift deploy` of the random model on the CPU: an OpenAI-compatible server that is not ours."""
    port = free_port()
    folder = tmp_path_factory.mktemp("deploy")
    options = {
        "model": tiny_model,
        "model_type": "qwen2",
        "template": "chatml",
        "torch_dtype": "float32",
        "infer_backend": "transformers" if major() >= 4 else "pt",
        "host": "127.0.0.1",
        "port": port,
        "served_model_name": "tiny",
        "max_new_tokens": 16,
    }
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    settings = {
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "MODELSCOPE_CACHE": str(folder),
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "swift.cli.deploy", *words],
            cwd=folder,  # it writes ./result
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(180):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None:
                break
            time.sleep(0.5)
        else:
            pytest.fail(f"swift deploy did not listen:\n{(folder / 'log').read_text()[-3000:]}")
        assert server.poll() is None, (folder / "log").read_text()[-3000:]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def test_a_server_that_is_not_ours_speaks_the_same_protocol(deployed: str) -> None:
    pool = get_pool(deployed, deadline_s=120)
    replies = pool.ask_many([f"Question {i}" for i in range(12)], Sampling(temperature=1.0, max_tokens=12, seed=3))
    assert [reply.error for reply in replies] == [""] * 12
    assert all(reply.model for reply in replies)
    assert all(0 < reply.usage["completion_tokens"] <= 12 for reply in replies)
    assert any(reply.text.strip() for reply in replies)
    assert {reply.finish_reason for reply in replies} <= {"length", "stop"}
    wrong = get_pool(deployed, model="no-such-model", deadline_s=20).ask("q")
    assert wrong.failed
    assert "no-such-model" in wrong.error or "HTTP" in wrong.error


def test_qa_f1_reads_gibberish_as_no_answer_or_a_wrong_one(deployed: str) -> None:
    """A random model answers noise until its limit: cut off, so unscored, or wrong, so about 0. Never an exception."""
    row = TABLES[0]
    pairs = [dict(pair, answer=pair["answer"]) for pair in row["qa_pairs"] if pair["answer"] != "Not answerable"]
    scores = QAF1(endpoints=deployed, max_tokens=8, deadline_s=120)([row["otsl"], "no table"], [pairs, pairs])
    assert scores.status[0] in ("scored", "unscored")
    assert scores.status[1] == "unparsed"
    if scores.status[0] == "scored":
        assert scores.values[0] < 0.5
    else:
        assert "questions unscored" in scores.notes[0]
