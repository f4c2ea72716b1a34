"""A Step in one line: what was asked and what came back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from .. import semconv

_PART = 90
"""Characters that one side may take."""


def preview(step: Any) -> str:
    """Say in one line what a Step was asked and how it ended."""
    if step.kind in ("llm", "embedding") and semconv.OPERATION_NAME in step.attributes:
        asked, answered = model_call(step)
    else:
        asked, answered = call(step)
    if step.error is not None:
        answered = f"raised {type(step.error).__name__}: {step.error}"
    elif step.form == "pending":
        answered = "cancelled"
    return "  →  ".join(part for part in (cut(asked), cut(answered)) if part)


def tokens(step: Any) -> str:
    """Tokens in and out of a model call."""
    used = [step.attributes.get(name) for name in (semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS)]
    return f"{used[0] or 0}+{used[1] or 0} tokens  " if any(value is not None for value in used) else ""


def call(step: Any) -> tuple[str, str]:
    """A function's arguments and what it returned."""
    asked = f"({arguments(step.input)})"
    return "" if asked == "()" else asked, "" if step.form in ("none", "error") else short(step.output)


def arguments(given: Any) -> str:
    """Arguments by name as a call has them."""
    if not isinstance(given, dict):
        return short(given)
    named = cast("dict[str, Any]", given)
    return ", ".join(f"{name}={short(value)}" for name, value in named.items())


def model_call(step: Any) -> tuple[str, str]:
    """The last message of a model call, and the answer; as the bounded view for other tools has them, which has new messages only."""
    model = step.attributes.get(semconv.REQUEST_MODEL) or step.attributes.get(semconv.RESPONSE_MODEL) or ""
    asked = list(parts(step.attributes.get(semconv.INPUT_MESSAGES)))
    answered = list(parts(step.attributes.get(semconv.OUTPUT_MESSAGES)))
    last = asked[-1] if asked else last_message(step.input)
    return f"{model}  {last}".strip(), " ".join(part.removeprefix("assistant: ") for part in answered)


def last_message(given: Any) -> str:
    """The last message of a request in the form of OpenAI's APIs; empty where it has another form."""
    body = cast("dict[str, Any]", given).get("body") if isinstance(given, dict) else None
    if not isinstance(body, dict):
        return ""
    request = cast("dict[str, Any]", body)
    listed = request.get("messages", request.get("input"))
    if not listed or not isinstance(listed, list):
        return f"user: {listed}" if isinstance(listed, str) else ""
    last: Any = cast("list[Any]", listed)[-1]
    if not isinstance(last, dict):
        return short(last)
    message = cast("dict[str, Any]", last)
    role = message.get("role") or message.get("type") or ""
    return f"{role}: {short(message.get('content', message.get('output')), quote=False)}"


def parts(text: Any) -> Iterator[str]:
    """The parts of messages in the form of the GenAI conventions, as words."""
    try:
        messages = cast("list[dict[str, Any]]", json.loads(text) if isinstance(text, str) else text or [])
        for message in messages:
            for part in cast("list[dict[str, Any]]", message.get("parts", [])):
                kind = part.get("type")
                if kind == "tool_call":
                    yield f"{part.get('name')}({short(part.get('arguments'), quote=False)})"
                elif kind == "tool_call_response":
                    yield f"{message.get('role')}: {short(part.get('response', part.get('result')), quote=False)}"
                else:
                    yield f"{message.get('role')}: {short(part.get('content'), quote=False)}"
    except (ValueError, AttributeError, TypeError):
        yield str(text)


def short(value: Any, *, quote: bool = True) -> str:
    """A value as one would write it."""
    if isinstance(value, str) and not quote:
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)


def cut(text: str) -> str:
    """Shorten one side of the line."""
    text = " ".join(text.split())
    return text if len(text) <= _PART else text[: _PART - 1] + "…"
