"""The Recorder: the Interceptor that lets everything run and writes down what crossed each boundary.

enter/open ──► Recording ──► … ──► ended ──► Pipeline ──► StepWriter ──► span.end ──► provider's exporters
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace

from .. import _guard, semconv
from ..settings import Settings
from . import interceptor as seams
from . import replays
from .context import lane_below
from .interceptor import Boundary, ReplayedRun
from .pipeline import Pipeline
from .sharing import Sharing
from .steps import Recording, RunRecording, snapshot_call
from .telemetry import Telemetry
from .writing import StepWriter

_OPENS_A_RUN = frozenset({"agent", "step"})
_SCRIPT_READS = 10_000
"""Ambient reads of a script outside every Step that are kept, per source: a server may read the clock for ever."""
_now = time.time_ns


class Recorder:
    """Implements `Interceptor`. `telemetry` decides where the spans go, at the first Run."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self.settings = settings
        self.telemetry = telemetry
        self._writer = StepWriter(settings, telemetry)
        self.pipeline = Pipeline(self._writer.write, telemetry.flush_file, limit=settings.queue_bytes)
        self._runs: dict[str, RunRecording] = {}
        self._lock = threading.Lock()
        self._capture = dict(settings.capture)
        self.script: tuple[Boundary, Sequence[str]] | None = None
        """The script that `chronicle run` started, and its arguments: the entry of Steps that have no other."""
        self._script_run: RunRecording | None = None
        self._script_reads: dict[str, list[Any]] = {}
        """Ambient reads of the script itself, outside every Step; its root gets them."""
        self._notice_modules: Callable[[], None] | None = None
        if settings.ambient:
            from . import ambient

            self._notice_modules = ambient.refresh

    # ---- Interceptor

    def enter(self, boundary: Boundary, args: Sequence[Any], kwargs: Mapping[str, Any], *, attach: bool = True) -> Recording | None:
        try:
            recording = self._begin(boundary)
            if recording is None:
                return None
            recording.arguments = snapshot_call(boundary, args, kwargs)
            if recording.seq == 1 and recording.run is not None:
                self._announce(recording)
            if attach:
                recording.attach()
            return recording
        except Exception as error:
            _guard.failed("record a call", error)
            return None

    def open(self, boundary: Boundary) -> Recording | None:
        try:
            recording = self._begin(boundary)
            if recording is not None:
                recording.attach()
            return recording
        except Exception as error:
            _guard.failed("record an SDK call", error)
            return None

    def flag(self, reason: str) -> None:
        recording = seams.current.get()
        if isinstance(recording, Recording) and recording.run is not None:
            recording.run.flags.append(reason)

    def ambient(self, source: str, read: Callable[[], Any]) -> Any:
        value = read()
        recording = seams.current.get()
        if isinstance(recording, Recording) and recording.run is not None and recording.form is None:
            reads = recording.ambient
            if reads is None:
                reads = recording.ambient = {}
            reads.setdefault(source, []).append(value)
        elif recording is None and self.script is not None and threading.current_thread() is threading.main_thread():
            known = self._script_reads.setdefault(source, [])
            if len(known) < _SCRIPT_READS:
                known.append(value)
        return value

    # ---- a Step begins

    def _begin(self, boundary: Boundary) -> Recording | None:
        capture = boundary.capture or self._capture.get(boundary.kind)
        if capture == "off":
            return None
        if self._notice_modules is not None:
            self._notice_modules()
        start = _now()
        parent = seams.current.get()
        if parent is not None and not isinstance(parent, Recording):
            return None  # a Replayer's Step: this Recorder is not in charge there
        guessed = late = False
        run = parent.run if parent is not None else None
        if run is not None and run.elsewhere:
            if boundary.kind != "agent":
                return self._view_only(boundary, start)
            run = parent = None
        if run is not None and run.ended:
            parent = None
            if len(self._runs) or boundary.kind == "agent":
                run = None
            else:
                late, parent = True, run.root
        if run is None:
            if boundary.kind == "agent" or (not self._runs and boundary.kind in _OPENS_A_RUN and self.script is None):
                return self._open_run(boundary, start)
            run, guessed = self._adopt()
            if run is None and self.script is not None:
                run = self._run_of_script(start)
            parent = run.root if run is not None else None
        if run is None:
            return self._view_only(boundary, start)
        assert parent is not None

        context = otel_context.get_current()
        span_parent = context is parent.otel_context
        if not span_parent:
            under = trace.get_current_span(context)
            span_parent = under is parent.span
            if not span_parent and under.get_span_context().trace_id != parent.span.get_span_context().trace_id:
                context, span_parent = trace.set_span_in_context(parent.span, context), True
        span = run.tracer.start_span(_span_name(boundary), context, _span_kind(boundary), start_time=start)
        recording = Recording(self, run, parent, boundary, span, start, trace.set_span_in_context(span, context))
        recording.seq = next(run.seq)
        recording.span_parent = span_parent
        recording.guessed = guessed
        recording.late = late
        recording.branch = seams.branch.get()
        recording.lane = lane_below(parent)
        session = seams.session.get()
        if session is not None and session is not run.session:
            recording.session = session
        run.open[recording.seq] = recording
        return recording

    def _open_run(self, boundary: Boundary, start: int, *, adopts: bool = True) -> Recording | None:
        context = otel_context.get_current()
        tracer = self.telemetry.tracer()
        span = tracer.start_span(_span_name(boundary), context, _span_kind(boundary), start_time=start)
        if not span.is_recording():  # whole Runs or none: the root's sampling decision holds for all of it
            return None
        session = self.telemetry.session_of(context, seams.session.get())
        run = RunRecording(secrets.token_hex(16), tracer, Sharing(), session, self.settings.view_run_bytes)
        self.telemetry.stamp_run_id(span, run.id)
        recording = Recording(self, run, None, boundary, span, start, trace.set_span_in_context(span, context))
        recording.seq = next(run.seq)
        recording.branch = seams.branch.get()
        run.root = recording
        run.open[1] = recording
        if adopts:
            with self._lock:
                self._runs[run.id] = run
        return recording

    def _adopt(self) -> tuple[RunRecording | None, bool]:
        """A crossing without context: the only open Run takes it; of several, each counts it as lost."""
        with self._lock:
            runs = list(self._runs.values())
        if len(runs) == 1:
            return runs[0], True
        for run in runs:
            run.lost += 1
        return None, False

    def _run_of_script(self, start: int) -> RunRecording | None:
        """The Run of the whole process; it begins with the first Step that has no other entry."""
        assert self.script is not None
        with self._lock:
            if self._script_run is None:
                boundary, arguments = self.script
                root = self._open_run(boundary, start, adopts=False)
                if root is None or root.run is None:
                    return None
                root.arguments = snapshot_call(boundary, arguments, {})
                root.ambient = self._script_reads
                self._script_run = root.run
                self._announce(root)
            return self._script_run

    def end_script(self, error: BaseException | None = None) -> None:
        """End the script's Run, if one was begun."""
        run, self._script_run, self.script, self._script_reads = self._script_run, None, None, {}
        if run is None or run.root is None:
            return
        if error is None:
            run.root.finish(None)
        else:
            run.root.fail(error)

    def _view_only(self, boundary: Boundary, start: int) -> Recording | None:
        context = otel_context.get_current()
        span = self.telemetry.tracer().start_span(_span_name(boundary), context, _span_kind(boundary), start_time=start)
        if not span.is_recording():
            return None
        return Recording(self, None, None, boundary, span, start, trace.set_span_in_context(span, context))

    def _announce(self, root: Recording) -> None:
        run = root.run
        assert run is not None
        run.start_span = None
        self.pipeline.put(("start", root), 0, urgent=True)

    # ---- a Step ends

    def ended(self, recording: Recording) -> None:
        """Take a Step that has its outcome; called once by the Step itself."""
        run = recording.run
        if run is None:
            self.pipeline.put(("step", recording), recording.cost())
            return
        run.open.pop(recording.seq, None)
        if recording is run.root:
            self._close_run(run, recording)
        self.pipeline.put(("step", recording), recording.cost())

    def _close_run(self, run: RunRecording, root: Recording) -> None:
        for step in list(run.open.values()):
            if step.chunks is not None:  # a stream that nobody reads any more is a reference cycle: it would never end
                step.end_stream("abandoned")
        run.ended = True
        root.steps = next(run.seq) - 1
        with self._lock:
            self._runs.pop(run.id, None)

    def replayed(self, run: ReplayedRun) -> None:
        """Write a replay as a trace of its own, where its spans go to the application's provider or `replays` is set."""
        try:
            tracer = self.telemetry.tracer()
            if self.settings.replays if self.settings.replays is not None else self.telemetry.exports:
                replays.write(run, tracer)
        except Exception as error:
            _guard.failed("write the trace of a replay", error)

    # ---- the process

    def flush(self) -> None:
        """Write what has ended so far to the exporters."""
        with self.telemetry.bounded():
            self.pipeline.flush()
            self.telemetry.flush()

    def shutdown(self) -> None:
        """End open streams as abandoned, write everything, stop the worker."""
        self.end_script()
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            for step in list(run.open.values()):
                if step.chunks is not None:
                    step.end_stream("abandoned")
        with self.telemetry.bounded():
            self.pipeline.stop()
            with contextlib.suppress(Exception):
                self.telemetry.shutdown()

    def forget(self) -> None:
        """In a forked child: nothing of the parent's queue or open Runs is ours to write."""
        self.pipeline.forget()
        self._lock = threading.Lock()
        for run in (*self._runs.values(), *([self._script_run] if self._script_run is not None else [])):
            run.ended = run.elsewhere = True
        self._runs = {}
        self.script, self._script_run, self._script_reads = None, None, {}
        self.telemetry.forget()


def _span_name(boundary: Boundary) -> str:
    operation = semconv.OPERATION_OF_KIND.get(boundary.kind)
    short = boundary.name.rsplit(".", 1)[-1] if boundary.sdk is None else boundary.name
    return f"{operation} {short}" if operation and boundary.sdk is None else short


def _span_kind(boundary: Boundary) -> trace.SpanKind:
    return trace.SpanKind.CLIENT if boundary.sdk else trace.SpanKind.INTERNAL
