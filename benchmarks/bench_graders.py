r"""Graders of mathematics on the same adjudicated answers: false accepts, false rejects, seconds.

    python -m pip install --no-deps --target graders trl verl mathruler pylatexenc
    python benchmarks/bench_graders.py [--peers graders] [--limit N]

The answers are those of fixtures/mathematics/cases.jsonl (each with a reason), and gold answers of MATH rewritten and
changed by tests/rewards/mathematics/test_rewrites.py. Each grader is called as its documentation says, in a process of
its own, one answer at a time, with 10 s for each; one that raises or takes longer counts as a reject, as in a trainer.
Peers are installed without their dependencies: their graders' modules are loaded alone. A grader that cannot be loaded
is named with the reason. "wrong accepted" is what a policy learns to exploit, "right refused" what it unlearns.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import logging
import pathlib
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

from figures import left_out, table

ROOT = pathlib.Path(__file__).parents[1]
SECONDS_EACH = 10
Grader = Callable[[str, str], bool]


def cases(limit: int | None) -> list[tuple[str, str, bool, str]]:
    """(completion, gold answer, whether it is right, question)."""
    rows = [json.loads(line) for line in (ROOT / "fixtures/mathematics/cases.jsonl").read_text("utf-8").splitlines()]
    found = []
    for row in rows:
        reference = row["reference"] if isinstance(row["reference"], dict) else {"ground_truth": row["reference"]}
        if isinstance(row["completion"], str) and "options" not in row and "\\boxed" not in reference["ground_truth"]:
            right = row["expect"] == "right"
            found.append((row["completion"], reference["ground_truth"], right, reference.get("question", "")))
    specification = importlib.util.spec_from_file_location(
        "test_rewrites", ROOT / "tests/rewards/mathematics/test_rewrites.py"
    )
    assert specification is not None
    assert specification.loader is not None
    rewrites = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(rewrites)
    for right, changes in ((True, rewrites.BENIGN), (False, rewrites.WRONG)):
        for change in changes.values():
            pairs = [(gold, answer) for gold in rewrites.GOLDS if (answer := change(gold)) and answer != gold]
            found.extend((f"Hence $\\boxed{{{answer}}}$.", gold, right, "") for gold, answer in pairs[:20])
    return found[:limit]


def module_alone(name: str) -> Any:
    """A module of a package whose own ``__init__`` asks for more than the module does."""
    package = name.partition(".")[0]
    specification = importlib.util.find_spec(package)
    if specification is None or not specification.submodule_search_locations:
        raise ImportError(f"{package} is not installed")
    folder = pathlib.Path(next(iter(specification.submodule_search_locations)))
    for depth in range(name.count(".")):
        part = ".".join(name.split(".")[: depth + 1])
        stand_in = types.ModuleType(part)
        stand_in.__path__ = [str(folder.joinpath(*part.split(".")[1:]))]
        sys.modules.setdefault(part, stand_in)
    return importlib.import_module(name)


def ours(**options: Any) -> Grader:
    from table_rewards import Mathematics

    reward = Mathematics(**options)
    reward(["\\boxed{x+1}"], ["1+x"])
    return lambda completion, gold: reward([completion], [gold]).values[0] == 1


def math_verify() -> Grader:
    from math_verify import parse, verify

    return lambda completion, gold: bool(verify(parse(f"\\boxed{{{gold}}}"), parse(completion)))


def trl() -> Grader:
    accuracy = module_alone("trl.rewards.accuracy_rewards").accuracy_reward

    def grade(completion: str, gold: str) -> bool:
        return bool(accuracy([[{"content": completion}]], [f"${gold}$"])[0] == 1.0)

    return grade


def verl_of_math() -> Grader:
    score = module_alone("verl.utils.reward_score.math_reward").compute_score
    return lambda completion, gold: score(completion, gold) == 1.0


def verl_dapo() -> Grader:
    score = module_alone("verl.utils.reward_score.math_dapo").compute_score
    return lambda completion, gold: bool(score(completion, gold, strict_box_verify=True)["acc"])


def verl_prime() -> Grader:
    helper = types.ModuleType("verl.utils.py_functional")  # the time limit, which is ours here

    def timeout_limit(*_: Any, **__: Any) -> Callable[[Any], Any]:
        return lambda function: function

    helper.timeout_limit = timeout_limit  # type: ignore[attr-defined]
    sys.modules["verl.utils.py_functional"] = helper
    score = module_alone("verl.utils.reward_score.prime_math").compute_score
    return lambda completion, gold: bool(score(completion, gold)[0])


def mathruler() -> Grader:
    grader = module_alone("mathruler.grader")
    return lambda completion, gold: bool(grader.grade_answer(grader.extract_boxed_content(completion), gold))


GRADERS: dict[str, Callable[[], Grader]] = {
    "table-rewards": ours,
    'table-rewards, answer_form="any"': lambda: ours(answer_form="any"),
    'table-rewards, answer_form="same"': lambda: ours(answer_form="same"),
    "math-verify": math_verify,
    "TRL accuracy_reward": trl,
    "verl math_reward": verl_of_math,
    "verl math_dapo": verl_dapo,
    "verl prime_math": verl_prime,
    "mathruler": mathruler,
}


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def judge(name: str, limit: int | None) -> dict[str, Any]:
    """The counts of one grader, in this process."""
    logging.disable(logging.CRITICAL)
    grade = GRADERS[name]()
    rows = cases(limit)
    accepted, refused, failed = [], [], 0
    begin = time.perf_counter()
    for completion, gold, right, question in rows:
        reference: Any = {"ground_truth": gold, "question": question} if name.startswith("table") and question else gold
        try:
            with limited(SECONDS_EACH):
                verdict = grade(completion, reference)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            verdict, failed = False, failed + 1
        if verdict and not right:
            accepted.append((completion[-60:], gold))
        elif right and not verdict:
            refused.append((completion[-60:], gold))
    seconds = time.perf_counter() - begin
    right_ones = sum(row[2] for row in rows)
    return {
        "right": right_ones, "wrong": len(rows) - right_ones, "accepted": len(accepted), "refused": len(refused),
        "failed": failed, "seconds": seconds, "examples": accepted[:3] + refused[:3],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=pathlib.Path, help="the folder that the peers were installed into")
    parser.add_argument("--limit", type=int, help="the first N answers only")
    parser.add_argument("--grader", choices=GRADERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peers:
        sys.path.append(str(options.peers.resolve()))
    if options.grader:
        print(json.dumps(judge(options.grader, options.limit)))
        return 0
    rows: list[list[Any]] = []
    counts = {"right": 0, "wrong": 0}
    for name in GRADERS:
        command = [sys.executable, __file__, "--grader", name]
        command += ["--peers", str(options.peers)] if options.peers else []
        command += ["--limit", str(options.limit)] if options.limit else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=3_600)
        if done.returncode:
            left_out(name, done.stderr.strip().splitlines()[-1][:90])
            continue
        counts = found = json.loads(done.stdout.splitlines()[-1])
        each = found["seconds"] / (found["right"] + found["wrong"]) * 1_000
        rows.append([name, found["accepted"], found["refused"], found["failed"], each])
        print(f"  {name} done", flush=True)
    table(
        f"Adjudicated answers, {counts['right']:,} right and {counts['wrong']:,} wrong ones",
        ["grader", "wrong accepted", "right refused", "raised or out of time", "ms an answer"],
        rows,
        formats=["{}", "{:,}", "{:,}", "{:,}", "{:.2f}"],
        note="One answer at a time, 10 s for each, as each grader's documentation calls it",
        plot={
            "kind": "bars", "x": "grader", "y": ["wrong accepted", "right refused"], "label": "answers judged wrongly",
        },
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
