"""Differences that are only clock readings and random ids. Pure.

recorded text, live text ──► tokens of the same kind at the same places ──► can each be its side's clock, or one mapping of ids?
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from .compare import IN_TEXT, Difference, diff, same_but

_UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(?<![0-9a-zA-Z])[0-9a-f]{32}(?![0-9a-zA-Z])"
_TIME: Final = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?"
_EPOCH: Final = r"(?<![\d.])1\d{9}(?:\.\d{1,9})?(?![\d.])|(?<![\d.])1\d{12}(?:\d{3}|\d{6})?(?![\d.])"
_TOKEN: Final = re.compile(f"({_UUID})|({_TIME})|({_EPOCH})")
_ZONES: Final = 15 * 3600.0
"""Widest difference of a local clock from UTC, and a little."""
_SLACK: Final = 30.0
_ABOUT: Final = 3600.0


def mask_volatile(text: str) -> str:
    """Blank every time and random id out of a text, keeping its length."""
    return _TOKEN.sub(lambda match: "\0" * len(match.group()), text)


@dataclass(slots=True)
class Clock:
    """When both sides ran, in seconds since 1970: only a token that can be a reading of its side's clock is one."""

    recorded_from: float
    recorded_to: float
    live_from: float
    live_to: float
    """Moves on while the replay runs."""


@dataclass(slots=True)
class Volatile:
    """Decides whether differences are only times and random ids, under a function live → recorded within the Run."""

    clock: Clock
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Random ids seen so far, live → recorded."""

    def explains(self, recorded: Any, live: Any, *, commit: bool = True) -> bool:
        """Say whether two unequal trees differ only so; remember the ids if they do."""
        new: dict[str, str] = {}
        if not self._same(recorded, live, "", new):
            return False
        if commit:
            self.ids.update(new)
        return True

    @staticmethod
    def unknown_only(recorded: Any, live: Any) -> bool:
        """Say whether two trees differ only where the recording has lost something."""
        return not diff(recorded, live)

    def only(self, differences: Sequence[Difference]) -> bool:
        """The same for differences already found."""
        new: dict[str, str] = {}
        for d in differences:
            name = next((part for part in reversed(d.path) if isinstance(part, str) and part != IN_TEXT), "")
            if d.op != "changed" or not self._same(d.recorded, d.live, name, new):
                return False
        self.ids.update(new)
        return True

    def _same(self, recorded: Any, live: Any, name: str, new: dict[str, str]) -> bool:
        def leaf(a: Any, b: Any, name: str) -> bool:
            if isinstance(a, str) and isinstance(b, str):
                return self._text(a, b, new)
            if _is_number(a) and _is_number(b):
                return name == "seed" or self._moment(_epoch(float(a)), _epoch(float(b)))
            return False

        return same_but(recorded, live, leaf, name=name)

    def _text(self, recorded: str, live: str, new: dict[str, str]) -> bool:
        if len(recorded) > 2_000_000 or len(live) > 2_000_000:
            return False
        at_a = at_b = 0
        found_a, found_b = list(_TOKEN.finditer(recorded)), list(_TOKEN.finditer(live))
        if not found_a or len(found_a) != len(found_b):
            return False
        for a, b in zip(found_a, found_b, strict=True):
            if recorded[at_a : a.start()] != live[at_b : b.start()] or a.lastindex != b.lastindex:
                return False
            if a.group() != b.group() and not self._token(a, b, new):
                return False
            at_a, at_b = a.end(), b.end()
        return recorded[at_a:] == live[at_b:]

    def _token(self, a: re.Match[str], b: re.Match[str], new: dict[str, str]) -> bool:
        recorded, live = a.group(), b.group()
        if a.lastindex == 1:
            known = new.get(live, self.ids.get(live))
            new[live] = recorded
            return known is None or known == recorded
        if a.lastindex == 2:
            if len(recorded) == 10 and len(live) == 10:
                return self._day(recorded, live)
            return self._moment(_iso(recorded), _iso(live))
        return self._moment(_epoch(float(recorded)), _epoch(float(live)))

    def _moment(self, recorded: float | None, live: float | None) -> bool:
        if recorded is None or live is None:
            return False
        c = self.clock
        now_live = c.live_from - _SLACK - _ZONES <= live <= c.live_to + _SLACK + _ZONES
        now_recorded = c.recorded_from - _SLACK - _ZONES <= recorded <= c.recorded_to + _SLACK + _ZONES
        if (
            now_live
            and now_recorded
            and _whole_zone(live, c.live_from, c.live_to)
            and _whole_zone(recorded, c.recorded_from, c.recorded_to)
        ):
            return True
        return abs((live - c.live_from) - (recorded - c.recorded_from)) <= _ABOUT and not _same_clock(c)

    def _day(self, recorded: str, live: str) -> bool:
        try:
            a, b = dt.date.fromisoformat(recorded), dt.date.fromisoformat(live)
        except ValueError:
            return False
        start, now = self.clock.recorded_from, self.clock.live_to
        today = {dt.datetime.fromtimestamp(now).date(), dt.datetime.fromtimestamp(now, dt.UTC).date()}
        then = dt.datetime.fromtimestamp(start, dt.UTC).date()
        return b in today and abs((a - then).days) <= 1


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same_clock(clock: Clock) -> bool:
    """The replay runs within an hour of the recording: "about as long ago" tells nothing then."""
    return abs(clock.live_from - clock.recorded_from) <= _ABOUT


def _whole_zone(moment: float, start: float, end: float) -> bool:
    """A reading of the clock lies in the span of the run, shifted by a time zone: a multiple of 15 minutes."""
    if start - _SLACK <= moment <= end + _SLACK:
        return True
    middle = (start + end) / 2
    shift = round((moment - middle) / 900) * 900
    return abs(shift) <= _ZONES and start - _SLACK <= moment - shift <= end + _SLACK


def _iso(text: str) -> float | None:
    try:
        moment = dt.datetime.fromisoformat(text.replace(",", ".").replace(" Z", "Z").replace(" +", "+"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _epoch(number: float) -> float | None:
    for scale in (1, 1e3, 1e6, 1e9):
        if 1e9 <= number / scale < 2e9:
            return number / scale
    return None
