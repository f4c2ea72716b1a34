"""agent with the limits of its SDK ──► collector ──► file ──► replay, doctor: each limit is met, named, and refused or survived."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from chronicle_otel.doctor.environment import check_environment
from tests.conftest import environment

from .collector import BINARY, MISSING
from .examined import Hop, hop
from .spans import one_span, wait_for

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

AGENT = """
import sys
import chronicle_otel as chronicle
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

@chronicle.tool(name="fetch")
def fetch(size):
    span = trace.get_current_span()
    for at in range(int(sys.argv[3]) if len(sys.argv) > 3 else 0):
        span.set_attribute(f"app.{at}", at)
    return "x" * size

@chronicle.agent(name="collect")
def collect(size):
    return len(fetch(size))

if __name__ == "__main__":
    if sys.argv[1] == "application":
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        chronicle.init(instrument=False)
    else:
        chronicle.init(instrument=False, export="own", unsent="unsent", shutdown_seconds=2)
    collect(int(sys.argv[2]))
    chronicle.shutdown()
"""


PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hop]:
    line = hop(tmp_path_factory.mktemp("sdk"))
    with line.collector:
        yield line


def recorded(line: Hop, folder: Path, how: str, *arguments: str, **environ: str) -> tuple[str, str]:
    """Run the agent; what it said, and the verdict of a replay of what arrived."""
    (folder / "limited.py").write_text(AGENT)
    before = line.output.stat().st_size if line.output.exists() else 0
    env = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": line.http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", **environ})
    done = subprocess.run([sys.executable, "limited.py", how, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    arrived = folder / "arrived.jsonl"

    def is_there() -> bool:
        arrived.write_bytes(line.output.read_bytes()[before:] if line.output.exists() else b"")
        return arrived.read_bytes().count(b'"spanId"') >= 3

    wait_for("the run", is_there)
    command = [sys.executable, "-m", "chronicle_otel.cli", "replay", "arrived.jsonl", "--entry", "limited:collect"]
    shown = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)
    return done.stderr, f"{shown.returncode} {shown.stdout}{shown.stderr}"


def kinds(**environ: str) -> set[tuple[str, str]]:
    return {(each.severity, each.kind) for each in check_environment(environ, connect=False)}


@pytest.mark.parametrize("variable", ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"])
def test_a_limit_on_lengths(line: Hop, variable: str, tmp_path: Path) -> None:
    """Values cut at 1,024 characters, also in lists: said at the start and by the doctor, and refused by a replay."""
    said, replayed = recorded(line, tmp_path, "application", "9000", **{variable: "1024"})
    assert "attributes are cut at 1024 characters; recordings made so cannot be replayed" in said
    assert replayed.startswith("3 CANNOT JUDGE")
    assert "its recorded output is damaged (truncated: 5098 of 9002 bytes)" in replayed
    assert ("error", "string_cut") in kinds(**{variable: "1024"})


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        ("8", "2 chronicle: arrived.jsonl holds 3 spans of others, no span of chronicle"),
        ("12", "the recording has no end (the process was killed, or attributes were dropped): how this run ended could not be compared"),
    ],
    ids=["8", "12"],
)
def test_a_limit_on_counts(line: Hop, count: str, shown: str, tmp_path: Path) -> None:
    """A span that keeps few attributes loses those of its envelope: said at the start and by the doctor, and by whatever reads it."""
    said, replayed = recorded(line, tmp_path, "application", "9000", OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=count)
    assert f"a span keeps {count} attributes and loses the oldest, which are those of its envelope" in said
    assert shown in replayed
    assert ("error", "attributes_evicted") in kinds(OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=count)


def test_a_hundred_and_twenty_eight_attributes(line: Hop, tmp_path: Path) -> None:
    """The limit as it comes: an application's 200 attributes on the span of a Step push out each other, and not its envelope."""
    said, replayed = recorded(line, tmp_path, "application", "9000", "200")
    assert "Attributes dict is full" in said
    assert replayed.startswith("0 REPRODUCED")
    assert "attributes_evicted" not in {kind for _, kind in kinds()}


def test_own_export_has_no_limits_of_an_sdk(line: Hop, tmp_path: Path) -> None:
    """The same variables, and export="own": the run is reproduced."""
    limits = {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1024", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "8"}
    said, replayed = recorded(line, tmp_path, "own", "9000", "200", **limits)
    assert (said, replayed.splitlines()[0]) == ("", "0 REPRODUCED: the code still does what was recorded")


def test_what_is_refused_for_too_long(line: Hop, tmp_path: Path) -> None:
    """A collector without memory to spare answers 503: an SDK gives up and loses its spans, our own export keeps them for later."""
    limiter = "processors: {memory_limiter: {check_interval: 100ms, limit_mib: 1}}\n"
    refusing = hop(tmp_path / "refusing", limiter + "service: {pipelines: {traces: {processors: [memory_limiter]}}}")
    (tmp_path / "limited.py").write_text(AGENT)
    here = {"OTEL_EXPORTER_OTLP_ENDPOINT": refusing.http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    with refusing.collector:
        url = f"{refusing.http}/v1/traces"
        wait_for("it refuses", lambda: requests.post(url, data=one_span(1, 1), headers=PROTOBUF, timeout=9).status_code == 503)
        before = refusing.output.read_bytes() if refusing.output.exists() else b""
        for how in ("application", "own"):
            command = [sys.executable, "limited.py", how, "9000"]
            done = subprocess.run(command, cwd=tmp_path, env=environment(here), capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            assert ("Failed to export spans batch" in done.stderr) is (how == "application")
            assert ("posts them" in done.stderr) is (how == "own")
    assert (refusing.output.read_bytes() if refusing.output.exists() else b"") == before
    env = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": line.http})
    sent = subprocess.run(
        [sys.executable, "-m", "chronicle_otel.cli", "send", "unsent"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert (sent.returncode, "sent 3 spans" in sent.stdout) == (0, True), sent.stdout + sent.stderr
