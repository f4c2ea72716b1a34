"""Sends a probe to the OTLP endpoint and reads it back, until all of it is there or the wait is over.

probe ──post──► endpoint ──► … ──► store ──read, each trace by its id──► records
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from chronicle_otel.doctor.probe import SERVICE, Probe, Sent
from chronicle_otel.errors import SourceError, UsageError
from chronicle_otel.reading import Finding, Search, SpanRecord
from chronicle_otel.reading.sources import Location, Spans, is_url, parse, read
from chronicle_otel.recording.export.client import Answer, Client, backoff

_TRIES: Final = 4
"""Attempts per request where the endpoint says that it may be repeated: some seconds."""
_PAUSES: Final = (0.5, 1.0, 2.0)
"""Seconds between looks into the store; the last one repeats."""

Key = tuple[str, str]
"""Trace id and span id."""


@dataclass(slots=True)
class Arrived:
    """What came back."""

    answers: list[tuple[Answer, tuple[Sent, ...]]] = field(default_factory=list[tuple[Answer, tuple[Sent, ...]]])
    """What the endpoint said to each request."""
    records: dict[Key, list[SpanRecord]] = field(default_factory=dict[Key, list[SpanRecord]])
    """Copies of each span."""
    findings: list[Finding] = field(default_factory=list[Finding])
    seconds: float = 0.0
    """From the last request to the last look."""
    problem: str = ""
    """What the store said at last, where it did not give a trace."""

    def taken(self) -> list[Sent]:
        """The spans that the endpoint took."""
        return [span for answer, spans in self.answers if answer.taken for span in spans]


def send(
    probe: Probe, client: Client, timeout: float, told: Callable[[str], None] = lambda _: None
) -> list[tuple[Answer, tuple[Sent, ...]]]:
    """Post every request; return what was said to each. `told` hears how far it is."""
    answers: list[tuple[Answer, tuple[Sent, ...]]] = []
    for number, request in enumerate(probe.requests, 1):
        told(f"sending {number} of {len(probe.requests)}")
        answer = Answer(reason="not sent")
        for attempt in range(_TRIES):
            answer = client.post(request.body, timeout)
            if answer.taken or not answer.again or answer.too_large:
                break
            time.sleep(max(answer.after or 0.0, backoff(attempt)) if attempt + 1 < _TRIES else 0)
        answers.append((answer, request.spans))
        if not answer.taken and number == 1 and not answer.too_large:
            break  # nobody there, or it refuses us: the rest would fare no better
    return answers


class Store:
    """Where a probe is read back from: the address of a store, a file, or a folder of files."""

    def __init__(self, source: str) -> None:
        """UsageError for an address that is wrong."""
        if source == "-":
            raise UsageError("doctor: a probe cannot be read back from standard input; name a file or a store")
        self.source = source
        self.location: Location | None = parse(source) if is_url(source) else None
        self.problem = ""
        """What it said at last, where it did not give a trace."""
        self._before = self._sizes()
        if self.location is not None and (self.location.trace or self.location.search):
            raise UsageError(f"{source}: the probe is looked for by its own traces: leave trace id and search out")

    @property
    def kind(self) -> str:
        """tempo, jaeger, …, or file."""
        return self.location.store if self.location is not None else "file"

    def reachable(self) -> None:
        """Ask the store for something. SourceError if it cannot be asked."""
        if self.location is not None:
            read(self.source, Search.of(service=SERVICE, since="1m", limit=1))
        elif not os.path.isdir(os.path.dirname(self.source) or "."):
            raise SourceError(f"no such folder: {os.path.dirname(self.source)}; name the file that a collector writes, or its folder")

    def traces(self, wanted: Iterable[str]) -> Spans:
        """Return what there is of these traces."""
        found = Spans()
        if self.location is None:
            self.problem = "" if os.path.exists(self.source) else f"there is no file {self.source}"
            ids = set(wanted)
            held = self._new()
            found.spans = [span for span in held.spans if span.trace_id in ids]
            return found
        scheme, _, rest = self.source.partition("://")
        path, mark, query = rest.partition("?")
        for trace in wanted:
            try:
                held = read(f"{scheme}://{path.rstrip('/')}/{trace}{mark}{query}")
            except SourceError as error:  # not there yet, or never
                self.problem = str(error)
                continue
            found.spans += held.spans
            found.findings += held.findings
        return found

    def _sizes(self) -> Mapping[str, int]:
        """The files that there are, and how far they go."""
        if self.location is not None:
            return {}
        if os.path.isdir(self.source):
            paths = [os.path.join(folder, name) for folder, _, names in os.walk(self.source) for name in names]
        else:
            paths = [self.source]
        sizes: dict[str, int] = {}
        for path in paths:
            with contextlib.suppress(OSError):
                sizes[path] = os.path.getsize(path)
        return sizes

    def _new(self) -> Spans:
        """Read what was added to the files since this was made; an archive may be large."""
        found = Spans()
        for path, size in self._sizes().items():
            begin = self._before.get(path, 0)
            if size == begin:
                continue
            with contextlib.suppress(SourceError, OSError):
                found.spans += read(path).spans if begin > size or begin == 0 else _tail(path, begin)
        return found


def _tail(path: str, begin: int) -> list[SpanRecord]:
    suffix = "".join(os.path.splitext(path)[1:]) or ".jsonl"
    with open(path, "rb") as file, tempfile.NamedTemporaryFile(suffix=suffix) as part:
        head = file.read(4)
        if head[:1] not in (b"{", b"["):  # packed or binary: it cannot be begun in the middle
            return read(path).spans
        file.seek(begin)
        while data := file.read(1 << 20):
            part.write(data)
        part.flush()
        return read(part.name).spans


def receive(probe: Probe, arrived: Arrived, store: Store, wait: float, told: Callable[[str], None] = lambda _: None) -> None:
    """Look into the store until every span that was taken is there, or for `wait` seconds."""
    awaited: dict[str, set[str]] = {}
    for span in arrived.taken():
        awaited.setdefault(span.trace_id, set()).add(span.span_id)
    began = time.monotonic()
    look = 0
    total = sum(map(len, awaited.values()))
    while True:
        missing = [trace for trace, spans in awaited.items() if any((trace, span) not in arrived.records for span in spans)]
        found = store.traces(missing)
        for trace in missing:
            for span in awaited[trace]:
                arrived.records.pop((trace, span), None)
        for record in found.spans:
            arrived.records.setdefault((record.trace_id, record.span_id), []).append(record)
        arrived.findings = [each for each in arrived.findings if each.trace and each.trace not in missing] + found.findings
        arrived.seconds = time.monotonic() - began
        here = sum((trace, span) in arrived.records for trace, spans in awaited.items() for span in spans)
        told(f"{here} of {total} spans are there")
        if here == total or arrived.seconds >= wait:
            arrived.problem = "" if here == total else store.problem
            return
        time.sleep(min(_PAUSES[min(look, len(_PAUSES) - 1)], max(wait - arrived.seconds, 0.05)))
        look += 1
