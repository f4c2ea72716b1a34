"""OTLP requests made by hand, for what an SDK would not send on purpose; and what a file holds of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status


def one_span(
    trace: int,
    span: int,
    *,
    parent: int = 0,
    failed: bool = False,
    service: str = "agent",
    resource: Mapping[str, str] | None = None,
    text: str = "",
) -> bytes:
    """Return a request with a single span."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for name, value in {"service.name": service, **(resource or {})}.items():
        attribute = group.resource.attributes.add()
        attribute.key, attribute.value.string_value = name, value
    made = group.scope_spans.add().spans.add()
    made.name = "step"
    made.trace_id = trace.to_bytes(16, "big")
    made.span_id = span.to_bytes(8, "big")
    made.parent_span_id = parent.to_bytes(8, "big") if parent else b""
    made.start_time_unix_nano = time.time_ns()
    made.end_time_unix_nano = made.start_time_unix_nano + 1000
    if text:
        attribute = made.attributes.add()
        attribute.key, attribute.value.string_value = "text", text
    if failed:
        made.status.code = Status.STATUS_CODE_ERROR
    return request.SerializeToString()


def post(port: int, body: bytes) -> None:
    """Send a request to an OTLP receiver on loopback."""
    answer = requests.post(f"http://127.0.0.1:{port}/v1/traces", data=body, headers={"Content-Type": "application/x-protobuf"}, timeout=20)
    assert answer.status_code == 200, answer.text


def spans_in(path: Path) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield resource and span of whatever a file, or the files of a folder, hold by now; a line that is not whole is no line."""
    for file in sorted(path.rglob("*.jsonl")) if path.is_dir() else [path] if path.exists() else []:
        for line in file.read_bytes().split(b"\n"):
            try:
                tree = json.loads(line)
            except ValueError:
                continue
            for group in tree.get("resourceSpans", []):
                for scope in group["scopeSpans"]:
                    for span in scope["spans"]:
                        yield group["resource"], span


def traces_in(path: Path) -> dict[int, set[int]]:
    """Return the spans of each trace of a file."""
    found: dict[int, set[int]] = {}
    for _, span in spans_in(path):
        found.setdefault(int(span["traceId"], 16), set()).add(int(span["spanId"], 16))
    return found


def wait_for(what: str, test: Callable[[], bool], patience: float = 60) -> None:
    """Wait until something is so; AssertionError if it does not come."""
    deadline = time.monotonic() + patience
    while not test():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(0.1)
