"""The whole examination of a pipeline: make a probe, send it, read it back, judge.

endpoint ◄──probe── here ──looks──► store ──► Report
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from chronicle_otel.doctor.arrival import judged
from chronicle_otel.doctor.diagnosis import Report
from chronicle_otel.doctor.ladder import Where
from chronicle_otel.doctor.probe import SERVICE, make
from chronicle_otel.doctor.sending import Arrived, Store, receive, send
from chronicle_otel.recording.export.client import client_of
from chronicle_otel.recording.export.endpoint import of_environment
from chronicle_otel.recording.export.sender import exporting

WAIT = 30.0
"""Seconds that a probe may take; stores have the newest data after some seconds, tail samplers after decision_wait."""


def examined(
    store: str,
    *,
    endpoint: str | None = None,
    environ: Mapping[str, str] | None = None,
    wait: float = WAIT,
    small: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Report:
    """Send a probe to an OTLP endpoint (default: that of the environment), read it back from `store`, and say what was lost.

    `told` hears what is going on. UsageError for a wrong address; SourceError where the store cannot be asked at all.
    """
    goal = of_environment(endpoint=endpoint) if environ is None else of_environment(environ, endpoint=endpoint)
    source = Store(store)
    source.reachable()
    probe = make(time.time_ns(), small=small)
    size = f"{probe.bytes / 1e6:.1f} MB in {len(probe.spans)} spans and {len(probe.traces)} traces of service {SERVICE}"
    told(f"probe {probe.id}: {size} to {goal}")
    arrived = Arrived()
    client = client_of(goal)
    try:
        with exporting():
            arrived.answers = send(probe, client, goal.timeout, told)
    finally:
        client.close()
    if arrived.taken():
        receive(probe, arrived, source, wait, told)
    return judged(probe, arrived, Where(str(goal), store, source.kind))
