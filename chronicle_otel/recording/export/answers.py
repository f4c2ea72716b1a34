"""What an OTLP endpoint said, judged: only an answer of OTLP counts as taken, so that nothing is deleted on the word of something else.

2xx, empty ─────────────► taken                        (the usual success)
2xx, protobuf or JSON ──► ExportTraceServiceResponse ──► taken, and what was thrown away
2xx, anything else ─────► not taken: is this an OTLP endpoint?
"""

from __future__ import annotations

import contextlib
import importlib
import json
from dataclasses import dataclass
from typing import Any, cast

RESPONSE = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
"""The module of the message; a client imports it when it is made, recording to a file does without it."""
STATUS = "google.rpc.status_pb2"
"""The module of the message that says why not; it comes with OpenTelemetry's exporters."""
_PROTOBUF = frozenset({"application/x-protobuf", "application/protobuf"})
"""https://opentelemetry.io/docs/specs/otlp/#otlphttp-response names the first; the second is what IANA has registered since."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint said to a request."""

    taken: bool = False
    again: bool = False
    """It may be repeated."""
    after: float | None = None
    """Seconds to wait before that, if the endpoint said."""
    too_large: bool = False
    reason: str = ""
    """Why not, in a few words."""
    rejected: int = 0
    """Spans that it has thrown away out of a request that was taken."""
    message: str = ""


def of_success(kind: str, body: bytes) -> Answer:
    """Judge the body of a 2xx answer; `kind` is its Content-Type. Unknown fields of a later OTLP are no reason against it."""
    if not body:
        return Answer(taken=True)
    kind = kind.partition(";")[0].strip().lower()
    if kind in _PROTOBUF:
        return of_message(body, kind)
    if kind == "application/json":
        return _of_json(body, kind)
    return _foreign(kind or "no content type")


def of_message(body: bytes, kind: str) -> Answer:
    """Judge an ExportTraceServiceResponse in protobuf."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return _foreign(f"{kind} that cannot be read")
    return Answer(taken=True, rejected=partial.rejected_spans, message=partial.error_message)


def _of_json(body: bytes, kind: str) -> Answer:
    try:
        tree: Any = json.loads(body)
        partial: Any = cast("dict[str, Any]", tree).get("partialSuccess") or {}
        return Answer(taken=True, rejected=int(partial.get("rejectedSpans") or 0), message=str(partial.get("errorMessage") or ""))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return _foreign(f"{kind} that cannot be read")


def reason_of(kind: str, body: bytes) -> str:
    """What the body of a refusal says, on one line and short: OTLP has a google.rpc.Status there, proxies a text."""
    kind = kind.partition(";")[0].strip().lower()
    text: Any = ""
    if kind in _PROTOBUF:
        with contextlib.suppress(Exception):  # hostile bytes, or a module that is not installed
            text = importlib.import_module(STATUS).Status.FromString(body).message
    elif kind == "application/json":
        with contextlib.suppress(ValueError, AttributeError, RecursionError):
            text = cast("dict[str, Any]", json.loads(body)).get("message")
    elif kind == "text/plain":
        text = body[:1000].decode("utf-8", "replace")
    return " ".join(text.split())[:120] if isinstance(text, str) else ""


def _foreign(what: str) -> Answer:
    return Answer(reason=f"answers with something that is no OTLP ({what[:80]}): is this an OTLP endpoint?")
