"""US social security numbers and ITINs."""

from __future__ import annotations

import re
from typing import Final

from ..found import WORD, Found, Piece, Scope, after, before, digit_after, digit_before

_FORM: Final = re.compile(rb"([0-9]{3})([ .-]?)([0-9]{2})\2([0-9]{4})")


def plausible(area: bytes, group: bytes, serial: bytes) -> bool:
    """Say whether a number could have been given out."""
    if area in (b"000", b"666") or group == b"00" or serial == b"0000":
        return False
    return area[0] != 0x39 or group >= b"50"


class UsSsn:
    """with hyphens; else only where something hints at them."""

    name = "us_ssn"
    cores = (r"(?:^|[^0-9A-Za-z_])[0-9]{3}-[0-9]{2}-[0-9]{4}(?:[^0-9A-Za-z_]|$)",)
    hinted_cores = (r"(?:^|[^0-9A-Za-z_])[0-9]{3}[ .]?[0-9]{2}[ .]?[0-9]{4}(?:[^0-9A-Za-z_]|$)",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the numbers."""
        made: list[Found] = []
        found = _FORM.search(part)
        while found is not None:
            start, end = found.span()
            if self._stands(part, start, end) and plausible(found[1], found[3], found[4]) and self._fits(found[2], part, start, scope):
                digits = (found[1] + found[3] + found[4]).decode()
                made.append(Found(start, end, self.name, (Piece(start, end, "us_ssn", digits),), digits))
                found = _FORM.search(part, end)
            else:
                found = _FORM.search(part, start + 1)
        return made

    def _stands(self, part: bytes, start: int, end: int) -> bool:
        if before(part, start) in WORD or digit_before(part, start, b".-"):
            return False
        return after(part, end) not in WORD and not digit_after(part, end, b".:-")

    def _fits(self, separator: bytes, part: bytes, start: int, scope: Scope) -> bool:
        if separator == b"-":
            return not scope.vetoed(self.name, part, start)
        return scope.hinted(self.name, part, start)
