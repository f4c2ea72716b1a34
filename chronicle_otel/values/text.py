"""JSON text: the standard library's parser and writer, hardened.

text ──json──► tree        deeper than the interpreter's stack: a loop with a stack of its own takes over
tree ──json──► text        what JSON has no word for (infinity, lone surrogates, 5,000 digits) is repaired first
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final, NoReturn, cast

from chronicle_otel import semconv

MAX_DIGITS: Final = 100_000
"""Longest integer literal that is read; converting one takes time that grows with the square of its length."""
MAX_DEPTH_READ: Final = 10_000
"""Deepest nesting that is read."""
INT_BITS: Final = 14_280
"""Integers of more bits may exceed the 4,300 digits that CPython converts by default; they are written as typed values."""

_RESERVED: Final = re.compile(r"^\$+chronicle\.")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def escape(name: str) -> str:
    """Give an application's member name that looks like a marker one more `$`."""
    return "$" + name if name[:1] == "$" and _RESERVED.match(name) else name


def unescape(name: str) -> str:
    """Undo `escape`."""
    return name[1:] if name[:2] == "$$" and _RESERVED.match(name) else name


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"member name {twice[:80]!r} stands twice in one object")
    return members


_decoder: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)


def loads(text: str | bytes) -> Any:
    """Parse JSON text. ValueError for anything that is not JSON, and for member names that stand twice in one object."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    elif has_surrogates(text):
        text = join_surrogates(text)
    try:
        return _decoder.decode(text)
    except RecursionError:
        return _loads_deep(text)
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        if "digits" not in str(error):
            raise
        return json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant, parse_int=_long_integer).decode(text)


def has_surrogates(text: str) -> bool:
    """Say whether a text cannot be encoded as UTF-8. Encoding it is five times as fast as a search for surrogates."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def join_surrogates(text: str) -> str:
    """Join each high surrogate with the low one after it; lone ones stay."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _long_integer(literal: str) -> int:
    if len(literal) <= 4000:
        return int(literal)
    if len(literal) > MAX_DIGITS:
        raise ValueError(f"integer of {len(literal):,} digits, at most {MAX_DIGITS:,} are read")
    digits = literal.lstrip("-")
    value = 0
    for at in range(0, len(digits), 4000):
        part = digits[at : at + 4000]
        value = value * 10 ** len(part) + int(part)
    return -value if literal[0] == "-" else value


_TOKEN: Final = re.compile(r'[ \t\n\r]*([\[\]{},:]|"(?:[^"\\]|\\.)*"|[^\[\]{},:" \t\n\r]+)', re.DOTALL)


def _loads_deep(text: str) -> Any:
    """Parse without recursion. Only what is nested too deep for the interpreter's stack gets here."""
    stack: list[tuple[Any, str]] = []
    top: Any = []
    name = ""
    expect = "value"
    at = 0
    end = len(text.rstrip(" \t\n\r"))
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"not JSON at character {at}")
        at = match.end()
        token = match.group(1)
        if token in ("]", "}"):
            closing = list if token == "]" else dict
            if not stack or type(top) is not closing or expect not in ("more", "first"):
                raise ValueError(f"unexpected {token} at character {at}")
            value = top
            top, name = stack.pop()
        elif token == ",":
            if expect != "more" or not stack:
                raise ValueError(f"unexpected , at character {at}")
            expect = "name" if type(top) is dict else "value"
            continue
        elif type(top) is dict and expect in ("name", "first"):
            name = _decoder.decode(token)
            colon = _TOKEN.match(text, at)
            if type(name) is not str or name in top or colon is None or colon.group(1) != ":":
                raise ValueError(f"a member name is missing, doubled or without colon at character {at}")
            at = colon.end()
            expect = "value"
            continue
        elif expect not in ("value", "first") or token == ":":
            raise ValueError(f"unexpected {token[:20]} at character {at}")
        elif token in ("[", "{"):
            if len(stack) >= MAX_DEPTH_READ:
                raise ValueError(f"nested deeper than {MAX_DEPTH_READ:,}")
            stack.append((top, name))
            top = [] if token == "[" else {}
            expect = "first"
            continue
        else:
            value = loads(token)
        if type(top) is dict:
            top[name] = value
        elif not stack and top:
            raise ValueError(f"more than one value at character {at}")
        else:
            cast("list[Any]", top).append(value)
        expect = "more"
    if stack or len(top) != 1:
        raise ValueError("the text ends in the middle")
    return top[0]


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"{type(value).__name__} is no JSON")


def _make_encoder() -> Callable[[Any, int], Any]:
    """Make the compact writer once: `JSONEncoder.encode` builds its C encoder anew at every call, which costs more than a small text."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)  # not in the library's stubs
    if make is None:
        encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode
        return lambda tree, level: encode(tree)
    return make(None, _refuse, json.encoder.encode_basestring, None, ":", ",", False, False, False)


_pieces: Final = _make_encoder()


def write_plain(tree: Any) -> str:
    """Write compact JSON text as `dumps` does, but leave surrogates as they are, and raise for what JSON has no word for."""
    return "".join(_pieces(tree, 0))


_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_CONTAINERS: Final = frozenset({dict, list})
_NATIVE: Final = _SCALARS | _CONTAINERS
_NAMES: Final = frozenset({str})


def plain(value: Any) -> str | None:
    """Return the text of a value that is a small tree already, as C code can tell; None where it needs a closer look."""
    try:
        text = write_plain(value)
    except (TypeError, ValueError, RecursionError):
        return None
    if semconv.MARKER_PREFIX in text or text.count("{") + text.count("[") > 128:
        return None
    if has_surrogates(text):
        return None
    return text if _is_native(value) else None


def _is_native(value: Any) -> bool:
    """Say whether a value holds exact JSON types only: the writer takes tuples for lists and makes any name a string."""
    if type(value) not in _NATIVE:
        return False
    todo: list[Any] = [value] if type(value) in _CONTAINERS else []
    while todo:
        items = todo.pop()
        if type(items) is dict:
            if not _NAMES.issuperset(map(type, items)):
                return False
            items = cast("dict[Any, Any]", items).values()
        if _SCALARS.issuperset(map(type, items)):
            continue
        if not _NATIVE.issuperset(map(type, items)):
            return False
        todo += [item for item in items if type(item) in _CONTAINERS]
    return True


def dumps(tree: Any) -> str:
    """Write a tree as compact JSON text that can be encoded as UTF-8; never NaN or Infinity."""
    try:
        text = "".join(_pieces(tree, 0))
    except (ValueError, RecursionError):
        text = _dumps_deep(_repaired(tree))
    if text.isascii() or not has_surrogates(text):
        return text
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", _dumps_deep(_repaired(tree)))


def dumps_bytes(tree: Any) -> tuple[str, bytes]:
    """Write a tree as `dumps` does; also return the text encoded."""
    try:
        text = "".join(_pieces(tree, 0))
        return text, text.encode()
    except (ValueError, RecursionError):  # a UnicodeEncodeError is a ValueError
        text = dumps(tree)
        return text, text.encode()


def typed(name: str, *content: Any) -> dict[str, Any]:
    """Make the marker of a value that JSON cannot carry."""
    return {semconv.TYPE: [name, *content]}


def special_number(value: float) -> dict[str, Any]:
    """Write an infinity or NaN, or an integer of too many digits, as a typed value."""
    return typed("int", hex(value)) if isinstance(value, int) else typed("float", repr(value))


def _repaired(tree: Any) -> Any:
    """Copy a tree with what the writer refuses replaced. Without recursion."""
    root: list[Any] = [None]
    work: list[tuple[Any, Any, Any]] = [(tree, root, 0)]
    while work:
        value, into, at = work.pop()
        kind = type(value)
        if kind is dict:
            joined = {join_surrogates(name): member for name, member in cast("dict[str, Any]", value).items()}
            if len(joined) != len(value):
                pairs: list[Any] = [[None, None] for _ in value]
                copy: Any = typed("dict", pairs)
                for (name, member), pair in zip(value.items(), pairs, strict=True):
                    pair[0] = name
                    work.append((member, pair, 1))
            else:
                copy = dict.fromkeys(joined)
                work.extend((member, copy, name) for name, member in joined.items())
        elif kind is list:
            copy = [None] * len(value)
            work.extend((item, copy, index) for index, item in enumerate(value))
        elif kind is str:
            copy = value if value.isascii() else join_surrogates(value)
        elif (kind is float and not math.isfinite(value)) or (kind is int and value.bit_length() > INT_BITS):
            copy = special_number(value)
        else:
            copy = value
        into[at] = copy
    return root[0]


def _dumps_deep(tree: Any) -> str:
    """Write without recursion."""
    parts: list[str] = []
    work: list[Any] = [tree]
    literal = object()
    while work:
        value = work.pop()
        if value is literal:
            parts.append(work.pop())
        elif type(value) is dict and value:
            work += ["}", literal]
            for index, (name, member) in reversed(list(enumerate(cast("dict[str, Any]", value).items()))):
                work += [member, ("," if index else "{") + write_plain(name) + ":", literal]
        elif type(value) is list and value:
            work += ["]", literal]
            for index, item in reversed(list(enumerate(cast("list[Any]", value)))):
                work += [item, "," if index else "[", literal]
        else:
            parts.append(write_plain(value))
    return "".join(parts)
