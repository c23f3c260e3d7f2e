"""TRivia's filter for stock ms-swift: completions that don't end as a table must are generated again, then trained on.

A completion that ran into its token limit in the middle of a table teaches nothing about tables. The overlong filter of
ms-swift masks its loss but leaves its reward in the group's baseline; here it is replaced before rewards are computed.
``install`` puts a subclass of swift's own GRPO trainer into its factory; the plugin file calls it. No fork, ms-swift
3.9 to 4.6. It overrides one private method, ``_generate_completions``; the integration suite watches it.

Each round generates the whole batch once more, because all ranks must generate together, and keeps what was accepted
before. What is still rejected after the last round stays: its reward is the floor. Evaluation is left alone.

Settings are environment variables, read when the plugin is loaded:
    TABLE_REWARDS_FILTER_TAILS    endings of an accepted completion, commas between; default ``<nl>,</table>,</html>``
    TABLE_REWARDS_FILTER_ROUNDS   most rounds of regeneration, 1 to 10; default 2
"""

from __future__ import annotations

import copy
import importlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError

TAILS: Final = ("<nl>", "</table>", "</html>")
MAX_ROUNDS: Final = 10
_END_OF_TURN: Final = re.compile(r"(?:<\|[^|<>]{1,40}\|>\s*)+\Z")
TRAINER: Final = f"{__name__}.FilteredGRPOTrainer"


@dataclass(frozen=True)
class FilterSettings:
    """What is accepted and how often is tried again.

    >>> FilterSettings.from_environment({"TABLE_REWARDS_FILTER_TAILS": "<nl>"})
    FilterSettings(tails=('<nl>',), rounds=2)
    """

    tails: tuple[str, ...] = TAILS
    rounds: int = 2

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> FilterSettings:
        """Raises ``ConfigurationError`` for a value that can't work."""
        environ = os.environ if environ is None else environ
        written = environ.get("TABLE_REWARDS_FILTER_TAILS", ",".join(TAILS))
        tails = tuple(tail.strip() for tail in written.split(",") if tail.strip())
        if not tails:
            raise ConfigurationError("TABLE_REWARDS_FILTER_TAILS is empty; name endings such as '<nl>,</table>'")
        rounds = environ.get("TABLE_REWARDS_FILTER_ROUNDS", "2")
        if not rounds.isdecimal() or not 1 <= int(rounds) <= MAX_ROUNDS:
            raise ConfigurationError(f"TABLE_REWARDS_FILTER_ROUNDS must be 1 to {MAX_ROUNDS}, not {rounds!r}")
        return cls(tails, int(rounds))

    def accepts(self, text: str) -> bool:
        """True when a completion ends as a table must; an end-of-turn token behind it does not count.

        >>> FilterSettings().accepts("<fcel>a<nl>\\n<|im_end|>"), FilterSettings().accepts("<fcel>a<nl>\\n<fcel>b")
        (True, False)
        """
        return _END_OF_TURN.sub("", text[-1000:]).rstrip().endswith(self.tails)


def install(settings: FilterSettings | None = None) -> None:
    """Put the filtering trainer into swift's factory; a second call does nothing.

    Raises:
        ConfigurationError: this ms-swift has no trainer that could be filtered.
    """
    from swift.trainers.trainer_factory import TrainerFactory

    mapping = TrainerFactory.TRAINER_MAPPING
    if mapping.get("grpo") == TRAINER:
        return
    module, _, name = mapping["grpo"].rpartition(".")
    base = getattr(importlib.import_module(module), name)
    globals()["FilteredGRPOTrainer"] = filtered(base, settings or FilterSettings.from_environment())
    mapping["grpo"] = TRAINER


def filtered(base: type[Any], settings: FilterSettings) -> type[Any]:
    """A subclass of a GRPO trainer that generates rejected completions again.

    Raises:
        ConfigurationError: the trainer is of a version that the filter does not know.
    """
    if not hasattr(base, "_generate_completions"):
        raise ConfigurationError(
            f"{base.__module__}.{base.__name__} has no _generate_completions; the filter knows ms-swift 3.9 to 4.6"
        )

    class FilteredGRPOTrainer(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            """Build swift's trainer, with the filter before its steps.

            Raises:
                ConfigurationError: the trainer generates a step ahead (``--async_generate true``).
            """
            super().__init__(*args, **kwargs)
            if getattr(self, "async_generate", False) or getattr(self.args, "async_generate", False):
                raise ConfigurationError(
                    "the table filter can't work with --async_generate true, which generates a step ahead; drop one"
                )

        def _generate_completions(self, samples: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.model.training:
                return super()._generate_completions(samples, *args, **kwargs)
            pristine = copy.deepcopy(samples)
            kept = list(super()._generate_completions(samples, *args, **kwargs))
            rejected = _rejected(self, kept, settings)
            first, rounds = len(rejected), 0
            while rounds < settings.rounds and _anywhere(len(rejected)):
                again = super()._generate_completions(copy.deepcopy(pristine), *args, **kwargs)
                for index in rejected:
                    kept[index] = again[index]
                rejected = _rejected(self, kept, settings)
                rounds += 1
            total = max(len(kept), 1)
            _log(
                self,
                {"rejected_first": first / total, "rejected_final": len(rejected) / total, "rounds": float(rounds)},
            )
            return kept

    FilteredGRPOTrainer.__module__, FilteredGRPOTrainer.__qualname__ = __name__, "FilteredGRPOTrainer"
    return FilteredGRPOTrainer


def _rejected(trainer: Any, samples: Sequence[Any], settings: FilterSettings) -> list[int]:
    return [index for index, sample in enumerate(samples) if not settings.accepts(_text(trainer, sample))]


def _text(trainer: Any, sample: Any) -> str:
    """The completion of a row (3.x: dict) or GRPOSample (4.4 and later); some engines leave token ids there."""
    messages = sample["messages"] if isinstance(sample, dict) else sample.messages
    content = messages[-1]["content"]
    if isinstance(content, dict):
        content = content.get("token_ids", [])
    return content if isinstance(content, str) else str(trainer.processing_class.decode(content))


def _anywhere(rejected: int) -> bool:
    """True on every rank when any rank has something to generate again: all must generate together."""
    from accelerate.utils import gather_object

    counts: list[int] = gather_object([rejected])
    return sum(counts) > 0


def _log(trainer: Any, numbers: Mapping[str, float]) -> None:
    metrics = getattr(trainer, "_metrics", None)
    if metrics is not None:
        for name, value in numbers.items():
            metrics["train"][f"table_filter/{name}"].append(value)
