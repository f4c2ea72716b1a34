"""Check digits. Every function takes text that has the right form already, without separators, letters in upper case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def luhn_digit(head: str) -> str:
    """Return the digit that makes a number pass Luhn."""
    raw = head.encode()
    plain = raw[-2::-2]
    total = sum(raw[::-2].translate(_DOUBLED)) + sum(plain) - 48 * len(plain)
    return str(-total % 10)


def luhn(digits: str) -> bool:
    """Say whether a number passes Luhn."""
    return len(digits) > 1 and luhn_digit(digits[:-1]) == digits[-1]


def _iban_number(text: str) -> int:
    return int("".join(str(int(char, 36)) for char in text))


def mod97(text: str) -> bool:
    """Say whether an IBAN's check digits fit."""
    return len(text) > 4 and _iban_number(text[4:] + text[:4]) % 97 == 1


def mod97_digits(country: str, rest: str) -> str:
    """Return the check digits of an IBAN."""
    return f"{98 - _iban_number(rest + country + '00') % 97:02d}"


_D5: Final = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_SHUFFLE: Final = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def verhoeff(digits: str) -> bool:
    """Say whether a number passes Verhoeff's check."""
    state = 0
    for at, char in enumerate(reversed(digits)):
        state = int(_D5[state][int(_SHUFFLE[at % 8][int(char)])])
    return state == 0


def _iso7064_11_10(text: str) -> bool:
    product = 10
    for char in text[:10]:
        total = (int(char) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(text[10])


def _de_idnr(text: str) -> bool:
    counts = sorted(text[:10].count(digit) for digit in set(text[:10]))
    return counts[-1] in (2, 3) and counts[:-1] == [1] * (len(counts) - 1)


def _nir(text: str) -> bool:
    number = text[:5] + text[5:7].replace("2A", "19").replace("2B", "18") + text[7:]
    return number.isdigit() and 97 - int(number[:13]) % 97 == int(number[13:])


_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _codice_fiscale(text: str) -> bool:
    total = 0
    for at, char in enumerate(text[:15]):
        value = int(char) if char.isdigit() else ord(char) - 65
        total += value if at & 1 else _ODD[value]
    return ord(text[15]) - 65 == total % 26


def _tckn(text: str) -> bool:
    digits = [int(char) for char in text]
    tenth = (sum(digits[0:9:2]) * 7 - sum(digits[1:8:2])) % 10
    return digits[9] == tenth and sum(digits[:10]) % 10 == digits[10]


def _nric(text: str) -> bool:
    total = sum(int(char) * weight for char, weight in zip(text[1:8], (2, 7, 6, 5, 4, 3, 2)))
    total += {"T": 4, "G": 4, "M": 3}.get(text[0], 0)
    if text[0] == "M":
        return "KLJNPQRTUWX"[10 - total % 11] == text[8]
    return ("JZIHGFEDCBA" if text[0] in "ST" else "XWUTRQPNMLK")[total % 11] == text[8]


def _be_nrn(text: str) -> bool:
    last = int(text[9:])
    return last in (97 - int(text[:9]) % 97, 97 - int("2" + text[:9]) % 97)


def _pps(text: str) -> bool:
    total = sum(int(char) * weight for char, weight in zip(text[:7], (8, 7, 6, 5, 4, 3, 2)))
    if len(text) > 8 and text[8] != "W":
        total += 9 * (ord(text[8]) - 64)
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == text[7]


def _date(text: str, given: Mapping[str, Any]) -> bool:
    at = given["at"] if given["at"] >= 0 else len(text) + given["at"]
    first, month, last = (text[at + step : at + step + 2] for step in (0, 2, 4))
    day = last if given["order"] == "ymd" else first
    if not (month.isdigit() and day.isdigit()):
        return False
    months, days = ((0, 20, 40, 50, 60, 80), (0, 40, 60)) if given.get("loose") else ((0,), (0,))
    return any(1 <= int(month) - off <= 12 for off in months) and any(1 <= int(day) - off <= 31 for off in days)


def _weighted(text: str, given: Mapping[str, Any]) -> bool:
    weights = given["weights"]
    total = sum(int(char) * weight for char, weight in zip(text, weights))
    wanted = given["table"][total % given["mod"]]
    return wanted != "-" and text[given["at"]] == wanted


def _modulo(text: str, given: Mapping[str, Any]) -> bool:
    head = text[:-1]
    if head[:1] in ("X", "Y", "Z"):
        head = str("XYZ".index(head[0])) + head[1:]
    number = "".join(char for char in head if char.isdigit())
    return given["table"][int(number) % given["mod"]] == text[-1]


_PLAIN: Final = {
    "verhoeff": verhoeff,
    "iso7064_11_10": _iso7064_11_10,
    "de_idnr": _de_idnr,
    "nir": _nir,
    "codice_fiscale": _codice_fiscale,
    "tckn": _tckn,
    "nric": _nric,
    "be_nrn": _be_nrn,
    "pps": _pps,
}
_GIVEN: Final = {"date": _date, "weighted": _weighted, "modulo": _modulo}
KINDS: Final = (*_PLAIN, *_GIVEN, "luhn", "multiple")
VALIDATORS: Final = {"luhn": luhn, "verhoeff": verhoeff, "mod97": mod97}
"""What a policy's own rule may ask for."""


def holds(check: Mapping[str, Any], text: str) -> bool:
    """Say whether a check of a national id holds over its letters and digits."""
    kind = check["kind"]
    plain = _PLAIN.get(kind)
    if plain is not None:
        return plain(text)
    if kind == "luhn":
        return luhn(text[-check["last"] :] if check.get("last") else text)
    if kind == "multiple":
        return int(text) % check["of"] == 0
    return _GIVEN[kind](text, check)
