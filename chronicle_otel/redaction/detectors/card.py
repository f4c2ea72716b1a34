"""Payment card numbers: by shape, issuer and Luhn."""

from __future__ import annotations

import re
from typing import Any, Final

from ..checks import luhn
from ..found import ALNUM, DIGIT, Found, Piece, Scope, after, before, digit_after
from ..recognise import is_card
from ..tables import table

_SEPARATOR: Final = rb"(?:[ ]?\r?\n[ ]?|[ .\t-])"
_D: Final = rb"[0-9]"
_GROUPED: Final = [
    (sum(shape), re.compile(_SEPARATOR.join(_D + b"{%d}" % count for count in shape)))
    for shape in ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4))
]
_RUN: Final = re.compile(rb"[0-9]+")
_SPACED: Final = re.compile(rb"[0-9]([ .\t-])[0-9](?:\1[0-9]){11,17}")
_PREFIX: Final = 4
"""Digits by which issuers are known."""
_HEAD: Final = 7
"""Bytes in which they stand, where a separator stands between all of them."""
_BETWEEN: Final = b" .\t\r\n-"
SHAPES: Final = (
    r"(?:^|%B|[^0-9A-Za-z])(?:4[0-9]{12}|(?:3[0-9]|5[0-9]|6[0-9]|2[2-7])[0-9]{12}|1800[0-9]{11}|2131[0-9]{11}|9792[0-9]{12}"
    r"|(?:0604|5018|5020|5038|5893|6304|6390|6759|676[1-3])[0-9]{8})",
    r"[0-9]{4}(?: ?\r?\n ?|[ .\t-])[0-9]{4}(?: ?\r?\n ?|[ .\t-])[0-9]{4}",
    r"[0-9]{4}(?: ?\r?\n ?|[ .\t-])[0-9]{6}(?: ?\r?\n ?|[ .\t-])[0-9]{4}",
    r"[0-9][ .\t-][0-9][ .\t-][0-9][ .\t-][0-9][ .\t-][0-9]",
)


def _issuers() -> dict[str, frozenset[int]]:
    made: dict[str, frozenset[int]] = {}
    listed: list[Any] = table("tables-v1.json")["cards"]
    for prefix, lengths in listed:
        first, _, last = prefix.partition("-")
        for number in range(int(first), int(last or first) + 1):
            made[str(number).zfill(len(first))] = frozenset(lengths)
    return made


ISSUERS: Final = _issuers()


def issued(digits: str) -> bool:
    """Say whether some issuer has numbers of this prefix and length."""
    return any(len(digits) in ISSUERS.get(digits[:count], ()) for count in (1, 2, 3, 4))


def _lengths(part: bytes, start: int, end: int) -> frozenset[int]:
    """Return how long a number of some issuer is that begins with the digits that begin here."""
    if end - start >= _PREFIX:
        head = part[start : start + _PREFIX].decode()
    else:
        head = part[start : start + _HEAD].translate(None, _BETWEEN).decode("latin-1")[:_PREFIX]
    none: frozenset[int] = frozenset()
    return none.union(*(ISSUERS[head[:count]] for count in range(1, len(head) + 1) if head[:count] in ISSUERS))


def may_be(digits: str) -> bool:
    """Say whether digits are a card number of some issuer, known or not."""
    return 12 <= len(digits) <= 19 and luhn(digits) and digits.count(digits[0]) < len(digits)


def is_number(digits: str) -> bool:
    """Say whether digits are a card number of an issuer that is known."""
    return issued(digits) and may_be(digits)


def may_begin(part: bytes, at: int) -> bool:
    """Say whether a card number may begin here, for what stands before."""
    if before(part, at) == 0x42 and part[max(0, at - 2) : at - 1] == b"%":
        return True  # as on the first track of a magnetic stripe
    return before(part, at) not in ALNUM and not (at > 1 and part[at - 1] == 0x2E and part[at - 2] in DIGIT)


def may_end(part: bytes, at: int) -> bool:
    """Say whether a card number may end here, for what stands after."""
    return after(part, at) not in ALNUM and not digit_after(part, at, b".")


def candidates(part: bytes, at: int) -> list[tuple[int, int]]:
    """Return end and count of digits of every shape that a card number beginning here could have, in the order of trying."""
    ends: list[tuple[int, int]] = []
    run = _RUN.match(part, at)
    assert run is not None
    if 12 <= run.end() - at <= 19:
        ends.append((run.end(), run.end() - at))
    for count, shape in _GROUPED if run.end() - at == 4 else ():
        grouped = shape.match(part, at)
        if grouped is not None:
            ends.append((grouped.end(), count))
    if run.end() - at == 1:
        spaced = _SPACED.match(part, at)
        if spaced is not None:
            ends += [(end, (end - at + 1) // 2) for end in range(at + 25, min(spaced.end(), at + 37) + 1, 2)]
    return ends


class Card:
    """numbers of 12 to 19 digits that an issuer could have given out."""

    name = "card"
    cores = SHAPES
    hinted_cores = (r"(?:^|%B|[^0-9A-Za-z])[0-9]{12,19}(?:[^0-9A-Za-z]|$)", *SHAPES[1:])

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the card numbers."""
        made: list[Found] = []
        floor = 0
        hints: bool | None = None
        for run in _RUN.finditer(part):
            start = run.start()
            if start < floor or not may_begin(part, start):
                continue
            known = _lengths(part, start, run.end())
            if not known and not (hints := scope.may_hint(self.name, part) if hints is None else hints):
                continue
            for end, count in candidates(part, start):
                if count not in known and not (hints := scope.may_hint(self.name, part) if hints is None else hints):
                    continue
                if not may_end(part, end):
                    continue
                digits = part[start:end].translate(None, _BETWEEN).decode()
                if not may_be(digits) or is_card(digits):
                    continue
                if count in known or scope.hinted(self.name, part, start) or scope.named(self.name, part, start):
                    made.append(Found(start, end, self.name, (Piece(start, end, "card", digits),), digits))
                    floor = end
                    break
        return made
