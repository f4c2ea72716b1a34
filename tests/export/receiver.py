"""An OTLP receiver on loopback, HTTP or gRPC, that keeps what it took and can be told to answer otherwise."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

LIMIT = 4 * 1024 * 1024
"""What receivers take by default."""


@dataclass
class Say:
    """One answer instead of taking the request. `status` is an HTTP status or the name of a gRPC status."""

    status: int | str = 200
    rejected: int = 0
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])


class Receiver:
    """Takes requests below `limit` bytes; `answers` are given first, one a request."""

    def __init__(self, protocol: str = "http/protobuf", *, limit: int = LIMIT, certificate: tuple[Path, Path] | None = None) -> None:
        """`certificate`: files of a certificate and its key, for TLS."""
        self.protocol = protocol
        self.certificate = certificate
        self.limit = limit
        self.sizes: list[int] = []
        """Bytes of the requests that were taken."""
        self.headers: list[dict[str, str]] = []
        self.requests: list[ExportTraceServiceRequest] = []
        self.answers: deque[Say] = deque()
        self._lock = threading.Lock()
        self._server: Any = None
        self.port = 0

    @property
    def environment(self) -> dict[str, str]:
        """What leads an OpenTelemetry exporter here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol,
        }

    def spans(self) -> Iterator[Any]:
        """Every span that was taken."""
        for request in self.requests:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    yield from scope.spans

    def write(self, path: Path) -> Path:
        """What was taken, as a file of OTLP JSON lines, the way the collector's file exporter writes it."""
        import base64
        import json

        from google.protobuf import json_format

        def hexed(tree: Any) -> Any:
            if isinstance(tree, dict):
                ids = ("traceId", "spanId", "parentSpanId")
                return {name: base64.b64decode(value).hex() if name in ids else hexed(value) for name, value in tree.items()}
            return [hexed(item) for item in tree] if isinstance(tree, list) else tree

        path.write_text("".join(json.dumps(hexed(json_format.MessageToDict(request))) + "\n" for request in self.requests))
        return path

    def take(self, body: bytes, headers: dict[str, str]) -> Say:
        """Judge one request."""
        with self._lock:
            self.headers.append(headers)
            if self.answers:
                say = self.answers.popleft()
                if say.status != 200:
                    return say
            else:
                say = Say()
            if len(body) > self.limit:
                return Say(
                    413 if self.protocol != "grpc" else "RESOURCE_EXHAUSTED",
                    message=f"received message larger than max ({len(body)} vs. {self.limit})",
                )
            self.requests.append(ExportTraceServiceRequest.FromString(body))
            self.sizes.append(len(body))
            return say

    # ---- the servers

    def __enter__(self) -> Receiver:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> Receiver:
        """Listen; on the same port as before, if there was one."""
        self._grpc() if self.protocol == "grpc" else self._http()
        return self

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        if self.protocol == "grpc":
            server.stop(None).wait(5)
        else:
            server.shutdown()
            server.server_close()

    def _http(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                say = receiver.take(body, {name.lower(): value for name, value in self.headers.items()})
                answer = _response(say) if say.status == 200 else Status(message=say.message).SerializeToString()
                self.send_response(int(say.status))
                for name, value in {"content-type": "application/x-protobuf", "content-length": str(len(answer)), **say.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _grpc(self) -> None:
        receiver = self

        class Servicer(trace_service_pb2_grpc.TraceServiceServicer):
            def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:
                say = receiver.take(request.SerializeToString(), dict(context.invocation_metadata()))
                if say.status != 200:
                    context.abort(grpc.StatusCode[str(say.status)], say.message)
                return ExportTraceServiceResponse.FromString(_response(say))

        options = (("grpc.max_receive_message_length", self.limit), ("grpc.so_reuseport", 0))
        self._server = grpc.server(futures.ThreadPoolExecutor(4), options=options)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Servicer(), self._server)
        address = f"127.0.0.1:{self.port}"
        if self.certificate is None:
            self.port = self._server.add_insecure_port(address)
        else:
            certificate, key = (path.read_bytes() for path in self.certificate)
            self.port = self._server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
        self._server.start()


def _response(say: Say) -> bytes:
    response = ExportTraceServiceResponse()
    if say.rejected or say.message:
        response.partial_success.rejected_spans = say.rejected
        response.partial_success.error_message = say.message
    return response.SerializeToString()
