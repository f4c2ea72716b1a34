"""The types of attributes that a store has kept as text, as far as their names say what they were.

Pure. Attributes that chronicle does not know stay text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from chronicle_otel import semconv

_INTEGERS: Final = frozenset(
    {
        semconv.VERSION,
        semconv.SEQ,
        semconv.PARENT,
        semconv.RUN_STEPS,
        semconv.RUN_LOST,
        semconv.INPUT_TOKENS,
        semconv.OUTPUT_TOKENS,
        semconv.SERVER_PORT,
        *(name + semconv.SIZE_SUFFIX for name in semconv.PAYLOADS),
    }
)
_FLAGS: Final = frozenset({semconv.PARENT_GUESS, semconv.LATE})
_LISTS: Final = frozenset({semconv.FLAGGED, semconv.FINISH_REASONS})


def typed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a span with the types that chronicle gave to its own."""
    return {name: _typed(name, value, attributes) if isinstance(value, str) else value for name, value in attributes.items()}


def _typed(name: str, text: str, attributes: Mapping[str, Any]) -> Any:
    if name in _INTEGERS:
        try:
            return int(text) if len(text) < 20 else text
        except ValueError:
            return text
    if name in _FLAGS and text in ("true", "false"):
        return text == "true"
    if name in _LISTS:
        return _strings(text) or text
    if name in semconv.PAYLOADS:
        size = str(attributes.get(name + semconv.SIZE_SUFFIX, ""))
        if text[:2] == '["' and size != str(len(text.encode("utf-8", "surrogatepass"))):
            chunks = _strings(text)
            if chunks is not None and size == str(sum(len(chunk.encode("utf-8", "surrogatepass")) for chunk in chunks)):
                return chunks
    return text


def _strings(text: str) -> list[str] | None:
    """Return the list of strings that a text of JSON holds."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    items = cast("list[Any]", value) if isinstance(value, list) else None
    return items if items is not None and all(isinstance(item, str) for item in items) else None
