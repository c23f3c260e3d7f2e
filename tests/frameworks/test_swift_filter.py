"""The filter on a stand-in for swift's trainer; the integration suite runs it on the real one."""

from __future__ import annotations

import sys
import types
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.frameworks import swift_filter
from table_rewards.frameworks.swift_filter import FilterSettings, filtered, install

GOOD, CUT = "<fcel>a<nl>\n", "<fcel>a<nl>\n<fcel>b"


@dataclass
class Sample:
    """GRPOSample of 4.4 and later; 3.x has dicts."""

    messages: list[dict[str, str]] = field(default_factory=list)


class Trainer:
    """Generates what `script` says, one list of texts a call."""

    script: tuple = ()
    rows = dict

    def __init__(self, args=None):
        self.args = args
        self.model = types.SimpleNamespace(training=True)
        self._metrics = {"train": defaultdict(list)}
        self.calls = 0

    def _generate_completions(self, samples):
        texts = self.script[min(self.calls, len(self.script) - 1)]
        self.calls += 1
        out = []
        for sample, text in zip(samples, texts, strict=True):
            messages = sample["messages"] if isinstance(sample, dict) else sample.messages
            assert messages[-1]["role"] == "user", "each round must begin from the prompt"
            messages.append({"role": "assistant", "content": text})
            out.append(sample)
        return out


@pytest.fixture(autouse=True)
def one_rank(monkeypatch):
    """accelerate's gather over the ranks in `others`: their rejected counts, one list a round."""
    others: list[int] = []
    utils = types.ModuleType("accelerate.utils")
    utils.gather_object = lambda mine: [*mine, others.pop(0) if others else 0]
    monkeypatch.setitem(sys.modules, "accelerate", types.ModuleType("accelerate"))
    monkeypatch.setitem(sys.modules, "accelerate.utils", utils)
    return others


def trainer(*script, rounds=2):
    made = filtered(Trainer, FilterSettings(rounds=rounds))(types.SimpleNamespace(async_generate=False))
    made.script = script
    return made


def samples(count, kind):
    turns = [[{"role": "user", "content": f"p{i}"}] for i in range(count)]
    return [{"messages": turn} if kind is dict else Sample(turn) for turn in turns]


def texts(out):
    return [(s["messages"] if isinstance(s, dict) else s.messages)[-1]["content"] for s in out]


@pytest.mark.parametrize("kind", [dict, Sample])
def test_rejected_completions_are_generated_again_and_accepted_ones_kept(kind):
    made = trainer([GOOD, CUT, "x", "1<nl>"], ["other", GOOD, "y", "other"], ["other", "other", "w<nl>", "other"])
    out = made._generate_completions(samples(4, kind))
    assert texts(out) == [GOOD, GOOD, "w<nl>", "1<nl>"]
    logged = made._metrics["train"]
    assert logged["table_filter/rejected_first"] == [0.5]
    assert logged["table_filter/rejected_final"] == [0.0]
    assert logged["table_filter/rounds"] == [2.0]


def test_what_is_rejected_to_the_end_stays_and_the_batch_keeps_its_size():
    made = trainer([CUT, GOOD], [CUT, CUT], rounds=3)
    assert texts(made._generate_completions(samples(2, dict))) == [CUT, GOOD]
    assert made.calls == 4
    assert made._metrics["train"]["table_filter/rejected_final"] == [0.5]


@pytest.mark.parametrize("content", [[7, 8], {"token_ids": [7, 8]}])
def test_token_ids_in_place_of_text_are_decoded(content):
    made = trainer([content])
    made.processing_class = types.SimpleNamespace(decode=lambda ids: GOOD if ids == [7, 8] else "")
    made._generate_completions(samples(1, dict))
    assert made.calls == 1


def test_nothing_rejected_costs_nothing():
    made = trainer([GOOD, GOOD])
    made._generate_completions(samples(2, dict))
    assert made.calls == 1


def test_a_rank_without_rejections_generates_along_with_the_others(one_rank):
    """Otherwise the collectives of the ranks no longer match, and the run hangs."""
    one_rank.extend([1, 0])
    made = trainer([GOOD], [CUT])
    assert texts(made._generate_completions(samples(1, dict))) == [GOOD]
    assert made.calls == 2


def test_evaluation_is_left_alone():
    made = trainer([CUT])
    made.model.training = False
    made._generate_completions(samples(1, dict))
    assert made.calls == 1
    assert not made._metrics["train"]


def test_generating_ahead_is_refused():
    with pytest.raises(ConfigurationError, match="async_generate"):
        filtered(Trainer, FilterSettings())(types.SimpleNamespace(async_generate=True))


def test_a_trainer_without_the_method_is_refused():
    with pytest.raises(ConfigurationError, match="_generate_completions"):
        filtered(type("Other", (), {}), FilterSettings())


def test_install_puts_an_importable_path_into_the_factory_once(monkeypatch):
    factory = types.ModuleType("swift.trainers.trainer_factory")
    factory.TrainerFactory = type("TrainerFactory", (), {"TRAINER_MAPPING": {"grpo": "stand_in.Trainer"}})
    home = types.ModuleType("stand_in")
    home.Trainer = Trainer
    for name, module in {
        "swift": types.ModuleType("swift"),
        "swift.trainers": types.ModuleType("swift.trainers"),
        "swift.trainers.trainer_factory": factory,
        "stand_in": home,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(swift_filter, "FilteredGRPOTrainer", None, raising=False)
    install()
    install()
    path = factory.TrainerFactory.TRAINER_MAPPING["grpo"]
    assert path == "table_rewards.frameworks.swift_filter.FilteredGRPOTrainer"
    assert swift_filter.FilteredGRPOTrainer.__mro__[1] is Trainer


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("<fcel>a<nl>\n", True),
        ("<fcel>a<nl>", True),
        ("<fcel>a<nl>\n<|im_end|>\n", True),
        ("<fcel>a<nl>\n<|im_end|><fcel>", False),
        ("<table></table>", True),
        ("<table></table></body></html>\n", True),
        ("<fcel>a<nl>\n<fcel>", False),
        ("<table><tr>", False),
        ("", False),
    ],
)
def test_what_ends_as_a_table_must(text, accepted):
    assert FilterSettings().accepts(text) is accepted


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"TABLE_REWARDS_FILTER_TAILS": " , "}, "TAILS"),
        ({"TABLE_REWARDS_FILTER_ROUNDS": "0"}, "1 to 10"),
        ({"TABLE_REWARDS_FILTER_ROUNDS": "many"}, "'many'"),
    ],
)
def test_settings_that_cannot_work_are_named(environ, says):
    with pytest.raises(ConfigurationError, match=says):
        FilterSettings.from_environment(environ)
