"""Ambient reads answered from the record; where it ends, values go on; without one, the clock may be frozen.

seam.interceptor.ambient(source, read) ──► recorded reads of the enclosing Step, in order per source
                                      ├──► past their end: a note, and time goes on from the last one
                                      └──► none recorded: `freeze` ──► recorded start + time passed, seeded randomness
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..recording import ambient as patches
from ..recording import scripts
from ..recording.interceptor import current

if TYPE_CHECKING:
    from .engine import Replayer
    from .log import Happened, RunLog


class AmbientAnswers:
    """Serves the ambient reads of one replay."""

    def __init__(self, replayer: Replayer, *, freeze: bool) -> None:
        self._replayer = replayer
        self._freeze = freeze
        self._queues: dict[tuple[int, int], dict[str, list[Any]]] = {}
        self._frozen_at: tuple[int, int] | None = None
        self._state: Any = None
        self._recorded = any(step.ambient for run in replayer.runs for step in run.run.steps)

    @property
    def wanted(self) -> bool:
        """Whether reads have to be patched at all."""
        return self._freeze or self._recorded

    def sources(self) -> tuple[list[str], list[str]]:
        """The sources to patch, and the environment variables among them."""
        names: set[str] = {source for run in self._replayer.runs for step in run.run.steps for source in step.ambient}
        env = sorted(name.removeprefix("env.") for name in names if name.startswith("env."))
        found = {"secrets" if name == "os.urandom" else name.partition(".")[0] for name in names}
        if self._freeze:
            found |= {"clock", "random", "uuid", "secrets"}
        return sorted(found & set(patches.SOURCES)), env

    def started(self, run: RunLog) -> None:
        """A Run starts: freeze to its recorded start."""
        if self._freeze:
            self._frozen_at = (run.run.start_ns or run.root.start_ns, time.monotonic_ns())
            if self._state is None:
                self._state = random.getstate()
            random.seed(str(run.run.id))
            begin = self._frozen_at[0] / 1e9
            run.clock.live_from, run.clock.live_to = min(begin, run.clock.live_from), run.clock.live_to

    def stop(self) -> None:
        """Give the process its own randomness back."""
        self._frozen_at = None
        if self._state is not None:
            random.setstate(self._state)
            self._state = None

    def answer(self, source: str, read: Callable[[], Any]) -> Any:
        """Answer one read."""
        place = current.get()
        happened: Happened | None = getattr(place, "happened", None)
        if place is None:
            happened = self._script()
        elif getattr(place, "replayer", None) is not self._replayer:
            return read()
        if happened is None or happened.run is None:
            return read()
        with self._replayer.lock:
            owner, reads = self._reads(happened)
            queue = reads.get(source)
            if queue is None:
                if (not reads and not self._recorded) or source not in self._everywhere(happened.run):
                    return self._go_on(happened, source, read)
                queue = []
            at = owner.ambient_at.get(source, 0)
            owner.ambient_at[source] = at + 1
            if at < len(queue):
                value = queue[at]
                happened.run.root_happened.ambient_last[source] = (value, time.monotonic())  # type: ignore[union-attr]
                return value
            if at == len(queue):
                owner.notes.append(
                    (
                        "not_recorded",
                        f"it reads {source} more often than the {len(queue)} times that were recorded; values go on from there",
                    )
                )
            return self._go_on(happened, source, read)

    def _script(self) -> Happened | None:
        """The script that is running: what its main thread reads outside every Step is recorded with it."""
        if threading.current_thread() is not threading.main_thread():
            return None
        roots = [run.root_happened for run in self._replayer.runs if run.root_happened is not None and not run.ended]
        return next((root for root in roots if root.node.name.startswith(scripts.PREFIX)), None)

    def _everywhere(self, run: RunLog) -> set[str]:
        return {source for r in run.matcher.steps for source in r.step.ambient}

    def _reads(self, happened: Happened) -> tuple[Happened, dict[str, list[Any]]]:
        """The recorded reads of the nearest enclosing Step that has a counterpart; added wrappers are transparent."""
        assert happened.run is not None
        by_node = {h.node: h for h in happened.run.happened} if happened.node.rec is None else {}
        while happened.node.rec is None and happened.node.parent is not None:
            happened = by_node[happened.node.parent]
        step = happened.node.rec.step if happened.node.rec is not None else None
        return happened, step.ambient if step is not None else {}

    def _go_on(self, happened: Happened, source: str, read: Callable[[], Any]) -> Any:
        """A value past the record: never a constant clock, or a loop that waits for a deadline would hang."""
        root = happened.run.root_happened if happened.run is not None else None
        if source.startswith("clock"):
            last = root.ambient_last.get(source) if root is not None else None
            if last is not None:
                passed = time.monotonic() - last[1]
                return last[0] + int(passed * 1e9) if source == "clock" else last[0] + dt.timedelta(seconds=passed)
            if self._frozen_at is not None:
                now = self._frozen_at[0] + time.monotonic_ns() - self._frozen_at[1]
                return now if source == "clock" else dt.datetime.fromtimestamp(now / 1e9)
        elif source == "uuid.uuid4" and self._freeze:
            return uuid.UUID(int=random.getrandbits(128), version=4)
        return read()
