"""Spans of our own: recorded by nobody but their sink, so nothing of an SDK's span is paid for.

    FileTracer.start_span ──► FileSpan (ids, times, attributes) ──► end ──► FileSpanProcessor.on_end, OtlpSink.on_end

They are ordinary OpenTelemetry API spans: the context carries them, propagators inject them, code inside may add
attributes and events. An application's own provider never sees one.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import trace
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, TraceState

if TYPE_CHECKING:
    from opentelemetry.context import Context

_SAMPLED = trace.TraceFlags(trace.TraceFlags.SAMPLED)
_UNSET = Status()


@dataclass(frozen=True, slots=True)
class Scope:
    """Name and version of what made the spans."""

    name: str
    version: str


@dataclass(slots=True)
class Event:
    """Something that happened at a moment within a span."""

    name: str
    timestamp: int
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


class FileSpan(Span):
    """A span that ends in its sink; see `opentelemetry.trace.Span` for what its methods do."""

    __slots__ = (
        "_context", "_parent", "attributes", "dropped_attributes", "end_time", "events", "kind", "name", "parent_id", "span_id",
        "start_time", "status", "trace_id", "trace_state", "tracer",
    )  # fmt: skip
    links = ()

    def __init__(self, tracer: FileTracer, name: str, kind: SpanKind, start_time: int) -> None:
        self.tracer = tracer
        self.name = name
        self.kind = kind
        self.start_time = start_time
        self.end_time: int | None = None
        self.attributes: dict[str, Any] = {}
        self.dropped_attributes = 0
        self.events: list[Event] = []
        self.status = _UNSET
        self.trace_id = 0
        self.span_id = 0
        self.parent_id: int | None = None
        self.trace_state: TraceState | None = None
        self._context: SpanContext | None = None
        self._parent: SpanContext | None = None

    @property
    def resource(self) -> Any:
        """The resource of the process."""
        return self.tracer.resource

    @property
    def instrumentation_scope(self) -> Scope:
        """Chronicle's own scope."""
        return self.tracer.scope

    @property
    def parent(self) -> SpanContext | None:
        """The parent's context where another service, or another provider, made it."""
        return self._parent

    def get_span_context(self) -> SpanContext:
        if self._context is None:  # made when somebody asks: propagators, foreign spans below
            self._context = SpanContext(self.trace_id, self.span_id, False, _SAMPLED, self.trace_state)
        return self._context

    def is_recording(self) -> bool:
        return self.end_time is None

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self.attributes.update(attributes)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        self.events.append(Event(name, timestamp or time.time_ns(), dict(attributes or {})))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        facts = {"exception.type": type(exception).__qualname__, "exception.message": str(exception)}
        self.add_event("exception", {**facts, **(attributes or {})}, timestamp)

    def update_name(self, name: str) -> None:
        self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        self.status = status if isinstance(status, Status) else Status(status, description)

    def end(self, end_time: int | None = None) -> None:
        if self.end_time is None:
            self.end_time = end_time or time.time_ns()
            self.tracer.file.on_end(self)


class Sink(Protocol):
    """Takes ended spans."""

    def on_end(self, span: Any) -> None:
        """Take one; called on the thread that ended it."""
        ...

    def write_pending(self) -> None:
        """Pass on what was gathered."""
        ...

    def shutdown(self) -> None:
        """Pass on what was gathered, and take nothing more."""
        ...

    def forget(self) -> None:
        """In a forked child: what was gathered is the parent's."""
        ...


class FileTracer(trace.Tracer):
    """Makes spans whose only reader is the sink `file`."""

    def __init__(self, file: Sink, resource: Any, scope: Scope) -> None:
        self.file = file
        self.resource = resource
        self.scope = scope
        self._bits = random.Random(os.urandom(16)).getrandbits  # the application may seed the module's generator

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Any = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> FileSpan:
        span = FileSpan(self, name, kind, start_time or time.time_ns())
        span.span_id = self._bits(64) or 1
        under = trace.get_current_span(context)
        if type(under) is FileSpan:
            span.trace_id, span.parent_id, span.trace_state = under.trace_id, under.span_id, under.trace_state
            return span
        parent = under.get_span_context()
        if parent.is_valid:
            span.trace_id, span.parent_id, span.trace_state, span._parent = parent.trace_id, parent.span_id, parent.trace_state, parent
        else:
            span.trace_id = self._bits(128) or 1
        return span

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        """Part of the API; the Recorder attaches its spans itself."""
        return trace.use_span(self.start_span(*args, **kwargs), end_on_exit=True)

    def forget(self) -> None:
        """In a forked child: draw other ids than the parent."""
        self._bits = random.Random(os.urandom(16)).getrandbits
