"""National ids other than the US one: the policy's list of forms, with their check digits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..checks import holds
from ..found import WORD, Found, Piece, Scope, after, before, digit_after, digit_before
from ..recognise import is_integer

_ELEMENT: Final = re.compile(r"\[[^\]]+\]|.")
_JOINED: Final = WORD | frozenset(b"+")
_SEPARATORS: Final = re.compile(r"[^A-Za-z0-9]+")


def form_pattern(form: str, *, any_case: bool) -> str:
    """Return a form as a pattern."""
    parts: list[str] = []
    for element in _ELEMENT.findall(form):
        if element == "9":
            parts.append("[0-9]")
        elif element == "A":
            parts.append("[A-Za-z]" if any_case else "[A-Z]")
        elif element == "X":
            parts.append("[A-Za-z0-9]" if any_case else "[A-Z0-9]")
        elif element[0] == "[" and any_case:
            parts.append(f"[{element[1:-1]}{element[1:-1].lower()}]")
        elif element[0] == "[":
            parts.append(element)
        else:
            parts.append(re.escape(element))
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class _Form:
    pattern: re.Pattern[bytes]
    hinted: bool


class NationalId:
    """one kind of national id."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry["id"]
        any_case = bool(entry.get("any_case"))
        listed = [(form, False) for form in entry.get("forms", ())] + [(form, True) for form in entry.get("hinted", ())]
        texts = [(form_pattern(form, any_case=any_case), hinted) for form, hinted in listed]
        self._forms = [_Form(re.compile(pattern.encode()), hinted) for pattern, hinted in texts]
        self.cores: Sequence[str] = tuple(_bounded(pattern) for pattern, hinted in texts if not hinted)
        self.hinted_cores: tuple[str, ...] = tuple(_bounded(pattern) for pattern, hinted in texts if hinted)
        self._checks: list[Mapping[str, Any]] = list(entry.get("checks", ()))
        self._not: tuple[str, ...] = tuple(entry.get("not_prefix", ()))

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the ids."""
        taken: list[Found] = []
        for form in self._forms:
            found = form.pattern.search(part)
            while found is not None:
                start, end = found.span()
                match = self._match(part, start, end, form, scope) if _stands(part, start, end) else None
                if match is not None and all(end <= other.start or start >= other.end for other in taken):
                    taken.append(match)
                    found = form.pattern.search(part, end)
                else:
                    found = form.pattern.search(part, start + 1)
        taken.sort(key=lambda match: match.start)
        return taken

    def _match(self, part: bytes, start: int, end: int, form: _Form, scope: Scope) -> Found | None:
        value = _SEPARATORS.sub("", part[start:end].decode("latin-1")).upper()
        if value.startswith(self._not) if self._not else False:
            return None
        if not all(holds(check, value) for check in self._checks) or (value.isdigit() and len(value) >= 12 and is_integer(value)):
            return None
        hinted = scope.hinted(self.name, part, start)
        if form.hinted and not hinted:
            return None
        if not hinted and (scope.vetoed("national_ids", part, start) or scope.vetoed(self.name, part, start)):
            return None
        kind = "int" if value.isdigit() else "token"
        return Found(start, end, self.name, (Piece(start, end, kind, value, self.name),), value)


def _bounded(pattern: str) -> str:
    return f"(?:^|[^A-Za-z0-9_])(?:{pattern})(?:[^A-Za-z0-9_]|$)"


def _stands(part: bytes, start: int, end: int) -> bool:
    if before(part, start) in _JOINED or digit_before(part, start, b".-"):
        return False
    return after(part, end) not in WORD and not digit_after(part, end, b".:-")
