"""ClickHouse: the table `otel_traces` of the collector's exporter, by SQL over HTTP; `?database=default&table=otel_traces`.

trace id ─────────────────────────────► SELECT … WHERE TraceId ──JSON, a row a line──► types of chronicle's attributes ──► span records
search ──SELECT TraceId … GROUP BY──► trace ids ──┘

Every value goes to the server as a parameter; no SQL is put together from what somebody gave.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import json
import re
from typing import Any, Final

from chronicle_otel import semconv
from chronicle_otel.errors import SourceError
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.otlp import SpanRecord
from chronicle_otel.reading.search import LIMIT, Search
from chronicle_otel.reading.sources.http import Client, message_of
from chronicle_otel.reading.sources.location import Location
from chronicle_otel.reading.sources.spans import Spans
from chronicle_otel.reading.typed import typed

COST: Final = (
    "the table keeps attributes as text: those of chronicle have their types again, others stay text; scope attributes are not in it"
)
_ROWS: Final = """\
SELECT TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, toString(toUnixTimestamp64Nano(Timestamp)) AS start_ns,
       toString(Duration) AS duration_ns, StatusCode, StatusMessage, ResourceAttributes, ScopeName, ScopeVersion, SpanAttributes,
       arrayMap(t -> toString(toUnixTimestamp64Nano(t)), Events.Timestamp) AS event_ns, Events.Name AS event_names,
       Events.Attributes AS event_attributes, Links.TraceId AS link_traces, Links.SpanId AS link_spans,
       Links.TraceState AS link_states, Links.Attributes AS link_attributes
FROM {database:Identifier}.{table:Identifier}
WHERE TraceId = {trace:String}
FORMAT JSONEachRow"""
_SEARCH: Final = """\
SELECT TraceId
FROM {{database:Identifier}}.{{table:Identifier}}
WHERE Timestamp >= fromUnixTimestamp64Nano({{since:Int64}}) AND Timestamp <= fromUnixTimestamp64Nano({{until:Int64}}){conditions}
GROUP BY TraceId
ORDER BY max(Timestamp) DESC
LIMIT {{limit:UInt32}}
FORMAT JSONEachRow"""
_KINDS: Final = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_CODES: Final = {"ok": 1, "error": 2}
_PREFIXES: Final = ("span_kind_", "status_code_")
"""Older exporters wrote the names of OTLP's enums."""
_WRONG: Final = (ValueError, TypeError, AttributeError, KeyError, OverflowError)
_UNKNOWN: Final = {"60": "no table", "81": "no database", "47": "no such column in"}
"""Codes of exceptions (ClickHouse: src/Common/ErrorCodes.cpp)."""


def read(location: Location) -> Spans:
    """Return the spans of one trace, or of the traces that a search finds."""
    client = Client(location)
    result = Spans()
    traces = [location.trace] if location.trace else _found(client, location.search)
    if not location.trace:
        result.searched(location.text, len(traces), location.search.limit or LIMIT)
    bad = result.bad(location.text)
    for trace in traces:
        for row in _asked(client, _ROWS, {"trace": trace}):
            try:
                result.spans.append(_record(row, location.text))
            except _WRONG as error:
                bad(f"a row is no span ({type(error).__name__}: {error}); it is skipped, the rest is read")
    if location.trace and not result.spans:
        raise SourceError(
            f"{_table(location)} has no trace {location.trace}; search for it: "
            f"chronicle runs 'clickhouse://{location.address}?service=NAME&since=2h'"
        )
    if result.spans:
        result.findings.append(Finding("types_lost", None, f"{location.text}: {COST}", location.text))
    return result


def _table(location: Location) -> str:
    return f"the table {location.options['database']}.{location.options['table']} of ClickHouse at {location.url}"


def _found(client: Client, search: Search) -> list[str]:
    """Return the ids of the newest traces that have a Step like that."""
    since, until = search.window()
    parameters = {"since": str(since), "until": str(until), "limit": str(search.limit or LIMIT)}
    conditions = [f"SpanAttributes['{semconv.VERSION}'] != ''"]
    if search.service:
        conditions.append("ServiceName = {service:String}")
        parameters["service"] = search.service
    if search.run:
        conditions.append(f"SpanAttributes['{semconv.RUN_ID}'] = {{run:String}}")
        parameters["run"] = search.run
    if search.errors and not search.tags:
        conditions.append("lower(StatusCode) IN ('error', 'status_code_error')")
    for number, (name, value) in enumerate(search.tags):
        key, wanted = f"{{key{number}:String}}", f"{{value{number}:String}}"
        conditions.append(f"(SpanAttributes[{key}] = {wanted} OR ResourceAttributes[{key}] = {wanted})")
        parameters |= {f"key{number}": name, f"value{number}": value}
    sql = _SEARCH.format(conditions="".join(f"\n  AND {condition}" for condition in conditions))
    found = [str(row.get("TraceId", "")).lower() for row in _asked(client, sql, parameters)]
    return [trace for trace in found if re.fullmatch(r"[0-9a-f]{32}", trace)]


def _asked(client: Client, sql: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
    """Run a query; return its rows. SourceError with what the server says."""
    location = client.location
    named = {**location.options, **parameters}
    query = [(f"param_{name}", _escaped(value)) for name, value in named.items()]
    query.append(("wait_end_of_query", "1"))  # a failure in the middle is an error, not half an answer
    answer = client.get("/", query, body=sql.encode(), accept="*/*", expected=frozenset({400, 404, 500}), too_large="ask for less")
    if answer.status != 200:
        said = message_of(answer.body)
        code = re.match(r"Code: (\d+)", said)
        if code is not None and code[1] in _UNKNOWN:
            advice = "name them with ?database= and ?table=; the collector's exporter makes default.otel_traces, with Map columns"
            raise SourceError(
                f"ClickHouse at {location.url}: {_UNKNOWN[code[1]]} {location.options['database']}.{location.options['table']}: {advice}"
            )
        raise SourceError(f'ClickHouse at {location.url} refuses the query (HTTP {answer.status}). It says: "{said}"')
    try:
        rows = [json.loads(line) for line in answer.body.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise SourceError(f"ClickHouse at {location.url} does not answer with rows of JSON ({error}): is it the right port?") from error
    return [row for row in rows if type(row) is dict]


def _escaped(value: str) -> str:
    """A value as the server reads parameters: like one of its tab-separated format."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _record(row: dict[str, Any], where: str) -> SpanRecord:
    start = int(row["start_ns"])
    parent = row["ParentSpanId"]
    return SpanRecord(
        _id(row["TraceId"], 32),
        _id(row["SpanId"], 16),
        _id(parent, 16) if parent.strip("0") else "",
        row["SpanName"],
        start,
        start + int(row["duration_ns"]),
        typed(row["SpanAttributes"]),
        tuple(
            {"name": name, "time_ns": int(time), "attributes": dict(attributes)}
            for name, time, attributes in zip(row["event_names"], row["event_ns"], row["event_attributes"])
        ),
        tuple(
            {
                "trace_id": _id(trace, 32),
                "span_id": _id(span, 16),
                "attributes": dict(attributes),
                **({"trace_state": state} if state else {}),
            }
            for trace, span, state, attributes in zip(row["link_traces"], row["link_spans"], row["link_states"], row["link_attributes"])
        ),
        (_CODES.get(_name(row["StatusCode"]), 0), row["StatusMessage"]),
        dict(row["ResourceAttributes"]),
        row["ScopeName"],
        _KINDS.get(_name(row["SpanKind"]), 0),
        where,
        0,
        row["TraceState"],
        row["ScopeVersion"],
    )


def _name(text: str) -> str:
    word = text.lower()
    for prefix in _PREFIXES:
        word = word.removeprefix(prefix)
    return word


def _id(value: str, digits: int) -> str:
    text = value.lower()
    if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", text):
        raise ValueError(f"an id {text!r:.60} that has not {digits} hex digits")
    return text
