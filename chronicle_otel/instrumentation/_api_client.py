"""The seam of SDKs built on a `SyncAPIClient` / `AsyncAPIClient` base class (openai, anthropic).

    client.request ──► Call ──► _build_request ──► http.send ──► response ──► the SDK's parser ──► the caller
         │                           │                 │             │
    interceptor.open           crossing.ask     or served by    finish / fail, or a Tap on the
    (one Step per call)        (first attempt)  _serving        stream that the caller reads

Everything is taken as bytes that the SDK has already serialised or received; nothing is parsed here.
"""

from __future__ import annotations

import contextvars
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from opentelemetry import baggage, context

from chronicle_otel import _guard
from chronicle_otel.errors import ChronicleError, Refused
from chronicle_otel.instrumentation import _serving
from chronicle_otel.instrumentation._http_send import MARK, watch
from chronicle_otel.instrumentation._tap import KeptHeaders, Tap
from chronicle_otel.recording.interceptor import Boundary, Crossing, HttpInput, HttpOutput, Interceptor, seam


@dataclass(frozen=True, slots=True)
class ApiClientSdk:
    """What differs between SDKs of this family."""

    name: str
    boundary: Callable[[str, str], Boundary]
    """(HTTP method, URL as the SDK's resource gives it) → the boundary that the call crosses."""
    terminal: tuple[bytes, ...]
    """First bytes of a server-sent event that ends a stream."""
    connection_error: str = "APIConnectionError"
    timeout_error: str = "APITimeoutError"


_call: contextvars.ContextVar[Call | None] = contextvars.ContextVar("chronicle_api_call", default=None)
"""The call whose `request` is running in this context."""


class Call:
    """One `request` of a client, from entry to the moment its result is handed over."""

    __slots__ = ("asked", "asynchronous", "attempts", "crossing", "open", "otel_token", "sdk", "sending", "served", "streamed", "stubbed")

    def __init__(self, sdk: ApiClientSdk, crossing: Crossing, *, asynchronous: bool) -> None:
        self.sdk = sdk
        self.crossing = crossing
        self.asynchronous = asynchronous
        self.attempts: list[Any] = []
        """A response or an exception of the HTTP library per attempt, oldest first."""
        self.asked = False
        self.sending = False
        self.streamed = False
        self.stubbed = False
        self.open = True
        self.served: _serving.Served | None = None
        self.otel_token: Any = None

    # ---- on the way out

    def built(self, options: Any, request: Any, http: Any) -> None:
        """Take the input from the first request that is built, and mark every one."""
        if not self.asked:
            self.asked = True
            try:
                given = _input(options, request)
            except Exception as error:
                _guard.failed("read the request of an SDK", error)
                given = HttpInput(str(options.method).upper(), str(options.url), b"null")
            self.crossing.ask(given)
            answer = self.crossing.answer
            if answer is not None:
                self.served = _serving.Served(answer, self.sdk.connection_error, self.sdk.timeout_error)
        request.extensions[MARK] = self
        watch(http)

    # ---- on the way back

    def raised(self, error: BaseException) -> BaseException:
        """End the Step with what `request` raised; returns what the caller is to see instead."""
        self.open = False
        if type(error) is _serving.AboveRetries:
            error = error.error
        elif self.served is not None:
            self.served.restore(error)
        last = self.attempts[-1] if self.attempts else None
        output = None
        if last is not None and not isinstance(last, BaseException):
            output = self._output(last)
        self.crossing.fail(error, output)
        return error

    def returned(self, result: Any) -> None:
        """End the Step with the final answer, or let a Tap end it where the answer is still to be read."""
        self.open = False
        last = self.attempts[-1] if self.attempts else None
        if last is None or isinstance(last, BaseException):
            _guard.warn_once(
                "see the response of an SDK call",
                f"chronicle did not see the HTTP response of a call of {self.sdk.name}: something replaced the `send` of its HTTP client. "
                "The Step is recorded without an answer and cannot be replayed.",
            )
            self.crossing.finish(None)
        elif self.streamed and not last.is_closed:
            Tap(self.crossing, last, self._head(last), self.sdk.terminal, asynchronous=self.asynchronous).install()
        else:
            self.crossing.finish(self._output(last))
        if self.served is not None:
            self.served.decorate(result)

    def _head(self, response: Any) -> HttpOutput:
        attempts = self.served.attempts if self.served is not None else [_attempt(earlier) for earlier in self.attempts[:-1]]
        return HttpOutput(response.status_code, KeptHeaders(response.headers), b"", attempts)

    def _output(self, response: Any) -> HttpOutput:
        output = self._head(response)
        try:
            output.body = response.content
        except Exception:  # closed before it was read: there is no body to be had
            pass
        return output


def _attempt(earlier: Any) -> Mapping[str, Any]:
    if isinstance(earlier, BaseException):
        return {"error": type(earlier).__name__}
    return {"status": earlier.status_code}


def _input(options: Any, request: Any) -> HttpInput:
    path = options.url
    url = request.url
    if not path.startswith("/"):
        path = url.path if "://" in path else "/" + path
    query = url.query
    if query:
        path = f"{path.partition('?')[0]}?{query.decode('ascii')}"
    try:
        body = request.content or b"null"
    except Exception:  # a multipart body is a stream: it is described by its fields, files by name and size
        body = _describe(options)
    content_type = "application/json" if options.json_data is not None else request.headers.get("content-type", "application/json")
    return HttpInput(request.method, path, body, content_type, url.netloc.decode("ascii"))


def _describe(options: Any) -> bytes:
    files: list[Any] = []
    given: Any = options.files or ()
    for field, file in given.items() if hasattr(given, "items") else given:
        parts = cast("tuple[Any, ...]", file) if isinstance(file, tuple) else (None, file)
        name, content = parts[0], parts[1]
        size = len(content) if isinstance(content, (bytes, bytearray, str)) else None
        files.append({"field": str(field), "name": name, "size": size})
    return json.dumps({"data": options.json_data, "files": files}, default=str).encode()


# ---- wrappers --------------------------------------------------------------------------------
def _begin(
    sdk: ApiClientSdk, interceptor: Interceptor, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, asynchronous: bool = False
) -> Call | None:
    try:
        options = args[1] if len(args) > 1 else kwargs["options"]
        crossing = interceptor.open(sdk.boundary(options.method, options.url))
        if crossing is None:
            return None
        call = Call(sdk, crossing, asynchronous=asynchronous)
        call.stubbed = getattr(crossing, "stubbed", getattr(interceptor, "fail_closed", False))
        if baggage.get_all():  # session variables that travel are for our own services, not for a model provider
            call.otel_token = context.attach(baggage.clear())
        return call
    except ChronicleError:
        raise
    except Exception as error:
        _guard.failed("open an SDK call", error)
        if getattr(interceptor, "fail_closed", False):
            raise Refused(f"a call of {sdk.name} could not be matched, because chronicle itself failed: {error!r}") from error
        return None


def _leave(call: Call | None, token: contextvars.Token[Call | None]) -> None:
    _call.reset(token)
    if call is not None and call.otel_token is not None:
        context.detach(call.otel_token)


def wrap_request(original: Callable[..., Any], sdk: ApiClientSdk) -> Callable[..., Any]:
    """Wrap `SyncAPIClient.request`: one call is one Step."""

    @functools.wraps(original)
    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        interceptor = seam.interceptor
        if interceptor is None:
            return original(self, *args, **kwargs)
        call = _begin(sdk, interceptor, args, kwargs)
        token = _call.set(call)
        try:
            try:
                result = original(self, *args, **kwargs)
            finally:
                _leave(call, token)
        except BaseException as error:
            if call is None:
                raise
            seen = call.raised(error)
            if seen is error:
                raise
            raise seen from seen.__cause__
        if call is not None:
            call.returned(result)
        return result

    return request


def wrap_async_request(original: Callable[..., Any], sdk: ApiClientSdk) -> Callable[..., Any]:
    """Wrap `AsyncAPIClient.request`: one call is one Step."""

    @functools.wraps(original)
    async def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        interceptor = seam.interceptor
        if interceptor is None:
            return await original(self, *args, **kwargs)
        call = _begin(sdk, interceptor, args, kwargs, asynchronous=True)
        token = _call.set(call)
        try:
            try:
                result = await original(self, *args, **kwargs)
            finally:
                _leave(call, token)
        except BaseException as error:
            if call is None:
                raise
            seen = call.raised(error)
            if seen is error:
                raise
            raise seen from seen.__cause__
        if call is not None:
            call.returned(result)
        return result

    return request


def wrap_build_request(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `BaseClient._build_request`, which lies outside the SDK's retries: here a replay decides, and may refuse."""

    @functools.wraps(original)
    def build(self: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        request = original(self, options, *args, **kwargs)
        call = _call.get()
        if call is not None:
            call.built(options, request, self._client)
        return request

    return build


def wrap_credential(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method that fetches a credential from the user's function: nothing that is served needs one."""

    @functools.wraps(original)
    def fetch(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _stubbed():
            return original(self, *args, **kwargs)
        return _placeholder(self)

    return fetch


def wrap_async_credential(original: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a coroutine."""

    @functools.wraps(original)
    async def fetch(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _stubbed():
            return await original(self, *args, **kwargs)
        return _placeholder(self)

    return fetch


def _stubbed() -> bool:
    call = _call.get()
    return call is not None and call.stubbed


def _placeholder(client: Any) -> str:
    if getattr(client, "api_key", None) == "":
        client.api_key = "replayed-by-chronicle"  # openai 2 reads it back from here
    return "replayed-by-chronicle"
