"""`explain`: the work behind a score, which never disagrees with the score; checked on every shipped fixture."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest

from command_line import FIXTURES, here
from table_rewards.commands.demo import entries
from table_rewards.commands.demo_scripts import script
from table_rewards.core.registry import create
from table_rewards.core.registry import names as reward_names
from table_rewards.evaluation.scores.one_sample import sample_at
from table_rewards.evaluation.scores.scoring import plan, score_file
from table_rewards.testing.chat_server import ChatServer

ENTRIES = [pytest.param(entry, id=f"{entry.reward}: {entry.title}") for entry in entries()]
ROWS = 25


def test_every_reward_is_among_the_fixtures():
    assert {entry.reward for entry in entries()} == set(reward_names())


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_explanation_has_the_value_the_parts_and_the_status_of_the_score(entry):
    path = FIXTURES / entry.file
    told_by = ChatServer(reply=script(entry.script, path), model="scripted") if entry.script else nullcontext()
    with told_by as server:
        options = dict(entry.options)
        if server is not None:
            options["endpoints"] = server.url
        reward = create(entry.reward, **options)
        how = plan(path, completion=entry.completion, reference=entry.reference, parts=reward.parts)
        scored = [row for _, batch in score_file(reward, how, step=entry.step) for row in batch]
        apart = max(1, len(scored) // ROWS)
        for row in scored[::apart]:
            one = sample_at(how, row["row"], row["sample"], with_peers=not reward.deduplicates)
            told = reward.explain(one.completion, one.reference, step=entry.step, peers=one.peers)
            assert told.remarks == (), row
            number = None if told.value != told.value else told.value
            assert (number, told.status, told.note) == (row["score"], row["status"], row["note"])
            assert {name: None if value != value else value for name, value in told.parts.items()} == {
                name: row[name] for name in reward.parts
            }
            assert all(one.completion[p.start : p.end] == p.text for p in told.passages)
            for section in told.sections:
                costs = [step.cost for step in section.steps if step.cost is not None]
                if section.total is not None:
                    assert sum(costs) == pytest.approx(section.total, abs=1e-9), (row["row"], section.title)
            json.dumps(told.to_dict(), allow_nan=False)
            assert str(told)
            assert told._repr_html_().count("<table>") == told._repr_html_().count("</table>")


def test_the_command_shows_the_row_that_score_scores(tmp_path):
    file = FIXTURES / "tables/pairs.jsonl"
    where = ("--reward", "teds", "--completion-column", "prediction", "--reference-column", "reference")
    here("score", file, *where, "--out", tmp_path / "scores.jsonl", "--quiet", check=0)
    third = json.loads((tmp_path / "scores.jsonl").read_text().splitlines()[3])
    told = json.loads(here("explain", file, "--row", 3, *where, "--json", check=0).stdout)
    assert (told["value"], told["status"]) == (third["score"], third["status"])
    assert f"teds: {third['score']:.6g}" in here("explain", file, "--row", 3, *where, check=0).stdout


def test_the_page_of_an_explanation_runs_nothing_that_a_completion_wrote(tmp_path):
    file = tmp_path / "rows.jsonl"
    text = "<script>alert(1)</script> Final Answer: <img src=x onerror=alert(2)>\x1b[31m"
    file.write_text(json.dumps({"prompt": "<script>p</script>", "completion": text, "answer": "7"}) + "\n")
    here("explain", file, "--row", 0, "--reward", "table_bench", "--html", tmp_path / "page.html", check=0)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in here("explain", file, "--row", 0, "--reward", "table_bench", check=0).stdout


@pytest.mark.parametrize("words", [("--row", "9"), ("--row", "0", "--sample", "1"), ("--row", "-1")])
def test_a_row_that_is_not_there_is_one_line_with_the_status_of_a_file(tmp_path, words):
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"completion": "7", "answer": "7"}) + "\n")
    done = here("explain", file, *words, "--reward", "table_bench", check=3)
    assert "counted from 0" in done.stderr


@pytest.mark.parametrize("columns", [50, 100])
def test_what_is_printed_fits_the_terminal(columns):
    file = FIXTURES / "tables/pairs.jsonl"
    words = ("--reward", "teds", "--completion-column", "prediction", "--reference-column", "reference")
    for row in (0, 3, 5):
        printed = here("explain", file, "--row", row, *words, check=0, columns=columns).stdout
        assert max(map(len, printed.splitlines())) <= columns
