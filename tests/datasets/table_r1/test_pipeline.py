"""Table-R1 from first command to last, with a scripted endpoint: regions, files, reward, advantage, verdicts."""

from __future__ import annotations

import json
import re

import pytest

from table_rewards import TableRegion
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.frameworks.advantages import tarpo_advantage
from table_rewards.testing.chat_server import ChatServer

PEOPLE = [["Woo", 116, "Ulsan"], ["Kim", 114, "Jeonbuk"], ["Shin", 99, "Suwon"], ["Lee", 71, "Seoul"]]
COLUMNS = ["name", "goals", "club"]


def rows():
    for year in range(6):
        data = [[name, goals + year, club] for name, goals, club in PEOPLE]
        table = {"columns": COLUMNS, "data": data}
        name, goals, _ = data[year % 4]
        question = f"How many goals has {name} in season {year}?"
        yield {"id": f"q{year}", "table": table, "question": question, "answer": str(goals), "qtype": "FactChecking"}


def area(place):
    return f'<gold_area>{{"columns": ["name", "goals"], "rows": [{place}]}}</gold_area>'


def model(asked):
    """Marks the row of the person asked about, and reads the goals from what it is shown."""
    text = asked["messages"][-1]["content"]
    name = re.findall(r"goals has (\w+)", text)[-1]
    found = re.findall(r'\["(\w+)", (\d+)', text)
    names = [one for one, _ in found]
    answer = dict(found).get(name, "not enough")
    if "Rows, each behind its number" in text:
        return f"{name} stands there.\n{area(names.index(name))}"
    return f"{area(names.index(name))}\nFinal Answer: {answer}" if len(names) > 1 else f"Final Answer: {answer}"


def run(*words):
    return main([str(word) for word in words])


def test_from_questions_to_accuracy(tmp_path):
    pytest.importorskip("pyarrow")
    source, annotated = tmp_path / "questions.jsonl", tmp_path / "annotated.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows()), "utf-8")
    with ChatServer(reply=model) as server:
        where = ("--endpoint", server.url, "--model", "m")
        words = ("prepare", "table-r1-annotate", source, "--out", annotated, "--votes", "3", "--check", "--hide-answer")
        assert run(*words, *where) == 0

        formats = ("--format", "verl", "sft", "--types", "DP", "--train-ratio", "0.7")
        assert run("prepare", "table-r1", annotated, "--out", tmp_path / "data", *formats) == 0
        train = list(read_rows(tmp_path / "data" / "train.parquet"))
        taught = json.loads((tmp_path / "data" / "train_sft.json").read_text("utf-8"))
        assert len(train) == len(taught) == 4
        assert "table_r1_train" in json.loads((tmp_path / "data" / "dataset_info.json").read_text("utf-8"))

        # What is taught earns everything; of four rollouts the one that is right in both has the advantage.
        reward = TableRegion(weight=0.5)
        by_prompt = {pair["prompt"]: pair["response"] for pair in taught}
        completions, references, groups = [], [], []
        for number, row in enumerate(train):
            right = by_prompt[row["prompt"][0]["content"]]
            wrong = re.sub(r"Final Answer: .*", "Final Answer: 1", right)
            elsewhere = re.sub(r"<gold_area>.*</gold_area>", area(9), right)
            completions += [right, wrong, elsewhere, "I do not know."]
            references += [row] * 4
            groups += [number] * 4
        scores = reward(completions, references)
        values = scores.values.reshape(-1, 4)
        assert values[:, 0].tolist() == pytest.approx([1.0] * 4)
        assert (values[:, 0] > values[:, 1:].max(axis=1)).all()
        assert (values[:, 3] == 0).all()
        advantages = tarpo_advantage(scores.parts["region"], scores.parts["answer"], groups).reshape(-1, 4)
        assert (advantages.argmax(axis=1) == 0).all()
        assert (advantages[:, 3] < 0).all()

        # Evaluation on questions in WikiTableQuestions' form: prompts, predictions, verdicts.
        prompts, predictions = tmp_path / "prompts.jsonl", tmp_path / "predictions.jsonl"
        assert run("prepare", "table-r1-prompts", source, "--out", prompts, "--types", "DP") == 0
        assert run("generate", prompts, "--prompt-field", "instruction", "--out", predictions, *where) == 0
    gold, out = tmp_path / "gold.tsv", tmp_path / "wikitq.json"
    lines = [f"{row['id']}\t{row['question']}\tcsv\t{row['answer']}" for row in rows()]
    lines[0] = lines[0].replace("\t116", "\t7")
    gold.write_text("id\tutterance\tcontext\ttargetValue\n" + "\n".join(lines) + "\n", "utf-8")
    assert run("evaluate", "wikitq", predictions, "--gold", gold, "--out", out) == 0
    assert json.loads(out.read_text("utf-8"))["accuracy"] == pytest.approx(5 / 6)
