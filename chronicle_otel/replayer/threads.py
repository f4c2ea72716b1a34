"""Stubs in threads answered in the order in which the recorded ones ended.

    answer.value() in a thread ──► ThreadOrder.wait ──► no Step that ran beside it and ended earlier is still to come ──► go
                                                            └── one that was let go counts until its thread goes on, or is done

`as_completed` over a pool, and prompts that quote answers as they arrive, depend on that order. Nobody waits for long: code that
no longer asks what was recorded must not stand still for it.
"""

from __future__ import annotations

import asyncio
import heapq
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Final

from ..recording import interceptor as seams
from .counterparts import Recorded

_PATIENCE: Final = 0.25
"""Seconds for which a Step that nobody has asked for yet is waited for, once; the recorded time where that is shorter."""
_SETTLING: Final = 0.02
"""Seconds in which a thread that got its answer comes to its end or to its next boundary, or is taken to be busy elsewhere."""
_TICK: Final = 0.005
"""Seconds between two looks at what the other threads do."""
_START: Final = 0.05
"""The first answer of a pool's job or thread is given when no other thread has moved for `_TICK` seconds, after `_START` seconds at
the latest, or when it has taken as long as recorded: its creator is to come to where it waits for it. `as_completed` gives what is
done already in no order."""
_LATE: Final = 0.005
"""Seconds that a wait may take longer than asked without a word: the interpreter's own turns are as long."""
_MOST_WITHHELD: Final = 1.0
"""A wait that took so many seconds longer than asked shows a machine that is busy with others; all times here grow by twice that."""
_ARRIVAL: Final = 0.005
"""Seconds that the result of a pool's job takes at most to its event loop."""
_BREATH: Final = 0.0005
"""Seconds between the end of a pool's job and the moment at which all who wait for its future know."""


@dataclass(eq=False, slots=True)
class _Waiting:
    recorded: Recorded
    where: int
    since: float
    thread: int = 0
    withheld: float = 0.0
    """Seconds that the machine had withheld by then."""
    seen: Mapping[int, tuple[int, int]] | None = None
    """Where all other threads were when it last looked."""


def here() -> int:
    """Name the concurrent child that is running: its lane, else its thread."""
    lane = seams.lane.get()
    return id(lane) if lane is not None else -threading.get_ident()


def beside_others(steps: Iterable[Recorded]) -> set[int]:
    """Return the `id` of each Step of a Run during which another one ran that neither holds it nor lies in it."""
    found: set[int] = set()
    alone: list[Recorded] = []  # under way, and nothing beside it so far: each holds the next one
    under_way: list[tuple[int, int]] = []  # the others, by their end
    for r in sorted(steps, key=lambda r: (r.start_ns, r.seq)):
        while under_way and under_way[0][0] <= r.start_ns:
            heapq.heappop(under_way)
        above: set[int] = set()
        p = r.parent
        while p is not None:
            above.add(id(p))
            p = p.parent
        alone = [a for a in alone if a.end_ns > r.start_ns]
        beside = [a for a in alone if id(a) not in above]
        alone = [a for a in alone if id(a) in above]
        if beside or len(under_way) > sum(ident in above for _, ident in under_way[: len(above) + 1]):
            beside.append(r)
        else:
            alone.append(r)
        for a in beside:
            found.add(id(a))
            heapq.heappush(under_way, (a.end_ns, id(a)))
    return found


class ThreadOrder:
    """Lets the stubs that wait in threads go.

    `runs` are the Steps of each Run; `earlier(recorded)` names those that ended before it and that nobody has asked for; `in_loops()`
    those that wait for their turn in an event loop.
    """

    def __init__(
        self,
        runs: Iterable[Iterable[Recorded]],
        earlier: Callable[[Recorded], Sequence[Recorded]],
        in_loops: Callable[[], Iterable[Recorded]],
    ) -> None:
        self._earlier = earlier
        self._in_loops = in_loops
        self._run_of = {ident: number for number, steps in enumerate(runs) for ident in beside_others(steps)}
        self._begun: set[int] = set()
        self._jobs: set[int] = set()
        self._last_end = 0.0
        self._condition = threading.Condition(threading.Lock())
        self._waiting: list[_Waiting] = []
        self._settling: dict[int, _Waiting] = {}
        self._given_up: set[int] = set()
        self._withheld = 0.0

    def wait(self, recorded: Recorded) -> None:
        """Return when it is this answer's turn. Does not wait in the thread of an event loop, which would stand still with it."""
        if id(recorded) not in self._run_of:
            return
        if asyncio._get_running_loop() is not None:  # pyright: ignore[reportPrivateUsage]  the one that raises nothing
            return
        me = _Waiting(recorded, here(), time.monotonic(), threading.get_ident(), self._withheld)
        waited = False
        with self._condition:
            self._waiting.append(me)
            if len(self._waiting) > 1:
                self._condition.notify_all()
            while (left := self._left(me)) > 0:
                waited = True
                self._tick(me, min(left, _TICK))
            self._waiting.remove(me)
            me.since, me.withheld = time.monotonic(), self._withheld
            self._settling[me.where] = me
            self._begun.add(me.where)
            if self._waiting:
                self._condition.notify_all()
        if waited:
            time.sleep(_BREATH)

    def begun(self, where: int) -> None:
        """A pool was given a job."""
        self._jobs.add(where)

    def ended(self, where: int) -> None:
        """A concurrent child is done."""
        self._last_end = time.monotonic()
        self._jobs.discard(where)
        self._begun.discard(where)
        self.went_on(where)

    def went_on(self, where: int) -> None:
        """A concurrent child came to its next boundary, or is done: what it was given is where it belongs."""
        if where in self._settling:
            with self._condition:
                self._settling.pop(where, None)
                self._condition.notify_all()

    def busy(self) -> bool:
        """Whether a pool is at work, or was so just now: what it gives back may not have arrived in its event loop."""
        return bool(self._jobs) or time.monotonic() - self._last_end < _ARRIVAL

    def first(self, recorded: Recorded) -> bool:
        """Whether one that ended before this one waits here, or was let go just now and may not have arrived in its event loop."""
        with self._condition:
            if any(self._ended_before(w.recorded, recorded) for w in self._waiting):
                return True
            if any(self._ended_before(s.recorded, recorded) and self._passed(s) < _SETTLING for s in self._settling.values()):
                return True
            return time.monotonic() - self._last_end < _ARRIVAL

    def _tick(self, me: _Waiting, seconds: float) -> None:
        """Wait a little. By how much it took longer is how little the machine gives to this process: the others get as much more time."""
        asked = time.monotonic()
        self._condition.wait(seconds)
        late = time.monotonic() - asked - seconds
        if late > _LATE:
            self._withheld += late
            me.seen = None

    def _passed(self, w: _Waiting) -> float:
        """Seconds since then, less those that the machine gave to others."""
        return time.monotonic() - w.since - min(2 * (self._withheld - w.withheld), _MOST_WITHHELD)

    def _left(self, me: _Waiting) -> float:
        """How long to wait before looking again; 0: go."""
        r = me.recorded
        if me.where not in self._begun:
            start = min(_START, (r.end_ns - r.start_ns) / 1e9) - self._passed(me)
            if start > 0 and not self._quiet(me):
                return min(start, _TICK)
        if any(self._before(w.recorded, r) for w in self._waiting if w is not me):
            return _PATIENCE
        if self._passed(me) < _PATIENCE and any(self._ended_before(p, r) for p in self._in_loops()):
            return _TICK
        settling = [_SETTLING - self._passed(s) for s in self._settling.values() if s.where != me.where and self._before(s.recorded, r)]
        if settling and max(settling) > 0:
            return max(settling)
        missing = [p for p in self._earlier(r) if id(p) not in self._given_up]
        if not missing:
            return 0.0
        gap = (max(p.end_ns for p in missing) - r.start_ns) / 1e9
        left = min(gap, _PATIENCE) - self._passed(me)
        if left <= 0:
            self._given_up.update(id(p) for p in missing)
        return left

    def _before(self, p: Recorded, r: Recorded) -> bool:
        """Whether `p` ran beside `r`, in the same Run, and ended first."""
        return r.start_ns < p.end_ns and self._ended_before(p, r)

    def _ended_before(self, p: Recorded, r: Recorded) -> bool:
        return p.end_ns < r.end_ns and self._run_of.get(id(p), -1) == self._run_of.get(id(r))

    def _quiet(self, me: _Waiting) -> bool:
        """Whether all threads but those that wait here are where they were when it last looked."""
        waiting = {w.thread for w in self._waiting}
        frames = {t: (id(f), f.f_lasti) for t, f in _frames() if t not in waiting}
        before, me.seen = me.seen, frames
        return before == frames


def _frames() -> Iterable[tuple[int, FrameType]]:
    return sys._current_frames().items()  # pyright: ignore[reportPrivateUsage]  documented, for specialised use such as this
