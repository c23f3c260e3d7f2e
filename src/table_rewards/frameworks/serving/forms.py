"""What requests and replies look like: our own batch form, and the forms that trainers speak already.

================  =========================  ==============================================================
form              who sends it               one request
================  =========================  ==============================================================
``score``         ``service=`` of a reward   a batch: completions, rows, step
``openrlhf``      OpenRLHF's remote reward   a batch: query, prompts, labels
``slime``         slime's ``remote_rm``      one sample: prompt, response, label
``verify``        NeMo Gym                   one sample: response, and the task's own fields
================  =========================  ==============================================================

Trainers other than ours know only finite numbers, so their forms fill an unscored sample as the verl functions do; NeMo
Gym has a tag for it. Everything here is plain data in, plain data out.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.errors import TableRewardsError
from table_rewards.core.scores import INAPPLICABLE, UNSCORED, Scores

FORMS: Final = ("score", "openrlhf", "slime", "verify")
MAX_SAMPLES: Final = 65_536
LEAST_OF_A_PROMPT: Final = 32
"""Signs at the end of a prompt that tell where it ends when its beginning was cut off."""


class BadRequest(TableRewardsError, ValueError):
    """A request whose body is not what its form asks for; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request asks to score.

    Attributes:
        completions: n completions in any shape that rewards read.
        rows: n references: rows, or natural values.
        step: the training step, where the trainer tells it.
        prompts: n values, equal for completions of one prompt; empty where nothing tells.
        body: the request itself, for forms whose reply repeats it.
    """

    completions: list[Any]
    rows: list[Any]
    step: int | None = None
    prompts: tuple[Hashable, ...] = ()
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The scores of a batch as plain data, and what the trainers' forms need beside them.

    Attributes:
        values: n numbers; None where unscored or inapplicable.
        parts: name -> n numbers or None.
        status, notes, signature: as in :class:`~table_rewards.core.scores.Scores`.
        filled: n finite numbers: the values, unscored ones filled.
        accuracies: n finite numbers from 0 to 1, unscored ones filled.
    """

    values: list[float | None]
    parts: dict[str, list[float | None]]
    status: list[str]
    notes: list[str]
    signature: str
    filled: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()

    @classmethod
    def of(cls, scores: Scores, filled: Sequence[float] = (), accuracies: Sequence[float] = ()) -> Answer:
        """Turn columns into plain data: NaN becomes None, which JSON knows."""
        return cls(
            _numbers(scores.values.tolist()),
            {name: _numbers(column.tolist()) for name, column in scores.parts.items()},
            scores.status.tolist(),
            list(scores.notes),
            scores.signature,
            tuple(map(float, filled)),
            tuple(map(float, accuracies)),
        )


def read_request(form: str, body: Any) -> Batch:
    """Read the JSON body of a request.

    Args:
        form: one of :data:`FORMS`.
        body: the decoded JSON.

    Raises:
        BadRequest: the body is not an object, lacks a field, or its lists differ in length.

    >>> read_request("score", {"completions": ["Final Answer: 7"], "rows": [{"answer": "7"}], "step": 3})
    Batch(completions=['Final Answer: 7'], rows=[{'answer': '7'}], step=3, prompts=(), body=None)
    >>> read_request("openrlhf", {"query": ["Q: 7?A: 7"], "prompts": ["Q: 7?"], "labels": ["7"]}).completions
    ['A: 7']
    """
    if not isinstance(body, Mapping):
        raise BadRequest(f"the body must be a JSON object, not {type(body).__name__}")
    return {"score": _own, "openrlhf": _openrlhf, "slime": _slime, "verify": _verify}[form](body)


def reply(form: str, batch: Batch, answer: Answer) -> Any:
    """Return the JSON value that a form replies with."""
    return {"score": _own_reply, "openrlhf": _openrlhf_reply, "slime": _slime_reply, "verify": _verify_reply}[form](
        batch, answer
    )


# -- our own form -----------------------------------------------------------------------------------------------------


def _own(body: Mapping[str, Any]) -> Batch:
    completions, rows = _list(body, "completions"), _list(body, "rows")
    if len(completions) != len(rows):
        raise BadRequest(f"{len(completions)} completions but {len(rows)} rows; give one for each")
    step = body.get("step")
    if step is not None and (isinstance(step, bool) or not isinstance(step, int)):
        raise BadRequest(f"step must be a whole number or null, not {step!r}")
    return Batch(completions, rows, step)


def _own_reply(_: Batch, answer: Answer) -> dict[str, Any]:
    return {
        "values": answer.values,
        "parts": answer.parts,
        "status": answer.status,
        "notes": answer.notes,
        "signature": answer.signature,
    }


def scores_of(value: Any, parts: Sequence[str]) -> Scores:
    """Read a reply of our own form into columns.

    Raises:
        BadRequest: it is no such reply, or has other parts than ``parts``.
    """
    import numpy as np

    if not isinstance(value, Mapping) or not all(key in value for key in ("values", "parts", "status", "notes")):
        raise BadRequest("the reply is not one of a reward service")
    if list(value["parts"]) != list(parts):
        raise BadRequest(f"the reply has the parts {list(value['parts'])}, expected {list(parts)}")
    columns = {name: np.array([_nan(x) for x in column], dtype=np.float64) for name, column in value["parts"].items()}
    return Scores(
        np.array([_nan(x) for x in value["values"]], dtype=np.float64),
        columns,
        np.array(value["status"], dtype="<U12"),
        list(value["notes"]),
        str(value.get("signature", "")),
    )


# -- OpenRLHF ---------------------------------------------------------------------------------------------------------


def _openrlhf(body: Mapping[str, Any]) -> Batch:
    queries = _list(body, "query" if "query" in body else "queries")
    prompts = _list(body, "prompts") if body.get("prompts") else [""] * len(queries)
    labels = _list(body, "labels")
    if not len(queries) == len(prompts) == len(labels):
        raise BadRequest(f"{len(queries)} queries, {len(prompts)} prompts and {len(labels)} labels; give one for each")
    completions = [_behind(str(prompt), str(query)) for query, prompt in zip(queries, prompts, strict=True)]
    return Batch(completions, list(map(_row, labels)), _step(body), tuple(map(str, prompts)))


def _openrlhf_reply(_: Batch, answer: Answer) -> dict[str, Any]:
    logs: dict[str, list[float]] = {
        name: [0.0 if value is None else value for value in column] for name, column in answer.parts.items()
    }
    logs["unscored"] = [float(status == UNSCORED) for status in answer.status]
    return {"rewards": list(answer.filled), "scores": list(answer.accuracies), "extra_logs": logs}


def _behind(prompt: str, query: str) -> str:
    """The response: a query is the prompt followed by it.

    Both went through a tokenizer, which may have added or taken spaces, put a token before the prompt or composed its
    accents; and the trainer leaves out the beginning of a prompt that is too long for its context.

    >>> _behind("Say : 7 !\\n", "<s>Say: 7! Final Answer: 7"), _behind("a long prompt", "prompt and more")
    (' Final Answer: 7', 'prompt and more')
    """
    if query.startswith(prompt):
        return query[len(prompt) :]
    found = _end_of(prompt, query) or _end_of(unicodedata.normalize("NFC", prompt), query)
    return query[found:] if found else query


def _end_of(prompt: str, query: str) -> int:
    """Where the prompt, or the end of it with which the query begins, is over, whatever spaces there are; 0 nowhere."""
    wanted, there = "".join(prompt.split()), "".join(query.split())
    if not wanted:
        return 0
    place = there.find(wanted)
    if place >= 0:
        length = place + len(wanted)
    else:
        anchor = wanted[-LEAST_OF_A_PROMPT:]
        ends = (found.end() for found in re.finditer(re.escape(anchor), there))
        length = next((end for end in ends if wanted.endswith(there[:end].lstrip("\ufffd"))), 0)
        if length < LEAST_OF_A_PROMPT:
            return 0
    places = (place for place, sign in enumerate(query) if not sign.isspace())
    return next(itertools.islice(places, length - 1, None)) + 1


# -- slime ------------------------------------------------------------------------------------------------------------


def _slime(body: Mapping[str, Any]) -> Batch:
    if "response" not in body:
        raise BadRequest("no 'response' in the request")
    prompt = body.get("prompt")
    key = prompt if isinstance(prompt, str) else json.dumps(prompt, sort_keys=True, default=str)
    return Batch([body["response"]], [_row(body.get("label"), body.get("metadata"))], _step(body), (key,))


def _slime_reply(_: Batch, answer: Answer) -> dict[str, float]:
    parts = {name: float(column[0] or 0.0) for name, column in answer.parts.items()}
    told = {"score": answer.filled[0], "acc": answer.accuracies[0]}
    return {**parts, **told, "unscored": float(answer.status[0] == UNSCORED)}


# -- NeMo Gym ---------------------------------------------------------------------------------------------------------

_GYM_FIELDS: Final = ("responses_create_params", "response")


def _verify(body: Mapping[str, Any]) -> Batch:
    response = body.get("response")
    if not isinstance(response, Mapping) or not isinstance(response.get("output"), list):
        raise BadRequest("no 'response' with a list 'output' in the request, as the Responses API gives")
    row = {key: value for key, value in body.items() if key not in _GYM_FIELDS}
    if isinstance(row.get("verifier_metadata"), Mapping):
        row = {**row, **row["verifier_metadata"]}
    said = [item for item in response["output"] if isinstance(item, Mapping) and item.get("type") == "message"]
    content = said[-1].get("content") if said else None
    return Batch([{"role": "assistant", "content": content}], [row], body=body)


def _verify_reply(batch: Batch, answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = dict(batch.body or {})
    told["reward"] = float(answer.values[0] or 0.0)
    told["reward_components"] = {name: float(column[0] or 0.0) for name, column in answer.parts.items()}
    if answer.status[0] in (UNSCORED, INAPPLICABLE):
        told["_ng_failure_class"] = "judge_failed"
        told["_ng_failure_reason"] = answer.notes[0]
    return told


# -- shared -----------------------------------------------------------------------------------------------------------


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list):
        raise BadRequest(f"{name!r} must be a list in the request" if name in body else f"no {name!r} in the request")
    if len(value) > MAX_SAMPLES:
        raise BadRequest(f"{len(value):,} samples in one request; {MAX_SAMPLES:,} are allowed")
    return value


def _row(label: Any, metadata: Any = None) -> dict[str, Any]:
    """The row that a label is: its own columns where it is the text of an object, else the gold answer."""
    row: dict[str, Any] = {"ground_truth": label}
    if isinstance(metadata, Mapping):
        row = {**metadata, **({"extra_info": dict(metadata)} if "extra_info" not in metadata else {}), **row}
    return row


def _step(body: Mapping[str, Any]) -> int | None:
    step = body.get("step")
    return step if isinstance(step, int) and not isinstance(step, bool) else None


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]


def _nan(value: Any) -> float:
    return math.nan if value is None else float(value)
