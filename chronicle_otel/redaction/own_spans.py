"""Redaction of what chronicle's own pipelines write: lines of a file, spans of an export. See `redaction.exporter` for the SDK's spans."""

from __future__ import annotations

import copy
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Status, TraceState

from .otlp_lines import OtlpLines
from .places import Places
from .redactor import Redactor, Tally
from .report import written
from .tenants import Tenants


class OwnSpans:
    """Makes redacted lines, and redacted copies of spans and resources."""

    def __init__(self, redactor: Redactor | Tenants) -> None:
        self._redactors = redactor
        self._known: tuple[Redactor, Places] | None = None
        self._lines = OtlpLines(redactor)

    def line(self, line: bytes) -> bytes:
        """Return a line of OTLP JSON, redacted."""
        return self._lines.line(line)

    def span(self, span: Any) -> Any:
        """Return a redacted copy of an ended span of chronicle's own tracer; NoTenant where the policy wants one and there is none."""
        tally = Tally()
        redactor, places = self._places(span.resource)
        made = copy.copy(span)
        attributes = places.attributes(list(span.attributes.items()), tally, payloads=True)
        made.name = places.text(span.name, tally)
        if span.status.description:
            made.status = Status(span.status.status_code, places.text(span.status.description, tally))
        made.events = [_event(places, event, tally) for event in span.events]
        if span.trace_state:
            made.trace_state = TraceState(places.trace_state(list(span.trace_state.items()), tally))
        changed = bool(+tally.rules) or bool(+tally.opaque)
        made.attributes = dict(written(attributes, redactor, tally, changed=changed))
        return made

    def resource(self, resource: Resource) -> Resource:
        """Return a redacted copy of a resource."""
        tally = Tally()
        _, places = self._places(resource)
        attributes = dict(places.attributes(list(resource.attributes.items()), tally, payloads=False))
        return Resource(attributes, places.text(resource.schema_url, tally) if resource.schema_url else resource.schema_url)

    def _places(self, resource: Resource) -> tuple[Redactor, Places]:
        redactor = self._redactors.of(resource.attributes.items())
        if self._known is None or self._known[0] is not redactor:
            self._known = redactor, Places(redactor)
        return self._known


def _event(places: Places, event: Any, tally: Tally) -> Any:
    made = copy.copy(event)
    made.name = places.text(event.name, tally)
    made.attributes = dict(places.attributes(list(event.attributes.items()), tally, payloads=False))
    return made
