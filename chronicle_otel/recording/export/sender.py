"""The sink of our own export: spans in, requests below the receivers' limit out, nothing dropped while there is a disk.

span.end ──► queue (bounded by bytes) ──► one thread: redact ► fit ► encode ► cut by bytes ► post
               │ full: wait a moment, else to disk               taken ◄─┤├─► again, for a while, while there is room
               └──────────────────────► unsent folder ◄──────────────────┴─── given up, or refused
"""

from __future__ import annotations

import collections
import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from opentelemetry import context as otel_context

from ... import _guard
from .. import meters
from ..courtesy import Courtesy
from ..file_spans import FileSpan
from . import protobuf
from .client import Answer, Client, backoff
from .fitting import Fitter
from .unsent import Unsent

BATCH_BYTES = 3_000_000
"""A request is cut here: OTLP receivers take 4 MiB (4,194,304 bytes) by default, and a proxy may add to it."""
_SMALL_BYTES = 1_000_000
"""A request is cut here while little waits: joining its bytes and handing them over are single calls, which keep the interpreter."""
_WAIT = 1.0
"""Seconds that the caller waits for room before he writes the span to disk himself."""
_LINGER = 0.5
"""Seconds after which spans that nobody passed on are sent."""
_SUPPRESS = "suppress_instrumentation"
"""The context key under which OpenTelemetry's processors mark their work."""
_SHORTEST = 0.25
"""Seconds that a request gets at least, however little time is left."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the sender keeps to."""

    queue_bytes: int
    retry_seconds: float
    """How long a batch is offered again and again."""
    shutdown_seconds: float
    """How long `shutdown` and `flush` wait."""
    batch_bytes: int = BATCH_BYTES


@dataclass(slots=True)
class _Ready:
    span: FileSpan
    data: bytes


class OtlpSink:
    """Takes ended spans from any thread and sends them in the order of their ends."""

    def __init__(
        self,
        client: Client,
        where: str,
        resource: Any,
        scope: Any,
        *,
        rules: Rules,
        fitter: Fitter,
        unsent: Unsent | None,
        redact: Callable[[FileSpan], FileSpan] | None = None,
    ) -> None:
        """`where` names the endpoint in messages. `redact` makes the copy that may leave the process; it raises where it cannot."""
        self._client, self.where = client, where
        self._resource, self._scope = resource, scope
        self._head = protobuf.Head(resource, scope)
        self._rules = rules
        self._fitter = fitter
        self._unsent = unsent
        self._redact = redact
        self._largest = rules.batch_bytes
        self._queue: collections.deque[tuple[FileSpan, int]] = collections.deque()
        self._ready: collections.deque[_Ready] = collections.deque()
        self._flight: list[_Ready] = []
        self.waiting = 0
        """Bytes of spans that were neither taken nor written to disk, in round figures."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wanted = False
        self._stopping = self._closed = False
        self._deadline: float | None = None
        self._away = False
        self._refusals, self._next_try = 0, 0.0
        """Batches in a row that went to disk because the endpoint is away, and when the next one is offered again."""
        self._reason = ""
        """What the endpoint said last, where it took nothing."""
        self._told = False
        self._resting = False
        self._courtesy = Courtesy()
        meters.watch(self)

    # ---- spans come

    def on_end(self, span: FileSpan) -> None:
        """Queue an ended span; where the queue stays full, write it to disk."""
        cost = _cost(span)
        with self._changed:
            if not self._room(cost):
                self._wanted = True
                self._changed.notify_all()
                if not self._away:
                    self._changed.wait_for(lambda: self._room(cost) or self._away, _WAIT)
            room = self._room(cost) and not self._closed
            if room:
                self._queue.append((span, cost))
                self.waiting += cost
                if self._resting or self.waiting >= self._largest:
                    self._changed.notify_all()
                if self._thread is None and not self._stopping:
                    self._start()
        if not room:
            ready = self._prepared(span)
            if ready is not None:
                self._keep([ready], "shutdown" if self._closed else "queue_full")

    def _room(self, cost: int) -> bool:
        return self._stopping or not self.waiting or self.waiting + cost <= self._rules.queue_bytes

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="chronicle-export", daemon=True)
        with contextlib.suppress(RuntimeError):  # at exit no thread can be started any more: `shutdown` does the work
            contextvars.Context().run(thread.start)  # outside every Run: it outlives them
            self._thread = thread

    def write_pending(self) -> None:
        """Send what there is, soon."""
        with self._changed:
            if self.waiting:
                self._wanted = True
                self._changed.notify_all()

    def flush(self) -> bool:
        """Send what there is and wait for it; False if that took too long."""
        with self._changed:
            if self._thread is None:
                return not self.waiting
            self._wanted = True
            self._changed.notify_all()
            with self._courtesy.hurried():
                return self._changed.wait_for(lambda: not self.waiting, self._rules.shutdown_seconds)

    def shutdown(self) -> None:
        """Send what there is for a bounded time; what is left then goes to disk."""
        with self._changed:
            self._stopping = True
            self._deadline = time.monotonic() + self._rules.shutdown_seconds
            self._changed.notify_all()
            thread = self._thread
        try:
            if thread is None or not thread.is_alive():
                self._work()  # at exit no thread can be started any more
            else:
                thread.join(self._rules.shutdown_seconds + 1)
        finally:  # who presses Ctrl-C does not want to wait, and does not want to lose it either
            self._end()

    def _end(self) -> None:
        """Keep what is left, and give the connection back."""
        with self._changed:
            left = [*self._flight, *self._ready]
            spans = [span for span, _ in self._queue]
            self._closed = True
            self._flight = []
            self._ready.clear()
            self._queue.clear()
            self.waiting = 0
        left += [ready for span in spans if (ready := self._prepared(span)) is not None]
        self._keep(left, "shutdown")
        self._client.close()

    def forget(self) -> None:
        """In a forked child: the parent sends what was waiting."""
        self._changed, self._courtesy = threading.Condition(), Courtesy()
        self._queue.clear()
        self._ready.clear()
        self._flight = []
        self.waiting = 0
        self._thread, self._away, self._resting = None, False, False
        self._told, self._refusals, self._next_try, self._reason = False, 0, 0.0, ""
        self._client.forget()
        if self._unsent is not None:
            self._unsent.forget()

    # ---- the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._resting = True
                self._changed.wait_for(lambda: self.waiting or self._stopping)
                self._resting = False
                self._changed.wait_for(lambda: self._wanted or self.waiting >= self._largest or self._stopping, _LINGER)
            self._work()
            if self._stopping:  # not before: `shutdown` may come between the start of this thread and its first look
                return

    def _work(self) -> None:
        """Send until nothing is waiting."""
        with exporting():
            while True:
                try:
                    batch = self._batch()
                    if not batch:
                        break
                    self._deliver(batch)
                except Exception as error:
                    if not self._closed:
                        self._keep(self._flight, "failure")
                    _guard.failed("export spans", error)
                except BaseException:  # Ctrl-C at exit: `shutdown` keeps what was under way
                    with self._changed:
                        self._ready.extendleft(reversed(self._flight))
                        self._flight = []
                    raise
                finally:
                    self._landed()
        with self._changed:
            if not self.waiting:
                self._wanted = False

    def _batch(self) -> list[_Ready]:
        """Take spans off the queue until a request is full."""
        size = self._head.size
        batch: list[_Ready] = []
        began = time.perf_counter()
        hurry = self._stopping or self._courtesy.hurries
        limit = self._largest if hurry else min(self._largest, max(_SMALL_BYTES, self.waiting // 4))
        self._courtesy.begin()
        while True:
            if not self._ready:
                if not self._stopping:
                    self._courtesy.give_way(began, self.waiting / self._rules.queue_bytes)
                with self._changed:
                    if not self._queue:
                        break
                    span, cost = self._queue[0]
                ready = self._prepared(span)
                with self._changed:
                    if self._closed:  # `shutdown` has kept it
                        break
                    self._queue.popleft()
                    # from here on a span weighs what it weighs
                    self.waiting += (len(ready.data) if ready is not None else 0) - cost
                    if ready is None:
                        self._changed.notify_all()
                        continue
                    self._ready.append(ready)
            size += len(self._ready[0].data)
            if batch and size > limit:
                break
            with self._changed:
                batch.append(self._ready.popleft())
                self._flight = batch
        return batch

    def _landed(self) -> None:
        with self._changed:
            self.waiting = max(0, self.waiting - sum(len(ready.data) for ready in self._flight))
            self._flight = []
            self._changed.notify_all()

    def _prepared(self, span: FileSpan) -> _Ready | None:
        """Redact, fit and encode; None for a span that may not leave the process."""
        try:
            if self._redact is not None:
                span = self._redact(span)
        except Exception as error:
            meters.count(meters.DROPPED, reason="redaction")
            _guard.failed("redact recorded spans, which were not sent", error)
            return None
        try:
            span, data = self._fitter.encoded(span)
        except Exception as error:
            meters.count(meters.DROPPED, reason="encoding")
            _guard.failed("encode a span for the export", error)
            return None
        return _Ready(span, protobuf.element(data))

    # ---- one request

    def _deliver(self, batch: Sequence[_Ready]) -> None:
        """Offer a batch until it is taken, refused or given up; while the endpoint is away only one now and then."""
        if self._away and self._deadline is None and time.monotonic() < self._next_try:
            self._give_up(batch, "unavailable")
            return
        body = self._head.request([ready.data for ready in batch])
        began = time.monotonic()
        attempt = 0
        while True:
            answer = self._post(body)
            self._reason = answer.reason
            if answer.taken:
                self._taken(len(batch), len(body), answer)
                return
            if answer.too_large and len(batch) > 1:
                self._largest = max(len(body) // 2, 64 * 1024)
                half = len(batch) // 2
                self._deliver(batch[:half])
                self._deliver(batch[half:])
                return
            if not answer.again:
                self._give_up(batch, "too_large" if answer.too_large else "refused")
                return
            pause = max(answer.after if answer.after is not None else 0.0, backoff(attempt))
            attempt += 1
            if self._away or not self._may_wait(began, pause):
                self._away = True
                self._next_try = time.monotonic() + backoff(self._refusals)
                self._refusals += 1
                self._give_up(batch, "unavailable")
                return
            self._pause(pause)

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; less where the queue is full, or the end has come."""
        with self._changed:
            stopping = self._stopping
            self._changed.wait_for(lambda: self._full() or self._stopping is not stopping, seconds)

    def _post(self, body: bytes) -> Answer:
        timeout = self._timeout()
        try:
            return self._client.post(body, timeout)
        except Exception as error:  # a certificate that cannot be read, credentials that are none
            return Answer(reason=f"{type(error).__name__}: {error}"[:200])

    def _timeout(self) -> float:
        timeout: float = getattr(getattr(self._client, "endpoint", None), "timeout", 10.0)
        deadline = self._deadline
        return timeout if deadline is None else max(min(timeout, deadline - time.monotonic()), _SHORTEST)

    def _full(self) -> bool:
        return self.waiting > self._rules.queue_bytes * 0.9

    def _may_wait(self, began: float, pause: float) -> bool:
        now = time.monotonic()
        if self._full() or now + pause - began > self._rules.retry_seconds:
            return False
        return self._deadline is None or now + pause < self._deadline

    def _taken(self, spans: int, size: int, answer: Answer) -> None:
        self._away, self._refusals = False, 0
        rejected = min(max(answer.rejected, 0), spans)
        meters.count(meters.EXPORTED, spans - rejected)
        meters.count(meters.SENT_BYTES, size)
        if rejected:
            meters.count(meters.DROPPED, rejected, "rejected")
            _guard.warn_once(
                "have all spans accepted",
                f"{self.where} threw {rejected} of {spans} spans away: {answer.message[:200]!r}; later ones are only counted",
            )
        elif answer.message:
            _guard.warn_once("export without a warning", f"{self.where} took the spans and says {answer.message[:200]!r}")

    def _give_up(self, batch: Sequence[_Ready], reason: str) -> None:
        if self._closed:  # `shutdown` has written it to disk
            return
        self._keep(batch, reason)

    def _tell(self, reason: str) -> None:
        """Say once where spans are: for each kind of no, and else where nothing was said before."""
        assert self._unsent is not None
        by_itself = {"shutdown": "the process ended first", "queue_full": "not quickly enough", "failure": "the export failed"}
        if reason in by_itself and self._told:
            return
        self._told = True
        folder = self._unsent.folder
        _guard.warn_once(
            f"send spans to the OTLP endpoint ({reason})",
            f"{self.where} did not take spans ({self._reason or by_itself.get(reason, reason)}); they are kept in {folder}, as later ones "
            f"are. `chronicle send {folder}` posts them",
        )

    def _keep(self, batch: Sequence[_Ready], reason: str) -> None:
        """Write spans to disk; what does not go there is lost, and counted."""
        if not batch:
            return
        written = 0
        lost, why = "no_folder", ""
        if self._unsent is not None:
            try:
                written = self._unsent.add(self._resource, self._scope, [ready.span for ready in batch])
                lost = "folder_full"
            except OSError as error:
                lost = "folder_failed"
                why = error.strerror or type(error).__name__
        if written:
            meters.count(meters.UNSENT, written, reason)
            self._tell(reason)
        if written < len(batch):
            meters.count(meters.DROPPED, len(batch) - written, lost)
            _guard.warn_once(
                f"keep all spans ({lost})",
                f"{self.where} does not take spans ({self._reason or reason}), and {self._cannot_keep(lost, why)}",
            )

    def _cannot_keep(self, lost: str, why: str) -> str:
        if self._unsent is None:
            return "none are kept (unsent_bytes is 0): they are lost"
        if lost == "folder_failed":
            advice = "make the folder writable, or name another with unsent= in chronicle.init"
            return f"they cannot be kept in {self._unsent.folder} ({why}): they are lost; {advice}"
        return f"{self._unsent.folder} is full: they are lost; send what is there, or raise unsent_bytes in chronicle.init"


def _cost(span: FileSpan) -> int:
    """Bytes of a span, in round figures."""
    size = 600
    value: Any
    for value in span.attributes.values():
        if type(value) is str:
            size += len(value)
        elif type(value) is list:
            chunks = cast("list[Any]", value)
            size += len(chunks) * 2010 if chunks and type(chunks[0]) is str else 8 * len(chunks)
    return size


@contextlib.contextmanager
def exporting() -> Iterator[None]:
    """Mark what runs inside as an exporter at work: it is not instrumented, and a replay's network guard lets it pass."""
    token = otel_context.attach(otel_context.set_value(_SUPPRESS, True))
    try:
        yield
    finally:
        otel_context.detach(token)
