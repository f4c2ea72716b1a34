"""Tree → Python value. Classes come only from what the application has loaded; nothing named in a span is imported.

{"$chronicle.type": [name, …]} ──table──► value of that class, or Recorded where the class is not at hand
anything else                  ──► itself, names unescaped; a type hint may make an object of a plain entry argument
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
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.errors import RecordedError
from chronicle_otel.values import hints
from chronicle_otel.values.encoding import text_type
from chronicle_otel.values.naming import FACTORIES, Recorded, loaded_class
from chronicle_otel.values.text import loads, unescape


def decode(tree: Any, *, hint: Any = None) -> Any:
    """Return the Python value of a tree.

    `hint` is a type hint. It chooses the class of a typed value whose own class is not at hand, and makes dataclasses,
    models, enums, dates … of plain JSON; what does not fit the hint stays as recorded. Without one, plain JSON stays.
    """
    if hint is not None and not hints.says_nothing(hint):
        return hints.build(tree, hint, decode)
    kind = type(tree)
    if kind is dict:
        members = cast("dict[str, Any]", tree)
        if len(members) == 1:
            (name, content), *_ = members.items()
            if name[:1] == "$" and name in _markers:
                return _markers[name](content, members)
        return {unescape(name) if name[:2] == "$$" else name: decode(member) for name, member in members.items()}
    if kind is list:
        return [decode(item) for item in tree]
    return tree


def _typed(content: Any, tree: dict[str, Any]) -> Any:
    if type(content) is not list or not content:
        return Recorded("?", tree=tree)
    name, *parts = cast("list[Any]", content)
    try:
        return _types[name](*parts)
    except (RecursionError, MemoryError):
        raise
    except Exception:
        return _unbuilt(name, parts, tree)


def _unbuilt(name: Any, parts: list[Any], tree: dict[str, Any]) -> Recorded:
    """Keep what is known of a value whose class is not loaded, not what it was, or refuses."""
    type_of = next((part for part in parts if type(part) is str and ":" in part), str(name))
    facts: Any = next((part for part in parts if type(part) is dict), {})
    if name == "?":
        return Recorded(str(facts.get("type", "?")), text=str(facts.get("repr", "")), tree=tree)
    return Recorded(type_of, {unescape(key): decode(member) for key, member in facts.items()}, tree=tree)


def _stand_in(content: Any, tree: dict[str, Any]) -> Any:
    return Recorded(
        "chronicle:" + next(iter(tree)).rpartition(".")[2], content if type(content) is dict else {}, text=str(content)[:200], tree=tree
    )


_markers: Final[Mapping[str, Callable[[Any, dict[str, Any]], Any]]] = {
    semconv.TYPE: _typed,
    semconv.OPAQUE: _stand_in,
    semconv.BLOB: _stand_in,
    semconv.REF: _stand_in,
    semconv.PIECE: _stand_in,
}


def _class(name: str, check: Callable[[type], bool]) -> Any:
    cls = loaded_class(name)
    if cls is None or not check(cls):
        raise LookupError(name)
    return cls


def _values(members: dict[str, Any]) -> dict[str, Any]:
    return {unescape(name): decode(member) for name, member in members.items()}


def _int(text: str) -> int:
    return int(text, 16)


def _float(text: str) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise ValueError(text)
    return float(text)


def _datetime(text: str, zone: str | None = None) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if zone is None:
        return moment
    import zoneinfo

    local = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=0)
    return local if local.utcoffset() == moment.utcoffset() else local.replace(fold=1)


def _path(text: str, cls: str = "Path") -> Any:
    return {"Path": pathlib.Path, "PurePosixPath": pathlib.PurePosixPath, "PureWindowsPath": pathlib.PureWindowsPath}[cls](text)


def _enum(name: str, member: str | None, value: Any) -> Any:
    cls = _class(name, lambda found: issubclass(found, enum.Enum))
    return cls.__members__[member] if member in cls.__members__ else cls(decode(value))


def _named_tuple(name: str, members: dict[str, Any]) -> Any:
    cls = _class(name, lambda found: issubclass(found, tuple) and hasattr(found, "_fields"))
    values = _values(members)
    if tuple(values) != cls._fields:
        raise LookupError(name)
    return tuple.__new__(cls, values.values())


def _dataclass(name: str, members: dict[str, Any]) -> Any:
    cls = _class(name, dataclasses.is_dataclass)
    return _filled(cls, _values(members), [field.name for field in dataclasses.fields(cls)])


def _attrs(name: str, members: dict[str, Any]) -> Any:
    cls = _class(name, lambda found: isinstance(getattr(found, "__attrs_attrs__", None), tuple))
    return _filled(cls, _values(members), [attribute.name for attribute in cls.__attrs_attrs__])


def _filled(cls: Any, values: dict[str, Any], names: list[str]) -> Any:
    """Make an object without running its constructor: it holds what was recorded, and nothing happens twice."""
    made = cls.__new__(cls)
    for name in names:
        if name in values:
            object.__setattr__(made, name, values[name])
    return made


def _pydantic(name: str, members: dict[str, Any], unset: list[str] | None = None) -> Any:
    cls = _class(name, lambda found: hasattr(found, "__pydantic_validator__") and hasattr(found, "__pydantic_fields_set__"))
    values = _values(members)
    fields: Mapping[str, Any] = getattr(cls, "__pydantic_fields__", None) or getattr(cls, "model_fields", None) or {}
    extra = {key: value for key, value in values.items() if key not in fields}
    made = cls.__new__(cls)
    private: dict[str, Any] = {
        key: attribute.get_default() for key, attribute in (getattr(cls, "__private_attributes__", None) or {}).items()
    }
    object.__setattr__(made, "__dict__", {key: value for key, value in values.items() if key in fields})
    object.__setattr__(made, "__pydantic_fields_set__", set(values) - set(unset or ()))
    object.__setattr__(made, "__pydantic_extra__", extra if extra or cls.model_config.get("extra") == "allow" else None)
    object.__setattr__(made, "__pydantic_private__", private or None)
    return made


def _text(name: str, text: str) -> Any:
    if not text_type(name):
        raise LookupError(name)
    return _class(name, lambda found: True)(text)


def _numpy() -> Any:
    return sys.modules["numpy"]


def _ndarray(dtype: str, shape: list[int], content: Any) -> Any:
    numpy = _numpy()
    if dtype == "O":
        flat = numpy.empty(len(content), dtype=object)
        for index, item in enumerate(content):
            flat[index] = decode(item)
        return flat.reshape(shape)
    kind = numpy.dtype(dtype)
    if kind.hasobject:
        raise ValueError(dtype)
    if type(content) is list:
        return numpy.array([decode(item) for item in cast("list[Any]", content)], dtype=kind).reshape(shape)
    return numpy.frombuffer(base64.b64decode(content), dtype=kind).reshape(shape).copy()


def _scalar(dtype: str, content: Any) -> Any:
    kind = _numpy().dtype(dtype)
    if kind.hasobject:
        raise ValueError(dtype)
    if type(content) is dict and "base64" in content:
        return _numpy().frombuffer(base64.b64decode(content["base64"]), dtype=kind)[0]
    return kind.type(decode(content))


_FLAGS: Final = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.ASCII | re.UNICODE  # not DEBUG, which prints


_types: Final[Mapping[str, Callable[..., Any]]] = {
    "int": _int,
    "float": _float,
    "dict": lambda pairs: {decode(name): decode(member) for name, member in pairs},
    "json": loads,
    "tuple": lambda items: tuple(decode(item) for item in items),
    "namedtuple": _named_tuple,
    "set": lambda items: {decode(item) for item in items},
    "frozenset": lambda items: frozenset(decode(item) for item in items),
    "deque": lambda items, maxlen=None: collections.deque((decode(item) for item in items), maxlen),
    "enum": _enum,
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "bytearray": lambda text: bytearray(base64.b64decode(text, validate=True)),
    "memoryview": lambda text: memoryview(base64.b64decode(text, validate=True)),
    "datetime": _datetime,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda parts: dt.timedelta(*parts),
    "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
    "complex": complex,
    "range": lambda parts: range(*parts),
    "Path": _path,
    "OrderedDict": lambda members: collections.OrderedDict(decode(members)),
    "Counter": lambda members: collections.Counter(decode(members)),
    "defaultdict": lambda members, factory=None: collections.defaultdict(FACTORIES[factory] if factory else None, decode(members)),
    "mappingproxy": lambda members: types.MappingProxyType(decode(members)),
    "namespace": lambda members: types.SimpleNamespace(**decode(members)),
    "pattern": lambda pattern, flags: re.compile(decode(pattern), flags & _FLAGS),
    "text": _text,
    "dataclass": _dataclass,
    "attrs": _attrs,
    "pydantic": _pydantic,
    "exception": lambda facts: decode_error(facts),
    "ndarray": _ndarray,
    "numpy": _scalar,
}


def decode_error(tree: Any) -> BaseException:
    """Return the exception of a `chronicle.error` payload: of its own class where that is loaded, else RecordedError."""
    facts: dict[str, Any] = cast("dict[str, Any]", tree) if type(tree) is dict else {"message": str(tree)}
    name = str(facts.get("class", ""))
    error: BaseException | None = None
    if replayable_class := loaded_class(name):
        try:
            error = _rebuilt(replayable_class, facts)
        except (RecursionError, MemoryError):
            raise
        except Exception:
            error = None
    if error is None:
        return RecordedError(str(facts.get("message", "")), name, {key: decode(value) for key, value in facts.items() if key != "cause"})
    if type(cause := facts.get("cause")) is dict:
        error.__cause__ = decode_error(cause)
    return error


def _rebuilt(cls: type, facts: dict[str, Any]) -> BaseException | None:
    """Make the exception without its own `__init__`, which may want other arguments than those it passed on."""
    if not issubclass(cls, BaseException):
        return None
    args = tuple(decode(item) for item in facts.get("args", ()))
    error = cls.__new__(cls, *args)
    built_in: Any = next(
        base for base in cls.__mro__ if "__init__" in vars(base) and not isinstance(vars(base)["__init__"], types.FunctionType)
    )
    try:
        built_in.__init__(error, *args)
    except Exception:
        error.args = args
    for key, value in facts.get("attributes", {}).items():
        name, decoded = unescape(key), decode(value)
        try:
            setattr(error, name, decoded)
        except Exception:
            vars(error)[name] = decoded
    return error
