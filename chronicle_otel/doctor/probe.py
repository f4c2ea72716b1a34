"""What is sent to find out what a pipeline does: spans whose every byte is known.

    ladder   strings of growing length, lists, maps, many attributes, event, link, private values     one trace
    runs     a Run with an error, one that is flagged, 20 that are neither                            a trace each
    sizes    spans of growing size                                                                    a trace each
    whole    spans that together are larger than stores like a trace to be                            one trace

Everything but the 20 plain Runs failed and is flagged, so that a sampler that keeps what is worth it keeps it.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (classes that protobuf makes have no types)

from __future__ import annotations

import functools
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from chronicle_otel import semconv, wire
from chronicle_otel.envelope import Envelope
from chronicle_otel.version import __version__

SERVICE: Final = "chronicle-doctor"
STRINGS: Final = (1_000, 2_049, 4_000, 26_000, 65_600, 260_000)
"""Bytes: below Tempo's cut, above it, above Datadog's 25,000, Honeycomb's 65,535 and Azure's 65,536 and 256 KB."""
SIZES: Final = (500_000, 1_000_000, 2_000_000, 3_000_000, 3_900_000, 5_000_000)
"""Bytes of spans: the largest that a recorder makes has 3 MiB, a receiver takes 4 MiB, our ladder ends above it."""
WHOLE: Final = 12
"""Spans of half a megabyte in one trace: 6 MB, a stock Tempo keeps 5."""
PLAIN: Final = 20
"""Runs that nobody would keep for their own sake: a share of them shows a sampler's."""
ATTRIBUTES: Final = 130
"""On one span: SDKs keep 128."""
NESTED: Final = 4_000
"""Bytes of a string on the resource, in an event, in a link: above Tempo's cut."""
EMAIL: Final = "probe@chronicle-doctor.dev"
CARD: Final = "4539148803436467"
"""Private in form only: the card passes Luhn and is of no reserved range, which redaction would leave alone."""
UNICODE: Final = "Grüße, 世界 🙂 \u200d́ end"
_LETTERS: Final = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True, slots=True)
class Sent:
    """One span as it is sent."""

    part: str
    """ladder, runs/plain, runs/error, runs/flagged, sizes/BYTES, whole."""
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    failed: bool = True
    event: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Attributes of its event, if it has one."""
    link: Mapping[str, Any] = field(default_factory=dict[str, Any])
    message: str = "the probe fails on purpose"
    """Of its status, where it failed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and the spans in it."""

    body: bytes
    spans: tuple[Sent, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """Everything that is sent."""

    id: str
    resource: Mapping[str, Any]
    requests: tuple[Request, ...]
    small: bool

    @property
    def spans(self) -> list[Sent]:
        """All spans, in the order in which they are sent."""
        return [span for request in self.requests for span in request.spans]

    @property
    def bytes(self) -> int:
        """What goes over the wire, unpacked."""
        return sum(len(request.body) for request in self.requests)

    @property
    def traces(self) -> list[str]:
        """Ids of the traces, in order."""
        return list(dict.fromkeys(span.trace_id for span in self.spans))


def words(size: int) -> str:
    """Text of that many bytes: no two neighbourhoods below 800 kB are alike, no word means anything, nothing looks private or secret."""
    text = _alphabet()
    return (text * (size // len(text) + 1))[:size]


@functools.cache
def _alphabet() -> str:
    return "".join(f"{''.join(letters)} " for letters in itertools.product(_LETTERS, repeat=4))


def make(now_ns: int, *, small: bool = False) -> Probe:
    """Make a probe. `small`: without what is large, for vendors who count bytes."""
    identity = os.urandom(8).hex()
    resource = {
        "service.name": SERVICE,
        "service.version": __version__,
        semconv.DOCTOR: identity,
        "doctor.resource": words(NESTED),
        "doctor.resource.private": f"mail to {EMAIL}",
    }
    made = _Making(identity, now_ns, resource)
    requests = [made.request(list(made.ladder(small)))]
    requests += [made.request(list(made.runs()))]
    if not small:
        requests += [made.request([made.sized(size)]) for size in SIZES]
        trace = os.urandom(16).hex()
        requests += [made.request([made.piece(trace, at) for at in range(start, start + 3)]) for start in range(0, WHOLE, 3)]
    return Probe(identity, resource, tuple(requests), small)


class _Making:
    def __init__(self, identity: str, now_ns: int, resource: Mapping[str, Any]) -> None:
        self._identity, self._now, self._resource = identity, now_ns, resource
        self._count = 0

    def _span(self, part: str, name: str, attributes: Mapping[str, Any], trace: str = "", parent: str = "", **more: Any) -> Sent:
        self._count += 1
        start = self._now - 10_000_000_000 + self._count * 1_000_000  # in the past, so that no clock is ahead of a store's
        marked = {semconv.DOCTOR: self._identity, **attributes}
        if more.get("failed", True):
            marked.setdefault(semconv.FLAGGED, ["probe"])
        return Sent(part, name, trace or os.urandom(16).hex(), os.urandom(8).hex(), parent, start, start + 500_000, marked, **more)

    # ---- the ladder

    def ladder(self, small: bool) -> Iterator[Sent]:
        root = self._span("ladder", "chronicle-doctor ladder", {"doctor.unicode": UNICODE})
        below = {"trace": root.trace_id, "parent": root.span_id}
        most = 65_600 if small else STRINGS[-1]
        for size in STRINGS:
            if size <= most:
                yield self._span("ladder", f"string of {size}", {f"doctor.string.{size}": words(size)}, **below)
        yield self._span("ladder", "attributes", {f"doctor.attribute.{at:03d}": at for at in range(ATTRIBUTES)}, **below)
        yield self._span("ladder", "values", _values(), **below)
        nested = {"doctor.nested": words(NESTED), "doctor.nested.private": f"mail to {EMAIL}"}
        yield self._span("ladder", "event and link", {}, event=nested, link=nested, **below)
        private = {"doctor.text": f"mail to {EMAIL}", "doctor.list": ["card", CARD]}
        yield self._span("ladder", f"mail to {EMAIL}", private, message=f"no mail to {EMAIL}", **below)
        yield root

    # ---- Runs

    def runs(self) -> Iterator[Sent]:
        yield from self._run("error", "the probe fails on purpose", steps=True)
        yield from self._run("flagged", None, steps=True)
        for _ in range(PLAIN):
            yield from self._run("plain", None, steps=False)

    def _run(self, kind: str, error: str | None, *, steps: bool) -> Iterator[Sent]:
        part, run, trace = f"runs/{kind}", os.urandom(16).hex(), os.urandom(16).hex()
        question = {"question": f"mail {EMAIL}, card {CARD}"}
        tool = Envelope(
            "tool", "look", run, 2, payloads={semconv.INPUT: _text(question), semconv.OUTPUT: _text(words(20_000 if steps else 200))}
        )
        root = Envelope(
            "agent", SERVICE, run, 1, steps=2, flagged=("probe",) if kind == "flagged" else (), payloads={semconv.INPUT: _text(question)}
        )  # fmt: skip
        ending = {semconv.ERROR: _text({"type": "RuntimeError", "message": error})} if error else {semconv.OUTPUT: _text("done")}
        root.payloads = {**root.payloads, **ending}
        span_id = self._span(part, f"invoke_agent {SERVICE}", wire.to_attributes(root), trace, failed=error is not None)
        attributes = {name: value for name, value in span_id.attributes.items() if name != semconv.FLAGGED or kind == "flagged"}
        top = Sent(part, span_id.name, trace, span_id.span_id, "", span_id.start_ns, span_id.end_ns, attributes, span_id.failed)
        yield self._span(part, "execute_tool look", wire.to_attributes(tool), trace, top.span_id, failed=False)
        yield top

    # ---- what is large

    def sized(self, size: int) -> Sent:
        return self._span(f"sizes/{size}", f"span of {size}", {"doctor.chunks": wire.split(words(size - 3 * size // 1000 - 500))})

    def piece(self, trace: str, at: int) -> Sent:
        return self._span("whole", f"piece {at}", {"doctor.chunks": wire.split(words(498_000))}, trace)

    # ---- as OTLP

    def request(self, spans: list[Sent]) -> Request:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        message = ExportTraceServiceRequest()
        group = message.resource_spans.add()
        _fill(group.resource.attributes, self._resource)
        scope = group.scope_spans.add()
        scope.scope.name, scope.scope.version = SERVICE, __version__
        for each in spans:
            span: Any = scope.spans.add()
            span.name, span.kind = each.name, 1
            span.trace_id, span.span_id = bytes.fromhex(each.trace_id), bytes.fromhex(each.span_id)
            span.parent_span_id = bytes.fromhex(each.parent_id)
            span.start_time_unix_nano, span.end_time_unix_nano = each.start_ns, each.end_ns
            _fill(span.attributes, each.attributes)
            if each.failed:
                span.status.code, span.status.message = 2, each.message
            if each.event:
                event = span.events.add()
                event.name, event.time_unix_nano = "probe", each.start_ns + 1_000
                _fill(event.attributes, each.event)
            if each.link:
                link = span.links.add()
                link.trace_id, link.span_id = b"\x01" * 16, b"\x02" * 8
                _fill(link.attributes, each.link)
        return Request(message.SerializeToString(), tuple(spans))


def _values() -> dict[str, Any]:
    return {
        "doctor.list": ["one", "two"],
        "doctor.chunks": wire.split(words(20_000)),
        "doctor.empty": [],
        "doctor.map": {"a": 1, "b": ["x"]},
        "doctor.bytes": b"\x00\xff",
        "doctor.integer": 2**53 + 1,
        "doctor.float": 0.25,
        "doctor.boolean": True,
    }


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fill(target: Any, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        pair = target.add()
        pair.key = name
        _set(pair.value, value)


def _set(target: Any, value: Any) -> None:
    """Set an AnyValue."""
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        _fill(target.kvlist_value.values, cast("dict[str, Any]", value))
    else:
        target.array_value.SetInParent()
        for item in value:
            _set(target.array_value.values.add(), item)
