"""A scripted model provider on loopback that speaks OpenAI's wire protocol to the real SDK.

    OpenAI(base_url=provider.url) ──HTTP──► Provider ──► script ──► Reply ──► openai_wire ──► JSON or SSE

`with Provider([Reply(calls=[Call("place_order", {"quantity": 1000})]), Reply(text="Done.")]) as provider: …`
"""

from __future__ import annotations

import gzip
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from chronicle_otel.demo.openai_wire import (
    Call,
    Reply,
    chat_body,
    chat_events,
    embeddings_body,
    error,
    models_body,
    response_body,
    response_events,
)

__all__ = ["Call", "Provider", "Reply", "error"]

Rule = Reply | Callable[[dict[str, Any]], Reply]
"""A Reply, or a function of the request {"method", "path", "headers", "body"} that gives one."""

_KEPT = 10_000
"""Requests remembered for `Provider.requests`; older ones are forgotten."""
_LARGEST = 256 * 1024 * 1024
"""Bytes of a request body that are still read."""


class Provider:
    """An HTTP server on a free port of 127.0.0.1, answering as its script says.

    `script` is a list of rules, one per model call in the order of arrival, or one function for all of them. Embeddings
    and the list of models answer by themselves and use up no rule. A call beyond the script is answered 400 and says so.
    """

    def __init__(
        self, script: Sequence[Rule] | Callable[[dict[str, Any]], Reply] = (), *, models: Sequence[str] = ("gpt-4.1", "gpt-5")
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        """Every request that arrived: {"method", "path", "headers", "body"}."""
        self.hits = 0
        """How many requests arrived."""
        self.models = tuple(models)
        self._script = script
        self._used = 0
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True, name="chronicle-demo-provider"
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        """The base URL for a client."""

    def __enter__(self) -> Provider:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and free the port; connections that are open are cut."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, request: dict[str, Any]) -> tuple[Reply, int]:
        """Return the scripted Reply for a request, and the request's number."""
        with self._lock:
            self.hits += 1
            number = self.hits
            self.requests.append(request)
            del self.requests[:-_KEPT]
            rule = self._rule(request)
        return (rule(request) if callable(rule) else rule), number

    def _rule(self, request: Mapping[str, Any]) -> Rule:
        tail = request["path"].split("?")[0]
        if request["method"] == "GET" and tail.endswith("/models"):
            return Reply(body=models_body(self.models))
        if callable(self._script):
            return self._script
        if tail.endswith("/embeddings") and not (self._used < len(self._script) and _is_raw(self._script[self._used])):
            return Reply(body=embeddings_body(request["body"]))
        if self._used >= len(self._script):
            return error(400, f"the script has {len(self._script)} answers and this is one call more: {request['method']} {tail}")
        self._used += 1
        return self._script[self._used - 1]


def _is_raw(rule: Rule) -> bool:
    """Whether a rule is meant for any endpoint, embeddings too: an error or a body given as it is."""
    return isinstance(rule, Reply) and (rule.status != 200 or rule.body is not None or rule.drop)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in tuple(self._open):
            _cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away in the middle is part of every test of streams."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_DELETE = do_PATCH = do_PUT = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the demo and to the tests."""

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > _LARGEST:
            self.send_error(413)
            return
        raw = self.rfile.read(length)
        try:
            body: Any = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply, number = cast("_Server", self.server).provider.answer(
            {"method": self.command, "path": self.path, "headers": headers, "body": body}
        )
        if reply.delay:
            time.sleep(reply.delay)
        if reply.drop:
            self._cut()
            return
        request: Mapping[str, Any] = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        events = _events(reply, self.path, request, number)
        if events is not None:
            self._stream(reply, events, number)
        else:
            self._plain(reply, _body(reply, self.path, request, number), number)

    def _head(self, reply: Reply, number: int, content_type: str, **more: str) -> None:
        self.send_response(reply.status)
        given = {name.lower() for name in reply.headers}
        usual = {
            "content-type": content_type,
            "x-request-id": f"req_{number:04d}",
            "openai-processing-ms": "12",
            "openai-version": "2020-10-01",
            "x-ratelimit-remaining-requests": str(10_000 - number),
            "set-cookie": "__cf_bm=demo; path=/; HttpOnly",
        }
        for name, value in {**{k: v for k, v in usual.items() if k not in given}, **more, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _plain(self, reply: Reply, body: bytes, number: int) -> None:
        encoded = gzip.compress(body) if reply.gzip else body
        coding = {"content-encoding": "gzip"} if reply.gzip else {}
        content_type = "application/octet-stream" if isinstance(reply.body, bytes) else "application/json"
        self._head(reply, number, content_type, **{"content-length": str(len(encoded))}, **coding)
        if reply.drop_after is not None:
            self._cut()
            return
        self.wfile.write(encoded)

    def _stream(self, reply: Reply, events: Iterable[Any], number: int) -> None:
        coding = {"content-encoding": "gzip"} if reply.gzip else {}
        self._head(reply, number, "text/event-stream; charset=utf-8", **{"transfer-encoding": "chunked"}, **coding)
        packer = _Gzip() if reply.gzip else None
        for sent, event in enumerate(events):
            if reply.drop_after is not None and sent >= reply.drop_after:
                self._cut()
                return
            data = sse(event)
            self._chunk(packer.pack(data) if packer else data)
            if reply.pause:
                time.sleep(reply.pause)
        if packer:
            self._chunk(packer.end())
        if reply.drop_after is not None:
            self._cut()
            return
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _cut(self) -> None:
        self.close_connection = True
        _cut(self.connection)


class _Gzip:
    """A gzip stream whose every piece can be decoded as soon as it arrives."""

    def __init__(self) -> None:
        import zlib

        self._packer = zlib.compressobj(wbits=31)
        self._flush = zlib.Z_SYNC_FLUSH

    def pack(self, data: bytes) -> bytes:
        return self._packer.compress(data) + self._packer.flush(self._flush)

    def end(self) -> bytes:
        return self._packer.flush()


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the client was faster


def _events(reply: Reply, path: str, request: Mapping[str, Any], number: int) -> Iterator[Any] | Iterable[Any] | None:
    """Return the payloads of a stream, or None where a plain answer was asked for or scripted."""
    if reply.events is not None:
        return reply.events
    if reply.body is not None or reply.status >= 400 or not request.get("stream"):
        return None
    return response_events(reply, request, number) if urlsplit(path).path.endswith("/responses") else chat_events(reply, request, number)


def _body(reply: Reply, path: str, request: Mapping[str, Any], number: int) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    if reply.body is not None:
        return json.dumps(reply.body, ensure_ascii=False).encode()
    tail = urlsplit(path).path
    make = response_body if tail.endswith("/responses") else chat_body
    return json.dumps(make(reply, request, number), ensure_ascii=False).encode()


def sse(event: Any) -> bytes:
    """Write one server-sent event; a payload with a dotted `type` names its event, as the Responses API does."""
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    name = cast("Mapping[str, Any]", event).get("type") if isinstance(event, dict) else None
    line = f"event: {name}\n" if isinstance(name, str) and ("." in name or name == "error") else ""
    return f"{line}data: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
