"""The embedded default: OTLP JSON lines in a file, with nothing else installed or running.

ReadableSpan ──► one JSON text (resource and scope made once) ──► line of TracesData ──► one append
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.sdk.trace import SpanProcessor

from .. import _guard
from .file_spans import FileSpan

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

if sys.platform != "win32":
    import fcntl

LINE_BYTES = 1024 * 1024
"""A line is cut when it is longer: a reader holds one line at a time, and a crash may cost the last one."""
_SUFFIXES = (".jsonl", ".json", ".ndjson", ".otlp")


class FileSpanProcessor(SpanProcessor):
    """Append the spans of a provider to one file of OTLP JSON lines.

    `path` is a file, or a folder in which each process writes a file of its own. Lines are appended in one write
    each, so that several processes may share a file. The file is made with the first span. `transform` gets every line
    before it is written.
    """

    def __init__(self, path: str, transform: Callable[[bytes], bytes] | None = None) -> None:
        self._transform = transform
        path = os.path.expanduser(path)
        self._folder = os.path.isdir(path) or path.endswith(os.sep) or not path.lower().endswith(_SUFFIXES)
        if os.path.isfile(path):
            self._folder = False
        self._given = os.path.abspath(path)
        self._descriptor: int | None = None
        self._pending: list[tuple[Any, Any, str]] = []
        self._waiting = 0
        self._lock = threading.Lock()
        self.path: str | None = None if self._folder else self._given
        """The file that is written; None for a folder until the first span."""

    def on_end(self, span: ReadableSpan | FileSpan) -> None:
        """Keep the span's text; it is written by `write_pending`, or at once when much is waiting."""
        try:
            text = span_text(span)
        except Exception as error:
            _guard.failed("encode a span for the file", error)
            return
        with self._lock:
            self._pending.append((span.resource, span.instrumentation_scope, text))
            self._waiting += len(text)
            full = self._waiting > LINE_BYTES
        if full:
            self.write_pending()

    def write_pending(self) -> None:
        """Append what is waiting as lines."""
        if not self._pending:
            return
        with self._lock:
            pending, self._pending, self._waiting = self._pending, [], 0
            try:
                for line in lines_of(pending):
                    self._append(line if self._transform is None else self._transformed(line))
            except OSError as error:
                _guard.failed(f"write spans to {self.path}", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.write_pending()
        return True

    def shutdown(self) -> None:
        self.write_pending()
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def forget(self) -> None:
        """In a forked child: the parent writes what was waiting; a folder gets a file of this process."""
        self._lock = threading.Lock()
        self._pending, self._waiting = [], 0
        self._descriptor = None
        if self._folder:
            self.path = None

    def _transformed(self, line: bytes) -> bytes:
        """Return a line as it may be written: nothing, if that cannot be said."""
        assert self._transform is not None
        try:
            return self._transform(line)
        except Exception as error:
            _guard.failed("redact recorded spans, which were not written", error)
            return b""

    def _append(self, line: bytes) -> None:
        if self._descriptor is None:
            self._descriptor = self._open()
        view = memoryview(line)
        with contextlib.nullcontext() if self._folder else exclusive(self._descriptor):  # in a folder, the file is this process's own
            while view:
                view = view[os.write(self._descriptor, view) :]

    def _open(self) -> int:
        if self.path is None:
            os.makedirs(self._given, exist_ok=True)
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            self.path = os.path.join(self._given, f"run-{stamp}-{os.getpid()}-{secrets.token_hex(2)}.jsonl")
        else:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags, 0o600)
        size = os.fstat(descriptor).st_size
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":  # a writer was killed in the middle of a line: do not glue ours to it
                os.write(descriptor, b"\n")
        return descriptor


@contextlib.contextmanager
def exclusive(descriptor: int) -> Any:
    """Hold the file against other processes: a write of many pages is not atomic by itself."""
    if sys.platform == "win32":
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        yield
        return
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


# ---- OTLP JSON ---------------------------------------------------------------------------------

_heads: dict[tuple[int, int], tuple[Any, Any, str]] = {}


def lines_of(pending: Sequence[tuple[Any, Any, str]]) -> list[bytes]:
    """Group spans by resource and scope, in order, into lines of TracesData."""
    lines: list[bytes] = []
    groups: dict[tuple[int, int], list[str]] = {}
    for resource, scope, text in pending:
        key = (id(resource), id(scope))
        if key not in _heads:
            _heads[key] = (resource, scope, _head(resource, scope))  # keeps both alive, so that the ids stay theirs
        groups.setdefault(key, []).append(text)
    for key, texts in groups.items():
        head = _heads[key][2]
        part: list[str] = []
        size = 0
        for text in texts:
            if part and size + len(text) > LINE_BYTES:
                lines.append(_line(head, part))
                part, size = [], 0
            part.append(text)
            size += len(text)
        lines.append(_line(head, part))
    return lines


def _line(head: str, spans: Sequence[str]) -> bytes:
    return f"{head}{','.join(spans)}]}}]}}]}}\n".encode("utf-8", "replace")


def _head(resource: Any, scope: Any) -> str:
    attributes = _attributes(resource.attributes) if resource is not None else ""
    name = encode_basestring(scope.name) if scope is not None else '""'
    version = f',"version":{encode_basestring(scope.version)}' if scope is not None and scope.version else ""
    return f'{{"resourceSpans":[{{"resource":{{"attributes":[{attributes}]}},"scopeSpans":[{{"scope":{{"name":{name}{version}}},"spans":['


def span_text(span: ReadableSpan | FileSpan) -> str:
    """One span as OTLP JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hex, 64-bit integers as text."""
    parent: int | None
    if isinstance(span, FileSpan):
        trace_id, span_id, parent, state = span.trace_id, span.span_id, span.parent_id, span.trace_state
        attributes: Mapping[str, Any] | None = span.attributes
    else:
        context = span.get_span_context()
        assert context is not None
        trace_id, span_id, state = context.trace_id, context.span_id, context.trace_state
        parent = span.parent.span_id if span.parent is not None else None
        attributes = getattr(getattr(span, "_attributes", None), "_dict", span.attributes)  # without a lock taken per attribute
    parts = [f'{{"traceId":"{trace_id:032x}","spanId":"{span_id:016x}"']
    if state and not (len(state) == 1 and "chronicle" in state):  # our own member only repeats the run id
        others = ",".join(f"{key}={value}" for key, value in state.items() if key != "chronicle")
        parts.append(f',"traceState":{encode_basestring(others)}')
    if parent is not None:
        parts.append(f',"parentSpanId":"{parent:016x}"')
    parts.append(f',"name":{encode_basestring(span.name)},"kind":{span.kind.value + 1}')
    parts.append(f',"startTimeUnixNano":"{span.start_time}","endTimeUnixNano":"{span.end_time}"')
    if attributes:
        parts.append(f',"attributes":[{_attributes(attributes)}]')
    if span.events:
        parts.append(f',"events":[{",".join(_event(event) for event in span.events)}]')
    if span.links:
        parts.append(f',"links":[{",".join(_link(link) for link in span.links)}]')
    status = span.status
    if status.status_code.value:
        message = f',"message":{encode_basestring(status.description)}' if status.description else ""
        parts.append(f',"status":{{"code":{status.status_code.value}{message}}}')
    if span.dropped_attributes:
        parts.append(f',"droppedAttributesCount":{span.dropped_attributes}')
    parts.append("}")
    return "".join(parts)


def _event(event: Any) -> str:
    attributes = f',"attributes":[{_attributes(event.attributes)}]' if event.attributes else ""
    return f'{{"timeUnixNano":"{event.timestamp}","name":{encode_basestring(event.name)}{attributes}}}'


def _link(link: Any) -> str:
    attributes = f',"attributes":[{_attributes(link.attributes)}]' if link.attributes else ""
    return f'{{"traceId":"{link.context.trace_id:032x}","spanId":"{link.context.span_id:016x}"{attributes}}}'


def _attributes(attributes: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for key, value in attributes.items():
        prefix = _prefixes.get(key)
        if prefix is None:
            prefix = f'{{"key":{encode_basestring(key)},"value":'
            if len(_prefixes) < 1000:
                _prefixes[key] = prefix
        if type(value) is str:
            parts.append(prefix + _STRING + encode_basestring(value) + "}}")
        elif type(value) is int:
            parts.append(f'{prefix}{{"intValue":"{value}"}}}}')
        else:
            parts.append(f"{prefix}{_any(value)}}}")
    return ",".join(parts)


_STRINGS = frozenset({str})
_STRING = '{"stringValue":'
_NEXT_STRING = '},{"stringValue":'
_prefixes: dict[str, str] = {}
"""How an attribute begins, by its name: names are few and repeat on every span."""


def _any(value: Any) -> str:
    if isinstance(value, str):
        return f'{{"stringValue":{encode_basestring(value)}}}'
    if isinstance(value, bool):
        return f'{{"boolValue":{"true" if value else "false"}}}'
    if isinstance(value, int):
        return f'{{"intValue":"{value}"}}'
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return f'{{"doubleValue":"{"NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}"}}'
        return f'{{"doubleValue":{value!r}}}'
    if isinstance(value, bytes):
        return f'{{"bytesValue":"{base64.b64encode(value).decode()}"}}'
    if isinstance(value, Mapping):
        return f'{{"kvlistValue":{{"values":[{_attributes(cast("Mapping[str, Any]", value))}]}}}}'
    if isinstance(value, Sequence):
        items = cast("Sequence[Any]", value)
        if items and _STRINGS.issuperset(map(type, items)):
            return f'{{"arrayValue":{{"values":[{_STRING}{_NEXT_STRING.join(map(encode_basestring, items))}}}]}}}}'
        return f'{{"arrayValue":{{"values":[{",".join(map(_any, items))}]}}}}'
    return "{}"
