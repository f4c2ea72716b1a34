"""A span that is too large for the hops in front of it, made to fit: see `recording.budget` for what gives way.

encoded span ──small enough──► as it is
           └──► payloads joined ──► shrunk ──► split, sizes anew ──► encoded again ──► still too large: attributes beside the envelope
"""

from __future__ import annotations

import copy
from typing import Any, cast

from ... import _guard, semconv, wire
from ..budget import Put, shrink, size_of
from ..file_spans import FileSpan
from . import protobuf

_MARGIN = 4096
"""Bytes for what stands between the chunks of payloads, and for the markers."""


class Fitter:
    """Makes spans fit in `limit` bytes of protobuf; with `put`, strings above `inline` bytes go to the store."""

    def __init__(self, limit: int, *, put: Put | None = None, inline: int = 0) -> None:
        self._limit = limit
        self._put = put
        self._inline = inline

    def encoded(self, span: FileSpan) -> tuple[FileSpan, bytes]:
        """Return the span as it may be sent, and its message."""
        data = protobuf.span(span)
        if len(data) <= self._limit and (self._put is None or len(data) <= self._inline):
            return span, data
        payloads = {name: _joined(span.attributes[name]) for name in semconv.PAYLOADS if name in span.attributes}
        # the chunks of a payload weigh a little more than its text, and what is beside the payloads is not for `shrink`
        beside = len(data) - sum(map(size_of, payloads.values()))
        shrunk = shrink(payloads, self._limit - beside - _MARGIN, put=self._put, inline=self._inline)
        changed = {name: text for name, text in shrunk.items() if text is not payloads[name]}
        if changed:
            span = _with(span, changed)
            data = protobuf.span(span)
        return (span, data) if len(data) <= self._limit else self._bare(span, data)

    def _bare(self, span: FileSpan, data: bytes) -> tuple[FileSpan, bytes]:
        """Leave out what is not the envelope: events, then attributes, the largest first."""
        span = copy.copy(span)
        span.attributes = dict(span.attributes)
        events, span.events = span.events, []
        data = protobuf.span(span) if events else data
        others = [name for name in span.attributes if not name.startswith("chronicle.")]
        for name in sorted(others, key=lambda each: -len(protobuf.any_value(span.attributes[each]))):
            if len(data) <= self._limit:
                break
            del span.attributes[name]
            span.dropped_attributes += 1
            data = protobuf.span(span)
        _guard.warn_once(
            "keep a span within its size",
            f"a span of more than {self._limit} bytes was sent without its events and largest attributes; what a replay needs is in it",
        )
        return span, data


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "".join(cast("list[str]", value))


def _with(span: FileSpan, payloads: dict[str, str]) -> FileSpan:
    """Copy a span with the texts of some payloads, and their sizes."""
    span = copy.copy(span)
    span.attributes = dict(span.attributes)
    for name, text in payloads.items():
        span.attributes[name] = wire.split(text)
        span.attributes[name + semconv.SIZE_SUFFIX] = size_of(text)
    return span
