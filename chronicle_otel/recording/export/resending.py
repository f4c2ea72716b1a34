"""Posting files of OTLP JSON lines to an endpoint: unsent spans of a process, or any recording.

    line ──► message ──► spans with their resource and scope ──cut by bytes──► request ──taken──► FILE.sent: how far it is

Interrupted, it goes on behind the last request that was taken: at most that one is sent twice. A span too large for a
receiver is made to fit as when it is recorded; what cannot be sent is named and stays in its file.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (lines are Any; every isinstance on one makes the checker see a container of Unknown)

from __future__ import annotations

import base64
import contextlib
import functools
import gzip
import json
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ... import semconv, wire
from ...errors import SourceError
from ..budget import shrink, size_of
from ..file_exporter import exclusive
from . import protobuf
from .client import Answer, Client, backoff
from .sender import BATCH_BYTES, exporting

SENT = ".sent"
"""What stands beside a file: how far it was sent, and where to."""
_SHOWN = 5
"""Things left out that are named; more of them are counted."""


class Stopped(Exception):
    """The endpoint does not take what is offered; what was not taken is where it was."""


@dataclass(slots=True)
class Outcome:
    """What became of the files."""

    endpoint: str
    files: list[str] = field(default_factory=list[str])
    """Sent to the end by this call."""
    earlier: list[str] = field(default_factory=list[str])
    """Sent to the end before; nothing was done."""
    deleted: list[str] = field(default_factory=list[str])
    spans: int = 0
    requests: int = 0
    bytes: int = 0
    rejected: int = 0
    """Spans that the endpoint threw away out of requests that it took."""
    messages: list[str] = field(default_factory=list[str])
    """What it said to that."""
    left_out: list[str] = field(default_factory=list[str])
    """Lines and spans that cannot be sent, with the reason; the first five."""
    left_out_total: int = 0
    """How many there are."""
    stopped: str = ""
    """Why it ended before the end."""

    @property
    def complete(self) -> bool:
        """Everything that there was has arrived."""
        return not (self.stopped or self.rejected or self.left_out)

    def leave_out(self, what: str) -> None:
        """Name what cannot be sent, as long as it is not too much."""
        self.left_out_total += 1
        if len(self.left_out) < _SHOWN:
            self.left_out.append(what)


@dataclass(frozen=True, slots=True)
class Converted:
    """What is no file of OTLP JSON lines, made into such lines by who can read it."""

    name: str
    path: str | None
    """The file, if it is one; it is sent whole or not at all."""
    read: Callable[[], tuple[Iterable[bytes], Sequence[str]]]
    """Lines, and what could not be read."""


def files_of(paths: Sequence[str], wanted: Callable[[str], bool]) -> list[str]:
    """List the files of paths and folders, in order; of a folder those of `wanted` names. SourceError where there is none."""
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            names = sorted(name for name in os.listdir(path) if wanted(name))
            found += [full for name in names if os.path.isfile(full := os.path.join(path, name))]
        elif os.path.isfile(path):
            found.append(path)
        else:
            raise SourceError(f"{path} is not there: name a recording, a folder of them, or a store")
    return found


def is_lines(path: str) -> bool:
    """Say whether a file is OTLP JSON lines, plain or gzip, which are sent as they stand, also while a process is writing them."""
    try:
        with _opened(path) as file:
            first = next((line for line in file if line.strip()), b"{}")
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False
    with contextlib.suppress(ValueError, RecursionError):
        tree = json.loads(first)
        return tree == {} or (isinstance(tree, dict) and isinstance(tree.get("resourceSpans", tree.get("batches")), list))
    return first.startswith((b'{"resourceSpans":', b'{"batches":')) and not first.endswith(b"\n")


class Resender:
    """Sends files through a client, one request at a time."""

    def __init__(
        self, client: Client, where: str, *, span_bytes: int, retry_seconds: float, again: bool = False, delete: bool = False
    ) -> None:
        """`again`: from the start, whatever was sent before. `delete`: remove files of which everything has arrived."""
        self._client = client
        self._span_bytes = span_bytes
        self._retry_seconds = retry_seconds
        self._again = again
        self._delete = delete
        self._largest = BATCH_BYTES
        self._whole = True
        self._left = False
        self._before = (0, 0)
        self.outcome = Outcome(where)

    def send(self, sources: Sequence[str | Converted], told: Callable[[str], None] = lambda _text: None) -> Outcome:
        """Send all of them; `told` hears how far it is. Ends at the first request that the endpoint does not take."""
        with exporting():
            try:
                for source in sources:
                    if isinstance(source, Converted):
                        self._converted(source, told)
                    else:
                        self._file(source, told)
            except Stopped as reason:
                self.outcome.stopped = str(reason)
        return self.outcome

    # ---- a file

    def _file(self, path: str, told: Callable[[str], None]) -> None:
        outcome = self.outcome
        begin, self._whole, self._left = (0, True, False) if self._again else self._sent_before(path)
        before = outcome.spans
        self._before = (outcome.rejected, outcome.left_out_total)
        while True:
            at = self._from(path, begin, told)
            if self._finished(path, at, remove=self._delete and self._all_arrived()):
                break
            begin = at  # a process is still writing to it
        if self._something_left():  # it is not "sent": a second call says so again
            self._unmark(path)
        (outcome.files if outcome.spans > before or begin == 0 else outcome.earlier).append(path)

    def _converted(self, source: Converted, told: Callable[[str], None]) -> None:
        """Send what was made into lines. A file gets its mark only when all of it has arrived."""
        outcome, path = self.outcome, source.path
        size = os.path.getsize(path) if path is not None else 0
        begin, self._whole, self._left = (0, True, False) if self._again or path is None else self._sent_before(path)
        self._before = (outcome.rejected, outcome.left_out_total)
        before = outcome.spans
        if not size or begin < size:
            self._whole = True
            lines, problems = source.read()
            for problem in problems:
                outcome.leave_out(problem)
            batch = _Batch()
            for number, line in enumerate(lines, 1):
                for head, span in self._spans(source.name, number, line):
                    batch = self._added(batch, head, span, lambda: told(f"{source.name}: {outcome.spans} spans"))
            if batch.spans:
                self._post(batch)
        (outcome.files if outcome.spans > before or begin == 0 else outcome.earlier).append(source.name)
        if path is None or self._something_left():
            return
        self._note(path, size)
        self._finished(path, size, remove=self._delete and self._all_arrived())

    def _added(self, batch: _Batch, head: bytes, span: bytes, posted: Callable[[], None]) -> _Batch:
        """Add a span to a batch that has room for it: this one, or a new one after this one was sent."""
        if batch.spans and batch.size + len(head) + len(span) > self._largest:
            self._post(batch)
            posted()
            batch = _Batch()
        batch.add(head, span)
        return batch

    def _from(self, path: str, begin: int, told: Callable[[str], None]) -> int:
        """Send what a file holds behind `begin`; return how far that is."""
        batch = _Batch()
        at = begin
        try:
            for number, line, end in _lines(path, begin):
                for head, span in self._spans(path, number, line):
                    batch = self._added(batch, head, span, functools.partial(self._so_far, path, at, told))
                at = end
        except (EOFError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
                raise
            self.outcome.leave_out(f"{path}: the compressed file ends early or is damaged")
        if batch.spans:
            self._post(batch)
        self._note(path, at)
        return at

    def _so_far(self, path: str, at: int, told: Callable[[str], None]) -> None:
        self._note(path, at)
        told(f"{os.path.basename(path)}: {self.outcome.spans} spans")

    def _spans(self, path: str, number: int, line: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the spans of a line, each with the beginning of the request that it belongs to."""
        if not line.strip():
            return
        try:
            message = _message(line)
        except (ValueError, RecursionError, TypeError, AttributeError) as error:
            self.outcome.leave_out(f"{path} line {number}: not a line of OTLP JSON spans ({str(error)[:80]})")
            return
        for resource in message.resource_spans:
            about = resource.resource.SerializeToString()
            for scope in resource.scope_spans:
                head = _head(about, resource.schema_url, scope.scope.SerializeToString(), scope.schema_url)
                for span in scope.spans:
                    if span.ByteSize() > self._span_bytes:
                        _fit(span, self._span_bytes)
                    if span.ByteSize() > self._span_bytes:
                        self.outcome.leave_out(f"{path} line {number}: span {span.name[:80]!r} of {span.ByteSize():,} bytes is too large")
                        continue
                    yield head, protobuf.element(span.SerializeToString())

    # ---- a request

    def _post(self, batch: _Batch) -> None:
        body = batch.body()
        began = time.monotonic()
        attempt = 0
        while True:
            answer = self._client.post(body, getattr(getattr(self._client, "endpoint", None), "timeout", 10.0))
            if answer.taken:
                self._taken(batch, body, answer)
                return
            if answer.too_large and batch.spans > 1:
                self._largest = max(len(body) // 2, 64 * 1024)
                for half in batch.halves():
                    self._post(half)
                return
            pause = max(answer.after or 0.0, backoff(attempt))
            attempt += 1
            if not answer.again or time.monotonic() - began + pause > self._retry_seconds:
                raise Stopped(f"{self.outcome.endpoint} does not take spans: {answer.reason}")
            time.sleep(pause)

    def _taken(self, batch: _Batch, body: bytes, answer: Answer) -> None:
        outcome = self.outcome
        outcome.spans += batch.spans - answer.rejected
        outcome.requests += 1
        outcome.bytes += len(body)
        outcome.rejected += answer.rejected
        if answer.message and answer.message not in outcome.messages and len(outcome.messages) < 20:
            outcome.messages.append(answer.message)

    # ---- how far a file is

    def _all_arrived(self) -> bool:
        return self._whole and self._before == (self.outcome.rejected, self.outcome.left_out_total)

    def _something_left(self) -> bool:
        return self._left or self.outcome.left_out_total > self._before[1]

    def _unmark(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path + SENT)

    def _sent_before(self, path: str) -> tuple[int, bool, bool]:
        """How far a file was sent to this endpoint before, whether all of that has arrived, and whether something was left out."""
        try:
            with open(path + SENT, "rb") as file:
                facts = json.loads(file.read(4096))
            begin, whole, left = facts["bytes"], facts["whole"] is True, facts.get("left") is True
            if facts["endpoint"] != self.outcome.endpoint or not isinstance(begin, int) or begin <= 0:
                return 0, True, False
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return 0, True, False
        return begin, whole, left

    def _note(self, path: str, at: int) -> None:
        part = f"{path}{SENT}.part"
        with open(part, "w", encoding="utf-8") as file:
            whole, left = self._all_arrived(), self._something_left()
            json.dump({"bytes": at, "endpoint": self.outcome.endpoint, "whole": whole, "left": left}, file)
        os.replace(part, path + SENT)

    def _finished(self, path: str, at: int, *, remove: bool) -> bool:
        """Say whether nothing was written behind `at`; remove the file then, if that is wanted."""
        if path.endswith(".gz"):
            grown = False
            if remove:
                os.unlink(path)
        else:
            with open(path, "rb") as file, exclusive(file.fileno()):  # who writes to it holds the same lock
                grown = os.fstat(file.fileno()).st_size > at and _ends_whole(file)
                if remove and not grown and os.fstat(file.fileno()).st_size == at:
                    os.unlink(path)
        if remove and not os.path.exists(path):
            self.outcome.deleted.append(path)
            self._unmark(path)
        return not grown


def _ends_whole(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _opened(path: str) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb"))


def _lines(path: str, begin: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield number, line and the offset behind it. A last line without its end is still being written, unless it is JSON already."""
    with _opened(path) as file:
        at = 0
        for number, line in enumerate(file, 1):
            at += len(line)
            if at > begin and (line.endswith(b"\n") or line.rstrip().endswith(b"}")):
                yield number, line, at


class _Batch:
    """Spans of one request, grouped by what they have in common."""

    def __init__(self) -> None:
        self.spans = 0
        self.size = 0
        self._groups: list[tuple[bytes, list[bytes]]] = []

    def add(self, head: bytes, span: bytes) -> None:
        if not self._groups or self._groups[-1][0] != head:
            self._groups.append((head, []))
            self.size += len(head) + 24
        self._groups[-1][1].append(span)
        self.spans += 1
        self.size += len(span)

    def body(self) -> bytes:
        """The request: a `ResourceSpans` for each group."""
        parts: list[bytes] = []
        for head, spans in self._groups:
            content = _of_group(head, spans)
            parts += (b"\x0a", protobuf.varint(len(content)), content)
        return b"".join(parts)

    def halves(self) -> tuple[_Batch, _Batch]:
        """Two batches with about half of the spans each."""
        made = (_Batch(), _Batch())
        seen = 0
        for head, spans in self._groups:
            for span in spans:
                made[seen * 2 >= self.spans].add(head, span)
                seen += 1
        return made


def _head(resource: bytes, resource_url: str, scope: bytes, scope_url: str) -> bytes:
    """What a group has in common, as one value: `ResourceSpans` without its spans, and where they belong."""
    parts = [protobuf.tagged(b"\x0a", resource)]
    if resource_url:
        parts.append(protobuf.tagged(b"\x1a", protobuf.text(resource_url)))
    inner = [protobuf.tagged(b"\x0a", scope)]
    if scope_url:
        inner.append(protobuf.tagged(b"\x1a", protobuf.text(scope_url)))
    outer, own = b"".join(parts), b"".join(inner)
    return len(outer).to_bytes(4, "big") + outer + own


def _of_group(head: bytes, spans: Sequence[bytes]) -> bytes:
    cut = 4 + int.from_bytes(head[:4], "big")
    scope_spans = head[cut:] + b"".join(spans)
    return head[4:cut] + protobuf.tagged(b"\x12", scope_spans)


# ---- a line --------------------------------------------------------------------------------------


def _message(line: bytes) -> ExportTraceServiceRequest:
    """A line of OTLP JSON as the message that is sent; ValueError if it is none."""
    from google.protobuf import json_format

    tree = json.loads(line)
    if not isinstance(tree, dict):
        raise ValueError("not an object")
    resources = tree.get("resourceSpans", tree.get("batches"))
    if not isinstance(resources, list):
        raise ValueError("no resourceSpans in it")
    for resource in resources:
        for scope in resource.get("scopeSpans") or ():
            for span in scope.get("spans") or ():
                _ids(span, ("traceId", "spanId", "parentSpanId"))
                for link in span.get("links") or ():
                    _ids(link, ("traceId", "spanId"))
    return json_format.ParseDict({"resourceSpans": resources}, ExportTraceServiceRequest(), ignore_unknown_fields=True)


def _ids(tree: Any, names: Sequence[str]) -> None:
    """OTLP writes ids in hex where protobuf's JSON has base64."""
    for name in names:
        value = tree.get(name)
        if isinstance(value, str) and len(value) in (16, 32):
            with contextlib.suppress(ValueError):
                tree[name] = base64.b64encode(bytes.fromhex(value)).decode()


def _fit(span: Any, limit: int) -> None:
    """Take the largest strings out of a span's payloads, as `recording.export.fitting` does when it is recorded."""
    attributes = {attribute.key: attribute for attribute in span.attributes}
    payloads = {
        name: value.string_value or "".join(item.string_value for item in value.array_value.values)
        for name in semconv.PAYLOADS
        if name in attributes and (value := attributes[name].value)
    }
    beside = span.ByteSize() - sum(map(size_of, payloads.values()))
    for name, text in shrink(payloads, limit - beside - 4096).items():
        if text is payloads[name]:
            continue
        pieces = wire.split(text)
        attributes[name].value.Clear()
        if isinstance(pieces, str):
            attributes[name].value.string_value = pieces
        else:
            for piece in pieces:
                attributes[name].value.array_value.values.add().string_value = piece
        size = attributes.get(name + semconv.SIZE_SUFFIX)
        if size is not None:
            size.value.int_value = size_of(text)
