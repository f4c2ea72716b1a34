"""Which Runs are wanted: by time, service, session variable, error and tag.

A Search is pushed into the store as far as the store can, and applied to the Runs that were read in any case.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from chronicle_otel import semconv
from chronicle_otel.errors import UsageError

if TYPE_CHECKING:
    from chronicle_otel.reading.model import Run

Moment: TypeAlias = str | dt.datetime | dt.timedelta
"""A time ("2026-11-26T09:00", UTC where it does not say), or how long ago ("2h", a timedelta)."""
Pairs: TypeAlias = Mapping[str, Any] | Iterable[str]
"""Names and values; as words, "name=value" or "name:value"."""

WINDOW_NS: Final = 24 * 3600 * 1_000_000_000
"""How far back a search in a store goes that does not say since when. Jaeger wants to be told, and Tempo would see the newest data only."""
LIMIT: Final = 50
"""Traces that a search in a store returns unless told otherwise."""
_AGO: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_UNITS: Final = {"ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86400e9, "w": 7 * 86400e9}
_LOST_PLUS: Final = re.compile(r" (\d\d:?\d\d)$")
"""The plus of a zone, which a query string turns into a space."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is wanted of a source; nothing that is empty restricts it."""

    service: str = ""
    """`service.name` of a Step's process."""
    since_ns: int | None = None
    """The Run starts then or later; nanoseconds since 1970."""
    until_ns: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    """One Step has all of them, on its span or its resource; values as text."""
    session: tuple[tuple[str, str], ...] = ()
    """Session variables of the Run; values as text."""
    errors: bool = False
    """A Step failed."""
    limit: int | None = None
    """At most so many Runs, the newest; in a store, at most so many traces."""
    run: str = ""
    """A whole run id: what `load` looks for. It is not applied to what was read, for it may be a trace id."""

    def __bool__(self) -> bool:
        return self != Search()

    @classmethod
    def of(
        cls,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        service: str | None = None,
        session: Pairs | None = None,
        errors: bool = False,
        tags: Pairs | None = None,
        limit: int | str | None = None,
        where: str = "",
    ) -> Search:
        """Check what was given; UsageError says what is wrong with it. `where` leads the message."""
        found = cls(
            service=service or "",
            since_ns=moment(since, f"{where}since"),
            until_ns=moment(until, f"{where}until"),
            tags=pairs(tags, f"{where}tag"),
            session=pairs(session, f"{where}session"),
            errors=errors,
            limit=_limit(limit, f"{where}limit"),
        )
        if found.since_ns is not None and found.until_ns is not None and found.since_ns > found.until_ns:
            raise UsageError(f"{where}since is later than until: {since} > {until}")
        return found

    def window(self) -> tuple[int, int]:
        """Beginning and end in nanoseconds for a store that wants both."""
        end = self.until_ns if self.until_ns is not None else time.time_ns()
        return (self.since_ns if self.since_ns is not None else max(end - WINDOW_NS, 0)), end

    def joined(self, other: Search) -> Search:
        """Want both. UsageError where the two contradict each other."""
        if self.service and other.service and self.service != other.service:
            raise UsageError(f"two services are wanted, {self.service!r} and {other.service!r}: a Run has one")
        starts = [each.since_ns for each in (self, other) if each.since_ns is not None]
        ends = [each.until_ns for each in (self, other) if each.until_ns is not None]
        limits = [each.limit for each in (self, other) if each.limit is not None]
        return replace(
            self,
            service=self.service or other.service,
            since_ns=max(starts, default=None),
            until_ns=min(ends, default=None),
            tags=tuple(dict.fromkeys(self.tags + other.tags)),
            session=tuple(dict.fromkeys(self.session + other.session)),
            errors=self.errors or other.errors,
            limit=min(limits, default=None),
            run=self.run or other.run,
        )

    def of_runs(self, runs: Iterable[Run]) -> list[Run]:
        """Return the Runs that are wanted, in their order."""
        found = [run for run in runs if self.wants(run)]
        return found if self.limit is None else found[-self.limit :]

    def wants(self, run: Run) -> bool:
        """Say whether a Run is wanted, whatever the limit."""
        if (self.since_ns is not None and run.start_ns < self.since_ns) or (self.until_ns is not None and run.start_ns > self.until_ns):
            return False
        records = [step.record for step in run.steps]
        if self.service and all(record.resource.get("service.name") != self.service for record in records):
            return False
        if self.tags and not any(
            all(_is(record.attributes.get(name), text) or _is(record.resource.get(name), text) for name, text in self.tags)
            for record in records
        ):
            return False
        if self.errors and not any(step.record.status[0] == 2 or semconv.ERROR in step.envelope.payloads for step in run.steps):
            return False
        return all(_is(run.session.get(name), text) for name, text in self.session)

    def __str__(self) -> str:
        words = [f"service {self.service}"] if self.service else []
        words += [f"since {stamp(self.since_ns)}"] if self.since_ns is not None else []
        words += [f"until {stamp(self.until_ns)}"] if self.until_ns is not None else []
        words += [f"tag {name}:{value}" for name, value in self.tags]
        words += [f"session {name}={value}" for name, value in self.session]
        words += ["with an error"] if self.errors else []
        words += [f"run {self.run}"] if self.run else []
        return ", ".join(words)


def _is(value: Any, text: str) -> bool:
    """Say whether a value reads as that text; of a list, whether one of its elements does."""
    if value is None:
        return False
    if isinstance(value, str):
        return value == text
    if isinstance(value, (list, tuple)) and any(_is(item, text) for item in cast("list[Any]", value)):
        return True
    return json.dumps(value, ensure_ascii=False, default=str) == text


def stamp(time_ns: int) -> str:
    """A time as RFC 3339 in UTC, to the microsecond."""
    whole, rest = divmod(time_ns, 1_000_000_000)
    return dt.datetime.fromtimestamp(whole, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest // 1000:06d}Z"


def moment(value: Moment | None, what: str) -> int | None:
    """Return a time in nanoseconds since 1970. UsageError if it is none."""
    if value is None:
        return None
    wrong = f"{what}={value!s:.60}: write how long ago, as in 30m, 2h or 7d, or a time in UTC, as in 2026-11-26T09:00"
    if isinstance(value, dt.timedelta):
        return max(time.time_ns() - int(value.total_seconds() * 1e9), 0)
    if isinstance(value, dt.datetime):
        at = value
    else:
        text = value.strip()
        ago = _AGO.fullmatch(text)
        try:
            if ago is not None:
                return max(time.time_ns() - int(float(ago[1]) * _UNITS[ago[2]]), 0)
            at = dt.datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", text))
        except (ValueError, OverflowError) as error:
            raise UsageError(wrong) from error
    at = at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
    since_epoch = at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    found = (since_epoch.days * 86_400 + since_epoch.seconds) * 1_000_000_000 + since_epoch.microseconds * 1_000
    if found < 0:
        raise UsageError(wrong)
    return found


def pairs(given: Pairs | None, what: str) -> tuple[tuple[str, str], ...]:
    """Return names and values as text. UsageError names a word that is no pair."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        items = cast("Mapping[str, Any]", given).items()
        return tuple((name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for name, value in items)
    found: list[tuple[str, str]] = []
    for word in [given] if isinstance(given, str) else given:
        cut = re.search("[=:]", word)
        if cut is None or not cut.start():
            raise UsageError(f"{what} {word!r:.80}: write name=value, as in customer=C-1042")
        found.append((word[: cut.start()], word[cut.end() :]))
    return tuple(found)


def _limit(value: int | str | None, what: str) -> int | None:
    if value is None:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if not 0 < number <= 100_000:
        raise UsageError(f"{what}={value!r:.40}: give a number from 1 to 100000")
    return number
