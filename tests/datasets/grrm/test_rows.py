"""Training data for ranking models: what the published scripts made, without their defects."""

from __future__ import annotations

import itertools
import json
import pathlib

import pytest

from table_rewards import ConfigurationError, Ranking
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.grrm.groups import Columns, Skipped, UnusableRow, read_group
from table_rewards.datasets.grrm.rows import rl_rows, sft_rows, shuffled
from table_rewards.rewards.ranking.template import PromptTemplate

FIXTURE = pathlib.Path(__file__).parents[3] / "fixtures" / "grrm" / "mt_ranking.jsonl"
ROWS = list(read_rows(FIXTURE))
GROUP = {
    "src_text": "I have a frog in my throat.",
    "src_lang": "en",
    "trg_lang": "uk",
    "mt_texts": [f"переклад {i}" for i in range(6)],
    "scores": [8, 3, 3, 5, 10, 0],
    "analysis": "The last is nonsense.",
}


def key(row):
    return (tuple(row["extra_info"]["mt_texts"]), row["reward_model"]["ground_truth"])


@pytest.mark.parametrize("mode", ["ranking", "ranking_score", "score"])
def test_the_fine_tuning_answer_earns_the_whole_reward(mode):
    for row, source in zip(sft_rows(ROWS, mode=mode), ROWS, strict=True):
        user, assistant = row["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        assert all(text in user["content"] for text in [*source["mt_texts"], source["src_text"]])
        assert assistant["content"].startswith(source["analysis"])
        score = Ranking(mode=mode)([assistant["content"]], [source["scores"]])[0]
        assert (score.value, score.note) == (1.0 if mode == "ranking" else 2.0, "")


def test_an_analysis_that_ends_with_the_answer_is_not_given_another():
    done = {**GROUP, "analysis": next(sft_rows([GROUP]))["messages"][1]["content"]}
    assert next(sft_rows([done]))["messages"][1]["content"] == done["analysis"]
    skipped = Skipped()
    assert not list(sft_rows([{**done, "scores": [1, 2, 3, 4, 5, 6]}], skipped=skipped))
    assert str(skipped) == "1 rows: the analysis ends with another ranking than the scores (first: row 0)"


def test_every_augmentation_is_distinct_and_keeps_its_candidates():
    """M8: the published shuffled rows drop mt_texts."""
    rows = list(rl_rows([GROUP], subgroups=4, shuffles=4))
    assert len(rows) == len({key(row) for row in rows})
    wholes = [row for row in rows if len(row["extra_info"]["mt_texts"]) == 6]
    assert len(wholes) == 5
    subsets = {frozenset(row["extra_info"]["candidate_indices"]) for row in rows} - {frozenset(range(6))}
    assert len(subsets) == 4
    for row in rows:
        info = row["extra_info"]
        assert info["mt_texts"] == [GROUP["mt_texts"][i] for i in info["candidate_indices"]]
        truth = json.loads(row["reward_model"]["ground_truth"])
        assert list(truth.values()) == [GROUP["scores"][i] for i in info["candidate_indices"]]
        assert list(truth) == list("ABCDEF"[: len(truth)])
        positions = [row["prompt"][0]["content"].index(text) for text in info["mt_texts"]]
        assert positions == sorted(positions)
    assert [row["extra_info"]["index"] for row in rows] == list(range(len(rows)))


def test_no_more_augmentations_than_there_are():
    two, three = ({**GROUP, "mt_texts": GROUP["mt_texts"][:n], "scores": [9, 8, 7][:n]} for n in (2, 3))
    assert len(list(rl_rows([two], subgroups=9, shuffles=9))) == 2
    assert len(list(rl_rows([three], subgroups=9, shuffles=9))) == 6 + 3 * 2
    assert len(list(rl_rows([{**three, "mt_texts": ["x"] * 3, "scores": [7] * 3}], subgroups=9, shuffles=9))) == 2


def test_large_groups_are_sampled_not_enumerated():
    large = {**GROUP, "mt_texts": [f"text {i}" for i in range(40)], "scores": [i % 11 for i in range(40)]}
    rows = list(rl_rows([large], subgroups=8, shuffles=2))
    assert len(rows) == len({key(row) for row in rows}) == 27
    assert '"AN"' in rows[0]["reward_model"]["ground_truth"]


def test_the_seed_decides_and_rows_do_not_depend_on_their_neighbours():
    options = {"subgroups": 3, "shuffles": 3}
    once = [key(row) for row in rl_rows([GROUP, *ROWS], **options)]
    assert once == [key(row) for row in rl_rows([GROUP, *ROWS], **options)]
    assert once[: len(once) // 2] == [key(row) for row in rl_rows([GROUP, ROWS[1]], **options)][: len(once) // 2]
    assert once != [key(row) for row in rl_rows([GROUP, *ROWS], **options, seed=1)]


def test_the_orders_reference_for_prompts_that_ask_for_an_order():
    row = next(rl_rows([GROUP], mode="ranking"))
    assert row["data_source"] == "TowerBlocks-MT-Ranking.ranking"
    assert row["reward_model"]["ground_truth"] == "E > A > D > B = C > F"
    assert Ranking(mode="ranking")(["why\n" + row["reward_model"]["ground_truth"]], [row]).values.tolist() == [1.0]


def test_languages_are_named_ukrainian_too():
    """M7: one of the two published language maps lacks uk."""
    assert "6 translations of it into Ukrainian follow" in next(rl_rows([GROUP]))["prompt"][0]["content"]


def test_no_row_has_equal_texts_with_contradictory_golds():
    """Equal candidates whose annotated scores differ: whatever a model says of them, one of two rows calls it wrong."""
    mixed = {**GROUP, "mt_texts": ["x", "y", "x ", "z", "y"], "scores": [8, 3, 5, 4, 3]}
    skipped = Skipped()
    rows = list(rl_rows([mixed], subgroups=9, shuffles=9, skipped=skipped))
    assert rows
    assert {text for row in rows for text in row["extra_info"]["mt_texts"]} == {"y", "z"}
    for row in rows:
        scores = list(json.loads(row["reward_model"]["ground_truth"]).values())
        info = row["extra_info"]
        assert [GROUP_SCORES[i] for i in info["candidate_indices"]] == scores
        assert len(set(zip(info["mt_texts"], scores, strict=True))) == len(set(info["mt_texts"]))
    assert "used without candidates of equal text and different scores" in str(skipped)
    hopeless = {**GROUP, "mt_texts": ["x", "x", "y"], "scores": [1, 2, 3]}
    assert not list(rl_rows([hopeless], skipped=skipped))
    assert not list(sft_rows([hopeless], skipped=skipped))
    assert skipped.reasons["equal candidates of different scores"] == 1


GROUP_SCORES = [8, 3, 5, 4, 3]


def test_a_second_row_with_the_same_prompt_and_other_scores_is_left_out():
    skipped = Skipped()
    other = {**GROUP, "scores": GROUP["scores"][::-1]}
    rows = list(rl_rows([GROUP, other, GROUP], skipped=skipped))
    assert [row["extra_info"]["source_row"] for row in rows] == [0, 2]
    assert [row["extra_info"]["index"] for row in rows] == [0, 1]
    assert dict(skipped.reasons) == {"an earlier row has the same prompt and other scores": 1}


@pytest.mark.parametrize("other", ["Caf\u00e9 ", "Cafe\u0301", "Caf\u00e9\u200b", "\u00a0Caf\u00e9"])
def test_texts_that_look_the_same_have_no_two_golds(other):
    group = {**GROUP, "mt_texts": ["Caf\u00e9", other, "y", "z"], "scores": [8, 3, 5, 4]}
    skipped = Skipped()
    rows = list(rl_rows([group], subgroups=4, shuffles=4, skipped=skipped))
    assert rows
    assert {text for row in rows for text in row["extra_info"]["mt_texts"]} == {"y", "z"}
    assert not list(sft_rows([group], skipped=skipped))


def test_one_prompt_is_not_taught_two_answers():
    skipped = Skipped()
    other = {**GROUP, "scores": GROUP["scores"][::-1], "analysis": "Otherwise."}
    rows = list(sft_rows([GROUP, other, GROUP], skipped=skipped))
    assert len(rows) == 2
    assert dict(skipped.reasons) == {"an earlier row has the same prompt and other scores": 1}


def test_the_users_own_prompt_stands_in_both_kinds_of_rows():
    template = PromptTemplate("{source}|{#candidates}{label}={text};{/candidates}")
    shown = "I have a frog in my throat.|" + "".join(f"{'ABCDEF'[i]}=переклад {i};" for i in range(6))
    assert next(sft_rows([GROUP], template=template))["messages"][0]["content"] == shown
    assert next(rl_rows([GROUP], template=template))["prompt"][0]["content"] == shown


BAD = {
    "no src_text": {"src_text": ""},
    "mt_texts is no list of texts": {"mt_texts": "one"},
    "fewer than two candidates": {"mt_texts": ["one"], "scores": [1]},
    "not one of scores for each of mt_texts": {"scores": [1, 2]},
    "scores holds something that is no number": {"scores": [1, 2, 3, 4, 5, None]},
}


@pytest.mark.parametrize("reason", BAD)
def test_unusable_rows_are_left_out_and_counted(reason):
    skipped = Skipped()
    rows = list(rl_rows([GROUP, {**GROUP, **BAD[reason]}, GROUP], skipped=skipped))
    assert len(rows) == 2
    assert str(skipped) == f"1 rows: {reason} (first: row 1)"
    with pytest.raises(UnusableRow, match=reason):
        read_group({**GROUP, **BAD[reason]}, Columns())


def test_mixing_a_stream_loses_nothing():
    for buffer in (0, 1, 7, 1000):
        assert sorted(shuffled(iter(range(100)), buffer)) == list(range(100))
    assert list(shuffled(iter(range(100)), 50)) != list(range(100))


# -- the commands -----------------------------------------------------------------------------------------------------


def run(*words):
    return main(["prepare", *map(str, words)])


def test_grrm_sft_writes_parquet_and_llama_factorys_entry(tmp_path, capsys):
    pytest.importorskip("pyarrow")
    (tmp_path / "dataset_info.json").write_text('{"other": {"file_name": "other.json"}}', encoding="utf-8")
    out = tmp_path / "sft_towerblocks.parquet"
    assert run("grrm-sft", "--data_path", FIXTURE, "--output_path", out, "--mt_key", "mt_texts") == 0
    assert [len(row["messages"]) for row in read_rows(out)] == [2, 2]
    info = json.loads((tmp_path / "dataset_info.json").read_text("utf-8"))
    assert list(info) == ["other", "sft_towerblocks"]
    assert info["sft_towerblocks"]["columns"] == {"messages": "messages"}
    assert '"file_name": "sft_towerblocks.parquet"' in capsys.readouterr().out


def test_grrm_rl_writes_what_verl_and_the_reward_read(tmp_path, capsys):
    pytest.importorskip("pyarrow")
    outs = [tmp_path / f"rl{i}.parquet" for i in range(2)]
    for out in outs:
        words = ("--data-path", FIXTURE, "--output-path", out, "--subgroup-augment", 4, "--shuffle-augment", 4)
        assert run("grrm-rl", *words) == 0
    rows = list(read_rows(outs[0]))
    assert rows == list(read_rows(outs[1]))
    assert sorted(row["extra_info"]["index"] for row in rows) == list(range(18))
    assert set(rows[0]) == {"data_source", "prompt", "ability", "reward_model", "extra_info"}
    for row in rows:
        reference = Ranking().coerce(row)
        assert len(reference.candidates) == len(row["extra_info"]["mt_texts"])
    assert "18 rows, prompt type ranking_score, seed 114514" in capsys.readouterr().out


def test_a_wrong_column_is_named_before_anything_is_written(tmp_path, capsys):
    out = tmp_path / "rl.jsonl"
    status = run("grrm-rl", "--data-path", FIXTURE, "--output-path", out, "--mt-key", "mt_text")
    assert status != 0
    assert not out.exists()
    said = capsys.readouterr().err
    assert "no column 'mt_text'" in said
    assert "did you mean 'mt_texts'?" in said


def test_no_usable_row_is_an_error(tmp_path, capsys):
    source = tmp_path / "rows.jsonl"
    source.write_text(json.dumps({**GROUP, "scores": []}) + "\n", encoding="utf-8")
    assert run("grrm-rl", "--data-path", source, "--output-path", tmp_path / "rl.jsonl") == 1
    assert "no row could be used" in capsys.readouterr().err
    assert list(itertools.islice(tmp_path.iterdir(), 9)) == [source]


def test_misconfiguration_is_an_error():
    with pytest.raises(ConfigurationError, match="0 or more"):
        list(rl_rows([GROUP], subgroups=-1))
    with pytest.raises(ConfigurationError, match="unknown prompt type"):
        list(sft_rows([GROUP], mode="rank"))
