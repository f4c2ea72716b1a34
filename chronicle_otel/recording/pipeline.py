"""The background thread: takes finished crossings off the application's hands, in order, and never drops one.

hot path ──put──► queue (bounded by bytes) ──► one worker ──► handle(item) … ──► idle()
                     └─ full: the caller drains it himself
"""

from __future__ import annotations

import collections
import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any

from .. import _guard

LINGER = 0.5
"""Seconds that work gathers before the worker takes all of it and passes it on; a killed process loses no more than that.

Work done in a row costs half of what it costs one by one, with cold caches; each round costs a fight for the interpreter's lock;
a producer seldom has to wake the worker; and a file gets few and long lines.
"""


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
        self._queue: collections.deque[tuple[Any, int]] = collections.deque()
        self._pending = 0
        self._work = threading.RLock()
        self._count = threading.Lock()
        self._bell = _Bell()
        self._sleeping = False
        self._urgent = False
        self._stopped = False
        self._passed_on = 0.0
        self._thread: threading.Thread | None = None

    def put(self, item: Any, cost: int, *, urgent: bool = False) -> None:
        """Queue an item of about `cost` bytes; when more than the limit is waiting, do the work in the calling thread.

        `urgent`: the worker takes it at once.
        """
        with self._count:
            self._pending += cost
            full = self._pending > self._limit
        self._queue.append((item, cost))
        if full or self._stopped:
            self.flush()
            return
        if self._thread is None:
            self._start()
        if urgent or self._sleeping:
            self._urgent = urgent
            self._bell.ring()

    def flush(self) -> None:
        """Handle in this thread all that is waiting, then call `idle`."""
        with self._work:
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
        self._work, self._count, self._bell = threading.RLock(), threading.Lock(), _Bell()
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
                self.flush()

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
        self._passed_on = time.monotonic()

    def _drain(self) -> None:
        queue = self._queue
        urgent = False
        while True:
            try:
                item, cost = queue.popleft()
            except IndexError:
                if urgent:
                    self._pass_on()
                return
            try:
                urgent |= self._handle(item)
                if urgent and time.monotonic() - self._passed_on > LINGER:  # a producer that is faster than this never lets it end
                    urgent = False
                    self._pass_on()
            except Exception as error:
                _guard.failed("write a recorded step", error)
            finally:
                with self._count:
                    self._pending -= cost
