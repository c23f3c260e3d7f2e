"""The files that Table-R1's items become: rows for verl, for ms-swift, and prompt-response pairs for LLaMA-Factory."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from table_rewards.core.rows import Row
from table_rewards.core.scores import UNSCORED
from table_rewards.datasets.files.split import held_out
from table_rewards.datasets.table_r1.items import Item
from table_rewards.datasets.table_r1.prompts import direct_answer, prompt, region_line
from table_rewards.datasets.table_r1.table import Unusable, prompt_text, question_in, read_table
from table_rewards.rewards.table_bench import TableRegion
from table_rewards.rewards.table_bench.region import TAG
from table_rewards.rewards.table_bench.table_bench import CHARTS
from table_rewards.text.blocks import tagged_spans

FORMATS: Final = ("verl", "swift", "sft")
ENDINGS: Final = {"verl": ".parquet", "swift": ".jsonl", "sft": "_sft.json"}


def identity(item: Item) -> str:
    """The id of an item's prompt: the source's own, else a digest of the prompt, so that no two prompts share one."""
    return item.id or hashlib.sha256(item.prompt.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def verl_row(item: Item, index: int, split: str, data_source: str) -> dict[str, Any]:
    """Table-R1's schema. ``extra_info`` has the table too, as JSON text, so that programs can run on it."""
    return {
        "data_source": data_source,
        "prompt": [{"role": "user", "content": item.prompt}],
        "ability": "table",
        "reward_model": {
            "style": "rule",
            "ground_truth": {
                "answer": item.answer,
                "gold_area": item.region.as_json(),
                "instruction_type": item.kind,
                "qtype": item.qtype,
            },
        },
        "extra_info": {
            "index": index,
            "split": split,
            "id": identity(item),
            "qsubtype": item.qsubtype,
            "question": item.question,
            "table": item.table.as_json(),
            "region_origin": item.origin,
            "source_row": item.number,
        },
    }


def swift_row(item: Item) -> dict[str, str | list[dict[str, str]]]:
    """``messages`` and columns that are all text, which no loader retypes."""
    return {
        "messages": [{"role": "user", "content": item.prompt}],
        "solution": item.answer,
        "answer": item.answer,
        "gold_area": item.region.as_json(),
        "instruction_type": item.kind,
        "qtype": item.qtype,
        "qsubtype": item.qsubtype,
        "table": item.table.as_json(),
        "id": identity(item),
        "region_origin": item.origin,
    }


def sft_rows(items: Sequence[Item], left_out: Counter[str]) -> Iterator[dict[str, str]]:
    """``prompt`` and ``response`` of the items that have something right to learn from.

    A DP prompt needs only its labels. The other kinds need the source's response or program; the gold region is put in
    front of its conclusion, in place of any other. Each response is then scored: what does not earn the full region
    and answer is left out.

    Raises:
        ScorerFailed: the sandbox failed.
    """
    pairs = []
    for item in items:
        response = _taught(item)
        if response:
            pairs.append((item, response))
        else:
            left_out[f"{item.kind}: no response to learn from"] += 1
    if not pairs:
        return
    reward = TableRegion(weight=0.5)
    scores = reward([response for _, response in pairs], [reference(item) for item, _ in pairs])
    for place, (item, response) in enumerate(pairs):
        if scores.status[place] == UNSCORED:
            left_out[f"{item.kind}: {scores.notes[place]}"] += 1
        elif scores.parts["answer"][place] < 1.0:
            left_out[f"{item.kind}: the response answers otherwise"] += 1
        elif scores.parts["region"][place] < 1.0:
            left_out[f"{item.kind}: the response cites another region"] += 1
        else:
            yield {"prompt": item.prompt, "response": response}


def inference_rows(
    rows: Iterable[Mapping[str, Any]], kinds: Sequence[str], left_out: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Every row once a kind, with all its columns, our ``instruction`` and its ``instruction_type``.

    >>> row = {"table": {"columns": ["a"], "data": [[1]]}, "question": "Draw a.", "qtype": "Visualization"}
    >>> [made] = inference_rows([row, {}], ["PoT"], left_out := Counter())
    >>> made["instruction_type"], "plt.show()" in made["instruction"], left_out
    ('PoT', True, Counter({'no table': 1}))
    """
    for raw in rows:
        row = Row(raw)
        try:
            table = read_table(row)
            question = row.find("question", default="") or question_in(prompt_text(row))
            if not isinstance(question, str) or not question.strip():
                raise Unusable("no question")
        except Unusable as error:
            left_out[str(error)] += 1
            continue
        chart = row.find("qtype", default="") == CHARTS
        for kind in kinds:
            shown = prompt(kind, table, question.strip(), chart=chart)
            yield {**raw, "instruction_type": kind, "instruction": shown}


def reference(item: Item) -> dict[str, Any]:
    """What :class:`TableRegion` judges the item's completions by."""
    return {
        "answer": item.answer,
        "gold_area": item.region.as_json(),
        "instruction_type": item.kind,
        "qtype": item.qtype,
        "table": item.table.as_json(),
    }


class Split:
    """Which items are held out: by table, so that no table is seen on both sides, and by seed."""

    def __init__(self, tables: Sequence[bytes], train_ratio: float, seed: int) -> None:
        chosen = held_out(len(tables), train_ratio, seed)
        self._held = {tables[place] for place in chosen}

    def __call__(self, item: Item) -> str:
        """
        >>> from table_rewards.datasets.table_r1.table import Region, Table
        >>> item = Item(0, "DP", Table(("a",), ((1,),)), "Which?", "1", Region(("a",), (0,)), "answer")
        >>> Split([item.table.digest(), b"another"], 0.5, 42)(item) in ("train", "test")
        True
        """
        return "test" if item.table.digest() in self._held else "train"


def _taught(item: Item) -> str:
    if not item.response:
        return direct_answer(item.region, item.answer) if item.kind == "DP" else ""
    text = item.response.strip()
    for start, end in reversed(tagged_spans(text, TAG)):
        before, after = text[: start - len(TAG) - 2], text[end + len(TAG) + 3 :]
        text = f"{before.rstrip()}\n{after.lstrip()}".strip()
    line = region_line(item.region)
    mark = "```python" if item.kind == "PoT" else "Conclusion:" if "Conclusion:" in text else "Final Answer:"
    before, found, after = text.rpartition(mark)
    if not found:
        return ""
    return f"{before.rstrip()}\n{line}\n{found}{after}".strip()
