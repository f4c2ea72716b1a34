"""One crossing of a replay, and the place that contexts remember of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import values
from ..errors import Refused
from ..recording import interceptor as seams
from ..recording.interceptor import Answer, Boundary, HttpInput, HttpOutput
from .counterparts import Recorded
from .log import Happened

if TYPE_CHECKING:
    from .engine import Replayer


@dataclass(frozen=True, slots=True)
class Here:
    """Where a crossing starts."""

    happened: Happened | None
    """The enclosing crossing."""
    lane: str | None
    foreign: bool
    """The context belongs to another replay, one that is over."""


class Place:
    """What the context variable holds for a crossing: alive as long as a context knows it."""

    __slots__ = ("__weakref__", "happened", "lanes", "replayer")

    def __init__(self, replayer: Replayer) -> None:
        self.replayer = replayer
        self.happened: Happened | None = None
        self.lanes: dict[str, int] = {}


class ReplayCrossing:
    """One crossing of a replay; implements `Crossing`."""

    __slots__ = ("_attached", "_chunks", "_ended", "_place", "_token", "answer", "boundary", "happened", "here", "lanes", "replayer")

    def __init__(self, replayer: Replayer, boundary: Boundary) -> None:
        self.replayer = replayer
        self.boundary = boundary
        self.happened: Happened | None = None
        self.answer: Answer | None = None
        self.lanes: dict[str, int] = {}
        self.here: Here | None = None
        self._place: Place | None = None
        self._attached = False
        self._token: Any = None
        self._ended = False
        self._chunks: list[Any] | None = None

    @property
    def recorded(self) -> Recorded | None:
        return self.happened.recorded if self.happened is not None else None

    def begin(self, tree: Any) -> None:
        """Match a function call."""
        self.replayer.begin(self, tree, self.replayer.here())

    def ask(self, request: HttpInput) -> None:
        """Match an SDK call by its first request."""
        if self.happened is not None:
            return
        body = values.tree_of_json(request.body)
        self.replayer.begin(self, {"method": request.method, "path": request.path, "body": body}, self.here or self.replayer.here())
        if self.happened is not None:
            self.happened.server = request.server
        if self._place is not None:
            self._place.happened = self.happened

    def attach(self) -> None:
        place = self._place
        if place is None:
            place = self._place = self.replayer.new_place()
            place.lanes = self.lanes
        place.happened = self.happened
        self._token = seams.current.set(place)
        self._attached = True

    def detach(self) -> None:
        if not self._attached:
            return
        self._attached = False
        with contextlib.suppress(ValueError):  # ended in another context than it began: nothing of ours to undo here
            seams.current.reset(self._token)
        self._token = None

    def finish(self, output: Any) -> None:
        if self.happened is not None and self.happened.run is not None and self.happened is self.happened.run.root_happened:
            self.happened.value = output
        self._end("value", lambda: _http_tree(output) if isinstance(output, HttpOutput) else values.to_tree(output))

    def fail(self, error: BaseException, response: HttpOutput | None = None) -> None:
        self._end("error", lambda: {**values.encode_error(error), **(_http_tree(response) if response is not None else {})}, error)

    def open_stream(self, head: HttpOutput | None = None) -> None:
        if self._chunks is None:
            self._chunks = []
        if self._attached and self.boundary.sdk is not None:
            self.detach()

    def chunk(self, value: Any) -> None:
        if self._chunks is not None and self.answer is None and self.boundary.sdk is None:
            self._chunks.append(values.to_tree(value))

    def end_stream(self, end: str, error: BaseException | None = None, *, returned: Any = None) -> None:
        if self.happened is not None and end in ("closed", "abandoned"):
            self.happened.cancelled = True
        self._end("stream", lambda: self._chunks or [], error)

    def _end(self, form: str, output: Callable[[], Any], error: BaseException | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        self.detach()
        self._place = None
        happened = self.happened
        if happened is None or self.answer is not None or happened.form == "refused":
            return
        happened.form, happened.error = form, error
        happened.output = output()
        self.replayer.ended(happened)

    def consumed(self, count: int) -> None:
        """Note how many chunks of a served stream the consumer has taken."""
        if self.happened is not None:
            self.happened.consumed = max(self.happened.consumed, count)

    def not_recorded(self, why: str) -> Refused:
        """Log that the recording has no more to serve here, and make the error for it."""
        happened = self.happened
        assert happened is not None
        happened.refusal, happened.refusal_kind = why, "not_recorded"
        happened.form = "refused"
        return Refused(f"{self.boundary.kind} {self.boundary.name}: {why}")


def _http_tree(output: HttpOutput) -> dict[str, Any]:
    return {"status": output.status, "headers": dict(output.headers), "body": values.tree_of_json(output.body) if output.body else None}
