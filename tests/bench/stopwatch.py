"""Thread CPU inside a wrapper, without that of what it wraps: a shim above and a shim below.

above ──► the recorder's wrapper ──► below ──► the SDK's own method
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

_now = time.thread_time_ns


class Layer:
    """One wrapped method. `take()` is what the wrapper itself has used since the last `take`, in ns."""

    def __init__(self) -> None:
        self._above = 0
        self._below = 0

    def below(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = _now()
            try:
                return original(*args, **kwargs)
            finally:
                self._below += _now() - began

        return timed

    def above(self, wrapper: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = _now()
            try:
                return wrapper(*args, **kwargs)
            finally:
                self._above += _now() - began

        return timed

    def take(self) -> int:
        used = self._above - self._below
        self._above = self._below = 0
        return used


class Background:
    """CPU that a recorder uses outside the calls themselves: of all other threads, and of the flush. In ns, added up over its blocks."""

    def __init__(self) -> None:
        self.ns = 0

    def begin(self) -> None:
        self._process, self._thread = time.process_time_ns(), _now()

    def end(self, flush: Callable[[], Any]) -> None:
        """End the block with a flush, which does the work that waits in this thread: it counts."""
        self.ns -= _now() - self._thread
        flush()
        self.ns += time.process_time_ns() - self._process


def median_us(taken: Sequence[int]) -> float:
    return statistics.median(taken) / 1000
