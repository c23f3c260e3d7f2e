"""Table-R1's reward as released: regions read and compared by its code, programs never run (T2, T5, T6, T8)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from table_rewards.core.scores import NAN, Judgement
from table_rewards.rewards.table_bench.mixing import mixed, unless_looping
from table_rewards.rewards.table_bench.region import MAX_ITEMS, MAX_ROW
from table_rewards.rewards.table_bench.released import ReleasedMethod
from table_rewards.rewards.table_bench.table_bench import NO_ANSWER, POT
from table_rewards.text.caching import cache_short
from table_rewards.text.final_answer import released_final_answer

_RELEASED_TAG: Final = re.compile(r"<gold_area>(.*?)</gold_area>")
_RELEASED_LIST: Final = {name: re.compile(rf'"{name}":\s*(\[.*?\])', re.DOTALL) for name in ("columns", "rows")}


class ReleasedRegions:
    """How the released code judges a batch."""

    def judged(self, completions: Sequence[str], references: Sequence[Any], weight: float) -> list[Judgement]:
        """Judge completions against region references."""
        seen: dict[tuple[Any, ...], Judgement] = {}
        judged = []
        for completion, reference in zip(completions, references, strict=True):
            program = reference.instruction_type == POT
            found = None if program else released_final_answer(completion)
            cited = released_citation(completion)
            executed = float(ReleasedMethod().program(completion) is not None) if program else NAN
            key = (found, cited, id(reference), program and executed)
            if key not in seen:
                seen[key] = _judge(found, cited, reference, weight, executed)
            judged.append(unless_looping(seen[key], completion, white_space_counts=True))
        return judged


def _judge(found: str | None, cited: str, reference: Any, weight: float, executed: float) -> Judgement:
    region = released_overlap(reference.gold_area, cited)
    right = found is not None and (found == reference.answer or _close_floats(reference.answer, found))
    note = "released: a program is never run (T2)" if found is None else "" if found else NO_ANSWER
    return mixed(region, float(right), weight, executed, bool(found) or region > 0, note)


def released_citation(completion: str) -> str:
    """The last region as the released code finds it: no line break inside the tag (T6); '' without one."""
    cited = _RELEASED_TAG.findall(completion) if "<gold_area>" in completion else ()
    return cited[-1].strip() if cited else ""


@cache_short(8192)
def released_overlap(gold_area: str, cited: str) -> float:
    """The released score: sets, lists cut at the first ``]``, empty against empty 0 (T6).

    >>> released_overlap('{"columns": ["a]"], "rows": [0]}', '{"columns": ["a]"], "rows": [0]}')
    0.5
    """
    if not cited:
        return 0.0
    scores = []
    for name in ("columns", "rows"):
        gold, given = (_released_list(name, text) for text in (gold_area, cited))
        if gold is None or given is None:  # a dict among them: the released code raises TypeError and the run ends
            return 0.0
        union = gold | given
        scores.append(len(gold & given) / len(union) if union else 0.0)
    return 0.5 * (scores[0] + scores[1])


def _released_list(name: str, text: str) -> set[Any] | None:
    match = _RELEASED_LIST[name].search(text)
    try:
        values = json.loads(match[1]) if match else []
    except (ValueError, RecursionError):
        return set()
    # Huge integers can be built to collide in a set; as text they compare the same and hash safely.
    safe = [str(v) if isinstance(v, int) and abs(v) > MAX_ROW else v for v in values[:MAX_ITEMS]]
    try:
        return set(safe)
    except TypeError:
        return None


def _close_floats(gold: str, found: str) -> bool:
    try:
        a, b = float(gold), float(found)
        if int(a // 1) != int(b // 1):
            return False
    except (ValueError, OverflowError):
        return False
    smaller = min(abs(a), abs(b))
    return a == b if smaller == 0 else abs(a - b) / smaller < 0.01
