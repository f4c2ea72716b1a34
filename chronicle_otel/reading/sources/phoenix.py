"""Arize Phoenix: spans of a project, a page at a time; `?project=NAME`, "default" unless given.

trace id ───────────────────────────────────► GET /v1/projects/P/spans?trace_id= ──pages──► span records
search ──Steps that have the tags──► trace ids ──┘
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from chronicle_otel import semconv
from chronicle_otel.errors import SourceError, UsageError
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.otlp import SpanRecord
from chronicle_otel.reading.search import LIMIT, Search, stamp
from chronicle_otel.reading.sources.http import Client, message_of
from chronicle_otel.reading.sources.location import Location
from chronicle_otel.reading.sources.spans import Spans

COST: Final = (
    "Phoenix keeps no resource, scope, links, span kind or trace state, keeps times to the microsecond, and adds attributes of its own; "
    "Steps and their payloads are whole"
)
_PAGE: Final = 1000
"""Most spans that Phoenix returns at once."""
_TRACES: Final = 20
"""Trace ids in one request: they stand in its address, which servers bound at 8 KB."""
_CODES: Final = {"OK": 1, "ERROR": 2}
_WRONG: Final = (ValueError, TypeError, AttributeError, KeyError, OverflowError)
_MISSING: Final = frozenset({404})


def read(location: Location) -> Spans:
    """Return the spans of one trace, or of the traces that a search finds."""
    client = Client(location)
    result = Spans()
    traces = [location.trace] if location.trace else _found(client, location.search)
    if not location.trace:
        result.searched(location.text, len(traces), location.search.limit or LIMIT)
    bad = result.bad(location.text)
    for at in range(0, len(traces), _TRACES):
        for span in _pages(client, [("trace_id", trace) for trace in traces[at : at + _TRACES]]):
            try:
                result.spans.append(_record(span, location.text))
            except _WRONG as error:
                bad(f"a span is not Phoenix's ({type(error).__name__}: {error}); it is skipped, the rest is read")
    if location.trace and not result.spans:
        raise SourceError(
            f"Phoenix at {location.url} has no trace {location.trace} in the project {location.options['project']!r}; name another with "
            f"?project=, or search: chronicle runs 'phoenix://{location.address}?since=2h'"
        )
    if result.spans:
        result.findings.append(Finding("types_lost", None, f"{location.text}: {COST}", location.text))
    return result


def _pages(client: Client, query: list[tuple[str, str]]) -> Iterator[Any]:
    """Yield all spans that a query finds."""
    project = client.location.options["project"]
    cursor: str | None = None
    while True:
        more = [("cursor", cursor)] if cursor else []
        answer = client.get(
            f"/v1/projects/{quote(project, safe='')}/spans",
            [*query, ("limit", str(_PAGE)), *more],
            expected=_MISSING,
            too_large="ask for less",
        )
        try:
            document: Any = json.loads(answer.body or b"null")
        except (ValueError, RecursionError):
            document = None
        if answer.status == 404:
            said = message_of(answer.body)
            raise SourceError(f'Phoenix at {client.location.url} has no project {project!r} (it says: "{said}"): name one with ?project=')
        if type(document) is not dict or type(document.get("data")) is not list:
            raise SourceError(
                f"Phoenix at {client.location.url} does not answer with a list of spans: is it the right port, and version 13.9 or newer?"
            )
        yield from document["data"]
        following = document.get("next_cursor")
        if not isinstance(following, str) or not following or following == cursor:
            return
        cursor = following


def _found(client: Client, search: Search) -> list[str]:
    """Return the ids of the newest traces that have a Step like that."""
    if search.service:
        raise UsageError(
            f"{client.location.text}: Phoenix does not keep service.name; name a project with ?project=, and leave service out"
        )
    since, until = search.window()
    query = [("start_time", stamp(since)), ("end_time", stamp(until + 1_000)), ("sort", "start_time"), ("order", "desc")]
    query.append(("attribute", f"{semconv.VERSION}:1"))
    query += [("attribute", f"{name}:{value}") for name, value in search.tags if _is_text(value)]
    query += [("attribute", f"{semconv.RUN_ID}:{json.dumps(search.run)}")] if search.run else []
    query += [("status_code", "ERROR")] if search.errors and not search.tags else []
    found: dict[str, None] = {}
    for span in _pages(client, query):
        try:
            found[_id(span["context"]["trace_id"], 32)] = None
        except _WRONG:
            continue
        if len(found) >= (search.limit or LIMIT):
            break
    return list(found)


def _is_text(value: str) -> bool:
    """Say whether Phoenix takes a value for text: what looks like JSON it compares as that, and we do not know the type."""
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return True
    return False


def _record(span: Any, where: str) -> SpanRecord:
    context = span["context"]
    parent = span.get("parent_id")
    attributes = span.get("attributes") or {}
    code = _CODES.get(span.get("status_code", ""), 0)
    return SpanRecord(
        _id(context["trace_id"], 32),
        _id(context["span_id"], 16),
        _id(parent, 16) if parent else "",
        str(span.get("name", "")),
        _nanoseconds(span["start_time"]),
        _nanoseconds(span["end_time"]),
        dict(attributes),
        tuple(
            {
                "name": str(event.get("name", "")),
                "time_ns": _nanoseconds(event["timestamp"]),
                "attributes": dict(event.get("attributes") or {}),
            }
            for event in span.get("events") or ()
        ),
        status=(code, str(span.get("status_message") or "")),
        file=where,
    )


def _id(value: Any, digits: int) -> str:
    text = str(value).lower()
    if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", text):
        raise ValueError(f"an id {text!r:.60} that has not {digits} hex digits")
    return text


def _nanoseconds(text: Any) -> int:
    """A time of Phoenix, ISO 8601 with a zone, in nanoseconds since 1970."""
    since = dt.datetime.fromisoformat(text) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
