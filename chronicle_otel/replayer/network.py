"""The network guard: while a replay is active no Python socket reaches anybody who was not allowed.

    socket.connect / send* / getaddrinfo ──► local (AF_UNIX, a pair)?  allowed?  an exporter at work? ──► pass
                                         └──► else NetworkBlocked, and the replay logs it

Wrappers, not an audit hook: connections opened before the replay send without any audit event, and a hook can never be
removed. Child processes and native clients (gRPC) are not covered.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from opentelemetry import context as otel_context

from ..errors import NetworkBlocked, UsageError
from ..recording.interceptor import current

_SUPPRESS: Final = "suppress_instrumentation"
"""Key that OpenTelemetry's span processors set in their context while they export."""
_LOCAL_NAMES: Final = ("localhost",)

_lock = threading.RLock()
_guards: list[NetworkGuard] = []
_originals: list[tuple[Any, str, Any]] = []


class NetworkGuard:
    """Blocks sockets while it is entered. `allow` holds "host" or "host:port"; `blocked(what)` logs and returns the error."""

    def __init__(self, allow: Sequence[str], blocked: Callable[[str], NetworkBlocked]) -> None:
        self._allowed: dict[str, set[int | None]] = {}
        self.blocked = blocked
        for text in allow:
            host, port = _host_and_port(text)
            self._allowed.setdefault(host, set()).add(port)
        for name in _LOCAL_NAMES:
            if name in self._allowed:
                for address in ("127.0.0.1", "::1"):
                    self._allowed.setdefault(address, set()).update(self._allowed[name])

    def __enter__(self) -> NetworkGuard:
        with _lock:
            _guards.append(self)
            if len(_guards) == 1:
                _install()
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            if self in _guards:
                _guards.remove(self)
            if not _guards:
                _uninstall()

    def allows(self, host: str, port: int | None) -> bool:
        """Say whether an address may be reached; port None asks for any port of the host."""
        ports = self._allowed.get(_plain(host))
        return ports is not None and (port is None or None in ports or port in ports)

    def remember(self, host: str, addresses: set[str]) -> None:
        """Allow the addresses that an allowed name was resolved to: `connect` sees addresses only."""
        ports = self._allowed.get(_plain(host))
        if ports is not None:
            for address in addresses:
                self._allowed.setdefault(_plain(address), set()).update(ports)


def stay_closed(allow: Sequence[str]) -> None:
    """Let nothing out any more, for a process that ends now: exporters of frameworks send what they saw of a replay at exit."""
    NetworkGuard(allow, lambda what: NetworkBlocked(f"the replay is over, and this process reaches nobody any more: {what}")).__enter__()


def _plain(host: str) -> str:
    return host.strip("[]").lower().split("%")[0].removesuffix(".")


def _host_and_port(text: str) -> tuple[str, int | None]:
    try:
        return str(ipaddress.ip_address(text.strip("[]"))), None
    except ValueError:
        pass
    host, colon, port = text.rpartition(":")
    if not text.strip() or "/" in text:
        raise _wrong(text)
    if not colon:
        return _plain(text), None
    if not (host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise _wrong(text)
    return _plain(host), int(port)


def _wrong(text: str) -> UsageError:
    return UsageError(f"allow_net={text!r}: write host or host:port, without scheme and path")


# ---- the wrappers ------------------------------------------------------------------------------


def _exempt() -> bool:
    """An exporter at work, or a debugger's own thread; never code that carries a Step."""
    if current.get() is not None:
        return False
    return bool(otel_context.get_value(_SUPPRESS)) or bool(getattr(threading.current_thread(), "is_pydev_daemon_thread", False))


def _check(host: str, port: int | None) -> None:
    guard = _guards[-1] if _guards else None
    if guard is None or guard.allows(host, port) or _exempt():
        return
    shown = f"[{host}]" if ":" in host else host
    raise guard.blocked(shown if port is None else f"{shown}:{port}")


def _is_local(sock: socket.socket) -> bool:
    return sock.family not in (socket.AF_INET, socket.AF_INET6)


def _address(address: Any) -> tuple[str, int | None]:
    if isinstance(address, tuple) and address:
        host, *rest = cast("tuple[Any, ...]", address)
        text = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
        return text or "0.0.0.0", rest[0] if rest and isinstance(rest[0], int) else None
    return str(cast("object", address)), None


def _connecting(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def connect(self: socket.socket, address: Any, /) -> Any:
        if _guards and not _is_local(self):
            _check(*_address(address))
        return real(self, address)

    return connect


def _sending(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def send(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
        if _guards and not _is_local(self):
            _check_peer(self, args)
        return real(self, *args, **kwargs)

    return send


def _check_peer(sock: socket.socket, args: Sequence[Any]) -> None:
    """A datagram names its address; else the socket knows its peer. A server of the process answers on its own allowed port."""
    guard = _guards[-1] if _guards else None
    if guard is None:
        return
    for value in reversed(args):
        if isinstance(value, tuple) and value and isinstance(value[0], str):
            _check(*_address(value))
            return
    try:
        peer, own = sock.getpeername(), sock.getsockname()
    except OSError:  # not connected: the call will fail by itself
        return
    host, port = _address(peer)
    if not guard.allows(host, port) and not guard.allows(*_address(own)):
        _check(host, port)


def _resolving(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _guards or host is None:
            return real(host, *args, **kwargs)
        name = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
        if not name or _is_address(name):  # nothing is asked of anybody; `connect` decides
            return real(host, *args, **kwargs)
        if name not in _LOCAL_NAMES:
            port = args[0] if args and isinstance(args[0], int) else kwargs.get("port")
            _check(name, port if isinstance(port, int) else None)
        found = real(host, *args, **kwargs)
        with _lock:
            for guard in _guards:
                guard.remember(name, _addresses(found))
        return found

    return resolve


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(_plain(text))
    except ValueError:
        return False
    return True


def _addresses(found: Any) -> set[str]:
    if isinstance(found, str):
        return {found}
    if isinstance(found, tuple):  # gethostbyname_ex
        return set(cast("tuple[Any, Any, list[str]]", found)[2])
    return {str(entry[4][0]) for entry in found}


def _install() -> None:
    """Put the wrappers in place. `socket.socket` inherits its methods from C: ours shadow them and are deleted again."""
    for owner in (socket.socket, ssl.SSLSocket):
        for name, wrap in (
            ("connect", _connecting), ("connect_ex", _connecting), ("send", _sending), ("sendall", _sending), ("sendto", _sending),
            ("sendmsg", _sending), ("sendfile", _sending), ("write", _sending),
        ):  # fmt: skip
            if owner is ssl.SSLSocket and name not in vars(owner):
                continue
            if hasattr(owner, name):
                _originals.append((owner, name, vars(owner).get(name)))
                setattr(owner, name, wrap(getattr(owner, name)))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        real = getattr(socket, name)
        _originals.append((socket, name, real))
        setattr(socket, name, _resolving(real))


def _uninstall() -> None:
    while _originals:
        owner, name, real = _originals.pop()
        if real is None:
            delattr(owner, name)
        else:
            setattr(owner, name, real)
