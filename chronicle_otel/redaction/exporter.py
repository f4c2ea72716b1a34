"""Redaction in the process: wraps an exporter and hands it new read-only spans and log records. The SDK's own stay as they are.

    processor ──► RedactingSpanExporter ──redacted copies──► exporter

A span cannot be changed after it has ended, so neither a processor nor a hook of the SDK can do this.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceState
from opentelemetry.trace.status import Status

from chronicle_otel import _guard

from .names import NOWHERE
from .places import Pairs, Places
from .redactor import Redactor, Tally
from .report import written
from .tenants import Tenants


class SpanCopies:
    """Makes redacted copies of spans and log records of the SDK."""

    def __init__(self, redactor: Redactor | Tenants) -> None:
        self._redactors = redactor
        self._known: weakref.WeakKeyDictionary[Redactor, Places] = weakref.WeakKeyDictionary()
        self._resources: weakref.WeakKeyDictionary[Resource, Resource] = weakref.WeakKeyDictionary()

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return a redacted copy of an ended span."""
        tally = Tally()
        redactor = self._redactors.of(span.resource.attributes.items())
        places = self._places(redactor)
        context = span.get_span_context()
        attributes = _attributes(places, span.attributes, tally, payloads=True)
        name = places.text(span.name, tally)
        status = span.status
        if status.description:
            status = Status(status.status_code, places.text(status.description, tally))
        events = [_event(places, event, tally) for event in span.events]
        links = [_link(places, link, tally) for link in span.links]
        state = _context(places, context, tally)
        scope = _scope(places, span.instrumentation_scope, tally)
        resource = self._resource(places, span.resource)
        changed = bool(+tally.rules) or bool(+tally.opaque)
        pairs = written(attributes, redactor, tally, changed=changed)
        return ReadableSpan(
            name=name,
            context=state,
            parent=_context(places, span.parent, Tally()),
            resource=resource,
            attributes=dict(pairs),
            events=events,
            links=links,
            kind=span.kind,
            status=status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=scope,
        )

    def record(self, record: ReadableLogRecord) -> ReadableLogRecord:
        """Return a redacted copy of a log record."""
        tally = Tally()
        places = self._places(self._redactors.of(record.resource.attributes.items()))
        log = record.log_record
        copy = type(log)(
            timestamp=log.timestamp,
            observed_timestamp=log.observed_timestamp,
            severity_text=places.text(log.severity_text, tally) if log.severity_text else log.severity_text,
            severity_number=log.severity_number,
            body=places.value(log.body, NOWHERE, tally),
            attributes=dict(_attributes(places, log.attributes, tally, payloads=False)),
            event_name=places.text(log.event_name, tally) if log.event_name else log.event_name,
        )
        for name in ("trace_id", "span_id", "trace_flags"):
            setattr(copy, name, getattr(log, name))
        return dataclasses.replace(
            record,
            log_record=copy,
            resource=self._resource(places, record.resource),
            instrumentation_scope=_scope(places, record.instrumentation_scope, tally),
        )

    def _places(self, redactor: Redactor) -> Places:
        found = self._known.get(redactor)
        if found is None:
            found = self._known[redactor] = Places(redactor)
        return found

    def _resource(self, places: Places, resource: Resource) -> Resource:
        found = self._resources.get(resource)
        if found is None:
            tally = Tally()
            attributes = dict(_attributes(places, resource.attributes, tally, payloads=False))
            url = places.text(resource.schema_url, tally) if resource.schema_url else resource.schema_url
            found = self._resources[resource] = Resource(attributes, url)
        return found


def _attributes(places: Places, attributes: Mapping[str, Any] | None, tally: Tally, *, payloads: bool) -> Pairs:
    return places.attributes(list((attributes or {}).items()), tally, payloads=payloads)


def _event(places: Places, event: Event, tally: Tally) -> Event:
    attributes = _attributes(places, event.attributes, tally, payloads=False)
    return Event(places.text(event.name, tally), dict(attributes), event.timestamp)


def _link(places: Places, link: Link, tally: Tally) -> Link:
    context = _context(places, link.context, tally)
    assert context is not None
    return Link(context, dict(_attributes(places, link.attributes, tally, payloads=False)))


def _context(places: Places, context: SpanContext | None, tally: Tally) -> SpanContext | None:
    if context is None or not context.trace_state:
        return context
    state = places.trace_state(list(context.trace_state.items()), tally)
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags, TraceState(state))


def _scope(places: Places, scope: InstrumentationScope | None, tally: Tally) -> InstrumentationScope | None:
    if scope is None:
        return None
    return InstrumentationScope(
        places.text(scope.name, tally),
        places.text(scope.version, tally) if scope.version else scope.version,
        places.text(scope.schema_url, tally) if scope.schema_url else scope.schema_url,
        dict(_attributes(places, scope.attributes, tally, payloads=False)),
    )


def _copied(items: Sequence[Any], copy: Callable[[Any], Any]) -> list[Any]:
    """Copy what can be copied; what cannot is left out, never let through."""
    made: list[Any] = []
    for item in items:
        try:
            made.append(copy(item))
        except Exception as error:
            _guard.failed("redact a span or log record, which was not exported", error)
    return made


class RedactingSpanExporter(SpanExporter):
    """Hands an exporter redacted copies of the spans. A span that cannot be redacted is not exported, and counted.

    `redactor`: one for all, or `Tenants(redactor)`, which takes the tenant from each span's resource as the policy says.
    """

    def __init__(self, exporter: SpanExporter, redactor: Redactor | Tenants) -> None:
        self._exporter = exporter
        self._copies = SpanCopies(redactor)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        copies = _copied(spans, self._copies.span)
        return self._exporter.export(copies) if copies else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class RedactingLogExporter(LogRecordExporter):
    """Hands an exporter redacted copies of the log records."""

    def __init__(self, exporter: LogRecordExporter, redactor: Redactor | Tenants) -> None:
        self._exporter = exporter
        self._copies = SpanCopies(redactor)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        copies = _copied(batch, self._copies.record)
        return self._exporter.export(copies) if copies else LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)
