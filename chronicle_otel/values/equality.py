"""When two trees are equal: same JSON type, numbers by mathematical value, member and set order ignored."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.values.naming import MAPPINGS
from chronicle_otel.values.text import dumps, join_surrogates

_canonical_text: Final = json.JSONEncoder(check_circular=False, sort_keys=True, separators=(",", ":")).encode
_WHOLE_FLOAT: Final = re.compile(r"[0-9](?:\.0|e\+[0-9]+)(?=[,\]}]|$)")

_BUFFERS: Final = ("bytearray", "memoryview")
"""Types that equal bytes of the same content, as in Python: the copy that a recording takes of plain data holds bytes for them."""


def _must_walk(text: str) -> bool:
    """Say whether the text may hold a float of integral value, a set, or half a character."""
    if '"$chronicle.type"' in text or "\\ud" in text:
        return True
    return (".0" in text or "e+" in text) and _WHOLE_FLOAT.search(text) is not None


def canonical(tree: Any) -> str:
    """Write equal trees as equal text. It is no payload: names may be sorted, numbers rewritten."""
    try:
        text = _canonical_text(tree)
        return _canonical_text(_canonical(tree)) if _must_walk(text) else text
    except (RecursionError, ValueError):
        return dumps(tree)


def _canonical(tree: Any) -> Any:
    kind = type(tree)
    if kind is dict:
        members = cast("dict[str, Any]", tree)
        content = members.get(semconv.TYPE)
        if type(content) is list and len(members) == 1:
            parts = cast("list[Any]", content)
            if len(parts) == 2 and parts[0] in ("set", "frozenset") and type(parts[1]) is list:
                return {semconv.TYPE: [parts[0], sorted((_canonical(item) for item in parts[1]), key=_canonical_text)]}
            if len(parts) == 2 and parts[0] == "dict" and type(parts[1]) is list:
                return {semconv.TYPE: [parts[0], sorted((_canonical(item) for item in parts[1]), key=_canonical_text)]}
            if len(parts) > 1 and parts[0] in MAPPINGS:
                return _canonical(parts[1])
            if len(parts) == 2 and parts[0] in _BUFFERS:
                return {semconv.TYPE: ["bytes", parts[1]]}
        return {name if name.isascii() else join_surrogates(name): _canonical(member) for name, member in members.items()}
    if kind is list:
        return [_canonical(item) for item in tree]
    if kind is float:
        return int(tree) if tree.is_integer() else tree
    if kind is str and not tree.isascii():
        return join_surrogates(tree)
    return tree


def key(tree: Any) -> bytes:
    """Return 16 bytes that are the same for equal trees and for no others."""
    return hashlib.blake2b(canonical(tree).encode("utf-8"), digest_size=16).digest()


def equal(a: Any, b: Any) -> bool:
    """Say whether two trees are the same value."""
    return a is b or canonical(a) == canonical(b)


def replayable(tree: Any) -> bool:
    """Say whether a value can be made from the tree: nothing opaque, moved out, lost or unencodable is in it."""
    work: list[Any] = [tree]
    while work:
        value = work.pop()
        if type(value) is dict:
            members = cast("dict[str, Any]", value)
            if len(members) == 1:
                (name, content), *_ = members.items()
                if name in (semconv.OPAQUE, semconv.BLOB, semconv.REF):
                    return False
                if name == semconv.TYPE and type(content) is list and content and content[0] == "?":
                    return False
            work.extend(member for member in members.values() if type(member) in (dict, list))
        elif type(value) is list:
            work.extend(item for item in cast("list[Any]", value) if type(item) in (dict, list))
    return True
