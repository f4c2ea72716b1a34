"""One request to an OTLP endpoint: bytes in, a verdict out. gRPC over grpcio, HTTP over requests, as OpenTelemetry's own exporters do.

body ──post──► Answer: taken · try again (after n seconds) · too large · refused
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import random
import threading
import zlib
from importlib.metadata import entry_points
from typing import Any, Protocol

from ...errors import UsageError
from ...version import __version__
from .answers import RESPONSE, Answer, of_message, of_refusal, of_success
from .endpoint import Endpoint

__all__ = ["Answer", "Client", "GrpcClient", "HttpClient", "backoff", "client_of"]

AGENT = f"chronicle-otel/{__version__}"
_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_RETRYABLE_HTTP = frozenset({408, 429, 502, 503, 504})
"""https://opentelemetry.io/docs/specs/otlp/#failures-1, and 408, which says of itself that it may be repeated."""
_RETRYABLE_GRPC = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})
"""https://opentelemetry.io/docs/specs/otlp/#failures; RESOURCE_EXHAUSTED too, where it says when to come back."""

_DETAILS = "google.rpc.error_details_pb2"
"""It comes with OpenTelemetry's gRPC exporter."""
_TOO_LARGE = ("larger than max", "exceeds maximum size", "length too large")
"""How gRPC in Go and C++, Java, and Rust word it that a message is above their limit; nothing else says so."""

_BODY_TOO_LARGE = b"request body too large"
"""How Go's net/http words it: a collector answers so, with 400, above max_request_body_size."""


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


def _load(*names: str) -> None:
    """Import what a request needs, before a thread does: a fork in the middle of an import leaves its lock held in the child, for ever."""
    for name in names:
        importlib.import_module(name)


class HttpClient:
    """OTLP/HTTP with protobuf bodies."""

    def __init__(self, endpoint: Endpoint) -> None:
        # requests imports the second only when it looks for a password, and a socket the third for a name that is not ASCII
        _load("requests", "netrc", "encodings.idna", RESPONSE)
        _load_provider(endpoint)
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
            return _failed(error)
        status = response.status_code
        if 200 <= status < 300:
            return of_success(response.headers.get("content-type", ""), response.content)
        said = of_refusal(response.headers.get("content-type", ""), response.content)
        reason = f"HTTP {status} {response.reason or ''}".strip() + (f": {said}" if said else "")
        large = status == 413 or (status == 400 and _BODY_TOO_LARGE in response.content[:1000])
        return Answer(again=status in _RETRYABLE_HTTP, after=_seconds(response.headers.get("retry-after")), too_large=large, reason=reason)

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


class GrpcClient:
    """OTLP/gRPC; the request is handed over as bytes."""

    def __init__(self, endpoint: Endpoint) -> None:
        _load("grpc", "grpc._channel", "grpc.experimental", RESPONSE)  # the second is what grpc imports with a channel
        with contextlib.suppress(ImportError):
            _load(_DETAILS)
        _load_provider(endpoint)
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
            return of_message(self._export(body, timeout=timeout, metadata=headers), "gRPC")
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
    return Answer(again=again, after=after, too_large=large, reason=f"gRPC {name}: {' '.join(details.split())[:120]}")


def _retry_delay(error: Any) -> float | None:
    """Seconds of a `google.rpc.RetryInfo`, which is `{1: Duration {1: seconds, 2: nanos}}`."""
    for name, value in error.trailing_metadata() or ():
        if name == "google.rpc.retryinfo-bin":
            try:
                info: Any = importlib.import_module(_DETAILS).RetryInfo.FromString(value)
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


def _load_provider(endpoint: Endpoint) -> None:
    for found in entry_points(group="opentelemetry_otlp_credential_provider", name=endpoint.credentials or ""):
        with contextlib.suppress(Exception):  # said with the first request
            found.load()


def _file(path: str | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()


def _seconds(value: str | None) -> float | None:
    """Seconds of a Retry-After header; a date is not worth reading."""
    return float(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 5 else None


_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
"""How OpenSSL, over its versions, words it that the other side answers without TLS."""


def _failed(error: Exception) -> Answer:
    """What went wrong on the network, without the address that the error repeats."""
    import requests

    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        if any(sign in text.upper().replace(" ", "_") for sign in _NO_TLS):
            return Answer(reason="the port speaks no TLS: write the endpoint as http://… (without a scheme it means https)")
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return Answer(reason="TLS failed: the certificate was not accepted")
        return Answer(again=True, reason="TLS failed")
    if isinstance(error, requests.Timeout):
        return Answer(again=True, reason="no answer in time")
    if "BadStatusLine" in text:
        return Answer(reason="it answers, but not in HTTP; is it a port of gRPC? Set OTEL_EXPORTER_OTLP_PROTOCOL=grpc then")
    if "RemoteDisconnected" in text or "Connection reset" in text or "Connection aborted" in text:
        return Answer(
            again=True, reason="the connection was closed without an answer; a port of gRPC needs OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        )
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return Answer(again=True, reason="the answer broke off in the middle")
    if isinstance(error, requests.ConnectionError):
        return Answer(again=True, reason="no connection")
    return Answer(again=not isinstance(error, ValueError), reason=type(error).__name__)
