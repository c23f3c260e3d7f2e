"""Data for a policy that translates: languages, references, order, and what is left out."""

from __future__ import annotations

import json

import pytest

from table_rewards import ConfigurationError
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.grrm.groups import Skipped
from table_rewards.datasets.grrm.translation import CLA_LANGUAGES, policy_rl_rows, policy_sft_rows

ROWS = [
    {"src_text": f"Text {i}", "src_lang": source, "trg_lang": target, "trg_text": f"gold {i}", "response": f" r{i}\n"}
    for i, (source, target) in enumerate([("en", "zh"), ("German", "en"), ("en", "uk"), ("fr", "pt-BR")] * 5)
]


def test_further_languages_are_neither_the_source_nor_the_old_target_and_have_no_reference():
    """M14. The published script leaves the old language's reference on the rows, and fails for another language."""
    rows = list(policy_rl_rows(ROWS, further=1, seed=3))
    assert len(rows) == 2 * len(ROWS)
    for old, new in zip(rows[::2], rows[1::2], strict=True):
        before, after = old["extra_info"], new["extra_info"]
        assert before["source_row"] == after["source_row"]
        assert after["trg_lang"] in set(CLA_LANGUAGES) - {before["src_lang"], before["trg_lang"]}
        assert old["reward_model"]["ground_truth"] == before["trg_text"] == f"gold {before['source_row']}"
        assert new["reward_model"]["ground_truth"] == after["trg_text"] == ""
        assert old["prompt"] != new["prompt"]
    assert [row["extra_info"]["index"] for row in rows] == list(range(len(rows)))


def test_a_rows_languages_depend_on_the_seed_and_its_number_alone():
    def drawn(rows, seed):
        return [row["extra_info"]["trg_lang"] for row in policy_rl_rows(rows, further=2, seed=seed)]

    assert drawn(ROWS, 1) == drawn(ROWS, 1) != drawn(ROWS, 2)
    assert drawn([{**ROWS[3]}, *ROWS[1:]], 1)[3:] == drawn(ROWS, 1)[3:]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"src_text": " "}, "no src_text"),
        ({"trg_lang": None}, "no trg_lang"),
        ({"trg_lang": "English"}, "source and target language are one"),
    ],
)
def test_unusable_rows_are_counted(change, reason):
    for made in (
        lambda rows, skipped: policy_rl_rows(rows, seed=0, skipped=skipped),
        lambda rows, skipped: policy_sft_rows(rows, skipped=skipped),
    ):
        skipped = Skipped()
        assert len(list(made([ROWS[0], {**ROWS[0], **change}, ROWS[2]], skipped))) == 2
        assert dict(skipped.reasons) == {reason: 1}


def test_more_languages_than_there_are_is_a_misconfiguration():
    with pytest.raises(ConfigurationError, match="not 9 to draw"):
        list(policy_rl_rows(ROWS, further=9, seed=0))
    with pytest.raises(ConfigurationError, match="no language 'xx'"):
        list(policy_rl_rows(ROWS, further=1, languages=("en", "xx", "de"), seed=0))


def test_the_commands_write_the_same_files_again_and_count(tmp_path, capsys):
    source = tmp_path / "tower.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in [*ROWS, {**ROWS[0], "src_text": ""}]), "utf-8")
    template = tmp_path / "policy.txt"
    template.write_text("{source_language} {target_language}: {source}\n", encoding="utf-8")

    def run(task, out, *words):
        return main(["prepare", task, "--data_path", str(source), "--output_path", str(tmp_path / out), *words])

    for out in ("a.jsonl", "b.jsonl"):
        assert run("grrm-mt-rl", out, "--cla", "1", "--prompt-file", str(template)) == 0
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    told = capsys.readouterr()
    assert "40 rows, 20 of them into further languages" in told.out
    assert "1 rows: no src_text (first: row 20)" in told.err
    assert all(len(row["prompt"][0]["content"].splitlines()) == 1 for row in read_rows(tmp_path / "a.jsonl"))
    assert run("grrm-mt-sft", "sft.jsonl") == 0
    rows = list(read_rows(tmp_path / "sft.jsonl"))
    assert {row["messages"][1]["content"] for row in rows} == {f"r{i}" for i in range(20)}
    assert "sft" in json.loads((tmp_path / "dataset_info.json").read_text("utf-8"))
    assert run("grrm-mt-rl", "c.jsonl", "--prompt-fingerprint", "#0123456789abcdef/3") == 2
