"""Jaeger's own JSON, as "download JSON" of its UI and `/api/traces` of old servers write it: read as a file, with what it costs said.

{"data": [{"spans": […], "processes": {…}}]} ──► span records
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from chronicle_otel.reading.otlp import SpanRecord
from chronicle_otel.reading.typed import typed

COST: Final = (
    "Jaeger's own JSON keeps times to the microsecond and lists as text, so what is not chronicle's may have changed its type; "
    "/api/v3 gives everything: jaeger://HOST:16686/TRACE_ID"
)
_KINDS: Final = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_CODES: Final = {"OK": 1, "ERROR": 2}
_WRONG: Final = (ValueError, TypeError, AttributeError, KeyError, OverflowError)
_OWN: Final = frozenset(
    {
        "span.kind",
        "otel.status_code",
        "otel.status_description",
        "otel.scope.name",
        "otel.scope.version",
        "w3c.tracestate",
        "internal.span.format",
    }
)
"""Tags that hold fields of the span; `error` is one too, where `otel.status_code` is."""


def is_jaeger_ui(document: Any) -> bool:
    """Say whether a JSON document is one of Jaeger's."""
    data = document.get("data") if type(document) is dict else None
    return type(data) is list and bool(data) and all(type(trace) is dict and type(trace.get("spans")) is list for trace in data)


def spans_in_ui(document: Any, *, file: str, line: int, bad: Callable[[str], None]) -> Iterator[SpanRecord]:
    """Yield the spans of such a document; `bad` is told of those that cannot be read, and of the cost."""
    bad(COST)
    for trace in document["data"]:
        processes = trace.get("processes")
        for span in trace["spans"]:
            try:
                process = span.get("process") or (processes or {}).get(span.get("processID")) or {}
                yield _record(span, process, file, line)
            except _WRONG as error:
                bad(f"a span is not Jaeger's ({type(error).__name__}: {error}); it is skipped, the rest is read")


def _record(span: Any, process: Any, file: str, line: int) -> SpanRecord:
    tags = _tags(span.get("tags"))
    start = int(span["startTime"]) * 1_000
    trace = str(span["traceID"]).lower().zfill(32)
    references = [each for each in span.get("references") or () if type(each) is dict]
    parent = next(
        (each for each in references if each.get("refType") == "CHILD_OF" and str(each["traceID"]).lower().zfill(32) == trace), None
    )
    code = _CODES.get(str(tags.get("otel.status_code", "")).upper(), 2 if tags.get("error") in (True, "true") else 0)
    own = _OWN | ({"error"} if "otel.status_code" in tags else set())
    return SpanRecord(
        _hex(trace, 32),
        _hex(span["spanID"], 16),
        _hex(parent["spanID"], 16) if parent is not None else "",
        str(span.get("operationName", "")),
        start,
        start + int(span.get("duration", 0)) * 1_000,
        typed({name: value for name, value in tags.items() if name not in own}),
        tuple(_event(log) for log in span.get("logs") or ()),
        tuple(
            {"trace_id": _hex(each["traceID"], 32), "span_id": _hex(each["spanID"], 16), "attributes": {}}
            for each in references
            if each is not parent
        ),
        (code, str(tags.get("otel.status_description", "")) if code == 2 else ""),
        {"service.name": str(process.get("serviceName", "")), **_tags(process.get("tags"))},
        str(tags.get("otel.scope.name", "")),
        _KINDS.get(str(tags.get("span.kind", "")).lower(), 0),
        file,
        line,
        str(tags.get("w3c.tracestate", "")),
        str(tags.get("otel.scope.version", "")),
    )


def _hex(value: Any, digits: int) -> str:
    text = str(value).lower().zfill(digits)
    if len(bytes.fromhex(text)) * 2 != digits:
        raise ValueError(f"an id of {len(text)} digits")
    return text


def _event(log: Any) -> Mapping[str, Any]:
    attributes = _tags(log.get("fields"))
    return {"name": str(attributes.pop("event", "")), "time_ns": int(log["timestamp"]) * 1_000, "attributes": attributes}


def _tags(tags: Any) -> dict[str, Any]:
    return {tag["key"]: _value(tag.get("type"), tag.get("value")) for tag in tags or ()}


def _value(kind: Any, value: Any) -> Any:
    if kind in ("int64", "int"):
        return int(value)
    if kind in ("float64", "double"):
        return float(value)
    if kind == "bool":
        return value is True or value == "true"
    if kind == "binary":
        return base64.b64decode(value)
    return value
