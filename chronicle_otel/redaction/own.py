"""Where own output stands in a text: nothing in it is scanned, and what stands on either side is scanned by itself."""

from __future__ import annotations

import re
from typing import Final

from . import recognise
from .detectors import addresses, card, iban, pem, us_ssn
from .forms import FORMS
from .found import DIGIT, RUN, Scope, after, before

_CHR: Final = re.compile(rb"chr")
_HOST, _MAIL, _PHONE, _SSN, _QUAD, _DOC6 = (
    re.compile(FORMS[name].encode()) for name in ("domain", "email", "phone", "us_ssn", "ipv4", "ipv6")
)
_INT: Final = re.compile(rb"(?<![0-9])" + FORMS["int"].encode() + rb"(?![0-9])")
_GB: Final = re.compile(rb"[Gg][Bb][0-9]{2}")
_NOT_DIGITS: Final = re.compile(rb"[^0-9]+")
CORES: Final = (
    FORMS["email"],
    FORMS["secret"],
    FORMS["domain"],
    r"[Gg][Bb][0-9]{2}[ -]?[Tt][Ee][Ss][Tt]",
    r"4[ .\t\r\n-]{0,4}0[ .\t\r\n-]{0,4}0[ .\t\r\n-]{0,4}0[ .\t\r\n-]{0,4}0[ .\t\r\n-]{0,4}0[ .\t\r\n-]{0,4}[0-9]",
    r"555[ \t./-]{0,3}01[0-9]{2}",
    r"(?:^|[^0-9])9[0-9]{2}[ .-]?[0-4][0-9][ .-]?[0-9]{4}(?:[^0-9]|$)",
    r"99[0-9]{2}[ -]?[0-9]{4}[ -]?[0-9]{4}",
    r"24[0-7]\.[0-9]{1,3}\.[0-9]{1,3}\.",
    r"2001:0?[dD][bB]8:",
)
"""Where none of these occurs, no own output stands. (A PEM block holds the second.)"""


def tokens(part: bytes, scope: Scope) -> list[tuple[int, int]]:
    """Return where own output stands, from left to right; of overlapping claims the earlier, then the earlier kind, holds."""
    claims: list[tuple[int, int, int]] = []
    for order, kind in enumerate((_emails, _secrets, _hosts, _blocks, _ibans, _cards, _phones, _quads, _sixes, _integers)):
        claims += [(start, order, end) for start, end in kind(part)]
    claims += [(start, 99, end) for start, end in _ssns(part, scope)]
    claims.sort()
    made: list[tuple[int, int]] = []
    floor = 0
    for start, _, end in claims:
        if start >= floor:
            made.append((start, end))
            floor = end
    return made


def _emails(part: bytes) -> list[tuple[int, int]]:
    return [(m.start(), end) for m in _MAIL.finditer(part) if (end := recognise.email_at(part, m.start())) is not None]


def _secrets(part: bytes) -> list[tuple[int, int]]:
    return [(m.start(), end) for m in _CHR.finditer(part) if (end := recognise.secret_at(part, m.start())) is not None]


def _hosts(part: bytes) -> list[tuple[int, int]]:
    found = (match.span() for match in _HOST.finditer(part))
    return [
        (start, end)
        for start, end in found
        if before(part, start) not in RUN and before(part, start) not in (0x2E, 0x40) and after(part, end) not in RUN
    ]


def _blocks(part: bytes) -> list[tuple[int, int]]:
    if b"-----" not in part:
        return []
    return [(start, end) for start, end, *body in pem.blocks(part) if recognise.is_secret(pem.body(part, *body))]


def _ibans(part: bytes) -> list[tuple[int, int]]:
    read = ((m.start(), iban.read_at(part, m.start())) for m in _GB.finditer(part))
    return [(start, found[0]) for start, found in read if found is not None and recognise.is_iban(found[1])]


def _cards(part: bytes) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    at = part.find(b"4")
    while at >= 0:
        if card.may_begin(part, at):
            for end, _ in card.candidates(part, at):
                if card.may_end(part, end) and recognise.is_card(_NOT_DIGITS.sub(b"", part[at:end]).decode()):
                    made.append((at, end))
                    break
        at = part.find(b"4", at + 1)
    return made


def _phones(part: bytes) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    for found in _PHONE.finditer(part):
        start, end = found.span()
        if before(part, start) in DIGIT or after(part, end) in DIGIT:
            continue
        if recognise.is_phone(_NOT_DIGITS.sub(b"", found[0]).decode()[-10:]):
            made.append((start, end))
    return made


def _quads(part: bytes) -> list[tuple[int, int]]:
    found = (match.span() for match in _QUAD.finditer(part))
    return [(start, end) for start, end in found if addresses.quad_at(part, start, end) and addresses.quad(part[start:end]) is not None]


def _sixes(part: bytes) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    for found in _DOC6.finditer(part):
        start, end = found.span()
        while part[end - 1] == 0x3A:
            end -= 1
        if before(part, start) not in RUN and after(part, end) not in RUN and addresses.address6(part[start:end]) is not None:
            made.append((start, end))
    return made


def _integers(part: bytes) -> list[tuple[int, int]]:
    spans = (match.span() for match in _INT.finditer(part))
    return [(start, end) for start, end in spans if recognise.is_integer(_NOT_DIGITS.sub(b"", part[start:end]).decode())]


def _ssns(part: bytes, scope: Scope) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    for found in _SSN.finditer(part):
        start, end = found.span()
        if before(part, start) in DIGIT or after(part, end) in DIGIT:
            continue
        if recognise.is_ssn(_NOT_DIGITS.sub(b"", found[0]).decode()) and (
            found["gap"] == b"-" or scope.hinted(us_ssn.UsSsn.name, part, start)
        ):
            made.append((start, end))
    return made
