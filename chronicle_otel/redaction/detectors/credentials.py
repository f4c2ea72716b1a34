"""Credentials that their framing gives away: JSON web tokens, basic and bearer authentication."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from ..found import DIGIT, RUN, WORD, Found, Piece, Scope, before, secret, text

_JWT: Final = re.compile(rb"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,4}")
_BASIC: Final = re.compile(rb"[Bb][Aa][Ss][Ii][Cc][ \t]+([A-Za-z0-9+/_-]{4,}={0,2})")
_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr][ \t]+([A-Za-z0-9._~+/-]{16,}={0,2})")
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")


def dotted(start: int, value: bytes, part: bytes, scope: Scope) -> tuple[Piece, ...]:
    """Return a piece for each part between dots."""
    made: list[Piece] = []
    at = start
    for step in value.split(b"."):
        if step:
            made.append(secret(at, at + len(step), part, scope))
        at += len(step) + 1
    return tuple(made)


class Jwt:
    """three parts in base64url, the first beginning with `eyJ`."""

    name = "jwt"
    cores = (r"eyJ[A-Za-z0-9_-]{5,}\.",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the tokens."""
        made: list[Found] = []
        found = _JWT.search(part)
        while found is not None:
            start, value = found.start(), found[0]
            steps = value.split(b".")
            if before(part, start) in RUN or not any(len(step) > 1 for step in steps[1:]):
                found = _JWT.search(part, start + 1)
                continue
            head = Piece(start, start + len(steps[0]), "secret", text(steps[0]), "eyJ")
            at = start + len(steps[0]) + 1
            pieces = [head]
            for step in steps[1:]:
                if step:
                    pieces.append(Piece(at, at + len(step), "secret", text(step)))
                at += len(step) + 1
            made.append(Found(start, found.end(), self.name, tuple(pieces), text(value)))
            found = _JWT.search(part, found.end())
        return made


def decodes(value: bytes) -> bytes | None:
    """Decode base64 of either alphabet, padded or not."""
    plain = value.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _pair(decoded: bytes | None) -> bool:
    """Say whether bytes are a user and a password, and no word that happens to decode."""
    if decoded is None or b":" not in decoded or _CONTROL.search(decoded):
        return False
    try:
        decoded.decode()
    except UnicodeDecodeError:
        return False
    return True


class Basic:
    """what follows `Basic` and decodes to something with a colon."""

    name = "basic"
    cores = (r"[Bb][Aa][Ss][Ii][Cc][ \t]+[A-Za-z0-9+/_-]{4}",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the credentials."""
        made: list[Found] = []
        found = _BASIC.search(part)
        while found is not None:
            start, end = found.span(1)
            if before(part, found.start()) not in WORD and _pair(decodes(found[1])):
                made.append(Found(start, end, self.name, (secret(start, end, part, scope),), text(found[1])))
                found = _BASIC.search(part, end)
            else:
                found = _BASIC.search(part, found.start() + 1)
        return made


class Bearer:
    """what follows `Bearer`, holds a digit and is long enough to be no word."""

    name = "bearer"
    cores = (r"[Bb][Ee][Aa][Rr][Ee][Rr][ \t]+[A-Za-z0-9._~+/-]{16}",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the credentials."""
        made: list[Found] = []
        found = _BEARER.search(part)
        while found is not None:
            start = found.start(1)
            value = found[1].rstrip(b".")
            end = start + len(value)
            if before(part, found.start()) not in WORD and len(value) >= 16 and any(byte in DIGIT for byte in value):
                made.append(Found(start, end, self.name, dotted(start, value, part, scope), text(value)))
                found = _BEARER.search(part, end)
            else:
                found = _BEARER.search(part, found.start() + 1)
        return made
