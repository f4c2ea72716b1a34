"""A replay as a trace: one span per crossing, stamped with the Run that it replays.

Replayer ──► ReplayedRun (data) ──► Recorder.replayed ──► spans through the provider in use
"""

from __future__ import annotations

import secrets

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from .. import semconv, values, wire
from ..envelope import Envelope
from .interceptor import ReplayedRun, ReplayedStep
from .sharing import Sharing


def write(run: ReplayedRun, tracer: trace.Tracer) -> None:
    """Make the spans of a replay; children end before their root."""
    run_id = secrets.token_hex(16)
    sharing = Sharing()
    spans: dict[int, trace.Span] = {}
    outside = otel_context.get_current()
    for step in run.steps:
        parent = spans.get(step.parent) if step.parent is not None else None
        context = trace.set_span_in_context(parent, outside) if parent is not None else outside
        spans[step.seq] = tracer.start_span(f"replay {step.name}", context, start_time=step.start_ns)
    for step in reversed(run.steps):
        span = spans[step.seq]
        span.set_attributes(wire.to_attributes(_envelope(run, run_id, step, sharing)))
        if step.level is not None:
            span.set_attribute(semconv.REPLAY_LEVEL, step.level)
        problem = step.refused or step.divergence
        if problem is not None:
            span.set_status(Status(StatusCode.ERROR, problem))
        span.end(max(step.end_ns, step.start_ns))


def _envelope(run: ReplayedRun, run_id: str, step: ReplayedStep, sharing: Sharing) -> Envelope:
    payloads = {semconv.INPUT: sharing.payload(step.seq, semconv.INPUT, step.input)}
    if step.error is not None:
        payloads[semconv.ERROR] = values.dumps(step.error)
    elif step.refused is None:
        payloads[semconv.OUTPUT] = sharing.payload(step.seq, semconv.OUTPUT, step.output)
    is_root = step is run.steps[0]
    if is_root:
        payloads[semconv.SESSION] = values.encode(dict(run.session))
    return Envelope(
        kind=step.kind,
        name=step.name,
        run=run_id,
        seq=step.seq,
        steps=len(run.steps) if is_root else None,
        replay_of=run.of,
        verdict=run.verdict if is_root else None,
        divergence=step.divergence,
        payloads=payloads,
    )
