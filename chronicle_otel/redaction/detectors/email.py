"""E-mail addresses, found at their `@`."""

from __future__ import annotations

import re
from typing import Final

from ..found import LETTER, Found, Piece, Scope, text

_LOCAL: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+'-")
_IMAGE: Final = re.compile(rb"@[0-9](?:\.[0-9])?x\.(?:png|jpe?g|gif|webp|svg|avif|ico)")
_HOUSE: Final = (b"local", b"internal", b"lan", b"localdomain")
_RETURNS: Final = re.compile(rb"(?i:bounces?|returns?|verp|owner)[+-]|(?i:srs)[01][=+-]")
_LEADING: Final = frozenset(b".%+'-")
_DOMAIN: Final = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9]|[A-Za-z]{2,63})")


def _impersonal(part: bytes, start: int, at: int, end: int) -> bool:
    """Say whether an address names a service: a git remote, or an extension of a house's own telephone system."""
    local = part[start:at]
    if local == b"git" and part[end : end + 1] == b":":
        return True
    if _IMAGE.fullmatch(part, at, end):
        return True
    return not any(byte in LETTER for byte in local) and part[at:end].rpartition(b".")[2].lower() in _HOUSE


def _returned(part: bytes, floor: int, start: int) -> int:
    """Return where an address begins that carries another one in its local part, before `=`: a bounce comes back to it."""
    if start - 1 <= floor or part[start - 1] != 0x3D:
        return start
    first = start - 1
    while first > floor and (part[first - 1] in _LOCAL or part[first - 1] == 0x3D):
        first -= 1
    while first < start and part[first] in _LEADING:
        first += 1
    return first if _RETURNS.match(part, first, start) else start


class Email:
    """addresses with a domain of at least two labels."""

    name = "email"
    cores = (r"[A-Za-z0-9_]['%+.-]*@[A-Za-z0-9]",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the addresses."""
        made: list[Found] = []
        floor = 0
        at = part.find(b"@")
        while at >= 0:
            start = at
            while start > floor and part[start - 1] in _LOCAL:
                start -= 1
            while start < at and part[start] in _LEADING:
                start += 1
            start = _returned(part, floor, start) if start < at else at
            domain = _DOMAIN.match(part, at + 1) if start < at and part[at - 1] != 0x2E else None
            if domain is not None and not _impersonal(part, start, at, domain.end()):
                end = domain.end()
                value = text(part[start:end]).lower()
                made.append(Found(start, end, self.name, (Piece(start, end, "email", value),), value))
                floor = end
            at = part.find(b"@", max(at + 1, floor))
        return made
