"""Span records as OTLP JSON lines in one normal form: the same spans give the same bytes, wherever they were read.

span records ──sorted, equal copies once──► one line a span, attributes sorted by key

docs/sources.md says what is in it and what is left out, and why. Pure.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (attribute values are Any; every isinstance on one makes the checker see a container of Unknown)

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chronicle_otel.reading.otlp import SpanRecord


def normal_lines(spans: Iterable[SpanRecord]) -> Iterator[bytes]:
    """Yield the lines, by trace, start and span id. Equal copies of a span become one; those that differ are all kept."""
    ordered = sorted(spans, key=lambda span: (span.trace_id, span.start_ns, span.span_id))
    at = 0
    while at < len(ordered):
        first = ordered[at]
        end = at + 1
        while end < len(ordered) and (ordered[end].span_id, ordered[end].trace_id) == (first.span_id, first.trace_id):
            end += 1
        yield from sorted({_line(span) for span in ordered[at:end]})
        at = end


def _line(span: SpanRecord) -> bytes:
    scope: dict[str, Any] = {"name": span.scope}
    if span.scope_version:
        scope["version"] = span.scope_version
    if span.scope_attributes:
        scope["attributes"] = _attributes(span.scope_attributes)
    tree = {
        "resourceSpans": [
            {"resource": {"attributes": _attributes(span.resource)}, "scopeSpans": [{"scope": scope, "spans": [_span(span)]}]}
        ]
    }
    try:
        return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot hold
        return json.dumps(tree, separators=(",", ":")).encode() + b"\n"


def _span(span: SpanRecord) -> dict[str, Any]:
    tree: dict[str, Any] = {"traceId": span.trace_id, "spanId": span.span_id}
    if state := _state(span.trace_state):
        tree["traceState"] = state
    if span.parent_span_id:
        tree["parentSpanId"] = span.parent_span_id
    tree["name"] = span.name
    tree["kind"] = span.kind
    tree["startTimeUnixNano"] = str(span.start_ns)
    tree["endTimeUnixNano"] = str(span.end_ns)
    tree["attributes"] = _attributes(span.attributes)
    if span.events:
        tree["events"] = [_event(event) for event in span.events]
    if span.links:
        tree["links"] = [_link(link) for link in span.links]
    code, message = span.status
    if code or message:
        tree["status"] = {"code": code, **({"message": message} if message else {})}
    return tree


def _state(text: str) -> str:
    """W3C tracestate without our own member, which only repeats the run id."""
    return ",".join(member.strip() for member in text.split(",") if member.strip() and not member.strip().startswith("chronicle="))


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"timeUnixNano": str(event["time_ns"]), "name": event["name"]}
    return {**found, "attributes": _attributes(event["attributes"])} if event["attributes"] else found


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"traceId": link["trace_id"], "spanId": link["span_id"]}
    if state := _state(link.get("trace_state", "")):
        found["traceState"] = state
    return {**found, "attributes": _attributes(link["attributes"])} if link["attributes"] else found


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _any(attributes[name])} for name in sorted(attributes)]


def _any(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        if math.isfinite(value):
            return {"doubleValue": value}
        return {"doubleValue": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _attributes(value)}}
    return {"arrayValue": {"values": [_any(item) for item in value]}}
