"""The tracer of our own export: its Steps are part of the application's traces, and obey the application's sampler.

application's span ──parent──► Step ──parent──► application's span (an HTTP client's, say)      two exports, one trace
"""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import SpanContext, SpanKind

from ..file_spans import FileSpan, FileTracer


class SampledTracer(FileTracer):
    """Makes spans for a sink; whether a Run is recorded is decided at its root, by `sampler`."""

    def __init__(self, file: Any, resource: Any, scope: Any, sampler: Sampler) -> None:
        super().__init__(file, resource, scope)
        self._sampler = sampler

    def start_span(self, name: str, context: Any = None, kind: SpanKind = SpanKind.INTERNAL, *args: Any, **kwargs: Any) -> Any:
        span = super().start_span(name, context, kind, *args, **kwargs)
        if type(trace.get_current_span(context)) is FileSpan:  # below a Step: whole Runs or none
            return span
        verdict = self._sampler.should_sample(context, span.trace_id, name, kind, None, None)
        if verdict.decision is Decision.RECORD_AND_SAMPLE:
            if verdict.trace_state:
                span.trace_state = verdict.trace_state
            return span
        return trace.NonRecordingSpan(SpanContext(span.trace_id, span.span_id, False, trace.TraceFlags(), verdict.trace_state))
