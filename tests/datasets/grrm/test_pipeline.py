"""GRRM from the first command to the last, with scripted endpoints: annotation, data for judge and policy, the rewards
of both, advantages, and the evaluations."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from table_rewards import GroupJudge, Ranking, ScalarJudge
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.rewards.ranking.prompts import ranking_answer
from table_rewards.testing.chat_server import ChatServer

TEXTS = ["Good morning.", "The cat sleeps.", "It rains in Rome.", "We leave at noon."]
CANDIDATES = ["mot", "mot mot", "mot mot mot"]  # the more words, the better: what all scripted models think
TEMPLATE = "{source_language}>{target_language}\n{source}\n{#candidates}{label}: {text}\n{/candidates}"


def worth(text):
    return min(10, 3 * len(re.findall("mot", text)))


def fences(text, name):
    return re.findall(rf"^{name}(?: ([A-Z]))?:\n`{{3,}}\n(.*?)\n`{{3,}}", text, re.MULTILINE | re.DOTALL)


def annotator(asked):
    found = fences(asked["messages"][-1]["content"], "Translation")
    return "More words say more.\n" + ", ".join(f"{name}: {worth(text)}" for name, text in found)


def group_model(asked):
    """The trained judge, asked with the user's prompt."""
    found = re.findall(r"^([A-Z]): (.*)$", asked["messages"][-1]["content"], re.MULTILINE)
    return ranking_answer("Compared.", {name: worth(text) for name, text in found})


def single_model(asked):
    return f"Examined.\n{worth(fences(asked['messages'][-1]['content'], 'Translation')[0][1])}"


def run(*words):
    return main([str(word) for word in words])


def test_from_annotation_to_evaluation(tmp_path):
    pytest.importorskip("pyarrow")
    groups, template = tmp_path / "groups.jsonl", tmp_path / "prompt.txt"
    rows = [{"src_text": t, "src_lang": "en", "trg_lang": "fr", "mt_texts": CANDIDATES} for t in TEXTS]
    groups.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    template.write_text(TEMPLATE, "utf-8")

    annotated = tmp_path / "annotated.jsonl"
    with ChatServer(reply=annotator) as server:
        words = ("prepare", "grrm-annotate", "--data_path", groups, "--output_path", annotated)
        assert run(*words, "--endpoint", server.url, "--model", "m") == 0

    prompt = ("--prompt-file", template)
    sft, rl = tmp_path / "sft.parquet", tmp_path / "rl.parquet"
    assert run("prepare", "grrm-sft", "--data_path", annotated, "--output_path", sft, *prompt) == 0
    augmented = ("--subgroup_augment", "2", "--shuffle_augment", "1")
    assert run("prepare", "grrm-rl", "--data_path", annotated, "--output_path", rl, *augmented, *prompt) == 0
    learnt = {row["messages"][0]["content"]: row["messages"][1]["content"] for row in read_rows(sft)}
    trained = list(read_rows(rl))
    assert len(trained) == 4 * (1 + 2) * 2
    wholes = [row for row in trained if row["prompt"][0]["content"] in learnt]
    assert len(wholes) == 4

    # The judge's own training: what it learnt earns everything, a reversed ranking little.
    right = [learnt[row["prompt"][0]["content"]] for row in wholes]
    wrong = [ranking_answer("No.", {"A": 9, "B": 6, "C": 3})] * 4
    scores = Ranking()([*right, *wrong], [*wholes, *wholes]).values
    assert scores[:4].tolist() == [2.0] * 4
    assert max(scores[4:]) < 0.5

    # The policy: rows, and rewards of both judges; within a prompt the better translation has the advantage.
    policy = tmp_path / "policy.parquet"
    assert run("prepare", "grrm-mt-rl", "--data_path", annotated, "--output_path", policy, "--cla", "1") == 0
    asked = list(read_rows(policy))
    assert len(asked) == 8
    rollouts = [f"Thinking.\n```\n{text}\n```" for text in CANDIDATES] + ["nothing"]
    samples = [(text, row) for row in asked for text in rollouts]
    with ChatServer(reply=group_model) as server:
        reward = GroupJudge(endpoints=server.url, model="m", candidate="code_block", prompt_file=str(template))
        together = reward(*zip(*samples, strict=True))
        assert len(server.received) == 8
    with ChatServer(reply=single_model) as server:
        alone = ScalarJudge(endpoints=server.url, model="m", candidate="code_block")(*zip(*samples, strict=True))
    for scores in (together, alone):
        values = scores.values.reshape(8, 4)
        assert values.tolist() == pytest.approx(np.tile([0.03, 0.06, 0.09, -0.04], (8, 1)))
        advantages = values - values.mean(axis=1, keepdims=True)  # GRPO without division, as in the recipe
        assert (np.argsort(advantages, axis=1) == [3, 0, 1, 2]).all()

    # The evaluations: of the judge, by all three kinds of model, and of the policy.
    out = tmp_path / "ranking.json"
    accuracy = {}
    for kind, model in (("grrm", group_model), ("sqmrm", single_model)):
        with ChatServer(reply=model) as server:
            words = ("evaluate", "ranking", annotated, "--model-type", kind, "--runs", "2", "--out", out)
            extra = prompt if kind == "grrm" else ()
            assert run(*words, "--endpoint", server.url, "--model", "m", *extra) == 0
        accuracy[kind] = json.loads(out.read_text("utf-8"))["average"]["accuracy"]
    valued = tmp_path / "values.jsonl"
    valued.write_text(
        "".join(json.dumps({**r, "pred_scores": [0.1, 0.3, 0.2]}) + "\n" for r in read_rows(annotated)), "utf-8"
    )
    assert run("evaluate", "ranking", valued, "--model-type", "drm", "--out", out) == 0
    accuracy["drm"] = json.loads(out.read_text("utf-8"))["average"]["accuracy"]
    assert accuracy == {"grrm": 1.0, "sqmrm": 1.0, "drm": pytest.approx(2 / 3)}

    translated = tmp_path / "translated.jsonl"
    lines = [{**row["extra_info"], "trg_text": "mot mot mot", "predictions": [rollouts[2]]} for row in asked[:2]]
    translated.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    with ChatServer(reply="Perfect.\n100") as server:
        words = ("evaluate", "mt", translated, "--candidate", "code_block", "--out", out)
        assert run(*words, "--endpoint", server.url, "--model", "m") == 0
    assert json.loads(out.read_text("utf-8"))["overall"] == {"items": 2, "judge": 100.0}
