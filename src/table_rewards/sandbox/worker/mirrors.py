"""What stands for the other side's objects: classes that mirror its classes, instances that forward to its objects.

A mirror has the other class's name, bases and special methods, so ``isinstance``, ``with``, ``len`` and operators work.
Nothing is computed here: every use is a question to the side that holds the object.

On the tests' side some answers are not taken at face value. An object of a class that the tests never name is no value:
it is not compared with values, ordered or calculated with. Whether one of a named class equals a value of the tests is
asked among many other values that it must not equal, in random order; whether two objects of the code are equal is
asked once more with one of them changed. An ``__eq__`` that says yes to everything wins nothing.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any

from .crossing import ENDING, LIBRARIES, PATHLIB, resolve

_choice = random.SystemRandom()
DECOYS = 60
UNARY = ("neg", "pos", "abs", "invert", "int", "float", "index", "complex", "trunc", "floor", "ceil")
BINARY = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "matmul", "lshift", "rshift", "and", "or",
    "xor",
)  # fmt: skip
COMPARED = {
    "__eq__": "__ne__",
    "__ne__": "__eq__",
    "__lt__": "__ge__",
    "__ge__": "__lt__",
    "__gt__": "__le__",
    "__le__": "__gt__",
}
SPECIAL = (
    *(f"__{name}__" for name in UNARY),
    *(f"__{prefix}{name}__" for prefix in ("", "r", "i") for name in BINARY),
    *("__len__", "__iter__", "__next__", "__reversed__", "__contains__", "__getitem__", "__setitem__", "__delitem__"),
    *("__call__", "__enter__", "__exit__", "__bool__", "__hash__", "__str__", "__repr__", "__format__", "__bytes__"),
    *("__round__", "__await__", "__aenter__", "__aexit__", "__aiter__", "__anext__", "__fspath__", "__length_hint__"),
    *("__get__", "__set__", "__delete__", "__set_name__"),
    *COMPARED,
)
ALLOWED = frozenset(SPECIAL)
ARITHMETIC = frozenset(f"__{prefix}{name}__" for prefix in ("", "r", "i") for name in BINARY)
IMMUTABLE = (int, float, complex, str, bytes, tuple, frozenset)
VALUES = {"builtins", "datetime", "decimal", "fractions", "uuid", "types", "typing", "numbers", *PATHLIB}
DESCRIPTORS = ("__get__", "__set__", "__delete__", "__set_name__")


class Mirror(type):
    """The metaclass of mirrors: what is not found on the class here is asked of the class there."""

    def __new__(mcs, name: str, bases: tuple[Any, ...], body: dict[str, Any], **named: Any) -> Any:
        """A class of this side that derives from a mirrored one: the other side makes its like."""
        cls = type.__new__(mcs, name, bases, {**body, "_tr_derived": True})
        side = next(part.__dict__["_tr_side"] for part in cls.__mro__ if "_tr_side" in part.__dict__)
        if not side.trusted:  # what a class decorator of the code makes of a class of the tests is the code's own
            for item in ("__str__", "__repr__"):
                if item not in cls._tr_own:
                    type.__setattr__(cls, item, body.get(item, getattr(object, item)))
            return cls
        number = side.derive(name, bases, body)
        type.__setattr__(cls, "_tr_side", side)
        type.__setattr__(cls, "_tr_number", number)
        side.mirrors[number] = cls
        return cls

    def __getattr__(cls, name: str) -> Any:
        side, number = _of(cls)
        if side is None:
            side, number = next((_of(part) for part in cls.__mro__ if "_tr_side" in part.__dict__), (None, 0))
        if side is None or name in ("__abstractmethods__", "__isabstractmethod__", "__test__"):
            raise AttributeError(name)
        return side.attribute(number, name, cls)

    def __setattr__(cls, name: str, value: Any) -> None:
        side, number = _of(cls)
        if side is None or name.startswith("_tr_") or name in ("__doc__", "__module__", "__qualname__"):
            type.__setattr__(cls, name, value)
            return
        if isinstance(value, (Method, AsItWas)):  # the end of a patch puts back what it found
            side.ask({"op": "restore", "on": number, "name": name})
            if isinstance(value, Method):
                type.__setattr__(cls, name, value)
            elif name in cls.__dict__:
                type.__delattr__(cls, name)
            return
        if name == "__setattr__" and not side.trusted:
            type.__setattr__(cls, "_tr_sets", True)
            side.ask({"op": "set", "on": number, "name": name, "value": side.pack_shared(_setting(value))})
            return
        side.ask({"op": "set", "on": number, "name": name, "value": side.pack_shared(value)})
        completed = name in ALLOWED and "_tr_derived" in cls.__dict__ and callable(value)  # by total_ordering, say
        if completed or side.is_own(value):
            type.__setattr__(cls, name, value)

    def __delattr__(cls, name: str) -> None:
        side, number = _of(cls)
        if name in cls.__dict__:
            type.__delattr__(cls, name)
        side.ask({"op": "del", "on": number, "name": name})

    def __call__(cls, *args: Any, **named: Any) -> Any:
        side, number = _of(cls)
        if side is None:
            return type.__call__(cls, *args, **named)
        return side.call({"op": "call", "on": number}, args, named)

    def __iter__(cls) -> Any:
        return _special(cls, "__iter__")

    def __len__(cls) -> int:
        return int(_special(cls, "__len__"))

    def __bool__(cls) -> bool:
        return True

    def __contains__(cls, item: Any) -> bool:
        _named_only(cls, "in")
        return bool(_special(cls, "__contains__", item))

    def __getitem__(cls, key: Any) -> Any:
        return _special(cls, "__getitem__", key)

    def __dir__(cls) -> Any:
        side, number = _of(cls)
        return type.__dir__(cls) if side is None else side.call({"op": "dir", "on": number}, (), {})


def _setting(function: Any) -> Any:
    """A ``__setattr__`` of the code for a class of the tests: what ``object``'s own leaves here is set there."""

    def set_attribute(self: Any, name: str, value: Any) -> None:
        function(self, name, value)
        if _stands(self) and name in _local(self):
            Instance.__setattr__(self, name, _local(self).pop(name))

    return set_attribute


class AsItWas:
    """Assigned to a name of a mirrored class: what stood there before the tests changed it."""


def _of(cls: Any) -> tuple[Any, int]:
    return cls.__dict__.get("_tr_side"), cls.__dict__.get("_tr_number", 0)


def _special(cls: Any, name: str, *args: Any) -> Any:
    side, number = _of(cls)
    return side.call({"op": "op", "on": number, "name": name}, args, {})


class Instance:
    """What every mirrored instance has, beside the special methods of its own class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_tr_", "__array", "_pytest", "_ipython", "_repr_")):
            raise AttributeError(name)
        if not _stands(self):
            return getattr(type(self), name)  # of the class of the tests that it derives from
        side, number = whose(self)
        return side.attribute(number, name, self)

    def __setattr__(self, name: str, value: Any) -> None:
        if not _stands(self):
            object.__setattr__(self, name, value)
            return
        side, number = whose(self)
        told = {"op": "set", "on": number, "name": name, "value": side.pack_shared(value)}
        side.ask({**told, "plain": True} if "_tr_sets" in type(self).__dict__ else told)
        if side.is_own(value):
            object.__setattr__(self, name, value)
        else:
            _local(self).pop(name, None)

    def __delattr__(self, name: str) -> None:
        side, number = whose(self)
        _local(self).pop(name, None)
        side.ask({"op": "del", "on": number, "name": name})

    def __dir__(self) -> Any:
        if not _stands(self):
            return object.__dir__(self)
        side, number = whose(self)
        return side.call({"op": "dir", "on": number}, (), {})

    def __copy__(self) -> Any:
        side, number = whose(self)
        return side.call({"op": "copy", "on": number}, (), {})

    def __deepcopy__(self, memo: Any) -> Any:
        side, number = whose(self)
        return side.call({"op": "deepcopy", "on": number}, (), {})

    def __reduce_ex__(self, protocol: Any) -> Any:
        side, number = whose(self)
        if not side.trusted:
            raise TypeError("an object of the tests cannot be pickled")
        _unpickling[:] = [side]
        return unpickled, (side.call({"op": "pickle", "on": number}, (), {}),)


_unpickling: list[Any] = []


def unpickled(data: bytes) -> Any:
    """An object of the code, made there from its pickle."""
    return _unpickling[0].call({"op": "unpickle", "on": 0}, (data,), {})


_REAL_DICT: Any = Instance.__dict__["__dict__"].__get__


def _vars(self: Any) -> Any:
    if not _stands(self):
        return _local(self)
    side, number = whose(self)
    return side.call({"op": "vars", "on": number}, (), {})


def _local(self: Any) -> dict[str, Any]:
    return _REAL_DICT(self)  # type: ignore[no-any-return]


def _stands(value: Any) -> bool:
    """Whether an instance stands for an object there; one of a subclass of a mirrored class may be its own."""
    return "_tr_is" in _REAL_DICT(value)


def mark_of(value: Any) -> Any:
    """The side and the number of what an instance of a mirrored class stands for, or None."""
    try:
        return object.__getattribute__(value, "_tr_is")
    except AttributeError:
        return None


def whose(value: Any) -> tuple[Any, int]:
    """The side that made a stand-in and the number of what it stands for."""
    found = object.__getattribute__(value, "_tr_is")
    return found  # type: ignore[no-any-return]


def forwarder(name: str) -> Any:
    def forward(self: Any, *args: Any, **named: Any) -> Any:
        side, number = whose(self)
        return side.call({"op": "op", "on": number, "name": name}, args, named)

    forward.__name__ = forward.__qualname__ = name
    return forward


def _is_named(cls: Any) -> bool:
    side = next((part.__dict__["_tr_side"] for part in cls.__mro__ if "_tr_side" in part.__dict__), None)
    numbers = {part.__dict__["_tr_number"] for part in cls.__mro__ if "_tr_number" in part.__dict__}
    return side is not None and side.trusted and bool(numbers & side.named_classes)


def _named_only(cls: Any, what: str) -> None:
    """Refuse an object of a class that the tests never name: where a number is expected it could say anything."""
    side = next((part.__dict__["_tr_side"] for part in cls.__mro__ if "_tr_side" in part.__dict__), None)
    if side is not None and side.trusted and not _is_named(cls):
        raise side.refusal(f"a {cls.__name__} that the code returned is no value for {what!r}: test its parts")


def _arithmetic(name: str) -> Any:
    inner = forwarder(name)

    def forward(self: Any, other: Any, *more: Any) -> Any:
        side, _ = whose(self)
        if side.number_of(other) is None:
            _named_only(type(self), name)
        return inner(self, other, *more)

    forward.__name__ = forward.__qualname__ = name
    return forward


def _exact(name: str, kind: type) -> Any:
    inner = forwarder(name)

    def forward(self: Any, *args: Any) -> Any:
        found = inner(self, *args)
        if type(found) is not kind:
            raise TypeError(f"{name} should return {kind.__name__}")
        return found

    return forward


class Method:
    """A function of a mirrored class: bound to an instance, or called through the class."""

    def __init__(self, name: str, cls: Any, how: str) -> None:
        self.name, self.cls, self.how = name, cls, how

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        side, number = _of(self.cls)
        if self.how != "f":  # a static or class method
            target = owner if owner is not None and _of(owner)[0] is not None else self.cls
            if instance is not None and not _is_mine(type(instance), self.name):
                return Bound(side, whose(instance)[1], self.name, instance)
            return (
                Bound(side, _of(target)[1], self.name, target)
                if target is self.cls or not _is_mine(target, self.name)
                else Bound(side, number, self.name, target)
            )
        if instance is None:
            return Bound(side, number, self.name, None)
        if _is_mine(type(instance), self.name):  # super().name(...) in a subclass of this side
            return Bound(side, number, self.name, None, (instance,))
        return Bound(side, whose(instance)[1], self.name, instance)


def _is_mine(cls: Any, name: str) -> bool:
    """Whether a class of this side overrides a name of the mirrored class that it derives from."""
    return any("_tr_derived" in part.__dict__ and name in part.__dict__ for part in cls.__mro__)


class Bound:
    """A method or function that is called on the other side."""

    def __init__(self, side: Any, number: int, name: str, owner: Any, first: tuple[Any, ...] = ()) -> None:
        self.__dict__.update(_tr_what=(side, number, name, first), __name__=name, __qualname__=name, __self__=owner)

    def __call__(self, *args: Any, **named: Any) -> Any:
        side, number, name, first = self.__dict__["_tr_what"]
        return side.call({"op": "method", "on": number, "name": name}, (*first, *args), named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_tr_", "__array")) or name in ("__wrapped__", "__signature__", "_pytestfixturefunction"):
            raise AttributeError(name)
        side, number, own, _ = self.__dict__["_tr_what"]
        return side.call({"op": "path", "on": number, "name": own, "then": name}, (), {})


def make_class(side: Any, number: int, told: dict[str, Any]) -> Any:
    """The mirror of a class that the other side has described."""
    name = str(told["name"])
    bases: list[Any] = []
    for packed in told["bases"]:
        try:
            base = side.unpack(packed)
        except Exception:  # a class of the standard library that is not taken by name, or of a package
            continue
        if base is object or base in bases:
            continue
        ends = isinstance(base, type) and issubclass(base, ENDING)
        if isinstance(base, Mirror) or (isinstance(base, type) and issubclass(base, BaseException) and not ends):
            bases.append(base)
    immutable = next((kind for kind in IMMUTABLE if kind.__name__ == told.get("base")), None)
    is_error = any(issubclass(base, BaseException) for base in bases)
    body: dict[str, Any] = {"__doc__": told.get("doc"), "__module__": "solution", "_tr_base": told.get("base")}
    body["_tr_own_eq"] = bool(told.get("own_eq"))
    hidden = () if side.trusted else DESCRIPTORS  # of the code's objects the tests' classes may be made
    special = [item for item in told["special"] if item in ALLOWED and item not in hidden]
    if is_error:
        body["__getattr__"] = _error_attribute
        body["__setattr__"] = _set_error_attribute
        body["__str__"] = lambda self: self.__dict__.get("_tr_text", "")
    else:
        mirrored = [base for base in bases if "_tr_number" in base.__dict__]
        if not mirrored:
            bases.append(Instance)
        if immutable is not None:
            if not any(issubclass(base, immutable) for base in bases):
                bases.append(immutable)
            special = [item for item in special if item in ("__str__", "__repr__", "__format__", "__call__")]
        for item in special:
            body[item] = _arithmetic(item) if item in ARITHMETIC else forwarder(item)
        if "__await__" in body:
            body["__await__"] = lambda self: side.awaitable(whose(self)[1]).__await__()
        for item, kind in (("__int__", int), ("__float__", float), ("__index__", int), ("__bool__", bool)):
            if item in body:
                body[item] = _exact(item, kind)
        if immutable is None:
            if side.trusted:
                for item in COMPARED:
                    if item in special or (told.get("base") and item in ("__eq__", "__ne__")):
                        body[item] = _comparison(item)
                if "__eq__" in body and "__ne__" not in body:
                    body["__ne__"] = _comparison("__ne__")
                if "__contains__" in special:
                    body["__contains__"] = _contains
            body["__dict__"] = property(_vars)
            body.setdefault("__hash__", object.__hash__ if "__eq__" not in special else None)
            if told.get("unhashable"):
                body["__hash__"] = None
        for item in ("__str__", "__repr__"):
            body.setdefault(item, forwarder(item))
    kinds = [] if is_error else kinds_of(told.get("kinds"))
    shadow: Any = None
    containers: list[Any] = [kind for kind in (list, dict, set) if kind.__name__ == told.get("base")]
    for container in [*[kind for kind in kinds if type(kind) is type], *containers] if not is_error else []:
        with contextlib.suppress(TypeError):  # nothing may derive from re.Match, say
            shadow = _Shadow(name, (container,), {})  # what isinstance(x, list) looks at beside the class itself
            body["__class__"] = _always(shadow)
            break
    if type(told.get("fields")) is list:
        body["__dataclass_fields__"] = {str(item): _field(str(item)) for item in told["fields"]}
    try:
        cls = type.__new__(Mirror, name, tuple(bases), body)
    except TypeError:  # bases that do not go together here
        cls = type.__new__(Mirror, name, (Exception,) if is_error else (Instance,), body)
    if shadow is not None:
        shadow.real = cls
    type.__setattr__(cls, "_tr_side", side)
    type.__setattr__(cls, "_tr_number", number)
    type.__setattr__(cls, "__qualname__", str(told.get("qualname") or name))
    join_kinds(cls, kinds)
    if told.get("abstract"):
        type.__setattr__(cls, "__abstractmethods__", frozenset(map(str, told["abstract"])))
    if not is_error:
        for item, how in told["functions"].items():
            if item not in body and not item.startswith("_tr_"):
                type.__setattr__(cls, item, Method(item, cls, how))
        own = {str(item): side.unpack(packed) for item, packed in (told.get("own") or {}).items()}
        type.__setattr__(cls, "_tr_own", own)
        for item, function in own.items():
            type.__setattr__(cls, item, function)
        if told.get("notes"):
            type.__setattr__(cls, "__annotations__", {str(item): side.unpack(v) for item, v in told["notes"].items()})
    return cls


class _Shadow(type):
    """A class of the kind that a mirrored class derives from there; in all else it is the mirrored class, ``real``."""

    real: Any = None

    def __call__(cls, *args: Any, **named: Any) -> Any:
        return cls.real(*args, **named)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.real, name)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.real

    def __hash__(cls) -> int:
        return hash(cls.real)


def _always(value: Any) -> property:
    return property(lambda self: value)


def kinds_of(told: Any) -> list[Any]:
    """The classes of libraries that a class of the code derives from, as far as ``isinstance`` may say so.

    Values are left out: a date or number of the code's own class is none. Those of a package count where the tests have
    imported it.
    """
    found: list[Any] = []
    for module, name in told or ():
        if str(module) not in VALUES and str(name) != "object":
            package = str(module).split(".")[0] in LIBRARIES
            try:
                kind: Any = getattr(sys.modules[module], name) if package else resolve(str(module), str(name))
            except Exception:
                continue
            if isinstance(kind, type) and not issubclass(kind, BaseException):
                found.append(kind)
    return found


def join_kinds(cls: Any, kinds: list[Any]) -> None:
    """Make a mirrored class a virtual subclass of abstract classes and enumerations of the standard library."""
    type.__setattr__(cls, "_tr_kinds", tuple(kinds))
    for kind in kinds:
        with contextlib.suppress(Exception):
            if hasattr(kind, "register"):
                kind.register(cls)
            elif type(kind).__module__ == "enum":
                _take_mirrors(type(kind))


def _take_mirrors(meta: Any) -> None:
    """Let ``isinstance`` and ``issubclass`` with a class of this metaclass look at mirrors too."""
    if "__subclasscheck__" in meta.__dict__:
        return

    def is_subclass(cls: Any, other: Any) -> bool:
        return type.__subclasscheck__(cls, other) or (
            isinstance(other, Mirror) and cls in other.__dict__.get("_tr_kinds", ())
        )

    def is_instance(cls: Any, value: Any) -> bool:
        return type.__instancecheck__(cls, value) or (isinstance(type(value), Mirror) and is_subclass(cls, type(value)))

    meta.__subclasscheck__, meta.__instancecheck__ = is_subclass, is_instance


def _field(name: str) -> Any:
    """A field of a mirrored dataclass, as far as ``dataclasses.asdict`` and its like look at it."""
    import dataclasses

    made: Any = dataclasses.field()
    made.name, made._field_type = name, dataclasses._FIELD  # type: ignore[attr-defined]
    return made


def make_instance(side: Any, number: int, cls: Any, base: Any = None) -> Any:
    """A stand-in for one object; ``base`` is its plain value where its class derives from an immutable builtin."""
    kind = next((item for item in IMMUTABLE if issubclass(cls, item)), None)
    made = kind.__new__(cls, base) if kind is not None else object.__new__(cls)
    object.__setattr__(made, "_tr_is", (side, number))
    return made


def _error_attribute(self: Any, name: str) -> Any:
    if name.startswith("_tr_") or name in ("__notes__", "_pytest") or "_tr_number" not in self.__dict__:
        raise AttributeError(name)
    side, _ = _of(next(cls for cls in type(self).__mro__ if "_tr_number" in cls.__dict__))
    return side.attribute(self.__dict__["_tr_number"], name, self)


def _set_error_attribute(self: Any, name: str, value: Any) -> None:
    number = self.__dict__.get("_tr_number")
    if number is None or name.startswith("__"):
        BaseException.__setattr__(self, name, value)
        return
    side, _ = _of(next(cls for cls in type(self).__mro__ if "_tr_number" in cls.__dict__))
    side.ask({"op": "set", "on": number, "name": name, "value": side.pack_shared(value)})


# -- what the tests' side does not take at face value


def _comparison(name: str) -> Any:
    opposite = COMPARED[name]
    ask = forwarder(name)

    def compare(self: Any, other: Any) -> Any:
        side, _ = whose(self)
        theirs = side.number_of(other)
        if name in ("__eq__", "__ne__"):
            wanted = name == "__eq__"
            if other is self:
                return wanted
            if theirs is None and not can_alter(other):
                return NotImplemented  # an object of the tests' own compares itself
            return (
                equal_objects(side, self, other) if theirs is not None else equals_value(side, self, other)
            ) is wanted
        if theirs is None:
            _named_only(type(self), name)
        found = ask(self, other)
        if theirs is not None or found is NotImplemented:
            return found
        if type(found) is not bool:
            raise side.refusal("a comparison of the code gives no truth")
        if forwarder(opposite)(self, other) is found:
            raise side.refusal("an object of the code is both less and not less than a value")
        far = [1e18, -1e18] if isinstance(other, (int, float)) else []
        if len({ask(self, item) for item in far}) == 1:
            raise side.refusal("an object of the code compares the same with every number")
        return found

    compare.__name__ = compare.__qualname__ = name
    return compare


def equals_value(side: Any, mine: Any, value: Any) -> bool:
    """Whether an object of the code equals a value of the tests: asked among decoys that it must not equal."""
    if type(mine)._tr_base and not (type(mine)._tr_own_eq and _is_named(type(mine))):
        snapshot = side.call({"op": "base", "on": whose(mine)[1]}, (), {})
        return bool(snapshot == value)
    if value is None:
        return False
    _named_only(type(mine), "==")
    ask = forwarder("__eq__")
    values = [(True, value), *((False, item) for item in decoys(value))]
    _choice.shuffle(values)
    verdict = others = False
    for is_real, item in values:
        try:
            found = ask(mine, item)
        except Exception:
            if is_real:
                raise
            continue
        if is_real:
            verdict = found is True
        elif found is True:
            others = True
    if verdict and others:
        raise side.refusal("an object of the code says that it equals another value as well")
    return verdict


def equal_objects(side: Any, mine: Any, other: Any) -> bool:
    """Whether two objects of the code are equal by its own word, which must hang on what they hold."""
    ask = forwarder("__eq__")
    found = ask(mine, other)
    if found is not True:
        return False
    try:
        told = side.call({"op": "altered", "on": whose(other)[1]}, (), {})
    except Exception:
        told = []

    def same(one: Any) -> bool:
        try:
            return ask(mine, one) is True
        except Exception:
            return False

    if all(same(one) for one in told or [f"?{_choice.getrandbits(64):x}?", -_choice.randrange(10**12)]):
        raise side.refusal("an object of the code says that it equals every other")
    return True


def cautious_equality(side: Any, name: str, ask: Any) -> Any:
    """An ``__eq__`` or ``__ne__`` of the code in a class of the tests: its yes must hang on what is held."""
    wanted = name == "__eq__"

    def compare(self: Any, other: Any) -> Any:
        found = ask(self, other)
        if type(found) is not bool or found is not wanted or other is self:
            return found
        strange = changed_copies(other) if type(other) is type(self) else decoys(other) if can_alter(other) else []
        strange = strange or [f"?{_choice.getrandbits(64):x}?"]

        def same(one: Any) -> bool:
            try:
                return ask(self, one) is wanted
            except Exception:
                return False

        if all(map(same, strange)):
            raise side.refusal("the code's comparison says that an object of the tests equals every other")
        return found

    compare.__name__ = compare.__qualname__ = name
    return compare


def _contains(self: Any, item: Any) -> bool:
    side, _ = whose(self)
    _named_only(type(self), "in")
    ask = forwarder("__contains__")
    found = ask(self, item) is True
    if found:
        strange = [
            _choice.randrange(10**15, 10**16),
            -_choice.randrange(10**15, 10**16),
            f"?{_choice.getrandbits(64):x}?",
        ]
        answers = []
        for value in strange:
            try:
                answers.append(ask(self, value) is True)
            except Exception:
                answers.append(False)
        if all(answers):
            raise side.refusal("an object of the code says that it contains everything")
    return found


def decoys(value: Any) -> list[Any]:
    """Other values of the same kind, near enough that only who knows the right one can tell them apart."""
    found: list[Any] = []
    for _ in range(DECOYS * 2):
        other = altered(value)
        if all(type(other) is not type(one) or other != one for one in (value, *found)):
            found.append(other)
        if len(found) == DECOYS:
            break
    return found


def altered(value: Any, depth: int = 0) -> Any:
    """The value with one part changed at random."""
    kind = type(value)
    if kind is bool:
        return _choice.choice([not value, 2, -1, None, "no"])
    if value is None:
        return _choice.choice([0, 1, "", "None", False, (), [], {}, 0.5])
    if kind is int:
        return value + _choice.choice([-1, 1]) * _choice.choice([1, 2, 3, 5, 7, 10, _choice.randrange(4, 100)])
    if kind is float:
        return value * _choice.choice([0.5, 0.9, 1.1, 2, -1]) + _choice.choice([-1, 1, 2.5, -3])
    if kind is str:
        at = _choice.randrange(len(value) + 1)
        letter = _choice.choice("abcdefgxyzABQ0123456789")
        return _choice.choice(
            [value[:at] + letter + value[at:], value[:at] + letter + value[at + 1 :], value[:at] + value[at + 2 :]]
        )
    if kind in (list, tuple) and depth < 5:
        items = list(value)
        if not items or _choice.random() < 0.3:
            items.insert(_choice.randrange(len(items) + 1), altered(items[0], depth + 1) if items else 0)
        else:
            at = _choice.randrange(len(items))
            items[at] = altered(items[at], depth + 1)
        return kind(items)
    if kind is dict and value and depth < 5:
        key = _choice.choice(list(value))
        return {**value, key: altered(value[key], depth + 1)}
    if kind in (set, frozenset):
        return value ^ {_choice.randrange(100)}
    if kind is bytes:
        return value + bytes([_choice.randrange(256)]) if _choice.random() < 0.5 else value[:-1] + b"~"
    name = f"{kind.__module__}.{kind.__name__}"
    if name in ("decimal.Decimal", "fractions.Fraction", "builtins.complex") or kind.__module__ == "numpy":
        return value + _choice.choice([-3, -2, -1, 1, 2, 3, 5, 7, 10])
    if kind.__module__ == "datetime":
        days = __import__("datetime").timedelta(days=_choice.choice([-30, -7, -2, -1, 1, 2, 7, 30, 365]))
        return value + days if kind.__name__ != "time" else value.replace(hour=_choice.randrange(24))
    if kind.__module__ in PATHLIB:
        return value.with_name(altered(value.name) or "x") if value.name else value / "x"
    if kind.__module__ == "collections":
        return kind(altered(list(value))) if kind.__name__ == "deque" else {**value, _choice.randrange(10**6): 1}
    if kind is dict:
        return {_choice.randrange(10**6): 1}
    if kind is range:
        return range(value.start, value.stop + value.step * _choice.choice([1, 2, 3]), value.step)
    if depth:
        return _choice.choice([None, 0, "?", (value,)])
    raise LookupError(f"no other value like a {kind.__name__}")


def others(value: Any) -> Iterator[Any]:
    """Some values like it with one part changed; a letter in place of the same letter changes nothing."""
    for _ in range(20):
        yield altered(value)


def can_alter(value: Any) -> bool:
    """Whether there are decoys for a value."""
    try:
        altered(value)
    except Exception:
        return False
    return True


def changed_copies(value: Any) -> list[Any]:
    """Copies of an object with one attribute changed each, as far as it has attributes."""
    import copy

    names = list(getattr(value, "__dict__", {}))
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    found = []
    for name in names[:8]:
        if not hasattr(value, name) or name in ("__dict__", "__weakref__"):
            continue
        for _ in range(2):
            other, now = copy.copy(value), getattr(value, name)
            object.__setattr__(other, name, next(filter(lambda one: one != now, others(now)), None))
            found.append(other)
    return found
