"""Jaeger's gRPC API: requests as its own messages read them, streams in pieces, one error for each refusal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chronicle_otel import reading
from chronicle_otel.errors import SourceError
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.otlp_proto import fields
from chronicle_otel.reading.sources import read
from tests.conftest import environment
from tests.sources.stores import ANSWERS, TRACE
from tests.sources.test_packed import messages

SERVICE = "jaeger.api_v3.QueryService"
Handler = Callable[[bytes, Any], Iterator[bytes]]


@contextmanager
def serving(answer: Handler, service: str = SERVICE) -> Iterator[tuple[str, list[tuple[str, bytes, dict[str, str]]]]]:
    """A gRPC server on the loopback; the address of it, and what it was asked: method, request, metadata."""
    asked: list[tuple[str, bytes, dict[str, str]]] = []

    def handler(name: str) -> Any:
        def call(request: bytes, context: Any) -> Iterator[bytes]:
            asked.append((name, request, {key: str(value) for key, value in context.invocation_metadata()}))
            yield from answer(request, context)

        return grpc.unary_stream_rpc_method_handler(call)

    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {name: handler(name) for name in ("GetTrace", "FindTraces")})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"jaeger+grpc://127.0.0.1:{port}", asked
    finally:
        server.stop(0).wait(5)


def pieces(request: bytes, context: Any) -> Iterator[bytes]:
    """The recorded trace, a message for each export."""
    yield from messages()


def refusing(code: grpc.StatusCode) -> Handler:
    """A server that aborts."""

    def refuse(request: bytes, context: Any) -> Iterator[bytes]:
        context.abort(code, "because")
        yield b""

    return refuse


def test_a_trace_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything of the stream is the trace; the request asks for it raw, with the token."""
    monkeypatch.setenv("CHRONICLE_JAEGER_TOKEN", "t")
    with serving(pieces) as (store, asked):
        spans = read(f"{store}/{TRACE}").spans
    assert list(normal_lines(spans)) == list(normal_lines(read(ANSWERS / "sent.jsonl").spans))
    [(method, request, metadata)] = asked
    assert (method, list(fields(request)), metadata["authorization"]) == ("GetTrace", [(1, TRACE.encode()), (4, 1)], "Bearer t")


def test_a_search() -> None:
    """The query as the message has it: service, attributes, window, depth, raw."""
    with serving(pieces) as (store, asked):
        assert len(reading.runs(f"{store}?service=shop&tag=error.type:ValueError&since=2026-01-01&until=2026-12-31&limit=7")) == 1
    [(method, request, _)] = asked
    [(number, query)] = fields(request)
    assert (method, number) == ("FindTraces", 1)
    assert isinstance(query, bytes)
    found = list(fields(query))
    times = [Timestamp.FromString(value).ToJsonString() for number, value in found if number in (4, 5) and isinstance(value, bytes)]
    assert times == ["2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"]
    assert [each for each in found if each[0] not in (4, 5)] == [
        (3, b"\n\x11chronicle.version\x12\x011"),
        (3, b"\n\nerror.type\x12\nValueError"),
        (8, 7),
        (9, 1),
        (1, b"shop"),
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (grpc.StatusCode.NOT_FOUND, f"has no trace {TRACE}; search for it: chronicle runs 'jaeger+grpc://"),
        (grpc.StatusCode.UNAUTHENTICATED, "no credentials were sent: set CHRONICLE_JAEGER_TOKEN"),
        (grpc.StatusCode.PERMISSION_DENIED, 'It says: "because"'),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "raise CHRONICLE_JAEGER_TIMEOUT"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "raise CHRONICLE_JAEGER_MAX_BYTES"),
        (grpc.StatusCode.INTERNAL, "refuses the request (INTERNAL)"),
    ],
)
def test_refusals(code: grpc.StatusCode, words: str) -> None:
    """Each is one sentence that says what to do."""
    with serving(refusing(code)) as (store, _), pytest.raises(SourceError) as caught:
        reading.load(f"{store}/{TRACE}")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_service() -> None:
    """A gRPC server that is no Jaeger is named as one."""
    with serving(pieces, "other.Service") as (store, _), pytest.raises(SourceError, match=r"has no jaeger\.api_v3\.QueryService"):
        reading.load(f"{store}/{TRACE}")


def test_nobody_listens() -> None:
    """A closed port is said at once."""
    with pytest.raises(SourceError, match=r"cannot be reached: is it the query port for gRPC, 16685 by default"):
        reading.load(f"jaeger+grpc://127.0.0.1:1/{TRACE}")


def test_not_available_is_tried_again() -> None:
    """Once is not for ever."""
    answers = iter([refusing(grpc.StatusCode.UNAVAILABLE), pieces])
    with serving(lambda request, context: next(answers)(request, context)) as (store, asked):
        assert reading.load(f"{store}/{TRACE}").checks.ok
        assert len(asked) == 2


def test_a_stream_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound counts the whole stream."""
    monkeypatch.setenv("CHRONICLE_JAEGER_MAX_BYTES", "10000")
    with serving(pieces) as (store, _), pytest.raises(SourceError, match="larger than 10,000 bytes"):
        reading.load(f"{store}/{TRACE}")


def test_tls_where_there_is_none(tmp_path: Path) -> None:
    """A command says so in one line; what gRPC itself logs about it is not printed."""
    with serving(pieces) as (store, _):
        source = f"{store.replace('jaeger+grpc:', 'jaeger+grpcs:')}/{TRACE}"
        command = [sys.executable, "-m", "chronicle_otel.cli", "pull", source, "-o", str(tmp_path / "run.jsonl")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60)

    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("chronicle: Jaeger at grpcs://127.0.0.1:")
    assert not (tmp_path / "run.jsonl").exists()
