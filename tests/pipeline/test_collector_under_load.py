"""50 MB of spans at full speed, what comes after the collector away for a while, the collector itself killed once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .collector import BINARY, MISSING, PIPELINES, Collector

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

BATCHES, SPANS, SPAN_BYTES = 50, 20, 50_000
WITHOUT_METRICS = "yaml:service::telemetry::metrics::level: none"
ANY_TENANT = "yaml:processors::chronicle_redaction::tenant: {from: [], required: false, default: acme}"


def batch(number: int) -> tuple[bytes, set[str]]:
    """Return a request and the ids of its spans; every span holds an address that no other has."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    ids: set[str] = set()
    filler = "The agent read the order and asked for the next page. " * 900
    for at in range(SPANS):
        span = spans.add()
        span.trace_id = (number + 1).to_bytes(16, "big")
        span.span_id = (number * SPANS + at + 1).to_bytes(8, "big")
        span.name = "step"
        payload = json.dumps({"to": f"person{number}x{at}@kestrel.de", "text": filler[:SPAN_BYTES]})
        attribute = span.attributes.add()
        attribute.key = "chronicle.input"
        attribute.value.string_value = payload
        ids.add(span.span_id.hex())
    return request.SerializeToString(), ids


def sent(collector: Collector, body: bytes, deadline: float) -> bool:
    """Send a request until it is acknowledged."""
    while time.monotonic() < deadline:
        try:
            answer = requests.post(
                f"http://127.0.0.1:{collector.http}/v1/traces", data=body, headers={"Content-Type": "application/x-protobuf"}, timeout=20
            )
            if answer.status_code == 200:
                return True
        except requests.RequestException:
            pass
        time.sleep(0.2)
    return False


def arrived(path: Path) -> Iterator[tuple[str, str]]:
    """Yield span ids and payloads of a file; a line that a stop tore is no line."""
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        try:
            tree = json.loads(line)
        except ValueError:
            continue
        for resource in tree["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    pieces = span["attributes"][0]["value"]["arrayValue"]["values"]  # a payload that was rewritten is cut again
                    yield span["spanId"], "".join(piece["stringValue"] for piece in pieces)


def test_every_acknowledged_span_arrives_redacted(tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost, nothing private is in the queue or behind it."""
    queue, output = tmp_path / "queue", tmp_path / "spans.jsonl"
    (tmp_path / "down").mkdir()
    deadline = time.monotonic() + 150
    downstream = Collector(tmp_path / "down", PIPELINES / "development.yaml", CHRONICLE_OUTPUT=str(output))
    gateway = Collector(
        tmp_path,
        *(PIPELINES / "production.yaml", WITHOUT_METRICS, ANY_TENANT),
        CHRONICLE_QUEUE=str(queue),
        CHRONICLE_BACKEND=f"127.0.0.1:{downstream.grpc}",
        CHRONICLE_BACKEND_INSECURE="true",
    )
    acknowledged: set[str] = set()
    with downstream, gateway:
        for number in range(BATCHES):
            if number == 10:
                downstream.stop()
            if number == 25:
                gateway.kill()
                gateway.start()
            if number == 35:
                downstream.start()
            body, ids = batch(number)
            if sent(gateway, body, deadline):
                acknowledged |= ids
        raw = [path.name for path in queue.rglob("*") if path.is_file() and b"@kestrel.de" in path.read_bytes()]
        found: dict[str, str] = {}
        while time.monotonic() < deadline and not acknowledged <= found.keys():
            time.sleep(0.5)
            found = dict(arrived(output))
    assert len(acknowledged) == BATCHES * SPANS
    assert acknowledged - found.keys() == set()
    assert raw == []
    assert [span for span, payload in found.items() if "@kestrel.de" in payload or "person" in payload] == []
    assert len({json.loads(payload)["to"] for payload in found.values()}) == BATCHES * SPANS
