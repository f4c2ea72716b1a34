"""Python value → tree, in one pass that never raises, consumes nothing and changes nothing.

value ──exact type──► plain JSON as it is
      └─class seen before?──► its encoder ──► {"$chronicle.type": [name, …]}, at worst the stand-in ["?", {type, repr}]
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import re
import sys
import types
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from chronicle_otel.values.naming import FACTORIES, Recorded, type_name
from chronicle_otel.values.text import INT_BITS, dumps, escape, special_number, typed

MAX_DEPTH: Final = 128
"""Containers nested deeper become stand-ins: stores and collectors give up on deeper ones."""
MAX_CONTAINERS: Final = 2_000_000
"""Containers in one value; more means shared parts that would multiply (each of 64 lists holding the next one twice)."""
MAX_REPR: Final = 1_000

_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_AS_TEXT: Final = re.compile(
    r"fractions:Fraction|ipaddress:IPv[46](Address|Network|Interface)|pydantic\.networks:\w+(Url|Dsn)|pydantic_core\._pydantic_core:(MultiHost)?Url"
    r"|httpx2?(\._urls)?:URL|yarl(\._url)?:URL|zoneinfo:ZoneInfo"
)
"""Classes whose `str` says everything and whose constructor takes it back."""


def text_type(name: str) -> bool:
    """Say whether objects of the class of that `module:qualname` are carried as their text."""
    return _AS_TEXT.fullmatch(name) is not None


class _Walk:
    """What one encoding remembers: the containers on the way down, and how many more may come."""

    __slots__ = ("left", "path")

    def __init__(self) -> None:
        self.path: set[int] = set()
        self.left = MAX_CONTAINERS


_Encoder = Callable[[Any, int, _Walk], Any]


def encode(value: Any) -> str:
    """Return the payload text of any Python value."""
    return dumps(to_tree(value))


def to_tree(value: Any) -> Any:
    """Return the payload tree of any Python value: a copy, which later changes of the value do not touch."""
    walk = _Walk()
    try:
        return _tree(value, 1, walk)
    except RuntimeError:  # the value changed while it was read, or the application is deep in its own recursion
        try:
            return _tree(value, 1, _Walk())
        except Exception as error:
            return stand_in(value, why=type(error).__name__)
    except Exception as error:
        return stand_in(value, why=type(error).__name__)


def _tree(value: Any, depth: int, walk: _Walk) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    return (_encoders.get(kind) or _encoder_of(kind))(value, depth, walk)


def _dict(value: Any, depth: int, walk: _Walk) -> Any:
    ident = id(value)
    if depth > MAX_DEPTH or ident in walk.path or walk.left <= 0:
        return _beyond(value, ident, depth, walk)
    walk.left -= 1
    walk.path.add(ident)
    result: dict[str, Any] = {}
    for name, member in value.items():
        if type(name) is not str:
            walk.path.discard(ident)
            return _odd_dict(value, depth, walk)
        kind = type(member)
        if kind is not str and kind is not bool and member is not None:
            member = (_encoders.get(kind) or _encoder_of(kind))(member, depth + 1, walk)
        result[escape(name) if name[:1] == "$" else name] = member
    walk.path.discard(ident)
    return result


def _odd_dict(value: Any, depth: int, walk: _Walk) -> Any:
    """Encode a dict with names that are not plain strings; those of string subclasses count as plain."""
    members: list[tuple[Any, Any]] = list(value.items())
    if all(isinstance(name, str) and not isinstance(name, enum.Enum) for name, _ in members):
        plain = {str.__str__(name): member for name, member in members}
        if len(plain) == len(members):
            return _dict(plain, depth, walk)
    ident = id(value)
    walk.path.add(ident)
    pairs = [[_tree(name, depth + 4, walk), _tree(member, depth + 4, walk)] for name, member in members]
    walk.path.discard(ident)
    return typed("dict", pairs)


def _list(value: Any, depth: int, walk: _Walk) -> Any:
    ident = id(value)
    if depth > MAX_DEPTH or ident in walk.path or walk.left <= 0:
        return _beyond(value, ident, depth, walk)
    walk.left -= 1
    walk.path.add(ident)
    result: list[Any] = []
    for item in value:
        kind = type(item)
        if kind is not str and kind is not bool and item is not None:
            item = (_encoders.get(kind) or _encoder_of(kind))(item, depth + 1, walk)
        result.append(item)
    walk.path.discard(ident)
    return result


def _inside(value: Any, depth: int, walk: _Walk, make: Callable[[], Any]) -> Any:
    """Call `make` with the value noted as being on the way down; a stand-in where it is so already."""
    ident = id(value)
    if depth > MAX_DEPTH or ident in walk.path or walk.left <= 0:
        return _beyond(value, ident, depth, walk)
    walk.left -= 1
    walk.path.add(ident)
    try:
        return make()
    finally:
        walk.path.discard(ident)


def _beyond(value: Any, ident: int, depth: int, walk: _Walk) -> Any:
    why = (
        "cycle"
        if ident in walk.path
        else f"nested deeper than {MAX_DEPTH}"
        if depth > MAX_DEPTH
        else f"more than {MAX_CONTAINERS} containers"
    )
    return typed("?", {"type": type_name(type(value)), "repr": f"<{why}>"})


def _int(value: Any, depth: int, walk: _Walk) -> Any:
    return value if value.bit_length() <= INT_BITS else special_number(value)


def _float(value: Any, depth: int, walk: _Walk) -> Any:
    return value if value - value == 0.0 else special_number(value)


def stand_in(value: Any, *, why: str = "") -> Any:
    """Describe an object that cannot be recorded: type and `repr`, so that equal objects still compare equal."""
    try:
        text = repr(value)
        text = text if isinstance(text, str) else str(text)  # type: ignore[reportUnnecessaryIsInstance]  # a str subclass passes repr()
        text = _ADDRESS.sub("0x…", str.__str__(text[: MAX_REPR * 4]))[:MAX_REPR]
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        text = f"<its repr raised {type(error).__name__}>"
    facts = {"type": type_name(type(value)), "repr": text}
    return typed("?", {**facts, "why": why} if why else facts)


def _stand_in(value: Any, depth: int, walk: _Walk) -> Any:
    return stand_in(value)


def _base64(data: Any) -> str:
    return base64.b64encode(data).decode("ascii")


def _items(value: Iterable[Any], depth: int, walk: _Walk) -> list[Any]:
    return [_tree(item, depth + 3, walk) for item in value]


def _tuple(value: Any, depth: int, walk: _Walk) -> Any:
    return _inside(value, depth, walk, lambda: typed("tuple", _items(tuple.__iter__(value), depth, walk)))


def _named_tuple(value: Any, depth: int, walk: _Walk) -> Any:
    names = cast("tuple[str, ...]", type(value)._fields)
    pairs = zip(names, tuple.__iter__(value), strict=False)
    return _inside(
        value, depth, walk, lambda: typed("namedtuple", type_name(type(value)), {escape(n): _tree(v, depth + 3, walk) for n, v in pairs})
    )


def _set(name: str) -> _Encoder:
    def encode_set(value: Any, depth: int, walk: _Walk) -> Any:
        return _inside(value, depth, walk, lambda: typed(name, sorted(_items(list(value), depth, walk), key=dumps)))

    return encode_set


def _deque(value: Any, depth: int, walk: _Walk) -> Any:
    return _inside(value, depth, walk, lambda: typed("deque", _items(list(value), depth, walk), value.maxlen))


def _enum(value: Any, depth: int, walk: _Walk) -> Any:
    return _inside(value, depth, walk, lambda: typed("enum", type_name(type(value)), value.name, _tree(value.value, depth + 3, walk)))


def _datetime(value: Any, depth: int, walk: _Walk) -> Any:
    text = dt.datetime.isoformat(value)
    zone = getattr(value.tzinfo, "key", None)
    return typed("datetime", text, zone) if isinstance(zone, str) else typed("datetime", text)


def _exception(value: Any, depth: int, walk: _Walk) -> Any:
    return _inside(value, depth, walk, lambda: typed("exception", _error_facts(value, depth + 3, walk, causes=8)))


def encode_error(error: BaseException) -> Any:
    """Return `{class, message, args, attributes, cause}` of an exception, as far as there are any."""
    walk = _Walk()
    try:
        walk.path.add(id(error))
        return _error_facts(error, 1, walk, causes=8)
    except Exception:
        return {"class": type_name(type(error)), "message": ""}


_BUILT_IN_FACTS: Final[dict[type[BaseException], tuple[str, ...]]] = {
    OSError: ("filename", "filename2"),
    ImportError: ("name", "path"),
    NameError: ("name",),
    AttributeError: ("name",),
}
"""What exceptions of the interpreter know beside their arguments; `AttributeError.obj` may be anything, and is left out."""


def _outside_dict(cls: type[BaseException]) -> list[str]:
    """Names of attributes that `vars` of an exception does not show: those in slots, and those that the interpreter keeps."""
    names = [name for base, kept in _BUILT_IN_FACTS.items() if issubclass(cls, base) for name in kept]
    for base in cls.__mro__:
        slots: Any = vars(base).get("__slots__", ())
        names += [name for name in ((slots,) if isinstance(slots, str) else slots) if name[:1] != "_"]
    return names


def _error_facts(error: BaseException, depth: int, walk: _Walk, causes: int) -> dict[str, Any]:
    try:
        message = str.__str__(str(error))
    except Exception as failure:
        message = f"<its str raised {type(failure).__name__}>"
    facts: dict[str, Any] = {"class": type_name(type(error)), "message": message}
    if error.args:
        facts["args"] = [_tree(item, depth + 2, walk) for item in error.args]
    attributes = {name: value for name, value in list(vars(error).items()) if name[:1] != "_" or name == "__notes__"}
    for name in _outside_dict(type(error)):
        value = getattr(error, name, None)
        if value is not None:
            attributes.setdefault(name, value)
    if attributes:
        facts["attributes"] = {escape(name): _tree(value, depth + 2, walk) for name, value in attributes.items()}
    cause = error.__cause__
    if cause is not None and causes and id(cause) not in walk.path:
        walk.path.add(id(cause))
        facts["cause"] = _error_facts(cause, depth + 1, walk, causes - 1)
        walk.path.discard(id(cause))
    return facts


def _fields(kind: str, names: Callable[[Any], Iterable[str]]) -> _Encoder:
    def encode_fields(value: Any, depth: int, walk: _Walk) -> Any:
        def make() -> Any:
            members: dict[str, Any] = {}
            for name in names(value):
                try:
                    member = getattr(value, name)
                except AttributeError:
                    continue
                except Exception as error:
                    member = Recorded("?", tree=typed("?", {"type": "?", "repr": f"<reading it raised {type(error).__name__}>"}))
                members[escape(name)] = _tree(member, depth + 3, walk)
            return typed(kind, type_name(type(value)), members)

        return _inside(value, depth, walk, make)

    return encode_fields


def _pydantic(value: Any, depth: int, walk: _Walk) -> Any:
    def make() -> Any:
        cls = type(value)
        names: Mapping[str, Any] = getattr(cls, "__pydantic_fields__", None) or getattr(cls, "model_fields", None) or {}
        stored: dict[str, Any] = value.__dict__
        members = {name: stored[name] for name in names if name in stored} | (getattr(value, "__pydantic_extra__", None) or {})
        tree = {escape(name): _tree(member, depth + 3, walk) for name, member in members.items()}
        given: set[str] = getattr(value, "__pydantic_fields_set__", set())
        unset = [name for name in members if name not in given]
        return typed("pydantic", type_name(cls), tree, unset) if unset else typed("pydantic", type_name(cls), tree)

    return _inside(value, depth, walk, make)


def _array(value: Any, depth: int, walk: _Walk) -> Any:
    if value.dtype.kind in "biufcmM":
        return typed("ndarray", value.dtype.str, list(value.shape), _base64(value.tobytes()))
    if value.dtype.kind in "US":
        return typed("ndarray", value.dtype.str, list(value.shape), _items(value.ravel().tolist(), depth, walk))
    if value.dtype.kind == "O":
        return _inside(value, depth, walk, lambda: typed("ndarray", "O", list(value.shape), _items(value.ravel().tolist(), depth, walk)))
    return stand_in(value)


def _scalar(value: Any, depth: int, walk: _Walk) -> Any:
    item = value.item()
    if type(item) in (bool, int, float, str) and value.dtype.kind in "biufU":
        return typed("numpy", value.dtype.str, _tree(item, depth + 2, walk))
    return typed("numpy", value.dtype.str, {"base64": _base64(value.tobytes())}) if value.dtype.kind in "fcmM" else stand_in(value)


def _sub_dict(value: Any, depth: int, walk: _Walk) -> Any:
    """Encode a subclass of dict as the dict that it is, whatever it has overridden."""
    items: Any = value.items() if isinstance(value, collections.OrderedDict) else dict.items(value)
    return _inside(value, depth, walk, lambda: _dict(dict(items), depth, walk))


def _sub_list(value: Any, depth: int, walk: _Walk) -> Any:
    return _inside(value, depth, walk, lambda: _list(list(list.__iter__(value)), depth, walk))


def _mapping(name: str) -> _Encoder:
    def encode_mapping(value: Any, depth: int, walk: _Walk) -> Any:
        return _inside(value, depth, walk, lambda: typed(name, _dict(dict(value.items()), depth + 2, walk)))

    return encode_mapping


def _default_dict(value: Any, depth: int, walk: _Walk) -> Any:
    """What fills it is written by name; where that is code of the application, it is the dict that it is."""
    factory = value.default_factory
    name = getattr(factory, "__name__", None)
    if factory is not None and FACTORIES.get(str(name)) is not factory:
        return _sub_dict(value, depth, walk)
    more = () if factory is None else (name,)
    return _inside(value, depth, walk, lambda: typed("defaultdict", _dict(dict(value), depth + 2, walk), *more))


def _mapping_proxy(value: Any, depth: int, walk: _Walk) -> Any:
    return _inside(value, depth, walk, lambda: typed("mappingproxy", _dict(dict(value), depth + 2, walk)))


def _namespace(value: Any, depth: int, walk: _Walk) -> Any:
    return _inside(value, depth, walk, lambda: typed("namespace", _dict(dict(vars(value)), depth + 2, walk)))


def _recorded(value: Any, depth: int, walk: _Walk) -> Any:
    return value.tree if value.tree is not None else typed("?", {"type": value.type_name, "repr": value.text})


_BY_BASE: Final[tuple[tuple[type, _Encoder], ...]] = (
    (Recorded, _recorded),
    (enum.Enum, _enum),
    (BaseException, _exception),
    (int, lambda value, depth, walk: _int(int.__index__(value), depth, walk)),
    (float, lambda value, depth, walk: _float(float.__float__(value), depth, walk)),
    (str, lambda value, depth, walk: str.__str__(value)),
    (dict, _sub_dict),
    (list, _sub_list),
    (bytes, lambda value, depth, walk: typed("bytes", _base64(value))),
    (bytearray, lambda value, depth, walk: typed("bytearray", _base64(value))),
    (memoryview, lambda value, depth, walk: typed("memoryview", _base64(value.tobytes()))),
    (set, _set("set")),
    (frozenset, _set("frozenset")),
    (collections.deque, _deque),
    (dt.datetime, _datetime),
    (dt.date, lambda value, depth, walk: typed("date", dt.date.isoformat(value))),
    (dt.time, lambda value, depth, walk: typed("time", dt.time.isoformat(value))),
    (dt.timedelta, lambda value, depth, walk: typed("timedelta", [value.days, value.seconds, value.microseconds])),
    (decimal.Decimal, lambda value, depth, walk: typed("Decimal", decimal.Decimal.__str__(value))),
    (uuid.UUID, lambda value, depth, walk: typed("UUID", uuid.UUID.__str__(value))),
    (complex, lambda value, depth, walk: typed("complex", complex.__repr__(value))),
    (range, lambda value, depth, walk: typed("range", [value.start, value.stop, value.step])),
    (pathlib.PurePath, lambda value, depth, walk: typed("Path", str(value), _path_class(value))),
    (types.MappingProxyType, _mapping_proxy),
    (types.SimpleNamespace, _namespace),
)


def _path_class(value: pathlib.PurePath) -> str:
    if isinstance(value, pathlib.Path):
        return "Path"
    return "PureWindowsPath" if isinstance(value, pathlib.PureWindowsPath) else "PurePosixPath"


def _always_plain(value: Any, depth: int, walk: _Walk) -> Any:
    return value


_BUILT_IN: Final[dict[type, _Encoder]] = {
    int: _int,
    float: _float,
    str: _always_plain,
    bool: _always_plain,
    type(None): _always_plain,
    dict: _dict,
    list: _list,
    collections.OrderedDict: _mapping("OrderedDict"),
    collections.Counter: _mapping("Counter"),
    collections.defaultdict: _default_dict,
}

_encoders: dict[type, _Encoder] = dict(_BUILT_IN)
"""Encoder by exact class; filled as classes are met, emptied when a program makes classes without end."""


def _encoder_of(cls: type) -> _Encoder:
    found = _find_encoder(cls)
    if len(_encoders) > 2_000:
        _encoders.clear()
        _encoders.update(_BUILT_IN)
    _encoders[cls] = found
    return found


def _find_encoder(cls: type) -> _Encoder:
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "ndarray") and hasattr(numpy, "generic"):
        if issubclass(cls, numpy.ndarray):
            return _array
        if issubclass(cls, numpy.generic):
            return _scalar
    if issubclass(cls, tuple):
        return _named_tuple if isinstance(getattr(cls, "_fields", None), tuple) else _tuple
    for base, encoder in _BY_BASE:
        if issubclass(cls, base):
            return encoder
    if "pydantic" in sys.modules and hasattr(cls, "__pydantic_validator__") and hasattr(cls, "__pydantic_fields_set__"):
        return _pydantic
    if dataclasses.is_dataclass(cls):
        return _fields("dataclass", lambda value: (field.name for field in dataclasses.fields(value)))
    if isinstance(getattr(cls, "__attrs_attrs__", None), tuple):
        return _fields("attrs", lambda value: (attribute.name for attribute in type(value).__attrs_attrs__))
    if text_type(type_name(cls)):
        return lambda value, depth, walk: typed("text", type_name(cls), str(value))
    if cls is re.Pattern:
        return lambda value, depth, walk: typed("pattern", _tree(value.pattern, depth + 2, walk), value.flags)
    return _stand_in
