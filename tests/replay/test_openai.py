"""The scenarios on the real openai SDK: recorded against a scripted provider, replayed with nobody listening."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

openai = pytest.importorskip("openai")

import chronicle_otel as chronicle  # noqa: E402
from chronicle_otel.demo.provider import Call, Provider, Reply, error  # noqa: E402
from chronicle_otel.instrumentation.openai import OpenAIInstrumentor  # noqa: E402
from tests.replay.conftest import Lab, kinds, levels  # noqa: E402

CHAT = "openai.chat.completions"


@pytest.fixture(autouse=True)
def _instrumented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-placeholder")
    OpenAIInstrumentor().instrument()
    yield
    OpenAIInstrumentor().uninstrument()


class Sdk:
    """Records an agent against a provider whose every answer is another, and replays it against a closed port."""

    def __init__(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lab = lab
        self.env = monkeypatch

    def record(self, agent: Callable[..., Any], *args: Any, script: Any = None) -> Any:
        numbers = iter(range(10_000))

        def answer(request: dict[str, Any]) -> Reply:
            return Reply(text=f"answer {next(numbers)} to {request['body']['messages'][-1]['content'][:60]}")

        with Provider(script if script is not None else answer) as provider:
            self.env.setenv("OPENAI_BASE_URL", provider.url)
            run = self.lab.record(agent, *args)
        self.env.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        return run

    def same(self, run: Any, agent: Callable[..., Any], **options: Any) -> Any:
        recorded = self.lab.value
        result = self.lab.replay(run, agent, **options)
        assert result.verdict == "reproduced", str(result)
        if not isinstance(recorded, BaseException):
            assert result.outcome.value == recorded
        return result


@pytest.fixture
def sdk(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    return Sdk(lab, monkeypatch)


def say(text: str, **more: Any) -> str:
    answer = openai.OpenAI().chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": text}], **more)
    return answer.choices[0].message.content


async def asay(client: Any, text: str) -> str:
    answer = await client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content


def test_sequential(sdk: Sdk) -> None:
    """An agent of five calls gets its five answers back, exactly."""

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [say(f"question {n}") for n in range(5)]

    assert levels(sdk.same(sdk.record(agent), agent)) == [f"{CHAT} exact"] * 5


def test_tool_loop_with_parallel_calls(sdk: Sdk) -> None:
    """A tool loop with two parallel tool calls replays with its tools live."""
    ran: list[str] = []

    @chronicle.tool(name="price")
    def price(symbol: str) -> str:
        ran.append(symbol)
        return f"{symbol} costs {len(symbol)}"

    @chronicle.agent(name="a")
    def agent() -> str:
        client = openai.OpenAI()
        messages: list[Any] = [{"role": "user", "content": "compare"}]
        while True:
            message = client.chat.completions.create(model="gpt-4.1", messages=messages).choices[0].message
            if not message.tool_calls:
                return message.content
            messages.append(message.model_dump(exclude_none=True))
            messages += [
                {"role": "tool", "tool_call_id": c.id, "content": price(**json.loads(c.function.arguments))} for c in message.tool_calls
            ]

    run = sdk.record(
        agent, script=[Reply(calls=[Call("price", {"symbol": "A"}), Call("price", {"symbol": "BC"})]), Reply(text="BC is dearer")]
    )
    ran.clear()
    result = sdk.same(run, agent, live=["tool"])
    assert (ran, levels(result)) == (["A", "BC"], [f"{CHAT} exact"] * 2)


def test_gather(sdk: Sdk) -> None:
    """Concurrent async calls get their own answers, whatever the order."""

    @chronicle.agent(name="a")
    async def agent() -> list[str]:
        async with openai.AsyncOpenAI() as client:
            return await asyncio.gather(*(asay(client, f"question {n}") for n in range(4)))

    assert levels(sdk.same(sdk.record(agent), agent)) == [f"{CHAT} exact"] * 4


@pytest.mark.parametrize("named", [True, False], ids=["named branches", "lanes"])
def test_gather_same(sdk: Sdk, named: bool) -> None:
    """Identical concurrent prompts go to the right branch: by its name, or by the lane of its task."""

    @chronicle.agent(name="a")
    async def agent() -> list[str]:
        async with openai.AsyncOpenAI() as client:

            async def arm(n: int) -> str:
                with chronicle.branch(f"arm {n}" if named else "all"):
                    return await asay(client, "the same")

            return await asyncio.gather(*(arm(n) for n in range(3)))

    assert levels(sdk.same(sdk.record(agent), agent)) == [f"{CHAT} exact"] * 3


def test_repeat_same(sdk: Sdk) -> None:
    """The same prompt three times gets three answers in order, and a fourth time none."""
    times = [3]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [say("the same") for _ in range(times[0])]

    run = sdk.record(agent)
    sdk.same(run, agent)
    times[0] = 4
    assert kinds(sdk.lab.replay(run, agent)) == [f"unexpected_step at {CHAT}"]


def test_threads(sdk: Sdk) -> None:
    """Calls from a thread pool get their own answers."""

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(say, [f"question {n}" for n in range(6)]))

    assert levels(sdk.same(sdk.record(agent), agent)) == [f"{CHAT} exact"] * 6


def test_stream(sdk: Sdk) -> None:
    """A stream comes back with its chunk boundaries; one chunk is one event of the recording."""

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        stream = openai.OpenAI().chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "go"}], stream=True)
        return [chunk.choices[0].delta.content for chunk in stream if chunk.choices]

    run = sdk.record(agent, script=[Reply(text="We sell apples and pears in the town")])
    assert len(sdk.lab.value) > 2
    sdk.same(run, agent)


def test_astream(sdk: Sdk) -> None:
    """The same asynchronously, two streams at once."""

    @chronicle.agent(name="a")
    async def agent() -> list[list[Any]]:
        async with openai.AsyncOpenAI() as client:

            async def read(text: str) -> list[Any]:
                stream = await client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": text}], stream=True)
                return [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]

            return await asyncio.gather(read("one"), read("two"))

    sdk.same(sdk.record(agent), agent)


def test_stream_abandoned(sdk: Sdk) -> None:
    """A stream left after two chunks replays so; reading to the end what was not recorded to the end is not_recorded."""
    take = [3]

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        got: list[Any] = []
        stream = openai.OpenAI().chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "go"}], stream=True)
        for chunk in stream:
            got.append(chunk.choices[0].delta.content)
            if len(got) == take[0]:
                stream.close()
                break
        return got

    run = sdk.record(agent, script=[Reply(text="one two three four five six seven eight nine ten", pause=0.02)])
    sdk.same(run, agent)
    take[0] = 1000
    assert kinds(sdk.lab.replay(run, agent)) == [f"not_recorded at {CHAT}"]


def test_http_400(sdk: Sdk) -> None:
    """An error answer is raised again as the SDK's own class, with status, body and request id."""

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        try:
            return [say("too long")]
        except openai.BadRequestError as caught:
            return [caught.status_code, caught.body, caught.request_id, str(caught)]

    sdk.same(sdk.record(agent, script=[error(400, "the context is too long")]), agent)


def test_sdk_retry(sdk: Sdk) -> None:
    """A call that the SDK retried is one step, and replays without waiting for its back-off."""

    @chronicle.agent(name="a")
    def agent() -> str:
        return say("hello")

    run = sdk.record(
        agent, script=[Reply(status=500, body={"error": {"message": "busy"}}, headers={"retry-after-ms": "1"}), Reply(text="hi")]
    )
    assert len(run.steps) == 2
    sdk.same(run, agent)


def test_changed_prompt(sdk: Sdk) -> None:
    """An edited system prompt is reported at every request that holds it; the first is the place, the others repeat it."""
    system = ["You are a helpful assistant of the shop in the market square."]

    @chronicle.agent(name="a")
    def agent() -> str:
        client = openai.OpenAI()
        messages: list[Any] = [{"role": "system", "content": system[0]}]
        for text in ("hello", "how much are apples", "thanks"):
            messages.append({"role": "user", "content": text})
            reply = client.chat.completions.create(model="gpt-4.1", messages=messages).choices[0].message.content
            messages.append({"role": "assistant", "content": reply})
        return messages[-1]["content"]

    run = sdk.record(agent)
    sdk.same(run, agent)
    system[0] += " Be brief."
    result = sdk.lab.replay(run, agent)
    assert kinds(result) == [f"input_changed at {CHAT}"] * 3
    assert [d.diff[0].place for d in result.divergences] == ["body.messages[0].content"] * 3
    assert result.divergences[2].cause == f"the same change as in llm {CHAT} #0"


def test_extra_call(sdk: Sdk) -> None:
    """A further request is refused, not sent, and not retried by the SDK."""
    extra = [False]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        got = [say("the weather in Paris")]
        if extra[0]:
            got.append(say("something else"))
        return got

    run = sdk.record(agent)
    extra[0] = True
    result = sdk.lab.replay(run, agent)
    assert (result.verdict, kinds(result)) == ("diverged", [f"unexpected_step at {CHAT}"])
    assert isinstance(result.outcome.error, chronicle.Refused)


def test_missing_call(sdk: Sdk) -> None:
    """A request that is no longer made is missing; the others keep their answers."""
    skip = [False]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [say(f"question {n}") for n in range(3) if not (skip[0] and n == 1)]

    run = sdk.record(agent)
    skip[0] = True
    result = sdk.lab.replay(run, agent)
    assert kinds(result) == [f"missing_step at {CHAT}", "output_changed at a"]
    assert levels(result) == [f"{CHAT} exact"] * 2


def test_swapped_calls(sdk: Sdk) -> None:
    """Requests in another order get their own answers."""
    order = ["one", "two"]

    @chronicle.agent(name="a")
    def agent() -> dict[str, str]:
        return {text: say(text) for text in order}

    run = sdk.record(agent)
    order.reverse()
    assert [n.kind for n in sdk.same(run, agent).notes] == ["order_changed"]


def test_moved_code(sdk: Sdk) -> None:
    """Requests that moved into a new step are found."""
    moved = [False]

    @chronicle.step(name="helper")
    def helper(text: str) -> str:
        return say(text)

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [(helper if moved[0] else say)(text) for text in ("one", "two")]

    run = sdk.record(agent)
    moved[0] = True
    assert levels(sdk.same(run, agent)) == [f"{CHAT} moved"] * 2


def test_typed(sdk: Sdk) -> None:
    """`parse` gives the user's own model again."""
    pydantic = pytest.importorskip("pydantic")

    class Fruit(pydantic.BaseModel):
        name: str
        price: float

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        answer = openai.OpenAI().chat.completions.parse(model="gpt-4.1", messages=[{"role": "user", "content": "x"}], response_format=Fruit)
        fruit = answer.choices[0].message.parsed
        return [type(fruit).__name__, fruit.name, fruit.price]

    sdk.same(sdk.record(agent, script=[Reply(text='{"name": "apple", "price": 1.5}')]), agent)


def test_embeddings_and_responses(sdk: Sdk) -> None:
    """Embeddings and the Responses API replay alike."""

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        client = openai.OpenAI()
        vector = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data[1].embedding
        return [vector[:2], client.responses.create(model="gpt-4.1", input="hello").output_text]

    result = sdk.same(sdk.record(agent, script=[Reply(text="hi")]), agent)
    assert levels(result) == ["openai.embeddings exact", "openai.responses exact"]


def test_random_seed_and_request_id_are_noise(sdk: Sdk) -> None:
    """A fresh uuid, the clock and a random seed in each request are notes with cause ambient; `strict` makes them divergences."""
    import random
    import time
    import uuid

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [
            say(f"[{uuid.uuid4()} at {time.strftime('%Y-%m-%dT%H:%M:%S')}] turn {n}", seed=random.randrange(10**9), user=str(uuid.uuid4()))
            for n in range(3)
        ]

    run = sdk.record(agent)
    result = sdk.same(run, agent)
    assert levels(result) == [f"{CHAT} volatile"] * 3
    assert {(n.kind, n.cause) for n in result.notes} == {("input_changed", "ambient")}
    assert kinds(sdk.lab.replay(run, agent, strict=True)) == [f"input_changed at {CHAT}"] * 3


def test_a_hundred_requests(sdk: Sdk) -> None:
    """A hundred requests with a growing history replay exactly, with no socket opened."""

    @chronicle.agent(name="a")
    def agent() -> int:
        client = openai.OpenAI()
        messages: list[Any] = []
        for n in range(100):
            messages.append({"role": "user", "content": f"question {n}"})
            reply = client.chat.completions.create(model="gpt-4.1", messages=messages).choices[0].message.content
            messages.append({"role": "assistant", "content": reply})
        return len(messages)

    assert levels(sdk.same(sdk.record(agent), agent)) == [f"{CHAT} exact"] * 100


def test_client_key_is_not_needed(sdk: Sdk) -> None:
    """Any placeholder will do for a key in a replay."""

    @chronicle.agent(name="a")
    def agent() -> str:
        return say("hello")

    run = sdk.record(agent)
    os.environ["OPENAI_API_KEY"] = "placeholder"
    sdk.same(run, agent)


def test_other_options_at_another_address_are_put_down_to_it(sdk: Sdk) -> None:
    """Frameworks ask the official address otherwise than another one: where a request differs so, a note names both, once."""

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        client = openai.OpenAI()
        more: Any = {} if client.base_url.host == "127.0.0.1" else {"user": "me"}
        asked: Any = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hello"}], **more}
        return [str(client.chat.completions.create(**asked).choices[0].message.content) for _ in range(2)]

    run = sdk.record(agent)
    assert sdk.same(run, agent).notes == []
    sdk.env.delenv("OPENAI_BASE_URL")
    result = sdk.lab.replay(run, agent)
    assert kinds(result) == [f"input_changed at {CHAT}"] * 2
    [note] = result.notes
    assert (note.kind, str(note.step)) == ("other_address", f"llm {CHAT} #0")
    assert note.text.startswith("it asked 127.0.0.1 when it was recorded and would ask api.openai.com now")
