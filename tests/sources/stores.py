"""A store on the loopback that gives the answers it is told to give, and keeps what it was asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ANSWERS = Path(__file__).parent / "answers"
"""What the real stores answered for the spans of sent.jsonl; README.md there says which versions, and how to ask again."""
TRACE = "d744cfbc653eb21ba20aab71796aa503"
RUN = "3ee50793e27797d2af3f21bbb4667da5"


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Given:
    """One answer; `cut` sends less than it announces."""

    status: int = 200
    body: bytes | str = b""
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: bool = False


class Store:
    """Requests and where it listens."""

    def __init__(self, answer: Callable[[Asked], Given], tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(parts.path, dict(parse_qsl(parts.query)), {k.lower(): v for k, v in self.headers.items()}, body)
                store.asked.append(asked)
                given = answer(asked)
                data = given.body.encode() if isinstance(given.body, str) else given.body
                self.send_response(given.status)
                self.send_header("Content-Type", given.type)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data) + (100 if given.cut else 0)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *arguments: Any) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]

    def at(self, scheme: str, rest: str = "") -> str:
        """Its address."""
        return f"{scheme}://127.0.0.1:{self.port}{rest}"


@contextmanager
def serving(answer: Callable[[Asked], Given] | Given, tls: ssl.SSLContext | None = None) -> Iterator[Store]:
    """Serve what a function answers, or always the same."""
    store = Store((lambda asked: answer) if isinstance(answer, Given) else answer, tls)
    thread = threading.Thread(target=store.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        store.server.shutdown()
        store.server.server_close()
        thread.join()


def recorded(name: str, type: str = "application/json", **more: Any) -> Given:
    """A recorded answer."""
    return Given(body=(ANSWERS / name).read_bytes(), type=type, **more)
