"""Spans as OTLP protobuf, written by joining bytes (https://github.com/open-telemetry/opentelemetry-proto, v1).

    FileSpan ──► fields of Span ──► b"".join        request = head (resource, scope: made once) + spans, with their lengths before them

An attribute of our own is mostly a list of strings of 2,000 bytes: each costs one encode and one join here. The tests hold
every message against what OpenTelemetry's own encoder makes of the same span.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..file_spans import FileSpan

_FIXED64 = struct.Struct("<Q").pack
_FIXED32 = struct.Struct("<I").pack
_DOUBLE = struct.Struct("<d").pack
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200
"""SpanFlags of trace.proto: whether the parent is remote is known, and it is."""
_INT64 = 1 << 63


def varint(value: int) -> bytes:
    """An unsigned integer in base 128, the lowest seven bits first."""
    if value < 0x80:
        return _SMALL[value]
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


_SMALL = [bytes([value]) for value in range(0x80)]


def tagged(tag: bytes, data: bytes) -> bytes:
    return tag + varint(len(data)) + data


def text(value: str) -> bytes:
    """UTF-8; half a surrogate pair, which UTF-8 does not have, becomes a question mark."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def span(item: FileSpan) -> bytes:
    """One `Span` message."""
    parts = [b"\x0a\x10", item.trace_id.to_bytes(16, "big"), b"\x12\x08", item.span_id.to_bytes(8, "big")]
    state = item.trace_state
    if state and not (len(state) == 1 and "chronicle" in state):  # our own member only repeats the run id
        parts.append(tagged(b"\x1a", text(",".join(f"{key}={value}" for key, value in state.items() if key != "chronicle"))))
    if item.parent_id is not None:
        parts += (b"\x22\x08", item.parent_id.to_bytes(8, "big"))
    parts += (tagged(b"\x2a", text(item.name)), b"\x30", _SMALL[item.kind.value + 1])
    parts += (b"\x39", _FIXED64(item.start_time), b"\x41", _FIXED64(item.end_time or item.start_time))
    _attributes(item.attributes, b"\x4a", parts)
    if item.dropped_attributes:
        parts += (b"\x50", varint(item.dropped_attributes))
    for event in item.events:
        about: list[bytes] = [b"\x09", _FIXED64(event.timestamp), tagged(b"\x12", text(event.name))]
        _attributes(event.attributes, b"\x1a", about)
        parts.append(tagged(b"\x5a", b"".join(about)))
    status = item.status
    inner: list[bytes] = []
    if status.description:
        inner.append(tagged(b"\x12", text(status.description)))
    if status.status_code.value:
        inner += (b"\x18", _SMALL[status.status_code.value])
    parts.append(tagged(b"\x7a", b"".join(inner)))
    remote = item.parent is not None and item.parent.is_remote
    parts += (b"\x85\x01", _FIXED32(_REMOTE_KNOWN | _REMOTE if remote else _REMOTE_KNOWN))
    return b"".join(parts)


def _attributes(attributes: Mapping[str, Any], tag: bytes, parts: list[bytes]) -> None:
    """Append the attributes as fields `tag` of KeyValue."""
    for name, value in attributes.items():
        key = _keys.get(name)
        if key is None:
            key = tagged(b"\x0a", text(name)) + b"\x12"
            if len(_keys) < 1000:
                _keys[name] = key
        content = any_value(value)
        size = varint(len(content))
        parts += (tag, varint(len(key) + len(size) + len(content)), key, size, content)


_keys: dict[str, bytes] = {}
"""How a KeyValue begins, by its name: names are few and repeat on every span."""
_STRINGS = frozenset({str})


def any_value(value: Any) -> bytes:
    """One `AnyValue` message. An integer beyond 64 bits becomes text."""
    if isinstance(value, str):
        return tagged(b"\x0a", text(value))
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            return tagged(b"\x0a", str(value).encode())
        return b"\x18" + varint(value if value >= 0 else value + 2 * _INT64)
    if isinstance(value, float):
        return b"\x21" + _DOUBLE(value)
    if isinstance(value, bytes):
        return tagged(b"\x3a", value)
    if isinstance(value, Mapping):
        parts: list[bytes] = []
        _attributes(cast("Mapping[str, Any]", value), b"\x0a", parts)
        return tagged(b"\x32", b"".join(parts))
    if isinstance(value, Sequence):
        items = cast("Sequence[Any]", value)
        if _STRINGS.issuperset(map(type, items)):
            return tagged(b"\x2a", _strings(cast("Sequence[str]", items)))
        return tagged(b"\x2a", b"".join([tagged(b"\x0a", any_value(item)) for item in items]))
    return b""


def _strings(items: Sequence[str]) -> bytes:
    """The values of an ArrayValue that holds strings only."""
    parts: list[bytes] = []
    for item in items:
        data = text(item)
        size = len(data)
        before = _heads.get(size)
        if before is None:
            inner = b"\x0a" + varint(size)
            before = b"\x0a" + varint(len(inner) + size) + inner
            if size == 2000 or len(_heads) < 1000:
                _heads[size] = before
        parts += (before, data)
    return b"".join(parts)


_heads: dict[int, bytes] = {}
"""What stands before a string of a list, by the string's length: nearly all have 2,000 bytes."""


class Head:
    """Resource and scope of a request, and how much a request of some spans weighs."""

    def __init__(self, resource: Any, scope: Any) -> None:
        parts: list[bytes] = []
        _attributes(resource.attributes, b"\x0a", parts)
        self._resource = tagged(b"\x0a", b"".join(parts))
        url = getattr(resource, "schema_url", "")
        self._resource_url = tagged(b"\x1a", text(url)) if url else b""
        about = tagged(b"\x0a", text(scope.name)) + (tagged(b"\x12", text(scope.version)) if scope.version else b"")
        self._scope = tagged(b"\x0a", about)
        self.size = len(self._resource) + len(self._resource_url) + len(self._scope) + 16
        """Bytes of a request beside its spans, at most."""

    def request(self, spans: Sequence[bytes]) -> bytes:
        """An `ExportTraceServiceRequest` of encoded spans, each made by `element`."""
        size = len(self._scope) + sum(map(len, spans))
        scope_spans = b"\x12" + varint(size)
        inner = len(self._resource) + len(scope_spans) + size + len(self._resource_url)
        return b"".join([b"\x0a", varint(inner), self._resource, scope_spans, self._scope, *spans, self._resource_url])


def element(data: bytes) -> bytes:
    """A span's message as an element of `ScopeSpans.spans`."""
    return tagged(b"\x12", data)
