"""Jaeger 2: OTLP JSON over HTTP `/api/v3`, one trace or those that a search finds. For gRPC see jaeger_grpc.

trace id ──► GET /api/v3/traces/ID ──┐
search ────► GET /api/v3/traces ─────┴─► {"result": {"resourceSpans": […]}} ──otlp──► span records
"""

from __future__ import annotations

import json
from typing import Any, Final

from chronicle_otel import semconv
from chronicle_otel.errors import SourceError
from chronicle_otel.reading.otlp import is_otlp, spans_in
from chronicle_otel.reading.search import LIMIT, Search, stamp
from chronicle_otel.reading.sources.http import Answer, Client, message_of
from chronicle_otel.reading.sources.location import Location
from chronicle_otel.reading.sources.spans import Spans


def read(location: Location) -> Spans:
    """Return the spans of one trace, or of the traces that a search finds."""
    if location.transport.startswith("grpc"):
        from chronicle_otel.reading.sources import jaeger_grpc

        return jaeger_grpc.read(location)
    client = Client(location)
    if location.trace:
        # Without rawTraces Jaeger moves clocks, drops duplicates, rewrites ids and attributes.
        raw = _both_names([("rawTraces", "true")])
        answer = client.get(f"/api/v3/traces/{location.trace}", raw, expected=_MISSING, too_large=_too_large(location))
        if answer.status == 404:
            raise SourceError(_missing(location, answer))
        return _spans(location, answer)
    answer = client.get("/api/v3/traces", _query(location.search), expected=_MISSING, too_large=_too_large(location))
    if answer.status == 404:
        _old(location, answer)
        return Spans()
    result = _spans(location, answer)
    note_limit(result, location)
    return result


_MISSING: Final = frozenset({404})


def _query(search: Search) -> list[tuple[str, str]]:
    since, until = search.window()
    query = [
        ("query.startTimeMin", stamp(since)),
        ("query.startTimeMax", stamp(until)),
        ("query.searchDepth", str(search.limit or LIMIT)),
        ("query.rawTraces", "true"),
        *([("query.serviceName", search.service)] if search.service else []),
    ]
    return [*_both_names(query), ("query.attributes", json.dumps(attributes_of(search), ensure_ascii=False))]


_OLD_NAMES: Final = {
    "rawTraces": "raw_traces",
    "query.startTimeMin": "query.start_time_min",
    "query.startTimeMax": "query.start_time_max",
    "query.searchDepth": "query.num_traces",
    "query.rawTraces": "query.raw_traces",
    "query.serviceName": "query.service_name",
}
"""Names that releases such as 2.13 know only; newer ones prefer ours. Those old ones search without attributes over HTTP."""


def _both_names(query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [*query, *((_OLD_NAMES[name], value) for name, value in query)]


def attributes_of(search: Search) -> dict[str, str]:
    """What one span has to have: it is a Step, and the tags. Jaeger compares all values as text.

    Errors are looked for afterwards: a failed span has the tag `error` in some of its stores, and in the one in memory it has not.
    """
    found = {semconv.VERSION: "1", **dict(search.tags)}
    if search.run:
        found[semconv.RUN_ID] = search.run
    return found


def note_limit(result: Spans, location: Location) -> None:
    """Say that a search ended at its limit, where it did."""
    traces = {record.trace_id for record in result.spans}
    others = traces - {record.trace_id for record in result.spans if semconv.VERSION in record.attributes}
    also = "; this Jaeger does not search by attributes over HTTP, so traces of others count: jaeger+grpc:// does" if others else ""
    result.searched(location.text, len(traces), location.search.limit or LIMIT, also)


def _spans(location: Location, answer: Answer) -> Spans:
    result = Spans()
    try:
        document: Any = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{location.title} at {location.url} does not answer with JSON ({error}): is it the right port?") from error
    if not is_otlp(document):
        raise SourceError(f"{location.title} at {location.url} answers with JSON that holds no spans: {message_of(answer.body)}")
    result.spans += spans_in(document, file=location.text, bad=result.bad(location.text))
    return result


def _old(location: Location, answer: Answer) -> None:
    """Tell a Jaeger without /api/v3 from one that found nothing: only the latter says so as JSON."""
    if not answer.body.lstrip().startswith(b'{"error"'):  # sent as text/plain by some releases
        raise SourceError(
            f"{location.title} at {location.url} has no /api/v3: it is older than 1.35, or a path in front of the API is missing in the "
            "address. The trace as JSON, downloaded in its UI, can be read as a file"
        )


def _missing(location: Location, answer: Answer) -> str:
    _old(location, answer)
    search = f"{location.text.partition('://')[0]}://{location.address}{location.base}?service=NAME&since=2h"
    return f"{location.title} at {location.url} has no trace {location.trace}; search for it: chronicle runs '{search}'"


def _too_large(location: Location) -> str:
    return f"read it by jaeger+grpc://{location.host}:16685/{location.trace or '?service=…'}, which needs no answer in one piece"
