"""RL Tango's document from its first command to its last, on made data, with one scripted model for all its models.

Both recipes of its repository: tagged solutions of a language model, and free text of a reasoning model.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from command_line import here, read
from table_rewards import ClassBalance, Generator, Verifier
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.datasets.tango.prompts import EURUS_SUFFIX
from table_rewards.frameworks.advantages import two_level_advantage
from table_rewards.frameworks.alternation import Alternation
from table_rewards.testing.chat_server import ChatServer

PUBLISHED_SAMPLING = ("--temperature", "0.1", "--top-p", "0.5", "--max-tokens", "3072")


def model(request):
    """Teacher, generator and verifier: wrong about sums of 7, and a verifier that finds that out."""
    asked = request["messages"][-1]["content"]
    if asked.endswith("Your Verification:\n"):
        return verify(asked)
    total = sum(map(int, re.findall(r"What is (\d+)\+(\d+)\?", asked)[-1]))
    said = total + 1 if total % 7 == 0 else total
    steps = ["Take the first number.", "Add the second one.", f"That makes \\boxed{{{said}}}."]
    if asked.endswith("<think>"):
        return "\nLet me see.\n\nHm.\n</think>\n\n" + "\n\n".join(steps)
    tagged = "\n".join(f"<step>{step}</step>" for step in steps)
    return f"<think>\n{tagged}\n</think>\n<answer>\\boxed{{{said}}}</answer>"


def verify(asked):
    total = sum(map(int, re.findall(r"What is (\d+)\+(\d+)\?", asked)[-1]))
    shown = asked.split("Solution, in", 1)[1]
    count = int(re.match(r" (\d+) steps", shown)[1])
    right = f"\\boxed{{{total}}}" in shown
    verdicts = ["CORRECT"] * (count - 1) + ["CORRECT" if right else "INCORRECT"]
    steps = "\n".join(f"<step>Step {n}: looked at it. \\boxed{{{v}}}</step>" for n, v in enumerate(verdicts, 1))
    final = f"<final_verification>\\boxed{{{verdicts[-1]}}}</final_verification>"
    return f"<step_verification>\n{steps}\n</step_verification>\n{final}"


def written(path, rows):
    with RowWriter(path) as writer:
        writer.write(rows)
    return path


@pytest.fixture
def folder(tmp_path):
    written(
        tmp_path / "eurus2_sft.parquet",
        [
            {
                "task": "Math" if n % 5 else "Code",
                "dataset": "numina",
                "conversations": [
                    {"from": "human", "value": f"What is {n}+1?{EURUS_SUFFIX}"},
                    {"from": "gpt", "value": f"\\boxed{{{n + 1}}}"},
                ],
            }
            for n in range(25)
        ],
    )
    written(
        tmp_path / "deepmath.parquet",
        [{"question": f"What is {n}+2?", "final_answer": str(n + 2), "difficulty": float(n % 10)} for n in range(30)],
    )
    written(tmp_path / "math500.jsonl", [{"problem": f"What is {n}+3?", "answer": str(n + 3)} for n in range(8)])
    return tmp_path


def sft_data(folder, server, kind):
    """Stage 1: prompts, the teacher's solutions without a filter, the split."""
    prompts, said, out = folder / "data.parquet", folder / "said.jsonl", folder / "sft.parquet"
    here("prepare", "tango-sft", "--input", folder / "eurus2_sft.parquet", "--output", prompts,
         "--prompts-only", "--prompt", kind, check=0)  # fmt: skip
    here("generate", prompts, "--endpoint", server.url, "--out", said, "--quiet", *PUBLISHED_SAMPLING, check=0)
    here("prepare", "tango-sft", "--input", said, "--output", out, "--read", "prediction", "--prompt", kind,
         "--keep", "all", "--completion-column", "responses", check=0)  # fmt: skip
    here("prepare", "split", "--input", out, check=0)
    train, test = (list(read_rows(folder / f"sft_{part}.parquet")) for part in ("train", "test"))
    assert (len(train), len(test)) == (18, 2)
    assert all(len(row["responses"]) == 1 and row["prompt"][0]["content"] for row in train)


def rl_data(folder, kind):
    """Stage 2's rows: the document's in one file, the later recipe's in an easy and a hard one."""
    mixture = ("--difficulty", "6") if kind == "lrm" else ()
    here("prepare", "tango-rl", "--input", folder / "deepmath.parquet", "--output-dir", folder / "rl",
         "--validation", "6", "--prompt", kind, *mixture, check=0)  # fmt: skip
    names = ("train_easy", "train_hard") if mixture else ("train",)
    assert sum(len(list(read_rows(folder / "rl" / f"{name}.parquet"))) for name in names) == 24
    return folder / "rl" / f"{names[0]}.parquet"


@pytest.mark.parametrize(("kind", "verifier"), [("tagged", "tango"), ("lrm", "lrm")])
def test_data_solutions_verifications_rewards_advantages_evaluation(folder, kind, verifier):
    with ChatServer(reply=model) as server:
        sft_data(folder, server, kind)
        train = rl_data(folder, kind)
        to_server = ("--endpoint", server.url, "--quiet")
        here(
            "generate", train, *to_server, "--out", folder / "rollouts.jsonl", "-n", "2", "--temperature", "1", check=0
        )
        here("prepare", "tango-verifier", "--input", folder / "rollouts.jsonl", "--output", folder / "verifier.parquet",
             "--prompt", verifier, check=0)  # fmt: skip
        here("generate", folder / "verifier.parquet", *to_server, "--out", folder / "verified.jsonl", check=0)
        here("prepare", "tango-eval", "MATH500", "--input", folder / "math500.jsonl", "--output",
             folder / "eval.parquet", "--prompt", kind, check=0)  # fmt: skip
        here("generate", folder / "eval.parquet", *to_server, "--out", folder / "evaluated.jsonl", check=0)

    rollouts, verified = read(folder / "rollouts.jsonl"), read(folder / "verified.jsonl")
    assert len(verified) == len(rollouts) > 10
    labels = [row["reward_model"]["ground_truth"] for row in verified]
    assert 0 < sum(labels) < len(labels)

    # The verifier's rewards, and its balance: it said everything right in the right form.
    said = [row["prediction"] for row in verified]
    assert Verifier()(said, verified).values.round(6).tolist() == [1.8] * len(said)
    assert ClassBalance().weights([label > 0.5 for label in labels]).sum() == pytest.approx(len(labels))

    # The generator's: the outcome, and a reward on the token that ends each step.
    solutions = [row["extra_info"]["solution"] for row in verified]
    rows = [
        {
            "ground_truth": row["extra_info"]["answer"],
            "verification": row["prediction"],
            "uid": row["extra_info"]["question"],
        }
        for row in verified
    ]
    reward = Generator(symbolic=False)
    scores = reward(solutions, rows)
    assert scores.values.tolist() == labels
    offsets = [[match.span() for match in re.finditer(r"\s*\S+", text)] for text in solutions]
    width = max(map(len, offsets))
    steps, mask = np.zeros((len(rows), width)), np.zeros((len(rows), width))
    for place, (text, row, tokens) in enumerate(zip(solutions, rows, offsets, strict=True)):
        mask[place, : len(tokens)] = 1
        placed = reward.step_rewards(text, row)
        assert [round(3 * step.reward) for step in placed] == [1, 1, 1 if labels[place] else -1]
        for step in placed:
            steps[place, reward.token_of_step(step.end, tokens)] = step.reward
    assert (steps != 0).sum() == 3 * len(rows)

    plan = Alternation(200, verifier_warmup=50, generator_steps=1, verifier_steps=3)
    alpha = plan.alpha(51)
    advantages = two_level_advantage(scores.values, steps, mask, [row["uid"] for row in rows], alpha)
    assert np.isfinite(advantages).all()
    assert (advantages[mask == 0] == 0).all()
    assert advantages.any()

    here("score", folder / "evaluated.jsonl", "--reward", "mathematics", "--out", folder / "scores.jsonl", check=0)
    values = {row["row"]: row["score"] for row in read(folder / "scores.jsonl")}
    assert [values[n] for n in range(8)] == [1, 1, 1, 1, 0, 1, 1, 1]  # 4 + 3 is what the model does not know
