"""Background work that gives way: the interpreter runs one thread at a time, and who asks for it waits up to five milliseconds.

work ── a millisecond ──► rest: whoever waits for the interpreter gets it ──► work ── …
          ▲ longer, the longer things wait or the more room they fill; none while somebody waits for the work

That wait (`sys.getswitchinterval`) is the application's to set, and the same for both sides: an application that computes all the
time gives the interpreter up for one slice in each five milliseconds. So the slices have to grow until that is enough.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

SLICE = 0.001
"""Seconds of work after which the application's threads get their turn, as long as nothing is late.

Half of it waits no less, measured, and costs a third more CPU: each turn begins with cold caches.
"""
REST = 0.00005
"""Seconds; a sleep of zero may take the interpreter back before the thread that waits for it was woken, which then waits anew."""
PATIENCE = 0.5
"""Seconds that something may wait before slices grow."""
ROOM = 1 / 4
"""The part of a queue's bound that may be filled before slices grow."""


def rests(worked: float, waited: float, filled: float) -> bool:
    """Say whether a turn of so many seconds is over, where the oldest work has waited so long and the queue is so full (0 to 1).

    After a second of waiting, or with half of the room filled, a turn is 4 ms, and soon behind that what the interpreter grants to
    every thread that computes.
    """
    if worked < SLICE:
        return False
    pressure = max(waited / PATIENCE, filled / ROOM, 1.0)
    return worked >= SLICE * pressure * pressure


class Courtesy:
    """One background thread's turns."""

    __slots__ = ("_began", "_waiters")

    def __init__(self) -> None:
        self._began = 0.0
        self._waiters: list[None] = []
        """One for each; a list, whose append and pop need no lock."""

    @property
    def hurries(self) -> bool:
        """Somebody waits for the work to be done."""
        return bool(self._waiters)

    def begin(self) -> None:
        """A turn begins: the thread has waited for something just now."""
        self._began = time.perf_counter()

    def give_way(self, since: float, filled: float) -> None:
        """Rest, if the turn has lasted long enough. Since `since` the oldest work waits; `filled` is the queue's part in use."""
        now = time.perf_counter()
        if not self._waiters and rests(now - self._began, now - since, filled):
            time.sleep(REST)
            self._began = time.perf_counter()

    @contextlib.contextmanager
    def hurried(self) -> Iterator[None]:
        """Whoever is inside waits for the work to be done: no rests meanwhile."""
        self._waiters.append(None)
        try:
            yield
        finally:
            self._waiters.pop()
