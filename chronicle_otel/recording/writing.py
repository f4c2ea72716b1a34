"""From a finished crossing to an ended span; runs on the background thread, one Step at a time.

Recording ──► payload trees ──► sharing ──► Envelope ──► wire.to_attributes ──► span attributes ──► span.end
                                                     └─► semconv view
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from .. import _guard, semconv, values, wire
from ..envelope import Envelope
from ..settings import Settings
from ..wire import streams as wire_streams
from .budget import shrink
from .interceptor import HttpOutput
from .naming import identity
from .sharing import Written, without_history
from .steps import Recording, RunRecording, Snapshot
from .streams import gathered, generator_chunks, sse_chunks
from .telemetry import Telemetry
from .views import function_view, pieces_of, view_of

_CLIP = 200
_CONTENT = (
    semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES, semconv.SYSTEM_INSTRUCTIONS, semconv.TOOL_DEFINITIONS,
    semconv.TOOL_CALL_ARGUMENTS, semconv.TOOL_CALL_RESULT,
)  # fmt: skip
"""Attributes of the view that hold content."""


class StepWriter:
    """Writes Steps of all Runs. `settings` bound what one span may hold."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._capture = dict(settings.capture)
        self._codes: dict[Any, str] = {}

    def write(self, item: tuple[str, Recording]) -> bool:
        """Handle one entry of the pipeline's queue; say whether it may not wait: a Run's start, without which nothing can be replayed."""
        what, step = item
        if what == "start":
            self._write_start(step)
            return True
        self._write_step(step)
        return False

    # ---- the run-start span: a killed process still leaves a partial Run that can be replayed

    def _write_start(self, root: Recording) -> None:
        run = root.run
        assert run is not None
        inputs, text = self._arguments(root)
        text = run.sharing.payload(0, semconv.INPUT, inputs, text) if self._keeps(root, "inputs") else _withheld(inputs)
        payloads = {semconv.INPUT: text, semconv.SESSION: run.sharing.payload(0, semconv.SESSION, values.to_tree(dict(run.session)))}
        function = root.boundary.function
        if function is not None:
            payloads[semconv.CODE] = run.sharing.constant(0, semconv.CODE, function, self._code(function))
        span = run.tracer.start_span(semconv.RUN_START_SPAN, trace.set_span_in_context(root.span), start_time=root.start_ns)
        run.start_span = format(span.get_span_context().span_id, "016x")
        envelope = Envelope(kind=root.boundary.kind, name=root.boundary.name, run=run.id, seq=0, payloads=self._fitting(payloads))
        span.set_attributes(wire.to_attributes(envelope))
        span.end(max(root.start_ns, time.time_ns()))

    # ---- a Step

    def _write_step(self, step: Recording) -> None:
        span = step.span
        if not span.is_recording():
            return
        try:
            payloads, view = self._payloads(step)
            run = step.run
            if run is not None:
                payloads = self._fitting(payloads)
                attributes = wire.to_attributes(self._envelope(step, run, payloads))
            else:
                attributes = {semconv.KIND: step.boundary.kind, semconv.NAME: step.boundary.name}
            span.set_attributes({**view, **attributes})
            if step.error is not None:
                span.set_attribute(semconv.ERROR_TYPE, type(step.error).__qualname__)
                span.set_status(Status(StatusCode.ERROR, _clip(step.error)))
        except Exception as error:
            _guard.failed("write the envelope of a step", error)
        finally:
            span.end(max(step.end_ns, step.start_ns))

    def _fitting(self, payloads: dict[str, str]) -> dict[str, str]:
        """Keep to the budgets; our own export fits a span when it sends it."""
        foreign = self._telemetry.writes_otlp
        limits = (self._settings.step_bytes, self._settings.span_bytes if foreign else None)
        limit = min((each for each in limits if each is not None), default=None)
        return shrink(payloads, limit, put=self._telemetry.put if foreign else None, inline=self._settings.inline_bytes)

    def _envelope(self, step: Recording, run: RunRecording, payloads: Mapping[str, str]) -> Envelope:
        is_root = step is run.root
        return Envelope(
            kind=step.boundary.kind,
            name=step.boundary.name,
            run=run.id,
            seq=step.seq,
            parent=None if step.parent is None or step.span_parent else step.parent.seq,
            parent_guess=step.guessed,
            branch=step.branch,
            lane=step.lane,
            steps=step.steps,
            lost=run.lost if is_root else 0,
            late=step.late,
            flagged=tuple(run.flags) if is_root else (),
            run_start=run.start_span if is_root else None,
            payloads=payloads,
        )

    # ---- payloads

    def _keeps(self, step: Recording, what: str) -> bool:
        capture = step.boundary.capture or self._capture.get(step.boundary.kind, "full")
        return capture == "full" or capture == f"{what}-only"

    def _payloads(self, step: Recording) -> tuple[dict[str, str], dict[str, Any]]:
        run = step.run
        keeps_input, keeps_output = self._keeps(step, "inputs"), self._keeps(step, "outputs")
        full = keeps_input and keeps_output
        payloads: dict[str, str] = {}
        view: dict[str, Any] = {}
        written: Written | None = None
        shared = _Shared(run, step.seq, target=full)

        inputs_text = "{}"
        if step.request is not None:
            if run is not None and keeps_input:
                written = run.sharing.request(step.seq, step.request, step.boundary.list_members, target=full)
                payloads[semconv.INPUT] = written.text
            else:
                body = values.tree_of_json(step.request.body)
                written = Written("", *without_history(body, step.boundary.list_members))
                payloads[semconv.INPUT] = _withheld({"method": step.request.method, "path": step.request.path, "body": body})
        else:
            inputs, inputs_text = self._arguments(step)
            if step.seq == 1 and run is not None:
                payloads[semconv.INPUT] = values.dumps({semconv.REF: [0, semconv.INPUT, []]}) if keeps_input else _withheld(inputs)
                if keeps_input and len(inputs_text) < len(payloads[semconv.INPUT]):
                    payloads[semconv.INPUT] = inputs_text
            else:
                payloads[semconv.INPUT] = shared(semconv.INPUT, inputs, inputs_text) if keeps_input else _withheld(inputs)

        outcome: Any = None
        chunks: Sequence[wire_streams.Chunk] = ()
        outcome_text: str | None = None
        parts: list[str] | None = None
        if step.form == "stream":
            outcome, chunks = self._stream(step)
            payloads[semconv.STREAM] = shared.stream(outcome) if keeps_output else _withheld(outcome)
        elif step.form == "value":
            outcome, outcome_text, parts = self._output(step)
            payloads[semconv.OUTPUT] = shared(semconv.OUTPUT, outcome, outcome_text, parts) if keeps_output else _withheld(outcome)
        if step.error is not None:
            facts = self._error(step)
            payloads[semconv.ERROR] = shared(semconv.ERROR, facts) if keeps_output else _withheld(facts)
        function = step.boundary.function
        if function is not None and run is not None:
            payloads[semconv.CODE] = run.sharing.constant(step.seq, semconv.CODE, function, self._code(function))
        if run is not None:
            self._add_circumstances(step, run, payloads, shared)
        if step.boundary.sdk is None:
            view = function_view(step.boundary, inputs_text, outcome_text, budget=self._view_budget(run) if full else 0)
        elif written is not None:
            view = self._view(step, written, self._response(step, outcome, chunks))
        if run is not None:
            run.view_left -= sum(len(view[name]) for name in _CONTENT if name in view)
        session = step.session or (run.session if run is not None else None)
        if session:
            for name in ("session.id", "session_id"):
                if isinstance(session.get(name), str):
                    view[semconv.SESSION_ID] = session[name]
        return payloads, view

    def _add_circumstances(self, step: Recording, run: RunRecording, payloads: dict[str, str], shared: Any) -> None:
        if step is run.root:
            payloads[semconv.SESSION] = shared(semconv.SESSION, values.to_tree(dict(run.session)))
            caller = self._telemetry.caller(step.span)
            if caller is not None:
                payloads[semconv.RUN_PARENT] = values.dumps(caller)
        elif step.session is not None:
            changes = {name: value for name, value in step.session.items() if not _same(run.session, name, value)}
            if changes:
                payloads[semconv.SESSION] = shared(semconv.SESSION, values.to_tree(changes))
        if step.ambient:
            payloads[semconv.AMBIENT] = values.dumps({source: [values.to_tree(v) for v in reads] for source, reads in step.ambient.items()})

    def _arguments(self, step: Recording) -> tuple[Any, str]:
        snapshot = step.arguments
        if snapshot is None:
            return {}, "{}"
        if not snapshot.copied:
            return values.loads(snapshot.text or "{}"), snapshot.text or "{}"
        args, kwargs = snapshot.value
        return _tree_and_text(step.boundary.bind(args, kwargs))

    def _output(self, step: Recording) -> tuple[Any, str, list[str] | None]:
        output = step.output
        if isinstance(output, HttpOutput):
            return _http_tree(output)
        if isinstance(output, Snapshot):
            return *_unpacked(output), None
        return None, "null", None

    def _stream(self, step: Recording) -> tuple[Any, Sequence[wire_streams.Chunk]]:
        taken = step.chunks or []
        head: Any = None
        if step.boundary.sdk is not None:
            chunks, _half = sse_chunks(taken, step.start_ns)
            if step.head is not None:
                head = {"status": step.head.status, "headers": dict(step.head.headers), "attempts": [dict(a) for a in step.head.attempts]}
        else:
            chunks = generator_chunks(taken, step.start_ns)
            if isinstance(step.returned, Snapshot):
                head = {"return": _unpacked(step.returned)[0]}
        return wire_streams.encode_stream(chunks, end=step.end or "finished", head=head), chunks

    def _error(self, step: Recording) -> dict[str, Any]:
        facts: dict[str, Any] = dict(step.output)
        if step.head is not None and step.form == "error":
            facts.update(_http_tree(step.head)[0])
        return facts

    def _code(self, function: Any) -> str:
        text = self._codes.get(function)
        if text is None:
            text = self._codes[function] = values.encode(identity(function))
        return text

    # ---- the semconv view

    def _view_budget(self, run: RunRecording | None) -> int:
        return self._settings.view_bytes if run is None else min(self._settings.view_bytes, run.view_left)

    def _view(self, step: Recording, written: Written, response: Any) -> dict[str, Any]:
        make = view_of(step.boundary.sdk)
        if make is None:
            return {}
        try:
            budget = self._view_budget(step.run)
            view = make(written.request, response, new_messages=written.new_elements, budget=budget)
        except Exception as error:
            _guard.failed("make the semconv view", error)
            return {}
        if step.request is not None and step.request.server:
            host, _, port = step.request.server.partition(":")
            view[semconv.SERVER_ADDRESS] = host
            if port.isdigit():
                view[semconv.SERVER_PORT] = int(port)
        return view

    def _response(self, step: Recording, outcome: Any, chunks: Sequence[wire_streams.Chunk]) -> Any:
        if isinstance(step.output, HttpOutput):
            return outcome["body"]
        if step.form == "stream":
            return {"events": [event["data"] for event in gathered(chunks, pieces_of(step.boundary.sdk)) if "data" in event]}
        return None


def _same(session: Mapping[str, Any], name: str, value: Any) -> bool:
    if name not in session:
        return False
    return session[name] is value or values.encode(session[name]) == values.encode(value)


class _Shared:
    """Writes a Step's payloads: with references inside a Run, plain outside."""

    __slots__ = ("_run", "_seq", "_target")

    def __init__(self, run: RunRecording | None, seq: int, *, target: bool) -> None:
        self._run, self._seq, self._target = run, seq, target

    def __call__(self, name: str, tree: Any, text: str | None = None, parts: list[str] | None = None) -> str:
        if self._run is None:
            return values.dumps(tree) if text is None else text
        return self._run.sharing.payload(self._seq, name, tree, text, parts, target=self._target)

    def stream(self, tree: dict[str, Any]) -> str:
        return values.dumps(tree) if self._run is None else self._run.sharing.stream(self._seq, tree, target=self._target)


def _tree_and_text(value: Any) -> tuple[Any, str]:
    text = values.plain(value)
    if text is not None:
        return value, text
    tree = values.to_tree(value)
    return tree, values.dumps(tree)


def _unpacked(snapshot: Snapshot) -> tuple[Any, str]:
    if not snapshot.copied:
        text = snapshot.text or "null"
        return values.loads(text), text
    return _tree_and_text(snapshot.value)


def _http_tree(output: HttpOutput) -> tuple[dict[str, Any], str, list[str]]:
    """`{status, headers, body, attempts}`, its text, and its members' texts."""
    headers = dict(output.headers.items())
    body, body_text = _body(output.body, headers) if output.body else (None, "null")
    tree: dict[str, Any] = {"status": output.status, "headers": headers, "body": body}
    parts = [values.dumps(output.status), values.dumps(headers), body_text]
    if output.attempts:
        tree["attempts"] = [dict(attempt) for attempt in output.attempts]
        parts.append(values.dumps(tree["attempts"]))
    members = [f'"{name}":{part}' for name, part in zip(tree, parts, strict=True)]
    return tree, f"{{{','.join(members)}}}", parts


def _body(data: bytes, headers: Mapping[str, str]) -> tuple[Any, str]:
    """Tree and text of a body; one that is not JSON by its content type is text, or bytes."""
    if "json" in headers.get("content-type", "json"):
        return values.tree_and_text(data)
    try:
        body: Any = data.decode()
    except UnicodeDecodeError:
        body = values.to_tree(data)
    return body, values.dumps(body)


def _withheld(tree: Any) -> str:
    """What stands for a payload that this boundary was told not to record."""
    return values.dumps({semconv.OPAQUE: {"why": "capture", "size": len(values.dumps(tree))}})


def _clip(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = type(error).__qualname__
    return text if len(text) <= _CLIP else text[: _CLIP - 1] + "…"
