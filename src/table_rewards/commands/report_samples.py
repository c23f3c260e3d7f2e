"""The samples of a report: which are shown, and where their texts come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from table_rewards.commands.pages.sample_views import Shown
from table_rewards.commands.pages.terminal import note
from table_rewards.commands.reward_options import reward_of
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.datasets.files import RowSource, UnusableFile
from table_rewards.evaluation.scores.layout import Plan, plan
from table_rewards.evaluation.scores.samples import SampleBook, fill
from table_rewards.evaluation.scores.score_files import ScoreFile

ROOM = 300
"""Samples of a page, whatever the number of files."""


def shown_samples(files: Sequence[ScoreFile], books: Sequence[SampleBook], rollouts: Path | None) -> list[Shown]:
    """The chosen samples of every file with their texts, where the file that was scored is at hand."""
    found = []
    for file, book in zip(files, books, strict=True):
        samples = book.chosen()
        how, reward, step = _origin(file, rollouts)
        if how is not None:
            fill(samples, how)
        found.append(Shown(file.name, list(file.statistics.parts), samples, reward, step))
    return found


def _origin(file: ScoreFile, rollouts: Path | None) -> tuple[Plan | None, Reward[Any] | None, int | None]:
    """How the rows behind the scores are read, the reward that made them, and the training step it was given."""
    if file.logged:
        try:
            return plan(RowSource(*file.source.files)), None, None
        except UnusableFile:
            return None, None, None
    record = _record(file.path)
    about = record.get("about") or {}
    places: list[Any] = [rollouts] if rollouts is not None else list(about.get("files") or [])
    if not places or not all(rollouts is not None or Path(place).is_file() for place in places):
        note(f"{file.path}: what was scored is not at hand; --rollouts FILE shows the samples' texts")
        return None, None, None
    source = RowSource(*places)
    if rollouts is None and record.get("content") != source.fingerprint():
        note(f"{file.path}: {source.name} has changed since it was scored; the samples are shown without texts")
        return None, None, None
    completion, reference, prompt = (record.get(f"{name}_column") for name in ("completion", "reference", "prompt"))
    return plan(source, completion=completion, reference=reference, prompt=prompt), _reward(about), record.get("step")


def _record(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.with_name(path.name + ".run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _reward(about: Mapping[str, Any]) -> Reward[Any] | None:
    """The reward again, to explain its scores; never one that would ask a model or a sandbox for it."""
    try:
        reward = reward_of(str(about["reward"]), dict(about.get("options") or {}))
    except (KeyError, ConfigurationError):
        return None
    return None if reward.waits else reward
