"""The TEDS reward as users call it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import pathlib
import pickle
import re
import sys
import threading
import time
from types import ModuleType

import numpy as np
import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.rewards.table_similarity import TEDS, TableReference
from table_rewards.tables.table import Table

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tables"
VARIANTS = [
    {},
    {"structure_only": True},
    {"normalisation": "pubtabnet"},
    {"normalisation": "omnidocbench"},
    {"denominator": "pubtabnet", "clip": False},
    {"table": "best"},
]


def rows(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (FIXTURES / f"{name}.jsonl").read_text("utf-8").splitlines()]


def grid(*lines: str) -> str:
    cells = ("".join(f"<td>{text}</td>" for text in line.split()) for line in lines)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


TRUTH = grid("Metal Melts Density", "Iron 1538 7.87", "Zinc 420 7.14")


@pytest.mark.parametrize("options", VARIANTS)
def test_identical_tables_score_one(options):
    """R1: the released reward gave 0 to every completion, an identical one too, and nobody saw it."""
    tables = [row["html"] for name in ("pubtabnet", "docling", "wikitablequestions") for row in rows(name)]
    scores = TEDS(**options)(tables, tables)
    assert scores.values.tolist() == [1.0] * len(tables)
    assert set(scores.status.tolist()) == {"scored"}


def test_the_same_table_in_any_format_scores_one():
    lines = (("Metal", "Melts", "Density"), ("Iron", "1538", "7.87"), ("Zinc", "420", "7.14"))
    otsl = "".join("".join(f"<fcel>{text}" for text in line) + "<nl>\n" for line in lines)
    markdown = "| Metal | Melts | Density |\n|---|---|---|\n| Iron | 1538 | 7.87 |\n| Zinc | 420 | 7.14 |"
    latex = r"\begin{tabular}{lrr} Metal & Melts & Density \\ Iron & 1538 & 7.87 \\ Zinc & 420 & 7.14 \\\end{tabular}"
    forms = [TRUTH, otsl, f"<think>hm</think>\n```html\n{TRUTH}\n```", markdown, latex]
    for reference in forms:
        assert TEDS()(forms, [reference] * len(forms)).values.tolist() == [1.0] * len(forms)


def test_pubtabnet_published_scores():
    cases = rows("pubtabnet_scores")
    reward = TEDS(normalisation="pubtabnet", denominator="pubtabnet", clip=False)
    scores = reward([case["prediction"] for case in cases], [case["reference"] for case in cases])
    np.testing.assert_allclose(scores.values, [case["expected_teds"] for case in cases], rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        scores.parts["structure"], [case["computed_s_teds"] for case in cases], rtol=0, atol=1e-9
    )


def load(name: str) -> ModuleType:
    """A module of benchmarks/."""
    spec = importlib.util.spec_from_file_location(name, FIXTURES.parents[1] / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_omnidocbench_scores_are_those_of_the_seeds_pipeline():
    """TRivia's pipeline, R1 mended, rebuilt from beautifulsoup, lxml and apted: equal on damaged real tables.

    Left out, see docs/tables.md: tables cut inside a tag, texts with "<" or ">", wrappers with an id.
    """
    published_teds, made = load("teds_published_way").published_teds, load("table_variants")
    real = [str(row["html"]) for name in ("pubtabnet", "docling") for row in rows(name)]
    pairs = [(case["prediction"], case["reference"]) for case in rows("pairs")]
    for seed, (_, table) in enumerate(made.real_tables("pubtabnet", "docling")):
        if table.size <= 40:
            variants = made.variants(table, seed)
            kind = sorted(variants)[seed % len(variants)]
            pairs.append((variants[kind], real[seed]))
    pairs = [pair for pair in pairs if not any(re.search("&[lg]t;|> [^<]|<[^>]*$|<(div|p) id", text) for text in pair)]
    assert len(pairs) > 25
    reward = TEDS(normalisation="omnidocbench", denominator="pubtabnet", clip=False)
    found = reward([str(one) for one, _ in pairs], [two for _, two in pairs]).values
    np.testing.assert_allclose(found, [published_teds(*pair) for pair in pairs], rtol=0, atol=1e-9)


def test_omnidocbench_differs_from_the_seeds_pipeline_where_that_resolves_entities_twice_and_nowhere_else():
    """Resolved once there too, and a tag that the end cuts dropped, no pair of damaged tables differs.

    Left out: a text that ends inside an entity, of which html.parser loses the ampersand.
    """
    published_teds, made = load("teds_published_way").published_teds, load("table_variants")
    pairs = []
    for seed, (_, table) in enumerate(made.real_tables("pubtabnet", "docling")):
        if table.size <= 30:
            variants = made.variants(table, seed)
            pairs += [(variants[kind], variants["identical"]) for kind in ("light_typos", "heavy_typos", "truncated")]
    pairs += [(noise.replace("<td>", "<td>&lt;b ", 2), truth) for noise, truth in pairs[::2]]
    pairs = [pair for pair in pairs if not re.search(r"&#?\w*$", pair[0])]
    assert sum(bool(re.search("<[^>]*$", one)) for one, _ in pairs) > 5
    assert sum("&lt;" in one for one, _ in pairs) > 25
    reward = TEDS(normalisation="omnidocbench", denominator="pubtabnet", clip=False)
    found = reward([one for one, _ in pairs], [two for _, two in pairs]).values
    np.testing.assert_allclose(found, [published_teds(*pair, mended=True) for pair in pairs], rtol=0, atol=1e-9)
    released = np.array([published_teds(*pair) for pair in pairs])
    assert (abs(found - released) > 0.02).sum() > 10, "the released pipeline is what the comparison is about"


@pytest.mark.parametrize(
    ("read", "true", "ours", "there"),
    [
        # ours: one letter of the text, of 6 nodes; there "<n.s" is a seventh, and the cell behind it its content
        pytest.param("&lt;n.s", "&lt;p.s", 1 - 1 / 4 / 6, 1 - 2 / 7 / 7, id="both texts begin like tags"),
        pytest.param("&lt;j.00", "&lt;0.00", 1 - 1 / 5 / 6, 1 - (1 + 4 / 7) / 7, id="a digit misread as a letter"),
        pytest.param("&lt;5.00", "&lt;0.00", 1 - 1 / 5 / 6, 1 - 1 / 5 / 6, id="no tag begins with a digit"),
        pytest.param("x &gt; 2", "x &gt;2", 1 - 1 / 5 / 6, 1.0, id="a space behind a bracket"),
    ],
)
def test_a_less_than_sign_is_a_text_and_no_tag(read, true, ours, there):
    """The least cases of the differences: the cells of "<j.00 | 0.1" are two, whatever stands behind the "<"."""
    one, two = (f"<table><tr><td>{t}</td><td>0.1</td></tr><tr><td>c</td><td>d</td></tr></table>" for t in (read, true))
    reward = TEDS(normalisation="omnidocbench", denominator="pubtabnet", clip=False)
    assert reward([one], [two]).values[0] == pytest.approx(ours, abs=1e-12)
    published_teds = load("teds_published_way").published_teds
    assert published_teds(one, two) == pytest.approx(there, abs=1e-12)
    assert published_teds(one, two, mended=True) == pytest.approx(ours, abs=1e-12)


def test_real_predictions_score_between_the_worst_and_the_best():
    cases = rows("pairs")
    scores = TEDS()([case["prediction"] for case in cases], [case["reference"] for case in cases])
    assert (scores.values > 0).all()
    assert (scores.values <= 1).all()
    assert (scores.parts["structure"] >= scores.parts["teds"] - 1e-12).all()


@pytest.mark.parametrize(
    ("completion", "value", "status", "note"),
    [
        (TRUTH, 1.0, "scored", ""),
        ("", 0.0, "unparsed", "no table"),
        ("I cannot read it.", 0.0, "unparsed", "no table"),
        ("<table></table>", 0.0, "unparsed", "the table holds no cell"),
        (f"<think>{TRUTH}", 0.0, "unparsed", "no table"),
        (grid("x") + TRUTH, 0.0833, "scored", "several tables, the first one counts"),
        (TRUTH + " " * 1_000_000 + TRUTH, 1.0, "scored", "cut at 1,000,000 characters"),
    ],
)
def test_notes_tell_why(completion, value, status, note):
    score = TEDS()([completion], [TRUTH])[0]
    assert (round(score.value, 4), score.status, score.note) == (value, status, note)


@pytest.mark.parametrize(("which", "value"), [("first", 0.0833), ("last", 1.0), ("best", 1.0)])
def test_which_table_counts(which, value):
    assert TEDS(table=which)([grid("x") + TRUTH], [TRUTH]).values.round(4).tolist() == [value]


def test_an_unusable_reference_is_unscored_and_touches_no_other():
    scores = TEDS()([TRUTH, TRUTH, TRUTH], [TRUTH, "no table here", TRUTH])
    assert scores.status.tolist() == ["scored", "unscored", "scored"]
    assert np.isnan(scores.values[1])
    assert "no table with a cell in 'no table here'" in scores.notes[1]


def test_the_placeholder_of_an_unlabelled_row_scores_zero_as_in_trivia():
    scores = TEDS()([TRUTH], ["<table></table>"])
    assert (scores.values.tolist(), scores.status.tolist()) == ([0.0], ["scored"])
    assert "no label" in scores.notes[0]


def test_clip_and_raw_scores():
    """Raw TEDS goes below 0: nothing in common, and more edits than nodes."""
    bad = [grid("a b c d e f"), grid(*"uvwxyz")]
    raw, clipped = TEDS(clip=False)(bad[:1], bad[1:]), TEDS()(bad[:1], bad[1:])
    assert raw.values[0] < 0
    assert clipped.values[0] == 0
    assert clipped.parts["teds"][0] == 0


def test_structure_only_looks_at_no_text():
    scores = TEDS(structure_only=True)([grid("a b c", "d e f", "g h i")], [TRUTH])
    assert scores.values.tolist() == [1.0]
    assert list(scores.parts) == ["structure"]
    assert list(TEDS()([TRUTH], [TRUTH]).parts) == ["teds", "structure"]


def test_oversize_is_a_stated_bound_and_quick():
    big = [grid(*(f"{p}{i} {p}{i}x" for i in range(9_000))) for p in "ab"]
    start = time.perf_counter()
    score = TEDS()(big[:1], big[1:])[0]
    assert time.perf_counter() - start < 30  # of a busy machine; the distance itself would take hours
    assert "oversize: 27,001 x 27,001 nodes; a lower bound" in score.note
    assert 0 <= score.value < 0.5


def test_texts_too_long_to_compare_say_so():
    """20 billion character pairs; what one completion of a group is, the others are not."""
    long = [f"<table><tr><td>{text * 75_000}</td></tr></table>" for text in ("ab", "ba")]
    scores = TEDS()([long[0], long[1], grid("ab")], long[1:] * 3)
    assert list(scores.notes) == [
        "oversize texts: the longest ones are compared by their common beginning and end; a lower bound",
        "",
        "",
    ]
    assert scores.values[1] == 1.0
    assert scores.parts["structure"].tolist() == [1.0] * 3


def test_the_bound_depends_on_the_pair_alone():
    one, two = grid(*(f"a{i} b{i}" for i in range(80))), grid(*(f"a{i} c{i}" for i in range(80)))
    reward, exact = TEDS(max_comparisons=500), TEDS()
    values = [reward([one], [two]).values[0], reward([TRUTH, one, two], [two, two, two]).values[1]]
    assert values[0] == values[1] <= exact([one], [two]).values[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalisation": "pubtabnets"}, "did you mean 'pubtabnet'"),
        ({"denominator": "nodes"}, "known: compared, pubtabnet"),
        ({"table": "second"}, "known: first, last, best"),
        ({"clip": "yes"}, "clip must be True or False, not 'yes'"),
        ({"structure_only": 1}, "structure_only must be True or False"),
        ({"max_comparisons": 0}, "max_comparisons must be a positive whole number, not 0"),
        ({"profile": "released"}, "the released reward is 0 for every completion"),
        ({"profile": "fixed"}, "profile"),
    ],
)
def test_misconfiguration_is_refused_at_construction(options, message):
    with pytest.raises(ConfigurationError, match=message):
        TEDS(**options)


@pytest.mark.parametrize(
    "row",
    [
        {"ground_truth": TRUTH},
        {"reward_model": {"ground_truth": TRUTH, "style": "rule"}, "data_source": "x"},
        {"solution": TRUTH},
        {"extra_info": {"html": TRUTH}},
        {"ground_truth": {"table": TRUTH}},
        TableReference(TRUTH),
        TRUTH,
        np.str_(TRUTH),
        Table.of([["Metal", "Melts", "Density"], ["Iron", "1538", "7.87"], ["Zinc", "420", "7.14"]]),
    ],
)
def test_references_come_from_rows_texts_and_tables(row):
    assert TEDS()([TRUTH], [row]).values.tolist() == [1.0]


def test_a_row_without_a_table_says_what_it_has():
    assert "no 'table'" in TEDS()([TRUTH], [{"answer": "7"}]).notes[0]


def test_exact_numbers_makes_a_wrong_figure_wrong_and_leaves_right_ones_right():
    truth = "| City | People |\n|---|---|\n| Oslo | 709,037 |"
    wrong, written_otherwise = truth.replace("037", "038"), truth.replace("709,037", "709037")
    strict, published = TEDS(exact_numbers=True), TEDS()
    assert strict([truth, wrong], [truth] * 2).values.tolist() == pytest.approx([1.0, 1 - 1 / 6])
    assert published([wrong], [truth]).values[0] == pytest.approx(1 - 1 / 7 / 6)
    assert strict([written_otherwise], [truth]).values[0] == published([written_otherwise], [truth]).values[0]
    assert strict([truth.replace("Oslo", "Osla")], [truth]).values[0] == pytest.approx(1 - 1 / 4 / 6)
    assert strict.parts == published.parts
    assert "exact_numbers=yes" in strict.signature
    assert strict([wrong], [truth]).parts["structure"].tolist() == [1.0]


def test_signature_names_every_option():
    assert TEDS(normalisation="pubtabnet", clip=False).signature.startswith(
        "teds:structure=no,normalisation=pubtabnet,denominator=compared,clip=no,table=first,"
    )
    assert len({TEDS(**options).signature for options in VARIANTS}) == len(VARIANTS)


def test_batches_do_not_matter():
    """Order and company change no score, bit for bit."""
    tables = [str(row["html"]) for row in rows("pubtabnet")][:14]
    completions = [tables[i] for i in range(14)] + [table.replace("<td>", "<td>x", 3) for table in tables]
    references = [tables[i // 4] for i in range(14)] + tables
    together = TEDS()(completions, references)
    alone = [TEDS()([c], [r]).values[0] for c, r in zip(completions, references, strict=True)]
    assert together.values.tolist() == alone
    assert TEDS()(completions[::-1], references[::-1]).values.tolist() == alone[::-1]


def test_works_in_a_thread_in_a_loop_and_after_pickling():
    reward = pickle.loads(pickle.dumps(TEDS()))
    expected = reward([TRUTH], [TRUTH]).values.tolist()
    assert asyncio.run(reward.score([TRUTH], [TRUTH])).values.tolist() == expected
    found: list[list[float]] = []
    threads = [
        threading.Thread(target=lambda: found.append(reward([TRUTH], [TRUTH]).values.tolist())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
