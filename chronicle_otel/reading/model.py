"""Runs and Steps, as read from spans.

span records ──one copy each──► by run id ──► Run ──► Steps with their tree
                                               └──► Resolver: payload text → tree without references, on first use
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.envelope import Envelope
from chronicle_otel.reading.blobs import Blobs, Missing
from chronicle_otel.reading.checks import Checks, check
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.otlp import SpanRecord
from chronicle_otel.values import decode, decode_error, loads
from chronicle_otel.wire import Problem, Resolver, decode_stream, from_attributes

ROOT: Final = 1
"""`chronicle.seq` of a Run's root."""
_UNREAD: Final = object()


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a Run began."""

    kind: str
    name: str
    module: str = ""
    """Module of the function, as it can be imported; empty if unknown."""
    qualname: str = ""
    file: str = ""
    line: int = 0
    digest: str = ""
    """Digest of the function's code."""
    module_digest: str = ""


class Step:
    """One crossing of a boundary, as recorded. Payloads are read when they are asked for."""

    def __init__(self, run: Run, record: SpanRecord, envelope: Envelope) -> None:
        self.run = run
        self.record = record
        self.envelope = envelope
        self.seq = envelope.seq
        self.kind = envelope.kind
        self.name = envelope.name
        self.branch = envelope.branch
        self.lane = envelope.lane
        self.late = envelope.late
        self.start_ns = record.start_ns
        self.end_ns = record.end_ns
        self.span_id = record.span_id
        self.trace_id = record.trace_id
        self.file = record.file
        self.line = record.line
        self.index = 0
        """Which of its kind in the Run it is, from 0, in order of start."""
        self.parent: Step | None = None
        self.children: list[Step] = []
        """In order of start."""
        self.damage: dict[str, str] = dict(envelope.damage)
        """Payload name → why it is not used."""

    def __repr__(self) -> str:
        return f"<Step {self.seq} {self.kind} {self.name}>"

    def tree(self, payload: str) -> Any | None:
        """Return a payload (`semconv.INPUT` …) as a tree without references, or None if there is none intact. Do not change it."""
        if payload not in self.envelope.payloads:
            return None
        return self.run.resolver.resolve(self.seq, payload)

    def _value(self, payload: str) -> Any:
        return decode(self.tree(payload))

    @property
    def form(self) -> str:
        """How it ended: value, error, stream, pending (cancelled from outside), or none if that is not known."""
        if self.tree(semconv.STREAM) is not None:
            return "stream"
        error = self.tree(semconv.ERROR)
        if error is not None:
            name = str(cast("dict[str, Any]", error).get("class", "")) if type(error) is dict else ""
            return "pending" if name.endswith(":CancelledError") else "error"
        return "value" if semconv.OUTPUT in self.envelope.payloads and self._has_output else "none"

    @property
    def _has_output(self) -> bool:
        self.tree(semconv.OUTPUT)
        return semconv.OUTPUT not in self.damage

    @cached_property
    def input(self) -> Any:
        """Arguments by parameter name; of an SDK call `{"method", "path", "body"}`."""
        return self._value(semconv.INPUT)

    @cached_property
    def output(self) -> Any:
        """What was returned; the chunks of a stream as a list; of an SDK call `{"status", "headers", "body", …}` or with "events"."""
        stream = self.stream
        if stream is None:
            return self._value(semconv.OUTPUT)
        chunks = [decode(tree) for _, tree in stream["chunks"]]
        if type(stream["head"]) is not dict or "status" not in stream["head"]:  # a generator; an SDK's stream has a status
            return chunks
        head = decode(stream["head"])
        return {**(head if type(head) is dict else {}), "events": chunks}

    @cached_property
    def error(self) -> BaseException | None:
        """What was raised."""
        tree = self.tree(semconv.ERROR)
        return None if tree is None else decode_error(tree)

    @cached_property
    def stream(self) -> dict[str, Any] | None:
        """`{"head", "chunks": [[ms, tree], …], "end", "consumed"}` of a streamed output."""
        tree = self.tree(semconv.STREAM)
        if tree is None:
            return None
        try:
            return decode_stream(tree)
        except (ValueError, RecursionError) as error:
            self.damage.setdefault(semconv.STREAM, f"not a stream ({error})")
            return None

    @cached_property
    def code(self) -> dict[str, Any]:
        """`{"module", "qualname", "file", "line", "digest", "module_digest"}`, as far as known."""
        return _mapping(self._value(semconv.CODE))

    @cached_property
    def session(self) -> dict[str, Any]:
        """Session variables in force."""
        outer = self.parent.session if self.parent is not None else self.run.session if self.seq != ROOT else {}
        return {**outer, **_mapping(self._value(semconv.SESSION))}

    @cached_property
    def ambient(self) -> dict[str, list[Any]]:
        """Ambient reads of the user's code inside this Step: source → values in order."""
        return {name: value for name, value in _mapping(self._value(semconv.AMBIENT)).items() if isinstance(value, list)}

    @cached_property
    def redactions(self) -> list[dict[str, Any]]:
        """What each redactor that changed this Step says of it: `{"policy", "data", "key", "kcv", "tenant_from", "rules", "opaque"}`."""
        passes = _mapping(self.tree(semconv.REDACTION)).get("passes")
        return [_mapping(each) for each in cast("list[Any]", passes)] if type(passes) is list else []

    @property
    def attributes(self) -> Mapping[str, Any]:
        """All attributes of the span, the semconv view among them."""
        return self.record.attributes


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if type(value) is dict else {}


class Run:
    """The tree of Steps under one root boundary."""

    def __init__(self, run_id: str, source: str, family: dict[str, Run], blobs: Blobs | None = None) -> None:
        self.id = run_id
        self.source = source
        self.steps: list[Step] = []
        """Every Step by `seq`, the root first."""
        self.root: Step = cast("Step", None)
        self.run_start: Step | None = None
        self.partial = False
        """The root span is missing; the root Step was made from the run-start span, as far as there is one."""
        self.traces: frozenset[str] = frozenset()
        self.structure: list[Finding] = []
        self.damage: list[Finding] = []
        """Damage of the source, which may or may not concern this Run."""
        self.unresolved: list[Problem] = []
        self.missing: list[Missing] = []
        """Strings of the external store that are not there."""
        self._family = family
        self._blobs = blobs
        self._by_seq: dict[int, Step] = {}
        self.resolver = Resolver(self._payload)
        self.unresolved = self.resolver.problems

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.entry.name}, {len(self.steps)} steps>"

    def _payload(self, step: Any, payload: str) -> Any | None:
        """Return a payload's tree as recorded; a wrong text becomes damage of its Step."""
        run = self if isinstance(step, int) else self._family.get(step[0])
        if run is None:
            return None
        found = run.step(step if isinstance(step, int) else step[1])
        text = found.envelope.payloads.get(payload) if found is not None else None
        if found is None or text is None:
            return None
        try:
            tree = loads(text)
        except ValueError as error:
            found.damage.setdefault(payload, f"not JSON ({error})")
            return None
        if semconv.BLOB in text:
            return (run._blobs or Blobs()).filled(tree, found.seq, payload, run.missing)  # type: ignore[reportPrivateUsage]  # of this class
        return tree

    def step(self, seq: int) -> Step | None:
        """Return the Step of that `seq`, run-start (0) included."""
        return self._by_seq.get(seq)

    def calls(self, name: str) -> list[Step]:
        """Return the Steps of that boundary name, in order."""
        return [step for step in self.steps if step.name == name]

    @cached_property
    def entry(self) -> Entry:
        """Where the Run began."""
        code = self.root.code
        texts = {name: str(code.get(name) or "") for name in ("module", "qualname", "file", "digest", "module_digest")}
        line = code.get("line")
        return Entry(self.root.kind, self.root.name, line=line if isinstance(line, int) else 0, **texts)

    @cached_property
    def session(self) -> dict[str, Any]:
        """Session variables of the root."""
        return self.root.session

    @cached_property
    def checks(self) -> Checks:
        """What the Run is worth."""
        return check(self)

    @property
    def resource(self) -> Mapping[str, Any]:
        """Resource attributes of the process that recorded it."""
        return self.root.record.resource

    @property
    def flagged(self) -> tuple[str, ...]:
        """Reasons given by `flag`."""
        return self.root.envelope.flagged

    @cached_property
    def parent(self) -> tuple[str, str] | None:
        """(run id, span id) of the Step of another service that called this Run."""
        pair = decode(self.root.tree(semconv.RUN_PARENT))
        if isinstance(pair, list) and len(cast("list[Any]", pair)) == 2 and all(isinstance(part, str) for part in cast("list[Any]", pair)):
            return (pair[0], pair[1])
        return None

    @property
    def replay_of(self) -> str | None:
        """Id of the Run that this one is a replay of."""
        return self.root.envelope.replay_of

    @property
    def start_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self.root.start_ns

    @property
    def end_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self.root.end_ns

    @property
    def started(self) -> str:
        """Start as ISO 8601 in UTC, to the second."""
        try:
            return dt.datetime.fromtimestamp(self.start_ns // 1_000_000_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (OverflowError, ValueError, OSError):
            return "?"


def runs_of(spans: Iterable[SpanRecord], findings: Iterable[Finding] = (), *, source: str = "", blobs: Blobs | None = None) -> list[Run]:
    """Return the Runs that the spans make up, in order of start. `blobs` puts strings of an external store back."""
    merged, differing = _one_copy_each(spans)
    grouped: dict[str, list[tuple[SpanRecord, Envelope]]] = {}
    for record in merged.values():
        envelope = from_attributes(record.attributes)
        if envelope is not None:
            grouped.setdefault(envelope.run, []).append((record, envelope))
    family: dict[str, Run] = {}
    damage = list(findings)
    for run_id, members in grouped.items():
        family[run_id] = _run(members, merged, differing, Run(run_id, source, family, blobs))
        traces = family[run_id].traces
        family[run_id].damage = [finding for finding in damage if not finding.trace or finding.trace in traces]
    return sorted(family.values(), key=lambda run: (run.start_ns, run.id))


_SpanKey = tuple[str, str]


def _one_copy_each(spans: Iterable[SpanRecord]) -> tuple[dict[_SpanKey, SpanRecord], dict[_SpanKey, int]]:
    """Merge copies of a span. Of differing ones that whose sizes fit wins, then one that was redacted."""
    merged: dict[_SpanKey, SpanRecord] = {}
    differing: dict[_SpanKey, int] = {}
    for record in spans:
        place = (record.trace_id, record.span_id)
        known = merged.setdefault(place, record)
        if known is record or known.same_content(record):
            continue
        differing[place] = differing.get(place, 1) + 1
        if _worth(record) > _worth(known):
            merged[place] = record
    return merged, differing


def _worth(record: SpanRecord) -> tuple[bool, bool, int]:
    envelope = from_attributes(record.attributes)
    if envelope is None:
        return (False, False, 0)
    return (not envelope.damage, semconv.REDACTION in envelope.payloads, len(envelope.payloads))


def _run(
    members: list[tuple[SpanRecord, Envelope]],
    spans: Mapping[_SpanKey, SpanRecord],
    differing: Mapping[_SpanKey, int],
    run: Run,
) -> Run:
    run.traces = frozenset(record.trace_id for record, _ in members)
    for record, envelope in sorted(members, key=lambda member: (member[1].seq, member[0].start_ns, member[0].span_id)):
        step = Step(run, record, envelope)
        if step.seq < 0:
            message = f"{step.file} line {step.line}: a span claims to be Step {step.seq}; Steps are counted from 1, it is skipped"
            run.structure.append(Finding("damaged_source", None, message, step.file, step.line))
            continue
        place = (record.trace_id, record.span_id)
        if place in differing:
            message = (
                f"{differing[place]} copies of Step {step.seq} ({step.name}) differ; the one that is whole, then the redacted one, is used"
            )
            run.structure.append(Finding("duplicate_differs", step.seq, message, step.file, step.line))
        if step.seq in run._by_seq:  # type: ignore[reportPrivateUsage]  # built here
            message = f"two spans claim to be Step {step.seq} ({step.name}); the first one is used, {step.file} line {step.line} is not"
            run.structure.append(Finding("duplicate_differs", step.seq, message, step.file, step.line))
            continue
        run._by_seq[step.seq] = step  # type: ignore[reportPrivateUsage]
        if step.seq == 0:
            run.run_start = step
        else:
            run.steps.append(step)
    if ROOT not in run._by_seq:  # type: ignore[reportPrivateUsage]
        _synthesise_root(run, members)
    run.root = run.steps[0]
    _link(run, spans)
    counts: dict[str, int] = {}
    for step in run.steps:
        step.index = counts.get(step.kind, 0)
        counts[step.kind] = step.index + 1
    return run


def _synthesise_root(run: Run, members: list[tuple[SpanRecord, Envelope]]) -> None:
    """Make the root of a Run whose process was killed: inputs and session of its run-start span, no outcome."""
    run.partial = True
    start = run.run_start
    first = start.record if start is not None else min((record for record, _ in members), key=lambda record: record.start_ns)
    end = max(record.end_ns for record, _ in members)
    record = replace(first, span_id=first.parent_span_id if start is not None else "", parent_span_id="", end_ns=end)
    name = start.name if start is not None and start.name != semconv.RUN_START_SPAN else ""
    envelope = (
        replace(start.envelope, seq=ROOT, kind=start.kind or "agent", name=name)
        if start is not None
        else Envelope(kind="agent", name="", run=run.id, seq=ROOT)
    )
    root = Step(run, record, envelope)
    if not root.name:
        code = loads(envelope.payloads[semconv.CODE]) if semconv.CODE in envelope.payloads else {}
        root.name = ".".join(part for part in (str(code.get("module") or ""), str(code.get("qualname") or "")) if part) or "?"
    run.steps.insert(0, root)
    run._by_seq[ROOT] = root  # type: ignore[reportPrivateUsage]  # built here


def _link(run: Run, spans: Mapping[_SpanKey, SpanRecord]) -> None:
    """Give every Step its parent: the one it names, else the nearest span above it that is a Step of this Run."""
    by_span = {(step.trace_id, step.span_id): step for step in run.steps if step.span_id}
    if run.run_start is not None:
        by_span[(run.run_start.trace_id, run.run_start.span_id)] = run.root
    for step in run.steps[1:]:
        parent = run.step(step.envelope.parent) if step.envelope.parent is not None else _above(step, by_span, spans)
        if parent is None or parent is step or _is_below(parent, step):
            message = f"the parent of Step {step.seq} ({step.name}) is not in the recording, so it is taken to be the root"
            run.structure.append(Finding("orphan", step.seq, message, step.file, step.line))
            parent = run.root
        step.parent = parent
        parent.children.append(step)


def _is_below(step: Step, above: Step) -> bool:
    """Say whether a Step hangs below another: spans are hostile input, and a tree must not be a ring."""
    at: Step | None = step
    while at is not None:
        if at is above:
            return True
        at = at.parent
    return False


def _above(step: Step, by_span: Mapping[_SpanKey, Step], spans: Mapping[_SpanKey, SpanRecord]) -> Step | None:
    at = step.record
    for _ in range(1_000):
        place = (at.trace_id, at.parent_span_id)
        if place in by_span:
            return by_span[place]
        above = spans.get(place)
        if above is None or above is at:
            return None
        at = above
    return None
