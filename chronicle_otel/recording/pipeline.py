"""The background thread: takes finished crossings off the application's hands, in order, and never drops one.

hot path ──put──► queue (bounded by bytes) ──► one worker ──► handle(item) … ──► idle()
                     └─ full: the caller waits for room, else drains it himself
"""

from __future__ import annotations

import collections
import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any

from .. import _guard
from .courtesy import ROOM, Courtesy

LINGER = 0.5
"""Seconds that work gathers before the worker takes all of it and passes it on; a killed process loses no more than that.

Work done in a row costs half of what it costs one by one, with cold caches; each round costs a fight for the interpreter's lock;
a producer seldom has to wake the worker; and a file gets few and long lines.
"""
_WAIT = 1.0
"""Seconds that a caller waits for room before he does the worker's work himself."""
_POLL = 0.0005
"""Seconds between his looks."""
_now = time.perf_counter


class _Bell:
    """An event for one waiter, which takes it: a third of the work of `threading.Event`."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Wake the waiter, or spare it the next wait."""
        try:
            self._lock.release()
        except RuntimeError:  # it rings already
            pass

    def wait(self, seconds: float) -> None:
        """Wait for a ring, at most that long; -1 is for ever."""
        self._lock.acquire(timeout=seconds)


class Pipeline:
    """A queue with one worker thread.

    `handle` is called for each item, in the order of `put`, and says whether it may not wait to be passed on; `idle` when the
    queue is empty: it passes on what was handled. Neither is called concurrently with itself: a lock is held around both.
    """

    def __init__(self, handle: Callable[[Any], bool], idle: Callable[[], None], *, limit: int) -> None:
        self._handle = handle
        self._idle = idle
        self._limit = limit
        self._room = limit * ROOM
        self._queue: collections.deque[tuple[Any, int, float]] = collections.deque()
        self._pending = 0
        self._work = threading.RLock()
        self._count = threading.Lock()
        self._bell = _Bell()
        self._sleeping = False
        self._urgent = False
        self._stopped = False
        self._passed_on = 0.0
        self._courtesy = Courtesy()
        self._thread: threading.Thread | None = None

    def put(self, item: Any, cost: int, *, urgent: bool = False) -> None:
        """Queue an item of about `cost` bytes; when more than the limit is waiting, wait for room, a second at most.

        `urgent`: the worker takes it at once.
        """
        with self._count:
            before = self._pending
            self._pending = pending = before + cost
        self._queue.append((item, cost, _now()))
        if self._stopped:
            self.flush()
            return
        if self._thread is None:
            self._start()
        if urgent or self._sleeping or before <= self._room < pending:
            self._urgent = urgent
            self._bell.ring()
        if pending > self._limit:
            self._wait_for_room()

    def _wait_for_room(self) -> None:
        """Let the worker have the interpreter until it has made room; where it does not, do its work."""
        ends = _now() + _WAIT
        while self._pending > self._limit and self._thread is not threading.current_thread() and _now() < ends and not self._stopped:
            time.sleep(_POLL)
        if self._pending > self._limit:
            self.flush()

    def flush(self) -> None:
        """Handle in this thread all that is waiting, then call `idle`."""
        with self._courtesy.hurried(), self._work:
            self._drain()
            self._pass_on()

    def stop(self) -> None:
        """Handle what is left and end the worker; later items are handled by whoever puts them."""
        self._stopped = True
        self._bell.ring()
        self.flush()

    def forget(self) -> None:
        """In a forked child: the parent has the queue and the worker, this process starts anew."""
        self._queue.clear()
        self._pending = 0
        self._work, self._count, self._bell, self._courtesy = threading.RLock(), threading.Lock(), _Bell(), Courtesy()
        self._thread, self._sleeping = None, False

    def _start(self) -> None:
        with self._count:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="chronicle-pipeline", daemon=True)
                contextvars.Context().run(self._thread.start)  # outside every Run: the worker outlives it

    def _run(self) -> None:
        while not self._stopped:
            self._bell.wait(LINGER)
            if not self._queue:
                self._sleep()
            elif not self._stopped:
                with self._work:
                    self._courtesy.begin()
                    self._drain(self._courtesy)
                    self._pass_on()

    def _sleep(self) -> None:
        """Wait until something is put."""
        self._sleeping = True
        if not self._queue and not self._stopped:
            self._bell.wait(-1)
        self._sleeping = False
        if self._urgent:
            self._bell.ring()  # no round to wait for; else more may follow soon

    def _pass_on(self) -> None:
        self._idle()
        self._passed_on = _now()

    def _drain(self, courtesy: Courtesy | None = None) -> None:
        """Handle what is waiting; in the worker with rests, for the sake of the application's threads."""
        queue = self._queue
        began = _now()
        urgent = False
        while True:
            try:
                item, cost, since = queue.popleft()
            except IndexError:
                if urgent:
                    self._pass_on()
                return
            try:
                urgent |= self._handle(item)
                if _now() - (self._passed_on if urgent else max(self._passed_on, began)) > LINGER:  # a fast producer never lets it end
                    urgent = False
                    self._pass_on()
            except Exception as error:
                _guard.failed("write a recorded step", error)
            finally:
                with self._count:
                    self._pending -= cost
            if courtesy is not None:
                courtesy.give_way(since, self._pending / self._limit)
