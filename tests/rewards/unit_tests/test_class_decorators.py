"""Class decorators: the code's at classes of the tests, and the tests' at classes that derive from the code's."""

from __future__ import annotations

from table_rewards import UnitTests

# what the decorator does, the tests, a right program, a wrong one
CASES = (
    (
        "a property of one's own keeps a method abstract",
        """\
import pytest
from abc import ABC, abstractmethod
from solution import once
class Base(ABC):
    @once
    @abstractmethod
    def area(self): pass
class Square(Base):
    count = 0
    @once
    def area(self):
        Square.count += 1
        return 4
def test_abstract():
    with pytest.raises(TypeError):
        Base()
def test_once():
    square = Square()
    assert (square.area, square.area, Square.count) == (4, 4, 1)
""",
        """\
class once:
    def __init__(self, function):
        self.function = function
        self.__isabstractmethod__ = getattr(function, "__isabstractmethod__", False)
    def __get__(self, instance, owner=None):
        if instance is None: return self
        value = instance.__dict__[self.function.__name__] = self.function(instance)
        return value
""",
        """\
class once:
    def __init__(self, function): self.function = function
    def __get__(self, instance, owner=None): return self.function(instance)
""",
    ),
    (
        "wraps every method",
        """\
from solution import timed
calls = []
@timed
class T:
    def a(self): return 1
    def b(self, x): return x + 1
def test_a():
    t = T()
    assert t.a() == 1
    assert t.b(2) == 3
    assert T.count == 2
""",
        """\
import functools
def timed(cls):
    cls.count = 0
    def wrap(f):
        @functools.wraps(f)
        def w(*a, **k):
            cls.count += 1
            return f(*a, **k)
        return w
    for k, v in list(vars(cls).items()):
        if callable(v) and not k.startswith('__'):
            setattr(cls, k, wrap(v))
    return cls
""",
        """\
def timed(cls):
    return cls
""",
    ),
    (
        "returns a subclass",
        """\
from solution import upper
def test_a():
    @upper
    class T:
        def greet(self): return "hi"
    assert T().greet() == "HI"
    assert T.__name__ == "T"
""",
        """\
def upper(cls):
    class U(cls):
        def greet(self): return super().greet().upper()
    U.__name__ = cls.__name__
    return U
""",
        """\
def upper(cls): return cls
""",
    ),
    (
        "replaces the initialiser",
        """\
from solution import count_instances
@count_instances
class A:
    def __init__(self, v): self.v = v
def test_a():
    A(1); A(2); a = A(3)
    assert a.v == 3
    assert A.instances == 3
""",
        """\
def count_instances(cls):
    old = cls.__init__
    cls.instances = 0
    def __init__(self, *a, **k):
        cls.instances += 1
        old(self, *a, **k)
    cls.__init__ = __init__
    return cls
""",
        """\
def count_instances(cls):
    cls.instances = 0
    return cls
""",
    ),
    (
        "the tests complete the order of their subclass",
        """\
from solution import Base
import functools
@functools.total_ordering
class Sub(Base):
    def __lt__(self, o): return self.value() < o.value()
    def __eq__(self, o): return self.value() == o.value()
def test_a():
    assert Sub(1) < Sub(2)
    assert Sub(2) > Sub(1)
    assert Sub(2) >= Sub(2)
""",
        """\
class Base:
    def __init__(self,n): self.n=n
    def value(self): return self.n*2
""",
        """\
class Base:
    def __init__(self,n): self.n=n
    def value(self): return None
""",
    ),
    (
        "compares by a key",
        """\
import unittest
from solution import comparable
class T(unittest.TestCase):
    def test(self):
        @comparable
        class P:
            def __init__(self, k): self.k = k
            def key(self): return self.k
        self.assertTrue(P(1) < P(2))
        self.assertTrue(P(3) == P(3))
        self.assertFalse(P(3) < P(2))
        self.assertEqual([p.k for p in sorted([P(2), P(1)])], [1, 2])
""",
        """\
def comparable(cls):
    cls.__lt__ = lambda self, o: self.key() < o.key()
    cls.__eq__ = lambda self, o: self.key() == o.key()
    return cls
""",
        """\
def comparable(cls): return cls
""",
    ),
    (
        "forbids assignment",
        """\
import pytest
from solution import frozen
@frozen
class A:
    def __init__(self): self.__dict__["x"] = 1
def test_a():
    a = A()
    with pytest.raises(AttributeError):
        a.x = 2
    assert a.x == 1
""",
        """\
def frozen(cls):
    def __setattr__(self, k, v): raise AttributeError(k)
    cls.__setattr__ = __setattr__
    return cls
""",
        """\
def frozen(cls): return cls
""",
    ),
    (
        "equality that holds for everything",
        """\
from solution import comparable
@comparable
class P:
    def __init__(self, k): self.k = k
    def key(self): return self.k
def test_a():
    assert P(1) == P(1)
    assert P(2) == P(2)
""",
        """\
def comparable(cls):
    cls.__eq__ = lambda self, o: self.key() == o.key()
    cls.__hash__ = lambda self: hash(self.key())
    return cls
""",
        """\
def comparable(cls):
    cls.__eq__ = lambda self, o: True
    return cls
""",
    ),
    (
        "a class that is only handed over keeps its methods",
        """\
from solution import make
class P:
    def __init__(self, k): self.k = k
    def value(self): return self.k
def test_a():
    p = make(P, 3)
    assert p.value() == 6
    assert P(4).value() == 4
""",
        """\
def make(cls, n): return cls(n * 2)
""",
        """\
def make(cls, n):
    try:
        cls.value = lambda self: 6 if n == 3 else 4
    except Exception: pass
    return cls(n)
""",
    ),
    (
        "finds methods by inspect",
        """\
from solution import traced
@traced
class T:
    def a(self): return 1
    def b(self): return 2
def test_a():
    t = T()
    t.a(); t.b(); t.a()
    assert t.calls == ["a", "b", "a"]
""",
        """\
import functools, inspect
def traced(cls):
    for name, fn in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("__"): continue
        def wrap(fn, name):
            @functools.wraps(fn)
            def w(self, *a, **k):
                if not hasattr(self, "calls"): self.calls = []
                self.calls.append(name)
                return fn(self, *a, **k)
            return w
        setattr(cls, name, wrap(fn, name))
    return cls
""",
        """\
def traced(cls): return cls
""",
    ),
    (
        "a subclass that calls its base",
        """\
from solution import timestamped
@timestamped
class T:
    kind = "t"
    def __init__(self, x): self.x = x
    def show(self): return f"{self.kind}:{self.x}:{self.stamp}"
    def __repr__(self): return f"T({self.x})"
def test_a():
    t = T(5)
    assert t.show() == "t:5:1"
    assert t.x == 5
    assert repr(t) == "T(5)"
    assert T(6).stamp == 1
""",
        """\
def timestamped(cls):
    class S(cls):
        def __init__(self, *a, **k):
            super().__init__(*a, **k)
            self.stamp = 1
    S.__name__ = cls.__name__
    return S
""",
        """\
def timestamped(cls): return cls
""",
    ),
    (
        "reads annotations",
        """\
from solution import data
@data
class P:
    x: int
    y: int = 3
def test_a():
    p = P(1)
    assert (p.x, p.y) == (1, 3)
    assert repr(P(2, 4)) == "P(x=2, y=4)"
    assert P(1, 2) == P(1, 2)
    assert P(1, 2) != P(1, 3)
""",
        """\
def data(cls):
    names = list(cls.__annotations__)
    def __init__(self, *a, **k):
        for n, v in zip(names, a): setattr(self, n, v)
        for n in names[len(a):]:
            setattr(self, n, k[n] if n in k else getattr(cls, n))
    def __repr__(self):
        return cls.__name__ + "(" + ", ".join(f"{n}={getattr(self, n)!r}" for n in names) + ")"
    def __eq__(self, o): return all(getattr(self, n) == getattr(o, n) for n in names)
    cls.__init__, cls.__repr__, cls.__eq__ = __init__, __repr__, __eq__
    return cls
""",
        """\
def data(cls):
    def __init__(self, *a): self.x=a[0]; self.y=3
    cls.__init__ = __init__
    return cls
""",
    ),
    (
        "checks assignments",
        """\
import pytest
from solution import typed
@typed
class P:
    x: int
    def __init__(self, x): self.x = x
def test_a():
    assert P(1).x == 1
    p = P(2); p.x = 7
    assert p.x == 7
    with pytest.raises(TypeError):
        P("a")
""",
        """\
def typed(cls):
    ann = cls.__annotations__
    def __setattr__(self, k, v):
        if k in ann and not isinstance(v, ann[k]): raise TypeError(k)
        object.__setattr__(self, k, v)
    cls.__setattr__ = __setattr__
    return cls
""",
        """\
def typed(cls): return cls
""",
    ),
)


def test_class_decorators_earn_what_their_tests_say() -> None:
    programs = [right for _, _, right, _ in CASES] + [wrong for _, _, _, wrong in CASES]
    scores = UnitTests()(
        [f"```python\n{program}```" for program in programs], [{"test": tests} for _, tests, _, _ in CASES] * 2
    )
    full = dict(
        zip(
            [(name, kind) for kind in ("right", "wrong") for name, *_ in CASES], scores.parts["all_passed"], strict=True
        )
    )
    assert {key for key, value in full.items() if value != (key[1] == "right")} == set(), scores.notes
