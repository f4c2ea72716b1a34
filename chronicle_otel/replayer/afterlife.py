"""After a replay: threads and tasks that still carry its context are refused, never executed.

replay ends ──► a context somewhere still holds one of its places? ──► Afterlife stands at the seam until none does
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import Refused
from ..recording.interceptor import Boundary, current, seam
from .crossing import Place
from .engine import Replayer

_lock = threading.RLock()


class Afterlife:
    """Refuses what belongs to a finished replay and passes everything else on to what was there before."""

    def __init__(self, before: Any) -> None:
        self.before = before
        self._left: set[int] = set()

    def watch(self, places: list[Place]) -> None:
        """Stay until every place is forgotten by every context."""
        for place in places:
            self._left.add(id(place))
            weakref.finalize(place, self._forgotten, id(place)).atexit = False

    def _forgotten(self, ident: int) -> None:
        with _lock:
            self._left.discard(ident)
            if not self._left and seam.interceptor is self:
                seam.interceptor = self.before

    @property
    def needed(self) -> bool:
        return bool(self._left)

    def _refuse(self, boundary: Boundary) -> None:
        place = current.get()
        if isinstance(place, Place) and place.replayer.closed:
            raise Refused(
                f"{boundary.kind} {boundary.name}: its context belongs to a replay that is over; it was not executed. "
                "Join the threads and tasks of the code inside the replay"
            )

    def enter(self, boundary: Boundary, args: Sequence[Any], kwargs: Mapping[str, Any], *, attach: bool = True) -> Any:
        self._refuse(boundary)
        return self.before.enter(boundary, args, kwargs, attach=attach) if self.before is not None else None

    def open(self, boundary: Boundary) -> Any:
        self._refuse(boundary)
        return self.before.open(boundary) if self.before is not None else None

    def flag(self, reason: str) -> None:
        if self.before is not None:
            self.before.flag(reason)

    def ambient(self, source: str, read: Callable[[], Any]) -> Any:
        return self.before.ambient(source, read) if self.before is not None else read()


def keep_refusing(replayer: Replayer) -> None:
    """Put an Afterlife at the seam, if contexts still hold places of a replay that has just ended; one that stands there serves both."""
    with _lock:
        if isinstance(seam.interceptor, Afterlife) and not seam.interceptor.needed:  # forgotten while this replay stood before it
            seam.interceptor = seam.interceptor.before
        before = seam.interceptor
        left = replayer.places()
        if not left or isinstance(before, Replayer):  # an outer replay refuses foreign contexts itself
            return
        afterlife = before if isinstance(before, Afterlife) else Afterlife(before)
        afterlife.watch(left)
        left.clear()
        if afterlife.needed:
            seam.interceptor = afterlife
