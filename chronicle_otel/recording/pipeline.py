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

LINGER = 0.1
"""Seconds that work gathers before the worker takes all of it.

Work done in a row costs half of what it costs one by one, with cold caches; and a producer seldom has to wake the worker.
"""
BUSY_ROUNDS = 5
"""Rounds after which what was handled is passed on although more keeps coming; else it is after the first round without work.

A killed process loses no more than that, and a file gets few and long lines.
"""
IDLE_ROUNDS = 5
"""Empty rounds after which the worker sleeps until it is woken."""


class Pipeline:
    """A queue with one worker thread.

    `handle` is called for each item, in the order of `put`, and says whether it may not wait to be passed on; `idle` when the
    queue has been empty for a round, or has been busy for some: it passes on what was handled. Neither may be called
    concurrently with itself: a lock is held around both.
    """

    def __init__(self, handle: Callable[[Any], bool], idle: Callable[[], None], *, limit: int) -> None:
        self._handle = handle
        self._idle = idle
        self._limit = limit
        self._queue: collections.deque[tuple[Any, int]] = collections.deque()
        self._pending = 0
        self._work = threading.RLock()
        self._count = threading.Lock()
        self._wake = threading.Event()
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
            self._wake.set()

    def flush(self) -> None:
        """Handle in this thread all that is waiting, then call `idle`."""
        with self._work:
            self._drain()
            self._pass_on()

    def stop(self) -> None:
        """Handle what is left and end the worker; later items are handled by whoever puts them."""
        self._stopped = True
        self._wake.set()
        self.flush()

    def forget(self) -> None:
        """In a forked child: the parent has the queue and the worker, this process starts anew."""
        self._queue.clear()
        self._pending = 0
        self._work, self._count, self._wake = threading.RLock(), threading.Lock(), threading.Event()
        self._thread, self._sleeping = None, False

    def _start(self) -> None:
        with self._count:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="chronicle-pipeline", daemon=True)
                contextvars.Context().run(self._thread.start)  # outside every Run: the worker outlives it

    def _run(self) -> None:
        empty = held = 0
        while not self._stopped:
            self._wake.wait(LINGER)
            self._wake.clear()
            if self._queue:
                empty = 0
                held += 1
                with self._work:
                    self._drain()
                if held < BUSY_ROUNDS:
                    continue
            if held:
                held = 0
                with self._work:
                    self._pass_on()
                continue
            empty += 1
            if empty > IDLE_ROUNDS:
                self._sleep()
                empty = 0

    def _sleep(self) -> None:
        """Wait until something is put."""
        self._sleeping = True
        if not self._queue:
            self._wake.wait()
        self._sleeping = False
        if not self._urgent:
            self._wake.clear()  # more may follow soon

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
