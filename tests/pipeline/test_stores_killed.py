"""sender ──► collector, killed ──► Jaeger, killed; Tempo, restarted; a file: what was acknowledged is everywhere in the end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests

from .collector import Collector
from .spans import one_span, wait_for
from .stack import MISSING_PARTS, stack

pytestmark = pytest.mark.skipif(bool(MISSING_PARTS), reason=MISSING_PARTS)

TRACES = [number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128 for number in range(1, 91)]
"""Ids that are spread as random ones are."""
KILLED = 30
"""How many were sent before Jaeger was killed."""


def send_until_acknowledged(collector: Collector, trace: int, deadline: float) -> bool:
    """Send a span until the collector takes it."""
    body = one_span(trace, 1, text="The agent asked for the next page. " * 600)
    while time.monotonic() < deadline:
        try:
            answer = requests.post(
                f"http://127.0.0.1:{collector.http}/v1/traces", data=body, headers={"Content-Type": "application/x-protobuf"}, timeout=20
            )
            if answer.status_code == 200:
                return True
        except requests.RequestException:
            pass
        time.sleep(0.1)
    return False


def has(url: str, trace: int) -> bool:
    """Say whether a store knows a trace."""
    try:
        return requests.get(f"{url}/{trace:032x}", timeout=10).status_code == 200
    except requests.RequestException:
        return False


def test_what_was_acknowledged_is_everywhere_in_the_end(tmp_path: Path) -> None:
    """The collector is killed twice, Tempo restarted, Jaeger killed and away for a while, all of it under load.

    No acknowledged span is missing: in Tempo none at all, in Jaeger, whose memory went with it, none that was sent after it was killed.
    """
    deadline = time.monotonic() + 150
    with stack(tmp_path) as running:
        acknowledged: set[int] = set()
        for at, trace in enumerate(TRACES):
            if at in (20, 60):
                running.collector.kill()
                running.collector.start()
            if at == KILLED:
                running.jaeger.kill()
            if at == 50:
                running.jaeger.start()
            if at == 40 and running.tempo is not None:
                running.tempo.stop()
                running.tempo.start()
            if send_until_acknowledged(running.collector, trace, deadline):
                acknowledged.add(trace)
        assert acknowledged == set(TRACES)
        jaeger = f"{running.jaeger.url}/api/v3/traces"
        wait_for("everything since is in Jaeger", lambda: all(has(jaeger, trace) for trace in TRACES[KILLED:]))
        if running.tempo is not None:
            tempo = f"{running.tempo.url}/api/v2/traces"
            wait_for("everything is in Tempo", lambda: all(has(tempo, trace) for trace in TRACES))
