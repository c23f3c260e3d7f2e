"""What a framework gives its tests beside the program works on the program: patches, warnings, logs, threads, kinds.

Every file is passed by its right program under plain pytest; of its wrong program each test fails there.
"""

from __future__ import annotations

import pytest

from table_rewards import UnitTests

FILES = {
    "monkeypatch puts back names of the program": (
        """
import solution
from solution import Config
def test_name(monkeypatch):
    monkeypatch.setattr(solution, "helper", lambda: 42)
    assert solution.use() == 42
def test_name_as_text(monkeypatch):
    assert solution.use() == 1
    monkeypatch.setattr("solution.helper", lambda: 43)
    assert solution.use() == 43
def test_attribute_of_a_class(monkeypatch):
    monkeypatch.setattr(Config, "debug", True)
    assert Config().is_debug() is True
    monkeypatch.undo()
    assert Config().is_debug() is False
def test_inherited_attribute(monkeypatch):
    monkeypatch.setattr(solution.Derived, "debug", 7)
    assert solution.Derived().is_debug() == 7 and Config().is_debug() is False
    monkeypatch.undo()
    monkeypatch.setattr(Config, "debug", 8)
    assert solution.Derived().is_debug() == 8
def test_method(monkeypatch):
    monkeypatch.setattr(Config, "is_debug", lambda self: "patched")
    assert Config().tell() == "patched"
    monkeypatch.undo()
    assert Config().tell() is False
def test_deleted(monkeypatch):
    monkeypatch.delattr(Config, "debug")
    assert not hasattr(Config(), "debug")
    monkeypatch.undo()
    assert Config().is_debug() is False
""",
        """
def helper(): return 1
def use(): return helper()
class Config:
    debug = False
    def is_debug(self): return self.debug
    def tell(self): return self.is_debug()
class Derived(Config): pass
""",
        """
def helper(): return 1
def use(): return 2
class Config:
    debug = None
    def is_debug(self): return None
    def tell(self): return None
class Derived(Config): pass
""",
    ),
    "any name of the library can be patched": (
        """
import pathlib, shutil, sys
from unittest.mock import patch
from solution import arguments, width, there, leave
def test_argv(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["prog", "-x"])
    assert arguments() == ["-x"]
def test_function():
    with patch("shutil.get_terminal_size", return_value=(33, 5)):
        assert width() == 33
    assert width() != 33
def test_method_of_a_class():
    with patch.object(pathlib.Path, "exists", return_value=True):
        assert there("/no/such/file") is True
    assert there("/no/such/file") is False
def test_exit():
    with patch("sys.exit") as ending:
        leave()
    ending.assert_called_once_with(3)
""",
        """
import pathlib, shutil, sys
def arguments(): return sys.argv[1:]
def width(): return shutil.get_terminal_size()[0]
def there(path): return pathlib.Path(path).exists()
def leave(): sys.exit(3)
""",
        """
def arguments(): return []
def width(): return 33
def there(path): return True
def leave(): pass
""",
    ),
    "warnings": (
        """
import warnings
import pytest
from solution import warn, own, Own
def test_warns():
    with pytest.warns(DeprecationWarning, match="old"):
        warn()
def test_recorded():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warn()
    assert [one.category for one in told] == [DeprecationWarning]
def test_as_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DeprecationWarning):
            warn()
def test_of_its_own_kind():
    with pytest.warns(Own):
        own()
""",
        """
import warnings
class Own(UserWarning): pass
def warn(): warnings.warn("old thing", DeprecationWarning)
def own(): warnings.warn(Own("here"))
""",
        """
import warnings
class Own(UserWarning): pass
def warn(): warnings.warn("thing")
def own(): pass
""",
    ),
    "logging": (
        """
import logging, unittest
from solution import work, fail
def test_default_level(caplog):
    work()
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [("app", "WARNING", "w 1")]
def test_lower_level(caplog):
    with caplog.at_level(logging.INFO, logger="app"):
        work()
    assert "i" in caplog.messages
    work()
    assert caplog.messages.count("i") == 1
def test_error(caplog):
    fail()
    assert caplog.records[0].exc_info[0] is ZeroDivisionError and caplog.records[0].user == "kim"
def test_switched_off(caplog):
    work()
    logging.disable(logging.CRITICAL)
    work()
    logging.disable(logging.NOTSET)
    assert len(caplog.records) == 1
class T(unittest.TestCase):
    def test_logs(self):
        with self.assertLogs("app", "INFO") as told:
            work()
        self.assertEqual(told.output, ["INFO:app:i", "WARNING:app:w 1"])
""",
        """
import logging
log = logging.getLogger("app")
def work():
    log.debug("d")
    log.info("i")
    log.warning("w %d", 1)
def fail():
    try: 1 / 0
    except ZeroDivisionError: log.exception("no", extra={"user": "kim"})
""",
        """
import logging
def work(): pass
def fail(): logging.getLogger("app").error("no")
""",
    ),
    "a decorator that keeps the name of what it wraps": (
        """
from solution import memo, retry
def test_memo():
    calls = []
    @memo
    def square(x):
        calls.append(x)
        return x * x
    assert square(3) == square(3) == 9
    assert calls == [3] and square.__name__ == "square"
def test_retry():
    tries = []
    @retry(3)
    def flaky():
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("again")
        return "done"
    assert flaky() == "done"
""",
        """
import functools
def memo(function):
    known = {}
    @functools.wraps(function)
    def inner(x):
        if x not in known: known[x] = function(x)
        return known[x]
    return inner
def retry(times):
    def decorate(function):
        @functools.wraps(function)
        def inner():
            for left in reversed(range(times)):
                try: return function()
                except ValueError:
                    if not left: raise
        return inner
    return decorate
""",
        """
def memo(function): return function
def retry(times): return memo
""",
    ),
    "threads of the tests": (
        """
import threading
from concurrent.futures import ThreadPoolExecutor
from solution import Counter
def test_threads():
    counter, found = Counter(), []
    def work():
        for _ in range(20): counter.add(found)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads: one.start()
    for one in threads: one.join()
    assert counter.value == 80 == len(found)
def test_pool():
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(Counter().square, range(9))) == [n * n for n in range(9)]
""",
        """
class Counter:
    value = 0
    def add(self, found):
        self.value += 1
        found.append(self.value)
    def square(self, n): return n * n
""",
        """
class Counter:
    value = 0
    def add(self, found): self.value += 1
    def square(self, n): return n
""",
    ),
    "what kind of thing a class is": (
        """
import abc, collections, collections.abc, enum, inspect, logging, threading
from solution import Color, Level, Shape, Circle, Stack, Cache, Worker, log
def test_enum():
    assert issubclass(Color, enum.Enum) and isinstance(Color.RED, enum.Enum)
    assert issubclass(Level, enum.IntEnum) and isinstance(Level.LOW, int)
def test_abstract():
    assert issubclass(Shape, abc.ABC) and inspect.isabstract(Shape) and not inspect.isabstract(Circle)
def test_sequence():
    assert isinstance(Stack(), collections.abc.Sequence) and not isinstance(Stack(), list)
def test_dict():
    assert isinstance(Cache(), collections.OrderedDict) and isinstance(Cache(), dict)
def test_thread():
    assert isinstance(Worker(), threading.Thread)
def test_logger():
    assert isinstance(log(), logging.Logger)
""",
        """
import abc, collections, collections.abc, enum, logging, threading
class Color(enum.Enum): RED = 1
class Level(enum.IntEnum): LOW = 1
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
class Circle(Shape):
    def area(self): return 3
class Stack(collections.abc.Sequence):
    def __len__(self): return 0
    def __getitem__(self, index): raise IndexError
class Cache(collections.OrderedDict): pass
class Worker(threading.Thread): pass
def log(): return logging.getLogger("x")
""",
        """
class Color: RED = 1
class Level: LOW = 1
class Shape: pass
class Circle(Shape): pass
class Stack(list): pass
class Cache(dict): pass
class Worker: pass
def log(): return print
""",
    ),
    "examples by hypothesis": (
        """
from hypothesis import given, strategies as st
from solution import encode, decode
@given(st.text())
def test_round_trip(text):
    assert decode(encode(text)) == text
@given(st.integers(1, 99))
def test_runs(n):
    assert encode("a" * n) == [("a", n)]
""",
        """
from itertools import groupby
def encode(text): return [(key, len(list(run))) for key, run in groupby(text)]
def decode(pairs): return "".join(key * n for key, n in pairs)
""",
        """
def encode(text): return [(letter, 1) for letter in set(text)]
def decode(pairs): return "".join(sorted(key * n for key, n in pairs))[:3]
""",
    ),
    "paths of pytest's own": (
        """
from solution import lines
def test_lines(tmpdir):
    path = tmpdir.join("a.txt")
    path.write("a\\nb\\n")
    assert lines(path) == lines(str(path)) == 2
""",
        "def lines(path):\n    with open(path) as file: return len(file.readlines())\n",
        "def lines(path): return 3\n",
    ),
}


@pytest.fixture(scope="module")
def reward() -> UnitTests:
    return UnitTests(format_bonus=0.0)


@pytest.mark.parametrize("what", FILES)
def test_a_right_program_passes_and_a_wrong_one_passes_no_test(reward, what):
    file, right, wrong = FILES[what]
    scores = reward([f"```python\n{program}```" for program in (right, wrong)], [{"test": file}] * 2)
    assert scores.values.tolist() == [1.0, 0.0], scores.notes
