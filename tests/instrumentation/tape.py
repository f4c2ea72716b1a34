"""A Recorder and a Replayer small enough to read, for the seam alone: Steps on a tape, in order, through JSON.

live code ──► Taping ──► tape.json() ──► Playing ──► live code again, with no provider
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from chronicle_otel import values
from chronicle_otel.errors import Refused
from chronicle_otel.recording.interceptor import Boundary, HttpInput, HttpOutput, seam
from chronicle_otel.recording.streams import sse_chunks
from chronicle_otel.wire.repeats import Repeats


def http_tree(output: HttpOutput) -> dict[str, Any]:
    """The tree of an answer, as the Recorder writes it."""
    body: Any = None
    if output.body:
        if "json" in output.headers.get("content-type", "json"):
            body = values.tree_of_json(output.body)
        else:
            body = values.to_tree(output.body) if b"\0" in output.body else output.body.decode()
    return {"status": output.status, "headers": dict(output.headers), "body": body, "attempts": [dict(a) for a in output.attempts]}


class TapedCrossing:
    """One Step on the tape. Every report is kept, so that a test sees a second end."""

    def __init__(self, boundary: Boundary) -> None:
        self.boundary = boundary
        self.answer: Any = None
        self.input: HttpInput | None = None
        self.asked = 0
        self.attached = True
        self.ends: list[str] = []
        self.output: HttpOutput | None = None
        self.error: BaseException | None = None
        self.head: HttpOutput | None = None
        self.bytes: list[tuple[int, bytes]] = []

    def ask(self, request: HttpInput) -> None:
        self.asked += 1
        self.input = self.input or request

    def attach(self) -> None:
        self.attached = True

    def detach(self) -> None:
        self.attached = False

    def finish(self, output: Any) -> None:
        self.attached = False
        self.ends.append("value")
        self.output = output

    def fail(self, error: BaseException, response: HttpOutput | None = None) -> None:
        self.attached = False
        self.ends.append("error")
        self.error, self.output = error, response

    def open_stream(self, head: HttpOutput | None = None) -> None:
        self.head = head

    def chunk(self, value: bytes) -> None:
        assert not self.ends
        self.bytes.append((time.time_ns(), value))

    def end_stream(self, end: str, error: BaseException | None = None) -> None:
        self.ends.append(end)
        self.error = error

    @property
    def body(self) -> Any:
        """The request body, parsed."""
        assert self.input is not None
        return json.loads(self.input.body)

    @property
    def events(self) -> list[Any]:
        chunks = sse_chunks(self.bytes, 0)[0]
        found: list[Any] = []
        for _, tree in chunks:
            found += tree.trees(chunks[tree.of][1]) if isinstance(tree, Repeats) else [tree]
        return found

    def tree(self) -> dict[str, Any]:
        """The outcome as JSON carries it."""
        facts = values.encode_error(self.error) if self.error is not None else None
        end = self.ends[0] if self.ends else "abandoned"
        if end == "value":
            assert self.output is not None
            return {"form": "value", "outcome": http_tree(self.output)}
        if end == "error" and self.head is None:
            assert facts is not None
            return {"form": "error", "outcome": {**facts, **(http_tree(self.output) if self.output else {})}}
        assert self.head is not None
        head = {"status": self.head.status, "headers": dict(self.head.headers), "attempts": [dict(a) for a in self.head.attempts]}
        chunks = [[0, event] for event in self.events]
        return {"form": "stream", "error": facts, "outcome": {"head": head, "chunks": chunks, "end": end, "consumed": len(chunks)}}


class Taping:
    """Records; nothing is served."""

    def __init__(self) -> None:
        self.steps: list[TapedCrossing] = []

    def open(self, boundary: Boundary) -> TapedCrossing | None:
        self.steps.append(TapedCrossing(boundary))
        return self.steps[-1]

    def enter(self, boundary: Boundary, args: Sequence[Any], kwargs: Mapping[str, Any], *, attach: bool = True) -> None:
        return None

    def flag(self, reason: str) -> None: ...

    def ambient(self, source: str, read: Any) -> Any:
        return read()

    def json(self) -> str:
        return values.dumps([{"name": s.boundary.name, **s.tree()} for s in self.steps])


class PlayedAnswer:
    """Implements `Answer` over one entry of a tape."""

    level = "exact"

    def __init__(self, entry: dict[str, Any]) -> None:
        self.form = entry["form"]
        self.outcome = entry["outcome"]
        self._error = entry.get("error")

    def value(self) -> Any:
        raise values.decode_error(self.outcome)

    async def avalue(self) -> Any:
        self.value()

    def turn(self) -> None:
        """A tape has no order of completion."""

    async def released(self) -> None: ...

    def chunks(self) -> Iterator[Any]:
        for _, tree in self.outcome["chunks"]:
            yield tree
        if self.outcome["end"] == "error":
            raise values.decode_error(self._error)
        if self.outcome["end"] != "finished":
            raise Refused("read beyond the recording")

    async def achunks(self) -> AsyncIterator[Any]:
        for chunk in self.chunks():
            yield chunk


class Playing(Taping):
    """Serves the Steps of a tape in their order; refuses what is not on it."""

    fail_closed = True

    def __init__(self, tape: str) -> None:
        super().__init__()
        self._entries = iter(values.loads(tape))

    def open(self, boundary: Boundary) -> TapedCrossing:
        playing = self
        crossing = super().open(boundary)
        assert crossing is not None

        class Asked(type(crossing)):
            stubbed = True

            def ask(self, request: HttpInput) -> None:
                super().ask(request)
                entry = next(playing._entries, None)
                if entry is None or entry["name"] != boundary.name:
                    raise Refused(f"nothing on the tape for {boundary.name}")
                self.answer = PlayedAnswer(entry)

        crossing.__class__ = Asked
        return crossing


@contextmanager
def interceptor(new: Any) -> Iterator[Any]:
    """Stand a Recorder or Replayer at the seam."""
    before, seam.interceptor = seam.interceptor, new
    try:
        yield new
    finally:
        seam.interceptor = before
