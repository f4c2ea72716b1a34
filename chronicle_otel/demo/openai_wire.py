"""Bodies and events as OpenAI's HTTP API sends them, made from what a script says.

Reply ──► chat_body / chat_events            POST …/chat/completions
      ──► response_body / response_events    POST …/responses
texts ──► embeddings_body                    POST …/embeddings
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CREATED = 1_760_000_000
"""Every answer claims this second, so that two runs of one script give equal bytes."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the model makes."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict[str, Any])
    """A mapping, or the text exactly as the model writes it."""
    id: str | None = None
    """None: numbered by request and call."""

    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(dict(self.arguments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One scripted answer of the provider; what is not said takes the API's usual value."""

    text: str | None = None
    json: Any = None
    """Sent as text: a structured output."""
    calls: Sequence[Call] = ()
    refusal: str | None = None
    reasoning: str | None = None
    """Text of a reasoning item's summary (Responses) or of `reasoning_content` (chat, as several vendors have it)."""
    encrypted_reasoning: str | None = None
    choices: Sequence[Reply] = ()
    """Several choices (n > 1); the other content members are then unused."""
    incomplete: str | None = None
    """Reason of a cut-off answer: "max_output_tokens" or "content_filter"."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Merged into the body (and into every chunk): vendor members, a service tier."""
    choice_extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Merged into the choice, or into each output item: logprobs, annotations."""
    usage: tuple[int, int] | None = None
    """Tokens in and out; None: counted roughly."""
    model: str | None = None
    """None: the model that was asked for, with a date."""
    body: Any = None
    """Sent as it is (JSON, or bytes): everything else about the content is ignored."""
    events: Sequence[Any] | None = None
    """Payloads of a stream, sent as they are: JSON trees, or text. No `[DONE]` is added."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    """Seconds before the answer begins."""
    pause: float = 0.0
    """Seconds between two events of a stream."""
    drop_after: int | None = None
    """Break the connection after that many events; of a plain body, after the head."""
    drop: bool = False
    """Break the connection without any answer."""
    gzip: bool = False
    done: bool = True
    """Send `[DONE]` at the end of a chat stream."""

    def content(self) -> str | None:
        return json.dumps(self.json) if self.json is not None else self.text


def error(status: int, message: str, *, type: str = "invalid_request_error", code: str | None = None, **more: Any) -> Reply:
    """Return an error answer in the API's form; `more` are members of `Reply`, such as `headers`."""
    return Reply(status=status, body={"error": {"message": message, "type": type, "param": None, "code": code}}, **more)


def pieces(text: str) -> list[str]:
    """Cut a text the way a model streams it: word by word."""
    return re.findall(r"\s*\S+|\s+$", text) if text else []


def _tokens(value: Any) -> int:
    return max(1, len(value if isinstance(value, str) else json.dumps(value)) // 4)


# ---- chat completions ------------------------------------------------------------------------
def _calls(reply: Reply, number: int, choice: int) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id or f"call_{number:04d}{choice or ''}_{place}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.text()},
        }
        for place, call in enumerate(reply.calls)
    ]


def _finish(reply: Reply) -> str:
    if reply.incomplete:
        return "length" if reply.incomplete == "max_output_tokens" else reply.incomplete
    return "tool_calls" if reply.calls else "stop"


def _chat_head(reply: Reply, request: Mapping[str, Any], number: int, kind: str) -> dict[str, Any]:
    model = reply.model or f"{request.get('model', 'model')}-2025-10-01"
    return {"id": f"chatcmpl-{number:04d}", "object": kind, "created": CREATED, "model": model, "service_tier": "default"}


def _chat_usage(reply: Reply, request: Mapping[str, Any]) -> dict[str, Any]:
    parts = reply.choices or (reply,)
    written = [[part.content(), [call.text() for call in part.calls]] for part in parts]
    taken, given = reply.usage or (_tokens(request.get("messages")), _tokens(written))
    return {
        "prompt_tokens": taken,
        "completion_tokens": given,
        "total_tokens": taken + given,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def chat_body(reply: Reply, request: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Make the body of a plain chat completion."""
    choices: list[dict[str, Any]] = []
    for index, part in enumerate(reply.choices or (reply,)):
        message: dict[str, Any] = {"role": "assistant", "content": part.content(), "refusal": part.refusal, "annotations": []}
        if part.reasoning:
            message["reasoning_content"] = part.reasoning
        if part.calls:
            message["tool_calls"] = _calls(part, number, index)
        choices.append({"index": index, "message": message, "logprobs": None, "finish_reason": _finish(part), **part.choice_extra})
    head = _chat_head(reply, request, number, "chat.completion")
    return {**head, "choices": choices, "usage": _chat_usage(reply, request), "system_fingerprint": "fp_demo", **reply.extra}


def _chat_deltas(part: Reply, number: int, index: int) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": "", "refusal": None}
    for piece in pieces(part.reasoning or ""):
        yield {"reasoning_content": piece}
    for piece in pieces(part.content() or ""):
        yield {"content": piece}
    for piece in pieces(part.refusal or ""):
        yield {"refusal": piece}
    for place, call in enumerate(_calls(part, number, index)):
        function = call["function"]
        yield {"tool_calls": [{"index": place, **call, "function": {"name": function["name"], "arguments": ""}}]}
        for start in range(0, len(function["arguments"]), 8):
            yield {"tool_calls": [{"index": place, "function": {"arguments": function["arguments"][start : start + 8]}}]}


def chat_events(reply: Reply, request: Mapping[str, Any], number: int) -> Iterator[Any]:
    """Yield the payloads of a streamed chat completion, `[DONE]` included."""
    head = {**_chat_head(reply, request, number, "chat.completion.chunk"), "system_fingerprint": "fp_demo", **reply.extra}
    options: Mapping[str, Any] = request.get("stream_options") or {}
    usage = options.get("include_usage")
    blank = {"usage": None} if usage else {}
    for index, part in enumerate(reply.choices or (reply,)):
        for delta in _chat_deltas(part, number, index):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None, **part.choice_extra}
            yield {**head, "choices": [choice], **blank}
        yield {**head, "choices": [{"index": index, "delta": {}, "logprobs": None, "finish_reason": _finish(part)}], **blank}
    if usage:
        yield {**head, "choices": [], "usage": _chat_usage(reply, request)}
    if reply.done:
        yield "[DONE]"


# ---- responses -------------------------------------------------------------------------------
def _items(reply: Reply, number: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if reply.reasoning is not None or reply.encrypted_reasoning is not None:
        summary = [{"type": "summary_text", "text": reply.reasoning}] if reply.reasoning else []
        item: dict[str, Any] = {"id": f"rs_{number:04d}", "type": "reasoning", "summary": summary}
        if reply.encrypted_reasoning is not None:
            item["encrypted_content"] = reply.encrypted_reasoning
        items.append(item)
    text = reply.content()
    if text is not None or reply.refusal is not None:
        part: dict[str, Any]
        if reply.refusal is not None:
            part = {"type": "refusal", "refusal": reply.refusal}
        else:
            part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        items.append({"id": f"msg_{number:04d}", "type": "message", "status": "completed", "role": "assistant", "content": [part]})
    for place, call in enumerate(reply.calls):
        items.append(
            {
                "id": f"fc_{number:04d}_{place}",
                "type": "function_call",
                "status": "completed",
                "call_id": call.id or f"call_{number:04d}_{place}",
                "name": call.name,
                "arguments": call.text(),
            }
        )
    return [{**item, **reply.choice_extra} for item in items]


def response_body(reply: Reply, request: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Make the body of a plain response (Responses API)."""
    items = _items(reply, number)
    taken, given = reply.usage or (_tokens(request.get("input")), _tokens(items))
    return {
        "id": f"resp_{number:04d}",
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if reply.incomplete else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": reply.incomplete} if reply.incomplete else None,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "model": reply.model or f"{request.get('model', 'model')}-2025-10-01",
        "output": items,
        "parallel_tool_calls": True,
        "previous_response_id": request.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "store": request.get("store", True),
        "temperature": request.get("temperature", 1.0),
        "text": request.get("text") or {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": request.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": taken,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": given,
            "output_tokens_details": {"reasoning_tokens": _tokens(reply.reasoning) if reply.reasoning else 0},
            "total_tokens": taken + given,
        },
        "user": None,
        "metadata": request.get("metadata") or {},
        **reply.extra,
    }


def response_events(reply: Reply, request: Mapping[str, Any], number: int) -> Iterator[Any]:
    """Yield the payloads of a streamed response, from `response.created` to `response.completed`."""
    whole = response_body(reply, request, number)
    begun: dict[str, Any] = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield {"type": "response.created", "response": begun, "sequence_number": 0}
    yield {"type": "response.in_progress", "response": begun, "sequence_number": 1}
    sequence = 2
    for place, item in enumerate(whole["output"]):
        for event in _item_events(item):
            kind = event.pop("type")
            yield {"type": kind, "output_index": place, **event, "sequence_number": sequence}
            sequence += 1
    yield {"type": f"response.{whole['status']}", "response": whole, "sequence_number": sequence}


def _item_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events of one output item, without `output_index` and `sequence_number`."""
    name = item["id"]
    if item["type"] == "function_call":
        yield {"type": "response.output_item.added", "item": {**item, "status": "in_progress", "arguments": ""}}
        for start in range(0, len(item["arguments"]), 8):
            delta = item["arguments"][start : start + 8]
            yield {"type": "response.function_call_arguments.delta", "item_id": name, "delta": delta}
        done = {"item_id": name, "name": item["name"], "arguments": item["arguments"]}
        yield {"type": "response.function_call_arguments.done", **done}
    elif item["type"] == "reasoning":
        yield {"type": "response.output_item.added", "item": {**item, "summary": []}}
        for index, part in enumerate(item["summary"]):
            here = {"item_id": name, "summary_index": index}
            yield {"type": "response.reasoning_summary_part.added", **here, "part": {**part, "text": ""}}
            for delta in pieces(part["text"]):
                yield {"type": "response.reasoning_summary_text.delta", **here, "delta": delta}
            yield {"type": "response.reasoning_summary_text.done", **here, "text": part["text"]}
            yield {"type": "response.reasoning_summary_part.done", **here, "part": part}
    else:
        yield {"type": "response.output_item.added", "item": {**item, "status": "in_progress", "content": []}}
        for index, part in enumerate(item["content"]):
            member = "refusal" if part["type"] == "refusal" else "text"
            stem = "response.refusal" if member == "refusal" else "response.output_text"
            more: dict[str, Any] = {} if member == "refusal" else {"logprobs": []}
            here = {"item_id": name, "content_index": index}
            yield {"type": "response.content_part.added", **here, "part": {**part, member: ""}}
            for delta in pieces(part[member]):
                yield {"type": f"{stem}.delta", **here, "delta": delta, **more}
            yield {"type": f"{stem}.done", **here, member: part[member], **more}
            yield {"type": "response.content_part.done", **here, "part": part}
    yield {"type": "response.output_item.done", "item": item}


# ---- embeddings, models ----------------------------------------------------------------------
def vector(text: str, dimensions: int) -> list[float]:
    """Make a unit-free vector that depends on the text alone; every number is exact in 32 bits."""
    digest = hashlib.shake_128(text.encode()).digest(dimensions)
    return [(byte - 128) / 128 for byte in digest]


def embeddings_body(request: Mapping[str, Any]) -> dict[str, Any]:
    """Make the body of an embeddings call, as floats or as base64 of 32-bit floats."""
    given = request.get("input", "")
    texts: list[Any] = [given] if isinstance(given, str) else list(given)
    dimensions = int(request.get("dimensions") or 8)
    data: list[dict[str, Any]] = []
    for index, text in enumerate(texts):
        numbers = vector(str(text), dimensions)
        packed = base64.b64encode(struct.pack(f"<{dimensions}f", *numbers)).decode()
        embedding = packed if request.get("encoding_format") == "base64" else numbers
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    used = sum(_tokens(str(text)) for text in texts)
    return {"object": "list", "data": data, "model": request.get("model"), "usage": {"prompt_tokens": used, "total_tokens": used}}


def models_body(names: Sequence[str]) -> dict[str, Any]:
    """Make the body of the list of models."""
    return {"object": "list", "data": [{"id": name, "object": "model", "created": CREATED, "owned_by": "demo"} for name in names]}
