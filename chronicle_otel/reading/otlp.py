"""OTLP JSON → span records, tolerant of every dialect of it that exporters, collectors and stores write.

Ids may be hex or base64, enums numbers or names, 64-bit integers text or numbers; the outermost list may be called
`resourceSpans` or `batches`, and may sit one level down (`result` of Jaeger, `trace` of Tempo).
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

_KINDS: Final = {
    "SPAN_KIND_UNSPECIFIED": 0,
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
}
_WRONG: Final = (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError)
"""What reading a member of another type than expected ends in."""
_STATUS: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One span as a source holds it."""

    trace_id: str
    """32 hex digits, lower case."""
    span_id: str
    """16 hex digits, lower case."""
    parent_span_id: str
    """16 hex digits; empty for a root span."""
    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...] = ()
    """{"name", "time_ns", "attributes"} each."""
    links: tuple[Mapping[str, Any], ...] = ()
    """{"trace_id", "span_id", "attributes"} each, and "trace_state" where there is one."""
    status: tuple[int, str] = (0, "")
    """Code (0 unset, 1 ok, 2 error) and message."""
    resource: Mapping[str, Any] = field(default_factory=dict[str, Any])
    scope: str = ""
    """Name of the instrumentation scope."""
    kind: int = 0
    """OTLP's number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer."""
    file: str = ""
    line: int = 0
    trace_state: str = ""
    """W3C tracestate as it was sent."""
    scope_version: str = ""
    scope_attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def same_content(self, other: SpanRecord) -> bool:
        """Say whether another copy of this span holds the same, wherever it was found."""
        return (
            self.attributes == other.attributes
            and (self.name, self.start_ns, self.end_ns, self.status, self.events, self.links)
            == (other.name, other.start_ns, other.end_ns, other.status, other.events, other.links)
        )  # fmt: skip


def spans_in(document: Any, *, file: str = "", line: int = 0, bad: Callable[[str], None]) -> Iterator[SpanRecord]:
    """Yield the spans of one OTLP JSON document; `bad` is told of those that cannot be read."""
    for group in _groups(document):
        if type(group) is not dict:
            bad("an element of resourceSpans is not an object; it is skipped, the rest is read")
            continue
        try:
            resource = attributes_of(_object(group.get("resource")).get("attributes"))
        except _WRONG as error:
            bad(f"a resource is not OTLP ({type(error).__name__}: {error}); its spans are read without it")
            resource = {}
        scopes = group.get("scopeSpans") or group.get("instrumentationLibrarySpans") or ()
        for scope_group in scopes if type(scopes) is list else ():
            scoped = _object(scope_group)
            scope = _scope(scoped.get("scope") or scoped.get("instrumentationLibrary"))
            spans = scoped.get("spans")
            for span in cast("list[Any]", spans) if type(spans) is list else ():
                try:
                    yield _record(span, resource, scope, file, line)
                except _WRONG as error:
                    bad(f"a span is not OTLP ({type(error).__name__}: {error}); it is skipped, the rest is read")


def is_otlp(document: Any) -> bool:
    """Say whether a JSON document is an OTLP export of any signal; those of other signals hold no spans."""
    if type(document) is list:
        return all(is_otlp(item) for item in cast("list[Any]", document))
    if type(document) is not dict:
        return False
    members = cast("dict[str, Any]", document)
    return (
        not members
        or any(name in members for name in ("resourceSpans", "batches", "resourceLogs", "resourceMetrics", "resourceProfiles"))
        or any("resourceSpans" in member or "batches" in member for member in members.values() if type(member) is dict)
    )


def _groups(document: Any) -> Iterator[Any]:
    if type(document) is list:
        for item in cast("list[Any]", document):
            yield from _groups(item)
        return
    if type(document) is not dict:
        return
    members = cast("dict[str, Any]", document)
    found = members.get("resourceSpans", members.get("batches"))
    if found is None:
        for member in members.values():
            if type(member) is dict and ("resourceSpans" in member or "batches" in member):
                yield from _groups(member)
    elif type(found) is list:
        yield from cast("list[Any]", found)


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if type(value) is dict else {}


def _scope(value: Any) -> tuple[str, str, dict[str, Any]]:
    """Name, version and attributes of a scope."""
    scope = _object(value)
    try:
        attributes = attributes_of(scope["attributes"]) if scope.get("attributes") else {}
    except _WRONG:
        attributes = {}  # nobody needs them to read a Run
    return _name(scope.get("name")), _name(scope.get("version")), attributes


def _record(span: Any, resource: dict[str, Any], scope: tuple[str, str, dict[str, Any]], file: str, line: int) -> SpanRecord:
    get = span.get
    status = get("status")
    parent = get("parentSpanId")
    events = get("events")
    links = get("links")
    start, end = get("startTimeUnixNano"), get("endTimeUnixNano")
    return SpanRecord(
        _id(get("traceId"), 32, "traceId"),
        _id(get("spanId"), 16, "spanId"),
        _parent_id(parent) if parent else "",
        _name(get("name")),
        _time(start) if start else 0,
        _time(end) if end else 0,
        attributes_of(get("attributes")),
        tuple(_event(event) for event in events) if events else (),
        tuple(_link(link) for link in links) if links else (),
        (_number(status.get("code", 0), _STATUS), status.get("message", "")) if status else (0, ""),
        resource,
        scope[0],
        _number(get("kind", 0), _KINDS),
        file,
        line,
        _name(get("traceState")),
        scope[1],
        scope[2],
    )


_LAST_TIME: Final = 2**64 - 1
"""OTLP counts nanoseconds in 64 bits."""


def _time(value: Any) -> int:
    moment = int(value)
    if not 0 <= moment <= _LAST_TIME:
        raise ValueError(f"a time of {value!r:.60} ns is out of range")
    return moment


def _name(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any, names: Mapping[str, int]) -> int:
    if isinstance(value, str):
        return names[value] if value in names else int(value)
    return int(value)


def _id(value: Any, digits: int, what: str) -> str:
    """Return an id as hex digits; stores that go through protobuf's own JSON mapping write base64."""
    if isinstance(value, str):
        if len(value) == digits:
            try:
                if len(bytes.fromhex(value)) * 2 == digits:
                    return value.lower()
            except ValueError:
                pass
        try:
            data = base64.b64decode(
                value + "=" * (-len(value) % 4), altchars=b"-_" if "-" in value or "_" in value else None, validate=True
            )
        except (binascii.Error, ValueError):
            data = b""
        if len(data) * 2 == digits:
            return data.hex()
    raise ValueError(f"{what} {value!r:.60} is neither {digits} hex digits nor base64 of {digits // 2} bytes")


def _parent_id(value: Any) -> str:
    found = _id(value, 16, "parentSpanId")
    return "" if found == "0000000000000000" else found


def _event(event: Any) -> dict[str, Any]:
    return {
        "name": _name(event.get("name")),
        "time_ns": int(event.get("timeUnixNano") or 0),
        "attributes": attributes_of(event.get("attributes")),
    }


def _link(link: Any) -> dict[str, Any]:
    state = _name(link.get("traceState"))
    return {
        "trace_id": _id(link.get("traceId"), 32, "traceId of a link"),
        "span_id": _id(link.get("spanId"), 16, "spanId of a link"),
        "attributes": attributes_of(link.get("attributes")),
        **({"trace_state": state} if state else {}),
    }


def attributes_of(pairs: Any) -> dict[str, Any]:
    """Return a list of OTLP key-values as a dict; a value nobody knows becomes None."""
    result: dict[str, Any] = {}
    for pair in pairs or ():
        value = pair.get("value")
        if value and "stringValue" in value:  # nearly all of them
            result[pair["key"]] = value["stringValue"]
        elif value and "intValue" in value:
            result[pair["key"]] = int(value["intValue"])
        else:
            result[pair["key"]] = any_value(value)
    return result


def any_value(value: Any) -> Any:
    """Return an OTLP AnyValue as Python has it."""
    if type(value) is not dict or not value:
        return None
    (kind, content), *_ = cast("dict[str, Any]", value).items()
    reader = _READERS.get(kind)
    return reader(content) if reader is not None else None


def _double(content: Any) -> float:
    return float(content) if not isinstance(content, str) else {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[content]


def _array(content: Any) -> list[Any]:
    return [item["stringValue"] if "stringValue" in item else any_value(item) for item in (content or {}).get("values") or ()]


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "stringValue": lambda content: content,
    "boolValue": lambda content: content is True or content == "true",
    "intValue": int,
    "doubleValue": _double,
    "arrayValue": _array,
    "kvlistValue": lambda content: attributes_of((content or {}).get("values")),
    "bytesValue": lambda content: base64.b64decode(content, validate=True),
}
