"""Dataset rows: one way to read a reference from verl's rows and from swift's columns.

verl hands a reward ``ground_truth`` and ``extra_info`` (in a file: ``reward_model.ground_truth``); swift hands it the
columns of the data set. Values may be numpy arrays and scalars, JSON text, or missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from table_rewards.core.errors import MissingReference, nearest

MISSING: Final = object()
_MAX_JSON: Final = 16_000_000


def plain(value: Any) -> Any:
    """Return ``value`` in plain Python: numpy arrays as lists, numpy scalars as numbers, all the way down.

    >>> import numpy as np
    >>> plain({"rows": np.array([np.int64(1), 2]), "name": np.str_("x")})
    {'rows': [1, 2], 'name': 'x'}
    """
    kind = type(value)
    if kind is str or kind is int or kind is float or value is None:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) or (isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray))):
        return [plain(item) for item in value]  # OmegaConf's lists are sequences, not lists
    if hasattr(value, "tolist"):  # numpy arrays and scalars, without importing numpy here
        unpacked = value.tolist()
        return unpacked if unpacked is value else plain(unpacked)
    if hasattr(value, "as_py"):  # scalars of Arrow
        return plain(value.as_py())
    return None if type(value).__name__ in ("NAType", "NaTType") else value  # pandas' missing values


def parse_json(text: str) -> Any:
    """Return the value of a JSON text, or :data:`MISSING` when it is none, too long or too deep."""
    if len(text) > _MAX_JSON:
        return MISSING
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


def as_mapping(value: Any) -> dict[str, Any] | None:
    """Return a mapping or the JSON text of one as a plain dict, else None.

    >>> as_mapping('{"answer": "7"}')
    {'answer': '7'}
    >>> as_mapping("7") is None
    True
    """
    if value is None:
        return None
    if type(value) is str:
        if value[:1] != "{" and value.lstrip()[:1] != "{":
            return None
    elif isinstance(value, (dict, Mapping)):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        parsed = parse_json(value)
        return parsed if isinstance(parsed, dict) else None
    return None


class Row:
    """A dataset row in which a name is looked up where each framework keeps it.

    Order: the row itself, its ``ground_truth`` when that is a mapping (or JSON text of one), ``extra_info``.
    A value of None counts as missing (data sets pad with None).

    >>> row = Row({"reward_model": {"ground_truth": '{"answer": "7"}'}, "extra_info": {"qtype": "FactChecking"}})
    >>> row.find("answer"), row.find("qtype"), row.find("qsubtype", default="")
    ('7', 'FactChecking', '')
    >>> row.find("gold_area")
    Traceback (most recent call last):
    table_rewards.core.errors.MissingReference: no 'gold_area' in the row; it has answer, extra_info, qtype, ...
    """

    __slots__ = ("_found", "_places", "ground_truth", "raw")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self._found = False  # a name that had to be there was
        model = raw.get("reward_model")
        truth = raw.get("ground_truth")
        if truth is None and isinstance(model, Mapping):
            truth = model.get("ground_truth")
        elif truth is None and isinstance(model, str):
            truth = (as_mapping(model) or {}).get("ground_truth")
        self.ground_truth: Any = truth
        places: list[Mapping[str, Any]] = [raw]
        for candidate in (truth, raw.get("extra_info")):
            mapping = as_mapping(candidate)
            if mapping is not None:
                places.append(mapping)
        self._places = places

    def find(self, *names: str, default: Any = MISSING) -> Any:
        """Return the first value found under any of ``names``, in plain Python; raise if none and no default.

        Raises:
            MissingReference: the row has none of the names; says what it has.
        """
        for name in names:
            for place in self._places:
                value = place.get(name)
                if value is not None:
                    self._found |= default is MISSING
                    return value if type(value) is str else plain(value)
        if default is MISSING:
            known = sorted(set(self))
            raise MissingReference(
                f"no {' or '.join(map(repr, names))} in the row{nearest(names[0], known)}; "
                f"it has {', '.join(known) or 'nothing'}",
                names,
                self.raw,
                self._found,
            )
        return default

    def answer(self, *names: str) -> Any:
        """Return the gold answer: a scalar ``ground_truth`` first, then any of ``names``.

        The text of a JSON object is a gold answer itself (a Python dict, say) unless it holds one of ``names``.

        >>> Row({"ground_truth": "7", "extra_info": {"answer": "a long derivation"}}).answer("answer")
        '7'
        >>> Row({"ground_truth": '{"a": 1}'}).answer("answer")
        '{"a": 1}'
        >>> Row({"ground_truth": '{"answer": "7"}'}).answer("answer")
        '7'

        Raises:
            BadReference: there is none.
        """
        truth = self.ground_truth
        if isinstance(truth, str):
            held = as_mapping(truth)
            if truth and (held is None or all(held.get(name) is None for name in names)):
                self._found = True
                return str(truth)
        elif truth is not None and as_mapping(truth) is None:
            self._found = True
            return plain(truth)
        if isinstance(truth, Mapping):  # of keys, not an answer itself
            return self.find(*names)
        return self.find(*names, "ground_truth")

    def __iter__(self) -> Iterator[str]:
        for place in self._places:
            for key, value in place.items():
                if value is not None:
                    yield str(key)
