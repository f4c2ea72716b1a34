"""The whole way with the real SDK: recorded by the Recorder, through a file, answered by the Replayer, no provider there."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

import chronicle_otel as chronicle
from chronicle_otel.demo.provider import Call, Provider, Reply, error

NOWHERE = "http://127.0.0.1:9/v1"
SLOW = error(429, "slow", headers={"retry-after-ms": "1"})


class Where:
    """The base URL of the moment."""

    url = NOWHERE


def ask(*texts: str) -> Any:
    return [{"role": "user", "content": text} for text in texts]


@chronicle.agent(name="every_form")
def every_form() -> list[Any]:
    """Use the SDK in every way at once, each call with a longer history."""
    made = OpenAI(base_url=Where.url, api_key="k")
    chat = made.chat.completions
    seen: list[Any] = [chat.create(model="m", messages=ask("1")).model_dump()]
    seen.append([c.model_dump() for c in chat.create(model="m", messages=ask("1", "2"), stream=True)])
    try:
        chat.create(model="m", messages=ask("1", "2", "3"))
    except openai.RateLimitError as raised:
        seen.append([str(raised), raised.request_id, raised.status_code])
    chunks: list[Any] = []
    try:
        for chunk in chat.create(model="m", messages=ask("1", "2", "3", "4"), stream=True):
            chunks.append(chunk.model_dump())  # noqa: PERF401  what came before the break counts
    except Exception as raised:
        seen.append([chunks, type(raised).__name__, str(raised), type(raised.__cause__).__name__])
    with chat.create(model="m", messages=ask("1", "2", "3", "5"), stream=True) as early:
        seen.append([next(early).model_dump(), next(early).model_dump()])
    for chunk in chat.create(model="m", messages=ask("1", "2", "3", "6"), stream=True):
        if chunk.choices[0].delta.content:
            break
    gc.collect()
    with made.responses.stream(model="m", input="go") as events:
        seen.append([event.model_dump(warnings=False) for event in events])
    seen.append(made.embeddings.create(model="e", input=["a", "b"]).model_dump())
    seen.append([model.id for model in made.models.list()])
    try:
        made.with_options(timeout=0.05, max_retries=0).chat.completions.create(model="m", messages=ask("7"))
    except openai.APITimeoutError as raised:
        seen.append(str(raised))
    seen.append(chat.with_raw_response.create(model="m", messages=ask("8")).retries_taken)
    return [*seen, asyncio.run(in_parallel())]


async def in_parallel() -> list[Any]:
    made = AsyncOpenAI(base_url=Where.url, api_key="k")
    calls = [made.chat.completions.create(model="m", messages=ask(f"p{n}")) for n in range(3)]
    stream = await made.chat.completions.create(model="m", messages=ask("9"), stream=True)
    return [[answer.choices[0].message.content for answer in await asyncio.gather(*calls)], [c.model_dump() async for c in stream]]


THINK = Reply(reasoning="dollars or shares?", text="Sold.", calls=[Call("place_order", {"quantity": 5})])
WORDS = Reply(text="one two three four 🙂")


def script(request: dict[str, Any]) -> Reply:
    """Answer by the last thing said, so that the order of arrival does not matter."""
    body = request["body"]
    if "/embeddings" in request["path"]:
        return Reply(
            body={"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1]}], "model": "e", "usage": {}}
        )
    said = body["messages"][-1]["content"] if "messages" in body else "go"
    replies = {"3": SLOW, "4": Reply(text="one two three four", drop_after=3), "go": THINK, "7": Reply(text="late", delay=0.3)}
    return replies.get(said, Reply(text=f"to {said}") if said.startswith("p") else WORDS)


@pytest.fixture
def run(tmp_path: Path) -> tuple[Any, Any]:
    chronicle.init(tmp_path)
    try:
        with Provider(script) as provider:
            Where.url = provider.url
            live = every_form()
    finally:
        Where.url = NOWHERE
        chronicle.shutdown()
    return chronicle.load(tmp_path), live


def test_a_run_with_every_form_is_reproduced(run: tuple[Any, Any]) -> None:
    """Every object, chunk and exception is the same again, served exactly, and the verdict says so."""
    recorded, live = run
    with chronicle.replaying(recorded) as replay:
        assert every_form() == live
    result = replay.result
    assert (result.verdict, {served.level for served in result.served}, result.refused) == ("reproduced", {"exact"}, [])


def test_steps_say_how_each_call_ended(run: tuple[Any, Any]) -> None:
    """One Step per call, in the form that its outcome had; retries are attempts of the one."""
    recorded, _ = run
    steps = recorded.steps[1:]
    told = [step.form if step.stream is None else step.stream["end"] for step in steps]
    assert told[:11] == ["value", "finished", "error", "error", "closed", "abandoned", "finished", "value", "value", "error", "value"]
    assert told[11:] == ["finished", "value", "value", "value"]
    assert recorded.calls("openai.chat.completions")[2].tree("chronicle.error")["attempts"] == [{"status": 429}, {"status": 429}]
    assert str(recorded.checks).startswith("complete")


def test_a_changed_prompt_must_diverge(run: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another question than recorded is told, never passed off as the old one."""
    recorded, _ = run
    monkeypatch.setattr(f"{__name__}.ask", lambda *texts: [{"role": "user", "content": f"please {text}"} for text in texts])
    with chronicle.replaying(recorded) as replay:
        every_form()
    assert replay.result.verdict == "diverged"
    assert {d.kind for d in replay.result.divergences} == {"input_changed"}


@chronicle.agent(name="with_a_key_function")
def with_a_key_function(key: Any) -> str:
    return OpenAI(base_url=Where.url, api_key=key).chat.completions.create(model="m", messages=ask("1")).id


def test_a_replay_calls_no_key_function(tmp_path: Path) -> None:
    """A function that fetches the key (from a vault, over the network) is not called for what is answered from the recording."""

    def vault() -> str:
        return "sk-live" if Where.url != NOWHERE else _unreachable()

    def _unreachable() -> str:
        raise AssertionError("a replay asked for a key")

    chronicle.init(tmp_path)
    with Provider(script) as provider:
        Where.url = provider.url
        live = with_a_key_function(vault)
        Where.url = NOWHERE
    chronicle.shutdown()
    with chronicle.replaying(chronicle.load(tmp_path), ignore=["key"]):
        assert with_a_key_function(vault) == live
