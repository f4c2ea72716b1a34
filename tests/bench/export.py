"""What leaves the process, and how fast: OpenTelemetry's batch processor and OTLP exporters against our own export.

    application's thread ──spans──► processor | sink ──OTLP──► a receiver in a process of its own, on loopback

The receiver parses every request and counts its Steps, so that what is lost is seen. Each case runs in a fresh process.
How long an application is kept waiting: `tests.bench.stall`.
"""

from __future__ import annotations

import collections
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from typing import Any

SIZES = (2_000, 50_000)
SPEED = {2_000: 20_000, 50_000: 1_500}
"""Spans whose export is timed, by their size."""
BURST = {2_000: 20_000, 50_000: 6_000}
"""Spans that are ended as fast as one thread can."""
_LIMIT = 64 * 1024 * 1024
"""The receiver takes what no default receiver does, so that OpenTelemetry's batches of 50 KB spans are not at a disadvantage there."""


def rows() -> Iterator[tuple[str, int, dict[str, Any], dict[str, Any]]]:
    """Yield protocol, span size, and the figures of both exporters."""
    for protocol in ("grpc", "http/protobuf"):
        for size in SIZES:
            yield protocol, size, *(_case(protocol, size, who) for who in ("official", "own"))  # type: ignore[misc]


def _case(protocol: str, size: int, who: str) -> dict[str, Any]:
    """The figures of one exporter, each measured in a process of its own; medians of three where speed is measured."""
    speeds = [child("speed", protocol, str(size), who)[0] for _ in range(3)]
    found, seen = child("burst", protocol, str(size), who)
    return {
        "speed": statistics.median(each["speed"] for each in speeds),
        "cpu": statistics.median(each["cpu"] for each in speeds),
        "lost": 1 - sum(seen.values()) / found["ended"],
    }


def child(what: str, protocol: str, *more: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Run one role against a receiver of its own; what it found, and the Steps that arrived by who sent them."""
    receiver = subprocess.Popen([sys.executable, "-m", "tests.bench.export", "receive", protocol], stdin=-1, stdout=-1, text=True)
    assert receiver.stdin is not None
    assert receiver.stdout is not None
    try:
        port = receiver.stdout.readline().strip()
        command = [sys.executable, "-m", "tests.bench.export", what, protocol, *more, port]
        done = subprocess.run(command, stdout=-1, stderr=subprocess.DEVNULL, text=True, timeout=300, check=True)
        receiver.stdin.close()
        seen = json.loads(receiver.stdout.readline())
    finally:
        receiver.kill()
        receiver.wait()
    return json.loads(done.stdout), seen


# ---- the process that receives -------------------------------------------------------------------


def _receive(protocol: str) -> None:
    """Count Steps by who sent them until standard input ends."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    seen: collections.Counter[str] = collections.Counter()

    def take(body: bytes, _context: Any = None) -> bytes:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                who = "official" if scope.scope.name == "official" else "own"
                seen[who] += sum(span.name.endswith("step") for span in scope.spans)
        return b""

    if protocol == "grpc":
        import grpc

        method = "/opentelemetry.proto.collector.trace.v1.TraceService/"
        handler = grpc.method_handlers_generic_handler(method.strip("/"), {"Export": grpc.unary_unary_rpc_method_handler(take)})
        server: Any = grpc.server(futures.ThreadPoolExecutor(1), [handler], options=(("grpc.max_receive_message_length", _LIMIT),))
        print(server.add_insecure_port("127.0.0.1:0"), flush=True)
        server.start()
    else:
        import threading
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(web.server_port, flush=True)
        threading.Thread(target=web.serve_forever, daemon=True).start()
    sys.stdin.read()
    time.sleep(0.2)
    print(json.dumps(seen), flush=True)


# ---- the process that sends ----------------------------------------------------------------------


def _attributes(size: int) -> dict[str, Any]:
    """A Step's attributes: a dozen small ones, and a payload in strings of 2,000 bytes."""
    small = {f"chronicle.attribute.{number}": "value" for number in range(8)} | {"chronicle.seq": 7, "chronicle.version": 1}
    text = "".join(random.choices("abcdefghij ,.{}:", k=size - 600))
    return {**small, "chronicle.output": [text[at : at + 2000] for at in range(0, len(text), 2000)], "chronicle.output.size": len(text)}


def official(protocol: str, endpoint: str, queue: int | None, batch: int | None) -> Any:
    """OpenTelemetry's batch processor and exporter; None: as it comes."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Exporter

        exporter: Any = Exporter(endpoint, insecure=True)
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(f"{endpoint}/v1/traces")
    return BatchSpanProcessor(exporter, max_queue_size=queue, max_export_batch_size=batch)


def _own(protocol: str, port: str) -> Any:
    import os

    from opentelemetry.sdk.resources import Resource

    from chronicle_otel.recording.export import sink_of
    from chronicle_otel.recording.file_spans import Scope
    from chronicle_otel.settings import Settings

    os.environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    return sink_of(Settings(unsent_bytes=0, shutdown_seconds=120), Resource.create({}), Scope("bench", "1"))


def _sent(who: str, protocol: str, size: int, port: str, count: int, *, tuned: bool) -> dict[str, Any]:
    """End spans as fast as possible and wait until they are out. `tuned`: with a queue that holds them all, and small batches."""
    attributes = _attributes(size)
    if who == "official":
        from opentelemetry.sdk.trace import TracerProvider

        provider = TracerProvider(shutdown_on_exit=False)
        sink = official(protocol, f"http://127.0.0.1:{port}", count if tuned else None, min(512, 2_000_000 // size) if tuned else None)
        tracer: Any = provider.get_tracer("official", "1")
    else:
        from opentelemetry.sdk.resources import Resource

        from chronicle_otel.recording.file_spans import FileTracer, Scope

        sink = _own(protocol, port)
        tracer = FileTracer(type("Nowhere", (), {"on_end": lambda self, span: None})(), Resource.create({}), Scope("bench", "1"))  # type: ignore[arg-type]
    spans = [tracer.start_span("step", attributes=None) for _ in range(count)]
    for span in spans:
        span.set_attributes(attributes)
        span.end()
    began, used = time.monotonic(), time.process_time()
    for span in spans:
        sink.on_end(span)
    if who == "official":
        sink.force_flush(120_000)
    else:
        sink.flush()
    took, used = time.monotonic() - began, time.process_time() - used
    sink.shutdown()
    return {"ended": count, "speed": count / took, "cpu": used / count * 1e6}


def main(what: str, protocol: str, *more: str) -> None:
    """One role of the measurement, as a process."""
    if what == "receive":
        _receive(protocol)
        return
    if what == "stall":
        from tests.bench import stall

        found = stall.measured(protocol, more[0], int(more[1]), more[2])
    else:
        size, who, port = int(more[0]), more[1], more[2]
        tuned = what == "speed"
        found = _sent(who, protocol, size, port, (SPEED if tuned else BURST)[size], tuned=tuned)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
