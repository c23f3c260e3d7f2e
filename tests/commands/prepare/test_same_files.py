"""The same file and the same seed give the same bytes, in another process with another hash seed too."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from command_line import FIXTURES, write

GROUPS = FIXTURES / "grrm" / "mt_ranking.jsonl"
QUESTIONS = FIXTURES / "table_r1" / "tablebench_rows.jsonl"
FUNCTIONS = FIXTURES / "exec_verify" / "cruxeval.jsonl"
DREVAL = FIXTURES / "exec_verify" / "dreval_data.jsonl", FIXTURES / "exec_verify" / "dreval_tasks.jsonl"

COMMANDS = {
    "grrm-sft": ["--data_path", GROUPS, "--output_path", "OUT/sft.parquet"],
    "grrm-rl": [
        *["--data_path", GROUPS, "--output_path", "OUT/rl.parquet"],
        *["--subgroup_augment", "4", "--shuffle_augment", "4"],
    ],
    "grrm-mt-sft": ["--data_path", "mt.jsonl", "--output_path", "OUT/sft.parquet", "--response_key", "response"],
    "grrm-mt-rl": ["--data_path", "mt.jsonl", "--output_path", "OUT/rl.parquet", "--cla", "1"],
    "tango-rl": ["--input", "problems.jsonl", "--output-dir", "OUT", "--difficulty", "6", "--validation", "20"],
    "split": ["--input", "problems.jsonl", "--output-dir", "OUT", "--seed", "42"],
    "table-r1": [QUESTIONS, "--out", "OUT", "--format", "verl", "swift", "sft"],
    "table-r1-prompts": [QUESTIONS, "--out", "OUT/prompts.jsonl"],
    "exec-verify": [FUNCTIONS, "--out", "OUT", "--sft", "--unreached", "2"],
    "exec-verify-combine": ["counted.jsonl", "--out", "OUT/all.json", "--seed", "3"],
    "exec-verify-problems": [DREVAL[0], "--benchmark", "reval", "--tasks", DREVAL[1], "--out", "OUT/asked.jsonl"],
    "trivia": [FIXTURES / "trivia" / "grpo_sample.jsonl", "--out", "OUT", "--validation-share", "0"],
    "trivia-consistency": ["drawn.jsonl", "--out", "OUT/kept.jsonl", "--low", "0", "--count", "5"],
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_bytes_under_another_hash_seed(command, tmp_path):
    row = json.loads(GROUPS.read_text("utf-8").splitlines()[0])
    translation = {name: row[name] for name in ("src_text", "src_lang", "trg_lang")}
    write(tmp_path / "mt.jsonl", [{**translation, "trg_text": f"x{n}", "response": "r"} for n in range(8)])
    write(
        tmp_path / "problems.jsonl",
        [{"question": f"What is {n}+1?", "final_answer": str(n + 1), "difficulty": n % 10} for n in range(100)],
    )
    write(tmp_path / "counted.jsonl", [{"func_str": f"f{n}", "func_args": "1", "pass_cnt": n % 5} for n in range(30)])
    drawn = [(p, k) for p in range(12) for k in range(4)]
    write(
        tmp_path / "drawn.jsonl",
        [{"prompt": str(p), "prediction": f"<fcel>a<fcel>{p * k % 3}<nl>\n"} for p, k in drawn],
    )
    made = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        out.mkdir()
        words = [str(word).replace("OUT", str(out)) for word in COMMANDS[command]]
        done = subprocess.run(
            [sys.executable, "-m", "table_rewards", "prepare", command, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        made.append((files, done.stdout.replace(str(out), "OUT")))
    assert made[0][0]
    assert made[0] == made[1]
