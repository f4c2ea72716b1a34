"""Which digits can be a telephone number: calling codes, possible lengths and validity, out of one release of libphonenumber."""

from __future__ import annotations

import functools
import re
from typing import Any, Final

from .tables import table

NANP: Final = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")


@functools.cache
def _stored() -> dict[str, Any]:
    return table("phones-v1.json")


@functools.cache
def _states() -> tuple[list[dict[str, int]], frozenset[int]]:
    made: list[dict[str, int]] = []
    for state in _stored()["states"]:
        steps: dict[str, int] = {}
        for step in state.split():
            digits, _, goal = step.partition(":")
            for digit in digits:
                steps[digit] = int(goal)
        made.append(steps)
    return made, frozenset(_stored()["final"])


def calling_code(digits: str) -> str | None:
    """Return the calling code that a number in international form begins with."""
    codes = _stored()["codes"]
    return next((digits[:count] for count in (3, 2, 1) if len(digits) > count and digits[:count] in codes), None)


def possible_abroad(code: str, national: str) -> bool:
    """Say whether some region of a calling code has numbers of this length."""
    stored = _stored()
    return any(len(national) in stored["regions"][region][2] for region in stored["codes"][code] if region in stored["regions"])


def region(name: str) -> tuple[str, str, tuple[int, ...]] | None:
    """Return a region's calling code, national prefix and possible lengths."""
    found = _stored()["regions"].get(name)
    return (str(found[0]), found[1], tuple(found[2])) if found else None


def valid(name: str, national: str) -> bool:
    """Say whether a national number, without prefix and calling code, is one that the region gives out."""
    found = _stored()["regions"].get(name)
    if not found:
        return False
    states, final = _states()
    state: int = int(found[3])
    for digit in national:
        following = states[state].get(digit)
        if following is None:
            return False
        state = following
    return state in final
