"""Where recorded spans go: the application's provider if it has one, else a private one that writes a local file.

Decided when the first Run starts, not at `init`: applications often set their provider after importing everything.
The global provider is never set by us; the application's own later call would be refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import baggage, trace

from .. import _guard
from ..errors import UsageError
from ..semconv import BAGGAGE_PREFIX
from ..settings import Settings
from ..version import __version__
from .file_exporter import FileSpanProcessor
from .file_spans import FileSpan, FileTracer, Scope
from .resource import ChronicleResourceDetector, process_facts

SCOPE = "chronicle_otel"
DEFAULT_FOLDER = ".chronicle"


class Telemetry:
    """Owner of the tracer and of the file, if one is written."""

    def __init__(self, settings: Settings, path: str | None, *, own: bool = True, redact: Callable[[bytes], bytes] | None = None) -> None:
        """`own`: where the application has no provider, write a file; else record nothing until it has one. `redact`: a line → a line."""
        self._settings = settings
        self._redact = redact
        self._path = path
        self._own = own
        self._tracer: trace.Tracer | None = None
        self._file: FileSpanProcessor | None = None
        self._facts: Mapping[str, Any] = {}
        self._lock = threading.Lock()
        self.writes_otlp = False
        """Spans leave by the application's exporters, which cannot take a span of any size."""

    @property
    def file_path(self) -> str | None:
        """The file that is written, once the first span was."""
        return self._file.path if self._file is not None else None

    def tracer(self) -> trace.Tracer:
        """Return the tracer; the first call decides whose provider it belongs to."""
        tracer = self._tracer
        if tracer is None:
            with self._lock:
                tracer = self._tracer or self._decide()
                self._tracer = None if isinstance(tracer, trace.NoOpTracer) else tracer
        return tracer

    def _decide(self) -> trace.Tracer:
        provider = self._settings.tracer_provider or trace.get_tracer_provider()
        if self._redact is not None:
            return self._private()
        if isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
            return self._private() if self._own else trace.NoOpTracer()
        self.writes_otlp = True
        if self._path is not None:
            add = getattr(provider, "add_span_processor", None)
            if add is None:
                raise UsageError(
                    f"init: a path was given, but the application's tracer provider ({type(provider).__name__}) takes no span processor; "
                    "leave the path out, or export through that provider"
                )
            self._file = FileSpanProcessor(self._path)
            add(self._file)
        known = getattr(getattr(provider, "resource", None), "attributes", {})
        self._facts = {key: value for key, value in process_facts().items() if key not in known}
        self._warn_of_limits(provider)
        return provider.get_tracer(SCOPE, __version__)

    def _private(self) -> trace.Tracer:
        from opentelemetry.sdk.resources import Resource, get_aggregated_resources

        name = {"service.name": self._settings.service_name} if self._settings.service_name else {}
        resource = get_aggregated_resources([ChronicleResourceDetector()], Resource.create(name))
        self._file = FileSpanProcessor(self._path if self._path is not None else DEFAULT_FOLDER, self._redact)
        return FileTracer(self._file, resource, Scope(SCOPE, __version__))

    def _warn_of_limits(self, provider: Any) -> None:
        limits = getattr(provider, "_span_limits", None)
        length = getattr(limits, "max_span_attribute_length", None) or getattr(limits, "max_attribute_length", None)
        if isinstance(length, int) and length < 2000:
            _guard.warn_once(
                "check the span limits",
                f"the tracer provider cuts attributes at {length} characters; recordings made with it cannot be replayed: "
                "unset OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT and OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, or give init a path",
            )

    # ---- facts of a Run

    def session_of(self, context: Any, variables: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Session variables in force at a Run's root: from the caller's baggage, the process's facts, and our own."""
        merged: dict[str, Any] = dict(self._facts)
        for key, value in baggage.get_all(context).items():
            if key.startswith(BAGGAGE_PREFIX) and isinstance(value, str):
                try:
                    merged[key.removeprefix(BAGGAGE_PREFIX)] = json.loads(value)
                except ValueError:
                    merged[key.removeprefix(BAGGAGE_PREFIX)] = value
        if not merged and variables is not None:
            return variables
        merged.update(variables or {})
        return merged

    def caller(self, span: trace.Span) -> list[str] | None:
        """`[run id, span id]` of the calling service's Step, if the root continues a trace that a Run started elsewhere."""
        parent = getattr(span, "parent", None)
        if parent is None or not parent.is_remote:
            return None
        run = parent.trace_state.get("chronicle")
        return [run, format(parent.span_id, "016x")] if run else None

    def stamp_run_id(self, span: trace.Span, run_id: str) -> None:
        """Put the run id into the trace state that goes on to called services; samplers hand it to children."""
        if isinstance(span, FileSpan):
            state = span.trace_state or trace.TraceState()
            span.trace_state = state.update("chronicle", run_id) if "chronicle" in state else state.add("chronicle", run_id)
            return
        before = span.get_span_context()
        state = before.trace_state
        state = state.update("chronicle", run_id) if "chronicle" in state else state.add("chronicle", run_id)
        after = trace.SpanContext(before.trace_id, before.span_id, before.is_remote, before.trace_flags, state)
        if hasattr(span, "_context"):
            span._context = after  # type: ignore[attr-defined]  # the SDK has no public way before the span ends

    # ---- writing

    def flush_file(self) -> None:
        """Write the spans that are waiting to the file."""
        if self._file is not None:
            self._file.write_pending()

    def flush(self) -> None:
        """Write the file and ask the provider in use to export."""
        self.flush_file()
        if self.writes_otlp:
            provider = self._settings.tracer_provider or trace.get_tracer_provider()
            flush = getattr(provider, "force_flush", None)
            if flush is not None:
                flush()

    def shutdown(self) -> None:
        """Close what is ours; the application's provider is only flushed."""
        self.flush()
        if self._file is not None:
            self._file.shutdown()

    def forget(self) -> None:
        """In a forked child: write to a file of its own."""
        self._lock = threading.Lock()
        if self._file is not None:
            self._file.forget()
        if isinstance(self._tracer, FileTracer):
            self._tracer.forget()
