"""The whole answer out of a stream's events: chat chunks are joined, a Responses stream carries its own end result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

JOINED = frozenset({"content", "arguments", "refusal", "reasoning", "reasoning_content", "text", "thinking"})
"""Members whose pieces are joined; every other string is said once, or repeated as it is."""


def assemble(events: Sequence[Any]) -> dict[str, Any] | None:
    """Return what a plain call would have answered, as far as the events go; None if they are of no known kind."""
    for event in reversed(events):
        if isinstance(event, dict):
            kind = cast("dict[str, Any]", event).get("type")
            if isinstance(kind, str) and kind.startswith("response."):
                return _response(cast("Sequence[dict[str, Any]]", events))
            break
    chunks = [cast("dict[str, Any]", event) for event in events if isinstance(event, dict)]
    return _chat(chunks) if chunks else None


def _response(events: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    whole: dict[str, Any] | None = None
    items: list[Any] = []
    for event in events:
        if isinstance(event.get("response"), dict):
            whole = event["response"]
        elif event.get("type") == "response.output_item.done":
            items.append(event.get("item"))
    if whole is not None and not whole.get("output") and items:  # broken off: what was complete by then
        whole = {**whole, "output": items}
    return whole


def _chat(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    choices: dict[Any, dict[str, Any]] = {}
    for chunk in chunks:
        whole.update((name, value) for name, value in chunk.items() if name != "choices" and value is not None)
        for part in _dicts(chunk.get("choices")):
            choice = choices.setdefault(part.get("index", 0), {"index": part.get("index", 0), "message": {}})
            if part.get("finish_reason"):
                choice["finish_reason"] = part["finish_reason"]
            if isinstance(part.get("text"), str):
                choice["text"] = choice.get("text", "") + part["text"]
            delta = part.get("delta")
            if isinstance(delta, dict):
                _merge(choice["message"], cast("dict[str, Any]", delta))
    whole["choices"] = [choices[index] for index in sorted(choices, key=str)]
    return whole


def _merge(into: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        known = into.get(name)
        if name == "tool_calls":
            calls = into.setdefault("tool_calls", [])
            for call in _dicts(value):
                found = next((c for c in calls if c.get("index") == call.get("index")), None)
                if found is None:
                    calls.append(found := {"index": call.get("index")})
                _merge(found, call)
        elif isinstance(value, dict):
            if not isinstance(known, dict):
                known = into[name] = {}
            _merge(cast("dict[str, Any]", known), cast("dict[str, Any]", value))
        elif name in JOINED and isinstance(known, str) and isinstance(value, str):
            into[name] = known + value
        elif value is not None or name not in into:
            into[name] = value


def _dicts(value: Any) -> Iterable[dict[str, Any]]:
    return [cast("dict[str, Any]", item) for item in cast("list[Any]", value) if isinstance(item, dict)] if isinstance(value, list) else ()
