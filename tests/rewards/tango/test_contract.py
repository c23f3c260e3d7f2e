"""Tango's four rewards keep the one contract."""

from __future__ import annotations

import json
import pathlib

import pytest

from contract_checks import VARIANT_CHECKS
from table_rewards import Generator, Mathematics, StepVerifier, Verifier
from table_rewards.testing.chat_server import ChatServer
from table_rewards.testing.contract import Samples
from table_rewards.testing.hostile import HOSTILE_COMPLETIONS

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tango"
EXAMPLES = [json.loads(line) for line in (FIXTURES / "prompt_examples.jsonl").read_text("utf-8").splitlines()]
SOLUTIONS = [row["prediction"] for row in EXAMPLES[:2]]
GOLDS = [row["reference"] for row in EXAMPLES[:2]]
SAID = EXAMPLES[2]["prediction"]
ROW = {"ground_truth": GOLDS[1], "verification": SAID}
WRONG = SOLUTIONS[0].replace("\\boxed{9}", "\\boxed{8}")
FORMULAS = ["so \\boxed{(x+1)^2}", "so \\boxed{x^2+1}", "none"]

SAMPLES = {
    "mathematics": Samples(
        Mathematics(timeout_s=0.3), [*SOLUTIONS, WRONG, *FORMULAS], [*GOLDS, "9", *["x^2+2x+1"] * 3]
    ),
    "mathematics, released": Samples(
        Mathematics(profile="released", timeout_s=0.3), [*SOLUTIONS, WRONG], [*GOLDS, "9"]
    ),
    "generator": Samples(Generator(timeout_s=0.3), [*SOLUTIONS, WRONG], [GOLDS[0], ROW, "9"]),
    "verifier": Samples(Verifier(), [SAID, SAID, ""], [True, False, {"label": 1, "solution": SOLUTIONS[1]}]),
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("check", VARIANT_CHECKS)
def test_contract(check, name):
    check(SAMPLES[name])


@pytest.fixture(scope="module")
def server():
    with ChatServer(reply=SAID) as running:
        yield running


@pytest.mark.parametrize("check", VARIANT_CHECKS)
def test_contract_of_the_step_verifier(check, server):
    reward = StepVerifier(endpoints=server.url, model="m", deadline_s=20, timeout_s=5)
    check(Samples(reward, [SOLUTIONS[1], ""], ["What is 5 * 3 + 1?"] * 2, HOSTILE_COMPLETIONS[:6]))
