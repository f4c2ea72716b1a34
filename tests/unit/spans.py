"""OTLP JSON as exporters write it, from the fewest words: a Step is `step(seq, …)`, a file is `write(path, lines)`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chronicle_otel import semconv, values, wire
from chronicle_otel.envelope import Envelope

RUN = "a" * 32
TRACE = "b" * 32


def any_value(value: Any) -> dict[str, Any]:
    """A Python value as OTLP's AnyValue."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    return {"stringValue": value}


def span(span_id: str, parent: str = "", *, name: str = "span", start: int = 0, trace: str = TRACE, **attributes: Any) -> dict[str, Any]:
    """A span; `attributes` with `.` written as `__`."""
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return {
        "traceId": trace,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(1_790_000_000_000_000_000 + start),
        "endTimeUnixNano": str(1_790_000_000_000_000_100 + start),
        "attributes": [{"key": key, "value": any_value(value)} for key, value in named.items()],
        "status": {},
    }


def span_id(seq: int) -> str:
    """The span id of a Step."""
    return f"{seq + 0xC0:016x}"


def step(
    seq: int,
    *,
    kind: str = "tool",
    name: str = "price",
    run: str = RUN,
    parent_span: str | None = None,
    payloads: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    trace: str = TRACE,
    **fields: Any,
) -> dict[str, Any]:
    """The span of a Step, below the root unless told otherwise; payloads are given as trees, `changes` are made to attributes."""
    texts = {
        key: values.dumps(tree) for key, tree in (payloads if payloads is not None else {semconv.INPUT: {}, semconv.OUTPUT: seq}).items()
    }
    envelope = Envelope(kind=kind, name=name, run=run, seq=seq, payloads=texts, **fields)
    above = parent_span if parent_span is not None else "" if seq == 1 else span_id(1)
    written = span(span_id(seq), above, name=name, start=seq * 1_000, trace=trace)
    attributes = {**wire.to_attributes(envelope), **(changes or {})}
    written["attributes"] = [{"key": key, "value": any_value(value)} for key, value in attributes.items() if value is not None]
    return written


def root(steps: int, **fields: Any) -> dict[str, Any]:
    """The root Step of a Run of that many Steps."""
    code = {"module": "agent", "qualname": "run", "file": "agent.py", "line": 3, "digest": "d", "module_digest": "m"}
    payloads = {semconv.INPUT: {"task": "sell"}, semconv.OUTPUT: "sold", semconv.SESSION: {"user": "u1"}, semconv.CODE: code}
    return step(1, **{"kind": "agent", "name": "agent.run", "steps": steps, "payloads": payloads, **fields})


def run_start(**fields: Any) -> dict[str, Any]:
    """The run-start span of the same Run."""
    code = {"module": "agent", "qualname": "run"}
    payloads = {semconv.INPUT: {"task": "sell"}, semconv.SESSION: {"user": "u1"}, semconv.CODE: code}
    written = step(0, **{"kind": "agent", "name": "agent.run", "payloads": payloads, **fields})
    return {**written, "name": semconv.RUN_START_SPAN, "parentSpanId": span_id(1)}


def document(*spans: dict[str, Any], service: str = "shop") -> dict[str, Any]:
    """One OTLP export."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "chronicle_otel"}, "spans": list(spans)}]}]}


def line(*spans: dict[str, Any], service: str = "shop") -> str:
    """One export as one line of a file."""
    return json.dumps(document(*spans, service=service), separators=(",", ":")) + "\n"


def write(path: Path, lines: Iterable[str | bytes]) -> Path:
    """A file of lines."""
    path.write_bytes(b"".join(part if isinstance(part, bytes) else part.encode() for part in lines))
    return path
