"""`python -m tests.bench.gateway`: what one collector takes, per core. docs/guides/scale.md quotes it.

Its queue is on disk; with and without redaction, with and without gzip behind it.

this process ──OTLP/HTTP, requests of 1 MB──► collector with production.yaml ──OTLP/gRPC──► a second one, which throws away
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.bench import redaction
from tests.pipeline.collector import PIPELINES, Collector

SECONDS = 20
SIZES = (5_000, 50_000)
_REQUEST = 1_000_000
_SINK = """
extensions: {health_check: {endpoint: "${env:CHRONICLE_HEALTH}"}}
receivers: {otlp: {protocols: {grpc: {endpoint: "${env:CHRONICLE_GRPC}", max_recv_msg_size_mib: 16}}}}
exporters: {debug: {verbosity: basic}}
service:
  extensions: [health_check]
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
"""
_PLAIN = "yaml:service::telemetry::metrics::level: none"
_ANYBODY = "yaml:processors::chronicle_redaction::tenant: {from: [], required: false, default: acme}"
_UNPACKED = "yaml:exporters::otlp_grpc::compression: none"
_UNREDACTED = "yaml:service::pipelines::traces::processors: [memory_limiter]"


def body(size: int, seed: int) -> tuple[bytes, int]:
    """Return a request of about a megabyte, and how many spans of that size it holds; a private value stands about every kilobyte."""
    draw = random.Random(seed)
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for _ in range(_REQUEST // size):
        span = spans.add()
        span.name, span.trace_id, span.span_id = "step", draw.randbytes(16), draw.randbytes(8)
        for number in range(8):
            small = span.attributes.add()
            small.key, small.value.string_value = f"chronicle.attribute.{number}", "value"
        text = ""
        while len(text) < size - 600:
            text += redaction.payload(draw, 1_000)
        payload = json.dumps({"text": text[: size - 700]})
        attribute = span.attributes.add()
        attribute.key = "chronicle.input"
        for at in range(0, len(payload), 2_000):
            attribute.value.array_value.values.add().string_value = payload[at : at + 2_000]
    return request.SerializeToString(), len(spans)


def measured(folder: Path, size: int, *, redact: bool, pack: bool, senders: int = 2) -> tuple[float, float, int]:
    """Return spans a second, seconds of processor time per 1,000 spans, peak memory."""
    bodies = [body(size, seed) for seed in range(24)]
    folder.mkdir(parents=True)
    (folder / "sink.yaml").write_text(_SINK)
    configs: list[str | Path] = [PIPELINES / "production.yaml", _PLAIN, _ANYBODY]
    configs += [*([] if redact else [_UNREDACTED]), *([] if pack else [_UNPACKED])]
    sent: list[int] = []
    with Collector(folder / "sink", folder / "sink.yaml") as sink:
        backend = {"CHRONICLE_BACKEND": f"127.0.0.1:{sink.grpc}", "CHRONICLE_BACKEND_INSECURE": "true", "GOMAXPROCS": "2"}
        with Collector(folder / "gateway", *configs, CHRONICLE_QUEUE=str(folder / "queue"), **backend) as gateway:
            used, began = gateway.processor_time, time.monotonic()
            ends = began + SECONDS

            def send(first: int) -> None:
                session, at = requests.Session(), first
                while time.monotonic() < ends:
                    data, spans = bodies[at % len(bodies)]
                    url, headers = f"http://127.0.0.1:{gateway.http}/v1/traces", {"Content-Type": "application/x-protobuf"}
                    if session.post(url, data=data, headers=headers, timeout=60).status_code == 200:
                        sent.append(spans)
                    at += 1

            threads = [threading.Thread(target=send, args=(first,)) for first in range(senders)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took = time.monotonic() - began
            time.sleep(3)  # what waits in the queue is part of the work
            used = gateway.processor_time - used
            memory = gateway.peak_memory
    spans = sum(sent)
    return spans / took, 1000 * used / spans, memory


def main() -> None:
    """Print a table."""
    print("| spans of | redaction | export packed | spans/s here | CPU per 1,000 spans | spans per core and second | peak memory |")
    print("|---|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        for size in SIZES:
            for redact, pack in ((True, True), (True, False), (False, True), (False, False)):
                rate, cost, memory = measured(Path(name) / f"{size}-{redact}-{pack}", size, redact=redact, pack=pack)
                what = f"{size // 1000} KB | {'yes' if redact else 'no'} | {'gzip' if pack else 'no'}"
                print(f"| {what} | {rate:,.0f} | {cost:.2f} s | {1000 / cost:,.0f} | {memory / 1e6:.0f} MB |")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
