"""How a call of OpenAI's SDK looks in `gen_ai.*` attributes, for every tool that is not chronicle.

    request (history left out), what is new of it, answer ──► view ──► gen_ai.request.* response.* usage.* input/output.messages

Content is cut to a budget: this view is for looking at. The lossless form is the envelope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from chronicle_otel import semconv, values
from chronicle_otel.instrumentation.openai_assembly import assemble

_REQUEST = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
    "stream": "gen_ai.request.stream",
    "previous_response_id": "gen_ai.request.previous_response.id",
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "dimensions": "gen_ai.embeddings.dimension.count",
}
"""Request members whose plain values become an attribute."""

_PLAIN = (str, int, float, bool)
_CLIPS = (160, 60, 20)
"""Lengths to which texts are cut, tried in turn until the messages fit."""
_MOST = 50
"""Items of a list that are shown."""
_MANY = 8
"""Items from which on it pays to ask first whether they may fit."""
_FROM_THE_MODEL = frozenset({"message", "function_call", "custom_tool_call", "reasoning"})


def _dict(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [cast("dict[str, Any]", item) for item in cast("list[Any]", value) if isinstance(item, dict)] if isinstance(value, list) else []


def view(request: Mapping[str, Any], response: Mapping[str, Any] | None, *, new_messages: list[Any], budget: int) -> dict[str, Any]:
    """Make the attributes of one call. Never raises; what it cannot read is left out."""
    found: dict[str, Any] = {}
    try:
        answer = response
        if response is not None and isinstance(response.get("events"), list):
            answer = assemble(response["events"])
        _view(found, request, answer or {}, new_messages, budget)
    except Exception:  # a view is a courtesy: an odd answer must not cost the Step
        pass
    return found


def _view(found: dict[str, Any], request: Mapping[str, Any], answer: Mapping[str, Any], new_messages: list[Any], budget: int) -> None:
    operation = _operation(request, answer, new_messages)
    if operation is None:
        return
    found[semconv.OPERATION_NAME] = operation
    found[semconv.PROVIDER_NAME] = "openai"
    for name, attribute in _REQUEST.items():
        value = request.get(name)
        if value is not None and isinstance(value, _PLAIN):
            found[attribute] = value
    model = request.get("model")
    if isinstance(model, str):
        found[semconv.REQUEST_MODEL] = model
    stop = request.get("stop")
    if stop:
        found["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else [str(s) for s in stop]
    effort = _dict(request.get("reasoning")).get("effort")
    if isinstance(effort, str):
        found["gen_ai.request.reasoning.level"] = effort
    if operation == "embeddings":
        if isinstance(request.get("encoding_format"), str):
            found["gen_ai.request.encoding_formats"] = [request["encoding_format"]]
    elif _wants_json(request):
        found["gen_ai.output.type"] = "json"
    _response(found, answer)
    if operation != "embeddings" and budget > 0:
        _content(found, request, answer, new_messages, budget)


def _operation(request: Mapping[str, Any], answer: Mapping[str, Any], new_messages: list[Any]) -> str | None:
    kind = answer.get("object")
    if kind in ("chat.completion", "chat.completion.chunk", "response"):
        return "chat"
    if kind == "text_completion":
        return "text_completion"
    if any("embedding" in item for item in _dicts(answer.get("data"))[:1]):
        return "embeddings"
    if not isinstance(request.get("model"), str):
        return None
    if "prompt" in request:
        return "text_completion"
    if new_messages and isinstance(new_messages[0], dict):
        return "chat"
    return "embeddings" if "encoding_format" in request else "chat"


def _wants_json(request: Mapping[str, Any]) -> bool:
    wanted = _dict(request.get("response_format")) or _dict(_dict(request.get("text")).get("format"))
    return str(wanted.get("type", "")).startswith("json")


def _response(found: dict[str, Any], answer: Mapping[str, Any]) -> None:
    for name, attribute in (("id", semconv.RESPONSE_ID), ("model", semconv.RESPONSE_MODEL)):
        if isinstance(answer.get(name), str):
            found[attribute] = answer[name]
    reasons = [str(choice["finish_reason"]) for choice in _dicts(answer.get("choices")) if choice.get("finish_reason")]
    if not reasons and isinstance(answer.get("status"), str):
        reasons = [str(_dict(answer.get("incomplete_details")).get("reason") or answer["status"])]
    if reasons:
        found[semconv.FINISH_REASONS] = reasons
    used = _dict(answer.get("usage"))
    _count(found, semconv.INPUT_TOKENS, used.get("prompt_tokens", used.get("input_tokens")))
    _count(found, semconv.OUTPUT_TOKENS, used.get("completion_tokens", used.get("output_tokens")))
    details = _dict(used.get("prompt_tokens_details", used.get("input_tokens_details")))
    _count(found, "gen_ai.usage.cache_read.input_tokens", details.get("cached_tokens") or None)
    details = _dict(used.get("completion_tokens_details", used.get("output_tokens_details")))
    _count(found, "gen_ai.usage.reasoning.output_tokens", details.get("reasoning_tokens") or None)


def _count(found: dict[str, Any], attribute: str, value: Any) -> None:
    if type(value) is int:
        found[attribute] = value


# ---- content ---------------------------------------------------------------------------------
def _content(found: dict[str, Any], request: Mapping[str, Any], answer: Mapping[str, Any], new_messages: list[Any], budget: int) -> None:
    answers: list[Any] = _dicts(answer.get("choices"))
    make = _choice
    if not answers:
        parts = [part for item in _dicts(answer.get("output")) for part in _item_parts(item)]
        answers, make = [{"role": "assistant", "parts": parts}] if parts else [], _as_it_is
    given = _dicts(new_messages)
    if not given and isinstance(request.get("input"), str):
        given = [{"role": "user", "content": request["input"]}]
    asked = _without_echo(given)
    left = budget - _put(found, semconv.OUTPUT_MESSAGES, answers, budget // 2 if asked else budget, make)
    if not any(message.get("role") in ("assistant", "tool") or "output" in message for message in given):
        instructions = request.get("instructions")  # the first call of a Run shows what stays the same in all of them
        if isinstance(instructions, str):
            shown = [{"type": "text", "content": instructions}]
            left -= _put(found, semconv.SYSTEM_INSTRUCTIONS, shown, left // 3, _as_it_is)
        left -= _put(found, semconv.TOOL_DEFINITIONS, _dicts(request.get("tools")), left // 3, _tool)
    _put(found, semconv.INPUT_MESSAGES, asked, left, _message)


def _as_it_is(item: Any) -> Any:
    return item


def _without_echo(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the answer of the Step before, with which the new messages begin: its own view shows it."""
    start = 0
    while (
        start < len(given) - 1
        and given[start].get("role", "assistant") == "assistant"
        and given[start].get("type", "message") in _FROM_THE_MODEL
    ):
        start += 1
    return given[start:]


def _put(found: dict[str, Any], attribute: str, items: Sequence[Any], budget: int, make: Callable[[Any], Any]) -> int:
    """Write what is made of items as JSON within a budget of bytes, and return the bytes used: texts are cut, then the oldest left out."""
    while items:
        shown = [make(item) for item in items[:_MOST]]
        for clip in _CLIPS if len(shown) < _MANY or _may_fit(shown, budget) else ():
            text = values.dumps(_clipped(shown, clip))
            size = len(text) if text.isascii() else len(text.encode("utf-8"))
            if size <= budget:
                found[attribute] = text
                return size
        items = items[1:] if len(items) < 4 else items[len(items) // 2 :]
    return 0


def _may_fit(shown: list[Any], budget: int) -> bool:
    """Say whether items may fit when their texts are cut: not where their beginnings alone are too long."""
    text = values.dumps(_clipped(shown, _CLIPS[-1]))
    return len(text) - text.count("…") <= budget or "\\ud" in text  # a surrogate that stands alone after the cut is six bytes


def _clipped(value: Any, clip: int) -> Any:
    if type(value) is str:
        return value if len(value) <= clip else value[:clip] + "…"
    if type(value) is list:
        return [_clipped(item, clip) for item in cast("list[Any]", value)[:_MOST]]
    if type(value) is dict:
        members = cast("dict[str, Any]", value).items()
        return {name: member if type(member) is str and len(member) <= clip else _clipped(member, clip) for name, member in members}
    return value


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    made = _message(_dict(choice.get("message")))
    if isinstance(choice.get("text"), str):
        made["parts"] = [{"type": "text", "content": choice["text"]}]
    if choice.get("finish_reason"):
        made["finish_reason"] = choice["finish_reason"]
    return made


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """One message of a chat, or one input item of a response, in the conventions' form."""
    kind = message.get("type")
    if kind not in (None, "message"):
        return {"role": "tool" if str(kind).endswith("_output") else "assistant", "parts": _item_parts(message)}
    role = message.get("role", "assistant")
    if role == "tool":
        part = {"type": "tool_call_response", "id": message.get("tool_call_id"), "response": message.get("content")}
        return {"role": "tool", "parts": [part]}
    thoughts = [message[name] for name in ("reasoning_content", "reasoning") if isinstance(message.get(name), str)]
    parts: list[dict[str, Any]] = [{"type": "reasoning", "content": thought} for thought in thoughts]
    parts += _content_parts(message.get("content"))
    if isinstance(message.get("refusal"), str):
        parts.append({"type": "refusal", "content": message["refusal"]})
    for call in _dicts(message.get("tool_calls")):
        function = _dict(call.get("function") or call.get("custom"))
        arguments = function.get("arguments", function.get("input"))
        parts.append({"type": "tool_call", "id": call.get("id"), "name": function.get("name"), "arguments": arguments})
    return {"role": role, "parts": parts}


def _content_parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "content": content}] if content else []
    parts: list[dict[str, Any]] = []
    for given in _dicts(content):
        text = given.get("text", given.get("refusal"))
        if isinstance(text, str):
            parts.append({"type": "refusal" if "refusal" in given else "text", "content": text})
        else:
            parts.append({"type": str(given.get("type", "unknown"))})
    return parts


def _item_parts(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of one item of the Responses API."""
    kind = item.get("type")
    if kind == "message":
        return _content_parts(item.get("content"))
    if kind in ("function_call", "custom_tool_call"):
        arguments = item.get("arguments", item.get("input"))
        return [{"type": "tool_call", "id": item.get("call_id"), "name": item.get("name"), "arguments": arguments}]
    if kind in ("function_call_output", "custom_tool_call_output"):
        return [{"type": "tool_call_response", "id": item.get("call_id"), "response": item.get("output")}]
    if kind == "reasoning":
        return [{"type": "reasoning", "content": part.get("text", "")} for part in _dicts(item.get("summary"))]
    return [{"type": str(kind)}]


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function: Any = tool.get("function")
    source: Mapping[str, Any] = cast("dict[str, Any]", function) if isinstance(function, dict) else tool
    return {"type": str(tool.get("type", "function")), "name": source.get("name")}
