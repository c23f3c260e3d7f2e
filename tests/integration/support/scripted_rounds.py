"""An `--external_plugins` file for tests of what generates more than once a step.

Like `scripted_rollout.py`, but the n-th generation of a step answers from the n-th list of the row's `rounds` column:
`{"rounds": [["cut off", "whole"], ["whole", "never kept"]]}`. The last list answers all later ones. A group that is
spread over ranks is answered in the ranks' order.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import sys
import types
from collections import Counter
from typing import Any

from swift.trainers.trainer_factory import TrainerFactory

_module, _name = TrainerFactory.TRAINER_MAPPING["grpo"].rsplit(".", 1)
_Base = getattr(importlib.import_module(_module), _name)


class RoundsGRPOTrainer(_Base):  # type: ignore[misc, valid-type]
    def _generate_completions(self, samples: Any) -> Any:
        step = self.state.global_step
        self._round = getattr(self, "_round", -1) + 1 if getattr(self, "_round_step", None) == step else 0
        self._round_step = step
        seen: Counter[str] = Counter()
        out = super()._generate_completions(samples)
        before = int(os.environ.get("LOCAL_RANK", "0")) * len(out)
        for sample in out:
            rows = isinstance(sample, dict)  # 3.x: rows; 4.4 and later: GRPOSample
            messages = sample["messages"] if rows else sample.messages
            rounds = (sample if rows else sample.extra)["rounds"]
            script = rounds[min(self._round, len(rounds) - 1)]
            key = json.dumps(messages[:-1])
            text = script[(before + seen[key]) % len(script)]
            seen[key] += 1
            messages[-1]["content"] = text
            ids = [[*self.template.tokenizer.encode(text), self.template.tokenizer.eos_token_id]]
            if rows:
                sample.update(response_token_ids=ids, finish_reason="stop", is_truncated=False)
                continue
            sample.response_token_ids, sample.finish_reason = ids, "stop"
            sample.response_loss_mask, sample.rollout_logprobs = [], []
        return out


def _leave() -> None:
    """swift leaves its ranks connected, and a rank whose partner has gone may be aborted by gloo's threads."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


atexit.register(_leave)
_home = types.ModuleType("scripted_rounds_trainer")
_home.RoundsGRPOTrainer = RoundsGRPOTrainer  # type: ignore[attr-defined]
sys.modules[_home.__name__] = _home
TrainerFactory.TRAINER_MAPPING["grpo"] = f"{_home.__name__}.RoundsGRPOTrainer"
