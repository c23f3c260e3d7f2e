"""docs/profiles.md: what each numbered defect of a reward gives, as its authors' code gave it, and what is meant.

Values under "released" are those that the published functions returned for these inputs.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import table_rewards
from table_rewards import ConfigurationError, Reward

PAGE = Path(__file__).resolve().parents[2] / "docs" / "profiles.md"
FUNCTION = "def f(a, b):\n    return a + b"
IO = {"type": "io_mixed", "func_str": FUNCTION, "func_name": "f", "func_args": "1, 2", "result": "3"}
OI = {"type": "oi", "func_str": FUNCTION, "func_name": "f", "result": "3"}
THREE = "<step>a</step><step>b</step><step>c</step>"


TABLE = {"columns": ["a"], "data": [[1]]}


def table_bench(answer, **more):
    return {
        "table": TABLE,
        "answer": answer,
        "qtype": "NumericalReasoning",
        "qsubtype": "Counting",
        "instruction_type": "DP",
        **more,
    }


def region(area="", answer="7", kind="DP"):
    return {"answer": answer, "gold_area": area, "instruction_type": kind, "qtype": "NumericalReasoning"}


def white(path=(), state=(), **more):
    return {
        **IO,
        "question_answers": {"path_answers": [list(path)] * bool(path), "state_as": [list(state)] * bool(state)},
        **more,
    }


def said(*lines):
    return "<answer>\n" + "\n".join(lines) + "\n</answer>"


def unit_tests(inputs, outputs, **more):
    return {"inputs": inputs, "outputs": outputs, **more}


def program(text):
    return f"<answer>\n```python\n{text}\n```\n</answer>"


def math(gold, source="StrategyQA"):
    return {"data_source": source, "reward_model": {"ground_truth": gold}}


def verdicts(*steps, final="\\boxed{CORRECT}"):
    inside = "".join(f"<step>{step}</step>" for step in steps)
    return f"<step_verification>{inside}</step_verification><final_verification>{final}</final_verification>"


RIGHT = {"label": 1.0, "solution": f"<think>{THREE}</think><answer>\\boxed{{4}}</answer>"}
CORRECT = "x \\boxed{CORRECT}"
SCORES = '{"A": 8, "B": 3}'

VALUES = [  # defect, reward, completion, reference, released, corrected
    ("B1", "TableBench", "Final Answer: 1.06", table_bench("10.6"), 1, 0),
    ("B1", "TableBench", "Final Answer: 106", table_bench("10.6"), 1, 0),
    ("B1", "TableBench", "Final Answer: 5", table_bench("-5"), 1, 0),
    ("B1", "TableBench", "Final Answer: 10%", table_bench("10"), 1, None),
    ("B1", "TableBench", "Final Answer: 10.60", table_bench("10.6"), 0, 1),
    ("B1", "TableBench", "Final Answer: 7.0", table_bench("7"), 0, 1),
    ("B1", "TableBench", "Final Answer: Paris", table_bench("Paris, Rome"), 0, 0.5),
    ("B5", "TableBench", "Final Answer: 7\nFinal Answer: 8", table_bench("8"), 0, 1),
    ("B5", "TableBench", "Final Answer:7", table_bench("7"), 0, 1),
    ("B5", "TableBench", "Final Answer:\n7", table_bench("7"), 0, 1),
    ("B10", "TableBench", "```python\nprint(7)\n```", table_bench("7", instruction_type="PoT"), 1, 0),
    ("B12", "TableBench", "I do not know.", table_bench("-"), 1, 0),
    (
        "B13",
        "TableBench",
        "```python\nk = 2\ndef g():\n    return k\nprint(f'Final Answer: {g()}')\n```",
        table_bench("2", instruction_type="PoT"),
        0,
        1,
    ),
    ("T2", "TableRegion", "```python\nprint('Final Answer: 7')\n```", region(kind="PoT"), 0, None),
    ("T3", "TableRegion", "Final Answer: 7<|im_end|>", region(), 0, None),
    ("T5", "TableRegion", "Final Answer: 22.999", region(answer="23.0"), 0, None),
    ("T5", "TableRegion", "Final Answer: 1,000", region(answer="1000"), 0, None),
    ("T5", "TableRegion", "Final Answer: 1000", region(answer="1000.9"), 0.9, None),
    ("T8", "TableRegion", "Final Answer: 7" + "\n" * 25, region(), 0, None),
    ("G3", "Verifier", verdicts(CORRECT, CORRECT, CORRECT, final="\n\\boxed{CORRECT}\n"), RIGHT, 0, 1.8),
    ("G3", "Verifier", verdicts(CORRECT, CORRECT, CORRECT), RIGHT, 1.8, 1.8),
    ("G8", "Mathematics", "\\boxed{true}", math("True"), 0, 1),
    ("G8", "Mathematics", "\\boxed{10 km}", math("10"), 1, None),
    ("G8", "Mathematics", "\\boxed{b, a}", math("a, b"), 0, None),
    ("G8", "Mathematics", "yes", math("yes"), 1, None),
    ("G8", "Mathematics", "\\boxed{4} \\boxed{5", math("4"), 0, None),
    ("G8", "Mathematics", "\\boxed{the Beatles}", math("Beatles"), 0, 1),
    ("E1", "UnitTests", program("print(1)"), unit_tests(["1"], ["2"]), 0, 0.05),
    ("E2", "WhiteBox", said("assert True # 1, 2"), {**IO, "question_answers": {}}, 2, 0),
    ("E2", "WhiteBox", said("assert f(1, 2) == f(1, 2)"), {**IO, "question_answers": {}}, 2, 0),
    ("E2", "WhiteBox", said("assert f(1,2) == 3"), {**IO, "question_answers": {}}, 0, 1),
    ("E3", "WhiteBox", program("pass"), OI, 2, 0),
    ("E4", "WhiteBox", said("assert f(1, 2) == 3"), {**IO, "question_answers": {}}, 2, 1),
    ("E4", "WhiteBox", said("assert f(1, 2) == 3"), white(), 1, 1),
    ("E5", "WhiteBox", said("assert f(1, 2) == 3", "1; Int"), white(state=[["int", "1"]]), 1, 1),
    ("E5", "WhiteBox", said("assert f(1, 2) == 3", "a;b; str"), white(state=[["str", "a;b"]]), 1, 1),
    ("M3", "ScalarQuality", "10", {"score": 10}, 0, 1),
    ("M5", "Ranking", "c\n\n### R:\n\nA > B\n\n### S:\n\nA: 108, B: 103", {"scores": SCORES}, 2, None),
]


PARTS = [  # defect, reward, part, completion, reference, released, corrected
    (
        "T6",
        "TableRegion",
        "region",
        'Final Answer: 7 <gold_area>{"columns": [], "rows": []}</gold_area>',
        region(),
        0,
        None,
    ),
    (
        "T6",
        "TableRegion",
        "region",
        '<gold_area>{"columns": ["a"],\n "rows": [0]}</gold_area>\nFinal Answer: 7',
        region('{"columns": ["a"], "rows": [0]}'),
        0,
        1,
    ),
    (
        "T6",
        "TableRegion",
        "region",
        '<gold_area>{"columns": ["a [m]"], "rows": [0]}</gold_area>\nFinal Answer: 7',
        region('{"columns": ["a [m]"], "rows": [0]}'),
        0.5,
        1,
    ),
    ("G4", "Verifier", "format", verdicts("x", CORRECT, CORRECT), RIGHT, 0.2, None),
    ("G5", "Generator", "format", f"{THREE}<answer>so \\boxed{{4}}</answer>", math("4"), 0.2, None),
    ("G5", "Generator", "format", f"junk{THREE}<answer>\\boxed{{4}}</answer>junk", math("4"), 1, None),
    ("G13", "Generator", "format", f"<answer>{THREE}</answer>", math("4"), 0.2, None),
]

ELSEWHERE = {  # what has no value of one completion, and the test that shows it
    "B2": "evaluation/test_tablebench.py",
    "B3": "evaluation/test_tablebench.py",
    "B4": "evaluation/test_tablebench.py",
    "B7": "evaluation/test_tablebench.py",
    "B8": "rewards/table_bench/test_table_bench.py",
    "B9": "rewards/table_bench/test_charts.py",
    "T1": "rewards/table_bench/test_table_region.py",
    "T4": "frameworks/test_advantages.py",
    "T7": "rewards/table_bench/test_table_region.py",
    "T9": "datasets/table_r1/test_labels.py",
    "T10": "commands/prepare/test_table_r1.py",
    "R1": "rewards/table_similarity/test_teds.py",
    "R2": "llm/test_endpoints.py",
    "R3": "rewards/qa_f1/test_f1.py",
    "R4": "rewards/qa_f1/test_reward.py",
    "R5": "tables/formats/test_otsl.py",
    "R6": "docs/test_recipes.py",
    "R8": "datasets/trivia/test_rows.py",
    "R9": "datasets/trivia/test_images.py",
    "G1": "frameworks/test_advantages.py",
    "G7": "rewards/tango/test_generator.py",
    "G9": "datasets/tango/test_problems.py",
    "G10": "datasets/tango/test_prompts.py",
    "G11": "rewards/tango/test_steps.py",
    "G12": "rewards/tango/test_steps.py",
    "G14": "datasets/tango/test_verifications.py",
    "G15": "datasets/tango/test_prompts.py",
    "G16": "datasets/tango/test_verifications.py",
    "G20": "datasets/tango/test_difficulty.py",
    "G22": "frameworks/test_advantages.py",
    "G23": "frameworks/test_advantages.py",
    "G24": "frameworks/test_advantages.py",
    "G25": "rewards/test_released.py",
    "G26": "rewards/test_released.py",
    "E6": "datasets/exec_verify/test_tracing.py",
    "E7": "datasets/exec_verify/test_rows.py",
    "E8": "rewards/unit_tests/test_reward.py",
    "E9": "datasets/exec_verify/test_pipeline.py",
    "E10": "datasets/exec_verify/test_pipeline.py",
    "E11": "datasets/exec_verify/test_pipeline.py",
    "E12": "datasets/exec_verify/test_pipeline.py",
    "E13": "datasets/exec_verify/test_tracing.py",
    "E14": "datasets/exec_verify/test_hash_seeds.py",
    "E15": "commands/prepare/test_exec_verify_pipeline.py",
    "E16": "datasets/exec_verify/test_pipeline.py",
    "E17": "evaluation/execution/test_cruxeval.py",
    "E18": "evaluation/execution/test_cruxeval_x.py",
    "E19": "rewards/unit_tests/test_released.py",
    "E20": "rewards/unit_tests/test_released.py",
    "E21": "rewards/unit_tests/test_released.py",
    "E22": "evaluation/execution/test_cruxeval_x.py",
    "E23": "evaluation/execution/test_cruxeval_x.py",
    "M1": "rewards/ranking/test_reward.py",
    "M2": "evaluation/test_ranking.py",
    "M4": "rewards/group_judge/test_reward.py",
    "M6": "rewards/ranking/test_reward.py",
    "M7": "rewards/group_judge/test_reward.py",
    "M8": "datasets/grrm/test_rows.py",
    "M11": "rewards/ranking/test_template.py",
    "M12": "evaluation/test_ranking.py",
    "M13": "datasets/grrm/test_annotation.py",
    "M14": "datasets/grrm/test_translation.py",
}
READ = {  # of scripts and configurations: said on the page, with nothing of ours that could compute it
    *("B6", "B11", "T11", "T12", "R7", "R10", "G2", "G6", "G17", "G18", "G19", "G21", "M9", "M10"),
}


def worth(name, profile, completion, reference):
    return float(getattr(table_rewards, name)(profile=profile)([completion], [reference]).values[0])


@pytest.mark.parametrize(("defect", "reward", "completion", "reference", "released", "corrected"), VALUES)
def test_each_defect_gives_its_published_value(defect, reward, completion, reference, released, corrected):
    assert f"| {defect} |" in PAGE.read_text("utf-8")
    assert worth(reward, "released", completion, reference) == pytest.approx(released, abs=1e-6)
    if corrected is not None:
        assert worth(reward, "corrected", completion, reference) == pytest.approx(corrected, abs=1e-6)


@pytest.mark.parametrize(("defect", "reward", "part", "completion", "reference", "released", "corrected"), PARTS)
def test_each_defect_of_a_part_gives_its_published_value(
    defect, reward, part, completion, reference, released, corrected
):
    assert f"| {defect} |" in PAGE.read_text("utf-8")
    for profile, wanted in (("released", released), ("corrected", corrected)):
        if wanted is not None:
            scores = getattr(table_rewards, reward)(profile=profile)([completion], [reference])
            assert scores.parts[part][0] == pytest.approx(wanted, abs=1e-6), profile


def test_every_number_of_the_page_has_a_test_that_names_it():
    cells = re.findall(r"^\| ([A-Z]\d+(?:, [A-Z]\d+)*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    numbered = {number for cell in cells for number in cell.split(", ")}
    shown = {row[0] for row in (*VALUES, *PARTS)}
    assert numbered == shown | ELSEWHERE.keys() | READ
    for number, path in ELSEWHERE.items():
        source = (PAGE.parents[1] / "tests" / path).read_text("utf-8")
        assert re.search(rf"(?i)(?<![a-z]){number}(?!\d)", source), (number, path)


REFUSED = {
    "TEDS": "defect R1",
    "CellF1": "no system released",
    "GriTS": "no system released",
    "GroupJudge": "fork of verl",
    "ScalarJudge": "fork of verl",
    "StepVerifier": "asks no endpoint",
}


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_a_profile_that_there_is_not_is_refused_at_construction_with_its_reason(name, reason):
    asks = {"endpoints": "http://127.0.0.1:9", "model": "m"} if "Judge" in name or name == "StepVerifier" else {}
    with pytest.raises(ConfigurationError, match=f"no released profile.*{reason}"):
        getattr(table_rewards, name)(profile="released", **asks)


def test_every_reward_has_a_released_profile_or_refuses_it():
    rewards = {name for name in table_rewards.__all__ if _has_profile(getattr(table_rewards, name))}
    shown = {row[1] for row in (*VALUES, *PARTS)} | {"QAF1"}
    assert rewards == shown | REFUSED.keys()


def _has_profile(thing):
    made = inspect.isclass(thing) and issubclass(thing, Reward) and thing is not Reward
    return made and "profile" in inspect.signature(thing).parameters
