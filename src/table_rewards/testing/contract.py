"""The contract that every reward keeps, as checks that users can run on their own rewards.

In pytest::

    import pytest
    from table_rewards.testing.contract import CHECKS, Samples

    samples = Samples(reward=MyReward(), completions=["good", "bad"], references=["good", "good"])

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_contract(check):
        check(samples)

or at once: ``check_reward(samples)``. A check raises AssertionError and says what was promised and what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.core.scores import SCORED, STATUSES, UNSCORED, Scores
from table_rewards.testing.hostile import HOSTILE_COMPLETIONS, HOSTILE_REFERENCES

WAIT_S: Final = 120.0


@dataclass(frozen=True)
class Samples:
    """A reward with a few real samples of it: at least two, of different scores if it can be.

    ``hostile`` limits the hostile completions for rewards where each costs much (an LLM call, a program).
    """

    reward: Reward[Any]
    completions: Sequence[str]
    references: Sequence[Any]
    hostile: Sequence[str] = field(default=HOSTILE_COMPLETIONS)

    def scores(self) -> Scores:
        return self.reward(self.completions, self.references)


def gives_one_score_a_sample(s: Samples) -> None:
    """Same length out as in, finite where scored, a known status, the promised parts, notes as text."""
    scores = s.scores()
    n = len(s.completions)
    assert len(scores) == len(scores.status) == len(scores.notes) == n, "one value, status and note for each completion"
    assert scores.values.dtype == np.float64, "values are float64"
    assert set(scores.status.tolist()) <= set(STATUSES), f"status must be one of {STATUSES}"
    failed = scores.status == UNSCORED
    assert np.isnan(scores.values[failed]).all(), "unscored samples have the value NaN"
    assert np.isfinite(scores.values[~failed]).all(), "scored samples have a finite value"
    assert tuple(scores.parts) == tuple(s.reward.parts), "Scores.parts has the names that reward.parts promises"
    assert all(len(column) == n for column in scores.parts.values()), "each part has a value for each completion"
    assert all(isinstance(note, str) for note in scores.notes), "notes are text"
    broken = [note for note in scores.notes if note.startswith("internal error")]
    assert not broken, f"the samples given to the contract must be judged: {broken[0]}"
    assert (scores.status == SCORED).any(), "the samples given to the contract must hold one that can be scored"
    assert len(s.reward.headline) <= 2, "at most two headline parts"
    assert set(s.reward.headline) <= set(s.reward.parts), "headline parts are parts"


def an_empty_batch_is_empty(s: Samples) -> None:
    """No samples, no scores, no error."""
    scores = s.reward([], [])
    assert len(scores) == 0
    assert tuple(scores.parts) == tuple(s.reward.parts)


def order_does_not_matter(s: Samples) -> None:
    """Reversed samples get the reversed scores, bit for bit."""
    back = s.reward(list(reversed(s.completions)), list(reversed(s.references)))
    _same(back, s.scores().take(range(len(s.completions) - 1, -1, -1)), "reversing the batch")


def splitting_does_not_matter(s: Samples) -> None:
    """One by one, the samples get the same scores as together."""
    whole = s.scores()
    for i, (completion, reference) in enumerate(zip(s.completions, s.references, strict=True)):
        _same(s.reward([completion], [reference]), whole.take([i]), f"scoring sample {i} alone")


def a_poisoned_sample_touches_no_other(s: Samples) -> None:
    """Hostile completions and broken references beside them leave the samples' scores as they were."""
    n = len(s.completions)
    poison = list(s.hostile[:6])
    texts = [*poison, *s.completions, *poison, s.completions[0], s.completions[0]]
    references = [s.references[0]] * len(poison) + list(s.references) + [s.references[-1]] * len(poison)
    mixed = s.reward(texts, [*references, None, object()])
    _same(mixed.take(range(len(poison), len(poison) + n)), s.scores(), "hostile neighbours")


def hostile_completions_never_raise(s: Samples) -> None:
    """Empty, huge, binary, surrogates, any script: a finite score or an explicit unscored."""
    scores = s.reward(list(s.hostile), [s.references[0]] * len(s.hostile))
    for text, value, status, note in zip(s.hostile, scores.values, scores.status, scores.notes, strict=True):
        assert (status == UNSCORED) == bool(np.isnan(value)), f"{text[:40]!r}: {status} with {value}"
        assert "internal error" not in note, f"{text[:40]!r}: {note}"


def a_broken_reference_is_unscored(s: Samples) -> None:
    """A reference that nobody could score against is unscored with a note, and the sample beside it is scored."""
    for broken in HOSTILE_REFERENCES:
        scores = s.reward([s.completions[0], s.completions[0]], [broken, s.references[0]])
        assert "internal error" not in scores.notes[0], f"{broken!r}: {scores.notes[0]}"
        if scores.status[0] == UNSCORED:
            assert scores.notes[0], f"{broken!r}: an unscored sample says why"
    scores = s.reward([s.completions[0]], [None])
    assert scores.status[0] == UNSCORED, "a reference of None cannot be scored against"


def different_lengths_raise(s: Samples) -> None:
    """A length mismatch, or one text where a batch is meant, is misconfiguration: it raises at once."""
    for completions, references in ((list(s.completions), list(s.references)[:-1]), ("one text", list(s.references))):
        try:
            s.reward(completions, references)
        except ConfigurationError:
            continue
        raise AssertionError(f"{type(completions).__name__} of wrong length must raise ConfigurationError")


def pickling_keeps_it(s: Samples) -> None:
    """A reward survives pickling with its signature and its scores."""
    try:
        copy = pickle.loads(pickle.dumps(s.reward))
    except Exception as error:
        raise AssertionError(
            f"{type(s.reward).__name__} cannot be pickled ({error}): a reward is a class at the top of a module"
        ) from error
    assert copy.signature == s.reward.signature
    _same(copy(s.completions, s.references), s.scores(), "a pickled copy")


def the_signature_pins_it(s: Samples) -> None:
    """``name:options|vVERSION``, the same on the reward and on its scores."""
    signature = s.reward.signature
    assert signature == s.scores().signature
    assert signature.startswith(s.reward.name)
    assert "|v" in signature


def works_in_worker_threads(s: Samples) -> None:
    """Eight threads at once get the same scores."""
    expected, found = s.scores(), []
    threads = [threading.Thread(target=lambda: found.append(s.scores()), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert len(found) == 8, "every thread came back with scores"
    for scores in found:
        _same(scores, expected, "a worker thread")


def works_in_a_running_loop(s: Samples) -> None:
    """``await reward.score`` gives the same; the plain call works inside a loop too."""

    async def both() -> tuple[Scores, Scores]:
        return await s.reward.score(s.completions, s.references), s.scores()

    for scores in asyncio.run(both()):
        _same(scores, s.scores(), "a running loop")


def works_in_fresh_loops(s: Samples) -> None:
    """A new event loop every call, as ms-swift makes them: nothing may be bound to the first."""
    expected = s.scores()
    for _ in range(3):
        _same(asyncio.run(s.reward.score(s.completions, s.references)), expected, "a fresh loop")


def works_in_a_spawned_daemon(s: Samples) -> None:
    """In a spawned daemonic process (which may have no children of multiprocessing), the scores are the same."""
    module = sys.modules.get(type(s.reward).__module__)
    assert type(s.reward).__module__ != "__main__" or hasattr(module, "__file__"), (
        f"{type(s.reward).__name__} stands in a notebook or a session, where no other process finds it; "
        "put the class into a module and import it"
    )
    few = Samples(s.reward, list(s.completions), list(s.references), ())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "samples")
        try:
            with open(path, "wb") as file:  # a file: a child that dies early must not block the writer of a full pipe
                pickle.dump(few, file)
        except Exception as error:
            raise AssertionError(f"the samples cannot be pickled: {type(error).__name__}: {error}") from error
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_score_in_child, args=(sender, path), daemon=True)
        process.start()
        sender.close()
        try:
            assert receiver.poll(WAIT_S), f"the spawned process has not answered within {WAIT_S:g} s"
            result: Any = receiver.recv()
        except EOFError:
            process.join(10)
            raise AssertionError(
                f"the spawned process ended with exit code {process.exitcode} before it answered: can it import "
                f"{type(s.reward).__module__}, and does a script guard its work with if __name__ == '__main__'?"
            ) from None
        finally:
            process.join(10)
            if process.is_alive():
                process.kill()
    assert isinstance(result, Scores), result
    _same(result, s.scores(), "a spawned daemonic process")


def prints_nothing(s: Samples) -> None:
    """Not a byte to stdout or stderr, by any route."""
    sys.stdout.flush()
    sys.stderr.flush()
    python_level = io.StringIO()
    with tempfile.TemporaryFile() as sink:
        kept = [(fd, os.dup(fd)) for fd in (1, 2)]
        try:
            for fd, _ in kept:
                os.dup2(sink.fileno(), fd)
            with contextlib.redirect_stdout(python_level), contextlib.redirect_stderr(python_level):
                s.scores()
        finally:
            for fd, copy in kept:
                os.dup2(copy, fd)
                os.close(copy)
        sink.seek(0)
        written = python_level.getvalue().encode("utf-8", "replace") + sink.read()
    assert not written, f"a reward prints nothing, but wrote {written[:200]!r}"


def leaves_the_process_alone(s: Samples) -> None:
    """No signal handler, no timer, no logging configuration, no working directory changed."""
    root = logging.getLogger()
    before = [signal.getsignal(n) for n in _SIGNALS], list(root.handlers), root.level, os.getcwd(), _timer()
    s.scores()
    after = [signal.getsignal(n) for n in _SIGNALS], list(root.handlers), root.level, os.getcwd(), _timer()
    assert before == after, "signals, timers, logging and the working directory stay as they were"


def explanations_have_the_scores(s: Samples) -> None:
    """What :meth:`Reward.explain` says of a sample is its score, and its working comes to it.

    Left out for rewards that wait for a model or a sandbox, which would be asked again.
    """
    if s.reward.waits or not s.reward.deduplicates:
        return
    scores = s.scores()
    for i, (completion, reference) in enumerate(zip(s.completions, s.references, strict=True)):
        told = s.reward.explain(completion, reference)
        values = (told.value, *told.parts.values())
        wanted = (scores.values[i], *(column[i] for column in scores.parts.values()))
        same = all(a == b or (a != a and b != b) for a, b in zip(values, wanted, strict=True))
        assert same, f"sample {i} is explained as {values} and scored {wanted}"
        assert told.status == scores.status[i], (
            f"sample {i} is explained as {told.status}, scored as {scores.status[i]}"
        )
        assert not told.remarks, f"the explanation of sample {i}: {told.remarks[0]}"


CHECKS: Final[tuple[Callable[[Samples], None], ...]] = (
    gives_one_score_a_sample,
    an_empty_batch_is_empty,
    order_does_not_matter,
    splitting_does_not_matter,
    a_poisoned_sample_touches_no_other,
    hostile_completions_never_raise,
    a_broken_reference_is_unscored,
    different_lengths_raise,
    pickling_keeps_it,
    the_signature_pins_it,
    works_in_worker_threads,
    works_in_a_running_loop,
    works_in_fresh_loops,
    works_in_a_spawned_daemon,
    prints_nothing,
    leaves_the_process_alone,
    explanations_have_the_scores,
)

_SIGNALS: Final = [n for n in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGALRM", None)) if n is not None]


def check_reward(samples: Samples) -> None:
    """Run every check.

    >>> from table_rewards import TableBench
    >>> check_reward(Samples(TableBench(), ["Final Answer: 7", "Final Answer: 8"], ["7", "7"]))
    """
    for check in CHECKS:
        check(samples)


def _same(found: Scores, expected: Scores, when: str) -> None:
    for i in range(len(expected)):
        assert _equal(found, expected, i), f"{when} changed sample {i}: {expected[i]} became {found[i]}"


def _equal(found: Scores, expected: Scores, i: int) -> bool:
    one, other = found.take([i]), expected.take([i])
    return (
        np.array_equal(one.values, other.values, equal_nan=True)
        and all(np.array_equal(column, other.parts[name], equal_nan=True) for name, column in one.parts.items())
        and one.status[0] == other.status[0]
    )


def _timer() -> Any:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0 if hasattr(signal, "getitimer") else None


def _score_in_child(sender: Any, path: str) -> None:
    try:
        with open(path, "rb") as file:
            samples = pickle.load(file)
        sender.send(samples.scores())
    except BaseException as error:
        sender.send(f"{type(error).__name__}: {error}")
    finally:
        sender.close()
