"""Serving a recorded answer below the SDK: the HTTP library's own Response, so that the SDK's own parser does the rest.

Answer.outcome ──► body bytes, or server-sent events ──► httpx.Response / httpx2.Response ──► the SDK's parser
               └─► no response was recorded ──► the SDK's own connection error, above its retries
"""

from __future__ import annotations

import base64
import datetime
import functools
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, cast

from chronicle_otel.errors import RecordedError, Refused
from chronicle_otel.recording.interceptor import Answer
from chronicle_otel.semconv import TYPE
from chronicle_otel.values import decode, decode_error

_NO_RETRY = "x-should-retry"


class AboveRetries(BaseException):
    """Carries an exception past the SDK's retry loop, which catches every Exception."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class Served:
    """One answer on its way to the application; made when the match is decided."""

    def __init__(self, answer: Answer, connection_error: str, timeout_error: str) -> None:
        self.answer = answer
        outcome: Any = answer.outcome
        self._outcome: Mapping[str, Any] = cast("Mapping[str, Any]", outcome) if isinstance(outcome, dict) else {}
        self._sdk_errors = (connection_error, timeout_error)
        head = self._outcome.get("head") if answer.form == "stream" else self._outcome
        self._head: Mapping[str, Any] = cast("Mapping[str, Any]", head) if isinstance(head, dict) else {}
        self._headers: Mapping[str, str] = self._head.get("headers") or {}
        self.attempts: Sequence[Mapping[str, Any]] = self._head.get("attempts") or ()

    def response(self, request: Any) -> Any:
        """Build the response to serve; raises AboveRetries where the recorded call had none."""
        module = sys.modules[type(request).__module__.partition(".")[0]]
        if self.answer.form == "stream":
            stream = _stream_class(module)(self.answer, request)
            response = self._response(module, request, int(self._head.get("status") or 200), stream=stream)
        elif self._outcome.get("status"):
            status = int(self._outcome["status"])
            response = self._response(module, request, status, content=self._body(status))
            if status >= 400:
                response.headers[_NO_RETRY] = "false"
        else:
            raise AboveRetries(self._error(module, request))
        return response

    def _response(self, module: ModuleType, request: Any, status: int, **body: Any) -> Any:
        headers = {name: value for name, value in self._headers.items() if name != "content-encoding"}
        response: Any = module.Response(status, headers=headers, request=request, **body)
        response.elapsed = datetime.timedelta(0)
        return response

    def _body(self, status: int) -> bytes:
        content_type = str(self._headers.get("content-type", "application/json"))
        return body_bytes(self._outcome.get("body"), text="json" not in content_type or status >= 400)

    # ---- what the caller sees is as it was

    def restore(self, error: BaseException) -> None:
        """Give the response of a served error the header back that kept the SDK from retrying."""
        headers: Any = getattr(getattr(error, "response", None), "headers", None)
        if headers is not None and _NO_RETRY in headers:
            recorded = self._headers.get(_NO_RETRY)
            if recorded is None:
                del headers[_NO_RETRY]
            else:
                headers[_NO_RETRY] = recorded

    def decorate(self, result: Any) -> None:
        """Tell a raw response how many retries there were."""
        if self.attempts and hasattr(result, "retries_taken"):
            result.retries_taken = len(self.attempts)

    # ---- errors without a response

    def _error(self, module: ModuleType, request: Any) -> BaseException:
        facts = self._outcome
        name = str(facts.get("class", "")).rpartition(":")[2].rpartition(".")[2]
        if name in self._sdk_errors:
            found = self._sdk_class(str(facts.get("class", "")), name)
            if found is not None:
                message = str(facts.get("message", ""))
                error: BaseException = (
                    found(request=request)
                    if name == self._sdk_errors[1]
                    else found(message=message or "Connection error.", request=request)
                )
                cause = facts.get("cause")
                if isinstance(cause, dict):
                    error.__cause__ = transport_error(module, cast("Mapping[str, Any]", cause), request)
                return error
        try:
            self.answer.value()
        except BaseException as error:
            return error
        return Refused("the recording holds neither an answer nor an error of this call; record it again")

    @staticmethod
    def _sdk_class(recorded: str, name: str) -> Any:
        """Find the SDK's own class; only in modules that the application has loaded."""
        package = recorded.partition(":")[0].partition(".")[0]
        return getattr(sys.modules.get(package), name, None)


@functools.cache
def _stream_class(module: ModuleType) -> Any:
    """Make the stream of a served response for one HTTP library; both kinds of client read it, and SDKs drain it after its end."""

    class Stream(module.SyncByteStream, module.AsyncByteStream):
        def __init__(self, answer: Any, request: Any) -> None:
            self._answer = answer
            self._request = request
            self._events: Any = None

        def __iter__(self) -> Iterator[bytes]:
            if self._events is None:
                self._events = self._answer.chunks()
            try:
                for event in self._events:
                    yield event_bytes(event)
            except RecordedError as error:
                raise transport_error(module, error.facts, self._request) from None

        async def __aiter__(self) -> AsyncIterator[bytes]:
            if self._events is None:
                self._events = self._answer.achunks()
            try:
                async for event in self._events:
                    yield event_bytes(event)
            except RecordedError as error:
                raise transport_error(module, error.facts, self._request) from None

    return Stream


def transport_error(module: ModuleType, facts: Mapping[str, Any], request: Any) -> BaseException:
    """Rebuild an error of the HTTP library from its recorded facts; in another library of the family, its namesake."""
    name = str(facts.get("class", "")).rpartition(":")[2].rpartition(".")[2]
    message = str(facts.get("message", ""))
    found: Any = getattr(module, name, None)
    if isinstance(found, type) and issubclass(found, module.RequestError):
        return found(message, request=request)
    return decode_error(dict(facts))


# ---- bytes -----------------------------------------------------------------------------------
def body_bytes(body: Any, *, text: bool) -> bytes:
    """Write a recorded body the way it came. `text`: a string is the body itself, not JSON that holds one."""
    if isinstance(body, dict):
        marker = cast("dict[str, Any]", body).get(TYPE)
        if isinstance(marker, list) and marker[:1] == ["json"]:  # text that is no common JSON, kept as it was
            return str(cast("list[Any]", marker)[1]).encode("utf-8", "surrogatepass")
    plain = decode(body)
    if isinstance(plain, bytes):
        return plain
    if text and isinstance(plain, str):
        return plain.encode("utf-8", "surrogatepass")
    return b"" if plain is None else _json(plain)


def event_bytes(event: Any) -> bytes:
    """Write one server-sent event from its recorded form."""
    lines = [f"{name}: {event[name]}".encode() for name in ("event", "id", "retry") if event.get(name) is not None]
    if "data" in event:
        lines.append(b"data: " + _json(decode(event["data"])))
    elif "text" in event:
        lines.extend(b"data: " + line.encode("utf-8", "surrogatepass") for line in str(event["text"]).split("\n"))
    return b"\n".join(lines) + b"\n\n"


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_odd).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(value, separators=(",", ":"), default=_odd).encode()


def _odd(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} in a recorded body")
