"""From what was found to edits: the action of the rule, and the spelling that the value had."""

from __future__ import annotations

import re
from typing import Final

from .found import Found, Piece
from .layers import Edit
from .pseudonyms import Pseudonyms

_DIGITS: Final = re.compile(rb"[0-9]+")
_SOLID: Final = re.compile(rb"[^ \t\r\n]+")
_LETTER_OR_DIGIT: Final = re.compile(rb"[A-Za-z0-9]")
IN_PLACE: Final = frozenset({"card", "phone", "us_ssn", "int", "zeros"})


def edits_of(found: Found, action: str, part: bytes, names: Pseudonyms) -> list[Edit]:
    """Return the edits on a part that a value asks for; none where nothing changes."""
    made: list[Edit] = []
    for piece in found.pieces:
        made += _edits(piece, action, part, names)
    return [edit for edit in made if part[edit[0] : edit[1]] != edit[2]]


def _edits(piece: Piece, action: str, part: bytes, names: Pseudonyms) -> list[Edit]:
    old = part[piece.start : piece.end]
    if action == "keep":
        return []
    if action == "drop":
        return [(piece.start, piece.end, b"")]
    if action == "mask":
        return masked(part, piece.start, piece.end)
    if action == "token":
        return (
            []
            if piece.kind == "zeros"
            else [(piece.start, piece.end, names.token("token", old.decode("utf-8", "surrogateescape")).encode())]
        )
    if piece.kind in IN_PLACE:
        return _in_place(piece, part, new_digits(piece.kind, piece.value, piece.extra, names))
    if piece.kind == "pem":
        return _pem(piece, part, names)
    return [(piece.start, piece.end, _whole(piece, old, names))]


def masked(part: bytes, start: int, end: int) -> list[Edit]:
    """Return the edits that turn letters into x and digits into 9."""
    return [(m.start(), m.end(), b"9" if m[0].isdigit() else b"x") for m in _LETTER_OR_DIGIT.finditer(part, start, end)]


def new_digits(kind: str, value: str, extra: str, names: Pseudonyms) -> str:
    """Return the digits that come in place of a number's, or nothing where each becomes a zero."""
    if kind == "card":
        return names.card(value)
    if kind == "phone":
        return names.phone(value)
    if kind == "us_ssn":
        return names.us_ssn(value)
    return names.integer(extra, value) if kind == "int" else ""


def _in_place(piece: Piece, part: bytes, digits: str) -> list[Edit]:
    places = [at for at in range(piece.start, piece.end) if 0x30 <= part[at] <= 0x39]
    if not digits:
        digits = "0" * len(places)
    return [(at, at + 1, digit.encode()) for at, digit in zip(reversed(places), reversed(digits))][::-1]


def _whole(piece: Piece, old: bytes, names: Pseudonyms) -> bytes:
    kind, value = piece.kind, piece.value
    if kind == "secret":
        return names.secret(value, piece.extra).encode("utf-8", "surrogateescape")
    if kind == "email":
        return names.email(value).encode()
    if kind == "domain":
        return names.domain(value).encode()
    if kind == "ipv4":
        return names.ipv4(value).encode()
    if kind == "ipv6":
        return names.ipv6(value).encode()
    if kind == "e164":
        return b"+" + names.phone(value).encode()
    if kind == "iban":
        return _spelled_iban(names.iban(value), old)
    return names.token(piece.extra, value).encode()


def _spelled_iban(new: str, old: bytes) -> bytes:
    if not any(65 <= byte <= 90 for byte in old):
        new = new.lower()
    separator = next((chr(byte) for byte in old if byte in b" -"), "")
    return separator.join(new[at : at + 4] for at in range(0, len(new), 4)).encode()


def _pem(piece: Piece, part: bytes, names: Pseudonyms) -> list[Edit]:
    new = names.secret(piece.value).encode()
    runs = [match.span() for match in _SOLID.finditer(part, piece.start, piece.end)]
    made: list[Edit] = []
    at = 0
    for start, end in runs:
        made.append((start, end, new[at : at + end - start]))
        at += end - start
    start, end, text = made[-1]
    made[-1] = (start, end, text + new[at:])
    return made
