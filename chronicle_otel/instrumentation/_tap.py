"""A tap on a response that the caller still has to read: decoded bytes pass, and are handed on as they pass.

response.iter_bytes ──► Tap ──► the SDK's parser ──► the caller
                         │
              server-sent events: Crossing.chunk … end_stream;  any other body: kept, then Crossing.finish
"""

from __future__ import annotations

import asyncio
import functools
import re
import sys
from collections.abc import AsyncGenerator, ItemsView, Iterator, Mapping
from types import FrameType
from typing import Any

from chronicle_otel import _guard
from chronicle_otel.errors import ChronicleError
from chronicle_otel.recording.interceptor import Crossing, HttpOutput

_KEPT = frozenset({b"content-type", b"x-request-id", b"request-id", b"apim-request-id", b"x-should-retry"})
_KEPT_PREFIXES = (b"openai-", b"anthropic-", b"retry-after", b"x-ratelimit-")
"""Headers that an SDK or an application reads: ids, retry hints, rate limits. Never cookies or credentials."""

_BLOCK_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_ITERATING = frozenset({"__stream__", "iter_raw", "aiter_raw", "iter_bytes", "aiter_bytes"})
"""Generators of SDK and HTTP library in whose clean-up a response is closed when nobody reads on."""


@functools.lru_cache(maxsize=512)
def _kept_name(header: bytes) -> str | None:
    name = header.lower()
    return name.decode("ascii") if name in _KEPT or name.startswith(_KEPT_PREFIXES) else None


class KeptHeaders(Mapping[str, str]):
    """The headers of a response that may be recorded, with lower-case names; picked out when they are first read."""

    __slots__ = ("_headers", "_kept")

    def __init__(self, headers: Any) -> None:
        self._headers: Any = headers
        self._kept: dict[str, str] | None = None

    def _pick(self) -> dict[str, str]:
        kept: dict[str, str] = {}
        for key, value in self._headers.raw:
            name = _kept_name(key)
            if name is not None:
                kept[name] = value.decode("latin-1")
        self._kept, self._headers = kept, None
        return kept

    def __getitem__(self, name: str) -> str:
        return (self._kept if self._kept is not None else self._pick())[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept if self._kept is not None else self._pick())

    def __len__(self) -> int:
        return len(self._kept if self._kept is not None else self._pick())

    def items(self) -> ItemsView[str, str]:
        return (self._kept if self._kept is not None else self._pick()).items()


class Tap:
    """Stands on one response from hand-over to its end, which it reports exactly once."""

    __slots__ = ("asynchronous", "chunks", "crossing", "ended", "ending", "head", "kind", "pulling", "response", "sse", "terminal")

    def __init__(self, crossing: Crossing, response: Any, head: HttpOutput, terminal: tuple[bytes, ...], *, asynchronous: bool) -> None:
        self.crossing = crossing
        self.response: Any = response
        self.kind: Any = type(response)
        self.head = head
        self.terminal = terminal
        self.asynchronous = asynchronous
        self.sse = head.headers.get("content-type", "").startswith("text/event-stream")
        self.chunks: list[bytes] = []
        self.pulling = False
        self.ending = False
        self.ended = False

    def install(self) -> None:
        """Take the place of the response's own readers; they come back when the stream has ended."""
        response: Any = self.response
        self.crossing.open_stream(self.head)
        self.crossing.detach()
        if self.asynchronous:
            response.aiter_bytes, response.aiter_raw, response.aclose = self.aiter_bytes, self.aiter_raw, self.aclose
        else:
            response.iter_bytes, response.iter_raw, response.close = self.iter_bytes, self.iter_raw, self.close

    def _remove(self) -> None:
        response: Any = self.response
        own: Any = response.__dict__
        for name in ("aiter_bytes", "aiter_raw", "aclose", "iter_bytes", "iter_raw", "close"):
            own.pop(name, None)

    # ---- reading

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._pass(self.kind.iter_bytes(self.response, chunk_size))

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        return self._apass(self.kind.aiter_bytes(self.response, chunk_size))

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        raw: Any = self.kind.iter_raw(self.response, chunk_size)
        return self._pass(raw) if self._raw_is_plain() else raw

    def aiter_raw(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        raw: Any = self.kind.aiter_raw(self.response, chunk_size)
        return self._apass(raw) if self._raw_is_plain() else raw

    def _raw_is_plain(self) -> bool:
        """Whether raw bytes are asked for by the caller himself (not below `iter_bytes`), and are readable as they come."""
        return not self.pulling and "content-encoding" not in self.response.headers

    def _pass(self, inner: Iterator[bytes]) -> Iterator[bytes]:
        keep = self.chunks.append
        hand_on = self._hand_on
        self.pulling = True
        try:
            for chunk in inner:
                keep(chunk)
                hand_on(chunk)
                self.pulling = False
                yield chunk
                self.pulling = True
        except GeneratorExit:
            raise  # who closes or drops the response reports it
        except BaseException as error:
            self.pulling = False
            self._broke(error)
            raise
        self.pulling = False
        self.end("finished")

    async def _apass(self, inner: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        keep = self.chunks.append
        hand_on = self._hand_on
        self.pulling = True
        try:
            async for chunk in inner:
                keep(chunk)
                hand_on(chunk)
                self.pulling = False
                yield chunk
                self.pulling = True
        except GeneratorExit:
            await inner.aclose()
            raise
        except BaseException as error:
            self.pulling = False
            self._broke(error)
            raise
        self.pulling = False
        self.end("finished")

    def _hand_on(self, chunk: bytes) -> None:
        if not self.sse or self.ended:
            return
        try:
            self.crossing.chunk(chunk)
        except ChronicleError:
            raise
        except Exception as error:
            _guard.failed("record a chunk of an SDK's stream", error)
        if self.ending or chunk.startswith(self.terminal):  # the usual case: one event, one chunk
            self.ending = True
            if chunk.endswith(b"\n\n"):
                self.end("finished")

    # ---- ends

    def close(self) -> None:
        try:
            if not self.pulling and not self.ended:
                self.closed_by(sys._getframe(1))  # pyright: ignore[reportPrivateUsage]  there is no public way
        finally:
            self.kind.close(self.response)

    async def aclose(self) -> None:
        try:
            if not self.pulling and not self.ended:
                self.closed_by(sys._getframe(1))  # pyright: ignore[reportPrivateUsage]  there is no public way
        finally:
            await self.kind.aclose(self.response)

    def closed_by(self, caller: FrameType | None) -> None:
        """End a stream whose response is closed from outside: was all of it read, or did the reader stop?"""
        error = sys.exc_info()[1]
        inside = caller is not None and caller.f_code.co_name in _ITERATING
        if self._saw_terminal():
            self.end("finished")
        elif inside and isinstance(error, GeneratorExit):
            self.end("abandoned")
        elif inside and isinstance(error, Exception):
            self.end("error", error)  # the SDK's own parser raised: an error event, or one that it cannot read
        else:
            self.end("closed")

    def _saw_terminal(self) -> bool:
        if not self.sse:
            return False
        blocks = _BLOCK_END.split(b"".join(self.chunks))
        return len(blocks) > 1 and not blocks[-1].strip() and blocks[-2].lstrip().startswith(self.terminal)

    def _broke(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError) or type(error).__name__ == "Cancelled":  # the second: trio's
            self.end("cancelled", error)
        else:
            self.end("error", error)

    def end(self, how: str, error: BaseException | None = None) -> None:
        """Report the end; only the first report counts."""
        if self.ended:
            return
        self.ended = True
        self._remove()
        if self.sse:
            self.crossing.end_stream(how, error)
            return
        self.head.body = b"".join(self.chunks)
        if error is not None:
            self.crossing.fail(error, self.head)
        else:
            self.crossing.finish(self.head)
