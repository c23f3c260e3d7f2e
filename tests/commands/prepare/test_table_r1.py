"""`table-rewards prepare table-r1`: files for three trainers, one report, the same for the same seed."""

from __future__ import annotations

import json

import pytest

from command_line import FIXTURES, here, read, write
from table_rewards import TableRegion
from table_rewards.commands.exit_codes import INCOMPLETE, MISUSE, UNUSABLE_FILE
from table_rewards.core.errors import ScorerFailed
from table_rewards.datasets.files import read_rows, schema_of
from table_rewards.rewards.table_bench.programs import ProgramRunner

PUBLISHED = FIXTURES / "table_r1" / "rl_rows.jsonl"
TABLEBENCH = FIXTURES / "table_r1" / "tablebench_rows.jsonl"


def prepare(*words, check=0):
    return here("prepare", "table-r1", *words, check=check)


def test_all_files_of_all_trainers(tmp_path):
    done = prepare(TABLEBENCH, "--out", tmp_path, "--format", "verl", "swift", "sft", "--train-ratio", "0.75")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dataset_info.json",
        "test.jsonl",
        "test.parquet",
        "test_sft.json",
        "train.jsonl",
        "train.parquet",
        "train_sft.json",
    ]
    train, test = (list(read_rows(tmp_path / f"{name}.parquet")) for name in ("train", "test"))
    assert (len(train), len(test)) == (28, 4)
    assert [row["extra_info"]["index"] for row in train] == list(range(28))
    assert {row["extra_info"]["split"] for row in test} == {"test"}
    assert {row["extra_info"]["table"] for row in train}.isdisjoint(row["extra_info"]["table"] for row in test)
    swift = read(tmp_path / "train.jsonl")
    assert len(swift) == 28
    assert all(isinstance(value, str) for row in swift for name, value in row.items() if name != "messages")
    entries = json.loads((tmp_path / "dataset_info.json").read_text())
    assert entries["table_r1_train"] == {
        "file_name": "train_sft.json",
        "columns": {"prompt": "prompt", "response": "response"},
    }
    assert json.dumps(entries, indent=2) in done.stdout
    pairs = json.loads((tmp_path / "train_sft.json").read_text()) + json.loads((tmp_path / "test_sft.json").read_text())
    assert len(pairs) == 10
    assert all(pair["response"].count("<gold_area>") == 1 for pair in pairs)
    for said in ("8 of 13 source rows kept", "the cells of the answer", "what the program looks at", "left out:"):
        assert said in done.stdout


def test_published_rows_come_out_clean_in_the_published_schema(tmp_path):
    prepare(PUBLISHED, "--out", tmp_path, "--split", "test")
    schema = schema_of(tmp_path / "test.parquet")
    assert list(schema) == ["data_source", "prompt", "ability", "reward_model", "extra_info"]
    assert "answer: string, gold_area: string, instruction_type: string, qtype: string" in schema["reward_model"]
    rows = list(read_rows(tmp_path / "test.parquet"))
    assert len(rows) == 13
    before = TableRegion(weight=0.5)([""] * 18, list(read_rows(PUBLISHED))).status
    after = TableRegion(weight=0.5)([""] * 13, rows).status
    assert list(before).count("unscored") > 0
    assert list(after).count("unscored") == 0
    assert (
        prepare(tmp_path / "test.parquet", "--out", tmp_path / "again", "--split", "test").stdout.count("mended") == 0
    )
    again = list(read_rows(tmp_path / "again" / "test.parquet"))
    assert [row["reward_model"] for row in again] == [row["reward_model"] for row in rows]
    assert [row["prompt"] for row in again] == [row["prompt"] for row in rows]


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 5)):
        prepare(PUBLISHED, "--out", tmp_path / name, "--seed", seed, "--train-ratio", "0.6")
    bytes_of = {name: (tmp_path / name / "train.parquet").read_bytes() for name in "abc"}
    assert bytes_of["a"] == bytes_of["b"] != bytes_of["c"]


def test_predictions_become_pairs_to_learn_from(tmp_path):
    """Rejection sampling: rows of `generate`, several a prompt; only right ones are kept, prompts are not repeated."""
    prepare(PUBLISHED, "--out", tmp_path, "--split", "all", "--types", "TCoT")
    row = next(read_rows(tmp_path / "all.parquet"))
    right = f"I look.\nFinal Answer: {row['reward_model']['ground_truth']['answer']}"
    sampled = [{**row, "prediction": text} for text in ("Final Answer: nothing", right, right, "?")]
    write(tmp_path / "predictions.jsonl", sampled)
    prepare(tmp_path / "predictions.jsonl", "--out", tmp_path, "--split", "p", "--format", "sft", "verl")
    assert len(json.loads((tmp_path / "p_sft.json").read_text())) == 1
    assert len(list(read_rows(tmp_path / "p.parquet"))) == 1


def test_other_entries_of_dataset_info_stay(tmp_path):
    (tmp_path / "dataset_info.json").write_text('{"mine": {"file_name": "mine.json"}}')
    prepare(TABLEBENCH, "--out", tmp_path, "--format", "sft", "--split", "train")
    assert list(json.loads((tmp_path / "dataset_info.json").read_text())) == ["mine", "table_r1_train"]
    (tmp_path / "dataset_info.json").write_text("no json")
    done = prepare(TABLEBENCH, "--out", tmp_path, "--format", "sft", "--split", "train", check=MISUSE)
    assert "holds no JSON object; move it away" in done.stderr


def test_broken_lines_are_counted_not_raised(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(TABLEBENCH.read_text("utf-8") + '[1]\n{"cut": ', "utf-8")
    assert "2 the line is not a JSON object (first: row 13)" in prepare(path, "--out", tmp_path).stdout


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--train-ratio", "1.5"], MISUSE, "train_ratio is a share"),
        (["--split", "a/b"], MISUSE, "not a path"),
        (["--limit", "0"], MISUSE, "--limit"),
        (["--types", "CoT"], MISUSE, "invalid choice"),
        (["--data-source", ""], MISUSE, "data_source is empty"),
    ],
)
def test_misuse_is_said_and_writes_nothing(tmp_path, words, status, message):
    done = prepare(TABLEBENCH, "--out", tmp_path / "out", *words, check=status)
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_without_a_usable_row_writes_nothing(tmp_path):
    write(tmp_path / "rows.jsonl", [{"question": "?"}])
    done = prepare(tmp_path / "rows.jsonl", "--out", tmp_path / "out", check=INCOMPLETE)
    assert "no row could be used" in done.stderr
    assert "no table" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
    prepare(tmp_path / "gone.jsonl", "--out", tmp_path / "out", check=UNUSABLE_FILE)


def test_prompts_for_inference_are_those_of_training(tmp_path):
    """T10."""
    here("prepare", "table-r1-prompts", TABLEBENCH, "--out", tmp_path / "prompts.jsonl", check=0)
    rows = read(tmp_path / "prompts.jsonl")
    assert len(rows) == 13 * 4
    assert sum("plt.show()" in row["instruction"] for row in rows) == 4
    prepare(TABLEBENCH, "--out", tmp_path, "--split", "all")
    trained = {row["prompt"][0]["content"] for row in read_rows(tmp_path / "all.parquet")}
    assert trained < {row["instruction"] for row in rows}
    for row in rows:
        row["prediction"] = (
            f"Final Answer: {row['answer']}" if row["instruction_type"] != "PoT" else row.get("program", "")
        )
    write(tmp_path / "predictions.jsonl", rows)
    done = here("evaluate", "tablebench", tmp_path / "predictions.jsonl", "--json", check=0)
    assert json.loads(done.stdout)


def test_programs_that_have_run_are_not_run_again_after_a_stop(tmp_path, monkeypatch):
    rows = [
        {
            "table": {"columns": ["name", "goals"], "data": [["Woo", 116 + n], ["Kim", 7]]},
            "question": f"How many goals has Woo ({n})?",
            "program": "import pandas as pd\ndf = pd.read_csv('table.csv')\n"
            "print('Final Answer:', df[df['name'] == 'Woo']['goals'].iloc[0])",
        }
        for n in range(6)
    ]
    source = write(tmp_path / "rows.jsonl", rows)
    monkeypatch.setattr("table_rewards.datasets.table_r1.items.BATCH", 2)
    real = ProgramRunner.run
    calls = []

    def counted(self, jobs):
        calls.append(len(jobs))
        if len(calls) == stop:
            raise ScorerFailed("the sandbox failed")
        return real(self, jobs)

    monkeypatch.setattr(ProgramRunner, "run", counted)
    stop = None
    here("prepare", "table-r1", source, "--out", tmp_path / "whole", "--format", "verl", check=0)
    assert calls == [2, 2, 2]
    calls.clear()
    stop = 3
    assert here("prepare", "table-r1", source, "--out", tmp_path / "stopped", "--format", "verl").returncode != 0
    stop = None
    calls.clear()
    here("prepare", "table-r1", source, "--out", tmp_path / "stopped", "--format", "verl", check=0)
    assert calls == [2]
    assert [(path.name, path.read_bytes()) for path in sorted((tmp_path / "stopped").iterdir())] == [
        (path.name, path.read_bytes()) for path in sorted((tmp_path / "whole").iterdir())
    ]
