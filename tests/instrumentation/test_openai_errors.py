"""Errors of the SDK: one Step per call whatever was retried, and the same exception again when served."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

from chronicle_otel.demo.provider import Provider, Reply, error
from chronicle_otel.errors import Refused
from tests.instrumentation.conftest import Lab
from tests.instrumentation.tape import Playing, Taping, interceptor

ASK: Any = [{"role": "user", "content": "hi"}]
BAD, FAILED = openai.BadRequestError, openai.InternalServerError
HTML = {"content-type": "text/html", "x-should-retry": "false"}
JSON = {"content-type": "application/json"}
OK = Reply(text="ok")
SLOW = error(429, "slow down", type="rate_limit", code="rate_limit_exceeded", headers={"retry-after-ms": "1"})


def facts(raised: BaseException) -> dict[str, Any]:
    """What an application can read off an exception of the SDK."""
    response = getattr(raised, "response", None)
    return {
        "class": type(raised),
        "text": str(raised),
        "status": getattr(raised, "status_code", None),
        "code": getattr(raised, "code", None),
        "body": getattr(raised, "body", None),
        "request_id": getattr(raised, "request_id", None),
        "raw": response.content.replace(b'": ', b'":').replace(b', "', b',"') if response is not None else None,
        "should_retry": response.headers.get("x-should-retry") if response is not None else None,
        "retry_after": response.headers.get("retry-after-ms") if response is not None else None,
        "cause": type(raised.__cause__).__name__,
    }


def caught(url: str, **options: Any) -> dict[str, Any]:
    made = OpenAI(base_url=url, api_key="k", **options)
    with pytest.raises(openai.OpenAIError) as raised:
        made.chat.completions.create(model="m", messages=ASK)
    return facts(raised.value)


def acaught(url: str, **options: Any) -> dict[str, Any]:
    async def go() -> dict[str, Any]:
        made = AsyncOpenAI(base_url=url, api_key="k", **options)
        with pytest.raises(openai.OpenAIError) as raised:
            await made.chat.completions.create(model="m", messages=ASK)
        return facts(raised.value)

    return asyncio.run(go())


@pytest.mark.parametrize("call", [caught, acaught])
@pytest.mark.parametrize(
    ("script", "expected", "attempts"),
    [
        ([error(400, "bad", code="bad_value")], BAD, []),
        ([error(401, "no key")], openai.AuthenticationError, []),
        ([error(404, "no model", code="model_not_found")], openai.NotFoundError, []),
        ([SLOW, SLOW, SLOW], openai.RateLimitError, [{"status": 429}, {"status": 429}]),
        ([error(500, "oops", headers={"retry-after-ms": "1"}), SLOW, error(503, "out")], FAILED, [{"status": 500}, {"status": 429}]),
        ([error(500, "oops", headers={"x-should-retry": "false"})], FAILED, []),
        ([Reply(status=502, body=b"<html>bad gateway</html>", headers=HTML)], FAILED, []),
        ([Reply(status=400, body=b"not json", headers=JSON)], BAD, []),
        ([Reply(status=400, body=b'{"error": "cut', headers=JSON)], BAD, []),
    ],
)  # fmt: skip
def test_status_errors_are_the_same_again(lab: Lab, call: Any, script: Any, expected: Any, attempts: Any) -> None:
    """Class, text, status, code, body, request id and headers are those of the live error; retries are notes of one Step."""
    live = lab.record(call, script)
    began = time.monotonic()
    served = lab.replay(call)
    assert (live["class"], served) == (expected, live)
    step = lab.recorded.steps[0]
    assert (len(lab.recorded.steps), step.ends, list(step.output.attempts)) == (1, ["error"], attempts)
    assert time.monotonic() - began < 5  # served errors are not retried


def test_a_retried_call_is_one_step_with_the_final_answer(lab: Lab) -> None:
    """429, then a broken connection, then 200: the Step's outcome is the answer, the attempts are listed."""

    def call(url: str) -> Any:
        return OpenAI(base_url=url, api_key="k").chat.completions.create(model="m", messages=ASK).model_dump()

    live, served = lab.both(call, [SLOW, Reply(drop=True), OK])
    assert live == served
    assert list(lab.recorded.steps[0].output.attempts) == [{"status": 429}, {"error": "RemoteProtocolError"}]
    assert list(lab.played.steps[0].output.attempts) == [{"status": 429}, {"error": "RemoteProtocolError"}]


@pytest.mark.parametrize("call", [caught, acaught])
def test_connection_errors_are_the_sdks_own(lab: Lab, call: Any) -> None:
    """A provider that cannot be reached gives APIConnectionError with its cause, at once when served."""
    lab.record(lambda _: None, [])
    with interceptor(lab.recorded):
        live = call("http://127.0.0.1:9/v1", max_retries=0)
    served = lab.replay(lambda url: call(url, max_retries=5))
    assert live["class"] is openai.APIConnectionError
    assert served == live


@pytest.mark.parametrize("call", [caught, acaught])
def test_timeouts_are_the_sdks_own(lab: Lab, call: Any) -> None:
    """A time-out gives APITimeoutError, without waiting and without retries when served."""
    live = lab.record(lambda url: call(url, timeout=0.05, max_retries=0), [Reply(text="late", delay=0.5)])
    served = lab.replay(lambda url: call(url, timeout=60, max_retries=5))
    assert live["class"] is openai.APITimeoutError
    assert served == live


def test_the_sdks_own_parser_fails_the_same_way(lab: Lab) -> None:
    """An answer that `parse` refuses is recorded with its bytes, and refused again by the SDK itself."""

    class Order(BaseModel):
        quantity: int

    def call(url: str) -> Any:
        with pytest.raises(openai.LengthFinishReasonError) as raised:
            OpenAI(base_url=url, api_key="k").chat.completions.parse(model="m", messages=ASK, response_format=Order)
        return raised.value.completion.model_dump()

    live, served = lab.both(call, [Reply(text='{"quan', incomplete="max_output_tokens")])
    assert live == served


def test_a_refusal_passes_the_sdk_unchanged() -> None:
    """Where the recording has nothing, Refused reaches the caller at once: no retry, no connection error."""
    for make in (OpenAI, AsyncOpenAI):
        with interceptor(Playing("[]")) as player:
            made: Any = make(base_url="http://127.0.0.1:9/v1", api_key="k")
            call = made.chat.completions.create(model="m", messages=ASK) if make is AsyncOpenAI else None
            with pytest.raises(Refused):
                asyncio.run(call) if call is not None else made.chat.completions.create(model="m", messages=ASK)
            assert player.steps[0].ends == ["error"]


def test_a_cancelled_call_ends_its_step(lab: Lab) -> None:
    """Cancelling the task ends the Step with the cancellation, which passes on."""

    async def go(url: str) -> None:
        task = asyncio.create_task(AsyncOpenAI(base_url=url, api_key="k").chat.completions.create(model="m", messages=ASK))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    lab.record(lambda url: asyncio.run(go(url)), [Reply(text="late", delay=1)])
    step = lab.recorded.steps[0]
    assert (step.ends, type(step.error), step.attached) == (["error"], asyncio.CancelledError, False)


# ---- credentials and headers -----------------------------------------------------------------
def never() -> str:
    raise AssertionError("a served call asked for a credential")


async def anever() -> str:
    never()
    return ""


def test_no_credential_is_fetched_for_what_is_served(lab: Lab) -> None:
    """Key and token functions are not called in a replay."""

    def live(url: str) -> list[str]:
        one = OpenAI(base_url=url, api_key=lambda: "sk-live")
        two = AzureOpenAI(azure_endpoint=url.removesuffix("/v1"), azure_ad_token_provider=lambda: "token", api_version="1")
        return [c.chat.completions.create(model="m", messages=ASK).id for c in (one, two)]

    def served(url: str) -> list[str]:
        async def go() -> list[str]:
            one = AsyncOpenAI(base_url=url, api_key=anever)
            two = AsyncAzureOpenAI(azure_endpoint=url.removesuffix("/v1"), azure_ad_token_provider=anever, api_version="1")
            return [(await c.chat.completions.create(model="m", messages=ASK)).id for c in (one, two)]

        return asyncio.run(go())

    def served_sync(url: str) -> list[str]:
        one = OpenAI(base_url=url, api_key=never)
        two = AzureOpenAI(azure_endpoint=url.removesuffix("/v1"), azure_ad_token_provider=never, api_version="1")
        return [c.chat.completions.create(model="m", messages=ASK).id for c in (one, two)]

    ids = lab.record(live, [OK, OK])
    assert lab.replay(served) == ids
    assert lab.replay(served_sync) == ids


def test_baggage_does_not_reach_a_model_provider() -> None:
    """W3C baggage of the current context is not there for whoever injects headers below the SDK; the trace is."""
    from opentelemetry import baggage, context, propagate

    seen: list[dict[str, str]] = []

    def inject(_: Any) -> None:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        seen.append(carrier)

    token = context.attach(baggage.set_baggage("user.id", "42"))
    try:
        with Provider([OK, OK]) as provider:
            made = OpenAI(base_url=provider.url, api_key="k")
            made._client.event_hooks["request"].append(inject)
            made.chat.completions.create(model="m", messages=ASK)
            with interceptor(Taping()):
                made.chat.completions.create(model="m", messages=ASK)
        assert [sorted(c) for c in seen] == [["baggage"], []]
        assert baggage.get_baggage("user.id") == "42"
    finally:
        context.detach(token)


def test_our_own_failure_is_not_the_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interceptor that breaks costs a log line; the call goes through. One that must not let anything through refuses."""
    monkeypatch.delenv("CHRONICLE_RAISE")

    class Broken(Taping):
        def open(self, boundary: Any) -> Any:
            raise KeyError("ours")

    class BrokenReplay(Broken):
        fail_closed = True

    with Provider([OK]) as provider:
        made = OpenAI(base_url=provider.url, api_key="k")
        with interceptor(Broken()):
            assert made.chat.completions.create(model="m", messages=ASK).choices[0].message.content == "ok"
        with interceptor(BrokenReplay()), pytest.raises(Refused):
            made.chat.completions.create(model="m", messages=ASK)
        assert provider.hits == 1
