"""No socket reaches anybody in a replay who was not allowed; afterwards everything is as before."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import multiprocessing
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

import chronicle_otel as chronicle
from tests.replay.conftest import Lab, kinds


class Listener:
    """A server on loopback that counts who came and what they sent."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.received = bytearray()
        self.came = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Closing alone leaves `accept` waiting, on a number that the next test's socket may get."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.came += 1
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := connection.recv(1000):
                self.received += data


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def replaying_agent(lab: Lab, body: Callable[[], Any], **options: Any) -> Any:
    """Record an agent that does nothing, replay it doing `body`."""
    do: list[Callable[[], Any]] = [lambda: None]

    @chronicle.agent(name="a")
    def agent() -> None:
        do[0]()

    run = lab.record(agent)
    do[0] = body
    return lab.replay(run, agent, **options)


def ways(port: int) -> dict[str, Callable[[], Any]]:
    def connect_ex() -> None:
        with socket.socket() as s:
            s.connect_ex(("127.0.0.1", port))

    def http_get() -> None:
        http.client.HTTPConnection("127.0.0.1", port, timeout=1).request("GET", "/")

    def datagram() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"x", ("127.0.0.1", port))

    def aio() -> None:
        asyncio.run(asyncio.open_connection("127.0.0.1", port))  # type: ignore[arg-type]

    return {
        "create_connection": lambda: socket.create_connection(("127.0.0.1", port), 1),
        "connect_ex": connect_ex,
        "http": http_get,
        "datagram": datagram,
        "asyncio": aio,
        "names": lambda: socket.getaddrinfo("example.com", 80),
    }


@pytest.mark.parametrize("way", ["create_connection", "connect_ex", "http", "datagram", "asyncio", "names"])
def test_every_way_out_is_blocked(lab: Lab, listener: Listener, way: str) -> None:
    """Whatever is tried, nobody is reached, the error names step and way out, and it is a divergence."""
    result = replaying_agent(lab, ways(listener.port)[way])
    assert isinstance(result.outcome.error, chronicle.NetworkBlocked)
    assert "inside agent a" in str(result.outcome.error)
    assert "allow_net" in str(result.outcome.error)
    assert (result.verdict, result.divergences[0].kind, result.divergences[0].step.kind) == ("diverged", "unexpected_step", "network")
    assert listener.came == 0


def test_swallowed_attempt_is_a_divergence(lab: Lab, listener: Listener) -> None:
    """An attempt that the application swallows is reported all the same."""

    def body() -> None:
        with contextlib.suppress(Exception):
            socket.create_connection(("127.0.0.1", listener.port))

    result = replaying_agent(lab, body)
    assert kinds(result) == [f"unexpected_step at 127.0.0.1:{listener.port}"]


def test_connection_opened_before_sends_nothing(lab: Lab, listener: Listener) -> None:
    """A connection from before the replay is mute in it, and works again afterwards."""
    with socket.create_connection(("127.0.0.1", listener.port)) as before:
        result = replaying_agent(lab, lambda: before.sendall(b"secret"))
        assert isinstance(result.outcome.error, chronicle.NetworkBlocked)
        before.sendall(b"fine")
    for _ in range(100):
        if listener.received:
            break
        threading.Event().wait(0.01)
    assert bytes(listener.received) == b"fine"


@pytest.mark.parametrize("allow", ["127.0.0.1", "localhost", "127.0.0.1:{port}", "localhost:{port}"])
def test_allowed_host_is_reached(lab: Lab, listener: Listener, allow: str) -> None:
    """A host, or a host and port, that was allowed is reached by name and by address."""

    def body() -> None:
        socket.create_connection(("127.0.0.1", listener.port)).close()
        if allow.startswith("localhost"):
            socket.create_connection(("localhost", listener.port)).close()

    assert replaying_agent(lab, body, allow_net=[allow.format(port=listener.port)]).verdict == "reproduced"


def test_other_port_of_an_allowed_host_is_not(lab: Lab, listener: Listener) -> None:
    """Allowed is the port that was named, no other."""
    result = replaying_agent(lab, ways(listener.port)["http"], allow_net=["127.0.0.1:1"])
    assert isinstance(result.outcome.error, chronicle.NetworkBlocked)


def test_local_sockets_pass(lab: Lab) -> None:
    """Socket pairs and an event loop work in a replay."""

    def body() -> None:
        a, b = socket.socketpair()
        with a, b:
            a.sendall(b"x")
            assert b.recv(1) == b"x"
        asyncio.run(asyncio.sleep(0))

    assert replaying_agent(lab, body).verdict == "reproduced"


def test_live_tool_is_guarded_too(lab: Lab, listener: Listener) -> None:
    """Naming a tool live does not open the network to it."""
    port = [0]

    @chronicle.tool(name="fetch")
    def fetch() -> str:
        if port[0]:
            socket.create_connection(("127.0.0.1", port[0]))
        return "x"

    @chronicle.agent(name="a")
    def agent() -> str:
        return fetch()

    run = lab.record(agent)
    port[0] = listener.port
    result = lab.replay(run, agent, live=["tool"])
    assert isinstance(result.outcome.error, chronicle.NetworkBlocked)
    assert "inside tool fetch" in str(result.outcome.error)


def test_a_refusal_in_a_child_process_is_a_divergence(lab: Lab) -> None:
    """What a forked worker was refused reaches this process as an exception only; the run does not count as reproduced."""

    @chronicle.tool(name="look")
    def look(n: int) -> int:
        return n

    @chronicle.agent(name="a")
    def agent() -> list[int]:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            return list(pool.map(_twice, [1, 2]))

    global _child
    _child = look
    run = lab.record(agent)
    assert lab.value == [2, 4]
    result = lab.replay(run, agent)
    assert (result.verdict, kinds(result)) == ("diverged", ["error_changed at a"])


_child: Any = None


def _twice(n: int) -> int:
    return 2 * int(_child(n))


def test_guard_leaves_no_trace(lab: Lab) -> None:
    """After a replay the socket classes and functions are the originals, inherited as before."""
    before = (dict(vars(socket.socket)), dict(vars(ssl.SSLSocket)), socket.getaddrinfo, socket.gethostbyname)
    replaying_agent(lab, lambda: None)
    assert (dict(vars(socket.socket)), dict(vars(ssl.SSLSocket)), socket.getaddrinfo, socket.gethostbyname) == before


@pytest.mark.parametrize("wrong", ["http://example.com", "example.com:https", ":80"])
def test_wrong_allow_net_is_a_usage_error(lab: Lab, wrong: str) -> None:
    """A URL or a nameless port is refused with the form that is meant."""
    with pytest.raises(chronicle.UsageError, match="host:port"):
        replaying_agent(lab, lambda: None, allow_net=[wrong])
