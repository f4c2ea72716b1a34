"""Which spellings of a character read as which ASCII character: one shipped table, not the Unicode version of the day."""

from __future__ import annotations

import functools
import re
from typing import Any, Final

from .layers import Layer, build
from .tables import table

_CODE_POINT: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]"
    rb"|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)


@functools.cache
def folds() -> dict[bytes, bytes]:
    """Return UTF-8 bytes of every folded code point → its ASCII byte, or nothing."""
    made: dict[bytes, bytes] = {}
    stored: dict[str, Any] = table("fold-v1.json")
    for first, last in stored["remove"]:
        for point in range(int(first, 16), int(last, 16) + 1):
            made[chr(point).encode()] = b""
    for first, text in stored["runs"]:
        for at, char in enumerate(text):
            made[chr(int(first, 16) + at).encode()] = char.encode()
    return made


def fold_layer(data: bytes) -> Layer | None:
    """Fold a text for matching; None if nothing in it folds."""
    if data.isascii():
        return None
    known = folds()
    found = [(m.start(), m.end(), known[m[0]]) for m in _CODE_POINT.finditer(data) if m[0] in known]
    return build(data, found, bytes) if found else None


def folded(data: bytes) -> bytes:
    """Return the folded bytes alone."""
    if data.isascii():
        return data
    known = folds()
    return _CODE_POINT.sub(lambda match: known.get(match[0], match[0]), data)
