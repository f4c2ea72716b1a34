"""Whole spans out of a document that was cut in the middle.

text that is no JSON ──► resource, scope and spans in the order in which they stand ──► a document of what is whole
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_MEMBER: Final = re.compile(r'(?<!\\)"(resource|scope|spans)"\s*:\s*')
_GAP: Final = re.compile(r"[\s,]*")


def whole_spans(text: str, decoder: json.JSONDecoder) -> dict[str, Any] | None:
    """Return an OTLP document with the spans of `text` up to the cut, or None if not one is whole."""
    groups: list[dict[str, Any]] = []
    resource: Any = {}
    scope: Any = {}
    end = 0
    for member in _MEMBER.finditer(text):
        if member.start() < end:
            continue  # inside a value that was read
        try:
            if member[1] == "spans":
                spans, end = _elements(text, member.end(), decoder)
                if spans:
                    groups.append({"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]})
                continue
            value, end = decoder.raw_decode(text, member.end())
        except (ValueError, RecursionError):
            break
        if member[1] == "resource":
            resource = value
        else:
            scope = value
    return {"resourceSpans": groups} if groups else None


def _elements(text: str, at: int, decoder: json.JSONDecoder) -> tuple[list[Any], int]:
    """Read the elements of a list that are whole; return them and where they end."""
    found: list[Any] = []
    at += 1
    while True:
        gap = _GAP.match(text, at)
        start = gap.end() if gap is not None else at
        try:
            element, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return found, at
        found.append(element)
