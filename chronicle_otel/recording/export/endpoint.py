"""Where an OTLP endpoint is and how it is spoken to, from OpenTelemetry's own environment variables.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/: the variable of the signal (`OTEL_EXPORTER_OTLP_TRACES_…`) goes
before the general one (`OTEL_EXPORTER_OTLP_…`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

from ...errors import UsageError

PROTOCOLS = ("http/protobuf", "grpc")
_PATH = "/v1/traces"
_LONGEST = 600.0
"""Seconds; a longer time-out is in milliseconds, as the specification has it. OpenTelemetry's Python exporters read seconds."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One OTLP endpoint for traces."""

    url: str
    """For HTTP the full URL; for gRPC `host:port`."""
    protocol: str = "http/protobuf"
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout: float = 10.0
    """Seconds that one request may take."""
    compression: str = "none"
    """none, gzip, or (HTTP) deflate."""
    secure: bool = False
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    credentials: str | None = None
    """Name of an entry point in `opentelemetry_otlp_credential_provider`."""

    def __str__(self) -> str:
        """The address without what may be secret in it."""
        if self.protocol == "grpc":
            return self.url
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def named(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the variable that names an OTLP endpoint for traces, if one does."""
    for name in ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        if environ.get(name):
            return name
    return None


def of_environment(environ: Mapping[str, str] = os.environ, *, endpoint: str | None = None) -> Endpoint:
    """Return the endpoint that the environment names, or the standard one of this machine; `endpoint` is asked first.

    Without a protocol in the environment, port 4317 means gRPC and all else http/protobuf. UsageError names what is wrong.
    """

    def read(name: str) -> str | None:
        value = environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or environ.get(f"OTEL_EXPORTER_OTLP_{name}")
        return value.strip() if value else None

    url = endpoint or read("ENDPOINT")
    protocol = read("PROTOCOL") or ("grpc" if url and _port(url) == 4317 else "http/protobuf")
    if protocol not in PROTOCOLS:
        raise UsageError(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: traces are sent as {' or '.join(PROTOCOLS)}")
    url = url or ("http://localhost:4317" if protocol == "grpc" else "http://localhost:4318")
    compression = (read("COMPRESSION") or "none").lower()
    if compression not in ("none", "gzip", "deflate") or (compression == "deflate" and protocol == "grpc"):
        raise UsageError(f"OTEL_EXPORTER_OTLP_COMPRESSION={compression}: give none or gzip")
    if "://" in url and url.partition("://")[0].lower() not in ("http", "https"):
        raise UsageError(f"the OTLP endpoint is {url.partition('://')[0][:20]}://…: write it as http://HOST:PORT, or https://HOST:PORT")
    insecure = read("INSECURE")
    secure = url.lower().startswith("https:") or (not url.lower().startswith("http:") and (insecure or "false").lower() != "true")
    if protocol == "grpc":
        address = url.partition("://")[2].partition("/")[0] if "://" in url else url
    else:
        address = url if "://" in url else f"{'https' if secure else 'http'}://{url}"
        whole = endpoint is None and environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")  # the signal's own variable is used as it is
        base, mark, query = address.partition("?")
        if not whole and not base.rstrip("/").endswith(_PATH):
            address = base.rstrip("/") + _PATH + mark + query
    if not _is_address(address, protocol):
        shown = url.rpartition("@")[2]  # without a password
        raise UsageError(f"the OTLP endpoint {shown!r} is no URL: write it as in http://localhost:4318")
    kind = "GRPC" if protocol == "grpc" else "HTTP"
    provider = environ.get(f"OTEL_PYTHON_EXPORTER_OTLP_{kind}_TRACES_CREDENTIAL_PROVIDER")
    return Endpoint(
        url=address,
        protocol=protocol,
        headers=parse_env_headers(read("HEADERS") or "", liberal=True),
        timeout=_seconds(read("TIMEOUT")),
        compression=compression,
        secure=secure,
        certificate=read("CERTIFICATE"),
        client_certificate=read("CLIENT_CERTIFICATE"),
        client_key=read("CLIENT_KEY"),
        credentials=provider or environ.get(f"OTEL_PYTHON_EXPORTER_OTLP_{kind}_CREDENTIAL_PROVIDER"),
    )


def _is_address(address: str, protocol: str) -> bool:
    """Say whether there is a host, and a port that is a number if there is one."""
    try:
        parts = urlsplit(f"//{address}" if protocol == "grpc" else address)
        return bool(parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        return False


def _port(url: str) -> int | None:
    try:
        return urlsplit(url if "://" in url else f"//{url}").port
    except ValueError:
        return None


def _seconds(value: str | None) -> float:
    if value is None:
        return 10.0
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise UsageError(f"OTEL_EXPORTER_OTLP_TIMEOUT={value}: give a number of seconds")
    return seconds / 1000 if seconds > _LONGEST else seconds
