"""Streams of the SDK: every end is told once and truly, chunk boundaries and breaks are the same when served."""

from __future__ import annotations

import asyncio
import gc
import types
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from chronicle_otel.demo.provider import Call, Provider, Reply, error
from chronicle_otel.errors import Refused
from tests.instrumentation.conftest import Lab
from tests.instrumentation.tape import Taping, interceptor

ASK: Any = [{"role": "user", "content": "hi"}]
WORDS = Reply(text="one two three four five six")
BROKEN = Reply(text="one two three four five six", drop_after=3)


def stream(url: str, **options: Any) -> Any:
    return OpenAI(base_url=url, api_key="k").chat.completions.create(model="m", messages=ASK, stream=True, **options)


async def astream(url: str) -> Any:
    return await AsyncOpenAI(base_url=url, api_key="k").chat.completions.create(model="m", messages=ASK, stream=True)


def texts(chunks: Any) -> list[str | None]:
    return [chunk.choices[0].delta.content for chunk in chunks]


def read_all(url: str) -> Any:
    return texts(stream(url))


def read_all_responses(url: str) -> Any:
    return [event.type for event in OpenAI(base_url=url, api_key="k").responses.create(model="m", input="hi", stream=True)]


def stop_at_completed(url: str) -> Any:
    for event in (kept := OpenAI(base_url=url, api_key="k").responses.create(model="m", input="hi", stream=True)):
        if event.type == "response.completed":
            return [event.response.model_dump(), kept]
    return None


def close_early(url: str) -> Any:
    with stream(url) as chunks:
        return texts([next(chunks), next(chunks)])


def break_and_drop(url: str) -> Any:
    taken = []
    for chunk in stream(url):
        taken.append(chunk)
        if len(taken) == 2:
            break
    gc.collect()
    return texts(taken)


def never_read(url: str) -> Any:
    stream(url)
    gc.collect()


def read_until_broken(url: str) -> Any:
    taken = []
    with pytest.raises(Exception) as raised:
        taken.extend(stream(url))
    return [texts(taken), type(raised.value), str(raised.value), type(raised.value.__cause__)]


def error_event(url: str) -> Any:
    taken = []
    with pytest.raises(openai.APIError) as raised:
        taken.extend(stream(url))
    return [texts(taken), type(raised.value), str(raised.value), raised.value.body]


def a_read_all(url: str) -> Any:
    async def go() -> Any:
        return [c.choices[0].delta.content async for c in await astream(url)]

    return asyncio.run(go())


def a_close_early(url: str) -> Any:
    async def go() -> Any:
        async with await astream(url) as chunks:
            return texts([await chunks.__anext__(), await chunks.__anext__()])

    return asyncio.run(go())


def a_until_broken(url: str) -> Any:
    async def go() -> Any:
        taken = []
        with pytest.raises(Exception) as raised:  # noqa: PT012
            async for chunk in await astream(url):
                taken.append(chunk)  # noqa: PERF401  what came before the break counts
        return [texts(taken), type(raised.value), str(raised.value), type(raised.value.__cause__)]

    return asyncio.run(go())


def a_break_and_drop(url: str) -> Any:
    async def go() -> Any:
        taken = []
        async for chunk in await astream(url):
            taken.append(chunk)
            if len(taken) == 2:
                break
        gc.collect()
        await asyncio.sleep(0.05)
        return texts(taken)

    return asyncio.run(go())


EVENTS = [{"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": "a"}}]}]
FAILING = Reply(events=[*EVENTS, {"error": {"message": "overloaded", "code": "overloaded"}}])
NO_DONE = Reply(text="one two", done=False)


@pytest.mark.parametrize(
    ("code", "script", "ends"),
    [
        (read_all, [WORDS], ["finished"]),
        (read_all, [NO_DONE], ["finished"]),
        (read_all, [Reply(text="one two", gzip=True)], ["finished"]),
        (read_all_responses, [WORDS], ["finished"]),
        (close_early, [WORDS], ["closed"]),
        (break_and_drop, [WORDS], ["abandoned"]),
        (read_until_broken, [BROKEN], ["error"]),
        (error_event, [FAILING], ["error"]),
        (a_read_all, [WORDS], ["finished"]),
        (a_close_early, [WORDS], ["closed"]),
        (a_until_broken, [BROKEN], ["error"]),
        (a_break_and_drop, [WORDS], ["abandoned"]),
    ],
)
def test_every_end_is_told_once_and_served_again(lab: Lab, code: Any, script: Any, ends: Any) -> None:
    """How the stream ended is recorded once; served, the code sees the same chunks and the same end."""
    live, served = lab.both(code, script)
    assert served == live
    assert lab.recorded.steps[0].ends == ends
    assert lab.played.steps[0].ends == ends
    assert not lab.recorded.steps[0].attached


def test_a_reader_that_stops_at_the_last_event_has_read_it_all(lab: Lab) -> None:
    """Stopping at `response.completed` is a finished stream, also when the stream object lives on."""
    live, served = lab.both(stop_at_completed, [WORDS])
    assert live[0] == served[0]
    assert lab.recorded.steps[0].ends == ["finished"]


def test_a_stream_that_nobody_reads_stays_open(lab: Lab) -> None:
    """Nothing tells the end of a dropped, unread stream: the Recorder ends it with its Run."""
    lab.record(never_read, [WORDS])
    assert lab.recorded.steps[0].ends == []


def test_reading_beyond_the_recording_is_refused(lab: Lab) -> None:
    """A consumer that reads on where the recorded one stopped is refused there, not fed, and not told of a clean end."""
    lab.record(close_early, [WORDS])
    with pytest.raises(Refused):
        lab.replay(read_all)
    assert lab.played.steps[0].ends == ["error"]


def test_a_cancelled_reader_is_told(lab: Lab) -> None:
    """Cancelling a task in the middle of a stream ends it as cancelled."""

    async def go(url: str) -> None:
        async def read() -> None:
            async for _ in await astream(url):
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    lab.record(lambda url: asyncio.run(go(url)), [Reply(text="one two three four", pause=0.2)])
    assert lab.recorded.steps[0].ends == ["cancelled"]


def test_a_readers_own_exception_is_not_the_streams(lab: Lab) -> None:
    """An exception of the application inside `with stream` closes the stream; it is not a broken one."""

    def code(url: str) -> None:
        with pytest.raises(ZeroDivisionError), stream(url) as chunks:  # noqa: PT012
            next(chunks)
            _ = 1 / 0

    lab.record(code, [WORDS])
    assert lab.recorded.steps[0].ends == ["closed"]


def test_the_terminal_event_may_come_in_pieces() -> None:
    """Bytes may be cut anywhere; a stream closed right after its last event is finished, before it closed."""
    from chronicle_otel.instrumentation._tap import Tap
    from chronicle_otel.instrumentation.openai import OPENAI
    from chronicle_otel.recording.interceptor import HttpOutput

    done = b"data: [DONE]\n\n"
    for terminal, ended in ((done[:8], "closed"), (done[:-1], "closed"), (done, "finished"), (done.replace(b"\n", b"\r\n"), "finished")):
        crossing, head = Taping().open(OPENAI.boundary("post", "/responses")), HttpOutput(200, {"content-type": "text/event-stream"})
        assert crossing is not None
        tap = Tap(crossing, types.SimpleNamespace(), head, OPENAI.terminal, asynchronous=False)
        tap.chunks = [bytes([byte]) for byte in b'data: {"a": 1}\n\n' + terminal]
        tap.closed_by(None)
        assert crossing.ends == [ended]


def test_a_plain_answer_to_a_stream_request_is_kept(lab: Lab) -> None:
    """A provider that answers `stream=True` with plain JSON is recorded as it answered."""

    def code(url: str) -> Any:
        return list(stream(url))

    live, served = lab.both(code, [Reply(body={"id": "x", "object": "chat.completion", "choices": []})])
    assert live == served == []
    assert lab.recorded.steps[0].ends == ["value"]


def test_raw_bytes_of_a_stream_are_seen(lab: Lab) -> None:
    """A consumer of the raw byte stream (a proxy) is recorded and served too."""

    def code(url: str) -> bytes:
        made = OpenAI(base_url=url, api_key="k").chat.completions.with_streaming_response
        with made.create(model="m", messages=ASK, stream=True) as response:
            return b"".join(response.iter_bytes())

    live, served = lab.both(code, [WORDS])
    assert served == live
    assert lab.recorded.steps[0].ends == ["finished"]


def test_errors_before_a_stream_begins_are_errors(lab: Lab) -> None:
    """A 400 answer to a stream request is the Step's error with its body."""

    def code(url: str) -> Any:
        with pytest.raises(openai.BadRequestError) as raised:
            stream(url)
        return raised.value.body

    live, served = lab.both(code, [error(400, "no")])
    assert live == served
    assert lab.recorded.steps[0].output.body.startswith(b'{"error": {"message": "no", ')


def test_streams_are_lazy() -> None:
    """The first chunk is there before the provider has sent the last."""
    import time

    with Provider([Reply(text="one two three four", pause=0.2)]) as provider, interceptor(Taping()):
        began = time.monotonic()
        chunks = stream(provider.url)
        next(chunks)
        first = time.monotonic() - began
        list(chunks)
        assert first < (time.monotonic() - began) / 2


def test_tool_calls_stream_as_they_came(lab: Lab) -> None:
    """Parallel tool calls keep their pieces of arguments, chunk by chunk."""

    def code(url: str) -> Any:
        return [c.choices[0].delta.tool_calls and c.choices[0].delta.tool_calls[0].model_dump() for c in stream(url)]

    live, served = lab.both(code, [Reply(calls=[Call("a", {"x": "long enough"}), Call("b", {"y": 2})])])
    assert served == live
    assert sum(bool(c) for c in live) > 4
