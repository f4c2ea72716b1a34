"""The Recorder's side of a crossing: what is kept on the hot path, and nothing more.

enter ──► Recording (context, live span, snapshot of the arguments) ──► finish / fail / end_stream ──► pipeline
"""

from __future__ import annotations

import itertools
import marshal
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context

from .. import _guard, values
from .interceptor import Answer, Boundary, HttpInput, HttpOutput, current

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    from .recorder import Recorder
    from .sharing import Sharing

_now = time.time_ns


class Snapshot:
    """A value as it was at one moment: a copy of plain data, or the payload text of anything else.

    Plain data is copied by `marshal`, the fastest deep copy there is. What marshal refuses, or takes for something else
    (it takes every object with a buffer for bytes), is encoded at once, since the application may change it next.
    """

    __slots__ = ("copied", "size", "text", "value")

    def __init__(self, value: Any, call: Boundary | None = None) -> None:
        """`call`: the value is `(args, kwargs)` of a call of this boundary; its text names the arguments."""
        self.copied = False
        self.value: Any = None
        self.text: str | None = None
        try:
            packed = marshal.dumps(value)
            copy = marshal.loads(packed)  # made one line above, by this process
            self.copied = bool(copy == value) and type(value) not in (bytearray, memoryview)
        except Exception:  # marshal's own refusals, and whatever a foreign class does when it is compared
            packed, copy = b"", None
        if self.copied:
            self.value = copy
            self.size = len(packed)
        else:
            self.text = values.encode(value if call is None else call.bind(*value))
            self.size = len(self.text)


class RunRecording:
    """One Run while it is recorded."""

    __slots__ = (
        "elsewhere", "ended", "flags", "id", "lost", "open", "root", "seq", "session", "sharing", "start_span", "tracer", "view_left",
    )  # fmt: skip

    def __init__(self, run_id: str, tracer: Tracer, sharing: Sharing, session: Mapping[str, Any], view_bytes: int) -> None:
        self.id = run_id
        self.tracer = tracer
        self.sharing = sharing
        self.session = session
        self.view_left = view_bytes
        self.seq = itertools.count(1)
        self.root: Recording | None = None
        self.open: dict[int, Recording] = {}
        self.flags: list[str] = []
        self.lost = 0
        self.ended = False
        self.elsewhere = False
        """This process was forked inside of it: its Steps are numbered and written by the parent."""
        self.start_span: str | None = None


class Recording:
    """One crossing that is recorded; implements `Crossing`."""

    __slots__ = (
        "_attached", "_otel_token", "_token", "ambient", "answer", "arguments", "boundary", "branch", "chunks", "consumed", "end", "end_ns",
        "error", "form", "guessed", "head", "lane", "lanes", "late", "otel_context", "output", "parent", "recorder", "request", "returned",
        "run", "seq", "session", "span", "span_parent", "start_ns", "steps",
    )  # fmt: skip

    def __init__(
        self,
        recorder: Recorder,
        run: RunRecording | None,
        parent: Recording | None,
        boundary: Boundary,
        span: Span,
        start_ns: int,
        context: Any,
    ) -> None:
        self.recorder = recorder
        self.run = run
        self.parent = parent
        self.boundary = boundary
        self.span = span
        self.start_ns = start_ns
        self.otel_context = context
        self.answer: Answer | None = None
        self.lanes: dict[str, int] = {}
        self.form: str | None = None
        self.arguments: Snapshot | None = None
        self.request: HttpInput | None = None
        self.output: Any = None
        self.error: BaseException | None = None
        self.head: HttpOutput | None = None
        self.chunks: list[tuple[int, Any]] | None = None
        self.end: str | None = None
        self.returned: Any = None
        self.end_ns = 0
        self.guessed = False
        self.late = False
        self.steps: int | None = None
        self.seq = 0
        self.span_parent = True
        self.branch: str | None = None
        self.lane: str | None = None
        self.session: Mapping[str, Any] | None = None
        self.ambient: dict[str, list[Any]] | None = None
        self._attached = False
        self._token: Any = None
        self._otel_token: Any = None

    # ---- context

    def attach(self) -> None:
        self._token = current.set(self)
        self._otel_token = otel_context.attach(self.otel_context)
        self._attached = True

    def detach(self) -> None:
        if not self._attached:
            return
        self._attached = False
        try:
            current.reset(self._token)
        except ValueError:  # ended in another context than it began: there is nothing of ours to undo here
            return
        otel_context.detach(self._otel_token)

    # ---- input

    def ask(self, request: HttpInput) -> None:
        if self.request is None:
            self.request = request

    # ---- ends

    def finish(self, output: Any) -> None:
        end = _now()
        if self.form is not None:
            return
        self.form = "value"
        self.end_ns = end
        if self._attached:
            self.detach()
        try:
            self.output = output if type(output) is HttpOutput else Snapshot(output)
            self.recorder.ended(self)
        except Exception as error:
            _guard.failed("record an output", error)

    def fail(self, error: BaseException, response: HttpOutput | None = None) -> None:
        end = _now()
        if self.form is not None:
            return
        self.form = "error"
        self.end_ns = end
        if self._attached:
            self.detach()
        try:
            self.head = response
            self.error = error
            self.output = values.encode_error(error)
            self.recorder.ended(self)
        except Exception as failure:
            _guard.failed("record an error", failure)

    def open_stream(self, head: HttpOutput | None = None) -> None:
        self.head = head
        if self.chunks is None:
            self.chunks = []
        if self._attached and self.boundary.sdk is not None:
            self.detach()  # an SDK's stream is read by the caller, outside the call

    def chunk(self, value: Any) -> None:
        chunks = self.chunks
        if chunks is None or self.form is not None:
            return
        if type(value) is bytes or type(value) is str:
            chunks.append((_now(), value))
        else:
            try:
                chunks.append((_now(), Snapshot(value)))
            except Exception as error:
                _guard.failed("record a chunk", error)

    def end_stream(self, end: str, error: BaseException | None = None, *, returned: Any = None) -> None:
        moment = _now()
        if self.form is not None:
            return
        self.form = "stream"
        self.end_ns = moment
        self.end = end
        if self._attached:
            self.detach()
        try:
            if returned is not None:
                self.returned = Snapshot(returned)
            if error is not None:
                self.error = error
                self.output = values.encode_error(error)
            self.recorder.ended(self)
        except Exception as failure:
            _guard.failed("record the end of a stream", failure)

    # ---- sizes

    def cost(self) -> int:
        """Bytes that wait in the queue with this Step, roughly."""
        total = 400
        for part in (self.arguments, self.output):
            if isinstance(part, Snapshot):
                total += part.size
        if self.request is not None:
            total += len(self.request.body)
        if isinstance(self.output, HttpOutput):
            total += len(self.output.body)
        if self.chunks:
            total += 64 * len(self.chunks) + sum(len(c) if isinstance(c, (bytes, str)) else c.size for _, c in self.chunks)
        return total


def snapshot_call(boundary: Boundary, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Snapshot:
    """Keep the arguments of a call: unbound where they are plain data, else bound and encoded at once."""
    rest = args[boundary.skip :] if boundary.skip else args
    return Snapshot((rest, kwargs), boundary)
