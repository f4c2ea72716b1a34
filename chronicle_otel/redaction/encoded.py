"""Runs of base64 and hex that decode to text: what is private in them is replaced, and the run encoded again."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .found import ALNUM, after, before

_HEX: Final = re.compile(rb"[0-9A-Fa-f]{16,}")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_TEXT: Final = re.compile(rb"[\x20-\x7e\t\n\r]*")
_PACKED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e\t\n\r]{9,}")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")

_FIRST: Final = "[CISXYZJKLMNOPQRTUVWa-f]"
_SECOND: Final = "[A-Za-z0-9+/_-]"
HEX_CORE: Final = "(?:[2-7][0-9A-Fa-f]|0[9AaDd]){8}"


@dataclass(frozen=True, slots=True)
class Run:
    """An encoded stretch of a text."""

    start: int
    end: int
    data: bytes | None
    """What it decodes to; None for compressed content."""
    kind: str
    padded: int
    """Count of `=` at the end; for hex whether digits are in upper case."""

    def encode(self, data: bytes) -> bytes:
        """Encode as the run was."""
        if self.kind == "hex":
            return data.hex().upper().encode() if self.padded else data.hex().encode()
        made = base64.b64encode(data)
        if self.kind == "base64url":
            made = made.translate(_TO_URL)
        return made if self.padded else made.rstrip(b"=")


def runs(part: bytes) -> Iterator[Run]:
    """Yield the runs, from left to right; hex before base64."""
    if len(part) < 16:
        return
    made = [run for found in _HEX.finditer(part) if (run := _stands(part, *found.span()) and _hex(part, *found.span()))]
    count = len(made)
    at = 0
    for found in _BASE64.finditer(part):
        start, end = found.span()
        while at < count and made[at].end <= start:
            at += 1
        if _stands(part, start, end) and (at == count or made[at].start >= end):
            run = _base64(found[0], start, end)
            if run is not None:
                made.append(run)
    yield from sorted(made, key=lambda run: run.start)


def _stands(part: bytes, start: int, end: int) -> bool:
    return before(part, start) not in ALNUM and after(part, end) not in ALNUM


def _hex(part: bytes, start: int, end: int) -> Run | None:
    text = part[start:end]
    if (end - start) % 2 or _HEX.fullmatch(text) is None:
        return None
    data = bytes.fromhex(text.decode())
    if _TEXT.fullmatch(data) is None:
        return None
    letter = next((byte for byte in text if byte > 0x39), 0x61)
    return Run(start, end, data, "hex", letter < 0x61)


def _base64(text: bytes, start: int, end: int) -> Run | None:
    plain = text.rstrip(b"=")
    padded = len(text) - len(plain)
    url = b"-" in plain or b"_" in plain
    if (url and (b"+" in plain or b"/" in plain)) or len(plain) % 4 == 1 or (padded and len(text) % 4):
        return None
    standard = plain.translate(_URL_SAFE)
    try:
        data = base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.b64encode(data).rstrip(b"=") != standard:
        return None
    kind = "base64url" if url else "base64"
    if data.startswith(_PACKED):
        return Run(start, end, None, kind, padded)
    aligned = any(match.start() + -match.start() % 3 + 9 <= match.end() for match in _PRINTABLE.finditer(data))
    return Run(start, end, data, kind, padded) if aligned else None
