"""Private values → values of the same type in a reserved range. Same key, tenant, type and value: same pseudonym, everywhere.

    master key ──HKDF, tenant──► key ──HMAC(type, value)──► bits ──► range of the type

No table, no state. Without the key nobody can go back or test a guess.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from .checks import luhn_digit, mod97_digits
from .errors import RedactionError
from .recognise import ALPHABET, CARD_PREFIX, area_codes, check, fill, integer_check

KEY_BYTES: Final = 32
"""Least length of a master key."""
_SALT: Final = b"chronicle-redaction-v1"
_SERIALS: Final = 9999
_GROUPS: Final = 49


def _derive(master: bytes, tenant: str) -> bytes:
    """HKDF-SHA256 (RFC 5869) with one block of output."""
    extracted = hmac.digest(_SALT, master, "sha256")
    return hmac.digest(extracted, b"tenant\0" + tenant.encode() + b"\x01", "sha256")


class Pseudonyms:
    """The pseudonyms of one tenant."""

    __slots__ = ("_key", "kcv")

    def __init__(self, master: bytes, tenant: str) -> None:
        if len(master) < KEY_BYTES:
            raise RedactionError(
                f"the redaction key has {len(master)} bytes, at least {KEY_BYTES} are needed: make one with `openssl rand -hex 32`"
            )
        self._key = _derive(master, tenant)
        self.kcv = hmac.digest(self._key, b"chronicle-kcv-v1", "sha256")[:4].hex()
        """Tells whether two redactors hold the same key, and nothing about it."""

    def _digest(self, tag: str, value: str) -> bytes:
        return hmac.digest(self._key, b"v1\0" + tag.encode() + b"\0" + value.encode("utf-8", "surrogateescape"), hashlib.sha256)

    def _below(self, tag: str, value: str, modulus: int) -> int:
        return int.from_bytes(self._digest(tag, value)[:16], "big") % modulus

    def _letters(self, tag: str, value: str, count: int) -> str:
        bits = int.from_bytes(self._digest(tag, value), "big")
        return "".join(ALPHABET[bits >> (251 - 5 * at) & 31] for at in range(count))

    def domain(self, name: str) -> str:
        """Stand-in for a lower-case host name."""
        return f"d{self._letters('domain', name, 6)}.example.com"

    def email(self, address: str) -> str:
        """Stand-in for a lower-case address; equal domains stay equal."""
        local = "m" + self._letters("email", address, 12)
        domain = "@" + self.domain(address.rpartition("@")[2])
        return local + check(local + domain, 4) + domain

    def phone(self, digits: str) -> str:
        """Digits of a fictitious North American number with its country code, for E.164 digits."""
        areas = area_codes()
        at = self._below("phone", digits, len(areas) * 100)
        return f"1{areas[at // 100]}55501{at % 100:02d}"

    def card(self, digits: str) -> str:
        """A number of the same length that passes Luhn."""
        count = len(digits) - 7
        head = f"{CARD_PREFIX}{self._below('card', digits, 10**count):0{count}d}"
        return head + luhn_digit(head)

    def iban(self, text: str) -> str:
        """An IBAN of the test bank, for one in upper case without separators."""
        account = f"{self._below('iban', text, 10**14):014d}"
        return f"GB{mod97_digits('GB', 'TEST' + account)}TEST{account}"

    def ipv4(self, address: str) -> str:
        """An address of 240.0.0.0/5."""
        number = 0xF0000000 + self._below("ipv4", address, 1 << 27)
        return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))

    def ipv6(self, digits: str) -> str:
        """An address of the documentation block, for 32 hex digits."""
        bits = self._digest("ipv6", digits)
        groups = (0x1000 + (bits[2 * at] << 8 | bits[2 * at + 1]) % 0xF000 for at in range(6))
        return "2001:db8:" + ":".join(f"{group:x}" for group in groups)

    def us_ssn(self, digits: str) -> str:
        """Nine digits that were never issued."""
        at = self._below("us_ssn", digits, 100 * _GROUPS * _SERIALS)
        return f"{900 + at // (_GROUPS * _SERIALS)}{1 + at // _SERIALS % _GROUPS:02d}{1 + at % _SERIALS:04d}"

    def integer(self, tag: str, digits: str) -> str:
        """Digits of the same count, for a number whose type has no reserved range."""
        count = len(digits)
        if count < 12:
            return "9" * count
        head = f"99{self._below(tag, digits, 10 ** (count - 7)):0{count - 7}d}"
        return head + integer_check(head)

    def secret(self, value: str, prefix: str = "") -> str:
        """A checked stand-in with the secret's known prefix, as long as the secret was but never shorter than 27 letters."""
        body = self._letters("secret", value, 20)
        head = f"{prefix}chr{check('chr' + body, 4)}{body}"
        return head + fill(body, len(value.encode("utf-8", "surrogateescape")) - len(head))

    def token(self, tag: str, value: str) -> str:
        """A checked stand-in of 27 letters for what has neither form nor length worth keeping."""
        body = self._letters(tag, value, 20)
        return f"chr{check('chr' + body, 4)}{body}"
