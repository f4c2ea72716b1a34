"""Our own protobuf encoder says what OpenTelemetry's says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from chronicle_otel.recording.export import protobuf
from chronicle_otel.recording.file_spans import Event as OwnEvent
from chronicle_otel.recording.file_spans import FileSpan, FileTracer, Scope

_INT64 = st.integers(-(2**63), 2**63 - 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
_SCALARS = _TEXT | st.booleans() | _INT64 | st.floats(allow_nan=False)
_LISTS = st.lists(_TEXT, max_size=5) | st.lists(_INT64, max_size=3) | st.lists(st.booleans(), max_size=3)
_LONG = st.lists(st.sampled_from(["x" * 2000, "é" * 1000, "y" * 1999]), min_size=1, max_size=4)
_ATTRIBUTES = st.dictionaries(st.text("abc.", min_size=1, max_size=12), _SCALARS | _LISTS | _LONG | st.binary(max_size=200), max_size=6)
_TIMES = st.integers(1, 2**63)
_EVENTS = st.lists(st.tuples(_TEXT, _TIMES, st.dictionaries(st.text("ab", min_size=1), _SCALARS, max_size=2)), max_size=2)
_STATUS = st.sampled_from([Status(), Status(StatusCode.OK), Status(StatusCode.ERROR, "no ✗"), Status(StatusCode.ERROR)])


def own(**fields: Any) -> FileSpan:
    """A span of our own tracer."""
    span = FileSpan(FileTracer(None, None, Scope("s", "1")), fields["name"], fields["kind"], fields["start"])  # type: ignore[arg-type]
    span.trace_id, span.span_id, span.parent_id, span._parent = fields["trace"], fields["span"], fields["parent"], fields["remote"]
    span.end_time, span.attributes, span.status, span.trace_state = fields["end"], fields["attributes"], fields["status"], fields["state"]
    span.events = [OwnEvent(*event[:2], event[2]) for event in fields["events"]]
    return span


def official(resource: Resource, scope: Scope, **fields: Any) -> ReadableSpan:
    """The same span as the SDK has it."""
    parent = SpanContext(fields["trace"], fields["parent"], fields["remote"] is not None) if fields["parent"] is not None else None
    return ReadableSpan(
        name=fields["name"],
        context=SpanContext(fields["trace"], fields["span"], False, TraceFlags(1), fields["state"]),
        parent=parent,
        resource=resource,
        attributes=fields["attributes"],
        events=[Event(name, attributes, timestamp) for name, timestamp, attributes in fields["events"]],
        kind=fields["kind"],
        status=fields["status"],
        start_time=fields["start"],
        end_time=fields["end"],
        instrumentation_scope=InstrumentationScope(scope.name, scope.version),
    )


@st.composite
def spans(draw: st.DrawFn) -> dict[str, Any]:
    trace_id, parent = draw(st.integers(1, 2**128 - 1)), draw(st.none() | st.integers(1, 2**64 - 1))
    remote = SpanContext(trace_id, parent, True) if parent is not None and draw(st.booleans()) else None
    return {
        "name": draw(_TEXT),
        "kind": draw(st.sampled_from(SpanKind)),
        "start": draw(_TIMES),
        "end": draw(_TIMES),
        "trace": trace_id,
        "span": draw(st.integers(1, 2**64 - 1)),
        "parent": parent,
        "remote": remote,
        "attributes": draw(_ATTRIBUTES),
        "events": draw(_EVENTS),
        "status": draw(_STATUS),
        "state": draw(st.sampled_from([None, TraceState([("a", "1"), ("b", "2")])])),
    }


@given(st.lists(spans(), min_size=1, max_size=3), _ATTRIBUTES)
def test_a_request_is_the_message_that_opentelemetry_makes(drawn: list[dict[str, Any]], attributes: dict[str, Any]) -> None:
    """Every field of every span, scope and resource: both encoders' bytes parse to equal messages."""
    resource, scope = Resource(attributes, "https://opentelemetry.io/schemas/1.40.0"), Scope("chronicle_otel", "1.0")
    head = protobuf.Head(resource, scope)
    elements = [protobuf.element(protobuf.span(own(**each))) for each in drawn]
    body = head.request(elements)
    assert ExportTraceServiceRequest.FromString(body) == encode_spans([official(resource, scope, **each) for each in drawn])
    assert len(body) <= head.size + sum(map(len, elements)), "what a batch is cut by is never too low"


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        (2**70, "string_value", str(2**70)),
        ("half \ud83d", "string_value", "half ?"),
        (float("inf"), "double_value", float("inf")),
        ({"a": {"b": [1, "x"]}}, "kvlist_value", None),
        (object(), None, None),
    ],
)
def test_values_that_opentelemetry_refuses_still_make_a_message(value: Any, kind: str | None, wanted: Any) -> None:
    """An integer beyond 64 bits is text, half a pair a question mark; what is no value at all is an empty one."""
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue

    made = AnyValue.FromString(protobuf.any_value(value))
    assert made.WhichOneof("value") == kind
    assert wanted is None or getattr(made, str(kind)) == wanted
