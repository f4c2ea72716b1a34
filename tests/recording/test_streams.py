"""Streams are recorded chunk by chunk, stay lazy, and end exactly once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import chronicle_otel as chronicle


@chronicle.tool(name="count")
def count(n: int) -> Iterator[int]:
    yield from range(n)


@chronicle.tool(name="fails")
def fails() -> Iterator[int]:
    yield 1
    raise ValueError("half way")


@chronicle.tool(name="acount")
async def acount(n: int) -> AsyncIterator[int]:
    for i in range(n):
        await asyncio.sleep(0)
        yield i


@chronicle.agent(name="root")
def root(body: Any) -> Any:
    return body()


def stream_of(tape: Any, body: Any) -> Any:
    tape.record(root, body)
    steps = [s for s in tape.run().steps if s.name != "root"]
    assert len(steps) == 1
    return steps[0]


def ending(step: Any) -> tuple[str, Any]:
    return step.stream["end"], step.output


def test_finished(tape: Any) -> None:
    """A stream read to its end keeps each chunk."""
    assert ending(stream_of(tape, lambda: list(count(3)))) == ("finished", [0, 1, 2])


def test_closed(tape: Any) -> None:
    """`close()` ends the Step with what was read until then."""

    def body() -> None:
        stream = count(5)
        next(stream)
        stream.close()  # type: ignore[attr-defined]

    assert ending(stream_of(tape, body)) == ("closed", [0])


def test_break(tape: Any) -> None:
    """A stream that a loop leaves is dropped, which is told apart from a close."""

    def body() -> None:
        for item in count(5):
            if item == 1:
                break

    assert ending(stream_of(tape, body)) == ("abandoned", [0, 1])


def test_never_started(tape: Any) -> None:
    """A generator that nobody reads crosses no boundary."""
    tape.record(root, lambda: count(3) and None)
    assert [s.name for s in tape.run().steps] == ["root"]


def test_garbage_in_a_cycle(tape: Any) -> None:
    """A stream that only a reference cycle holds is ended when its Run ends."""

    def body() -> None:
        stream = count(5)
        next(stream)
        holder: dict[str, Any] = {"stream": stream}
        holder["self"] = holder

    gc.disable()
    try:
        assert ending(stream_of(tape, body)) == ("abandoned", [0])
    finally:
        gc.enable()


def test_an_exception_in_the_middle(tape: Any) -> None:
    """The caller gets the exception after the chunks; both are recorded."""

    def body() -> None:
        with pytest.raises(ValueError, match="half way"):
            list(fails())

    step = stream_of(tape, body)
    assert ending(step) == ("error", [1])
    assert step.tree("chronicle.error")["message"] == "half way"


def test_a_consumer_that_raises(tape: Any) -> None:
    """An exception in the consumer does not become the stream's."""

    def body() -> None:
        for _ in count(3):
            raise KeyError("mine")

    tape.record(root, body)
    (step,) = [s for s in tape.run().steps if s.name == "count"]
    assert step.stream["end"] in ("closed", "abandoned")
    assert step.tree("chronicle.error") is None


def test_laziness(tape: Any) -> None:
    """Nothing is produced before it is asked for."""
    seen: list[int] = []

    @chronicle.tool(name="lazy")
    def lazy() -> Iterator[int]:
        seen.append(0)
        yield 1
        seen.append(1)
        yield 2

    def body() -> list[int]:
        stream = lazy()
        before = list(seen)
        next(iter(stream))
        return before + seen

    assert tape.record(root, body) == [0]


def test_send_throw_and_return(tape: Any) -> None:
    """A generator's whole protocol passes through."""

    @chronicle.tool(name="echo")
    def echo() -> Any:
        got = yield "first"
        try:
            yield got
        except ValueError:
            yield "caught"
        return "result"

    def body() -> list[Any]:
        stream = echo()
        out = [next(stream), stream.send("sent"), stream.throw(ValueError())]
        try:
            next(stream)
        except StopIteration as stop:
            out.append(stop.value)
        return out

    assert tape.record(root, body) == ["first", "sent", "caught", "result"]
    step = tape.run().steps[1]
    assert step.output == ["first", "sent", "caught"]
    assert step.stream["head"] == {"return": "result"}


def test_async_generators(tape: Any) -> None:
    """An async generator is recorded the same way."""

    async def read() -> list[int]:
        return [i async for i in acount(3)]

    assert ending(stream_of(tape, lambda: asyncio.run(read()))) == ("finished", [0, 1, 2])


def test_an_async_break(tape: Any) -> None:
    """An `async for` that is left, in a loop that goes on, abandons the stream."""

    async def read() -> None:
        async for i in acount(5):
            if i == 1:
                break
        gc.collect()
        await asyncio.sleep(0.01)

    assert ending(stream_of(tape, lambda: asyncio.run(read()))) == ("abandoned", [0, 1])


def test_cancellation(tape: Any) -> None:
    """A cancelled consumer ends the stream as cancelled."""

    @chronicle.tool(name="slow")
    async def slow() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(10)
        yield 2

    async def read() -> None:
        async def consume() -> None:
            async for _ in slow():
                pass

        task = asyncio.create_task(consume())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert ending(stream_of(tape, lambda: asyncio.run(read()))) == ("cancelled", [1])


def test_children_of_a_generator(tape: Any) -> None:
    """Steps inside a generator are its children; Steps of the consumer between two chunks are not."""

    @chronicle.tool(name="child")
    def child(who: str) -> str:
        return who

    @chronicle.step(name="outer")
    def outer() -> Iterator[str]:
        yield child("inside")
        yield child("inside too")

    tape.record(root, lambda: [child("consumer") for _ in outer()])
    by_input = {s.input["who"]: s.parent.name for s in tape.run().steps if s.name == "child"}
    assert by_input == {"inside": "outer", "inside too": "outer", "consumer": "root"}


def test_a_generator_consumed_elsewhere(tape: Any) -> None:
    """The parent of a stream is the Step in which it was made, not the one that reads it."""

    @chronicle.step(name="maker")
    def maker() -> Any:
        return [count(2)]

    @chronicle.step(name="reader")
    def reader(streams: Any) -> list[int]:
        return list(streams[0])

    tape.record(root, lambda: reader(maker()))
    (step,) = [s for s in tape.run().steps if s.name == "count"]
    assert step.parent.name == "maker"


def test_a_returned_generator_that_nobody_reads(tape: Any) -> None:
    """The call itself was made: its Step ends with the Run, so that nothing of the recording is missing."""

    @chronicle.tool(name="unread")
    def unread() -> Any:
        return (i for i in range(3))

    @chronicle.agent(name="caller")
    def caller() -> bool:
        return unread() is not None

    tape.record(caller)
    run = tape.run()
    assert (ending(run.steps[1]), run.checks.ok) == (("abandoned", []), True)


def test_a_function_that_returns_a_generator(tape: Any) -> None:
    """A plain function may return a stream; it stays lazy and its chunks are recorded."""

    @chronicle.tool(name="indirect")
    def indirect() -> Any:
        return (i * i for i in range(3))

    assert ending(stream_of(tape, lambda: list(indirect()))) == ("finished", [0, 1, 4])
