"""How long an export keeps the application waiting: two applications, with OpenTelemetry's exporter and with ours, turn and turn about.

    busy    work for half a millisecond, record a Step, again: never gives the interpreter up by itself
    paced   sleep a millisecond, work for half of one, record a Step

A stall is what a turn took beyond the median turn, wherever in the turn it came; time that the thread could run and had no
processor (`/proc/…/schedstat`) is the machine's and is taken off. A single run says little: a dozen turns decide it. So both
exporters take their rounds of a thousand turns in one process, one after the other and in changing order; reported are the
median of the rounds' 99.9th percentiles and the least and the greatest of them. `python -m tests.bench.stall` measures this alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench import export

WORK = 0.0005
"""Seconds of computing in each turn."""
PAUSES = {"busy": 0.0, "paced": 0.001}
"""Seconds of sleep in each turn, by application."""
TURNS = 1_000
ROUNDS = 5
_LATE = 0.0003
"""Seconds beyond its plan after which a turn is looked at more closely."""
WAYS = ("bare", "official", "own")


def rows() -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    """Yield application, protocol, span size, and for each way its `stall`, `least`, `most` (ms) and `lost`."""
    for app in PAUSES:
        for protocol in ("grpc", "http/protobuf"):
            for size in export.SIZES:
                found, seen = export.child("stall", protocol, app, str(size))
                rounds: dict[str, list[float]] = found["rounds"]
                yield (
                    app,
                    protocol,
                    size,
                    {
                        way: {
                            "stall": statistics.median(rounds[way]),
                            "least": min(rounds[way]),
                            "most": max(rounds[way]),
                            "lost": max(0.0, 1 - seen.get(way, 0) / found["ended"]),
                        }
                        for way in WAYS
                    },
                )


def table() -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| 99.9th percentile of a turn's stall, and its spread | application alone | OpenTelemetry | lost | chronicle | lost |"
    yield "|---|---:|---:|---:|---:|---:|"
    for app, protocol, size, ways in rows():
        cells = [f"{ways['bare']['stall']:.1f} ms"]
        for way in (ways["official"], ways["own"]):
            cells += [f"{way['stall']:.1f} ms ({way['least']:.1f} to {way['most']:.1f})", f"{way['lost']:.0%}"]
        yield f"| {app}, {protocol}, {size // 1000} KB | {' | '.join(cells)} |"


# ---- the process that is measured ----------------------------------------------------------------


def measured(protocol: str, app: str, size: int, port: str) -> dict[str, Any]:
    """Run all rounds. `rounds`: the 99.9th percentiles in ms by way; `ended`: Steps of each way that should have arrived."""
    os.environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    application = _Application(PAUSES[app])
    text = "".join(random.choices("abcdefghij ,.", k=size - 600))
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    exports = {"bare": _bare, "official": _official, "own": _own}
    for way in WAYS:
        exports[way](application, protocol, text, TURNS // 5)  # warm: imports, caches
    for at in range(ROUNDS):
        if at % 2 == 0:
            found["bare"].append(_percentile(_bare(application, protocol, text, TURNS)))
        for way in ("official", "own") if at % 2 else ("own", "official"):
            found[way].append(_percentile(exports[way](application, protocol, text, TURNS)))
    return {"rounds": found, "ended": TURNS // 5 + ROUNDS * TURNS}


def _percentile(took: list[float]) -> float:
    took.sort()
    return (took[int(len(took) * 0.999) - 1] - statistics.median(took)) * 1e3


def _bare(application: _Application, _protocol: str, _text: str, turns: int) -> list[float]:
    return application.run(lambda at: at, turns)


def _official(application: _Application, protocol: str, text: str, turns: int) -> list[float]:
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(shutdown_on_exit=False)
    batch = min(512, 2_000_000 // len(text))
    provider.add_span_processor(export.official(protocol, os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], None, batch))
    tracer = provider.get_tracer("official", "1")

    def step(_at: int) -> None:
        with tracer.start_as_current_span("step") as span:
            span.set_attribute("output", text)

    try:
        return application.run(step, turns)
    finally:
        provider.shutdown()


def _own(application: _Application, _protocol: str, text: str, turns: int) -> list[float]:
    import chronicle_otel as chronicle

    chronicle.init(export="own", instrument=False, unsent_bytes=0, shutdown_seconds=60)

    @chronicle.tool(name="step")
    def step(at: int) -> str:
        return f"{at}{text}"

    @chronicle.agent(name="bench")
    def bench() -> list[float]:
        return application.run(step, turns)

    try:
        return bench()
    finally:
        chronicle.shutdown()


class _Application:
    """Takes turns; what each took, in seconds, without the time that the machine had no processor for it."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._loops = 1_000
        took: list[float] = []
        for _ in range(200):
            began = time.perf_counter()
            self._work()
            took.append(time.perf_counter() - began)
        self._loops = int(self._loops * WORK / statistics.median(took))

    def _work(self) -> None:
        x = 0
        for at in range(self._loops):
            x = (x * 31 + at) & 0xFFFF

    def run(self, step: Callable[[int], Any], turns: int) -> list[float]:
        plan = WORK + self._pause
        took: list[float] = []
        with _unscheduled() as unscheduled:
            known = unscheduled()
            ended = time.perf_counter()
            for at in range(turns):
                began = ended
                if self._pause:
                    time.sleep(self._pause)
                self._work()
                step(at)
                ended = time.perf_counter()
                lasted = ended - began
                if lasted > plan + _LATE:
                    now = unscheduled()
                    lasted -= min(now - known, lasted - plan)
                    known = now
                took.append(lasted)
        return took


@contextlib.contextmanager
def _unscheduled() -> Iterator[Callable[[], float]]:
    """Seconds that this thread has waited for a processor; read without giving the interpreter up, which `os.pread` does."""
    try:
        descriptor = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:  # no Linux: what the machine takes counts as a stall
        yield lambda: 0.0
        return
    pread = ctypes.PyDLL(None).pread
    pread.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long)
    buffer = ctypes.create_string_buffer(100)

    def read() -> float:
        length = pread(descriptor, buffer, 99, 0)
        return int(buffer.raw[:length].split()[1]) / 1e9

    try:
        yield read
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    for line in table():
        print(line)
        sys.stdout.flush()
