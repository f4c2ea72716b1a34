"""What the application sees of the SDK is the same live and served from the tape, in every form of call."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

from chronicle_otel.demo.provider import Call, Provider, Reply, error
from chronicle_otel.recording.interceptor import seam
from tests.instrumentation.conftest import Lab
from tests.instrumentation.tape import Taping, interceptor

ASK: Any = [{"role": "user", "content": "sell $1,000 worth of ACME"}]
MODEL = "gpt-4.1"
TOOL_CALLS = Reply(calls=[Call("get_price", {"symbol": "ACME"}), Call("place_order", '{"symbol": "ACME",  "quantity": 1000}')])


class Order(BaseModel):
    symbol: str
    quantity: int


def client(url: str, **options: Any) -> OpenAI:
    return OpenAI(base_url=url, api_key="sk-test", **options)


def aclient(url: str, **options: Any) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=url, api_key="sk-test", **options)


def chat(url: str) -> Any:
    return client(url).chat.completions.create(model=MODEL, messages=ASK).model_dump()


def chat_parsed(url: str) -> Any:
    made = client(url).chat.completions.parse(model=MODEL, messages=ASK, response_format=Order)
    return [made.model_dump(warnings=False), made.choices[0].message.parsed]


def chat_stream(url: str) -> Any:
    stream = client(url).chat.completions.create(model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True})
    return [chunk.model_dump() for chunk in stream]


def chat_stream_helper(url: str) -> Any:
    with client(url).chat.completions.stream(model=MODEL, messages=ASK) as stream:
        return [[event.type for event in stream], stream.get_final_completion().model_dump()]


def chat_raw(url: str) -> Any:
    raw = client(url).chat.completions.with_raw_response.create(model=MODEL, messages=ASK)
    seen = [raw.request_id, raw.status_code, raw.headers["x-request-id"], raw.retries_taken, raw.elapsed is not None]
    return [raw.parse().model_dump(), *seen]


def chat_raw_stream(url: str) -> Any:
    raw = client(url).chat.completions.with_raw_response.create(model=MODEL, messages=ASK, stream=True)
    return [raw.request_id, [chunk.model_dump() for chunk in raw.parse()]]


def chat_streaming_response(url: str) -> Any:
    with client(url).chat.completions.with_streaming_response.create(model=MODEL, messages=ASK) as response:
        return [response.headers["x-request-id"], json.loads(response.read()), response.parse().model_dump()]


def chat_streaming_lines(url: str) -> Any:
    with client(url).chat.completions.with_streaming_response.create(model=MODEL, messages=ASK, stream=True) as response:
        return [line for line in response.iter_lines() if line]


def responses(url: str) -> Any:
    made = client(url).responses.create(model=MODEL, input="sell", previous_response_id="resp_earlier", reasoning={"effort": "low"})
    return [made.model_dump(), made.output_text]


def responses_parsed(url: str) -> Any:
    made = client(url).responses.parse(model=MODEL, input="sell", text_format=Order)
    return [made.model_dump(warnings=False), made.output_parsed]


def responses_stream(url: str) -> Any:
    return [event.model_dump() for event in client(url).responses.create(model=MODEL, input="sell", stream=True)]


def responses_stream_helper(url: str) -> Any:
    with client(url).responses.stream(model=MODEL, input="sell") as stream:
        return [[event.model_dump(warnings=False) for event in stream], stream.get_final_response().model_dump(warnings=False)]


def embeddings(url: str) -> Any:
    made = client(url)
    texts = ["ACME", "Müller & Söhne 株式"]
    floats = made.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")
    return [floats.model_dump(), made.embeddings.create(model="text-embedding-3-small", input=texts).model_dump()]


def completions(url: str) -> Any:
    return client(url).completions.create(model="gpt-3.5-turbo-instruct", prompt="Say").model_dump()


def models(url: str) -> Any:
    return [model.model_dump() for model in client(url).models.list()]


def options_and_copies(url: str) -> Any:
    made = client(url).with_options(max_retries=0).copy(timeout=5)
    more: Any = {"extra_body": {"vendor": {"mode": 1}}, "extra_headers": {"x-team": "a"}}
    return made.chat.completions.create(model=MODEL, messages=ASK, **more).model_dump()


def azure(url: str) -> Any:
    made = AzureOpenAI(azure_endpoint=url.removesuffix("/v1"), api_key="k", api_version="2024-10-21")
    return made.chat.completions.create(model="deployed", messages=ASK).model_dump()


def in_async(url: str) -> Any:
    async def go() -> Any:
        async with aclient(url) as made:
            plain = await made.chat.completions.create(model=MODEL, messages=ASK)
            chunks = [c.model_dump() async for c in await made.chat.completions.create(model=MODEL, messages=ASK, stream=True)]
            async with made.responses.stream(model=MODEL, input="sell") as stream:
                events = [event.model_dump(warnings=False) async for event in stream]
            raw = await made.chat.completions.with_raw_response.create(model=MODEL, messages=ASK)
            async with made.chat.completions.with_streaming_response.create(model=MODEL, messages=ASK) as response:
                body = await response.json()
            names = [m.id async for m in made.models.list()]
            return [plain.model_dump(), chunks, events, raw.request_id, raw.parse().model_dump(), body, names]

    return asyncio.run(go())


def async_azure(url: str) -> Any:
    async def go() -> Any:
        made = AsyncAzureOpenAI(azure_endpoint=url.removesuffix("/v1"), api_key="k", api_version="2024-10-21", azure_deployment="deployed")
        return (await made.chat.completions.create(model="deployed", messages=ASK)).model_dump()

    return asyncio.run(go())


TALK = Reply(text="Déjà vu: I sold 5 shares of ACME. 🙂", usage=(12, 7))
THINK = Reply(reasoning="The user means dollars.", encrypted_reasoning="gAAAA==", text="Done.", calls=[Call("buy", {"quantity": 5})])
ORDER = Reply(json={"symbol": "ACME", "quantity": 5})
TWO = Reply(choices=[Reply(text="A", choice_extra={"logprobs": {"content": [], "refusal": None}}), Reply(refusal="I will not.")])
VENDOR = Reply(text="x", extra={"x_vendor": {"deep": [1, 2.5, None]}, "service_tier": "priority"}, gzip=True)


@pytest.mark.parametrize(
    ("code", "script"),
    [
        (chat, [TALK]),
        (chat, [TOOL_CALLS]),
        (chat, [TWO]),
        (chat, [VENDOR]),
        (chat_parsed, [ORDER]),
        (chat_stream, [TALK]),
        (chat_stream, [TOOL_CALLS]),
        (chat_stream, [TWO]),
        (chat_stream, [VENDOR]),
        (chat_stream_helper, [TOOL_CALLS]),
        (chat_raw, [TALK]),
        (chat_raw, [error(429, "slow", headers={"retry-after-ms": "1"}), TALK]),
        (chat_raw_stream, [TALK]),
        (chat_streaming_response, [TALK]),
        (chat_streaming_response, [VENDOR]),
        (chat_streaming_lines, [TALK]),
        (responses, [THINK]),
        (responses_parsed, [ORDER]),
        (responses_stream, [THINK]),
        (responses_stream, [Reply(refusal="no", incomplete="max_output_tokens")]),
        (responses_stream_helper, [THINK]),
        (embeddings, []),
        (completions, [Reply(body={"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": []})]),
        (models, []),
        (options_and_copies, [VENDOR]),
        (azure, [TALK]),
        (async_azure, [TALK]),
        (in_async, [TALK, TOOL_CALLS, THINK, TWO, VENDOR]),
    ],
)  # fmt: skip
def test_objects_are_equal_live_and_served(lab: Lab, code: Any, script: Any) -> None:
    """The SDK's parser makes equal objects of the live answer and of the recorded one."""
    live, served = lab.both(code, script)
    assert served == live
    assert [s.ends for s in lab.played.steps] == [s.ends for s in lab.recorded.steps]
    assert all(len(s.ends) == 1 and s.asked == 1 and not s.attached for s in lab.recorded.steps)


# ---- what is recorded ------------------------------------------------------------------------
def test_input_is_the_body_as_sent(lab: Lab) -> None:
    """Method, path below the base URL, and the body with `extra_body` in it; the host only for the view."""
    lab.record(options_and_copies, [TALK])
    step = lab.recorded.steps[0]
    assert step.input is not None
    assert (step.input.method, step.input.path, step.input.server.split(":")[0]) == ("POST", "/chat/completions", "127.0.0.1")
    assert step.body == {"messages": ASK, "model": MODEL, "vendor": {"mode": 1}}


def test_only_harmless_headers_are_kept(lab: Lab) -> None:
    """Ids and rate limits stay; cookies and everything unknown do not."""
    lab.record(chat, [Reply(text="x", headers={"authorization": "Bearer s3cret", "x-internal": "1"})])
    output = lab.recorded.steps[0].output
    assert output is not None
    usual = ["content-type", "openai-processing-ms", "openai-version", "x-ratelimit-remaining-requests", "x-request-id"]
    assert sorted(output.headers) == usual


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (chat, ("llm", "openai.chat.completions", "/chat/completions")),
        (responses, ("llm", "openai.responses", "/responses")),
        (completions, ("llm", "openai.completions", "/completions")),
        (embeddings, ("embedding", "openai.embeddings", "/embeddings")),
        (models, ("effect", "openai.models", "/models")),
        (azure, ("llm", "openai.chat.completions", "/deployments/deployed/chat/completions?api-version=2024-10-21")),
        (lambda url: client(url).models.retrieve("gpt-4.1"), ("effect", "openai.models.{id}", "/models/gpt-4.1")),
        (lambda url: client(url).responses.retrieve("resp_1"), ("effect", "openai.responses.{id}", "/responses/resp_1")),
    ],
)
def test_boundaries_are_named_after_endpoints(lab: Lab, code: Any, expected: Any) -> None:
    """Kind and name come from the endpoint's tail, whatever the base URL; ids are no part of a name."""
    lab.record(code, [TALK])
    step = lab.recorded.steps[0]
    assert step.input is not None
    assert (step.boundary.kind, step.boundary.name, step.input.path) == expected


def test_a_file_upload_is_described(lab: Lab) -> None:
    """A multipart request is an effect whose input names fields and files, and is served like any other."""

    def upload(url: str) -> Any:
        return client(url).files.create(file=("notes.txt", b"12345"), purpose="assistants").model_dump()

    body = {"id": "file-1", "object": "file", "bytes": 5, "created_at": 1, "filename": "notes.txt", "purpose": "assistants"}
    live, served = lab.both(upload, [Reply(body={**body, "status": "processed"})])
    assert live == served
    assert lab.recorded.steps[0].body == {
        "data": {"purpose": "assistants"},
        "files": [{"field": "file", "name": "notes.txt", "size": 5}],
    }


def test_bytes_come_back_as_bytes(lab: Lab) -> None:
    """A binary answer (speech) is recorded and served byte for byte."""

    def speak(url: str) -> bytes:
        return client(url).audio.speech.create(model="tts-1", voice="alloy", input="hi").read()

    assert lab.both(speak, [Reply(body=b"ID3\x00\xff\xfe")]) == (b"ID3\x00\xff\xfe", b"ID3\x00\xff\xfe")


# ---- clients of every age and kind -----------------------------------------------------------
def test_clients_and_bound_methods_from_before_are_seen() -> None:
    """A client, a bound `create` and a `with_raw_response` that exist before `instrument` are recorded."""
    from chronicle_otel.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().uninstrument()
    with Provider([TALK, TALK, TALK]) as provider, interceptor(Taping()) as tape:
        made = client(provider.url)
        bound, raw = made.chat.completions.create, made.chat.completions.with_raw_response
        bound(model=MODEL, messages=ASK)
        assert not tape.steps
        OpenAIInstrumentor().instrument()
        bound(model=MODEL, messages=ASK)
        raw.create(model=MODEL, messages=ASK)
        assert [s.ends for s in tape.steps] == [["value"], ["value"]]


def test_a_shared_http_client_keeps_its_own_requests() -> None:
    """Requests of the user's own through a client that an SDK shares pass untouched, also while a tape plays."""
    made = client("http://127.0.0.1:9/v1")
    library = __import__(type(made._client).__mro__[-2].__module__.split(".")[0])
    with Provider([TALK, TALK]) as provider, interceptor(Taping()) as tape, library.Client() as http:
        sdks = [client(provider.url, http_client=http) for _ in range(2)]
        for made in sdks:
            made.chat.completions.create(model=MODEL, messages=ASK)
        assert http.get(provider.url + "/models").json()["object"] == "list"
        assert len(tape.steps) == 2


def test_a_subclass_of_the_http_client_is_seen_once() -> None:
    """A user's own `send` that calls the library's, even twice, is one attempt."""
    made = client("http://127.0.0.1:9/v1")
    library = __import__(type(made._client).__mro__[-2].__module__.split(".")[0])

    class Twice(library.Client):  # type: ignore[misc]
        def send(self, request: Any, **options: Any) -> Any:
            super().send(request, **options)
            return super().send(request, **options)

    with Provider([TALK, TALK]) as provider, interceptor(Taping()) as tape:
        client(provider.url, http_client=Twice()).chat.completions.create(model=MODEL, messages=ASK)
        assert provider.hits == 2
        assert (len(tape.steps), tape.steps[0].output.attempts) == (1, [])


def test_a_send_put_onto_one_object_is_seen() -> None:
    """An HTTP client whose `send` was replaced on the object itself is recorded too."""
    with Provider([TALK]) as provider, interceptor(Taping()) as tape:
        made = client(provider.url)
        original = made._client.send
        made._client.send = lambda request, **options: original(request, **options)  # type: ignore[method-assign]
        made.chat.completions.create(model=MODEL, messages=ASK)
        assert tape.steps[0].ends == ["value"]


def test_uninstrumenting_gives_everything_back() -> None:
    """After `uninstrument` the SDK's and the HTTP library's methods are the originals."""
    from chronicle_otel.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().uninstrument()
    base: Any = openai._base_client
    http = type(client("http://127.0.0.1:9/v1")._client).__mro__[-3]
    before = (base.SyncAPIClient.request, base.BaseClient._build_request, http.send)
    OpenAIInstrumentor().instrument()
    with Provider([TALK]) as provider, interceptor(Taping()):
        chat(provider.url)
    assert base.SyncAPIClient.request is not before[0]
    OpenAIInstrumentor().uninstrument()
    assert (base.SyncAPIClient.request, base.BaseClient._build_request, http.send) == before


def test_nothing_configured_means_nothing_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an interceptor a call passes; no `send` is touched for it."""
    monkeypatch.setattr(seam, "interceptor", None)  # contexts of replays in other tests may still be held, and are refused then
    with Provider([TALK]) as provider:
        assert chat(provider.url)["choices"][0]["message"]["content"] == TALK.text
