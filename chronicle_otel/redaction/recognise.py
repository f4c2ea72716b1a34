"""Own output, recognised without a key and without a policy: by its reserved range or its public check.

The replayer uses this module, so it stands on the standard library alone.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import Final

from .checks import luhn, mod97
from .forms import FORMS, LETTER
from .tables import raw

ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
CARD_PREFIX: Final = "400000"
OPAQUE: Final = "chronicle-opaque"

_EMAIL: Final = re.compile(rf"(m{LETTER}{{12}})({LETTER}{{4}})(@d{LETTER}{{6}}\.example\.com)".encode())
_SECRET: Final = re.compile(rf"chr({LETTER}{{4}})({LETTER}{{20}})".encode())
_DOMAIN: Final = re.compile(FORMS["domain"].encode())


def check(text: str, count: int) -> str:
    """Return letters that anybody can compute from a text: they tell our own output from look-alikes."""
    digest = hashlib.sha256(b"chronicle-check-v1\0" + text.encode()).digest()
    return "".join(ALPHABET[byte & 31] for byte in digest[:count])


def fill(body: str, count: int) -> str:
    """Return the letters by which a secret's stand-in is as long as the secret was."""
    if count <= 0:
        return ""
    block = check("fill" + body, 32)
    return (block * (count // 32 + 1))[:count]


def integer_check(head: str) -> str:
    """Return the five check digits of an integer's stand-in."""
    digest = hashlib.sha256(b"chronicle-check-v1\0" + head.encode()).digest()
    return f"{int.from_bytes(digest[:4], 'big') % 100_000:05d}"


@functools.cache
def area_codes() -> tuple[str, ...]:
    """Return the area codes under which 555-01xx is reserved, in the order that pseudonyms depend on."""
    return tuple(raw("npa-us-v1.txt").decode().split())


@functools.cache
def _known_areas() -> frozenset[str]:
    return frozenset(area_codes())


def email_at(data: bytes, at: int) -> int | None:
    """Return the end of an own e-mail address that begins here."""
    found = _EMAIL.match(data, at)
    if found is None:
        return None
    body, given, domain = (group.decode() for group in found.groups())
    return found.end() if check(body + domain, 4) == given else None


def secret_at(data: bytes, at: int) -> int | None:
    """Return the end of an own secret, with its fill, that begins here with `chr`."""
    found = _SECRET.match(data, at)
    if found is None:
        return None
    given, body = found[1].decode(), found[2].decode()
    if check("chr" + body, 4) != given:
        return None
    end = found.end()
    if end == len(data):
        return end
    block = check("fill" + body, 32).encode()
    count = 0
    while end + count < len(data) and data[end + count] == block[count % 32]:
        count += 1
    return end + count


def domain_at(data: bytes, at: int) -> int | None:
    """Return the end of an own host name that begins here."""
    found = _DOMAIN.match(data, at)
    return found.end() if found is not None else None


def is_secret(text: bytes, prefixes: tuple[bytes, ...] = ()) -> bool:
    """Say whether a whole text is an own secret, with a known prefix or none."""
    at = text.find(b"chr")
    while at >= 0:
        if (at == 0 or text[:at] in prefixes) and secret_at(text, at) == len(text):
            return True
        at = text.find(b"chr", at + 1)
    return False


def is_email(text: bytes) -> bool:
    """Say whether a whole text is an own e-mail address."""
    return email_at(text, 0) == len(text)


def is_card(digits: str) -> bool:
    """Say whether digits are an own card number."""
    return 12 <= len(digits) <= 19 and digits.startswith(CARD_PREFIX) and luhn(digits)


def is_phone(national: str) -> bool:
    """Say whether ten digits are an own phone number, the country code taken off."""
    return len(national) == 10 and national[3:8] == "55501" and national[:3] in _known_areas()


def is_ssn(digits: str) -> bool:
    """Say whether nine digits are in the range that was never issued."""
    return len(digits) == 9 and digits[0] == "9" and "01" <= digits[3:5] <= "49" and digits[5:] != "0000"


def is_iban(text: str) -> bool:
    """Say whether a text without separators, in upper case, is an own IBAN."""
    return len(text) == 22 and text[:2] == "GB" and text[4:8] == "TEST" and text[8:].isdigit() and mod97(text)


def is_integer(digits: str) -> bool:
    """Say whether digits could stand for an integer of a type without a range."""
    if len(digits) < 12:
        return bool(digits) and digits.count("9") == len(digits)
    return digits.startswith("99") and integer_check(digits[:-5]) == digits[-5:]
