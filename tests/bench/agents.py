"""The agent that is measured: the real SDK over a transport that answers from memory, and a history that grows as an agent's does."""

from __future__ import annotations

import functools
import json
import random
import sys
from typing import Any

import openai
from openai import OpenAI

WORDS = ["order", "quote", "shares", "price", "limit", "market", "fill", "broker", "client", "naïve"]
WORDS += ["balance", "settle", "confirm", "risk", "guard", "account", "Zürich", "ticket", "venue", "cash"]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Call this to {name.replace('_', ' ')} for the customer, once per symbol.",
            "parameters": {"type": "object", "properties": {"symbol": {"type": "string"}, "quantity": {"type": "number"}}},
        },
    }
    for name in ("get_quote", "get_position", "place_order", "cancel_order")
]


def library() -> Any:
    """The HTTP library that the installed SDK uses."""
    return sys.modules["httpx2" if openai.__version__.startswith("3") else "httpx"]


def text(size: int, seed: object) -> str:
    """Prose of about that many bytes, different for every seed; a little of it is not ASCII."""
    chosen = random.Random(str(seed))
    parts: list[str] = []
    while size > 0:
        parts.append(chosen.choice(WORDS) + str(chosen.randrange(1000)))
        size -= len(parts[-1]) + 1
    return " ".join(parts)


def turn(number: object, size: int = 2100) -> list[dict[str, Any]]:
    """What one turn adds to the history: the model's tool call and the tool's result."""
    arguments = json.dumps({"symbol": "ACME", "note": text(max(20, size // 5), (number, "a"))}, ensure_ascii=False)
    call = {"id": f"call_{number}", "type": "function", "function": {"name": "place_order", "arguments": arguments}}
    result = {"role": "tool", "tool_call_id": f"call_{number}", "content": text(max(20, size - size // 5 - 300), (number, "r"))}
    return [{"role": "assistant", "content": None, "tool_calls": [call]}, result]


def history(size: int, seed: object) -> list[dict[str, Any]]:
    """A conversation of about that many bytes."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": text(min(400, size // 4), (seed, "s"))},
        {"role": "user", "content": text(min(300, size // 4), (seed, "u"))},
    ]
    left = size - 900
    while left > 0:
        messages += turn((seed, len(messages)), min(2100, left))
        left -= 2100
    return messages


@functools.lru_cache(maxsize=512)
def answer(number: int) -> bytes:
    """A chat completion with one tool call."""
    call = turn(number)[0]
    body = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-4.1-2025-10-01",
        "choices": [{"index": 0, "message": {**call, "refusal": None}, "logprobs": None, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
        "system_fingerprint": "fp_bench",
    }
    return json.dumps(body, ensure_ascii=False).encode()


def sse(count: int) -> list[bytes]:
    """The events of a streamed chat completion of that many chunks."""
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "gpt-4.1",
        "system_fingerprint": "fp_bench",
    }
    words = text(count * 9, "sse").split(" ")
    events: list[Any] = [
        {**head, "choices": [{"index": 0, "delta": {"content": " " + words[at % len(words)]}, "logprobs": None, "finish_reason": None}]}
        for at in range(count - 1)
    ]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]})
    return [f"data: {json.dumps(event, separators=(',', ':'))}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]


def client(*, stream: list[bytes] | None = None, first: int = 0) -> OpenAI:
    """A client whose transport answers from memory: each call another answer, of numbers above `first`, or the given stream."""
    http = library()

    class Events(http.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Any:
            return iter(stream or ())

    class Memory(http.BaseTransport):  # type: ignore[misc]
        number = first

        def handle_request(self, request: Any) -> Any:
            self.number += 1
            headers = {"content-type": "application/json", "x-request-id": f"req_{self.number}", "openai-processing-ms": "5"}
            if stream is not None:
                return http.Response(200, headers={**headers, "content-type": "text/event-stream"}, stream=Events())
            return http.Response(200, headers=headers, content=answer(self.number))

    for number in range(330):  # made beforehand: not part of a call
        answer(number)
    return OpenAI(api_key="sk-bench", base_url="http://127.0.0.1:9/v1", http_client=http.Client(transport=Memory()))
