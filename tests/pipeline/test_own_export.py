"""Our own export into the real collector: what OpenTelemetry's default batches lose arrives, also where the collector is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import chronicle_otel as chronicle
from tests.conftest import environment

from .collector import BINARY, MISSING, Collector

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

CONFIG = """
receivers: {otlp: {protocols: {grpc: {endpoint: "${env:CHRONICLE_GRPC}"}, http: {endpoint: "${env:CHRONICLE_HTTP}"}}}}
exporters: {file: {path: "${env:CHRONICLE_OUTPUT}", flush_interval: 100ms, append: true}}
extensions: {health_check: {endpoint: "${env:CHRONICLE_HEALTH}"}}
service: {telemetry: {metrics: {level: none}}, extensions: [health_check], pipelines: {traces: {receivers: [otlp], exporters: [file]}}}
"""
"""Receivers with their default limits: 4 MiB for gRPC, 20 MiB for HTTP."""

AGENT = """
import sys, time
from pathlib import Path
import chronicle_otel as chronicle
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

@chronicle.tool(name="fetch")
def fetch(size, at):
    return f"{at:08d}" + "x" * (size - 8)

@chronicle.agent(name="collect")
def collect(count, size, pause):
    for at in range(count):
        fetch(size, at)
        time.sleep(pause)
    return count

if __name__ == "__main__":
    count, size, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    if sys.argv[4] == "application":
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=60_000))
        trace.set_tracer_provider(provider)
        chronicle.init(instrument=False)
    else:
        chronicle.init(instrument=False, export="own", unsent="unsent", shutdown_seconds=float(sys.argv[5]))
    collect(count, size, pause)
    chronicle.shutdown()
"""


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "collecting.py").write_text(AGENT)
    return Collector(tmp_path, tmp_path / "config.yaml", CHRONICLE_OUTPUT=str(tmp_path / "arrived.jsonl"))


def endpoint(collector: Collector, protocol: str) -> dict[str, str]:
    port = collector.grpc if protocol == "grpc" else collector.http
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}


def started(collector: Collector, protocol: str, *arguments: str) -> subprocess.Popen[str]:
    folder = collector.log.parent
    command = [sys.executable, "collecting.py", *arguments]
    env = environment({**endpoint(collector, protocol), "PYTHONUNBUFFERED": "1"})
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def arrived(collector: Collector, wanted: Callable[[chronicle.Run], bool]) -> chronicle.Run:
    """The Run in the collector's file, as soon as it is what is wanted."""
    path = collector.log.parent / "arrived.jsonl"
    deadline = time.monotonic() + 20
    while True:
        try:
            run = chronicle.load(path)
            if wanted(run):
                return run
        except (chronicle.ChronicleError, OSError):
            pass
        assert time.monotonic() < deadline, "it has not arrived"
        time.sleep(0.1)


def replayed(folder: Path, source: str) -> int:
    command = [sys.executable, "-m", "chronicle_otel.cli", "replay", source, "--entry", "collecting:collect"]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, timeout=120).returncode


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_four_hundred_large_steps_arrive_and_replay(collector: Collector, protocol: str, tmp_path: Path) -> None:
    """20 MB of Steps of 50 KB, and a single one of 2 MB, pass receivers with their default limits."""
    with collector:
        assert started(collector, protocol, "400", "50000", "0", "own", "20").wait(60) == 0
        run = arrived(collector, lambda run: len(run.steps) == 401)
        assert run.checks.ok
        (tmp_path / "arrived.jsonl").rename(tmp_path / "first.jsonl")
    assert replayed(tmp_path, "first.jsonl") == 0
    with collector:
        assert started(collector, protocol, "1", "2000000", "0", "own", "20").wait(60) == 0
        assert arrived(collector, lambda run: len(run.steps) == 2).checks.ok
    assert not (tmp_path / "unsent").exists()


def test_the_applications_default_batches_lose_them_and_init_says_so(collector: Collector, tmp_path: Path) -> None:
    """The scenario that our own export is for: a batch by count is one request of 20 MB, and the warning names the way out."""
    with collector:
        process = started(collector, "grpc", "400", "50000", "0", "application")
        _, said = process.communicate(timeout=90)
        assert process.returncode == 0
    text = (tmp_path / "arrived.jsonl").read_text() if (tmp_path / "arrived.jsonl").exists() else ""
    assert text.count('"spanId"') < 402
    assert "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" in said
    assert 'chronicle.init(export="own")' in said


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_collector_that_is_killed_loses_nothing_that_it_did_not_take(collector: Collector, protocol: str, tmp_path: Path) -> None:
    """Killed in the middle and started again: what it had not acknowledged is sent to the new one."""
    with collector:
        process = started(collector, protocol, "150", "50000", "0.02", "own", "20")
        arrived(collector, lambda run: len(run.steps) > 20)
        time.sleep(0.3)  # so that its file holds what it has acknowledged: its buffer is not what is tested
        collector.kill()
        collector.start()
        assert process.wait(60) == 0, process.stderr.read() if process.stderr else ""
        time.sleep(1)
    sources = [tmp_path / "arrived.jsonl", *(tmp_path / "unsent").glob("*.jsonl")]
    (tmp_path / "all.jsonl").write_bytes(b"\n".join(path.read_bytes() for path in sources))
    run = chronicle.load(tmp_path / "all.jsonl")
    missing = [finding.message for finding in run.checks.findings if finding.kind == "missing_step"]
    assert len(missing) <= 8, "no more than the collector had in its own buffer"


def test_what_an_absent_collector_did_not_take_is_sent_later(collector: Collector, tmp_path: Path) -> None:
    """Away → a folder → `chronicle send` → the collector's file, which replays."""
    assert started(collector, "grpc", "50", "50000", "0", "own", "0.5").wait(60) == 0
    with collector:
        command = [sys.executable, "-m", "chronicle_otel.cli", "send", "unsent", "--delete"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(endpoint(collector, "grpc")), capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, "sent 52 spans" in done.stdout) == (0, True), done.stderr
        assert arrived(collector, lambda run: len(run.steps) == 51).checks.ok
    assert replayed(tmp_path, "arrived.jsonl") == 0
    assert list((tmp_path / "unsent").iterdir()) == []
