"""The semconv view of a call: names as the GenAI conventions have them, content within its budget, never an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chronicle_otel.demo.openai_wire import Call, Reply, chat_body, chat_events, response_body, response_events
from chronicle_otel.instrumentation.openai_assembly import assemble
from chronicle_otel.instrumentation.openai_view import view

ASK = [{"role": "system", "content": "You trade."}, {"role": "user", "content": "sell $1,000 of ACME"}]
TOOLS = [{"type": "function", "function": {"name": "place_order", "description": "Sells.", "parameters": {"type": "object"}}}]
CHAT = {"model": "gpt-4.1", "temperature": 0.2, "max_tokens": 50, "n": 1, "seed": 7, "stop": "END", "tools": TOOLS}
CALLS = Reply(calls=[Call("place_order", {"quantity": 1000})], usage=(30, 12), reasoning="Dollars?")


def test_a_chat_call_in_full() -> None:
    """Request parameters, answer, usage and the new messages, each under its conventional name."""
    found = view(CHAT, chat_body(CALLS, {**CHAT, "messages": ASK}, 1), new_messages=ASK, budget=2000)
    texts = {name: json.loads(found.pop(name)) for name in ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions")}
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.choice.count": 1,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.id": "chatcmpl-0001",
        "gen_ai.response.model": "gpt-4.1-2025-10-01",
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 30,
        "gen_ai.usage.output_tokens": 12,
    }
    assert texts == {
        "gen_ai.input.messages": [
            {"role": "system", "parts": [{"type": "text", "content": "You trade."}]},
            {"role": "user", "parts": [{"type": "text", "content": "sell $1,000 of ACME"}]},
        ],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "Dollars?"},
                    {"type": "tool_call", "id": "call_0001_0", "name": "place_order", "arguments": '{"quantity": 1000}'},
                ],
                "finish_reason": "tool_calls",
            }
        ],
        "gen_ai.tool.definitions": [{"type": "function", "name": "place_order"}],
    }


def test_a_later_turn_shows_only_what_is_new() -> None:
    """The tool's result is there; the answer before it, which has its own Step, is not, nor what every call repeats."""
    new = [{"role": "assistant", "tool_calls": []}, {"role": "tool", "tool_call_id": "c1", "content": "sold"}]
    found = view(CHAT, chat_body(Reply(text="Done."), CHAT, 2), new_messages=new, budget=2000)
    assert "gen_ai.tool.definitions" not in found
    part = {"type": "tool_call_response", "id": "c1", "response": "sold"}
    assert json.loads(found["gen_ai.input.messages"]) == [{"role": "tool", "parts": [part]}]


def test_a_response_in_full() -> None:
    """The Responses API: reasoning, text and calls are parts of one message; status and reason are the finish reason."""
    request = {"model": "gpt-5", "reasoning": {"effort": "low"}, "instructions": "Be brief.", "previous_response_id": "resp_0"}
    reply = Reply(reasoning="Hm.", text="Sold.", calls=[Call("f", {})], incomplete="max_output_tokens")
    found = view(request, response_body(reply, request, 3), new_messages=[{"role": "user", "content": "go"}], budget=2000)
    assert found["gen_ai.request.reasoning.level"] == "low"
    assert found["gen_ai.request.previous_response.id"] == "resp_0"
    assert found["gen_ai.response.finish_reasons"] == ["max_output_tokens"]
    assert json.loads(found["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert [p["type"] for p in json.loads(found["gen_ai.output.messages"])[0]["parts"]] == ["reasoning", "text", "tool_call"]


def test_embeddings_show_no_content() -> None:
    """Neither texts nor vectors are in the conventions."""
    answer = {"object": "list", "data": [{"object": "embedding", "embedding": [0.5]}], "model": "e", "usage": {"prompt_tokens": 3}}
    assert view({"model": "e", "encoding_format": "float", "dimensions": 1}, answer, new_messages=["secret"], budget=500) == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "e",
        "gen_ai.request.encoding_formats": ["float"],
        "gen_ai.embeddings.dimension.count": 1,
        "gen_ai.response.model": "e",
        "gen_ai.usage.input_tokens": 3,
    }


@pytest.mark.parametrize("budget", [0, 40, 200, 1000])
def test_content_keeps_to_its_budget(budget: int) -> None:
    """All content of a view together takes at most the budget in bytes, whatever the alphabet."""
    new = [{"role": "user", "content": "株式🙂" * 500} for _ in range(30)]
    answer = chat_body(Reply(text="äöü" * 5000), CHAT, 1)
    found = view({**CHAT, "tools": TOOLS * 50}, answer, new_messages=new, budget=budget)
    content = [v for k, v in found.items() if k.endswith(("messages", "definitions", "instructions"))]
    assert sum(len(text.encode()) for text in content) <= budget
    assert all(json.loads(text) for text in content)


@pytest.mark.parametrize(
    "odd", [None, {}, {"choices": [1, None, {"message": 5}]}, {"events": ["x", 1]}, {"output": "no"}, {"usage": 1}, {"data": [None]}]
)
def test_odd_answers_never_raise(odd: Any) -> None:
    """A view is a courtesy: what cannot be read is left out."""
    found = view(
        {"model": "m", "stop": 5, "tools": [1], "reasoning": "x"}, odd, new_messages=[1, None, {"content": [1, {"text": 2}]}], budget=99
    )
    assert found["gen_ai.request.model"] == "m"


def test_other_requests_have_no_view() -> None:
    """A file upload is no model call."""
    assert view({"data": {}, "files": []}, {"id": "file-1", "object": "file"}, new_messages=[], budget=500) == {}


@pytest.mark.parametrize(
    "reply", [Reply(text="one two", reasoning="so"), CALLS, Reply(refusal="I will not"), Reply(choices=[Reply(text="a"), CALLS])]
)
def test_a_stream_gives_the_view_of_the_plain_call(reply: Reply) -> None:
    """Assembled from its chunks, a streamed answer shows as the same call without streaming."""
    request = {**CHAT, "stream_options": {"include_usage": True}}
    events = [event for event in chat_events(reply, request, 1) if event != "[DONE]"]
    plain = view(CHAT, chat_body(reply, request, 1), new_messages=ASK, budget=2000)
    assert view(CHAT, {"events": events}, new_messages=ASK, budget=2000) == plain


def test_a_responses_stream_carries_its_result() -> None:
    """The last event holds the whole response; broken off, what was complete by then counts."""
    request = {"model": "gpt-5", "input": "go"}
    events = list(response_events(Reply(text="one two", calls=[Call("f", {"a": 1})]), request, 1))
    assert assemble(events) == response_body(Reply(text="one two", calls=[Call("f", {"a": 1})]), request, 1)
    broken = assemble(events[:-1])
    assert broken is not None
    assert [item["type"] for item in broken["output"]] == ["message", "function_call"]
