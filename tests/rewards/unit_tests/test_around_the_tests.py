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
def test_method_of_its_base():
    with patch.object(pathlib.PosixPath, "exists", return_value=True):
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
    "decorators and descriptors of the program on classes of the tests": (
        """
import pickle
import pytest
from solution import counted, lazy, Positive, with_repr, register, KNOWN, single, fields, Point, Lower
class Thing:
    size = Positive()
    def __init__(self, size=1): self.size, self._note = size, ["n"]
    @counted
    def double(self): return self.size * 2
    @lazy
    def slow(self):
        self._note.append("slow")
        return self.size * 3
def test_method():
    assert Thing(4).double() == 8 and Thing.double.calls == 1
def test_function():
    @counted
    def f():
        "what it does"
    f()
    assert (f.calls, f.__doc__, f.__name__) == (1, "what it does", "f")
def test_data_descriptor():
    one, other = Thing(2), Thing(3)
    assert (one.size, other.size) == (2, 3) and isinstance(Thing.size, Positive)
    with pytest.raises(ValueError):
        one.size = -1
def test_other_descriptor():
    one = Thing(2)
    assert one.slow == one.slow == 6 and one._note == ["n", "slow"]
def test_class():
    @with_repr
    class P:
        def __init__(self): self.a = 1
    assert repr(P()) == "P(a=1)"
def test_register():
    @register("b")
    class B: pass
    assert KNOWN["b"] is B
def test_single():
    @single
    class One:
        def __init__(self, x=0): self.x = x
    assert One(5) is One() and One().x == 5
def test_fields():
    class Data:
        def __init__(self): self.a, self._b = 1, [2]
    assert fields(Data()) == {"a": 1, "_b": [2]}
def test_pickle():
    assert pickle.loads(pickle.dumps(Point(1, 2))) == Point(1, 2)
def test_equality_of_its_own():
    assert Lower(A=1) == {"a": 1} and not Lower(A=1) == {"A": 1}
def test_class_of_an_object():
    assert Lower().__class__ == Lower and Lower().__class__(B=2)["b"] == 2
""",
        """
import dataclasses, functools
def counted(function):
    @functools.wraps(function)
    def inner(*args):
        inner.calls += 1
        return function(*args)
    inner.calls = 0
    return inner
class lazy:
    def __init__(self, function): self.function = function
    def __get__(self, instance, owner):
        found = instance.__dict__[self.function.__name__] = self.function(instance)
        return found
class Positive:
    def __set_name__(self, owner, name): self.name = "_" + name
    def __get__(self, instance, owner=None): return self if instance is None else getattr(instance, self.name)
    def __set__(self, instance, value):
        if value < 0: raise ValueError(value)
        setattr(instance, self.name, value)
def with_repr(cls):
    cls.__repr__ = lambda self: f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in vars(self).items())})"
    return cls
KNOWN = {}
def register(name):
    def decorate(cls):
        KNOWN[name] = cls
        return cls
    return decorate
def single(cls):
    made = []
    def get(*args):
        if not made: made.append(cls(*args))
        return made[0]
    return get
def fields(value): return dict(vars(value))
@dataclasses.dataclass
class Point:
    x: int
    y: int
class Lower(dict):
    def __init__(self, **named): super().__init__({key.lower(): value for key, value in named.items()})
    def __eq__(self, other): return dict.items(self) == other.items() if type(other) is dict else NotImplemented
""",
        """
def counted(function): return function
def lazy(function): return function
class Positive: pass
def with_repr(cls): return cls
KNOWN = {"b": 1}
def register(name): return lambda cls: cls
def single(cls): return cls
def fields(value): return {}
class Point:
    def __init__(self, x, y): pass
class Lower(dict): pass
""",
    ),
    "event loops of tests and program take turns": (
        """
import asyncio, unittest
import pytest
from solution import wait, forever, Worker, Cached, later, use_all
@pytest.fixture
async def worker():
    worker = Worker()
    worker.start()
    yield worker
    await worker.stop()
async def test_background(worker):
    await asyncio.sleep(0.05)
    assert worker.ticks >= 1
async def test_together():
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert await asyncio.gather(*[wait(n, 0.2) for n in range(5)]) == [0, 1, 2, 3, 4]
    assert loop.time() - start < 0.9
async def test_timeout():
    notes = []
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(forever(notes), 0.05)
    assert notes == ["ended"]
async def test_cancelled():
    notes = []
    task = asyncio.create_task(forever(notes))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes == ["ended"]
async def test_coroutines_of_the_tests():
    loads = []
    async def load():
        loads.append(1)
        await asyncio.sleep(0.01)
        return 7
    cached = Cached()
    assert await asyncio.gather(*[cached.get(load) for _ in range(3)]) == [7, 7, 7] and loads == [1]
async def test_timer():
    notes = []
    later(notes.append, 3)
    await asyncio.sleep(0.05)
    assert notes == [3]
async def test_queue():
    queue, notes = asyncio.Queue(), []
    for n in range(4): queue.put_nowait(n)
    tasks = [asyncio.create_task(use_all(queue, notes)) for _ in range(2)]
    await queue.join()
    for task in tasks: task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(notes) == [0, 1, 4, 9]
class T(unittest.IsolatedAsyncioTestCase):
    async def test_left_running(self):
        worker = Worker()
        worker.start()
        await asyncio.sleep(0.03)
        self.assertGreaterEqual(worker.ticks, 1)
""",
        """
import asyncio
async def wait(n, seconds):
    await asyncio.sleep(seconds)
    return n
async def forever(notes):
    try: await asyncio.sleep(100)
    finally: notes.append("ended")
class Worker:
    ticks = 0
    def start(self): self.task = asyncio.create_task(self.run())
    async def run(self):
        while True:
            await asyncio.sleep(0.005)
            self.ticks += 1
    async def stop(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
class Cached:
    def __init__(self): self.lock, self.found = asyncio.Lock(), None
    async def get(self, load):
        async with self.lock:
            self.found = self.found or await load()
        return self.found
def later(call, value): asyncio.get_running_loop().call_later(0.01, call, value)
async def use_all(queue, notes):
    while True:
        n = await queue.get()
        await asyncio.sleep(0)
        notes.append(n * n)
        queue.task_done()
""",
        """
import asyncio
async def wait(n, seconds): return 0
async def forever(notes): await asyncio.sleep(100)
class Worker:
    ticks = 0
    def start(self): pass
    async def stop(self): pass
class Cached:
    async def get(self, load): return await load()
def later(call, value): pass
async def use_all(queue, notes):
    while True:
        notes.append(await queue.get())
        queue.task_done()
""",
    ),
    "a module of a package": (
        """
from unittest.mock import patch
from parts.text import shapes
def test_module():
    assert shapes.area(3) == 9
def test_patched():
    with patch("parts.text.shapes.side", return_value=2):
        assert shapes.fixed() == 4
""",
        "def side(): return 5\ndef area(n): return n * n\ndef fixed(): return side() ** 2\n",
        "def side(): return 5\ndef area(n): return n\ndef fixed(): return 25\n",
    ),
    "what a decorator notes at a function, and time zones of its own": (
        """
from solution import tag, route, ROUTES, at_offset
import datetime as dt
def test_tag():
    @tag("slow")
    def f(): return 1
    assert f.tag == "slow" and f() == 1
def test_route():
    @route("/a")
    def g(x): return x + 1
    assert ROUTES["/a"] is g and ROUTES["/a"](1) == 2 and g(1) == 2
    assert g.path == "/a"
class V:
    @tag("m")
    def m(self): return 5
def test_method():
    assert V().m() == 5 and V.m.tag == "m"
def test_zone():
    z = at_offset(2)
    assert z == dt.datetime(2020, 1, 1, 10, tzinfo=dt.timezone.utc)
    assert z.utcoffset() == dt.timedelta(hours=2) and z.tzname() == "X"
""",
        """
import datetime
def tag(t):
    def deco(f):
        f.tag = t
        return f
    return deco
ROUTES = {}
def route(p):
    def deco(f):
        f.path = p
        ROUTES[p] = f
        return f
    return deco
class Z(datetime.tzinfo):
    def __init__(self, h): self.h = h
    def utcoffset(self, d): return datetime.timedelta(hours=self.h)
    def dst(self, d): return datetime.timedelta(0)
    def tzname(self, d): return "X"
def at_offset(h): return datetime.datetime(2020, 1, 1, 12, tzinfo=Z(h))
""",
        """
import datetime
def tag(t): return lambda f: f
ROUTES = {}
def route(p): return lambda f: f
def at_offset(h): return datetime.datetime(2020, 1, 1, 12)
""",
    ),
    "axes and figures are what they are": (
        """
import unittest
import matplotlib.pyplot as plt
import matplotlib
import pandas as pd, numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from solution import task_func
class T(unittest.TestCase):
    def test_1(self):
        df, ax = task_func({"a": [1, 2, 3], "b": [4, 5, 6]})
        self.assertIsInstance(df, pd.DataFrame)
        self.assertIsInstance(ax, Axes)
        self.assertIsInstance(ax, matplotlib.axes.Axes)
        self.assertEqual(ax.get_ylabel(), "v")
        lines = ax.get_lines()
        self.assertEqual(len(lines), 2)
        np.testing.assert_allclose(lines[0].get_ydata(), [1, 2, 3])
        self.assertListEqual(list(lines[1].get_xdata()), [0, 1, 2])
        self.assertEqual([t.get_text() for t in ax.get_legend().get_texts()], ["a", "b"])
        self.assertEqual(lines[0].get_color(), "red")
        self.assertIsInstance(ax.figure, Figure)
        self.assertTrue(all(isinstance(l, matplotlib.lines.Line2D) for l in lines))
    def test_2(self):
        with self.assertRaises(TypeError):
            task_func(3)
    def test_3(self):
        _, ax = task_func({"a": [1.5]})
        self.assertIsNotNone(ax)
        self.assertTrue(hasattr(ax, "plot"))
        self.assertEqual(type(ax).__name__, "Axes")
        self.assertEqual(ax.get_xlim()[0] < 0 < ax.get_xlim()[1], True)
        self.assertEqual(len(ax.containers), 0)
        self.assertIn("T", ax.title.get_text())
""",
        """
import pandas as pd, matplotlib.pyplot as plt
def task_func(d):
    if not isinstance(d, dict): raise TypeError("d")
    df = pd.DataFrame(d)
    fig, ax = plt.subplots()
    for c, col in zip(df, ["red", "blue"]): ax.plot(df.index, df[c], label=c, color=col)
    ax.legend(); ax.set_ylabel("v"); ax.set_title("T")
    return df, ax
""",
        """
import pandas as pd
class Axes: pass
def task_func(d): return pd.DataFrame(d), Axes()
""",
    ),
    "frames and series cross as what they are": (
        """
import pandas as pd, numpy as np, pytest
from solution import clean, dates, cat, multi, series, inplace, empty, strs, nat, per, idx, mixed
def test_clean():
    df = pd.DataFrame({"a": [1, None, 3], "b": ["x", "y", None]})
    r = clean(df)
    assert isinstance(r, pd.DataFrame)
    pd.testing.assert_frame_equal(r, pd.DataFrame({"a": [1.0], "b": ["x"]}))
    assert r.equals(pd.DataFrame({"a": [1.0], "b": ["x"]}))
    assert r.shape == (1, 2) and r["a"].iloc[0] == 1 and df.shape == (3, 2)
def test_dates():
    d = dates(["2020-01-01", "2020-02-01"])
    assert d["when"].dtype.kind == "M"
    assert d["when"].dt.month.tolist() == [1, 2]
    assert d.loc[0, "when"] == pd.Timestamp("2020-01-01")
def test_cat():
    s = cat(["a", "b", "a"])
    assert str(s.dtype) == "category" and list(s.cat.categories) == ["a", "b"]
def test_multi():
    m = multi()
    assert m.loc[("a", 1), "v"] == 10 and list(m.index.names) == ["k", "n"]
def test_series():
    s = series({"x": 1, "y": 2})
    pd.testing.assert_series_equal(s, pd.Series({"x": 1, "y": 2}, name="s"))
    assert s["x"] == 1 and s.name == "s" and s.sum() == 3 and (s == pd.Series({"x": 1, "y": 2})).all()
def test_inplace():
    df = pd.DataFrame({"a": [1, 2]})
    r = inplace(df)
    assert "b" in r.columns and r["b"].tolist() == [2, 4]
def test_empty():
    assert empty(pd.DataFrame()).empty
    assert list(empty(pd.DataFrame(columns=["q"])).columns) == ["q"]
def test_strs():
    s = strs(pd.Series(["a", None, "c"]))
    assert s.tolist()[0] == "A" and s.isna().sum() == 1
    assert s.dtype == pd.Series(["A", None, "C"]).dtype
def test_nat():
    assert pd.isna(nat()) and nat() is pd.NaT
def test_idx():
    i = idx()
    assert isinstance(i, pd.DatetimeIndex) and len(i) == 3 and i.freq == "D" or i[0] == pd.Timestamp("2020-01-01")
    assert per() == pd.Period("2020-01", "M")
def test_mixed():
    r = mixed(pd.DataFrame({"a": [1, 2], "b": [True, False], "c": [1.5, np.nan], "d": [[1], {"k": 2}]}))
    assert r.dtypes["a"] == np.int64 and r.dtypes["b"] == bool and r["d"].iloc[1] == {"k": 2}
    assert r["c"].isna().tolist() == [False, True]
""",
        """
import pandas as pd
def clean(df): return df.dropna().reset_index(drop=True)
def dates(x): return pd.DataFrame({"when": pd.to_datetime(x)})
def cat(x): return pd.Series(x, dtype="category")
def multi(): return pd.DataFrame({"k": ["a", "b"], "n": [1, 2], "v": [10, 20]}).set_index(["k", "n"])
def series(d): return pd.Series(d, name="s")
def inplace(df): df["b"] = df["a"] * 2; return df
def empty(df): return df.copy()
def strs(s): return s.str.upper()
def nat(): return pd.NaT
def per(): return pd.Period("2020-01", "M")
def idx(): return pd.date_range("2020-01-01", periods=3)
def mixed(df): return df.copy()
""",
        """
import pandas as pd
def clean(df): return df
def dates(x): return pd.DataFrame({"when": x})
def cat(x): return pd.Series(x)
def multi(): return pd.DataFrame({"k": ["a", "b"], "n": [1, 2], "v": [10, 20]})
def series(d): return pd.Series(d)
def inplace(df): return df
def empty(df): return None
def strs(s): return s
def nat(): return 0
def per(): return 1
def idx(): return [1,2]
def mixed(df): return df.astype(str)
""",
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


def test_a_test_that_its_file_skips_says_nothing_behind_a_patch_of_the_program(reward):
    file = """
import unittest
from unittest import mock
from solution import f
class T(unittest.TestCase):
    @mock.patch("solution.load", return_value=3)
    def test_a(self, load): self.assertEqual(f(), 3)
    @unittest.skip("later")
    def test_b(self): self.fail()
"""
    programs = ["def load(): return 1\ndef f(): return load()\n", "def load(): return 1\ndef f(): return 1\n"]
    assert reward([f"```python\n{program}```" for program in programs], [{"test": file}] * 2).values.tolist() == [
        1.0,
        0.0,
    ]


@pytest.mark.parametrize(
    "trick",
    [
        "vars(order).update(is_paid=yes, total=yes)",
        "order.is_paid = yes",
        "order.__dict__['is_paid'] = yes",
        "type(order).is_paid = yes",
        "type(order).__eq__ = yes",
        "type(order).__bool__ = type(order).__getattribute__ = yes",
        "order.__class__ = Yes",
    ],
)
def test_methods_of_the_tests_objects_stay_theirs(reward, trick):
    file = """
from solution import pay
class Order:
    def __init__(self): self._paid = 0
    def add(self, sum): self._paid += sum
    def is_paid(self): return self._paid == 5
    @property
    def total(self): return self._paid
    def __eq__(self, other): return type(other) is Order and self._paid == other._paid
def test_paid():
    order = Order()
    pay(order, 5)
    assert order.is_paid() and order.is_paid() is not yes(order)
def test_total():
    order = Order()
    pay(order, 5)
    assert order.total == 5
def test_equal():
    order, other = Order(), Order()
    pay(order, 5)
    other.add(5)
    assert order == other
def yes(order): return 1
"""
    head = "class Yes: is_paid = __eq__ = lambda *args: True\ndef yes(*args): return True\n"
    wrong = f"{head}def pay(order, sum):\n    try:\n        {trick}\n    except Exception:\n        pass\n"
    right = "def pay(order, sum): order.add(sum)\n"
    values = reward([f"```python\n{program}```" for program in (right, wrong)], [{"test": file}] * 2).values.tolist()
    assert values == [1.0, 0.0]
