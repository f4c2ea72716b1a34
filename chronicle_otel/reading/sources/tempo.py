"""Grafana Tempo: a trace as protobuf from `/api/v2/traces`, those of a search by TraceQL.

trace id ──────────────────────────► GET /api/v2/traces/ID ──► protobuf (or JSON) ──otlp──► span records
search ──TraceQL──► trace ids ──each──┘                          └─► partial ──► a finding
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from chronicle_otel import semconv
from chronicle_otel.errors import SourceError
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.otlp import is_otlp, spans_in
from chronicle_otel.reading.otlp_proto import NotProtobuf, fields, spans_in_message
from chronicle_otel.reading.search import LIMIT, Search
from chronicle_otel.reading.sources.http import Answer, Client, message_of
from chronicle_otel.reading.sources.location import Location
from chronicle_otel.reading.sources.spans import Spans

_PROTOBUF: Final = "application/protobuf"
_MISSING: Final = frozenset({404})
_PARTIAL: Final = 1
"""TraceByIDResponse.status (Tempo: pkg/tempopb/tempo.proto)."""
_TRACE, _STATUS, _MESSAGE = 1, 3, 4
"""Fields of TraceByIDResponse."""
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.\d{1,18})?|true|false")
_CUT: Final = 2_048
"""Bytes of a text attribute that a stock Tempo keeps (modules/distributor: max_attribute_bytes)."""
_TOO_LARGE: Final = "read one trace only"


def read(location: Location) -> Spans:
    """Return the spans of one trace, or of the traces that a search finds."""
    client = Client(location)
    result = Spans()
    if location.trace:
        if not _fetch(client, location.trace, result):
            raise SourceError(_missing(location))
        return result
    limit = location.search.limit or LIMIT
    found = _found(client, location.search, limit)
    for trace in found:
        if not _fetch(client, trace, result):
            message = f"{location.text}: the search found trace {trace}, and the store does not have it (any more)"
            result.findings.append(Finding("damaged_source", None, message, location.text))
    result.searched(location.text, len(found), limit)
    return result


def _fetch(client: Client, trace: str, result: Spans) -> bool:
    """Add the spans of a trace; False if there is no such trace."""
    location = client.location
    accept = f"{_PROTOBUF}, application/json;q=0.5"
    answer = client.get(f"/api/v2/traces/{trace}", accept=_PROTOBUF, expected=_MISSING, too_large=_TOO_LARGE)
    wrapped = True
    if answer.status == 404:  # no such trace; or a Tempo before 2.7, which has only the first version of this
        answer = client.get(f"/api/traces/{trace}", accept=accept, expected=_MISSING, too_large=_TOO_LARGE)
        wrapped = False
        if answer.status == 404:
            return False
    before = len(result.spans)
    partial = (_protobuf if answer.content_type == _PROTOBUF else _json)(answer, location, wrapped, result)
    if partial is not None:
        said = f' ("{partial}")' if partial else ""
        message = f"{location.text}: Tempo gives a partial trace {trace}{said}: it is larger than what it keeps or returns of one; raise "
        message += "max_bytes_per_trace (and query_frontend's limits) there, and record again or read another copy"
        result.findings.append(Finding("partial_trace", None, message, location.text, trace=trace))
    _note_cuts(result, before, trace, location)
    return len(result.spans) > before


def _note_cuts(result: Spans, before: int, trace: str, location: Location) -> None:
    """Name attributes that end exactly where Tempo cuts text: it leaves no mark."""
    cut = [
        f"{name} of {record.name}"
        for record in result.spans[before:]
        for attributes in (record.attributes, record.resource, *(event["attributes"] for event in record.events))
        for name, value in attributes.items()
        if isinstance(value, str) and len(value) >= _CUT // 4 and _ends_at_cut(value)
    ]
    if cut:
        named = ", ".join(cut[:5]) + (f" and {len(cut) - 5} more" if len(cut) > 5 else "")
        message = (
            f"{location.text}: Tempo cuts texts at {_CUT:,} bytes unless max_attribute_bytes says otherwise, and these are that long: "
        )
        message += f"{named}; payloads of chronicle are stored so that this does not touch them"
        result.findings.append(Finding("cut_attribute", None, message, location.text, trace=trace))


def _ends_at_cut(text: str) -> bool:
    size = len(text.encode("utf-8", "replace"))
    return size == _CUT or (text.endswith("\ufffd") and _CUT < size <= _CUT + 2)  # a character of which the cut left a part


def _protobuf(answer: Answer, location: Location, wrapped: bool, result: Spans) -> str | None:
    """Add the spans of a TraceByIDResponse, or of a bare Trace; return what is said of a partial one."""
    trace, status, message = (b"", 0, "") if wrapped else (answer.body, 0, "")
    if wrapped:
        try:
            for number, value in fields(answer.body):
                if number == _TRACE and isinstance(value, bytes):
                    trace += value  # a message in parts is their concatenation
                elif number == _STATUS and isinstance(value, int):
                    status = value
                elif number == _MESSAGE and isinstance(value, bytes):
                    message = value.decode("utf-8", "replace")
        except NotProtobuf as error:
            raise SourceError(f"Tempo at {location.url} answers with protobuf that is none ({error}): is it the right port?") from error
    result.spans += spans_in_message(trace, file=location.text, bad=result.bad(location.text))
    return message if status == _PARTIAL else None


def _json(answer: Answer, location: Location, wrapped: bool, result: Spans) -> str | None:
    """The same of an answer in JSON: ids in base64, enums as names."""
    document: Any = _parsed(answer, location)
    if document.get("trace", document) != {} and not is_otlp(document):  # an unknown trace is an empty one since Tempo 2.7
        raise SourceError(f"Tempo at {location.url} answers with JSON that holds no spans: {message_of(answer.body)}")
    result.spans += spans_in(document, file=location.text, bad=result.bad(location.text))
    return str(document.get("message") or "") if document.get("status") in ("PARTIAL", _PARTIAL) else None


def _parsed(answer: Answer, location: Location) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"Tempo at {location.url} does not answer with JSON ({error}): is it the right port?") from error
    if not isinstance(document, dict):
        raise SourceError(f"Tempo at {location.url} answers with JSON that is no object: is it the right port?")
    return document  # pyright: ignore[reportUnknownVariableType]  # a tree


# ---- search ------------------------------------------------------------------------------------


def _found(client: Client, search: Search, limit: int) -> list[str]:
    """Return the ids of the traces that a search finds."""
    since, until = search.window()
    query = [
        ("q", traceql(search)),
        ("limit", str(limit)),
        ("spss", "1"),
        ("start", str(since // 1_000_000_000)),
        ("end", str(-(-until // 1_000_000_000))),
    ]
    document = _parsed(client.get("/api/search", query), client.location)
    found: list[str] = []
    for trace in document.get("traces") or ():
        identity = trace.get("traceID") if isinstance(trace, dict) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
        if isinstance(identity, str) and re.fullmatch(r"[0-9a-fA-F]{1,32}", identity):
            found.append(identity.lower().zfill(32))  # Tempo leaves zeros at the beginning out
    return found


def traceql(search: Search) -> str:
    """The search as TraceQL: a Step that has everything, and somewhere in the trace an error."""
    conditions = [f"span.{semconv.VERSION} >= 1"]
    if search.service:
        conditions.append(f"resource.service.name = {_quoted(search.service)}")
    if search.run:
        conditions.append(f"span.{semconv.RUN_ID} = {_quoted(search.run)}")
    for name, value in search.tags:
        field = f".{name}" if _PLAIN_NAME.fullmatch(name) else f".{_quoted(name)}"
        text = f"{field} = {_quoted(value)}"
        conditions.append(f"({text} || {field} = {value})" if _NUMBER.fullmatch(value) else text)
    steps = "{ " + " && ".join(conditions) + " }"
    return f"{steps} && {{ status = error }}" if search.errors else steps


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _missing(location: Location) -> str:
    search = f"{location.text.partition('://')[0]}://{location.address}{location.base}?service=NAME&since=2h"
    tenant = f"; a Tempo with tenants wants {location.variables}TENANT"
    return (
        f"Tempo at {location.url} has no trace {location.trace} (the newest ones can take some seconds{tenant}); "
        f"search for it: chronicle runs '{search}'"
    )
