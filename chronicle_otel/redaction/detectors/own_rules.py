"""The policy's own rules: RE2 patterns with boundaries and a validator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..checks import VALIDATORS
from ..found import ALNUM, WORD, Found, Piece, Scope, after, before, text
from ..patterns import own_pattern
from ..recognise import is_integer

_BLANK: Final = frozenset(b" \t\r\n")
BOUNDARIES: Final = ("any", "nonword", "nonalnum", "blank")


def _free(kind: str, byte: int) -> bool:
    if kind == "nonword":
        return byte not in WORD
    if kind == "nonalnum":
        return byte not in ALNUM
    return kind == "any" or byte == -1 or byte in _BLANK


def _valid(name: str, value: bytes) -> bool:
    check: Callable[[str], bool] | None = VALIDATORS.get(name)
    if check is None:
        return True
    plain = "".join(char for char in text(value).upper() if char.isascii() and char.isalnum())
    if name != "mod97" and not plain.isdigit():
        return False
    return check(plain)


def _own(value: bytes) -> bool:
    return len(value) >= 12 and value.isdigit() and is_integer(value.decode())


class OwnRule:
    """one pattern of the policy."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry["id"]
        self._pattern = own_pattern(entry["pattern"])
        self.cores = (entry["pattern"].replace("[^", "[^\\x80-\\xff"),)
        self._group: int = entry.get("group", 0)
        self._left: str = entry.get("left", "nonword")
        self._right: str = entry.get("right", "nonword")
        self._literal: bytes = entry.get("literal", "").encode()
        self._validate: str = entry.get("validate", "none")

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the matches."""
        made: list[Found] = []
        if self._literal not in part:
            return made
        found: Any = self._pattern.search(part)
        while found is not None:
            start, end = found.span(self._group)
            whole: tuple[int, int] = found.span()
            good = _free(self._left, before(part, whole[0])) and _free(self._right, after(part, whole[1]))
            if (
                good
                and start < end
                and not _own(part[start:end])
                and _valid(self._validate, part[start:end])
                and not scope.vetoed(self.name, part, whole[0])
            ):
                value = text(part[start:end])
                kind = "int" if value.isascii() and value.isdigit() else "token"
                made.append(Found(start, end, self.name, (Piece(start, end, kind, value, self.name),), value))
                found = self._pattern.search(part, whole[1])
            else:
                found = self._pattern.search(part, whole[0] + 1)
        return made
