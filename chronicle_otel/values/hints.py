"""What a type hint makes of a recorded argument. Whatever does not fit stays as it was recorded."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import collections.abc as abc
import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import sys
import types
import typing
import uuid
from collections.abc import Callable
from typing import Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.values.naming import Recorded
from chronicle_otel.values.text import unescape

_FROM_TEXT: Final[dict[type, Callable[[str], Any]]] = {
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
    decimal.Decimal: decimal.Decimal,
    uuid.UUID: uuid.UUID,
    pathlib.Path: pathlib.Path,
    pathlib.PurePath: pathlib.PurePath,
}
_NATIVE: Final = (str, int, float, bool, dict, list, type(None))
_LISTS: Final = (list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection)
_SETS: Final[dict[Any, type]] = {set: set, frozenset: frozenset, abc.Set: set, abc.MutableSet: set}
_DICTS: Final = (dict, abc.Mapping, abc.MutableMapping)

Decode = Callable[..., Any]


def says_nothing(hint: Any) -> bool:
    """Say whether a hint chooses no class."""
    return hint in (Any, object) or isinstance(hint, (str, typing.TypeVar)) or (isinstance(hint, type) and hint in _NATIVE)


def build(tree: Any, hint: Any, decode: Decode) -> Any:
    """Return the value of a tree under a hint; `decode` is the decoder of everything inside."""
    hint = _plain_hint(hint)
    if says_nothing(hint):
        return decode(tree)
    if _is_typed(tree):
        return _typed(tree, hint, decode)
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    try:
        if origin in (typing.Union, types.UnionType):
            return _union(tree, arguments, decode)
        if origin is not None:
            return _generic(tree, origin, arguments, decode)
        if isinstance(hint, type):
            return _object(tree, hint, decode)
    except Exception:
        return decode(tree)
    return decode(tree)


def _plain_hint(hint: Any) -> Any:
    """Look through Annotated, NewType, Required, Final and `type X = …`."""
    for _ in range(16):
        if typing.get_origin(hint) in (typing.Annotated, typing.Required, typing.NotRequired, typing.Final, typing.ClassVar):
            hint = typing.get_args(hint)[0]
        elif isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            break
    return hint


def _is_typed(tree: Any) -> bool:
    return (
        type(tree) is dict and len(cast("dict[str, Any]", tree)) == 1 and next(iter(tree)) in (semconv.TYPE, semconv.OPAQUE, semconv.BLOB)
    )


def _typed(tree: Any, hint: Any, decode: Decode) -> Any:
    """A typed value knows its class; the hint helps where that class is gone (moved, renamed, local to a function)."""
    value = decode(tree)
    if not isinstance(value, Recorded):
        return value
    content: Any = tree.get(semconv.TYPE)
    name = content[0] if type(content) is list and content else ""
    if name in ("dataclass", "attrs", "pydantic", "namedtuple") and len(content) > 2 and type(content[2]) is dict:
        made = build(content[2], hint, decode)
        return value if type(made) is dict else made
    if name == "enum" and len(content) > 3:
        made = build(content[3], hint, decode)
        return made if isinstance(made, enum.Enum) else value
    return value


def _union(tree: Any, choices: tuple[Any, ...], decode: Decode) -> Any:
    plain = [_plain_hint(choice) for choice in choices]
    if tree is None or any(choice is type(tree) or (typing.get_origin(choice) is type(tree) and type(tree) is dict) for choice in plain):
        exact = [choice for choice in plain if typing.get_origin(choice) is type(tree)]
        return build(tree, exact[0], decode) if exact else decode(tree)
    for choice in plain:
        if choice is type(None) or says_nothing(choice):
            continue
        made = build(tree, choice, decode)
        if type(made) is not type(tree) or (type(tree) is list and made != decode(tree)):
            return made
    return decode(tree)


def _generic(tree: Any, origin: Any, arguments: tuple[Any, ...], decode: Decode) -> Any:
    first = arguments[0] if arguments else None
    if type(tree) is list:
        if origin is tuple:
            if len(arguments) == 2 and arguments[1] is Ellipsis:
                return tuple(decode(item, hint=first) for item in tree)
            if len(arguments) == len(tree):
                return tuple(decode(item, hint=hint) for item, hint in zip(tree, arguments, strict=True))
        elif origin in _SETS:
            return _SETS[origin](decode(item, hint=first) for item in tree)
        elif origin in _LISTS:
            return [decode(item, hint=first) for item in tree]
    elif type(tree) is dict:
        if origin in _DICTS and len(arguments) == 2:
            members = cast("dict[str, Any]", tree)
            return {unescape(name): decode(member, hint=arguments[1]) for name, member in members.items()}
        if isinstance(origin, type) and origin not in _DICTS:
            return _object(tree, origin, decode)
    return decode(tree)


def _object(tree: Any, cls: type, decode: Decode) -> Any:
    if isinstance(tree, str) and cls in _FROM_TEXT:
        return _FROM_TEXT[cls](tree)
    if cls is decimal.Decimal and type(tree) in (int, float):
        return decimal.Decimal(str(tree))
    if issubclass(cls, enum.Enum) and type(tree) in (str, int, float, bool):
        try:
            return cls(tree)
        except ValueError:
            return cls.__members__.get(tree, tree) if isinstance(tree, str) else tree
    if type(tree) is list and (cls in _SETS or cls is tuple):
        return (_SETS.get(cls) or tuple)(decode(item) for item in tree)
    if type(tree) is list and issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return cast("Any", cls)(*(decode(item) for item in tree))
    if type(tree) is dict:
        return _from_members(cast("dict[str, Any]", tree), cls, decode)
    return decode(tree)


def _from_members(tree: dict[str, Any], cls: Any, decode: Decode) -> Any:
    if "pydantic" in sys.modules and hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_validate"):
        return cls.model_validate(decode(tree))
    fields = hints_of(cls)
    values = {unescape(name): decode(member, hint=fields.get(unescape(name))) for name, member in tree.items()}
    if typing.is_typeddict(cls):
        return values
    if (
        dataclasses.is_dataclass(cls)
        or isinstance(getattr(cls, "__attrs_attrs__", None), tuple)
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
    ):
        return cast("Any", cls)(**values)
    return decode(tree)


def hints_of(target: Any) -> dict[str, Any]:
    """Return the type hints of a class or function; empty where they cannot be resolved."""
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:
        return {}
