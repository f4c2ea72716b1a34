"""JSON that is not ours, the bodies of requests and answers → tree, and the tree's own text.

    text ──C parser──► value ──C writer──► its text ──► shows that nothing needs a closer look: done
                                                   └──► parsed again, with every check

Bodies are most of what is recorded. The closer look costs a Python call for every object in them.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.values.encoding import MAX_CONTAINERS, MAX_DEPTH, to_tree
from chronicle_otel.values.text import INT_BITS, dumps, has_surrogates, loads, typed, write_plain

_SHORT: Final = 4_299
"""Digits of the shortest integer of more than `INT_BITS` bits."""

_FLAT: Final = frozenset({str, bool, float, type(None)})
"""Types of members that need no look at: not nested, and no integers."""

_LONG: Final = 256
"""Characters from which on a text is not escaped to learn that there is nothing to escape."""

_decoder: Final = json.JSONDecoder()
_scan: Final[Callable[[str, int], tuple[Any, int]]] = _decoder.raw_decode


def tree_of_json(data: bytes | str) -> Any:
    """Return the tree of JSON that is not ours (a request body), its own names escaped.

    JSON that the common grammar cannot carry becomes a typed `json` text; what is no JSON at all a string or bytes.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        return to_tree(data)
    if not text:
        return ""
    try:
        tree = loads(text)
    except ValueError:
        return typed("json", text) if text.lstrip()[:1] in ("{", "[") else text
    return tree_of_parsed(tree, text)


def tree_of_parsed(tree: Any, text: str) -> Any:
    """Return what `tree_of_json` makes of a text whose JSON is parsed already."""
    if not _common(tree):
        return typed("json", text)
    return to_tree(tree) if "$" in text or "\\u0024" in text else tree


def tree_and_text(data: bytes | str) -> tuple[Any, str]:
    """Return the tree of JSON that is not ours, as `tree_of_json` does, and the tree's text."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        tree = _decoder.decode(text)
        own = write_plain(tree)
    except (ValueError, RecursionError):
        pass
    else:
        if not has_surrogates(own) and not has_surrogates(text) and _is_common(text, tree, own):
            return tree, own
    tree = tree_of_json(data)
    return tree, dumps(tree)


def scan_value(text: str, at: int) -> tuple[Any, str, bytes, int]:
    """Parse the value that begins at an offset: its tree and text, as `tree_and_text` has them, the text encoded, and its end.

    A scalar is itself, whatever it is. ValueError where no value begins.
    """
    tree, end = _scan(text, at)
    if type(tree) is dict and end - at >= _LONG and _FLAT.issuperset(map(type, cast("dict[str, Any]", tree).values())):
        own = _flat_text(tree)
        if len(own) == end - at and text.startswith(own, at) and not ("$" in own and semconv.MARKER_PREFIX in own):
            return tree, own, own.encode(), end
    try:
        own = write_plain(tree)
        data = own.encode()
    except (ValueError, RecursionError):
        own, data = "", b""
    raw = own if len(own) == end - at and text.startswith(own, at) else text[at:end]
    if own and _is_common(raw, tree, own):
        return tree, own, data, end
    if type(tree) is dict or type(tree) is list:
        tree = tree_of_json(raw)
    own = dumps(tree)
    return tree, own, own.encode(), end


def _flat_text(members: dict[str, Any]) -> str:
    """Write an object of texts as `write_plain` does, but copy long ones that seem to need no escape: right if it is what was parsed."""
    parts: list[str] = []
    for name, value in members.items():
        if type(value) is str and len(value) >= _LONG and '"' not in value and "\\" not in value and "\n" not in value:
            parts.append(f'{write_plain(name)}:"{value}"')
        else:
            parts.append(f"{write_plain(name)}:{write_plain(value)}")
    return f"{{{','.join(parts)}}}"


def _is_common(text: str, tree: Any, own: str) -> bool:
    """Say whether `tree`, parsed from `text` without checks and written as `own`, is what `tree_of_json` would return.

    The writer has refused infinities by then, and the encoder surrogates. Of a member name that stands twice, one is missing in
    `own`, with its quotes.
    """
    if own is not text and own != text and (own.count('"') != text.count('"') or "\\u0022" in text):
        return False
    if "$" in own and semconv.MARKER_PREFIX in own:
        return False
    if type(tree) is dict and _FLAT.issuperset(map(type, cast("dict[str, Any]", tree).values())):
        return True
    containers = own.count("{") + own.count("[")  # at most
    return (containers <= MAX_DEPTH and len(own) < _SHORT) or (containers <= MAX_CONTAINERS and _common(tree))


def _common(tree: Any) -> bool:
    """Say whether every reader can carry a tree of JSON: not nested too deep, no number out of range."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is dict:
                below += [member for member in cast("dict[str, Any]", value).values() if type(member) is not str]
            elif kind is list:
                below += [item for item in cast("list[Any]", value) if type(item) is not str]
            elif (kind is float and value - value != 0.0) or (kind is int and value.bit_length() > INT_BITS):
                return False
        if not below:
            return True
        level = below
    return not any(type(value) is dict or type(value) is list for value in level)
