"""What crosses the socket between the tests and the model's code: values by copy, everything else by number.

Plain data, and the values of the standard library, numpy and pandas that are only data, arrive as what they are. An
object of any other kind stays where it is, and the other side gets what stands for it, see :mod:`.mirrors`. A list,
dict, set or deque arrives as a copy that is kept the same: what one side does to its own is done to the other's before
the next message is read.

Tags beyond those of :mod:`.encoding`: ``B`` bytearray, ``R`` range, ``S`` slice, ``e`` Ellipsis, ``N``
NotImplemented, ``D`` Decimal, ``Q`` Fraction, ``T`` dates and times, ``Z`` deque, ``M`` a mapping of ``collections``,
``P`` a path, ``U`` a UUID, ``p`` a pattern, ``a`` an array, ``n`` a number of numpy, ``F`` a frame, series or index,
``J`` an image, ``g`` a class or function of the standard library by its name, ``m`` a module of it, ``h`` an object
of the sender's, ``C`` a class, ``r`` an object of the receiver's, ``G`` a generator, ``A`` something to await, ``#``
a container that is kept the same, ``x`` an exception.
"""

from __future__ import annotations

import collections
import importlib
import json
import sys
import types
from collections.abc import Callable
from typing import Any

from .encoding import EXACT

MAX_DEPTH = 150
_inf = float("inf")
LIBRARIES = frozenset(("numpy", "pandas", "scipy", "sympy", "matplotlib", "PIL", "requests", "yaml", "networkx"))
ENDING = (KeyboardInterrupt, GeneratorExit)
STDLIB = frozenset(sys.stdlib_module_names) - {
    "unittest",
    "doctest",
    "test",
    "__main__",
    "this",
    "antigravity",
    "bdb",
    "pdb",
}
SHARED = (
    list,
    dict,
    set,
    bytearray,
    collections.deque,
    collections.OrderedDict,
    collections.defaultdict,
    collections.Counter,
)
PATHLIB = ("pathlib", "pathlib._local")  # where Python 3.13 defines its classes
RETURNED = {  # classes that the model's code may hand over by name: they hold data, and compare as data
    "builtins", "datetime", "decimal", "fractions", "collections", *PATHLIB, "uuid", "enum", "abc", "collections.abc",
    "numbers", "json.decoder", "typing", "_collections_abc", "types", "io", "_io",
}  # fmt: skip


class Refused(Exception):
    """What cannot cross, or must not."""


class Crossing:
    """One side's view of the values that cross. Subclasses say what stands for the other side's objects."""

    trusted = False

    def __init__(self) -> None:
        self.objects: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.next = 1
        self.shared: dict[int, list[Any]] = {}
        self.shared_ids: dict[int, int] = {}
        self.next_shared = 1 if self.trusted else 2  # odd numbers are the tests', even ones the code's

    # -- what subclasses provide

    def number_of(self, value: Any) -> int | None:
        """The number of the other side's object that ``value`` stands for."""
        raise NotImplementedError

    def stand_in(self, number: int, kind: Any) -> Any:
        raise NotImplementedError

    def mirror(self, number: int) -> Any:
        raise NotImplementedError

    def generator(self, number: int) -> Any:
        raise NotImplementedError

    def awaitable(self, number: int) -> Any:
        raise NotImplementedError

    def nameable(self, value: Any, module: str) -> bool:
        """Whether a class or function of the standard library is handed over by its name."""
        raise NotImplementedError

    # -- sending

    def keep(self, value: Any) -> int:
        """The number of an object that stays here."""
        number = self.numbers.get(id(value))
        if number is None:
            if self.trusted:
                check_exportable(value)
            number, self.next = self.next, self.next + 1
            self.objects[number] = value
            self.numbers[id(value)] = number
        return number

    def pack_shared(self, value: Any) -> Any:
        """Like :meth:`pack`, and a container is kept the same on both sides from here on."""
        data = self.pack(value)
        if type(value) not in SHARED:
            return data
        number = self.shared_ids.get(id(value))
        if number is None:
            number, self.next_shared = self.next_shared, self.next_shared + 2
            self.shared[number] = [value, None]
            self.shared_ids[id(value)] = number
        self.shared[number][1] = json.dumps(data)
        return ["#", number, data]

    def changes(self) -> list[Any]:
        """What was done to the shared containers since they were last told; those that nobody holds are let go."""
        found = []
        for number, entry in list(self.shared.items()):
            data = self.pack(entry[0])
            text = json.dumps(data)
            if text != entry[1]:
                entry[1] = text
                found.append([number, data])
            if sys.getrefcount(entry[0]) <= 2:
                del self.shared[number], self.shared_ids[id(entry[0])]
        return found

    def take_changes(self, changes: list[Any]) -> None:
        for number, data in changes:
            entry = self.shared.get(number)
            if entry is not None:
                update(entry[0], self.changed(entry[0], self.unpack(data)))
                entry[1] = json.dumps(self.pack(entry[0]))

    def changed(self, container: Any, after: Any) -> Any:
        """What a container becomes by what the other side made of its own."""
        return after

    def pack(self, v: Any, depth: int = 0) -> Any:
        t = type(v)
        if v is None or t is bool or t is str:
            return v
        if t is int:
            return v if -EXACT < v < EXACT else ["i", hex(v)]
        if t is float:
            return v if -_inf < v < _inf else ["f", repr(v)]
        if depth > MAX_DEPTH:
            raise Refused("a value is nested too deep, or holds itself")
        maker = _PACK.get(t)
        if maker is not None:
            return maker(self, v, depth + 1)
        return self.pack_object(v, depth + 1)

    def pack_object(self, v: Any, depth: int) -> Any:
        number = self.number_of(v)
        if number is not None:
            return ["r", number]
        t = type(v)
        module = t.__module__
        if module in ("numpy", "pandas") or module.startswith("pandas."):
            data = _pack_array(self, v, depth)
            if data is not None:
                return data
        elif module.startswith("PIL.") and hasattr(v, "tobytes") and getattr(v, "mode", "P") not in ("P", "PA"):
            named = getattr(v, "filename", None)
            return ["J", v.mode, list(v.size), _coded(v.tobytes()), v.format, named if type(named) is str else None]
        elif module in ("datetime", "decimal", "fractions", *PATHLIB, "uuid", "re", "zoneinfo"):
            late = _pack_value(self, v, depth)
            if late is not None:
                return late
        if module == "_pytest._py.path":
            return ["P", "PosixPath", str(v)]  # pytest's own paths can run programs
        if t is types.TracebackType:
            return None  # what an ``__exit__`` gets of an error is its class and the error itself
        if isinstance(v, types.ModuleType):
            if v.__name__.split(".")[0] in STDLIB | LIBRARIES and sys.modules.get(v.__name__) is v:
                return ["m", v.__name__]
            raise Refused(f"the module {v.__name__} cannot be handed over")
        if isinstance(v, type) or callable(v):
            named = global_name(v)
            if named is not None and self.nameable(v, named[0]):
                return ["g", *named]
        if isinstance(v, type):
            return ["C", self.keep(v)]
        if isinstance(v, BaseException):
            return self.pack_error(v)
        if t is types.GeneratorType:
            return ["G", self.keep(v)]
        if t is types.CoroutineType:
            return ["A", self.keep(v)]
        return ["h", self.keep(v), self.pack_kind(t)]

    def pack_kind(self, kind: type) -> Any:
        if kind is types.FunctionType or kind is types.MethodType:
            return "function"
        return ["C", self.keep(kind)] if self.number_of(kind) is None else ["r", self.number_of(kind)]

    def pack_error(self, error: BaseException, depth: int = 0) -> Any:
        """``x, class, arguments, text, attributes, cause, number``."""
        number = self.number_of(error)
        if number is not None:
            return ["r", number]
        kind = type(error)
        named = global_name(kind)
        try:
            text = str(error)[:2000]
        except Exception:
            text = ""
        args: Any = None
        try:
            args = self.pack(tuple(error.args))
        except Exception:
            args = ["t", text]
        cause = self.pack_error(error.__cause__, depth + 1) if error.__cause__ is not None and depth < 3 else None
        if named is None:
            return ["x", self.pack(kind), args, text, None, cause, self.keep(error)]
        attributes = {
            name: value
            for name, value in list(getattr(error, "__dict__", {}).items())[:20]
            if type(name) is str and type(value) in (str, int, float, bool, type(None))
        }
        return ["x", ["g", *named], args, text, attributes, cause, None]

    # -- receiving

    def unpack(self, data: Any) -> Any:
        if type(data) is not list:
            return data
        return _UNPACK[data[0]](self, data)

    def unpack_error(self, data: Any) -> BaseException:
        """The exception that the other side raised; never one that ends a process or a loop of ours."""
        if data[0] == "r":
            found = self.objects[data[1]]
            return found if isinstance(found, BaseException) else RuntimeError("not an exception")
        _, kind, args, text, attributes, cause, number = data
        found = self.unpack(args)
        args = found if type(found) is tuple else (str(text),)
        error = self.make_error(kind, args, str(text), number)
        if type(attributes) is dict and hasattr(error, "__dict__"):
            for name, value in attributes.items():
                if type(name) is str and not name.startswith("_"):
                    error.__dict__[name] = value
        if cause is not None:
            error.__cause__ = self.unpack_error(cause)
        return error

    def make_error(self, kind: Any, args: tuple[Any, ...], text: str, number: Any) -> BaseException:
        if kind[0] == "g":
            cls = resolve(str(kind[1]), str(kind[2]))
            fine = isinstance(cls, type) and issubclass(cls, BaseException) and not issubclass(cls, ENDING)
            if not fine:
                return RemoteError(f"{kind[2]}: {text}")
            try:
                return cls(*args)  # type: ignore[no-any-return]
            except Exception:
                error = cls.__new__(cls, *args)
                error.args = args
                return error  # type: ignore[no-any-return]
        cls = self.unpack(kind)
        if not (isinstance(cls, type) and issubclass(cls, BaseException)):
            return RemoteError(text)
        error = cls.__new__(cls, *args)
        error.args = args
        if number is not None:
            error.__dict__.update(_tr_number=int(number), _tr_text=text)
            self.remember(int(number), error)
        return error

    def remember(self, number: int, value: Any) -> None:
        """Keep what stands for the other side's object, so that the same object is always the same."""

    def named(self, module: str, name: str) -> Any:
        """A class or function of the standard library by its name."""
        found = resolve(module, name)
        if self.trusted:  # what code may hand over by name is a class that only holds data, or an exception
            is_error = isinstance(found, type) and issubclass(found, BaseException)
            if not (isinstance(found, type) and (module in RETURNED or is_error)):
                raise Refused(f"{module}.{name} is not taken from the code by its name")
        return found


class RemoteError(Exception):
    """An exception of a class that cannot be had here."""


def resolve(module: str, name: str) -> Any:
    if module.split(".")[0] not in STDLIB:
        raise Refused(f"{module} is not a module of the standard library")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def global_name(value: Any) -> tuple[str, str] | None:
    """Module and name of a class or function of the standard library, when it can be had by them."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if module is None:
        owner = getattr(value, "__objclass__", None) or getattr(value, "__self__", None)
        module = owner.__name__ if isinstance(owner, types.ModuleType) else getattr(owner, "__module__", None)
    if type(module) is not str or type(name) is not str or module.split(".")[0] not in STDLIB:
        return None
    found: Any = sys.modules.get(module)
    if found is None:
        return None
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is value or (callable(found) and not isinstance(found, type) and found == value):
        return module, name
    return None


def library_name(cls: type) -> tuple[str, str] | None:
    """Module and name of a class of the standard library, or of a package whose objects are not handed over as data."""
    top = str(cls.__module__).split(".")[0]
    if top in LIBRARIES - {"numpy", "pandas"}:
        return cls.__module__, cls.__qualname__
    return global_name(cls)


FORBIDDEN = {"reset_mock", "configure_mock", "attach_mock", "mock_add_spec"}


def check_exportable(value: Any) -> None:
    """Objects that hold the tests themselves are never handed to the model's code."""
    kind = type(value)
    top = str(kind.__module__).split(".")[0]
    names = {cls.__module__ + "." + cls.__qualname__ for cls in kind.__mro__}
    if top in ("_pytest", "pytest") or "unittest.case.TestCase" in names:
        raise Refused(f"a {kind.__name__} of the tests is not handed to the code")
    if kind in (types.FrameType, types.TracebackType, types.CodeType, types.ModuleType):
        raise Refused(f"a {kind.__name__} is not handed to the code")
    if isinstance(value, type) and issubclass(value, __import__("unittest").TestCase):
        raise Refused("a class of tests is not handed to the code")


def update(target: Any, after: Any) -> None:
    """Make one's own container what the other side's is now, keeping what is inside where it is the same kind."""
    if type(target) is not type(after):
        return
    if isinstance(target, (list, collections.deque)):
        for index in range(min(len(target), len(after))):
            old, new = target[index], after[index]
            if type(old) in SHARED and type(old) is type(new):
                update(old, new)
                after[index] = old
        if isinstance(target, list):
            target[:] = after
        else:
            target.clear()
            target.extend(after)
    elif isinstance(target, bytearray):
        target[:] = after
    elif isinstance(target, set):
        target.clear()
        target.update(after)
    elif isinstance(target, dict):
        for key, new in after.items():
            old = target.get(key)
            if type(old) in SHARED and type(old) is type(new):
                update(old, new)
                after[key] = old
        target.clear()
        for key, new in after.items():
            dict.__setitem__(target, key, new)


# -- how each kind of value is packed


def _sequence(tag: str) -> Callable[[Crossing, Any, int], Any]:
    return lambda c, v, depth: [tag, *[c.pack(item, depth) for item in v]]


def _mapping(c: Crossing, v: Any, depth: int) -> Any:
    flat: list[Any] = ["d"]
    for key, item in v.items():
        flat += (c.pack(key, depth), c.pack(item, depth))
    return flat


def _collection(c: Crossing, v: Any, depth: int) -> Any:
    factory = c.pack(v.default_factory, depth) if type(v) is collections.defaultdict else None
    return ["M", type(v).__name__, factory, *_mapping(c, v, depth)[1:]]


_PACK: dict[Any, Callable[[Crossing, Any, int], Any]] = {
    list: _sequence("l"),
    tuple: _sequence("t"),
    set: _sequence("s"),
    frozenset: _sequence("z"),
    dict: _mapping,
    collections.OrderedDict: _collection,
    collections.defaultdict: _collection,
    collections.Counter: _collection,
    collections.deque: lambda c, v, depth: ["Z", v.maxlen, *[c.pack(item, depth) for item in v]],
    complex: lambda c, v, depth: ["c", repr(v.real), repr(v.imag)],
    bytes: lambda c, v, depth: ["b", v.hex()],
    bytearray: lambda c, v, depth: ["B", v.hex()],
    range: lambda c, v, depth: ["R", *[c.pack(part) for part in (v.start, v.stop, v.step)]],
    slice: lambda c, v, depth: ["S", *[c.pack(part, depth) for part in (v.start, v.stop, v.step)]],
    type(...): lambda c, v, depth: ["e"],
    type(NotImplemented): lambda c, v, depth: ["N"],
}


def _coded(data: bytes) -> str:
    import binascii  # two libraries, whose mappings every fork of the other jobs would copy

    return binascii.b2a_base64(data, newline=False).decode()


def _decoded(text: str) -> bytes:
    import binascii

    return binascii.a2b_base64(text)


def _pack_value(c: Crossing, v: Any, depth: int) -> Any:
    """Values of modules that may not be imported yet."""
    kind = type(v)
    name = kind.__name__
    module = sys.modules.get(kind.__module__)
    if getattr(module, name, None) is not kind:
        return None
    if name == "Decimal":
        return ["D", str(v)]
    if name == "Fraction":
        return ["Q", c.pack(v.numerator), c.pack(v.denominator)]
    if name == "timedelta":
        return ["T", name, v.days, v.seconds, v.microseconds]
    if name == "date":
        return ["T", name, v.year, v.month, v.day]
    if name == "datetime":
        zone = c.pack(_plain_zone(v), depth)
        return ["T", name, v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond, v.fold, zone]
    if name == "time":
        return ["T", name, v.hour, v.minute, v.second, v.microsecond, v.fold, c.pack(_plain_zone(v), depth)]
    if name == "timezone":
        return ["T", name, c.pack(v.utcoffset(None), depth), v.tzname(None)]
    if name == "ZoneInfo" and v.key:
        return ["T", name, v.key]
    if kind.__module__ in PATHLIB:
        return ["P", name, str(v)]
    if name == "UUID":
        return ["U", v.hex]
    if name == "Pattern":
        return ["p", c.pack(v.pattern), v.flags]
    return None


def _plain_zone(moment: Any) -> Any:
    """The time zone of a moment; one of another package, or of a class of one's own, as its offset at that moment."""
    zone = moment.tzinfo
    offset = None if zone is None or type(zone).__module__ in ("datetime", "zoneinfo") else moment.utcoffset()
    if offset is None:
        return zone
    import datetime

    name = moment.tzname()
    return datetime.timezone(offset, name) if type(name) is str else datetime.timezone(offset)


def _pack_array(c: Crossing, v: Any, depth: int) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if type(v) is numpy.ndarray:
        if v.dtype.hasobject or v.dtype.names:
            return ["a", "O", list(v.shape), [c.pack(item, depth) for item in v.ravel().tolist()]]
        return ["a", v.dtype.str, list(v.shape), _coded(numpy.ascontiguousarray(v).tobytes())]
    if isinstance(v, numpy.generic) and not v.dtype.hasobject and not v.dtype.names:
        return ["n", v.dtype.str, _coded(v.tobytes())]
    if isinstance(v, numpy.dtype):
        return ["n", v.str, ""]
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return None
    if v is pandas.NaT or v is pandas.NA:
        return ["F", "NaT" if v is pandas.NaT else "NA"]
    if type(v) is pandas.Timestamp:
        return ["F", "Timestamp", v.isoformat(), str(v.tz) if v.tz is not None else None]
    if type(v) is pandas.Timedelta:
        return ["F", "Timedelta", v.value]
    if type(v) is pandas.Period:
        return ["F", "Period", v.ordinal, v.freqstr]
    if type(v) is pandas.Series:
        return ["F", "Series", _column(c, v, depth), c.pack(v.index, depth), c.pack(v.name, depth)]
    if type(v) is pandas.DataFrame:
        columns = [_column(c, v.iloc[:, index], depth) for index in range(v.shape[1])]
        return ["F", "DataFrame", columns, c.pack(v.index, depth), c.pack(v.columns, depth)]
    if isinstance(v, pandas.MultiIndex):
        return ["F", "MultiIndex", c.pack(v.tolist(), depth), c.pack(list(v.names), depth)]
    if type(v) is pandas.RangeIndex:
        return ["F", "RangeIndex", v.start, v.stop, v.step, c.pack(v.name, depth)]
    if isinstance(v, pandas.Index) and type(v).__name__ in ("Index", "DatetimeIndex", "TimedeltaIndex"):
        return ["F", "Index", _column(c, v.to_series(), depth), c.pack(v.name, depth)]
    return None


def _column(c: Crossing, v: Any, depth: int) -> Any:
    """The type of a column, its values and, of a category, its classes."""
    name = str(v.dtype)
    if name == "category":
        classes = v.cat.categories.tolist()
        return [name, [c.pack(item, depth) for item in v.astype(object).tolist()], c.pack(classes), bool(v.cat.ordered)]
    return [name, [c.pack(item, depth) for item in v.astype(object).tolist()]]


# -- and read


def _flat(c: Crossing, items: list[Any]) -> dict[Any, Any]:
    values = [c.unpack(item) for item in items]
    return dict(zip(values[::2], values[1::2], strict=True))


def _read_collection(c: Crossing, data: list[Any]) -> Any:
    _, name, factory, *items = data
    kind = {"OrderedDict": collections.OrderedDict, "Counter": collections.Counter}.get(name)
    found = _flat(c, items)
    if kind is None:
        return collections.defaultdict(c.unpack(factory), found)
    made = kind()
    for key, value in found.items():
        dict.__setitem__(made, key, value) if kind is collections.Counter else made.__setitem__(key, value)
    return made


def _read_time(c: Crossing, data: list[Any]) -> Any:
    import datetime

    _, name, *rest = data
    if name == "datetime":
        *parts, fold, zone = rest
        made: Any = datetime.datetime
        return made(*map(int, parts), c.unpack(zone), fold=int(fold))
    if name == "time":
        *parts, fold, zone = rest
        made = datetime.time
        return made(*map(int, parts), c.unpack(zone), fold=int(fold))
    if name == "date":
        return datetime.date(*map(int, rest))
    if name == "timedelta":
        return datetime.timedelta(*map(int, rest))
    if name == "ZoneInfo":
        import zoneinfo

        return zoneinfo.ZoneInfo(str(rest[0]))
    offset, zone_name = c.unpack(rest[0]), str(rest[1])
    plain = datetime.timezone(offset)
    return plain if plain.tzname(None) == zone_name else datetime.timezone(offset, zone_name)


def _read_number(module: str, name: str) -> Callable[[Crossing, list[Any]], Any]:
    def read(c: Crossing, data: list[Any]) -> Any:
        return getattr(importlib.import_module(module), name)(*[c.unpack(part) for part in data[1:]])

    return read


def _read_path(c: Crossing, data: list[Any]) -> Any:
    import pathlib

    kinds = ("PosixPath", "PurePosixPath", "PureWindowsPath", "PurePath", "Path")
    return getattr(pathlib, data[1] if data[1] in kinds else "PurePath")(str(data[2]))


def _read_pattern(c: Crossing, data: list[Any]) -> Any:
    import re

    return re.compile(c.unpack(data[1]), int(data[2]))


def _read_array(c: Crossing, data: list[Any]) -> Any:
    import numpy

    _, kind, shape, body = data
    if kind == "O":
        made = numpy.empty(len(body), dtype=object)
        made[:] = [c.unpack(item) for item in body]
        return made.reshape(shape)
    return numpy.frombuffer(_decoded(body), dtype=numpy.dtype(str(kind))).reshape(shape).copy()


def _read_scalar(c: Crossing, data: list[Any]) -> Any:
    import numpy

    kind = numpy.dtype(str(data[1]))
    return numpy.frombuffer(_decoded(data[2]), dtype=kind)[0] if data[2] else kind


def _read_image(c: Crossing, data: list[Any]) -> Any:
    module: Any = importlib.import_module("PIL.Image")
    made = module.frombytes(str(data[1]), tuple(map(int, data[2])), _decoded(data[3]))
    made.format = data[4]
    if data[5] is not None:
        made.filename = str(data[5])
    return made


def _read_frame(c: Crossing, data: list[Any]) -> Any:
    import pandas

    _, kind, *rest = data
    if kind in ("NaT", "NA"):
        return getattr(pandas, kind)
    if kind == "Timestamp":
        return pandas.Timestamp(rest[0]) if rest[1] is None else pandas.Timestamp(rest[0]).tz_convert(rest[1])
    if kind == "Timedelta":
        return pandas.Timedelta(int(rest[0]))
    if kind == "Period":
        return pandas.Period(ordinal=int(rest[0]), freq=str(rest[1]))
    if kind == "RangeIndex":
        return pandas.RangeIndex(*map(int, rest[:3]), name=c.unpack(rest[3]))
    if kind == "MultiIndex":
        return pandas.MultiIndex.from_tuples(c.unpack(rest[0]), names=c.unpack(rest[1]))
    if kind == "Index":
        return pandas.Index(_read_column(c, rest[0]), name=c.unpack(rest[1]))
    if kind == "Series":
        made = _read_column(c, rest[0])
        made.index = c.unpack(rest[1])
        made.name = c.unpack(rest[2])
        return made
    index, columns = c.unpack(rest[1]), c.unpack(rest[2])
    frame = pandas.DataFrame(index=index)
    parts = []
    for column in rest[0]:
        part = _read_column(c, column)
        part.index = index
        parts.append(part)
    frame = pandas.concat(parts, axis=1) if parts else frame
    frame.columns = columns
    return frame


def _read_column(c: Crossing, data: list[Any]) -> Any:
    import pandas

    values = [c.unpack(item) for item in data[1]]
    if data[0] == "category":
        return pandas.Series(pandas.Categorical(values, categories=c.unpack(data[2]), ordered=data[3]))
    return (
        pandas.Series(values, dtype=object).astype(str(data[0]))
        if data[0] != "object"
        else pandas.Series(values, dtype=object)
    )


def _read_shared(c: Crossing, data: list[Any]) -> Any:
    _, number, inner = data
    entry = c.shared.get(number)
    if entry is not None:
        update(entry[0], c.changed(entry[0], c.unpack(inner)))
        return entry[0]
    value = c.unpack(inner)
    if type(value) in SHARED:
        c.shared[number] = [value, json.dumps(c.pack(value))]
        c.shared_ids[id(value)] = number
    return value


_UNPACK: dict[str, Callable[[Crossing, list[Any]], Any]] = {
    "i": lambda c, d: int(d[1], 16),
    "f": lambda c, d: float(d[1]),
    "c": lambda c, d: complex(float(d[1]), float(d[2])),
    "b": lambda c, d: bytes.fromhex(d[1]),
    "B": lambda c, d: bytearray.fromhex(d[1]),
    "l": lambda c, d: [c.unpack(item) for item in d[1:]],
    "t": lambda c, d: tuple([c.unpack(item) for item in d[1:]]),
    "s": lambda c, d: {c.unpack(item) for item in d[1:]},
    "z": lambda c, d: frozenset([c.unpack(item) for item in d[1:]]),
    "d": lambda c, d: _flat(c, d[1:]),
    "M": _read_collection,
    "Z": lambda c, d: collections.deque([c.unpack(item) for item in d[2:]], d[1]),
    "R": lambda c, d: range(*[c.unpack(part) for part in d[1:]]),
    "S": lambda c, d: slice(*[c.unpack(part) for part in d[1:]]),
    "e": lambda c, d: ...,
    "N": lambda c, d: NotImplemented,
    "D": _read_number("decimal", "Decimal"),
    "Q": _read_number("fractions", "Fraction"),
    "T": _read_time,
    "P": _read_path,
    "U": _read_number("uuid", "UUID"),
    "p": _read_pattern,
    "a": _read_array,
    "n": _read_scalar,
    "F": _read_frame,
    "J": _read_image,
    "g": lambda c, d: c.named(str(d[1]), str(d[2])),
    "m": lambda c, d: _module(c, str(d[1])),
    "r": lambda c, d: c.objects[int(d[1])],
    "h": lambda c, d: c.stand_in(int(d[1]), d[2]),
    "C": lambda c, d: c.mirror(int(d[1])),
    "G": lambda c, d: c.generator(int(d[1])),
    "A": lambda c, d: c.awaitable(int(d[1])),
    "x": lambda c, d: c.unpack_error(d),
    "#": _read_shared,
}


def _module(c: Crossing, name: str) -> Any:
    if name.split(".")[0] not in STDLIB | LIBRARIES:
        raise Refused(f"{name} is not a module of the standard library")
    return importlib.import_module(name)
