"""What a Run is worth, before anything of it is executed. Pure."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.reading.findings import Finding
from chronicle_otel.values import replayable

if TYPE_CHECKING:
    from chronicle_otel.reading.model import Run, Step

NOTICES: Final = frozenset({"redacted", "damaged_source", "late", "partial_trace", "search_limit", "types_lost", "cut_attribute"})
"""Kinds that are worth knowing and take nothing from what the Run is worth: Steps that are missing are found by their numbers."""
_MOST: Final = 1_000_000
"""Steps that are looked for; the count comes from a span and may be anything."""
_LISTED: Final = 20
"""Missing Steps that get a finding of their own; the rest share one."""


@dataclass(frozen=True, slots=True)
class Checks:
    """The findings about a Run."""

    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing is missing, cut or unknown: the Run can be replayed and the replay judged."""
        return all(finding.kind in NOTICES for finding in self.findings)

    def of(self, step: int) -> tuple[Finding, ...]:
        """Return the findings about one Step."""
        return tuple(finding for finding in self.findings if finding.step == step)

    def kinds(self) -> frozenset[str]:
        """Return the kinds of findings that there are."""
        return frozenset(finding.kind for finding in self.findings)

    def __str__(self) -> str:
        return "\n".join(f"{finding.kind}: {finding.message}" for finding in self.findings) or "complete"


def check(run: Run) -> Checks:
    """Look at everything that a Run holds; reads every payload."""
    for step in run.steps:
        for payload in step.envelope.payloads:
            step.tree(payload)
    found = [
        *run.structure,
        *_missing(run),
        *(finding for step in run.steps for finding in _of_step(step)),
        *_references(run),
        *_stored(run),
        *_redaction(run),
        *run.damage,
    ]
    return Checks(tuple(found))


def _missing(run: Run) -> Iterator[Finding]:
    there = {step.seq for step in run.steps}
    count = run.root.envelope.steps
    expected = max(there) if run.partial or count is None else count
    if run.partial:
        reason = "the process was killed, or the span is not exported yet"
        yield Finding("partial", 1, f"the root span is missing: {reason}; what there is can be replayed up to its end")
    elif count is None:
        yield Finding("missing_step", None, "the root does not say how many Steps the Run has, so it cannot be shown to be complete")
    absent = [seq for seq in range(1, min(expected, _MOST) + 1) if seq not in there]
    for seq in absent[:_LISTED]:
        reason = "its span was lost or dropped on the way; look for it in the source, or record again"
        yield Finding("missing_step", seq, f"Step {seq} of {expected} is missing: {reason}")
    if len(absent) > _LISTED:
        yield Finding("missing_step", None, f"{len(absent) - _LISTED} more Steps of {expected} are missing, the last is {absent[-1]}")
    if lost := run.root.envelope.lost:
        reason = "could not be attributed to one of several open Runs; run them one at a time, or pass the context on"
        yield Finding("lost", None, f"{lost} crossings {reason}")


def _of_step(step: Step) -> Iterator[Finding]:
    what = f"Step {step.seq} ({step.name})"
    for payload, reason in step.damage.items():
        if payload == semconv.VERSION:
            yield Finding("version", step.seq, f"{what} was {reason}", step.file, step.line)
        else:
            advice = "raise the limit on attribute length of what stored it, or read another copy"
            yield Finding("truncated", step.seq, f"{payload} of {what} is {reason}; it is not used: {advice}", step.file, step.line)
    if step.kind not in semconv.LIVE_BY_DEFAULT:
        for payload in (semconv.OUTPUT, semconv.STREAM):
            tree = step.tree(payload)
            if tree is not None and not replayable(tree):
                message = f"the output of {what} holds {_first_stand_in(tree)}, so it cannot be served as it was"
                yield Finding("lossy", step.seq, message)
    elif step.parent is None and not replayable(tree := step.tree(semconv.INPUT)):
        message = f"the entry's arguments hold {_first_stand_in(tree)}; give a replay that argument with provide={{name: factory}}"
        yield Finding("lossy", step.seq, message)


def _first_stand_in(tree: Any) -> str:
    """Name the first thing in a tree of which no value can be made."""
    work = [tree]
    while work:
        value = work.pop()
        if type(value) is dict:
            members = cast("dict[str, Any]", value)
            if len(members) == 1:
                (name, content), *_ = members.items()
                if name == semconv.TYPE and type(content) is list and content[:1] == ["?"]:
                    facts: Any = content[1] if len(cast("list[Any]", content)) > 1 else {}
                    return f"an object of type {facts.get('type', '?') if type(facts) is dict else '?'} that could not be recorded"
                if name in (semconv.OPAQUE, semconv.BLOB, semconv.REF):
                    why = cast("dict[str, Any]", content).get("why") if type(content) is dict else None
                    return f"a value that was taken out ({why or name.rpartition('.')[2]})"
            work += reversed(members.values())
        elif type(value) is list:
            work += reversed(cast("list[Any]", value))
    return "a value that could not be recorded"


def _references(run: Run) -> Iterator[Finding]:
    for problem in run.unresolved:
        seq = problem.step if isinstance(problem.step, int) else problem.step[1]
        reason = {
            "lost": f"refers to Step {problem.source}, which is missing or damaged",
            "broken": f"refers to a place in Step {problem.source} that is not there",
            "cycle": f"refers to itself through Step {problem.source}",
            "limit": "is larger than a replay resolves",
            "malformed": "holds a reference that is none",
        }.get(problem.kind, problem.kind)
        yield Finding("unresolved", seq, f"{problem.payload} of Step {seq} {reason}; that part of it is unknown")


def _stored(run: Run) -> Iterator[Finding]:
    for missing in run.missing:
        yield Finding("missing_blob", missing.step, f"a value in {missing.payload} of Step {missing.step} is unknown: it {missing.reason}")


def _redaction(run: Run) -> Iterator[Finding]:
    policies: set[str] = set()
    keys: set[str] = set()
    for step in run.steps:
        for facts in step.redactions:
            policies.add(str(facts.get("policy", "?")))
            keys.add(str(facts.get("kcv", "?")))
    if policies:
        yield Finding("redacted", None, f"redacted with policy {', '.join(sorted(policies))}; what looks like personal data are pseudonyms")
    if len(keys) > 1:
        reason = "so one person has several pseudonyms in it; redact all Steps of a Run with one key"
        yield Finding("mixed_keys", None, f"Steps were redacted with {len(keys)} keys (check values {', '.join(sorted(keys))}), {reason}")
