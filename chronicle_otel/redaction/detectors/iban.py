"""International bank account numbers, of the countries' lengths."""

from __future__ import annotations

import re
from typing import Any, Final

from ..checks import mod97
from ..found import ALNUM, Found, Piece, Scope, after, before
from ..recognise import is_iban
from ..tables import table

_START: Final = re.compile(rb"[A-Za-z]{2}[0-9]{2}")
_LOOSE: Final = re.compile(rb"[A-Za-z]{2}[0-9]{2}[A-Za-z0-9]{11,30}")


def _lengths() -> dict[bytes, int]:
    listed: dict[str, Any] = table("tables-v1.json")["iban"]
    return {country.encode(): length for country, length in listed.items()}


_LENGTHS: Final = _lengths()


def read_at(part: bytes, start: int) -> tuple[int, str] | None:
    """Return end and plain text of the IBAN that begins here."""
    length = _LENGTHS.get(part[start : start + 2].upper())
    if length is None or before(part, start) in ALNUM:
        return None
    plain = bytearray()
    at = start
    size = len(part)
    breaks: list[int] = []
    while len(plain) < length and at < size:
        byte = part[at]
        if byte in ALNUM:
            plain.append(byte)
        elif byte in b" -" and plain and part[at - 1] in ALNUM:
            breaks.append(len(plain))
        else:
            return None
        at += 1
    if len(plain) < length or after(part, at) in ALNUM:
        return None
    if breaks and breaks != list(range(4, length, 4)):
        return None
    found = plain.decode().upper()
    return (at, found) if mod97(found) else None


def foreign_at(part: bytes, start: int) -> tuple[int, str] | None:
    """Return end and plain text of an account number of no known length, without separators, that begins here."""
    if before(part, start) in ALNUM:
        return None
    run = _LOOSE.match(part, start)
    if run is None or after(part, run.end()) in ALNUM:
        return None
    found = run[0].decode().upper()
    return (run.end(), found) if mod97(found) else None


class Iban:
    """account numbers whose length and check digits fit."""

    name = "iban"
    cores = (
        f"(?:^|[^A-Za-z0-9])(?i:{'|'.join(sorted(country.decode() for country in _LENGTHS))})"
        r"[0-9]{2}[ -]?[A-Za-z0-9]{4}[ -]?[A-Za-z0-9]{4}[ -]?[A-Za-z0-9]{3}",
    )

    hinted_cores = (r"(?:^|[^A-Za-z0-9])[A-Za-z]{2}[0-9]{2}[A-Za-z0-9]{11,30}(?:[^A-Za-z0-9]|$)",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the account numbers."""
        made: list[Found] = []
        found = _START.search(part)
        while found is not None:
            start = found.start()
            read = read_at(part, start)
            if read is None and (read := foreign_at(part, start)) is not None and not scope.hinted(self.name, part, start):
                read = None
            if read is not None and not is_iban(read[1]):
                made.append(Found(start, read[0], self.name, (Piece(start, read[0], "iban", read[1]),), read[1]))
                found = _START.search(part, read[0])
            else:
                found = _START.search(part, start + 1)
        return made
