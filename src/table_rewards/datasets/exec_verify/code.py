"""ExecVerify's second stage: rows with unit tests to rows for verl; responses that pass to supervised data.

The prompt's last user message gets the format that the reward pays for; the tests stay as they are, in
``ground_truth``. A row whose tests cannot be read is left out and counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.reward import Reward
from table_rewards.core.rows import Row, plain
from table_rewards.datasets.exec_verify.prompts import CODE_SUFFIX
from table_rewards.datasets.exec_verify.rows import Report
from table_rewards.datasets.files import read_batches
from table_rewards.datasets.files.batch_log import BatchLog
from table_rewards.rewards.unit_tests import UnitTestsReference

DATA_SOURCE: Final = "exec_verify_code"
BATCH: Final = 256
RESPONSES: Final = ("responses", "response", "predictions", "prediction")
_QUESTION: Final = ("question", "problem", "instruction", "question_content", "description", "text", "prompt")
_TESTS: Final = (
    *("inputs", "outputs", "fn_name", "assert_case", "test", "test_list", "test_setup_code", "test_imports", "tests"),
    *("test_info", "entry_point", "prompt", "input_output", "metadata"),
    *("public_test_cases", "private_test_cases", "public_tests", "private_tests", "generated_tests"),
)


def prepare_code(rows: Iterable[Mapping[str, Any]], report: Report, split: str = "train") -> Iterator[dict[str, Any]]:
    """Yield verl rows for the ``unit_tests`` reward.

    >>> report = Report()
    >>> eurus = {"ability": "code", "prompt": [{"role": "user", "content": "Add two numbers."}],
    ...          "reward_model": {"ground_truth": '{"inputs": ["1 2"], "outputs": ["3"]}'}}
    >>> row, = prepare_code([eurus, {**eurus, "ability": "math"}], report)
    >>> row["prompt"][0]["content"].startswith("Add two numbers."), report.left_out["not code (ability: math)"]
    (True, 1)
    """
    for number, raw in enumerate(rows):
        report.read += 1
        ability = raw.get("ability")
        if ability is not None and ability not in ("code", "coding"):
            report.left_out[f"not code (ability: {ability})"] += 1
            continue
        try:
            tests = UnitTestsReference.from_row(raw)
            messages = _messages(raw)
        except BadReference as error:
            report.left_out[f"unusable row: {str(error).partition(';')[0][:100]}"] += 1
            continue
        report.kept += 1
        report.rows[f"{tests.kind} test"] += 1
        row = Row(raw)
        shown = shown_tests(tests, "\n".join(message["content"] for message in messages))
        if shown:
            report.rows["tests-in-the-prompt"] += 1
        yield {
            "data_source": DATA_SOURCE,
            "prompt": messages,
            "ability": "code",
            "reward_model": {"style": "rule", "ground_truth": _truth(raw, row)},
            "extra_info": {
                "index": report.kept - 1,
                "split": split,
                "sample": str(row.find("id", "task_id", "question_id", default=number)),
                "type": tests.kind,
                "tests": tests.count,
                "tests_in_prompt": json.dumps(shown),
            },
        }


def shown_tests(tests: UnitTestsReference, prompt: str) -> list[int]:
    """The numbers of the tests whose input, or whole assertion, stands in the prompt, white space aside.

    A program that holds a table of the prompt's examples passes these tests. An input of ``stdin`` must stand in whole
    lines of its own; of a call the arguments must stand behind the function's name, or as they are where they are long.

    >>> tests = UnitTestsReference("asserts", ("assert add(1, 2) == 3", "assert add(5, 5) == 10"))
    >>> shown_tests(tests, "Write add.\\n>>> add(1,2)\\n3")
    [0]
    """
    lines = [" ".join(line.split()) for line in prompt.splitlines()]
    whole = f"\n{chr(10).join(line for line in lines if line)}\n"
    bare = _bare(prompt)
    found = []
    for number, text in enumerate(tests.inputs):
        if tests.kind == "stdin":
            asked = "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())
            shown = bool(asked) and (f"\n{asked}\n" in whole or (len(asked) > 8 and asked in whole))
        elif tests.kind == "calls":
            inside = _bare(text.strip()[1:-1])
            shown = f"{tests.function}({inside})" in bare or (len(inside) > 8 and inside in bare)
        else:
            call = _bare(text.strip().removeprefix("assert")).partition("==")[0]
            shown = "(" in call and call in bare
        if shown:
            found.append(number)
    return found


def _bare(text: str) -> str:
    """A text without white space and with one kind of quotes."""
    return "".join(text.split()).replace('"', "'")


def _messages(raw: Mapping[str, Any]) -> list[dict[str, str]]:
    prompt = plain(raw.get("prompt"))
    if isinstance(prompt, list) and prompt and all(isinstance(message, dict) for message in prompt):
        messages = [{"role": str(m.get("role", "user")), "content": str(m.get("content", ""))} for m in prompt]
    else:
        text = next((raw[name] for name in _QUESTION if isinstance(raw.get(name), str) and raw[name].strip()), None)
        if text is None:
            raise BadReference(f"no prompt; looked for {', '.join(_QUESTION)}")
        messages = [{"role": "user", "content": text}]
    if messages[-1]["role"] != "user":
        raise BadReference("the prompt's last message is not the user's")
    messages[-1]["content"] = messages[-1]["content"].rstrip() + CODE_SUFFIX
    return messages


def _truth(raw: Mapping[str, Any], row: Row) -> str:
    """The tests as one JSON text; an Eurus row's own text unchanged."""
    if isinstance(row.ground_truth, str) and row.ground_truth:
        text = row.ground_truth
        return text if text.lstrip()[:1] == "{" else json.dumps({"test": text}, ensure_ascii=False)
    kept = {name: plain(raw[name]) for name in _TESTS if raw.get(name) is not None}
    if isinstance(kept.get("prompt"), list):
        del kept["prompt"]
    return json.dumps(kept, ensure_ascii=False)


def passing_responses(
    rows: Iterable[Mapping[str, Any]],
    reward: Reward[Any],
    report: Report,
    *,
    least: float = 1.0,
    most: int = 1,
    log: BatchLog | None = None,
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield (row, response) for the responses that score at least ``least``, ``most`` a prompt: rejection sampling.

    A row has a prompt, a reference, and a text or a list of texts in ``prediction``, as `table-rewards generate` writes
    it, ``response`` or ``responses``. Rows of one prompt count together. Unscored responses are left out and counted,
    never taken. Batches that ``log`` has are not scored again.
    """
    taken: dict[bytes, int] = {}
    for batch in read_batches((dict(row) for row in rows), BATCH):
        pairs = [(row, text) for row in batch for text in _responses(row)]
        report.read += len(pairs)
        work = partial(_judged, reward, pairs)
        scores = work() if log is None else log.done([[_prompt_key(row).hex(), text] for row, text in pairs], work)
        for (row, text), (value, note) in zip(pairs, scores, strict=True):
            if value is None:
                report.left_out[f"unscored: {note[:80]}"] += 1
            elif value < least:
                report.left_out[f"scores below {least:g}"] += 1
            elif taken.get(prompt := _prompt_key(row), 0) >= most:
                report.left_out[f"another response than the first {most} of its prompt"] += 1
            else:
                taken[prompt] = taken.get(prompt, 0) + 1
                report.kept += 1
                yield row, text


def _judged(reward: Reward[Any], pairs: Sequence[tuple[Mapping[str, Any], str]]) -> list[tuple[float | None, str]]:
    scores = reward([text for _, text in pairs], [row for row, _ in pairs])
    return [(None if score.status == "unscored" else float(score.value), score.note) for score in scores]


def _prompt_key(row: Mapping[str, Any]) -> bytes:
    asked = row.get("prompt") or {name: value for name, value in row.items() if name not in RESPONSES}
    shown = json.dumps(plain(asked), ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).digest()


def _responses(row: Mapping[str, Any]) -> list[str]:
    found: Any = next((value for name in RESPONSES if (value := plain(row.get(name)))), [])
    return [text for text in (found if isinstance(found, list) else [found]) if isinstance(text, str)]
