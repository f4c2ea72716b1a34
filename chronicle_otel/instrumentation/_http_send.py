"""The `send` of HTTP clients (httpx, httpx2): where a marked request is tapped, or answered without being sent.

    request.extensions[MARK] ──► Call ──► send, and keep the response for the Step
                                     └──► served: no connection is opened

Classes are taken from the client objects at hand: neither library is imported.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

MARK = "chronicle_call"
"""Key in `request.extensions` under which a request carries its Call. HTTP libraries pass unknown extensions over."""

_sends: dict[type, Callable[..., Any]] = {}
"""The original `send` of each HTTP client class that was wrapped."""
_sends_lock = threading.Lock()


def watch(http: Any) -> None:
    """Wrap the `send` that this HTTP client object uses, once per class; requests without a mark pass untouched."""
    kind: Any = http.__class__
    own: Any = http.__dict__
    if kind in _sends and "send" not in own:
        return
    with _sends_lock:
        put = own.get("send")
        if put is not None:  # somebody put a function onto this one object
            if not hasattr(put, "chronicle_original"):
                http.send = _wrap_own_send(put)
            return
        for owner in kind.__mro__:
            if "send" in owner.__dict__:
                original: Any = owner.__dict__["send"]
                if owner not in _sends:
                    _sends[owner] = original
                    owner.send = _wrap_send(original)  # pyright: ignore[reportAttributeAccessIssue]  the class is the HTTP library's
                _sends.setdefault(kind, original)
                return


def unwatch() -> None:
    """Give every HTTP client class its own `send` back."""
    with _sends_lock:
        for owner, original in _sends.items():
            wrapped = vars(owner).get("send")
            if getattr(wrapped, "chronicle_original", None) is original:
                owner.send = original  # pyright: ignore[reportAttributeAccessIssue]  as above
        _sends.clear()


def _taken(request: Any) -> Any:
    """Return the Call of a marked request that is not being sent already further out."""
    extensions = getattr(request, "extensions", None)
    call = extensions.get(MARK) if extensions else None
    return call if call is not None and call.open and not call.sending else None


def _wrap_send(original: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(original):

        @functools.wraps(original)
        async def asend(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            call = _taken(request)
            if call is None:
                return await original(self, request, *args, **kwargs)
            call.streamed = bool(kwargs.get("stream"))
            if call.served is not None:
                if call.served.answer.form != "stream":  # the chunks of a stream wait for their turn themselves
                    await call.served.answer.released()
                response = call.served.response(request)
            else:
                call.sending = True
                try:
                    response = await original(self, request, *args, **kwargs)
                except BaseException as error:
                    call.attempts.append(error)
                    raise
                finally:
                    call.sending = False
            call.attempts.append(response)
            return response

        wrapped: Any = asend
    else:

        @functools.wraps(original)
        def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            call = _taken(request)
            if call is None:
                return original(self, request, *args, **kwargs)
            call.streamed = bool(kwargs.get("stream"))
            if call.served is not None:
                if call.served.answer.form != "stream":
                    call.served.answer.turn()
                response = call.served.response(request)
            else:
                call.sending = True
                try:
                    response = original(self, request, *args, **kwargs)
                except BaseException as error:
                    call.attempts.append(error)
                    raise
                finally:
                    call.sending = False
            call.attempts.append(response)
            return response

        wrapped = send
    wrapped.chronicle_original = original
    return wrapped


def _wrap_own_send(own: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a `send` that belongs to one object: it takes no receiver."""
    if iscoroutinefunction(own):

        async def unbound_async(_: Any, *args: Any, **kwargs: Any) -> Any:
            return await own(*args, **kwargs)

        unbound: Any = unbound_async
    else:

        def unbound_sync(_: Any, *args: Any, **kwargs: Any) -> Any:
            return own(*args, **kwargs)

        unbound = unbound_sync
    wrapped: Any = functools.partial(_wrap_send(unbound), None)
    wrapped.chronicle_original = own
    return wrapped
