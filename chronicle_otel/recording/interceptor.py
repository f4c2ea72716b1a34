"""The seam between host code and chronicle.

    boundary wrapper / SDK seam ──► seam.interceptor ──► None        nothing configured: the callee runs, that is all
                                                    ├─► Recorder    the callee runs and is recorded
                                                    └─► Replayer    answered from the recording, or run live and compared

A wrapper asks `enter` (a function: arguments are known) or `open` followed by `Crossing.ask` (an SDK call: the
request is known later). It gets a Crossing, or None when this crossing passes untouched.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(slots=True, eq=False)
class Boundary:
    """What is known of a boundary before it is crossed; made once, at decoration or instrumentation."""

    kind: str
    name: str
    function: Callable[..., Any] | None = None
    """The user's function, unwrapped; None for an SDK call."""
    bind: Callable[[Sequence[Any], Mapping[str, Any]], dict[str, Any]] = field(
        default=lambda args, kwargs: {"args": list(args), "kwargs": dict(kwargs)}
    )
    """(args, kwargs) → {parameter name: value}, defaults filled in, receiver (`self`, `cls`) left out. Never raises."""
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters that have a default, and that default."""
    skip: int = 0
    """Leading positional arguments that are no input: 1 for a method's receiver."""
    capture: str | None = None
    """Granularity chosen for this boundary; None: the setting of its kind decides."""
    ignore: tuple[str, ...] = ()
    """Input members that differ by nature, as dotted paths; left out of comparisons."""
    sdk: str | None = None
    """Name of the SDK for an Instrumentor's boundary ("openai"); its input is `HttpInput`, its output `HttpOutput`."""
    list_members: tuple[str, ...] = ()
    """Members of an SDK request body that hold the growing history ("messages", "input"), for linear storage."""


registered: dict[tuple[str, str], Boundary] = {}
"""Every decorated boundary of this process by (kind, name): what a replay may still find, and whose code may have changed."""


@dataclass(slots=True)
class HttpInput:
    """A request as the SDK built it. `body` is what is sent, before any transport encoding."""

    method: str
    path: str
    body: bytes
    content_type: str = "application/json"
    server: str = ""
    """host[:port], for the semconv view only."""


@dataclass(slots=True)
class HttpOutput:
    """A response as it arrived, decoded. For a stream `body` is empty and the events pass through `Crossing.chunk`."""

    status: int
    headers: Mapping[str, str]
    """Allow-listed headers only, lower-case names."""
    body: bytes = b""
    attempts: Sequence[Mapping[str, Any]] = ()
    """Earlier attempts of the same call: {"status": int} or {"error": class name}, oldest first."""


class Answer(Protocol):
    """What a Replayer serves instead of executing the callee. Exactly one of the readers below is used.

    SDK seams use `outcome` and rebuild bytes; wrappers of functions use `value`, `avalue`, `chunks` or `achunks`.
    """

    level: str
    """exact, moved, alias, volatile or changed."""
    form: str
    """"value" (returned), "error" (raised), "stream" (chunks, then an end) or "pending" (was cancelled from outside)."""
    outcome: Any
    """The recorded payload as a resolved JSON tree: {status, headers, body, attempts} of an SDK call, the error facts,
    or a decoded stream {"head", "chunks", "end", "consumed"} whose chunks are [ms, tree]."""

    def value(self) -> Any:
        """Return the recorded value, or raise the recorded error."""
        ...

    def turn(self) -> None:
        """Wait until the recorded order of completion lets this answer go, in a thread (SDK seams; `value` does it by itself)."""
        ...

    async def avalue(self) -> Any:
        """The same, released in the recorded order of completion; pends until cancelled if the form is "pending"."""
        ...

    async def released(self) -> None:
        """Wait until the recorded order of completion lets this answer go (async SDK seams)."""
        ...

    def chunks(self) -> Iterator[Any]:
        """Yield the recorded chunks; raise the recorded error at its place, if the stream ended in one."""
        ...


class Crossing(Protocol):
    """One crossing of a boundary = one Step, from entry to end. Ends exactly once; later ends are ignored.

    `enter` and `open` return it attached (it is the current Step of the calling context), except for generators, which
    call `attach` and `detach` around each resume. `finish`, `fail` and `end_stream` detach by themselves if attached.
    """

    answer: Answer | None
    """Set: serve this, do not run the callee."""
    lanes: dict[str, int]
    """How many concurrent children of each name this crossing has; kept by `recording.context`."""

    def ask(self, request: HttpInput) -> None:
        """Give an SDK call its input; only the first of several attempts counts. May raise Refused in a replay."""
        ...

    def attach(self) -> None:
        """Make this Step the current one of the calling context."""
        ...

    def detach(self) -> None:
        """Undo `attach`."""
        ...

    def finish(self, output: Any) -> None:
        """The callee returned: a Python value, or HttpOutput from an SDK seam."""
        ...

    def fail(self, error: BaseException, response: HttpOutput | None = None) -> None:
        """The callee raised; `response` is what the provider had answered, if it did."""
        ...

    def open_stream(self, head: HttpOutput | None = None) -> None:
        """The callee returned a stream; `head` carries status and headers of an SDK call."""
        ...

    def chunk(self, value: Any) -> None:
        """A chunk passes: a Python value, or bytes of an SDK's stream as they arrive, decoded (cut anywhere)."""
        ...

    def end_stream(self, end: str, error: BaseException | None = None, *, returned: Any = None) -> None:
        """End a stream: finished, closed, cancelled, error or abandoned. `returned` is what a generator returned, if anything."""
        ...


class Interceptor(Protocol):
    """Recorder or Replayer."""

    def enter(self, boundary: Boundary, args: Sequence[Any], kwargs: Mapping[str, Any], *, attach: bool = True) -> Crossing | None:
        """A function is called; arguments include the receiver (`boundary.skip`). None: pass untouched."""
        ...

    def open(self, boundary: Boundary) -> Crossing | None:
        """An SDK call begins; its request follows by `Crossing.ask`."""
        ...

    def flag(self, reason: str) -> None:
        """Mark the current Run."""
        ...

    def ambient(self, source: str, read: Callable[[], Any]) -> Any:
        """An ambient read (clock, random, …) by user code: record its value, or answer from the record."""
        ...


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """One crossing of a replay, with payloads as trees; None where there is none."""

    kind: str
    name: str
    seq: int
    parent: int | None
    """`seq` of the crossing that it was made in."""
    start_ns: int
    end_ns: int
    input: Any
    output: Any = None
    error: Any = None
    level: str | None = None
    """How the answer was found: exact, moved, alias, volatile or changed."""
    divergence: str | None = None
    """Kind of the divergence at this Step."""
    refused: str | None = None
    """Why there was no answer."""


@dataclass(frozen=True, slots=True)
class ReplayedRun:
    """One Run that was replayed."""

    of: str
    """Id of the recorded Run."""
    verdict: str
    steps: Sequence[ReplayedStep]
    """In order of their start, the root first."""
    session: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Seam:
    """Holder of the process's current Interceptor; one attribute read is the whole cost while nothing is configured."""

    __slots__ = ("after_replay", "before_replay", "interceptor", "lane_begun", "lane_ended", "on_instrument", "on_uninstrument")

    def __init__(self) -> None:
        self.interceptor: Interceptor | None = None
        self.before_replay: Callable[[frozenset[str]], None] | None = None
        """Called with the names of all recorded Steps before a replay starts: the seams of SDKs must stand by then."""
        self.after_replay: Callable[[ReplayedRun], None] | None = None
        """Called with each Run that was replayed, to make the replay's own trace."""
        self.lane_begun: Callable[[int], None] | None = None
        """Called with the `id` of the lane of a job that is given to a pool, while a replay is active."""
        self.lane_ended: Callable[[int], None] | None = None
        """Called with the `id` of the lane (the value of `lane`) of a pool's job or a thread that is done, while a replay is active."""
        self.on_instrument: Callable[[Any], None] | None = None
        """Called with a TracerProvider, or None for the global one, when the user switches an Instrumentor on by himself."""
        self.on_uninstrument: Callable[[], None] | None = None
        """Called when the user switches it off."""


seam = Seam()

current: contextvars.ContextVar[Any] = contextvars.ContextVar("chronicle_current", default=None)
"""The current Crossing of this context (a Recorder's or a Replayer's own class), or None."""
branch: contextvars.ContextVar[str | None] = contextvars.ContextVar("chronicle_branch", default=None)
"""Name given by `chronicle.branch`, outermost first, joined by "/"."""
lane: contextvars.ContextVar[tuple[Any, str] | None] = contextvars.ContextVar("chronicle_lane", default=None)
"""(crossing under which the concurrent child was created, "name#ordinal"); counts only for Steps directly below that crossing."""
session: contextvars.ContextVar[Mapping[str, Any] | None] = contextvars.ContextVar("chronicle_session", default=None)
"""Session variables in force, merged, as given by `chronicle.session`."""

CONTEXT_VARIABLES = (current, branch, lane, session)
"""What executors and threads started inside a Run carry along; nothing else of the context."""
