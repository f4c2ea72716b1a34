"""OpenTelemetry's environment variables, read as its specification says."""

from __future__ import annotations

import pytest

import chronicle_otel as chronicle
from chronicle_otel.recording.export.client import HttpClient, backoff
from chronicle_otel.recording.export.endpoint import Endpoint, named, of_environment


@pytest.mark.parametrize(
    ("environ", "url", "protocol", "secure"),
    [
        ({}, "http://localhost:4318/v1/traces", "http/protobuf", False),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "localhost:4317", "grpc", False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces", "http/protobuf", False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp"}, "https://c/otlp/v1/traces", "http/protobuf", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp/?key=1"}, "https://c/otlp/v1/traces?key=1", "http/protobuf", True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/in"}, "https://c/in", "http/protobuf", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, "c:4317", "grpc", False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c:4317"}, "c:4317", "grpc", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, "c:4317", "grpc", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317", "OTEL_EXPORTER_OTLP_INSECURE": "true"}, "c:4317", "grpc", False),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            "http://c:4317/v1/traces",
            "http/protobuf",
            False,
        ),
    ],
)  # fmt: skip
def test_address_and_protocol(environ: dict[str, str], url: str, protocol: str, secure: bool) -> None:
    """The path is added to a general endpoint and not to the signal's own; TLS is what the scheme says, else the default."""
    found = of_environment(environ)
    assert (found.url, found.protocol, found.secure) == (url, protocol, secure)


def test_the_signals_own_variables_go_first() -> None:
    """`…_TRACES_…` wins for every setting."""
    settings = {"HEADERS": ("a=1", "a=2"), "TIMEOUT": ("3", "4"), "COMPRESSION": ("none", "gzip"), "CERTIFICATE": ("x", "y")}
    general = {f"OTEL_EXPORTER_OTLP_{name}": pair[0] for name, pair in settings.items()}
    own = {f"OTEL_EXPORTER_OTLP_TRACES_{name}": pair[1] for name, pair in settings.items()}
    found = of_environment({**general, **own})
    assert (dict(found.headers), found.timeout, found.compression, found.certificate) == ({"a": "2"}, 4.0, "gzip", "y")
    assert of_environment({**general, "OTEL_EXPORTER_OTLP_TIMEOUT": "10000"}).timeout == 10.0, "milliseconds, as the specification has them"


def test_an_endpoint_given_by_hand_goes_before_the_environment() -> None:
    """`chronicle send --endpoint` takes a base URL or a whole one."""
    environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://other/x"}
    assert of_environment(environ, endpoint="http://c:4318").url == "http://c:4318/v1/traces"
    assert of_environment(environ, endpoint="http://c:4318/v1/traces").url == "http://c:4318/v1/traces"


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "brotli"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "deflate", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:port"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:port", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://collector:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_cannot_work_is_refused(environ: dict[str, str]) -> None:
    """One clear error instead of spans that are lost later."""
    with pytest.raises(chronicle.UsageError):
        of_environment(environ)


def test_secrets_stay_out_of_messages() -> None:
    """Headers, and what stands before an @ in a URL, are never printed."""
    endpoint = Endpoint("https://user:secret@c:4318/v1/traces?key=secret", headers={"authorization": "secret"})
    assert "secret" not in str(endpoint)
    assert str(endpoint) == "https://c:4318/v1/traces"
    assert "authorization" not in repr(endpoint)
    with pytest.raises(chronicle.UsageError) as refused:
        of_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:secret@c:port"})
    assert "secret" not in str(refused.value)


def test_the_variable_that_names_an_endpoint() -> None:
    """It is what a warning can point at."""
    assert named({}) is None
    assert named({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}) == "OTEL_EXPORTER_OTLP_ENDPOINT"


def test_pauses_grow_and_end() -> None:
    """From half a second to five, with a fifth of jitter."""
    assert 0.4 <= backoff(0) <= 0.6
    assert all(4.0 <= backoff(attempt) <= 6.0 for attempt in (4, 5, 60))


def test_no_answer_at_all_may_be_repeated() -> None:
    """A port where nobody listens, and a name that is none."""
    for url in ("http://127.0.0.1:1/v1/traces", "http://no-such-host.invalid/v1/traces"):
        answer = HttpClient(Endpoint(url)).post(b"", 5)
        assert (answer.taken, answer.again, answer.reason) == (False, True, "no connection")
