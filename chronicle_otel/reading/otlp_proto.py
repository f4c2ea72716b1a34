"""OTLP protobuf → span records, the same ones that the JSON reader gives.

The messages are those of opentelemetry-proto, imported when the first one is read.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (the generated messages have no types that a strict checker accepts)

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from chronicle_otel.reading.otlp import SpanRecord

RESOURCE_SPANS: Final = 1
"""Field of TracesData, of an export request and of Tempo's Trace (opentelemetry-proto: trace/v1/trace.proto)."""
_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_FIXED32: Final = 5


class NotProtobuf(ValueError):
    """Bytes that are no message; `whole` says where the last whole field ended."""

    def __init__(self, message: str, whole: int = 0) -> None:
        super().__init__(message)
        self.whole = whole


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a message: an integer, or the bytes of a text or message.

    NotProtobuf where they end early or make no sense (https://protobuf.dev/programming-guides/encoding/).
    """
    for number, _, value, _ in _parts(data):
        yield number, value


def _parts(data: bytes) -> Iterator[tuple[int, int, int | bytes, bytes]]:
    """Yield number, wire type and value of each field, and its bytes as they stand."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _varint(data, at, start)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise NotProtobuf("a field has the number 0", start)
        if wire == _VARINT:
            value, at = _varint(data, at, start)
            yield number, wire, value, data[start:at]
            continue
        if wire == _BYTES:
            size, at = _varint(data, at, start)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise NotProtobuf(f"a field is of the unknown type {wire}", start)
        if at + size > len(data):
            raise NotProtobuf(f"{at + size - len(data):,} bytes are missing at its end", start)
        yield number, wire, data[at : at + size], data[start : at + size]
        at += size


def _varint(data: bytes, at: int, start: int) -> tuple[int, int]:
    result = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        result |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return result, at
        shift += 7
    raise NotProtobuf("a number does not end", start)


def spans_in_message(data: bytes, *, file: str = "", line: int = 0, bad: Callable[[str], None]) -> Iterator[SpanRecord]:
    """Yield the spans of a TracesData message. `bad` is told of what cannot be read; a message that was cut gives its whole parts."""
    found = fields(data)
    while True:
        try:
            number, value = next(found)
        except StopIteration:
            return
        except NotProtobuf as error:
            bad(f"the protobuf data is cut or damaged ({error}) behind byte {error.whole:,}; the spans before that were read")
            return
        if number == RESOURCE_SPANS and isinstance(value, bytes):
            yield from _group(value, file, line, bad)


def parse_group(data: bytes) -> tuple[Any, int]:
    """Parse one ResourceSpans message; return it and how many of its texts were not UTF-8. NotProtobuf if it is none.

    Stores that cut texts by bytes do so in the middle of characters, and the parser refuses the whole message for that.
    """
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

    try:
        return ResourceSpans.FromString(data), 0
    except DecodeError:
        pass
    try:
        repaired, texts = _with_utf8(data, ResourceSpans.DESCRIPTOR)
        return ResourceSpans.FromString(repaired), texts
    except (DecodeError, RecursionError) as error:
        raise NotProtobuf(str(error) or "not a ResourceSpans message") from error


def _with_utf8(data: bytes, descriptor: Any) -> tuple[bytes, int]:
    """Replace what is not UTF-8 in the texts of a message by U+FFFD; return the message and how many texts had some."""
    written = bytearray()
    texts = 0
    for number, wire, value, whole in _parts(data):
        field = descriptor.fields_by_number.get(number)
        if field is None or wire != _BYTES or not isinstance(value, bytes) or field.type not in (field.TYPE_STRING, field.TYPE_MESSAGE):
            written += whole
            continue
        if field.type == field.TYPE_MESSAGE:
            value, inside = _with_utf8(value, field.message_type)
            texts += inside
        else:
            text = value.decode("utf-8", "replace").encode()
            texts += text != value
            value = text
        written += varint(number << 3 | _BYTES) + varint(len(value)) + value
    return bytes(written), texts


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _group(data: bytes, file: str, line: int, bad: Callable[[str], None]) -> Iterator[SpanRecord]:
    try:
        group, texts = parse_group(data)
    except NotProtobuf as error:
        bad(f"a ResourceSpans message is damaged ({error}); it is skipped, the rest is read")
        return
    if texts:
        bad(f"{texts} {'texts are' if texts > 1 else 'text is'} not UTF-8 (cut in the middle of a character?); that part is read as \ufffd")
    resource = attributes_of(group.resource.attributes)
    for scoped in group.scope_spans:
        scope = scoped.scope
        scope_attributes = attributes_of(scope.attributes)
        for span in scoped.spans:
            try:
                yield _record(span, resource, scope.name, scope.version, scope_attributes, file, line)
            except ValueError as error:
                bad(f"a span is not OTLP ({error}); it is skipped, the rest is read")


def _record(
    span: Any, resource: dict[str, Any], scope: str, version: str, scope_attributes: dict[str, Any], file: str, line: int
) -> SpanRecord:
    parent = span.parent_span_id
    return SpanRecord(
        _hex(span.trace_id, 16, "trace_id"),
        _hex(span.span_id, 8, "span_id"),
        _hex(parent, 8, "parent_span_id") if any(parent) else "",
        span.name,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        attributes_of(span.attributes),
        tuple({"name": each.name, "time_ns": each.time_unix_nano, "attributes": attributes_of(each.attributes)} for each in span.events),
        tuple(_link(link) for link in span.links),
        (span.status.code, span.status.message),
        resource,
        scope,
        span.kind,
        file,
        line,
        span.trace_state,
        version,
        scope_attributes,
    )


def _hex(value: bytes, size: int, what: str) -> str:
    if len(value) != size:
        raise ValueError(f"{what} has {len(value)} bytes, not {size}")
    return value.hex()


def _link(link: Any) -> dict[str, Any]:
    return {
        "trace_id": _hex(link.trace_id, 16, "trace_id of a link"),
        "span_id": _hex(link.span_id, 8, "span_id of a link"),
        "attributes": attributes_of(link.attributes),
        **({"trace_state": link.trace_state} if link.trace_state else {}),
    }


def attributes_of(pairs: Any) -> dict[str, Any]:
    """Return key-values as a dict; a value that is empty or of a kind nobody knows becomes None."""
    return {pair.key: any_value(pair.value) for pair in pairs}


def any_value(value: Any) -> Any:
    """Return an AnyValue as Python has it."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [any_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values)
    return getattr(value, kind) if kind in _PLAIN else None


_PLAIN: Final = frozenset({"string_value", "int_value", "bool_value", "double_value", "bytes_value"})
