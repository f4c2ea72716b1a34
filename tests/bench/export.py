"""What leaves the process, and how fast: OpenTelemetry's batch processor and OTLP exporters against our own export.

    application's thread ──spans──► processor | sink ──OTLP──► a receiver in a process of its own, on loopback

The receiver parses every request and counts its spans, so that what is lost is seen. Each case runs in a fresh process.
"""

from __future__ import annotations

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
STALL = {2_000: 4_000, 50_000: 2_000}
"""Steps of an application that does half a millisecond of work in each."""
_LIMIT = 64 * 1024 * 1024
"""The receiver takes what no default receiver does, so that OpenTelemetry's batches of 50 KB spans are not at a disadvantage there."""


def rows() -> Iterator[tuple[str, int, dict[str, Any], dict[str, Any]]]:
    """Yield protocol, span size, and the figures of both exporters."""
    for protocol in ("grpc", "http/protobuf"):
        for size in SIZES:
            yield protocol, size, *(_case(protocol, size, who) for who in ("official", "own"))  # type: ignore[misc]


def _case(protocol: str, size: int, who: str) -> dict[str, Any]:
    """The figures of one exporter, each measured in a process of its own; medians of three where speed is measured."""
    speeds = [_child("speed", protocol, size, who) for _ in range(3)]
    burst = _child("burst", protocol, size, who)
    stalls = [_child("stall", protocol, size, who)["stall"] for _ in range(3)]
    return {
        "speed": statistics.median(each["speed"] for each in speeds),
        "cpu": statistics.median(each["cpu"] for each in speeds),
        "lost": burst["lost"],
        "stall": statistics.median(stalls),
    }


def _child(what: str, protocol: str, size: int, who: str) -> dict[str, Any]:
    receiver = subprocess.Popen([sys.executable, "-m", "tests.bench.export", "receive", protocol], stdin=-1, stdout=-1, text=True)
    assert receiver.stdin is not None
    assert receiver.stdout is not None
    try:
        port = receiver.stdout.readline().strip()
        command = [sys.executable, "-m", "tests.bench.export", what, protocol, str(size), who, port]
        done = subprocess.run(command, stdout=-1, stderr=subprocess.DEVNULL, text=True, timeout=300, check=True)
        receiver.stdin.close()
        seen = int(receiver.stdout.readline())
    finally:
        receiver.kill()
        receiver.wait()
    found = json.loads(done.stdout)
    return {**found, "lost": 1 - seen / found["ended"]}


# ---- the process that receives -------------------------------------------------------------------


def _receive(protocol: str) -> None:
    """Count spans until standard input ends."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    seen = 0

    def take(body: bytes, _context: Any = None) -> bytes:
        nonlocal seen
        request = ExportTraceServiceRequest.FromString(body)
        seen += sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
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
    print(seen, flush=True)


# ---- the process that sends ----------------------------------------------------------------------


def _attributes(size: int) -> dict[str, Any]:
    """A Step's attributes: a dozen small ones, and a payload in strings of 2,000 bytes."""
    small = {f"chronicle.attribute.{number}": "value" for number in range(8)} | {"chronicle.seq": 7, "chronicle.version": 1}
    text = "".join(random.choices("abcdefghij ,.{}:", k=size - 600))
    return {**small, "chronicle.output": [text[at : at + 2000] for at in range(0, len(text), 2000)], "chronicle.output.size": len(text)}


def _official(protocol: str, port: str, queue: int | None, batch: int | None) -> Any:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Exporter

        exporter: Any = Exporter(f"http://127.0.0.1:{port}", insecure=True)
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")
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
        sink = _official(protocol, port, count if tuned else None, min(512, 2_000_000 // size) if tuned else None)
        tracer: Any = provider.get_tracer("bench", "1")
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


def _stalled(who: str, protocol: str, size: int, port: str, count: int) -> dict[str, Any]:
    """An application that works half a millisecond and records a Step, again and again; how long the slowest in a thousand took."""
    text = "".join(random.choices("abcdefghij ,.", k=size - 600))
    if who == "official":
        from opentelemetry.sdk.trace import TracerProvider

        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(_official(protocol, port, None, min(512, 2_000_000 // size)))
        tracer = provider.get_tracer("bench", "1")

        def step(_at: int) -> None:
            with tracer.start_as_current_span("step") as span:
                span.set_attribute("output", text)

        took = _loop(step, count)
        provider.shutdown()
    else:
        import os

        import chronicle_otel as chronicle

        os.environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        chronicle.init(export="own", instrument=False, unsent_bytes=0)

        @chronicle.tool(name="step")
        def recorded(at: int) -> str:
            return f"{at}{text}"

        @chronicle.agent(name="bench")
        def bench() -> list[float]:
            return _loop(recorded, count)

        took = bench()
        chronicle.shutdown()
    took.sort()
    return {"ended": count, "stall": took[int(len(took) * 0.999)] * 1e3}


def _loop(step: Any, count: int) -> list[float]:
    took: list[float] = []
    for at in range(count):
        ends = time.perf_counter() + 0.0005
        while time.perf_counter() < ends:
            pass
        began = time.perf_counter()
        step(at)
        took.append(time.perf_counter() - began)
    return took


def main(what: str, protocol: str, *more: str) -> None:
    """One role of the measurement, as a process."""
    if what == "receive":
        _receive(protocol)
        return
    size, who, port = int(more[0]), more[1], more[2]
    if what == "stall":
        found = _stalled(who, protocol, size, port, STALL[size])
    else:
        tuned = what == "speed"
        found = _sent(who, protocol, size, port, (SPEED if tuned else BURST)[size], tuned=tuned)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
