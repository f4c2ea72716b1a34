"""What a stub is served: the recorded outcome, in the form that it had.

recorded Step ──► ServedAnswer ──► value / avalue / chunks     wrappers of functions
                               └─► outcome, released           SDK seams rebuild bytes from it
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Generator
from typing import TYPE_CHECKING, Any

from .. import semconv, values
from .compare import is_object

if TYPE_CHECKING:
    from .crossing import ReplayCrossing

_ENDED_EARLY = frozenset({"closed", "cancelled", "abandoned"})


class ServedAnswer:
    """Implements `Answer` for one crossing."""

    __slots__ = ("_crossing", "_error", "_returned", "form", "level", "outcome")

    def __init__(self, crossing: ReplayCrossing, step: Any, form: str, level: str) -> None:
        self._crossing = crossing
        self.form = form
        self.level = level
        self._error: Any = step.tree(semconv.ERROR) if form in ("error", "stream", "pending") else None
        self._returned: Any = None
        self.outcome: Any = None
        if form == "value":
            self.outcome = step.tree(semconv.OUTPUT)
        elif form == "error":
            self.outcome = self._error
        elif form == "stream":
            self.outcome = step.stream
            head = self.outcome.get("head")
            self._returned = head.get("return") if is_object(head) and crossing.boundary.sdk is None else None

    def value(self) -> Any:
        """Return the recorded value, or raise the recorded error, in the recorded order of completion."""
        self.turn()
        return self._settle()

    def turn(self) -> None:
        """Wait until the recorded order of completion lets this answer go, in a thread."""
        self._pause()
        recorded = self._crossing.recorded
        if recorded is not None and self.form in ("value", "error"):
            self._crossing.replayer.threads.wait(recorded)

    async def avalue(self) -> Any:
        """The same in the recorded order of completion; pends until cancelled where the recorded call was cancelled."""
        await self.released()
        return self._settle()

    async def released(self) -> None:
        """Wait until the recorded order of completion lets this answer go."""
        if self.form != "pending" and self._crossing.replayer.pace == "recorded":
            await asyncio.sleep(self._seconds())
        turn = await self._crossing.replayer.turn(self._crossing, pending=self.form == "pending")
        if not turn:
            raise self._crossing.not_recorded(
                "it was cancelled from outside when it was recorded, and nothing is left that could cancel it now"
            )

    def _settle(self) -> Any:
        if self.form == "value":
            return values.decode(self.outcome)
        if self.form == "error":
            raise values.decode_error(self.outcome)
        if self.form == "stream":
            return self.chunks()
        raise self._crossing.not_recorded("it was cancelled from outside when it was recorded: there is no answer to serve")

    def chunks(self) -> Generator[Any, None, Any]:
        """Yield the recorded chunks; then return, raise the recorded error, or refuse where the recording stopped early."""
        sdk = self._crossing.boundary.sdk is not None
        began = time.monotonic()
        for at, (ms, tree) in enumerate(self.outcome["chunks"]):
            if self._crossing.replayer.pace == "recorded":
                time.sleep(max(0.0, began + ms / 1000 - time.monotonic()))
            self._crossing.consumed(at + 1)
            yield tree if sdk else values.decode(tree)
        return self._end()

    async def achunks(self) -> AsyncIterator[Any]:
        """The same for async consumers; a stream that was cancelled pends at its end, until it is cancelled again."""
        await self.released()
        sdk = self._crossing.boundary.sdk is not None
        began = time.monotonic()
        for at, (ms, tree) in enumerate(self.outcome["chunks"]):
            if self._crossing.replayer.pace == "recorded":
                await asyncio.sleep(max(0.0, began + ms / 1000 - time.monotonic()))
            self._crossing.consumed(at + 1)
            yield tree if sdk else values.decode(tree)
        if self.outcome["end"] == "cancelled":
            await self._crossing.replayer.turn(self._crossing, pending=True)
        self._end()

    def beyond(self) -> None:
        """Refuse what a consumer wants past the last recorded chunk of a stream that was not read to its end.

        For SDK seams, which deliver the chunks themselves; does nothing where the recorded stream had ended.
        """
        if self.form == "stream":
            self._end()

    def _end(self) -> Any:
        end = self.outcome["end"]
        if end == "error" and self._error is not None:
            raise values.decode_error(self._error)
        if end in _ENDED_EARLY:
            raise self._crossing.not_recorded(
                f"the recorded consumer stopped after {len(self.outcome['chunks'])} chunks ({end}), and the code now reads on"
            )
        return values.decode(self._returned) if self._returned is not None else None

    def _seconds(self) -> float:
        recorded = self._crossing.recorded
        return max(0.0, (recorded.end_ns - recorded.start_ns) / 1e9) if recorded is not None else 0.0

    def _pause(self) -> None:
        if self._crossing.replayer.pace == "recorded" and self.form in ("value", "error"):
            time.sleep(self._seconds())
