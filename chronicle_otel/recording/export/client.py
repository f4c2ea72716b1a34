"""One request to an OTLP endpoint: bytes in, a verdict out. gRPC over grpcio, HTTP over requests, as OpenTelemetry's own exporters do.

body ──post──► Answer: taken · try again (after n seconds) · too large · refused
"""

from __future__ import annotations

import gzip
import random
import threading
import zlib
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol

from ...errors import UsageError
from ...version import __version__
from .endpoint import Endpoint

AGENT = f"chronicle-otel/{__version__}"
_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_RETRYABLE_HTTP = frozenset({408, 429, 502, 503, 504})
"""https://opentelemetry.io/docs/specs/otlp/#failures-1, and 408, which says of itself that it may be repeated."""
_RETRYABLE_GRPC = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})
"""https://opentelemetry.io/docs/specs/otlp/#failures; RESOURCE_EXHAUSTED too, where it says when to come back."""

_TOO_LARGE = ("larger than max", "exceeds maximum size", "length too large")
"""How gRPC in Go and C++, Java, and Rust word it that a message is above their limit; nothing else says so."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint said to a request."""

    taken: bool = False
    again: bool = False
    """It may be repeated."""
    after: float | None = None
    """Seconds to wait before that, if the endpoint said."""
    too_large: bool = False
    reason: str = ""
    """Why not, in a few words."""
    rejected: int = 0
    """Spans that it has thrown away out of a request that was taken."""
    message: str = ""


class Client(Protocol):
    """Sends requests, one at a time."""

    def post(self, body: bytes, timeout: float) -> Answer:
        """Send one ExportTraceServiceRequest; never raises for what the network or the endpoint does."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...

    def forget(self) -> None:
        """In a forked child: the connections are the parent's."""
        ...


def client_of(endpoint: Endpoint) -> Client:
    """Return the client for an endpoint; it connects with the first request."""
    return GrpcClient(endpoint) if endpoint.protocol == "grpc" else HttpClient(endpoint)


def backoff(attempt: int) -> float:
    """Seconds before the next attempt (0 is the first): doubled from half a second up to five, with a fifth of jitter."""
    return min(0.5 * 2**attempt, 5.0) * random.uniform(0.8, 1.2)


def _taken(data: bytes) -> Answer:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        partial = ExportTraceServiceResponse.FromString(data).partial_success
    except Exception:  # an answer of something that is no OTLP endpoint; it said 200
        return Answer(taken=True)
    return Answer(taken=True, rejected=partial.rejected_spans, message=partial.error_message)


class HttpClient:
    """OTLP/HTTP with protobuf bodies."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._session: Any = None

    def post(self, body: bytes, timeout: float) -> Answer:
        import requests

        session = self._session
        if session is None:
            session = self._session = self._connect()
        if self.endpoint.compression == "gzip":
            body = gzip.compress(body, 6, mtime=0)
        elif self.endpoint.compression == "deflate":
            body = zlib.compress(body)
        try:
            # a redirect of a POST loses the body or sends it, and its headers, elsewhere; `verify` of a session yields to
            # REQUESTS_CA_BUNDLE, that of a request does not
            response = session.post(self.endpoint.url, data=body, timeout=timeout, allow_redirects=False, verify=self.endpoint.certificate)
        except requests.RequestException as error:
            return Answer(again=not isinstance(error, ValueError), reason=_words(error))
        status = response.status_code
        if 200 <= status < 300:
            return _taken(response.content) if "json" not in response.headers.get("content-type", "") else _taken_json(response.content)
        reason = f"HTTP {status} {response.reason or ''}".strip()
        return Answer(
            again=status in _RETRYABLE_HTTP, after=_seconds(response.headers.get("retry-after")), too_large=status == 413, reason=reason
        )

    def _connect(self) -> Any:
        import requests

        endpoint = self.endpoint
        session: Any = _provided(endpoint) or requests.Session()
        session.headers.update({"content-type": "application/x-protobuf", "user-agent": AGENT, **endpoint.headers})
        if endpoint.compression != "none":
            session.headers["content-encoding"] = endpoint.compression
        if endpoint.client_certificate:
            pair = (endpoint.client_certificate, endpoint.client_key)
            session.cert = pair if endpoint.client_key else endpoint.client_certificate
        return session

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def forget(self) -> None:
        self._session = None


def _taken_json(data: bytes) -> Answer:
    import json

    try:
        partial: Any = json.loads(data).get("partialSuccess") or {}
        return Answer(taken=True, rejected=int(partial.get("rejectedSpans") or 0), message=str(partial.get("errorMessage") or ""))
    except (ValueError, AttributeError, TypeError):
        return Answer(taken=True)


class GrpcClient:
    """OTLP/gRPC; the request is handed over as bytes."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._channel: Any = None
        self._export: Any = None
        self._abandoned: list[Any] = []
        self._lock = threading.Lock()

    def post(self, body: bytes, timeout: float) -> Answer:
        import grpc

        with self._lock:
            if self._channel is None:
                self._connect()
        headers = tuple((name.lower(), value) for name, value in self.endpoint.headers.items())
        try:
            return _taken(self._export(body, timeout=timeout, metadata=headers))
        except grpc.RpcError as error:
            return _refused(error)

    def _connect(self) -> None:
        import grpc

        endpoint = self.endpoint
        compression = grpc.Compression.Gzip if endpoint.compression == "gzip" else grpc.Compression.NoCompression
        options = (("grpc.primary_user_agent", AGENT), ("grpc.max_send_message_length", -1), ("grpc.max_reconnect_backoff_ms", 5000))
        if endpoint.secure:
            credentials: Any = _provided(endpoint) or grpc.ssl_channel_credentials(
                _file(endpoint.certificate), _file(endpoint.client_key), _file(endpoint.client_certificate)
            )
            self._channel = grpc.secure_channel(endpoint.url, credentials, options, compression)
        else:
            self._channel = grpc.insecure_channel(endpoint.url, options, compression)
        self._export = self._channel.unary_unary(_METHOD)  # without serialisers: bytes in, bytes out

    def close(self) -> None:
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._abandoned.append(self._channel)  # its threads are not here, so it must not be closed here either
        self._channel = None


def _refused(error: Any) -> Answer:
    name: str = error.code().name
    details = str(error.details() or "")
    after = _retry_delay(error)
    large = any(words in details for words in _TOO_LARGE)
    again = not large and (name in _RETRYABLE_GRPC or (name == "RESOURCE_EXHAUSTED" and after is not None))
    return Answer(again=again, after=after, too_large=large, reason=f"gRPC {name}: {details[:120]}")


def _retry_delay(error: Any) -> float | None:
    """Seconds of a `google.rpc.RetryInfo`, which is `{1: Duration {1: seconds, 2: nanos}}`."""
    for name, value in error.trailing_metadata() or ():
        if name == "google.rpc.retryinfo-bin":
            try:
                from google.rpc.error_details_pb2 import RetryInfo  # comes with OpenTelemetry's gRPC exporter

                info: Any = RetryInfo.FromString(value)
            except Exception:
                return 1.0
            return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return None


def _provided(endpoint: Endpoint) -> Any:
    """The session or channel credentials of a credential provider, where the environment names one."""
    if endpoint.credentials is None:
        return None
    found = list(entry_points(group="opentelemetry_otlp_credential_provider", name=endpoint.credentials))
    if not found:
        raise UsageError(f"the credential provider {endpoint.credentials!r} of the environment is not installed")
    return found[0].load()()


def _file(path: str | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()


def _seconds(value: str | None) -> float | None:
    """Seconds of a Retry-After header; a date is not worth reading."""
    return float(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 5 else None


def _words(error: Exception) -> str:
    """What went wrong on the network, without the address that the error repeats."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "TLS failed: the certificate was not accepted"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
