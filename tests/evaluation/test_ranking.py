"""Ranking accuracy: what counts as right, what is told apart, and that the intervals cover."""

from __future__ import annotations

import json
import math
import pathlib
import random

import numpy as np
import pytest

from table_rewards import Ranking, RankingReference
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.evaluation.ranking import FAILED, TestSet, average, outcome
from table_rewards.evaluation.ranking_rows import group_of, predictions_of, set_of
from table_rewards.rewards.ranking.parse import Form
from table_rewards.rewards.ranking.prompts import ranking_answer
from table_rewards.rewards.ranking.reference import named
from table_rewards.testing.chat_server import ChatServer

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "grrm"
FORM = Form(reasoning="optional")
TRUTH = RankingReference.read([8, 3, 3, 5])


def guesses(rng, truth, answers):
    return [
        ranking_answer("Hm.", named([min(10, max(0, s + rng.randint(-3, 3))) for s in truth])) for _ in range(answers)
    ]


def test_pairs_are_told_apart():
    """Of the five pairs that the reference ranks three are right, one tied, one reversed; the one tie is kept."""
    one = outcome([8, 5, 5, 5], TRUTH, FORM)
    assert one.pairs == (3, 2, 0, 1, 0)
    assert outcome([8, 3, 4, 2], TRUTH, FORM).pairs == (3, 0, 2, 0, 1)
    assert one.accuracy == pytest.approx(4 / 6)


def test_accuracy_is_the_ranking_part_of_the_reward():
    rng = random.Random(0)
    truths = [[rng.randint(0, 10) for _ in range(rng.randint(2, 8))] for _ in range(50)]
    texts = [guesses(rng, truth, 1)[0] for truth in truths]
    parts = Ranking()(texts, truths).parts
    for text, truth, ranking, tau in zip(texts, truths, parts["ranking"], parts["kendall_tau"], strict=True):
        one = outcome(text, RankingReference.read(truth), FORM)
        assert (one.accuracy, one.kendall_tau) == (pytest.approx(ranking), pytest.approx(tau))


@pytest.mark.parametrize("prediction", ["no", None, [1, 2], [1, 2, 3, None], {"A": 1}, 7, [1, 2, 3, float("nan")]])
def test_unreadable_predictions_are_wrong_and_say_why(prediction):
    one = outcome(prediction, TRUTH, FORM)
    assert (one.accuracy, one.failed) == (0.0, False)
    assert one.problem


def test_runs_weigh_within_their_group_and_failures_do_not_count():
    tested = TestSet("x")
    right, wrong = (
        outcome([8, 3], RankingReference.read([8, 3]), FORM),
        outcome([3, 8], RankingReference.read([8, 3]), FORM),
    )
    tested.add(0, [right, right, wrong, wrong])
    tested.add(1, [right, FAILED])
    tested.add(2, [outcome("?", TRUTH, FORM)])
    result = tested.result()
    assert result["accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert (result["groups"], result["answers"], result["unanswered"]) == (3, 6, 1)
    assert result["valid"] == pytest.approx(5 / 6)
    assert result["accuracy_of_valid"] == pytest.approx(3 / 5)
    assert (result["ranked_right"], result["ranked_reversed"], result["ranked_pairs"]) == (0.6, 0.4, 5)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """200 test sets of 60 groups, 4 correlated runs each, true accuracy 0.7; binomial slack on 95 %."""
    rng = np.random.default_rng(7)
    covered = 0
    for trial in range(200):
        tested = TestSet("x")
        tested.groups = {g: [p] * 4 for g, p in enumerate(rng.beta(7, 3, 60))}
        result = tested.result(seed=trial)
        covered += result["low"] <= 0.7 <= result["high"]
    assert 180 <= covered <= 199


def test_the_mean_over_sets_leaves_empty_ones_out():
    one, none = TestSet("a"), TestSet("b")
    one.add(0, [outcome([8, 3], RankingReference.read([8, 3]), FORM)])
    assert average([one.result(), none.result()])["accuracy"] == 1.0
    assert math.isnan(average([none.result()])["accuracy"])


def test_rows_say_their_set_their_group_and_their_predictions():
    assert set_of({"src_lang": "en", "trg_lang": "zh"}, None, "file") == "en-zh"
    assert set_of({"dataset": "WMT22"}, None, "file") == "WMT22"
    assert set_of({}, None, "file") == "file"
    assert group_of({"generation": {"row": 3, "sample": 1}}, 9) == ("row", 3)
    assert group_of({"id": 5}, 9) == ("id", "5")
    assert group_of({}, 9) == 9
    assert predictions_of({"pred_scores": np.array([8, 3])}, None) == [[8, 3]]
    assert predictions_of({"x": ["a", None]}, "x") == ["a", None]
    assert predictions_of({"prediction": '{"A": 8, "B": 3}'}, None) == [{"A": 8, "B": 3}]


# -- the command ------------------------------------------------------------------------------------------------------


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_released_evaluation_finds_nothing_and_this_one_does(capsys):
    """M2."""
    assert main(["evaluate", "ranking", str(FIXTURES / "rankings.jsonl")]) == 0
    said = capsys.readouterr().out
    assert "50.00" in said
    assert "the ranking and the scores contradict each other" in said


def test_sets_runs_and_json(tmp_path, capsys):
    rng = random.Random(1)
    rows = [
        {"scores": truth, "src_lang": "en", "trg_lang": target, "predictions": guesses(rng, truth, 3)}
        for target in ("zh", "de")
        for truth in ([9, 3, 5], [2, 8, 8], [1, 4, 7])
    ]
    out = tmp_path / "numbers.json"
    source = write(tmp_path / "rows.jsonl", rows)
    assert main(["evaluate", "ranking", str(source), "--runs", "2", "--out", str(out)]) == 0
    numbers = json.loads(out.read_text("utf-8"))
    assert [(s["set"], s["groups"], s["answers"], s["runs"]) for s in numbers["sets"]] == [
        ("en-zh", 3, 6, 2),
        ("en-de", 3, 6, 2),
    ]
    mean = np.mean([s["accuracy"] for s in numbers["sets"]])
    assert numbers["average"]["accuracy"] == pytest.approx(mean)
    assert "mean of sets" in capsys.readouterr().out
    assert main(["evaluate", "ranking", str(source), "--held-out", "en-zh", "--out", str(out)]) == 0
    numbers = json.loads(out.read_text("utf-8"))
    assert [s["set"] for s in numbers["sets"]] == ["en-zh", "en-de"]
    assert numbers["average"]["accuracy"] == numbers["sets"][1]["accuracy"]
    assert main(["evaluate", "ranking", str(source), "--held-out", "en-fr"]) == 2


def test_rows_of_one_group_are_its_runs(tmp_path):
    rows = [
        {"scores": [8, 3], "prediction": text, "generation": {"row": 0, "sample": i}}
        for i, text in enumerate(["x\nA > B\nA: 8, B: 3", "x\nB > A\nB: 8, A: 3", "x\nA > B\nA: 8, B: 3"])
    ]
    out = tmp_path / "numbers.json"
    main(["evaluate", "ranking", str(write(tmp_path / "rows.jsonl", rows)), "--runs", "2", "--out", str(out)])
    result = json.loads(out.read_text("utf-8"))["sets"][0]
    assert (result["groups"], result["answers"], result["accuracy"], result["low"]) == (1, 2, 0.5, None)


def test_through_an_endpoint(tmp_path, capsys):
    """The model sees the candidates, not the scores; what no endpoint answers is not a wrong answer."""

    def reply(request):
        content = request["messages"][-1]["content"]
        names = "ABCD"[: content.count("Translation ")]
        return ranking_answer("Hm.", {name: 9 - i for i, name in enumerate(names)})

    kept = tmp_path / "answers.jsonl"
    with ChatServer(reply=reply, script=lambda number: "400" if number == 0 else None) as server:
        words = ["--endpoint", server.url, "--model", "m", "--runs", "2", "--predictions", str(kept)]
        status = main(["evaluate", "ranking", str(FIXTURES / "mt_ranking.jsonl"), *words])
        assert len(server.received) == 4
        assert all('"scores"' not in request["messages"][0]["content"] for request in server.received)
    captured = capsys.readouterr()
    assert status == 1
    assert "en-zh" in captured.out
    assert "no endpoint answered 1 times" in captured.err
    answers = [row["predictions"] for row in read_rows(kept)]
    assert sum(text is None for texts in answers for text in texts) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--runs", "0"], "--runs must be at least 1"),
        (["--prediction-key", "x"], "no column 'x' with predictions"),
        (["--score-key", "x"], "nothing could be evaluated: no 'x' in the row"),
        (["--predictions", "y.jsonl"], "there is none"),
        (["--endpoint", "http://127.0.0.1:9", "--temperature", "0"], "times the same"),
    ],
)
def test_misuse_is_one_clear_line(words, message, capsys):
    assert main(["evaluate", "ranking", str(FIXTURES / "rankings.jsonl"), *words]) == 2
    assert message in capsys.readouterr().err


# -- the three model types --------------------------------------------------------------------------------------------


def written(tmp_path, rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


CANDIDATES = {"src_text": "Hi", "src_lang": "en", "trg_lang": "fr", "mt_texts": ["a", "bb", "ccc"], "scores": [1, 2, 3]}


def test_a_model_that_scores_each_alone_is_asked_for_each_and_one_bad_reply_fails_its_run(tmp_path):
    """The published script breaks on the first failed score (M12); here its run counts as wrong, as of other models."""
    path, out = written(tmp_path, [CANDIDATES]), tmp_path / "out.json"
    seen = []

    def reply(asked):
        text = next(t for t in ("ccc", "bb", "a") if f"\n{t}\n" in asked["messages"][-1]["content"])
        seen.append((text, asked["seed"]))
        return "no score" if (text, asked["seed"]) == ("bb", 1) else f"Hm.\n{len(text)}"

    with ChatServer(reply=reply) as server:
        words = ["evaluate", "ranking", str(path), "--model-type", "sqmrm", "--runs", "2", "--model", "m"]
        assert main([*words, "--endpoint", server.url, "--out", str(out)]) == 0
    assert sorted(set(seen)) == [(text, seed) for text in ("a", "bb", "ccc") for seed in (0, 1)]
    (result,) = json.loads(out.read_text("utf-8"))["sets"]
    assert (result["accuracy"], result["valid"], result["accuracy_of_valid"]) == (0.5, 0.5, 1.0)


def test_replies_and_values_of_a_file(tmp_path):
    rows = [
        {**CANDIDATES, "predictions": [["x\n1", "x\n2", "**3/10**"], ["x\n3", "x\n2", "x\n1"]]},
        {**CANDIDATES, "predictions": [[0.5, -3.0, 7.25]]},
    ]
    accuracies = {}
    for kind, row in (("sqmrm", rows[0]), ("drm", rows[1])):
        out = tmp_path / f"{kind}.json"
        path = written(tmp_path, [row])
        assert main(["evaluate", "ranking", str(path), "--model-type", kind, "--out", str(out)]) == 0
        accuracies[kind] = json.loads(out.read_text("utf-8"))["sets"][0]["accuracy"]
    assert accuracies == {"sqmrm": pytest.approx(0.5), "drm": pytest.approx(2 / 3)}


def test_a_value_head_has_no_chat_endpoint(tmp_path, capsys):
    words = ["evaluate", "ranking", str(written(tmp_path, [CANDIDATES])), "--model-type", "drm"]
    assert main([*words, "--endpoint", "http://127.0.0.1:9"]) == 2
    assert "pred_scores" in capsys.readouterr().err


def test_the_users_prompt_is_what_the_endpoint_is_asked(tmp_path):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("{source}:{#candidates} {label}={text}{/candidates}", encoding="utf-8")
    path = written(tmp_path, [{**CANDIDATES, "prompt": "another prompt"}])
    with ChatServer(reply="x\nC > B > A\nC: 3, B: 2, A: 1") as server:
        words = ["evaluate", "ranking", str(path), "--endpoint", server.url, "--model", "m", "--runs", "1"]
        assert main([*words, "--prompt-file", str(prompt)]) == 0
        assert server.received[0]["messages"] == [{"role": "user", "content": "Hi: A=a B=bb C=ccc"}]
