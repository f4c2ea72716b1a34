"""senders ──request──► receivers that take so much ──► file: OpenTelemetry's batches are lost above it, ours are cut below it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests

import chronicle_otel as chronicle
from tests.conftest import environment

from .collector import BINARY, MISSING
from .examined import Hop, found, hop, named, probed, sentence
from .spans import one_span, traces_in, wait_for
from .test_own_export import AGENT, started

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

HTTP = 20 * 1024 * 1024


def taking(folder: Path, most: int) -> Hop:
    """A receiver over HTTP that takes so many bytes; 0 for its default."""
    line = hop(folder, f"receivers: {{otlp: {{protocols: {{http: {{max_request_body_size: {most}}}}}}}}}" if most else "")
    (folder / "collecting.py").write_text(AGENT.replace("proto.grpc", "proto.http"))
    return line


def send(source: Path, endpoint: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chronicle_otel.cli", "send", str(source), "--endpoint", endpoint]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120)


def test_own_export_halves_what_is_too_large(tmp_path: Path) -> None:
    """A collector that takes 300,000 bytes over HTTP says so with 400: batches are halved until they fit, and the run is whole."""
    line = taking(tmp_path, 300_000)
    with line.collector:
        assert started(line.collector, "http/protobuf", "60", "50000", "0", "own", "20").wait(60) == 0
        wait_for("the run", lambda: len(chronicle.load(line.output).steps) == 61 if line.output.exists() else False)
    assert chronicle.load(line.output).checks.ok
    assert not (tmp_path / "unsent").exists()


@pytest.mark.parametrize(
    ("who", "most"), [("a collector as it comes", 0), ("Langfuse", 16_000_000), ("Braintrust", 10_000_000), ("Dynatrace", 8_000_000)]
)
def test_larger_requests_are_refused_and_ours_are_not_larger(who: str, most: int, tmp_path: Path) -> None:
    """One request above the limit is refused for good; `chronicle send` cuts the same spans by bytes, and all arrive."""
    line = taking(tmp_path, most)
    limit = most or HTTP
    spans = [one_span(trace, 1, text="x" * 500_000) for trace in range(1, limit // 500_000 + 2)]
    whole = tmp_path / "one.otlp"
    whole.write_bytes(b"".join(spans))  # protobuf: messages in a row are one message with all of their spans
    with line.collector:
        headers = {"Content-Type": "application/x-protobuf"}
        refused = requests.post(f"{line.http}/v1/traces", data=whole.read_bytes(), headers=headers, timeout=60)
        assert 400 <= refused.status_code < 500
        done = send(whole, line.http)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        wait_for("all of them", lambda: len(traces_in(line.output)) == len(spans))


def test_a_megabyte_is_less_than_a_step(tmp_path: Path) -> None:
    """A receiver that takes a megabyte, as Observe a span: an error, by its configuration and by a probe."""
    line = taking(tmp_path, 1_000_000)
    with line.collector:
        report = probed(line.output, line.http, small=False, wait=2)
    assert ("error", "receiver_limit") in named(*line.configs)
    assert ("error", "receiver_limit") in found(report)
    assert "it takes requests of less than 1,000,000 bytes and refuses larger ones for good" in sentence(report, "receiver_limit")


def test_sixty_four_mebibytes_are_lost_before_they_are_sent(tmp_path: Path) -> None:
    """OpenTelemetry's exporter drops a request above 64 MiB itself, whatever the receiver takes; ours sends the same Steps, whole."""
    line = taking(tmp_path, 200_000_000)
    with line.collector:
        said = started(line.collector, "http/protobuf", "34", "2000000", "0", "application").communicate(timeout=90)[1]
        assert "exceeds max_request_size 67108864 bytes" in said
        assert 'chronicle.init(export="own"), which cuts by bytes' in said
        assert traces_in(line.output) == {}
        assert started(line.collector, "http/protobuf", "34", "2000000", "0", "own", "20").wait(60) == 0
        wait_for("the run", lambda: line.output.read_bytes().count(b'"spanId"') == 36)
    assert chronicle.load(line.output).checks.ok
