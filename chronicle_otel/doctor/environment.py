"""This environment: what OpenTelemetry's variables would do to recordings, what is installed, whether the endpoint answers.

variables ──recording.limits──┐
distributions ────────────────┼──► diagnoses
endpoint ◄──empty request─────┘
"""

from __future__ import annotations

import importlib.util
import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from chronicle_otel.doctor.diagnosis import Diagnosis, Severity
from chronicle_otel.doctor.sizes import RECEIVER_GRPC
from chronicle_otel.errors import ChronicleError, UsageError
from chronicle_otel.settings import Settings
from chronicle_otel.version import __version__

EXTRAS: Final = {
    "openai": ("openai",),
    "pytest": ("pytest",),
    "zstd": ("zstandard",),
    "store": ("fsspec",),
    "redaction": ("re2", "yaml"),
    "doctor": ("yaml",),
}
"""Extra → the modules that it brings."""
_SDKS: Final = {"openai": ((2, 40), (4, 0))}
"""Instrumented distribution → the first version that is tested, and the first that is not (pyproject.toml)."""
_MAPS: Final = (1, 45)
"""The first opentelemetry-sdk that keeps mappings as values of attributes."""
_BATCH: Final = 512
"""OTEL_BSP_MAX_EXPORT_BATCH_SIZE unless it is set."""
_PATIENCE: Final = 5.0
"""Seconds for the endpoint's answer to an empty request."""


def check_environment(environ: Mapping[str, str] = os.environ, *, connect: bool = True) -> Iterator[Diagnosis]:
    """Say what this environment would do to recordings. `connect`: send the endpoint an empty request."""
    yield from _versions()
    yield from _limits(environ)
    yield from _exporters(environ)
    yield from _endpoint(environ, connect)
    yield from _unsent()
    yield from _key(environ)


def _versions() -> Iterator[Diagnosis]:
    sdk = version("opentelemetry-sdk")
    yield Diagnosis("ok", "versions", "here", f"chronicle-otel {__version__}, Python {platform.python_version()}, opentelemetry-sdk {sdk}")
    if _numbers(sdk) < _MAPS:
        what = "attributes that are mappings are dropped by this SDK; recordings have none, other instrumentations may"
        yield Diagnosis("note", "maps_dropped", f"opentelemetry-sdk {sdk}", what, "pip install 'opentelemetry-sdk>=1.45'")
    there = [name for name, modules in EXTRAS.items() if all(importlib.util.find_spec(each) for each in modules)]
    absent = [name for name in EXTRAS if name not in there]
    what = f"extras installed: {', '.join(there) or 'none'}" + (f"; not installed: {', '.join(absent)}" if absent else "")
    yield Diagnosis("ok", "extras", "here", what)
    for name, (first, end) in _SDKS.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if first <= _numbers(found) < end:
            yield Diagnosis("ok", "instrumented", "here", f"{name} {found} is recorded at its HTTP seam")
        else:
            what = (
                f"it is recorded from {'.'.join(map(str, first))} up to, not including, {'.'.join(map(str, end))}; this one was not tested"
            )
            yield Diagnosis("warning", "instrumented", f"{name} {found}", what, f"pip install '{name}>={first[0]}.{first[1]},<{end[0]}'")


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(".")[:2]
    return tuple(int(part) if part.isdigit() else 0 for part in parts)


def _limits(environ: Mapping[str, str]) -> Iterator[Diagnosis]:
    from chronicle_otel.recording.limits import environment_limits

    found = environment_limits(environ)
    for limit in found:
        severity: Severity = "warning" if limit.kind == "sampled" else "error"
        yield Diagnosis(severity, limit.kind, limit.where, limit.what, limit.setting)
    if not found:
        yield Diagnosis("ok", "sdk_limits", "OTEL_*", "no variable cuts attributes, evicts them, samples or switches off")


def _exporters(environ: Mapping[str, str]) -> Iterator[Diagnosis]:
    chosen = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if chosen in ("none", "console"):
        what = "under opentelemetry-instrument spans " + ("are thrown away" if chosen == "none" else "are printed and sent nowhere")
        yield Diagnosis(
            "warning", "switched_off", f"OTEL_TRACES_EXPORTER={chosen}", what, 'set it to otlp, or use chronicle.init(export="own")'
        )
    given = environ.get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "").strip()
    count = int(given) if given.isdigit() else _BATCH
    if count > 64:
        what = (
            f"the SDK's batch processor sends {count} spans in one request, whatever their bytes: above {RECEIVER_GRPC // count:,} each "
            "that is more than receivers take, and lost"
        )
        where = f"OTEL_BSP_MAX_EXPORT_BATCH_SIZE{f'={count}' if given else ''}"
        yield Diagnosis("note", "batch_by_count", where, what, 'set it to 64, or use chronicle.init(export="own"), which cuts by bytes')


def _endpoint(environ: Mapping[str, str], connect: bool) -> Iterator[Diagnosis]:
    from chronicle_otel.recording.export.client import client_of
    from chronicle_otel.recording.export.endpoint import named, of_environment
    from chronicle_otel.recording.export.sender import exporting

    variable = named(environ)
    if variable is None:
        try:
            of_environment(environ)
        except UsageError as error:
            yield Diagnosis("error", "endpoint_wrong", "OTEL_EXPORTER_OTLP_*", str(error), "correct it, or unset it")
        what = "no endpoint: recordings go to the application's provider, or to files below ./.chronicle"
        yield Diagnosis("ok", "endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", what)
        return
    try:
        endpoint = of_environment(environ)
        client = client_of(endpoint)
    except UsageError as error:
        yield Diagnosis("error", "endpoint_wrong", variable, str(error), "correct it")
        return
    where = f"{endpoint} ({endpoint.protocol})"
    if not connect:
        yield Diagnosis("ok", "endpoint", where, f"named by {variable}; it was not asked")
        return
    try:
        with exporting():
            answer = client.post(b"", min(endpoint.timeout, _PATIENCE))
    except (ChronicleError, OSError, ValueError) as error:
        yield Diagnosis("error", "endpoint_refuses", where, f"it cannot be spoken to: {error}", f"look at {variable} and its neighbours")
        return
    finally:
        client.close()
    if answer.taken:
        yield Diagnosis("ok", "endpoint", where, "it answers, and takes OTLP")
        return
    kind = "endpoint_away" if answer.again else "endpoint_refuses"
    yield Diagnosis(
        "error", kind, where, f"it does not take spans: {answer.reason}", _advice(endpoint.protocol, endpoint.url, answer.reason)
    )


def _advice(protocol: str, url: str, reason: str) -> str:
    if any(sign in reason for sign in ("401", "403", "UNAUTHENTICATED", "PERMISSION")):
        return "set OTEL_EXPORTER_OTLP_HEADERS to what it wants"
    if "HTTP 404" in reason:
        return "OTEL_EXPORTER_OTLP_ENDPOINT is without /v1/traces, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT with it"
    if protocol == "http/protobuf" and ":4317" in url:
        return "4317 is the port of gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or name port 4318"
    if protocol == "grpc" and ":4318" in url:
        return "4318 is the port of HTTP: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or name port 4317"
    if reason.startswith("HTTP 3"):
        return "it sends elsewhere, and no sender of telemetry follows: name that address"
    if reason.startswith("HTTP 4") or "no OTLP" in reason:
        return "something else listens there: correct the address"
    if "TLS" in reason:
        return "correct the scheme of the address, http:// or https://, or OTEL_EXPORTER_OTLP_CERTIFICATE"
    return 'start it, or correct the address; with chronicle.init(export="own") spans wait on disk meanwhile'


def _unsent() -> Iterator[Diagnosis]:
    folder = Settings().unsent
    try:
        files = [name for name in os.listdir(folder) if ".jsonl" in name and not name.endswith(".sent")]
    except OSError:
        return
    if files:
        what = f"{len(files)} {'file' if len(files) == 1 else 'files'} of spans that the endpoint did not take"
        yield Diagnosis("warning", "unsent", folder, what, f"chronicle send {folder} --delete")


def _key(environ: Mapping[str, str]) -> Iterator[Diagnosis]:
    from chronicle_otel.redaction.keys import VARIABLE
    from chronicle_otel.redaction.pseudonyms import KEY_BYTES

    key = environ.get(VARIABLE)
    if key is not None and len(key.encode("utf-8", "surrogateescape").rstrip(b"\r\n")) < KEY_BYTES:
        what = f"a redaction key has {KEY_BYTES} bytes at least, so redaction refuses this one"
        yield Diagnosis("error", "key_short", VARIABLE, what, "make one with `openssl rand -hex 32`")
