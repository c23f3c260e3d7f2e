"""Rows of a ranking test: their reference, their set, their group, the predictions that they hold, their prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.rows import Row, parse_json, plain
from table_rewards.rewards.ranking.prompts import quality_prompt, ranking_prompt
from table_rewards.rewards.ranking.reference import RankingReference, reference_of_row
from table_rewards.rewards.ranking.template import PromptTemplate

PREDICTIONS: Final = ("prediction", "predictions", "pred_scores", "responses", "response", "completion", "output")
SETS: Final = ("dataset", "set", "data_source", "subset")
GROUPS: Final = ("group_id", "uid", "id")


def predictions_of(row: Mapping[str, Any], column: str | None) -> list[Any]:
    """The predictions of a row, one a run: texts, or the candidates' scores.

    >>> predictions_of({"prediction": "A > B"}, None), predictions_of({"responses": ["A > B", "B > A"]}, None)
    (['A > B'], ['A > B', 'B > A'])
    >>> predictions_of({"pred_scores": [8, 3]}, None), predictions_of({"pred_scores": [[8, 3], [7, 4]]}, None)
    ([[8, 3]], [[8, 3], [7, 4]])

    Raises:
        ConfigurationError: there is no such column, or none of the usual ones.
    """
    names = (column,) if column else PREDICTIONS
    name = next((name for name in names if name in row), None)
    if name is None:
        raise ConfigurationError(
            f"no column {' or '.join(map(repr, names))} with predictions; columns: {', '.join(map(str, row)) or 'none'}"
        )
    value = plain(row[name])
    if isinstance(value, str) and value[:1] in "[{":
        parsed = parse_json(value)
        value = parsed if isinstance(parsed, (list, dict)) else value
    if isinstance(value, list) and value and all(isinstance(v, (str, list, dict)) or v is None for v in value):
        return value
    return [value]


def reference_of(row: Mapping[str, Any], column: str | None) -> RankingReference:
    """The reference scores of a row.

    Raises:
        BadReference: there are none.
    """
    if column is None:
        return reference_of_row(row)
    if row.get(column) is None:
        raise BadReference(f"no {column!r} in the row")
    return RankingReference.read(row[column])


def set_of(row: Mapping[str, Any], column: str | None, fallback: str) -> str:
    """The test set that a row belongs to: a column, or the language pair, or the file."""
    for name in (column,) if column else SETS:
        if row.get(name) is not None:
            return str(plain(row[name]))
    wrapped = Row(row)
    languages = [str(wrapped.find(name, default="")) for name in ("src_lang", "trg_lang")]
    return "-".join(languages) if all(languages) else fallback


def group_of(row: Mapping[str, Any], number: int) -> Any:
    """What tells groups apart, so that several rows may be runs of one: the row that a generation answers, or an id."""
    generation = row.get("generation")
    if isinstance(generation, Mapping) and generation.get("row") is not None:
        return ("row", plain(generation["row"]))
    for name in GROUPS:
        if row.get(name) is not None:
            return (name, str(plain(row[name])))
    return number


def candidates_of(row: Mapping[str, Any], column: str) -> list[str]:
    """The candidates of a row.

    Raises:
        ConfigurationError: it has none.
    """
    texts = Row(row).find(column, default=None)
    if not isinstance(texts, list) or not texts:
        raise ConfigurationError(f"the row has neither a prompt nor candidates in {column!r}; --mt-key names these")
    return [str(text) for text in texts]


def single_messages_of(
    row: Mapping[str, Any], candidates: str, template: PromptTemplate | None = None
) -> list[list[dict[str, Any]]]:
    """A prompt for each candidate of a row alone.

    Raises:
        ConfigurationError: it has no candidates.
    """
    wrapped = Row(row)
    source = str(wrapped.find("src_text", "source", "question", default=""))
    from_, to = (str(wrapped.find(name, default="")) for name in ("src_lang", "trg_lang"))
    found = []
    for text in candidates_of(row, candidates):
        if template is not None:
            content = template.fill(source, [text], source_language=from_, target_language=to)
        else:
            content = quality_prompt(source, text, source_language=from_, target_language=to)
        found.append([{"role": "user", "content": content}])
    return found


def messages_of(
    row: Mapping[str, Any], mode: str, candidates: str, template: PromptTemplate | None = None
) -> list[dict[str, Any]]:
    """The prompt of a row: the user's template for its candidates, else the one that it has, else ours for them.

    Raises:
        ConfigurationError: it has neither a prompt nor candidates.
    """
    prompt = plain(row.get("prompt")) if template is None else None
    if isinstance(prompt, str) and prompt:
        return [{"role": "user", "content": prompt}]
    if isinstance(prompt, list) and prompt:
        return [message for message in prompt if isinstance(message, dict)]
    wrapped = Row(row)
    texts = candidates_of(row, candidates)
    source = str(wrapped.find("src_text", "source", "question", default=""))
    from_, to = (str(wrapped.find(name, default="")) for name in ("src_lang", "trg_lang"))
    if template is not None:
        content = template.fill(source, texts, source_language=from_, target_language=to)
    else:
        content = ranking_prompt(source, texts, source_language=from_, target_language=to, mode=mode)
    return [{"role": "user", "content": content}]
