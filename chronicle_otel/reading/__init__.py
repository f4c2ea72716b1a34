"""Recordings as data: Runs and their Steps, and what they are worth before anything is executed.

source ──sources──► span records ──by run id──► Run ──search──► those wanted ──► Steps, payloads read on first use
                                                 └────► checks
"""

from __future__ import annotations

from chronicle_otel.reading.checks import Checks
from chronicle_otel.reading.choosing import find, find_one
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.model import Entry, Run, Step
from chronicle_otel.reading.otlp import SpanRecord
from chronicle_otel.reading.search import Moment, Pairs, Search
from chronicle_otel.reading.sources import Source

__all__ = ["Checks", "Entry", "Finding", "Run", "Search", "Source", "SpanRecord", "Step", "load", "runs"]


def runs(
    source: Source,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    service: str | None = None,
    session: Pairs | None = None,
    errors: bool = False,
    tags: Pairs | None = None,
    limit: int | None = None,
    store: str | None = None,
) -> list[Run]:
    """Return the Runs of a source in order of start.

    A source is the path of a file or folder, "-" for standard input, or the address of a store (docs/sources.md), as in
    "jaeger://localhost:16686?service=shop". The other arguments choose: by start (`since` and `until`: "2h" ago, a time in UTC,
    a datetime or timedelta), by service, by session variables ({"customer": "C-1042"}), with an error, by attributes of one Step or
    of its resource, and at most `limit`, the newest. A store is asked for those only.
    `store` is the root of the external store that values were moved to, or of a copy; default: `CHRONICLE_STORE`.

    SourceError if the source cannot be read or holds no Run of chronicle; an empty list if none of its Runs is wanted.
    """
    search = Search.of(since=since, until=until, service=service, session=session, errors=errors, tags=tags, limit=limit)
    return find(source, search, store=store).runs


def load(source: Source | Run, run: str | None = None, *, store: str | None = None) -> Run:
    """Return one Run. `run` is its id or the beginning of it, or a trace id; without one the source must hold a single Run.

    `store` as of `runs`. Traces of replays do not count as long as there is a recording. RunNotFound lists what there is.
    """
    if isinstance(source, Run):
        return source
    return find_one(source, run, store=store).one(run)
