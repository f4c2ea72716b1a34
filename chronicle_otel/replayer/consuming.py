"""Read what a re-entered entry streams, as far as its recorded consumer did."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

_LEFT_EARLY = ("closed", "abandoned", "cancelled")


def recorded_length(run: Any) -> int | None:
    """Return how many chunks the recorded consumer took before it left; None where it read to the end, or there was no stream."""
    stream = run.root.stream
    if stream is None or stream.get("end") not in _LEFT_EARLY:
        return None
    return len(stream["chunks"])


def consume(generator: Generator[Any, Any, Any], most: int | None) -> None:
    """Take all chunks, or the first `most` and close."""
    taken = 0
    while taken != most:
        try:
            next(generator)
        except StopIteration:
            return
        taken += 1
    generator.close()


async def aconsume(generator: AsyncGenerator[Any, Any], most: int | None) -> None:
    """`consume` for async generators."""
    taken = 0
    while taken != most:
        try:
            await anext(generator)
        except StopAsyncIteration:
            return
        taken += 1
    await generator.aclose()
