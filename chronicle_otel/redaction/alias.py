"""What a replay has to know of pseudonyms, without key or policy: where they stand in a text, and what can stand behind one.

text ──view──► decoded, folded text ──pseudonyms──► places and forms          value ──normalised──► the spelling that was keyed
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from . import recognise
from .checks import luhn, mod97
from .folding import folded
from .forms import FORMS
from .layers import TooManyLayers, unwrap

_LAYERS: Final = 8
_NEIGHBOURS: Final = {
    "domain": ("A-Za-z0-9_.-", "A-Za-z0-9_-"),
    "iban": ("A-Za-z0-9", "A-Za-z0-9"),
    "card": ("A-Za-z0-9", "A-Za-z0-9"),
    "phone": ("0-9", "0-9"),
    "us_ssn": ("A-Za-z0-9", "A-Za-z0-9"),
    "ipv4": ("A-Za-z0-9_.", "A-Za-z0-9_"),
    "ipv6": ("A-Za-z0-9_:.", "A-Za-z0-9_"),
    "int": ("0-9", "0-9"),
    "nines": ("0-9A-Za-z.", "0-9A-Za-z"),
}
"""What stands neither before nor after a pseudonym."""


def _bounded(form: str, pattern: str) -> str:
    left, right = (f"[{listed}]" if listed else "" for listed in _NEIGHBOURS.get(form, ("", "")))
    return f"(?P<{form}>{f'(?<!{left})' if left else ''}{pattern}{f'(?!{right})' if right else ''})"


_OWN: Final = re.compile("|".join(_bounded(form, pattern) for form, pattern in [*FORMS.items(), ("nines", "9{1,11}")]))


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """One pseudonym in a text."""

    form: str
    """email, domain, secret, iban, card, phone, us_ssn, ipv4, ipv6, int, or nines: a short integer, of which nothing is left."""
    start: int
    end: int


def view(text: str) -> str:
    """Return a text as a redactor scans it: escapes read, look-alikes folded. What is encoded too often stays as it is."""
    data = text.encode("utf-8", "surrogatepass")
    try:
        layers, _ = unwrap(data, 0, _LAYERS)
    except TooManyLayers:
        layers = []
    return folded(layers[-1].data if layers else data).decode("utf-8", "surrogateescape")


def pseudonyms(text: str, forms: frozenset[str] | None = None) -> Iterator[Pseudonym]:
    """Yield the pseudonyms of a view, from left to right; `forms`: only these."""
    at = 0
    while (found := _OWN.search(text, at)) is not None:
        form = found.lastgroup or ""
        end = found.end()
        if form == "secret":
            end = recognise.secret_at(text[found.start() :].encode("utf-8", "surrogateescape"), 0) or 0
            end += found.start() if end else 0
        genuine = bool(end) and (forms is None or form in forms) and _GENUINE[form](found.group())
        if genuine:
            yield Pseudonym(form, found.start(), end)
        at = end if genuine else found.start() + 1


def normalised(form: str, text: str) -> str | None:
    """Return the keyed spelling of what may stand behind a pseudonym of that form, or None: it may not."""
    return _NORMALISERS[form](text)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _national(text: str) -> str:
    return _digits(text)[-10:]


def _numbers(least: int, most: int) -> Callable[[str], str | None]:
    def normalise(text: str) -> str | None:
        digits = _digits(text)
        return digits if least <= len(digits) <= most and re.fullmatch(r"[\d .\-/()+]+", text) else None

    return normalise


def _phone(text: str) -> str | None:
    match = re.fullmatch(r"([\d .\-/()+]+)(?:[ ,]{0,2}(?:x|ext\.?|extension)[ .:]?\d{1,6})?", text, re.IGNORECASE)
    digits = _digits(match[1]) if match else ""
    if not 7 <= len(digits) <= 17:
        return None
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def _email(text: str) -> str | None:
    return text.lower() if re.fullmatch(r"[A-Za-z0-9._%+'=-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z][A-Za-z0-9-]+", text) else None


def _domain(text: str) -> str | None:
    return text.lower() if re.fullmatch(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?", text) else None


def _iban(text: str) -> str | None:
    plain = re.sub(r"[ -]", "", text).upper()
    return plain if re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]{8,30}", plain) and mod97(plain) else None


def _address(version: int) -> Callable[[str], str | None]:
    def normalise(text: str) -> str | None:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None
        return str(address) if address.version == version else None

    return normalise


def _card(text: str) -> str | None:
    digits = _numbers(12, 19)(text)
    return digits if digits is not None and luhn(digits) else None


def _anything(text: str) -> str | None:
    return text if any(char.isalnum() for char in text) else None


_GENUINE: Final[dict[str, Callable[[str], bool]]] = {
    "email": lambda text: recognise.is_email(text.encode()),
    "secret": lambda text: True,
    "domain": lambda text: True,
    "iban": lambda text: recognise.is_iban(re.sub(r"[ -]", "", text).upper()),
    "card": lambda text: recognise.is_card(_digits(text)),
    "phone": lambda text: recognise.is_phone(_national(text)),
    "us_ssn": lambda text: recognise.is_ssn(_digits(text)),
    "ipv4": lambda text: _address(4)(text) is not None,
    "ipv6": lambda text: _address(6)(text.rstrip(":.")) is not None,
    "int": lambda text: recognise.is_integer(_digits(text)),
    "nines": lambda text: True,
}
_NORMALISERS: Final[dict[str, Callable[[str], str | None]]] = {
    "email": _email,
    "secret": _anything,
    "domain": _domain,
    "iban": _iban,
    "card": _card,
    "phone": _phone,
    "us_ssn": _numbers(9, 9),
    "ipv4": _address(4),
    "ipv6": _address(6),
    "int": _numbers(12, 40),
    "nines": _numbers(1, 11),
}
