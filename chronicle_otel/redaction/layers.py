"""Layers of encoding over a text, and the way back: an edit on what was decoded becomes an edit on what stood there.

text ──decode──► Layer(data, escapes) … ──fold──► Layer ──► scanned
edits on text ◄──lift── edits on data ◄──────────lift──────── edits
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Edit: TypeAlias = tuple[int, int, bytes]
"""Start, end, and the bytes that come in their place."""
Escape: TypeAlias = tuple[int, int, int, int]
"""Start and end in the decoded bytes, start and end in the encoded ones."""


def _as_is(new: bytes) -> bytes:
    return new


@dataclass(slots=True)
class Layer:
    """Decoded bytes that know where they came from."""

    data: bytes
    escapes: list[Escape]
    """In order; whatever lies between two of them was copied."""
    encode: Callable[[bytes], bytes] = _as_is
    always: bool = False
    """Encode what goes into the text even where no escape was touched."""
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [escape[0] for escape in self.escapes]

    def range(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the encoded bytes that made the bytes from `start` to `end` (not empty)."""
        return self._locate(start)[0], self._locate(end - 1)[1]

    def _locate(self, unit: int) -> tuple[int, int]:
        at = bisect_right(self._starts, unit) - 1
        while at >= 0:
            start, end, raw_start, raw_end = self.escapes[at]
            if start <= unit < end:
                return raw_start, raw_end
            if unit >= end:
                shifted = unit - end + raw_end
                return shifted, shifted + 1
            at -= 1
        return unit, unit + 1

    def touched(self, start: int, end: int) -> bool:
        """Say whether any byte of the range came out of an escape."""
        at = bisect_right(self._starts, end - 1) - 1
        while at >= 0:
            escape = self.escapes[at]
            if escape[0] < escape[1]:
                return escape[1] > start
            at -= 1
        return False

    def lift(self, edits: list[Edit]) -> list[Edit]:
        """Return the edits as they are to be made on the encoded bytes."""
        if not self.escapes and not self.always:
            return edits
        lifted: list[Edit] = []
        for start, end, new in edits:
            if self.always or self.touched(start, end):
                new = self.encode(new)
            lifted.append((*self.range(start, end), new))
        return lifted


def apply(data: bytes, edits: list[Edit]) -> bytes:
    """Make edits that are in order and do not overlap."""
    if not edits:
        return data
    parts: list[bytes] = []
    at = 0
    for start, end, new in edits:
        parts.append(data[at:start])
        parts.append(new)
        at = end
    parts.append(data[at:])
    return b"".join(parts)


def build(data: bytes, found: list[tuple[int, int, bytes]], encode: Callable[[bytes], bytes], *, always: bool = False) -> Layer:
    """Make a layer out of the escapes that were found: start, end and decoded bytes of each."""
    parts: list[bytes] = []
    escapes: list[Escape] = []
    at = out = 0
    for start, end, decoded in found:
        parts.append(data[at:start])
        out += start - at
        escapes.append((out, out + len(decoded), start, end))
        parts.append(decoded)
        out += len(decoded)
        at = end
    parts.append(data[at:])
    return Layer(b"".join(parts), escapes, encode, always)


# ---- JSON escapes ------------------------------------------------------------------------------

_JSON: Final = re.compile(
    rb'\\(?:u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|["\\/bfnrt])',
)
_SHORT: Final = {b'\\"': b'"', b"\\\\": b"\\", b"\\/": b"/", b"\\b": b"\b", b"\\f": b"\f", b"\\n": b"\n", b"\\r": b"\r", b"\\t": b"\t"}
_TO_JSON: Final = {0x22: b'\\"', 0x5C: b"\\\\", 0x0A: b"\\n", 0x0D: b"\\r", 0x09: b"\\t"}
_TO_ESCAPE: Final = re.compile(rb'["\\\x00-\x1f]')


def _json_unit(escape: bytes) -> bytes:
    short = _SHORT.get(escape)
    if short is not None:
        return short
    point = int(escape[2:6], 16)
    if len(escape) == 12:
        point = 0x10000 + ((point - 0xD800) << 10) + int(escape[8:12], 16) - 0xDC00
    return chr(point).encode("utf-8", "surrogatepass")


def json_escape(new: bytes) -> bytes:
    """Escape what may not stand in a JSON string as it is."""
    return _TO_ESCAPE.sub(lambda match: _TO_JSON.get(match[0][0]) or b"\\u%04x" % match[0][0], new)


def json_layer(data: bytes, *, always: bool = False) -> Layer | None:
    """Read the JSON escapes of a text; None if there are none."""
    if b"\\" not in data:
        return None
    found = [(match.start(), match.end(), _json_unit(match[0])) for match in _JSON.finditer(data)]
    return build(data, found, json_escape, always=always) if found else None


# ---- percent -----------------------------------------------------------------------------------

_PERCENT: Final = re.compile(rb"%(?!B[0-9]{12,19}\^)[0-9A-Fa-f]{2}")
"""What is read off a magnetic stripe begins with `%B` and a card number: no escape."""
_RESERVED: Final = re.compile(rb"[^A-Za-z0-9._~-]")


def _percent_encode(new: bytes) -> bytes:
    return _RESERVED.sub(lambda match: b"%%%02X" % match[0][0], new)


def percent_layer(data: bytes) -> Layer | None:
    """Read percent escapes; None if there are none."""
    if b"%" not in data:
        return None
    found = [(match.start(), match.end(), bytes((int(match[0][1:], 16),))) for match in _PERCENT.finditer(data)]
    return build(data, found, _percent_encode) if found else None


# ---- HTML entities -----------------------------------------------------------------------------

_NAMED: Final = {
    b"amp": "&",
    b"lt": "<",
    b"gt": ">",
    b"quot": '"',
    b"apos": "'",
    b"nbsp": "\u00a0",
    b"shy": "\u00ad",
    b"commat": "@",
    b"period": ".",
    b"colon": ":",
    b"sol": "/",
    b"plus": "+",
    b"lpar": "(",
    b"rpar": ")",
    b"num": "#",
    b"percnt": "%",
    b"lowbar": "_",
    b"hyphen": "\u2010",
    b"dash": "\u2010",
    b"Tab": "\t",
    b"NewLine": "\n",
}
ENTITY: Final = rb"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|" + b"|".join(_NAMED) + rb");"
_ENTITY: Final = re.compile(ENTITY)
_MARKUP: Final = re.compile(rb"[^A-Za-z0-9._~ -]")


def _entity(text: bytes) -> bytes | None:
    body = text[1:-1]
    named = _NAMED.get(body)
    if named is not None:
        return named.encode()
    point = int(body[2:].decode(), 16) if body[1:2] in (b"x", b"X") else int(body[1:])
    if not 0 < point < 0x110000 or 0xD800 <= point < 0xE000:
        return None
    return chr(point).encode()


def _entity_encode(new: bytes) -> bytes:
    return _MARKUP.sub(lambda match: b"&#%d;" % match[0][0], new)


def entity_layer(data: bytes) -> Layer | None:
    """Read HTML entities; None if there are none."""
    if b"&" not in data:
        return None
    found = [(m.start(), m.end(), decoded) for m in _ENTITY.finditer(data) if (decoded := _entity(m[0])) is not None]
    return build(data, found, _entity_encode) if found else None


# ---- all of them -------------------------------------------------------------------------------


class TooManyLayers(Exception):
    """A text is encoded more often than the policy allows."""


def unwrap(data: bytes, used: int, limit: int) -> tuple[list[Layer], int]:
    """Return the layers of a text, outermost first, and how many are in use with them."""
    layers: list[Layer] = []
    if b"\\" not in data and b"%" not in data and b"&" not in data:
        return layers, used

    def step(layer: Layer | None) -> bool:
        nonlocal data, used
        if layer is None or layer.data == data:
            return False
        used += 1
        if used > limit:
            raise TooManyLayers
        layers.append(layer)
        data = layer.data
        return True

    changed = True
    while changed:
        changed = step(json_layer(data))
        while step(percent_layer(data)):
            changed = True
        changed = step(entity_layer(data)) or changed
    return layers, used
