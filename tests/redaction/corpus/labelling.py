"""Texts with labelled personal values.

A template writes `mark(kind, value)` wherever a personal value stands. `dumps` turns objects that hold such marks into
JSON, also JSON in JSON; `unmark` takes the marks out and tells where the values stand:

template → object with marks → dumps → text with marks → unmark → Sample
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

KINDS = ("email", "phone", "card", "iban", "us_ssn", "ip", "url", "secret", "id", "name")
FIRST, LAST, NUMBER, LETTERS = "\ue000", "\ue001", "\ue002", 0xE100  # private use: no template needs them for itself


@dataclass(frozen=True, slots=True)
class Gold:
    """One personal value."""

    kind: str
    """One of `KINDS`."""
    start: int
    """First code point."""
    end: int
    """Code point after the last."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, or a JSON payload, and where its personal values stand."""

    text: str
    gold: tuple[Gold, ...]
    origin: str
    """Name of the template."""

    is_payload: bool
    """Whether it is JSON."""


def mark(kind: str, value: str) -> str:
    """Label a value."""
    return f"{FIRST}{chr(LETTERS + KINDS.index(kind))}{value}{LAST}"


def number(kind: str, digits: str) -> str:
    """Label a value that `dumps` writes as a JSON number."""
    return f"{NUMBER}{mark(kind, digits)}{NUMBER}"


def dumps(value: Any, *, ascii_only: bool = False, indent: int | None = None) -> str:
    """Write JSON without disturbing the marks; `ascii_only` escapes what is not ASCII."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    text = re.sub(rf'\\*"{NUMBER}(.*?){NUMBER}\\*"', r"\1", text)
    return "".join(escaped(char) for char in text) if ascii_only else text


def escaped(char: str) -> str:
    """Escape a character beyond ASCII that is no mark."""
    if ord(char) < 0x80 or 0xE000 <= ord(char) < 0xE200:
        return char
    return json.dumps(char)[1:-1]


def unmark(text: str, origin: str, *, is_payload: bool) -> Sample:
    """Take the marks out of a text."""
    plain: list[str] = []
    gold: list[Gold] = []
    length, opened = 0, ("", 0)
    pieces = re.split(f"({FIRST}.|{LAST})", text)
    for piece in pieces:
        if piece[:1] == FIRST:
            opened = KINDS[ord(piece[1]) - LETTERS], length
        elif piece == LAST:
            gold.append(Gold(opened[0], opened[1], length))
        else:
            plain.append(piece)
            length += len(piece)
    return Sample("".join(plain), tuple(gold), origin, is_payload)
