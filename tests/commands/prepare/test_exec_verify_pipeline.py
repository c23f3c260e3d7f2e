"""ExecVerify from the first command to the last with a scripted endpoint: data, SFT file, reward, evaluation."""

from __future__ import annotations

import importlib
import json
import re

import pytest

from table_rewards import WhiteBox
from table_rewards.commands.main import main
from table_rewards.core.errors import ScorerFailed
from table_rewards.datasets.files import read_rows
from table_rewards.testing.chat_server import Answer, ChatServer

SCRIPTS = [
    "import math\n\ndef f(xs, k):\n    total = 0\n    for x in xs:\n        if x > k:\n            total += x * k\n"
    "    return math.floor(total)\n\nprint(f([1, 5, 9], 4))",
    "def g(s):\n    parts = []\n    for c in s:\n        parts.append(c + '-')\n    return ''.join(parts).upper()\n\n"
    "print(g('abc'))",
    "def h(a):\n    return a\nprint(h(1))\nprint(h(2))",
]
RESULTS = {"f([1, 5, 9], 4)": "56", "g('abc')": "'A-B-C-'", "f([2, 7], 4)": "28", "g('xyz')": "'X-Y-Z-'"}
OTHER = {"f([1, 5, 9], 4)": "f([2, 7], 4)", "g('abc')": "g('xyz')"}


class Model:
    """Writes scripts, changes inputs, and answers right once in three times when it is asked often."""

    def __init__(self):
        self.written = self.answered = 0

    def __call__(self, asked):
        text = asked["messages"][-1]["content"]
        if text.startswith("Write a short"):
            self.written += 1
            return f"<think>\nwell\n</think>\n```python\n{SCRIPTS[asked['seed'] % 1 + self.written % 3]}\n```"
        if text.startswith("Here is a Python script."):
            code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
            for call, other in OTHER.items():
                code = code.replace(f"print({call})", f"print({other})")
            return f"```python\n{code}```"
        call = next(call for call in RESULTS if call in text or RESULTS[call] in text.split("\n\n")[-3:][0])
        if asked["temperature"] == 1.0:
            self.answered += 1
            if self.answered % 3:
                return f"<think>hm</think><answer>assert {call} == 0</answer>"
        return f"<think>\nstep by step\n</think>\n<answer>\nassert {call} == {RESULTS[call]}\n</answer>"


@pytest.fixture
def server():
    with ChatServer(Model()) as server:
        yield server


def run(*words):
    return main(["prepare", *map(str, words)])


def test_from_methods_to_the_evaluation(tmp_path, capsys, server):
    """E15: what the model says in difficulty and supervised turns is judged by the reward."""
    methods = tmp_path / "methods"
    methods.mkdir()
    (methods / "list.txt").write_text("append\nextend\n", "utf-8")
    (methods / "str.txt").write_text("upper\n", "utf-8")
    ask = ["--endpoint", server.url, "--quiet"]
    raw, mutated = tmp_path / "raw_dataset.json", tmp_path / "mutated_raw_dataset.json"
    assert run("exec-verify-synthesize", methods, "--per-config", 3, "--configs", 1, 6, "--out", raw, *ask) == 0
    assert [set(row) for row in json.loads(raw.read_text("utf-8"))] == [{"code", "setting"}] * 6
    assert run("exec-verify-mutate", raw, "--out", mutated, *ask) == 0
    processed = tmp_path / "processed.json"
    assert run("exec-verify-filter", raw, mutated, "--out", processed) == 0
    told = capsys.readouterr().out
    assert "4 left out: more than one print" in told
    rows = json.loads(processed.read_text("utf-8"))
    assert sorted((f"{row['func_name']}({row['func_args']})", row["result"]) for row in rows) == sorted(RESULTS.items())
    assert [set(row) for row in rows] == [{"func_str", "func_name", "func_args", "result", "setting"}] * 4

    hard, every = tmp_path / "hard.json", tmp_path / "filtered_all.json"
    assert run("exec-verify-difficulty", processed, "-n", 3, "--out", hard, *ask) == 0
    assert sum(row["pass_cnt"] for row in json.loads(hard.read_text("utf-8"))) == 4
    assert run("exec-verify-combine", hard, "--out", every) == 0
    assert len(json.loads(every.read_text("utf-8"))) == 4

    sft = tmp_path / "sft"
    for mode in ("io", "oi"):
        assert run("exec-verify-cot", every, "--mode", mode, "--out", sft, *ask) == 0
        turns = json.loads((sft / f"{mode}_sft.json").read_text("utf-8"))
        assert [[turn["from"] for turn in row["conversations"]] for row in turns] == [["human", "gpt"]] * 4
        candidates = json.loads((sft / f"{mode}_candidates.json").read_text("utf-8"))
        references = [{**row, "type": "oi" if mode == "oi" else "io_mixed"} for row in candidates]
        said = [row["conversations"][1]["value"] for row in turns]
        assert WhiteBox()(said, references).values.tolist() == [1.0] * 4
        assert all(text.startswith("<reasoning>\nstep by step\n</reasoning>\n<answer>\n") for text in said)
    assert set(json.loads((sft / "dataset_info.json").read_text("utf-8"))) == {
        "exec_verify_io_sft",
        "exec_verify_oi_sft",
    }

    rl = tmp_path / "rl"
    candidates = sft / "io_candidates.json"
    assert run("exec-verify", candidates, "--unreached", 1, "--out", rl, "--test-share", 0, "--sft") == 0
    rows = list(read_rows(rl / "train.parquet"))
    solutions = [row["conversations"][1]["value"] for row in json.loads((rl / "sft.json").read_text("utf-8"))]
    assert len(rows) == len(solutions) >= 4
    scores = WhiteBox()(solutions, rows)
    assert scores.values.tolist() == [1.0] * len(rows)
    assert WhiteBox()(["<answer>assert f(1) == 2</answer>"] * len(rows), rows).values.max() == 0.0

    # Stage one's advantage (GRPO): the right answer above a half right one, and that above a wrong one.
    groups = [(solution, row) for solution, row in zip(solutions, rows, strict=True) if "; " in solution]
    half = [re.sub(r"\n[^\n]*; \w+\n</answer>", "\nno; int\n</answer>", solution) for solution, _ in groups]
    rollouts = [text for (solution, _), poor in zip(groups, half, strict=True) for text in (solution, poor, "pass")]
    values = WhiteBox()(rollouts, [row for _, row in groups for _ in range(3)]).values.reshape(-1, 3)
    advantages = (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, ddof=1, keepdims=True)
    assert len(groups) >= 2
    assert (advantages[:, 0] > advantages[:, 1]).all()
    assert (advantages[:, 1] > advantages[:, 2]).all()

    predictions = tmp_path / "predictions.jsonl"
    lines = [
        {
            "code": row["func_str"],
            "func_name": row["func_name"],
            "input": row["func_args"],
            "output": row["result"],
            "prediction": turn["conversations"][1]["value"] if number else "0",
        }
        for number, (row, turn) in enumerate(
            zip(
                json.loads(candidates.read_text("utf-8")),
                json.loads((sft / "io_sft.json").read_text("utf-8")),
                strict=True,
            )
        )
    ]
    predictions.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    capsys.readouterr()
    assert main(["evaluate", "cruxeval", str(predictions), "--task", "output"]) == 0
    assert "75.00" in capsys.readouterr().out


def test_the_same_command_asks_for_what_is_missing_alone(tmp_path, capsys):
    methods = tmp_path / "methods"
    methods.mkdir()
    (methods / "list.txt").write_text("append\n", "utf-8")
    out = tmp_path / "raw.json"
    words = ["exec-verify-synthesize", methods, "--per-config", 4, "--configs", 1, "--out", out, "--quiet"]
    reply = f"```python\n{SCRIPTS[0]}\n```"
    sick = [True]
    with ChatServer(lambda asked: Answer(400, "no") if sick and asked["seed"] == 2 else reply) as server:
        assert run(*words, "--endpoint", server.url) == 1
        assert "1 replies are missing" in capsys.readouterr().err
        assert {request["seed"] for request in server.received} == {0, 1, 2, 3}, "equal prompts are different draws"
        asked = len(server.received)
        sick.clear()
        assert run(*words, "--endpoint", server.url) == 0
        assert len(server.received) == asked + 1
    assert len(json.loads(out.read_text("utf-8"))) == 4
    first = out.read_bytes()
    with ChatServer(reply) as server:
        assert run(*words, "--endpoint", server.url, "--overwrite") == 0
        assert out.read_bytes() == first
        assert run(*words, "--seed", "1", "--endpoint", server.url) != 0
    assert "was made with another requests" in capsys.readouterr().err


def test_fingerprints_are_printed_and_checked(tmp_path, capsys):
    path = tmp_path / "prompt.txt"
    path.write_bytes(b"{code}\nassert {function}(????) == {result}\n")
    assert run("exec-verify-fingerprint", path, "--kind", "oi") == 0
    printed = capsys.readouterr().out.strip()
    assert run("exec-verify-fingerprint", path, "--kind", "oi", "--expect", printed) == 0
    assert run("exec-verify-fingerprint", path, "--kind", "oi", "--expect", "#0123456789abcdef/9") != 0


def test_prompts_of_benchmarks_are_asked_and_judged(tmp_path, capsys):
    problems, prompts, said = (tmp_path / f"{name}.jsonl" for name in ("problems", "prompts", "said"))
    rows = [{"id": str(n), "code": "def f(a):\n    return [a]", "input": f"f({n})", "output": f"[{n}]"} for n in (1, 2)]
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for mode, reply, task in (("io", "<answer>assert f(1) == [1]</answer>", "output"), ("oi", "f(1)", "input")):
        assert run("exec-verify-problems", problems, "--benchmark", "cruxeval", "--mode", mode, "--out", prompts) == 0
        with ChatServer(reply) as server:
            words = ["generate", str(prompts), "--endpoint", server.url, "--out", str(said), "--overwrite", "--quiet"]
            assert main(words) == 0
            assert {request["messages"][0]["role"] for request in server.received} == {"system"}
        capsys.readouterr()
        assert main(["evaluate", "cruxeval", str(said), "--task", task]) == 0
        assert "50.00" in capsys.readouterr().out

    problems.write_text(json.dumps({"task_id": "HumanEval/0", "prompt": "def f(a):\n"}) + "\n", "utf-8")
    template = tmp_path / "template.txt"
    template.write_bytes(b"Complete:\n{prompt}")
    words = ["--benchmark", "evalplus", "--prompt-file", template, "--out", prompts]
    assert run("exec-verify-problems", problems, *words) == 0
    asked = json.loads(prompts.read_text("utf-8"))["prompt"]
    assert asked == [{"role": "user", "content": "Complete:\ndef f(a):\n"}]
    assert run("exec-verify-problems", problems, "--benchmark", "bigcodebench", "--out", prompts) == 1
    assert "1 left out: no complete_prompt" in capsys.readouterr().out


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("command", ["exec-verify", "exec-verify-filter", "exec-verify-sft"])
def test_a_run_of_programs_goes_on_where_it_was_stopped(command, tmp_path, monkeypatch):
    """The first batches are not run again, and the files are those of a run that nobody stopped."""
    functions = [f"def f(a):\n    b = a + {n}\n    if b > 2:\n        b = -b\n    return b" for n in range(6)]
    lines = {
        "exec-verify": [{"code": code, "input": "1"} for code in functions],
        "exec-verify-filter": [{"code": f"{code}\nprint(f(1))", "setting": n} for n, code in enumerate(functions)],
        "exec-verify-sft": [
            {
                "prompt": str(n),
                "type": "io_mixed",
                "func_str": code,
                "func_name": "f",
                "func_args": "1",
                "question_answers": {},
                "prediction": f"<answer>assert f(1) == {1 + n if n < 2 else -1 - n}</answer>",
            }
            for n, code in enumerate(functions)
        ],
    }[command]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    module, worker, size = {
        "exec-verify": ("rows", "_rows", "BATCH"),
        "exec-verify-filter": ("scripts", "_results", "BATCH"),
        "exec-verify-sft": ("code", "_judged", "BATCH"),
    }[command]
    place = f"table_rewards.datasets.exec_verify.{module}"
    monkeypatch.setattr(f"{place}.{size}", 2)
    real = getattr(importlib.import_module(place), worker)
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        if len(calls) == stop:
            raise ScorerFailed("the sandbox failed")
        return real(*arguments)

    monkeypatch.setattr(f"{place}.{worker}", counted)

    def once(name):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return run(command, source, "--out", folder / "rows.json" if command == "exec-verify-filter" else folder)

    stop = None
    assert once("whole") == 0
    assert len(calls) == 3
    calls.clear()
    stop = 3
    assert once("stopped") != 0
    assert any(path.name.endswith(".progress.jsonl") for path in (tmp_path / "stopped").iterdir())
    stop = None
    calls.clear()
    assert once("stopped") == 0
    assert len(calls) == 1
    assert bytes_of(tmp_path / "stopped") == bytes_of(tmp_path / "whole")
