"""The text report, with colour where it is asked for."""

from __future__ import annotations

from typing import Final

from ..replayer.rendering import plain
from ..replayer.rendering import render as _render
from ..replayer.result import Result

_CODES: Final = {"good": "32;1", "bad": "31;1", "warn": "33", "dim": "2", "strong": "1", "old": "31", "new": "32"}


def render(result: Result, *, color: bool = False) -> str:
    """Return the report of a replay; without `color` it is what `str(result)` gives."""
    return _render(result, _painted if color else plain)


def _painted(text: str, role: str) -> str:
    return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if role in _CODES else text
