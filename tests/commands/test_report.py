"""`table-rewards report`: like beside like, row by row, and a page that needs nothing beside it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from command_line import FIXTURES, here, read, write
from table_rewards.datasets.files import RowWriter
from table_rewards.evaluation.scores.pairing import pair
from table_rewards.evaluation.scores.score_files import load, short_names

SIGNATURE = "table_bench:metric=auto|v0"


def scores(path, values, signature=SIGNATURE, **columns):
    rows = [
        {"row": i // 2, "sample": i % 2, "id": f"p{i // 2}", "qtype": "ab"[i % 2], "prompt": f"p{i // 2}",
         "score": value, "part": value, "status": "unscored" if value is None else "scored",
         "note": "server down" if value is None else "", "signature": signature, **columns}
        for i, value in enumerate(values)
    ]  # fmt: skip
    if path.suffix == ".parquet":
        with RowWriter(path) as writer:
            writer.write({**row, "score": float("nan") if row["score"] is None else row["score"]} for row in rows)
        return path
    return write(path, rows)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_one_file_is_summed_up(tmp_path, ending):
    file = scores(tmp_path / f"s.{ending}", [1.0, 0.0, 1.0, 1.0, None, 0.5])
    told = json.loads(here("report", file, "--json", check=0).stdout)["files"][0]
    assert (told["rows"], told["unscored"], told["mean"]) == (6, 1, pytest.approx(0.7))
    assert told["prompts"]["zero_variance"] == 1
    assert told["groups"]["a"]["count"] == 2
    assert told["notes"] == {"server down": 1}
    assert "server down" in here("report", file, columns=80).stdout


def test_two_files_are_compared_row_by_row(tmp_path):
    first = scores(tmp_path / "a.jsonl", [0.0, 0.0, 1.0, 1.0, None, 0.5])
    second = scores(tmp_path / "b.parquet", [1.0, 0.0, 1.0, 0.5, 1.0, 1.0])
    told = json.loads(here("report", first, second, "--json", check=0).stdout)["pairs"]
    (one,) = told
    assert (one["rows"], one["higher"], one["lower"]) == (5, 2, 1)
    assert one["difference"] == pytest.approx((1 + 0 + 0 - 0.5 + 0.5) / 5)
    text = here("report", first, second, columns=80).stdout
    assert "b - a" in text
    assert "within noise" in text
    assert max(map(len, text.splitlines())) <= 80


def test_completions_of_one_row_do_not_count_as_independent(tmp_path):
    """Twenty completions that move together with their ten rows say no more than ten."""
    up = [float(i // 2 % 2) for i in range(20)]
    first, second = load([scores(tmp_path / "a.jsonl", [0.0] * 20), scores(tmp_path / "b.jsonl", up)])
    found = pair(first, second)
    assert found.error == pytest.approx((0.25 / 9) ** 0.5)


def test_files_of_other_rows_are_not_paired(tmp_path):
    first, second = load([scores(tmp_path / "a.jsonl", [0.0] * 4), scores(tmp_path / "b.jsonl", [0.0] * 6)])
    found = pair(first, second)
    assert (found.rows, found.prompts, found.only_first, found.only_second) == (4, 2, 0, 2)
    other = write(tmp_path / "c.jsonl", [{"row": 0, "sample": 0, "prompt": "elsewhere", "score": 1.0}])
    assert pair(*load([scores(tmp_path / "a.jsonl", [0.0]), other], mixed=True)) is None


def test_different_signatures_are_refused_unless_wanted(tmp_path):
    first = scores(tmp_path / "a.jsonl", [0.0, 1.0])
    second = scores(tmp_path / "b.jsonl", [0.0, 1.0], "table_bench:metric=em|v0")
    refused = here("report", first, second, check=2).stderr
    assert SIGNATURE in refused
    assert "table_bench:metric=em|v0" in refused
    assert "--different-signatures" in refused
    text = here("report", first, second, "--different-signatures", check=0).stdout
    assert "made in different ways" in text


def test_a_column_to_group_by_that_is_missing_is_named(tmp_path):
    done = here("report", scores(tmp_path / "a.jsonl", [0.0]), "--by", "qtyp", check=3)
    assert "no column 'qtyp' (did you mean 'qtype'?)" in done.stderr


def test_any_rows_with_a_score_can_be_reported(tmp_path):
    dump = write(tmp_path / "dump.jsonl", [{"input": "q", "output": "a", "score": 0.5}, {"input": "q", "score": None}])
    told = json.loads(here("report", dump, "--json", check=0).stdout)["files"][0]
    assert told["status"] == {"scored": 1, "unparsed": 0, "unscored": 1}


def embedded(text):
    """What the page carries for its charts and samples."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


@pytest.mark.parametrize(
    "values", [[0.5] * 6, [None] * 4, [-1.5, 3.25, 0.0, 0.1], [0.1 * (i % 11) for i in range(400)]]
)
def test_the_page_is_whole_and_asks_the_network_for_nothing(tmp_path, values):
    evil = '</script><script>alert(1)</script><!-- & "quotes"'
    first = scores(tmp_path / "a.jsonl", values, qtype=evil)
    second = scores(tmp_path / "<b>.jsonl", values[::-1], qtype=evil)
    page = tmp_path / "out" / "report.html"
    here("report", first, second, "--html", page, "--title", evil, check=0)
    text = page.read_text("utf-8")
    assert text.count("<script") == text.count("</script>") == 3
    assert "alert(1)</script>" not in text
    assert "default-src 'none'" in text
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"\bsrc=|url\(|@import|https?://", markup)
    assert set(re.findall(r'href="(.)', markup)) == {"#"}
    assert not re.search(r"\bnan\b", markup, re.IGNORECASE)
    assert {sample["about"]["qtype"] for sample in embedded(text)["samples"]} == {evil}


@pytest.mark.parametrize(("better", "told"), [(0.0, "within noise"), (0.4, "clear")])
def test_the_page_calls_a_difference_clear_only_where_the_terminal_does(tmp_path, better, told):
    first = scores(tmp_path / "a.jsonl", [0.1 * (i % 5) for i in range(40)])
    second = scores(tmp_path / "b.jsonl", [0.1 * (i % 5) + better for i in range(40)])
    page = tmp_path / "r.html"
    done = here("report", first, second, "--html", page, check=0)
    compared = page.read_text("utf-8").split('id="compared"')[1].split('<div class="stack"')[0]
    for text in (done.stdout, compared):
        assert [word for word in ("within noise", "clear") if word in text] == [told]


def rollouts(path, count, completion):
    """Eight completions a prompt over ten steps; long texts, so that the page must choose."""
    return write(
        path,
        [
            {
                "prompt": f"question {i // 8}: " + "table " * 200,
                "completion": "x " * 400 + completion(i),
                "answer": str(i // 8 % 5),
                "step": i // 8 % 10,
                "qtype": "ab"[i // 8 % 2],
            }
            for i in range(count)
        ],
    )


def test_five_thousand_completions_make_a_page_under_3_mb(tmp_path):
    path = rollouts(tmp_path / "r.jsonl", 5000, lambda i: f"Final Answer: {i % 5}" if i % 9 else "No idea.")
    page = tmp_path / "p.html"
    here("profile", path, "--reward", "table_bench", "--html", page, check=0)
    assert page.stat().st_size < 3_000_000
    found = embedded(page.read_text("utf-8"))
    assert set(found["charts"]) >= {"distribution", "alive", "steps", "within", "signal", "parts", "groups", "together"}
    views = {view for sample in found["samples"] for view in sample["views"]}
    assert views == {"best", "worst", "long", "unparsed", "any"}
    steps = [row["step"] for row in found["charts"]["steps"]["data"]["values"] if row["what"] == "mean score"]
    assert steps == sorted(steps)
    assert len(steps) == 10


def test_samples_of_score_files_have_the_texts_of_what_was_scored(tmp_path):
    outs = []
    for name, right in (("a", 3), ("b", 2)):
        path = rollouts(
            tmp_path / f"{name}.jsonl", 80, lambda i, right=right: f"Final Answer: {i // 8 % 5 if i % right else 9}"
        )
        outs.append(tmp_path / f"{name}.scores.jsonl")
        here("score", path, "--reward", "table_bench", "--quiet", "--out", outs[-1], check=0)
    page = tmp_path / "p.html"
    here("report", *outs, "--html", page, check=0)
    samples = embedded(page.read_text("utf-8"))["samples"]
    for sample in samples:
        assert "Final Answer" in sample["completion"]
        assert sample["prompt"].startswith(f"question {sample['row'] // 8}")
        assert sample["reference"] == str(sample["row"] // 8 % 5)
    changed = [sample for sample in samples if "changed" in sample["views"]]
    assert {sample["file"] for sample in changed} == {"a.scores", "b.scores"}
    (tmp_path / "a.jsonl").write_text("{}")  # another file by now: its texts would be wrong ones
    told = here("report", outs[0], "--html", page, check=0).stderr
    assert "has changed since it was scored" in told
    assert all(sample["completion"] == "" for sample in embedded(page.read_text("utf-8"))["samples"])


def test_ranks_that_flip_within_prompts_are_counted(tmp_path):
    first = scores(tmp_path / "a.jsonl", [0.0, 1.0, 0.2, 0.8])
    second = scores(tmp_path / "b.jsonl", [1.0, 0.0, 0.3, 0.9])
    (one,) = json.loads(here("report", first, second, "--json", check=0).stdout)["pairs"]
    assert (one["comparable"], one["flips"]) == (2, 1)
    assert one["changed"][0] == {"prompt": "p0", "sample": 0, "first": 0.0, "second": 1.0}


def test_an_explanation_is_shown_where_a_reward_gives_one(tmp_path, monkeypatch):
    from table_rewards import TableBench

    class Told:
        def _repr_html_(self):
            return "<p>because</p>"

    monkeypatch.setattr(TableBench, "explain", lambda self, completion, reference, step: Told())
    path = rollouts(tmp_path / "r.jsonl", 16, lambda i: "Final Answer: 0")
    here("profile", path, "--reward", "table_bench", "--html", tmp_path / "p.html", check=0)
    samples = embedded((tmp_path / "p.html").read_text("utf-8"))["samples"]
    assert {sample["explanation"] for sample in samples} == {"<p>because</p>"}


def test_explanations_in_a_report_are_of_the_scores_that_are_shown(tmp_path):
    """At the training step of the scores, and none where the reward gives another score by now."""
    file = FIXTURES / "table_r1/regions.jsonl"
    here("score", file, "--reward", "table_region", "--step", 1200, "--out", tmp_path / "s.jsonl", "--quiet", check=0)
    here("report", tmp_path / "s.jsonl", "--html", tmp_path / "p.html", check=0)
    samples = embedded((tmp_path / "p.html").read_text("utf-8"))["samples"]
    assert samples
    for sample in samples:
        assert f'<span class="s">{sample["score"]:.4g}</span>' in sample["explanation"]
    changed = [{**row, "score": row["score"] / 2} for row in read(tmp_path / "s.jsonl")]
    write(tmp_path / "s.jsonl", changed)
    here("report", tmp_path / "s.jsonl", "--html", tmp_path / "p.html", check=0)
    samples = embedded((tmp_path / "p.html").read_text("utf-8"))["samples"]
    assert {sample["explanation"] for sample in samples if sample["score"]} == {""}


def test_the_signal_of_a_group_size_is_what_drawing_groups_gives(tmp_path):
    """Against every group that can be drawn."""
    from itertools import combinations

    from table_rewards.evaluation.scores.prompt_groups import PromptGroups

    prompts = {"a": [0, 0, 0, 1], "b": [1, 1, 1, 1], "c": [0, 1, 1, 0]}
    groups = PromptGroups()
    for prompt, values in prompts.items():
        for value in values:
            groups.add(prompt, float(value))
    for size, found in groups.signal().items():
        drawn = [[len(set(group)) > 1 for group in combinations(values, size)] for values in prompts.values()]
        assert found == pytest.approx(sum(sum(one) / len(one) for one in drawn) / 3)
    assert set(groups.signal()) == {2, 3, 4}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_draws_every_chart_and_lists_every_sample(tmp_path):
    path = rollouts(tmp_path / "r.jsonl", 400, lambda i: f"Final Answer: {i % 5}" if i % 9 else "No idea.")
    page = tmp_path / "p.html"
    here("profile", path, "--reward", "table_bench", "--html", page, check=0)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    more = ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'browser'}"]
    line = ["chromium", *flags, *more, "--virtual-time-budget=8000", "--dump-dom", f"file://{page}"]
    drawn = subprocess.run(line, capture_output=True, text=True, timeout=100).stdout
    found = embedded(page.read_text("utf-8"))
    body = re.sub(r"<script.*?</script>", "", drawn, flags=re.DOTALL)
    assert body.count("<svg") == len(found["charts"])
    assert body.count('role="option"') == len(found["samples"])


def test_a_picture_is_drawn(tmp_path):
    picture = tmp_path / "report.png"
    here("report", scores(tmp_path / "a.jsonl", [0.0, 0.5, 1.0, None]), "--png", picture, check=0)
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size > 5000


def test_names_tell_files_apart(tmp_path):
    paths = [tmp_path / "one" / "scores.jsonl", tmp_path / "two" / "scores.jsonl"]
    assert short_names(paths) == ["one/scores", "two/scores"]
    assert short_names([paths[0], paths[0]]) == [f"{paths[0]} (1)", f"{paths[0]} (2)"]
