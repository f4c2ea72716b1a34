"""What is handed to the redactor, what must become of it, and the private values that all cases use."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

MAIL, CARD, PHONE, SSN, ADDRESS = "maria.keller@kestrel.de", "4539148803436467", "+12128675309", "219-09-9999", "8.8.8.8"
GROUPED = "4539 1488 0343 6467"
IBAN = "DE89370400440532013000"
TEXT = f"Write to {MAIL} or pay with {CARD}, thanks a lot."
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6Im1hcmlhLmtlbGxlckBrZXN0cmVsLmRlIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing handed to the redactor, and what must be true of the answer."""

    name: str
    """Row of the threat list, variant, and what it is about."""
    given: str
    payload: bool = True
    """Given as JSON, else as text."""
    gone: tuple[str, ...] = ()
    """No reading of the answer may hold these; digits are compared without separators."""
    same_as: tuple[str, ...] = ()
    """The answer must hold, in some reading, what these plain values become."""
    kept: tuple[str, ...] = ()
    """The answer must hold these literally."""
    unchanged: bool = False
    """The answer must be what was given."""


def j(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def escapes(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)
