"""What an OTLP endpoint said, judged: only an answer of OTLP counts as taken, so that nothing is deleted on the word of something else.

2xx, empty ─────────────► taken                        (the usual success)
2xx, protobuf or JSON ──► ExportTraceServiceResponse ──► taken, and what was thrown away
2xx, anything else ─────► not taken: is this an OTLP endpoint?
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

RESPONSE = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
"""The module of the message; a client imports it when it is made, recording to a file does without it."""
_PROTOBUF = frozenset({"application/x-protobuf", "application/protobuf"})
"""https://opentelemetry.io/docs/specs/otlp/#otlphttp-response names the first; the second is what IANA has registered since."""

_WORDS = 120
"""Bytes of a refusal that are worth a log line."""


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


def of_refusal(kind: str, body: bytes) -> str:
    """What an OTLP server says beside a status of 4xx or 5xx: the first line of its google.rpc.Status in protobuf, cut; else nothing."""
    at = body.find(b"\x12", 0, 12) + 1  # field 2, the text, behind field 1, the code
    if kind.partition(";")[0].strip().lower() not in _PROTOBUF or not at:
        return ""
    while at < len(body) and body[at] & 0x80:  # the length of the text, which ends with the body
        at += 1
    lines = body[at + 1 : at + 1 + _WORDS].decode("utf-8", "replace").splitlines()
    return "".join(letter for letter in lines[0] if letter.isprintable()) if lines else ""


def _foreign(what: str) -> Answer:
    return Answer(reason=f"answers with something that is no OTLP ({what[:80]}): is this an OTLP endpoint?")
