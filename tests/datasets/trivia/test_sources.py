"""Pairs chosen by where a model looks: little overlap, no repeats, and the file that says it."""

from __future__ import annotations

import itertools
import json
import pathlib
import random

import pytest

from table_rewards import BadReference, ConfigurationError
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.trivia.sources import choose, key_of, overlap, read_source
from table_rewards.rewards.qa_f1 import QAPair

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "trivia"


def drawn(rng, count, boxes):
    if boxes:
        corners = [sorted(rng.sample(range(20), 2)) + sorted(rng.sample(range(20), 2)) for _ in range(count)]
        return [((x0, y0, x1, y1),) for x0, x1, y0, y1 in corners]
    return [frozenset(rng.sample(range(30), rng.randint(1, 8))) for _ in range(count)]


def total(sources):
    return sum(overlap(a, b) for a, b in itertools.combinations(sources, 2))


@pytest.mark.parametrize("boxes", [False, True])
def test_the_choice_overlaps_less_than_chance(boxes):
    rng = random.Random(7)
    for _ in range(20):
        sources = list(dict.fromkeys(drawn(rng, 14, boxes)))
        pairs = [QAPair(f"q{i}?", str(i)) for i in range(len(sources))]
        known = {key_of("a.png", *pair): source for pair, source in zip(pairs, sources, strict=True)}
        found = choose(pairs, "a.png", known, 5)
        picked = [sources[pairs.index(pair)] for pair in found.pairs]
        assert len(picked) == 5
        assert found.overlap == pytest.approx(total(picked))
        chance = [total(rng.sample(sources, 5)) for _ in range(200)]
        assert total(picked) <= sum(chance) / len(chance)
        assert found.pairs == sorted(found.pairs, key=pairs.index)


def test_overlap_of_boxes_is_that_of_their_areas():
    def slots(boxes):
        return {(x, y) for x0, y0, x1, y1 in boxes for x in range(x0, x1) for y in range(y0, y1)}

    rng = random.Random(1)
    for _ in range(50):
        one, other = ([b for (b,) in drawn(rng, 3, True)] for _ in range(2))
        a, b = slots(one), slots(other)
        assert overlap(tuple(one), tuple(other)) == pytest.approx(len(a & b) / len(a | b))


@pytest.mark.parametrize(
    "row", [{}, {"vs": []}, {"vs": ["3"]}, {"vs": [[0, 0, 0, 5]]}, {"vs": [True]}, {"attention": ["x"]},
            {"vs": [[0, 0, 1, float("nan")]]}]
)  # fmt: skip
def test_what_is_no_source_is_said(row):
    with pytest.raises(BadReference):
        read_source(row, 0.5)


def test_attention_needs_its_threshold():
    with pytest.raises(ConfigurationError, match="--tau"):
        read_source({"attention": [0.3]})


def test_of_two_paraphrases_about_one_place_one_stays(tmp_path, capsys):
    """The sample of training data in the fixtures, with an image for each row."""
    out = tmp_path / "chosen.jsonl"
    words = ["prepare", "trivia-questions", str(FIXTURES / "grpo_sample.jsonl"), "--out", str(out)]
    assert main([*words, "--sources", str(FIXTURES / "visual_sources.jsonl"), "--keep", "30"]) == 0
    asked = [[pair["question"] for pair in row["qa_pairs"]] for row in read_rows(out)]
    assert asked == [
        ["When did Birkenau open?", "How many tracks has Celle?"],
        ["What is the unit of the Isc current?", "What is the second value of Cell B?"],
    ]
    told = capsys.readouterr().out
    assert "4 pairs for 2 of 2 images" in told
    assert "1 pairs dropped: the same visual source as another pair" in told


def test_a_file_without_any_source_of_the_pairs_is_refused(tmp_path, capsys):
    other = tmp_path / "attn.jsonl"
    other.write_text(json.dumps({"image": "x.png", "question": "?", "answer": "1", "vs": [1]}) + "\n", "utf-8")
    words = ["prepare", "trivia-questions", str(FIXTURES / "grpo_sample.jsonl"), "--out", str(tmp_path / "o.jsonl")]
    assert main([*words, "--sources", str(other)]) == 2
    assert "no pair" in capsys.readouterr().err
