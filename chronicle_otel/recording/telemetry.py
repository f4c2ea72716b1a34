"""Where recorded spans go: the application's provider if it has one, else a private one that writes a local file.

With `export="own"` they go to an OTLP endpoint by themselves, whatever the application has.

Decided when the first Run starts, not at `init`: applications often set their provider after importing everything.
The global provider is never set by us; the application's own later call would be refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from opentelemetry import baggage, trace

from .. import _guard
from ..errors import UsageError
from ..semconv import BAGGAGE_PREFIX
from ..settings import Settings
from ..version import __version__
from .budget import Put
from .export import endpoint as endpoints
from .file_exporter import FileSpanProcessor
from .file_spans import FileSpan, FileTracer, Scope, Sink
from .limits import Limit, application_limits, sampler_limits
from .resource import ChronicleResourceDetector, process_facts

SCOPE = "chronicle_otel"
DEFAULT_FOLDER = ".chronicle"


class Redaction(Protocol):
    """Makes what may leave the process; raises where it cannot."""

    def line(self, line: bytes) -> bytes:
        """A line of OTLP JSON."""
        ...

    def span(self, span: Any) -> Any:
        """A copy of an ended span."""
        ...

    def resource(self, resource: Any) -> Any:
        """A copy of a resource."""
        ...


class Telemetry:
    """Owner of the tracer and of the sinks of our own: a file, an OTLP endpoint."""

    def __init__(
        self, settings: Settings, path: str | None, *, own: bool = True, redact: Redaction | None = None, put: Put | None = None
    ) -> None:
        """`own`: where the application has no provider, write a file; else record nothing until it has one. `put`: the external store."""
        self._settings = settings
        self._redact = redact
        self._path = path
        self._own = own
        self._tracer: trace.Tracer | None = None
        self._file: FileSpanProcessor | None = None
        self._otlp: Any = None
        self.put = put
        """Moves a string to the external store; for spans that leave by OTLP."""
        self._facts: Mapping[str, Any] = {}
        self._lock = threading.Lock()
        self.writes_otlp = False
        """Spans leave by the application's exporters, which cannot take a span of any size."""

    @property
    def exports(self) -> bool:
        """Spans go into a pipeline: the application's, or by our own export."""
        return self.writes_otlp or self._otlp is not None

    @property
    def endpoint(self) -> str | None:
        """Where our own export sends to, once the first Run has started."""
        return self._otlp.where if self._otlp is not None else None

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
        if self._settings.export == "own":
            return self._own_export(provider)
        if self._redact is not None:
            return self._private()
        if isinstance(provider, _NO_PROVIDER):
            if self._own and self._path is None and (variable := endpoints.named()):
                _guard.warn_once(
                    "find the provider that an endpoint is meant for",
                    f"{variable} is set, and the application has no TracerProvider: what is recorded is written to ./{DEFAULT_FOLDER}; "
                    'chronicle.init(export="own") sends it to that endpoint',
                )
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
        _warn_of(application_limits(provider))
        return provider.get_tracer(SCOPE, __version__)

    def _private(self) -> trace.Tracer:
        self._file = self._new_file(self._path if self._path is not None else DEFAULT_FOLDER)
        return FileTracer(self._file, self._resource(None), Scope(SCOPE, __version__))

    def _new_file(self, path: str) -> FileSpanProcessor:
        return FileSpanProcessor(path, self._redact.line if self._redact is not None else None)

    def _resource(self, provider: Any) -> Any:
        """The application's resource with our facts of the process, or one of our own where it has none."""
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource, get_aggregated_resources

        given = getattr(provider, "resource", None)
        if isinstance(given, Resource):
            return ChronicleResourceDetector().detect().merge(given)
        name = {"service.name": self._settings.service_name} if self._settings.service_name else {}
        try:
            return get_aggregated_resources([ChronicleResourceDetector()], Resource.create(name))
        except RuntimeError:  # it asks in threads, and at exit none can be started any more
            ours = Resource({"service.name": "unknown_service"}).merge(ChronicleResourceDetector().detect())
            return ours.merge(OTELResourceDetector().detect()).merge(Resource(name))

    def _own_export(self, provider: Any) -> trace.Tracer:
        """A private tracer whose spans go to the endpoint of the environment, and to a file if a path was given."""
        from opentelemetry.sdk.trace import TracerProvider

        from .export import sink_of
        from .export.tracer import SampledTracer

        sinks: list[Sink] = []
        resource, scope = self._resource(provider), Scope(SCOPE, __version__)
        if self._path is not None:
            self._file = self._new_file(self._path)
            sinks.append(self._file)
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            _guard.warn_once("export where telemetry is switched off", "OTEL_SDK_DISABLED is true: nothing is sent; unset it to export")
        else:
            self._otlp = sink_of(self._settings, resource, scope, redact=self._redact, put=self.put)
            sinks.append(self._otlp)
        if not sinks:
            return trace.NoOpTracer()
        _warn_of(sampler_limits(provider))
        sampler = getattr(provider, "sampler", None) or TracerProvider(shutdown_on_exit=False, resource=resource).sampler
        return SampledTracer(_Sinks(sinks), resource, scope, sampler)

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
        """Write the spans that are waiting to the file, and have them sent."""
        if self._file is not None:
            self._file.write_pending()
        if self._otlp is not None:
            self._otlp.write_pending()

    def bounded(self) -> contextlib.AbstractContextManager[None]:
        """Inside, what is written and sent takes no longer than our own export may."""
        return self._otlp.bounded() if self._otlp is not None else contextlib.nullcontext()

    def flush(self) -> None:
        """Write the file and ask who exports to do so."""
        self._flush()
        if self._otlp is not None:
            self._otlp.flush()

    def _flush(self) -> None:
        self.flush_file()
        if self.writes_otlp:
            provider = self._settings.tracer_provider or trace.get_tracer_provider()
            flush = getattr(provider, "force_flush", None)
            if flush is not None:
                flush()

    def shutdown(self) -> None:
        """Close what is ours; the application's provider is only flushed."""
        self._flush()
        if self._file is not None:
            self._file.shutdown()
        if self._otlp is not None:
            self._otlp.shutdown()

    def forget(self) -> None:
        """In a forked child: write to a file of its own, on a connection of its own."""
        self._lock = threading.Lock()
        if self._otlp is not None:
            self._otlp.forget()
        if self._file is not None:
            self._file.forget()
        if isinstance(self._tracer, FileTracer):
            self._tracer.forget()


def _warn_of(limits: Sequence[Limit]) -> None:
    for limit in limits:
        _guard.warn_once(f"check the limits of the SDK ({limit.where})", str(limit))


_NO_PROVIDER = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)
"""What the API hands out as long as the application has set no provider."""


class _Sinks:
    """Hands spans to several sinks."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def on_end(self, span: Any) -> None:
        for sink in self._sinks:
            sink.on_end(span)

    def write_pending(self) -> None:
        for sink in self._sinks:
            sink.write_pending()

    def shutdown(self) -> None:
        for sink in self._sinks:
            sink.shutdown()

    def forget(self) -> None:
        for sink in self._sinks:
            sink.forget()
