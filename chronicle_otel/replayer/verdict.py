"""From what happened to what it means: divergences with their causes, notes, and the verdict.

RunLog ──► findings in order of time ──► causes ──► Result
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import semconv, values
from . import view
from .causes import Causes
from .compare import Difference, is_items
from .counterparts import ALIAS, CHANGED, MOVED, UNKNOWN, Recorded
from .log import AMBIENT, REDACTION, Happened, RunLog, shown
from .refusal import raised_by_replay
from .result import NO_VALUE, Divergence, Note, Outcome, RanLive, Result, Served, StepRef, strongest
from .similarity import MODEL_KINDS

_REDACTED = (
    "the recording is redacted, and this depends on a pseudonym (its last digits, its order, its domain): nobody can tell what the "
    "value would have given; run it with the real values inside `replaying(run)`, or let them through in the policy"
)
_EXCUSED: dict[str | None, str] = {AMBIENT: "times and ids", REDACTION: "pseudonyms"}


@dataclass(slots=True)
class _Found:
    """A divergence or note with the moment at which it became visible."""

    at: float
    entry: Divergence | Note


@dataclass(slots=True)
class _Findings:
    divergences: list[_Found] = field(default_factory=list[_Found])
    notes: list[_Found] = field(default_factory=list[_Found])


def ref_of(happened: Happened) -> StepRef:
    """Name a crossing by its recorded counterpart, else by itself."""
    r = happened.recorded
    if r is not None:
        return recorded_ref(r)
    return StepRef(happened.node.kind, happened.node.name, happened.index, happened.seq, recorded=False)


def recorded_ref(r: Recorded) -> StepRef:
    """Name a recorded Step."""
    return StepRef(r.kind, r.name, r.step.index, r.seq)


def stray_divergence(happened: Happened) -> Divergence:
    """A crossing that belongs to no Run."""
    return Divergence("unexpected_step", ref_of(happened), live=happened.node.tree, text=happened.refusal or "", count=1 + happened.repeats)


def judge(log: RunLog, *, strict: bool, assertion: Any, plan: Any) -> Result:
    """Turn the log of one Run into its result."""
    _lanes_at_the_end(log)
    causes = Causes(log)
    found = _Findings()
    for happened in log.happened:
        _refusal(log, happened, causes, found)
        _inputs(happened, causes, found, strict)
        _outputs(log, happened, causes, found, strict)
        _place_notes(happened, found)
    _missing(log, causes, found)
    _order(log, found)
    _addresses(log, found)
    for number, (address, library) in enumerate(log.bystanders.items()):
        text = f"a background thread of {library} was kept from reaching it; it is no part of the run"
        found.notes.append(_Found(0, Note("blocked", StepRef("network", address, number, 0, recorded=False), text=text)))
    if log.started and log.root.step.form == "none":
        text = "the recording has no end (the process was killed, or attributes were dropped): how this run ended could not be compared"
        found.notes.append(_Found(0, Note("not_recorded", recorded_ref(log.root), text=text)))
    divergences = [f.entry for f in sorted(found.divergences, key=lambda f: f.at) if isinstance(f.entry, Divergence)]
    notes = [f.entry for f in sorted(found.notes, key=lambda f: f.at) if isinstance(f.entry, Note)]
    result = Result(
        verdict="reproduced",
        run=log.run.id,
        entry=log.root.name,
        divergences=divergences,
        notes=notes,
        served=[
            Served(ref_of(h) if h.recorded else _own_ref(h), h.node.level or CHANGED, h.node.ambiguous, h.stale)
            for h in log.happened
            if not h.node.live and h.form != "refused" and h.node.kind != "network"
        ],
        ran_live=[RanLive(ref_of(h), h.recorded is None, h.code_changed) for h in log.happened if h.node.live and h.form != "refused"],
        refused=[ref_of(h) for h in log.happened if h.form == "refused"],
        unused=[recorded_ref(r) for r in _unused(log)],
        outcome=_outcome(log),
        checks=log.run.checks,
        outcome_tree=log.root_happened.output if log.root_happened is not None else None,
        recorded_view=view.recorded_view(log.run),
        view=view.replayed_view(log.happened),
    )
    _warn(log, result, plan)
    _decide(log, result, assertion)
    return result


def _own_ref(happened: Happened) -> StepRef:
    return StepRef(happened.node.kind, happened.node.name, happened.index, happened.seq, recorded=False)


# ---- findings ----------------------------------------------------------------------------------


def _refusal(log: RunLog, h: Happened, causes: Causes, found: _Findings) -> None:
    nearest = h.node.nearest
    if h.form == "refused" and h.refusal is not None:
        diff: Sequence[Difference] = ()
        if nearest is not None and nearest.tree is not UNKNOWN and h.refusal_kind == "unexpected_step":
            diff = causes.between(nearest.tree, h.node.tree)
        found.divergences.append(
            _Found(
                h.node.order,
                Divergence(
                    h.refusal_kind,
                    ref_of(h),
                    live=h.node.tree,
                    recorded=nearest.tree if nearest is not None and nearest.tree is not UNKNOWN else NO_VALUE,
                    diff=tuple(diff),
                    cause=causes.of_call(h),
                    text=h.refusal,
                    nearest=recorded_ref(nearest) if nearest is not None else None,
                    likeness=h.node.likeness,
                    count=1 + h.repeats,
                ),
            )
        )
    elif h.node.evicted and not h.node.live:
        text = "it was given an answer that belonged to a later call of just this input; the recording has none for it"
        found.divergences.append(
            _Found(
                h.node.order, Divergence("unexpected_step", _own_ref(h), live=h.node.tree, text=text, cause=causes.of_call(h), stale=True)
            )
        )


def _inputs(h: Happened, causes: Causes, found: _Findings, strict: bool) -> None:
    if not h.input_differences or h.node.evicted or h.form == "refused" or h.recorded is None:
        return
    recorded = h.recorded.tree
    differences = tuple(h.input_differences)
    if not shown(h.input_excuse, strict=strict):
        text = f"its input differs only in {_EXCUSED[h.input_excuse]}"
        found.notes.append(_Found(h.node.order, Note("input_changed", ref_of(h), recorded, h.node.tree, differences, h.input_excuse, text)))
        return
    cause, explained = causes.of_input(h) if h.input_excuse is None else (h.input_excuse, False)
    text = "it is called with another input than recorded" + ("; its recorded answer was served" if not h.node.live else "")
    entry = Divergence(
        "input_changed",
        ref_of(h),
        recorded,
        h.node.tree,
        differences,
        cause,
        text,
        stale=h.stale,
        explained=explained,
        likeness=h.node.likeness,
    )
    found.divergences.append(_Found(h.node.order, entry))


def _outputs(log: RunLog, h: Happened, causes: Causes, found: _Findings, strict: bool) -> None:
    if not h.output_differences or h.output_kind is None or h.node.evicted or h.recorded is None:
        return
    step = h.recorded.step
    recorded = step.tree(semconv.ERROR) if step.form == "error" else step.tree(semconv.OUTPUT)
    differences = tuple(h.output_differences)
    at = h.ended_at or h.node.order
    if not shown(h.output_excuse, strict=strict):
        text = f"what it returned differs only in {_EXCUSED[h.output_excuse]}"
        found.notes.append(_Found(at, Note(h.output_kind, ref_of(h), recorded, h.output, differences, h.output_excuse, text)))
        return
    cause, explained = causes.of_output(h) if h.output_excuse is None else (h.output_excuse, False)
    text = (
        "it raised, or no longer raises, what it did when recorded"
        if h.output_kind == "error_changed"
        else "it returned something else than recorded"
    )
    if h is log.root_happened:
        text = text.replace("it ", "the run ", 1)
    found.divergences.append(
        _Found(at, Divergence(h.output_kind, ref_of(h), recorded, h.output, differences, cause, explained=explained, text=text))
    )


def _place_notes(h: Happened, found: _Findings) -> None:
    notes: list[tuple[str, str]] = list(h.notes)
    if h.node.kind != "network" and h.form != "refused":
        if h.node.live and h.recorded is None:
            notes.append(("added", "it ran live, and the recording does not have it"))
        if h.node.level == MOVED and not h.node.evicted:
            notes.append(("moved", "the same call is at another place of the recording"))
        if h.node.level == ALIAS:
            notes.append(("alias", "it is equal but for pseudonyms"))
        if h.node.ambiguous:
            notes.append(("ambiguous", "several recorded answers were possible, and they differ"))
        if h.cancelled and not h.node.live and h.form not in ("pending", "stream"):
            notes.append(("cancelled", "it was cancelled while it waited for its turn; it was not when recorded"))
        if (counts := _read_less(h)) is not None:
            taken, recorded = counts
            text = f"the code stops reading it after {taken} of the {recorded} chunks that were read when it was recorded"
            notes.append(("read_less", text))
    for kind, text in notes:
        found.notes.append(_Found(h.node.order, Note(kind, ref_of(h), text=text)))


def _addresses(log: RunLog, found: _Findings) -> None:
    """Say once that a request has other options where it goes to another host: frameworks decide on options by the address."""
    for h in log.happened:
        options = [d for d in h.input_differences if len(d.path) == 2 and d.path[0] == "body" and d.op != "changed"]
        now = h.server.partition(":")[0]
        if not options or not now or h.recorded is None:
            continue
        then = h.recorded.step.attributes.get(semconv.SERVER_ADDRESS)
        if isinstance(then, str) and then not in ("", now):
            text = (
                f"it asked {then} when it was recorded and would ask {now} now, and frameworks give each address other options: "
                "replay with the base URL of the recording (such as OPENAI_BASE_URL), which is not reached"
            )
            found.notes.append(_Found(h.node.order, Note("other_address", ref_of(h), text=text)))
            return


def _read_less(h: Happened) -> tuple[int, int] | None:
    """How many chunks of a stream were taken, and how many when it was recorded, where the code now leaves it earlier."""
    r = h.recorded
    if r is None or r.step.form != "stream" or h.form != "stream" or h.boundary.sdk is not None or semconv.STREAM in r.step.damage:
        return None
    decoded: dict[str, Any] = r.step.stream or {"chunks": []}
    recorded = len(decoded["chunks"])
    taken = (len(h.output) if is_items(h.output) and h.cancelled else recorded) if h.node.live else h.consumed
    return (taken, recorded) if taken < recorded else None


def _missing(log: RunLog, causes: Causes, found: _Findings) -> None:
    if not log.started:
        found.divergences.append(
            _Found(0, Divergence("missing_step", recorded_ref(log.root), recorded=log.root.tree, text="the entry was never called"))
        )
        return
    missing, unwrapped = log.matcher.missing()
    before_the_end = max((h.ended_at or h.node.order for h in log.happened), default=0) - 0.5
    later = sorted((h.recorded.seq, h.node.order) for h in log.happened if h.recorded is not None)

    def moment(r: Recorded) -> float:
        """Where it would have been: before the next recorded Step that was asked for."""
        return min((order - 0.5 for seq, order in later if seq > r.seq), default=before_the_end)

    for r in missing:
        tree = r.tree if r.tree is not UNKNOWN else NO_VALUE
        below = sum(1 for _ in _all_below(r))
        text = "nobody asked for it" + (f", nor for the {below} below it" if below else "")
        found.divergences.append(
            _Found(moment(r), Divergence("missing_step", recorded_ref(r), recorded=tree, text=text, cause=causes.of_missing(r)))
        )
    for r in unwrapped:
        found.notes.append(_Found(moment(r), Note("removed", recorded_ref(r), text="this wrapper is gone; what ran inside it still runs")))


def _all_below(r: Recorded) -> Iterable[Recorded]:
    for child in r.children:
        yield child
        yield from _all_below(child)


def _unused(log: RunLog) -> Iterable[Recorded]:
    """Recorded Steps that were neither used nor hidden below one that was answered."""
    if not log.started:
        return [r for r in log.matcher.steps if r is not log.root]
    missing, unwrapped = log.matcher.missing()
    return sorted([*missing, *unwrapped, *(d for r in missing for d in _all_below(r))], key=lambda r: r.seq)


def _order(log: RunLog, found: _Findings) -> None:
    """Equal calls in another order than recorded, per place and lane: those outside a longest run in recorded order."""
    groups: dict[Any, list[Happened]] = {}
    for h in log.happened:
        if h.recorded is not None and h.node.level == "exact" and h is not log.root_happened:
            parent = h.recorded.parent
            groups.setdefault((parent.seq if parent else 0, h.node.branch, h.node.lane), []).append(h)
    for group in groups.values():
        kept = _longest_increasing([h.recorded.seq for h in group if h.recorded is not None])
        for at, h in enumerate(group):
            if at not in kept:
                text = "it is asked for in another order than recorded"
                found.notes.append(_Found(h.node.order, Note("order_changed", ref_of(h), text=text)))


def _longest_increasing(numbers: Sequence[int]) -> set[int]:
    tails: list[int] = []
    tail_at: list[int] = []
    previous: list[int] = []
    for at, number in enumerate(numbers):
        length = bisect.bisect_left(tails, number)
        previous.append(tail_at[length - 1] if length else -1)
        tails[length : length + 1] = [number]
        tail_at[length : length + 1] = [at]
    kept: set[int] = set()
    at = tail_at[-1] if tail_at else -1
    while at >= 0:
        kept.add(at)
        at = previous[at]
    return kept


def _lanes_at_the_end(log: RunLog) -> None:
    """Where the code starts another number of concurrent children than recorded, lanes decided nothing."""
    recorded: dict[tuple[int, str], set[str]] = {}
    for r in log.matcher.steps:
        if r.lane is not None and r.parent is not None:
            recorded.setdefault((r.parent.seq, r.lane.rpartition("#")[0]), set()).add(r.lane)
    for h in log.happened:
        if h.node.by_lane and h.node.lane is not None:
            place = (log.matcher.scope(h.node) or log.root).seq, h.node.lane.rpartition("#")[0]
            if len(log.lanes.get(place, ())) != len(recorded.get(place, ())) and log.matcher.decided_by_lane(h.node):
                h.node.ambiguous = True


# ---- outcome and verdict -----------------------------------------------------------------------


def _outcome(log: RunLog) -> Outcome:
    root = log.root_happened
    if root is None or root.form is None:
        return Outcome(ended=False)
    stale = tuple(ref_of(h) for h in log.happened if h.stale)
    value = values.decode(root.output) if root.form == "stream" else root.value
    return Outcome(value, root.error, stale)


def _warn(log: RunLog, result: Result, plan: Any) -> None:
    if log.problem is None and log.started and not any(h.node.live for h in log.happened):
        result.warnings.append("no code under test ran: everything was answered from the recording, so this replay proves nothing")
    stubbed: dict[tuple[str, str], None] = {}
    for h in log.happened:
        if h.code_changed and not h.node.live:
            stubbed[h.node.kind, h.node.name] = None
    for kind, name in stubbed:
        result.warnings.append(
            f'{kind} {name} changed since the recording and did not run: live=["{kind}:{name}"] runs it (--live {kind}:{name})'
        )
    known = {(s.kind, s.name) for s in log.run.steps} | {(h.node.kind, h.node.name) for h in log.happened}
    for kind, glob in plan.patterns:
        if not any(kind == k and view.named(name, glob) for k, name in known):
            names = sorted({name for k, name in known if k == kind})
            there = f"; there are {', '.join(names)}" if names else f"; there is no {kind} at all"
            result.warnings.append(f'live="{kind}:{glob}" fits no boundary of this run{there}')


def _decide(log: RunLog, result: Result, assertion: Any) -> None:
    verdicts = ["reproduced"]
    result.obstacles = _obstacles(log, result)
    if result.obstacles:
        verdicts.append("cannot_judge")
    if _failed(log):
        verdicts.append("failed")
    blocking = result.divergences
    if assertion is not None:
        blocking = _assertion(log, result, assertion, verdicts)
    if blocking:
        verdicts.append("diverged")
    if log.problem is not None:
        result.obstacles.insert(0, log.problem)
        verdicts.append("cannot_reproduce")
    result.verdict = strongest(verdicts)


def _assertion(log: RunLog, result: Result, assertion: Any, verdicts: list[str]) -> list[Divergence]:
    """Evaluate the assertion on both sides; return the divergences that a fix does not account for."""
    root = log.root_happened
    if root is None:
        result.warnings.append("the entry never ran, so the assertion was not judged")
        return result.divergences
    raised: list[str] = []
    result.assertion = recorded, replayed = view.evaluate(assertion, result.recorded_view), view.evaluate(assertion, result.view, raised)
    if raised:
        result.warnings.append(f"the assertion counts as false on this code because it raised {raised[0]}")
    _warn_of_what_lies_below(result, assertion, replayed)
    if not replayed:
        verdicts.append("still_failing")
        return result.divergences
    if recorded:
        result.warnings.append("the assertion holds on the recording as well: it does not state the harm, so nothing is shown to be fixed")
        return result.divergences
    if root.form is None or (root.error is not None and raised_by_replay(root.error)):
        result.warnings.append("the run was cut short by the replay: that the assertion holds so far does not show that anything is fixed")
        return result.divergences
    verdicts.append("fixed")
    return [d for d in result.divergences if not accounted_for(d)]


def _warn_of_what_lies_below(result: Result, assertion: Any, replayed: bool) -> None:
    """Say so where an assertion is decided by Steps that did not run, inside of answered ones."""
    below = [step for step in result.view.steps if step.level == view.BELOW]
    if not below or view.evaluate(assertion, view.RunView(s for s in result.view.steps if s.level != view.BELOW)) == replayed:
        return
    tops = {f"{step.parent.kind}:{step.parent.name}" for step in below if step.parent is not None and step.parent.level != view.BELOW}
    named = " ".join(f"--live {name}" for name in sorted(tops))
    result.warnings.append(
        f"the assertion is decided by steps that did not run: they lie inside of answered ones, and are as recorded; {named} runs them"
    )


def accounted_for(d: Divergence) -> bool:
    """Whether a fix explains a divergence: a live step does something else, or a question follows from that. A prompt edit never does."""
    if d.kind in ("unexpected_step", "not_recorded"):
        return False
    return d.kind != "input_changed" or d.step.kind not in MODEL_KINDS or d.explained


def _failed(log: RunLog) -> bool:
    root = log.root_happened
    if root is None or root.error is None or log.root.step.form not in ("value", "stream", "none"):
        return False
    return not raised_by_replay(root.error)


def _obstacles(log: RunLog, result: Result) -> list[str]:
    """What about the recording stands in the way, where it mattered."""
    obstacles = [f"{ref_of(h)}: {h.judge}" for h in log.happened if h.judge is not None]
    kinds = {finding.kind for finding in getattr(log.run.checks, "findings", ())}
    lost = log.run.root.envelope.lost
    if lost:
        obstacles.append(f"{lost} steps could not be attributed to one of several open runs when this was recorded")
    if "partial" in kinds and any(d.kind in ("unexpected_step", "not_recorded") for d in result.divergences):
        obstacles.append("the recording ends in the middle (the process was killed), and the code asked for more")
    obstacles += [f"{d.step}: {_REDACTED}" for d in result.divergences if d.cause == REDACTION]
    if log.aliases is not None:
        obstacles += [f"{name} stands for several values in this run: its Steps cannot be told apart" for name in log.aliases.collisions]
    return obstacles
