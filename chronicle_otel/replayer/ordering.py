"""Asyncio stubs answered in the order in which the recorded ones ended.

    await answer ──► Turnstile.wait ──► the loop has nothing else to run ──► earliest recorded end goes first, one at a time

`as_completed`, hedged requests and prompts that quote answers as they arrive depend on that order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .counterparts import Recorded

_MAX_PASSES: Final = 1000
"""Passes of a loop that never runs dry (a task that polls) before the next answer goes anyway."""
_POLL: Final = 0.002
_PREPARING: Final = 0.1
"""Seconds that a call which will be cancelled may take until it is asked for; they pass only while something else is at work."""
_HOPELESS: Final = 1.0
"""Seconds in which nothing at all happened before a pending outcome counts as never cancelled."""


@dataclass(eq=False, slots=True)
class _Waiting:
    recorded: Recorded
    future: asyncio.Future[bool]
    since: float
    pending: bool


class Turnstile:
    """Lets the stubs that wait in one event loop go, one at a time. Used from that loop's thread only.

    `earlier(recorded)` names Steps that ended before it, or were cancelled while it ran, and have not been asked for; `elsewhere()`
    says whether live code of the replay is running in another thread, which may still ask for them; `in_threads(recorded)` whether one
    that ended before it is being answered in a thread, or was so just now and is on its way here.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        earlier: Callable[[Recorded], Sequence[Recorded]],
        elsewhere: Callable[[], bool],
        in_threads: Callable[[Recorded], bool],
    ) -> None:
        self._loop = loop
        self._earlier = earlier
        self._elsewhere = elsewhere
        self._in_threads = in_threads
        self._waiting: list[_Waiting] = []
        self._arriving: list[Recorded] = []
        self._handle: asyncio.Handle | None = None
        self._passes = 0

    async def wait(self, recorded: Recorded, *, pending: bool = False) -> bool:
        """Return True when it is this answer's turn; False for a pending one that nothing is left to cancel."""
        entry = _Waiting(recorded, self._loop.create_future(), self._loop.time(), pending)
        self._waiting.append(entry)
        self._passes = 0
        self._soon()
        try:
            return await entry.future
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
            self._soon()

    def asked(self) -> list[Recorded]:
        """Return the Steps that wait for their turn, or had it and are not done with it. May be called from any thread."""
        return [w.recorded for w in list(self._waiting) if not w.pending] + list(self._arriving)

    def _soon(self, delay: float = 0.0) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_later(delay, self._turn) if delay else self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._handle = None
        if not self._waiting and not self._arriving:
            return
        if self._busy():
            self._passes += 1
            self._soon()
            return
        self._passes = 0
        self._arriving.clear()
        if not self._waiting:
            return
        now = self._loop.time()
        ready = [w for w in self._waiting if not w.pending]
        if not ready:
            self._give_up(now)
            return
        first = min(ready, key=lambda w: (w.recorded.end_ns, w.recorded.seq))
        if self._in_threads(first.recorded):
            self._soon(_POLL)
            return
        earlier = self._earlier(first.recorded)
        if earlier:
            gap = max(self._gap(first.recorded, p) for p in earlier)
            left = first.since + gap - now
            timer = self._next_timer()
            if left > 0 and timer is not None and timer - now < left:
                self._soon(max(timer - now, 0.0) + 0.0005)
                return
            if left + _PREPARING > 0 and self._elsewhere():
                self._soon(_POLL)
                return
        self._let_go(first, True)

    @staticmethod
    def _gap(r: Recorded, p: Recorded) -> float:
        """Seconds in which a Step is to be asked for, or done, if it is to come before another one."""
        if p.step is not None and p.step.form == "pending":
            return max(p.start_ns - r.start_ns, 0) / 1e9 + _PREPARING
        return (p.end_ns - r.start_ns) / 1e9

    def _let_go(self, entry: _Waiting, turn: bool) -> None:
        self._arriving.append(entry.recorded)
        self._waiting.remove(entry)
        if not entry.future.done():
            entry.future.set_result(turn)
        self._soon()

    def _give_up(self, now: float) -> None:
        oldest = min(self._waiting, key=lambda w: w.since)
        newest = max(w.since for w in self._waiting)
        if self._next_timer() is None and not self._elsewhere() and now - newest > _HOPELESS:
            self._let_go(oldest, False)
        else:
            self._soon(0.02)

    def _busy(self) -> bool:
        """Something else in the loop is ready to run."""
        ready: Any = getattr(self._loop, "_ready", None)
        if ready is None:  # another loop than asyncio's own: a few passes stand for "dry"
            return self._passes < 5
        return bool(len(ready)) and self._passes < _MAX_PASSES

    def _next_timer(self) -> float | None:
        scheduled: Sequence[asyncio.TimerHandle] = getattr(self._loop, "_scheduled", ())
        return min((t.when() for t in scheduled if not t.cancelled() and t is not self._handle), default=None)
