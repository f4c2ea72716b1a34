"""Answers of what is no OTLP endpoint, or is spoken to in the wrong way: not taken, nothing deleted, and said in words that help."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chronicle_otel.recording.export.answers import of_refusal
from chronicle_otel.recording.export.client import client_of
from chronicle_otel.recording.export.endpoint import of_environment
from tests.conftest import environment

from .receiver import Receiver
from .test_unsent import kept, send

_FOREIGN = "answers with something that is no OTLP ({}): is this an OTLP endpoint?"


@contextlib.contextmanager
def answering(kind: str | None, body: bytes, *, promised: int | None = None) -> Iterator[Receiver]:
    """An HTTP server that says 200 to everything; `promised` is the length that it gives."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            if kind is not None:
                self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body) if promised is None else promised))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    receiver = Receiver()
    receiver.port = server.server_port
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("text/html; charset=utf-8", b"<html>Welcome</html>", "text/html"),
        ("text/plain", b"ok", "text/plain"),
        (None, b"ok", "no content type"),
        ("application/x-protobuf", b"\x00\xff\x12nonsense", "application/x-protobuf that cannot be read"),
        ("application/json", b"<html>", "application/json that cannot be read"),
        ("application/json", b'["taken"]', "application/json that cannot be read"),
        ("application/json", b'{"partialSuccess": 3}', "application/json that cannot be read"),
    ],
)
def test_a_200_that_is_no_otlp_is_not_taken(kind: str | None, body: bytes, reason: str) -> None:
    """A page of a web server, or junk, says nothing about spans: they are not taken, and it is not tried again."""
    with answering(kind, body) as receiver:
        answer = client_of(of_environment(receiver.environment)).post(b"", 5)
    assert (answer.taken, answer.again, answer.reason) == (False, False, _FOREIGN.format(reason))


@pytest.mark.parametrize(
    ("kind", "body", "rejected"),
    [
        ("text/html", b"", 0),
        (None, b"", 0),
        ("application/x-protobuf", b"\x0a\x02\x08\x02", 2),
        ("application/x-protobuf", b"\x7a\x01x", 0),
        ("application/json; charset=utf-8", b"{}", 0),
        ("application/json", b'{"partialSuccess":{"rejectedSpans":"2","errorMessage":"old"}}', 2),
    ],
)
def test_an_answer_of_otlp_is_taken(kind: str | None, body: bytes, rejected: int) -> None:
    """An empty body of any type, both encodings of the response, and a field that a later OTLP may add."""
    with answering(kind, body) as receiver:
        answer = client_of(of_environment(receiver.environment)).post(b"", 5)
    assert (answer.taken, answer.rejected) == (True, rejected)


@pytest.mark.parametrize("protocol", ["http/protobuf"])
def test_nothing_is_deleted_on_the_word_of_a_web_server(
    protocol: str, own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Recorded towards one, spans are kept; sent to one with --delete, their file stays and the reason is told."""
    with answering("text/html", b"<html>Welcome</html>") as receiver:
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        kept(own, 2, 5000)
        assert _FOREIGN.format("text/html") in caplog.text
        code, answer, said = send(receiver, tmp_path / "unsent", "--delete")
    assert (code, answer["spans"], answer["deleted"]) == (1, 0, [])
    assert _FOREIGN.format("text/html") in said
    assert [path.suffix for path in (tmp_path / "unsent").iterdir()] == [".jsonl"]


def test_an_answer_that_breaks_off_may_be_repeated() -> None:
    """Whether the spans were taken is not known then: they are offered again."""
    with answering("application/json", b'{"part', promised=1000) as receiver:
        answer = client_of(of_environment(receiver.environment)).post(b"", 5)
    assert (answer.taken, answer.again, answer.reason) == (False, True, "the answer broke off in the middle")


def test_a_port_without_tls_is_not_a_certificate() -> None:
    """https to a port of plain HTTP, also where the scheme was left out, says what to write."""
    with Receiver() as receiver:
        for endpoint in (f"https://127.0.0.1:{receiver.port}", f"127.0.0.1:{receiver.port}"):
            answer = client_of(of_environment({}, endpoint=endpoint)).post(b"", 5)
            assert (answer.taken, answer.again, answer.reason) == (
                False,
                False,
                "the port speaks no TLS: write the endpoint as http://… (without a scheme it means https)",
            )


def test_http_to_a_port_of_grpc_names_the_protocol() -> None:
    """The answer is no HTTP: the variable to set is in the message."""
    with Receiver("grpc") as receiver:
        answer = client_of(of_environment({}, endpoint=f"http://127.0.0.1:{receiver.port}")).post(b"", 5)
    assert not answer.taken
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" in answer.reason


def test_requests_import_nothing(receiver: Receiver) -> None:
    """All that a request needs is imported with the client: a child forked during an import of the thread would wait for ever."""
    script = (
        "import sys\n"
        "from chronicle_otel.recording.export.client import client_of\n"
        "from chronicle_otel.recording.export.endpoint import of_environment\n"
        "from chronicle_otel.recording.export.sender import exporting\n"
        "client = client_of(of_environment())\n"
        "before = set(sys.modules)\n"
        "with exporting():\n"
        "    assert client.post(b'', 10).taken\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(receiver.environment), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("application/x-protobuf", b"\x08\x03\x12\x1chttp: request body too large", "http: request body too large"),
        ("application/x-protobuf", b"\x12\x04away", "away"),
        ("application/x-protobuf", b"\x08\x0e\x12\xef\x27first\nsecond", "first"),
        ("application/x-protobuf", b"\x08\x0e\x12\xf4\x03" + b"x" * 500, "x" * 120),
        ("application/x-protobuf", b"\x12\x0a\x1b[2Jred\xff", "[2Jred\ufffd"),
        ("application/x-protobuf", b"", ""),
        ("application/x-protobuf", b"\x12", ""),
        ("application/x-protobuf", b"\x12\xff\xff\xff", ""),
        ("application/x-protobuf", b"nothing", ""),
        ("text/html", b"\x12\x04away", ""),
    ],
)
def test_what_a_refusal_says_is_quoted(kind: str, body: bytes, said: str) -> None:
    """The words of a server are quoted, one line of 120 bytes at most, without anything that a terminal would act on."""
    assert of_refusal(kind, body) == said
