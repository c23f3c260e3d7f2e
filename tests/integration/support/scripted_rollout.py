"""An `--external_plugins` file for tests: the rollout answers from the `scripted` column, not from the random model.

Row i of a prompt's group gets `scripted[i % len(scripted)]`, as text and as token ids; generation itself still runs, so
everything before and after it is the real trainer. Rows without the column keep what the model said.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections import Counter
from typing import Any

from swift.trainers.trainer_factory import TrainerFactory

_module, _name = TrainerFactory.TRAINER_MAPPING["grpo"].rsplit(".", 1)
_Base = getattr(importlib.import_module(_module), _name)


class ScriptedGRPOTrainer(_Base):  # type: ignore[misc, valid-type]
    def _generate_completions(self, samples: Any) -> Any:
        seen: Counter[str] = Counter()
        out = super()._generate_completions(samples)
        for sample in out:
            rows = isinstance(sample, dict)  # 3.x: rows; 4.4 and later: GRPOSample
            messages = sample["messages"] if rows else sample.messages
            script = (sample if rows else sample.extra).get("scripted")
            if not script:
                continue
            key = str(messages[:-1])
            text = script[seen[key] % len(script)]
            seen[key] += 1
            messages[-1]["content"] = text
            ids = [[*self.template.tokenizer.encode(text), self.template.tokenizer.eos_token_id]]
            if rows:
                sample.update(response_token_ids=ids, finish_reason="stop", is_truncated=False)
                continue
            sample.response_token_ids, sample.finish_reason = ids, "stop"
            sample.response_loss_mask, sample.rollout_logprobs = [], []
        return out


_home = types.ModuleType("scripted_rollout_trainer")
_home.ScriptedGRPOTrainer = ScriptedGRPOTrainer  # type: ignore[attr-defined]
sys.modules[_home.__name__] = _home
TrainerFactory.TRAINER_MAPPING["grpo"] = f"{_home.__name__}.ScriptedGRPOTrainer"
