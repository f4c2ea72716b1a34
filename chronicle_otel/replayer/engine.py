"""The Replayer: the Interceptor that answers boundaries from a recording and compares what runs live with it.

    enter / open+ask ──► which Run? ──► Matcher ──► stub: ServedAnswer, or Refused
                                                └─► live: runs, is compared at its end
                                    everything that happened ──► RunLog ──► verdict.judge ──► Result
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import semconv, values
from ..errors import Diverged, NetworkBlocked, Refused, ReplayError
from ..recording import interceptor as seams
from ..recording.context import lane_below
from ..recording.interceptor import Boundary, HttpInput, HttpOutput
from ..recording.naming import identity
from .ambient import AmbientAnswers
from .answers import ServedAnswer
from .compare import MISSING, Clock, Difference, Volatile, changed_values, diff, each_mentions, is_hole, leaves, similarity, without
from .log import Happened, RunLog
from .match import CHANGED, EXACT, UNKNOWN, VOLATILE, Live, Matcher, Recorded
from .ordering import Turnstile
from .plan import Plan

_OPENS_A_RUN = frozenset({"agent", "step"})
_SAME_REFUSALS = 1000
"""After so many identical refusals in a row the replay is stopped: the code asks in an endless loop."""


def readable(run: Any, plan: Plan, options: Options) -> RunLog:
    """Prepare a recorded Run for matching."""
    by_step: dict[int, Recorded] = {}
    ordered: list[Recorded] = []
    for step in run.steps:
        tree = None if semconv.INPUT in step.damage else step.tree(semconv.INPUT)
        r = Recorded(
            seq=step.seq,
            kind=step.kind,
            name=step.name,
            tree=UNKNOWN if tree is None else tree,
            branch=step.branch,
            lane=step.lane,
            guessed=bool(step.envelope.parent_guess),
            start_ns=step.start_ns or 0,
            end_ns=step.end_ns or step.start_ns or 0,
            late=bool(step.late),
            step=step,
        )
        r.answer = lambda step=step: _outcome_key(step)
        by_step[id(step)] = r
        ordered.append(r)
    root = by_step[id(run.root)]
    for step, r in zip(run.steps, ordered, strict=True):
        if r is root:
            continue
        r.parent = by_step.get(id(step.parent)) if step.parent is not None else None
        if r.parent is None:  # its parent was lost: it may have been anywhere
            r.parent, r.guessed = root, True
        r.parent.children.append(r)
    now = time.time()
    begin = (run.start_ns or root.start_ns) / 1e9
    clock = Clock(begin, max((run.end_ns or 0) / 1e9, max((r.end_ns for r in ordered), default=0) / 1e9, begin), now, now)
    volatile = Volatile(clock)
    news: list[Any] = []
    planned: dict[tuple[str, str], bool] = {}
    first_code: dict[tuple[str, str], Any] = {}
    for step in run.steps:
        first_code.setdefault((step.kind, step.name), step.code)

    def is_planned(kind: str, name: str) -> bool:
        live = planned.get((kind, name))
        if live is None:
            boundary = seams.registered.get((kind, name))
            live = plan.live(kind, name, changed=_module_changed(boundary, first_code.get((kind, name))))
            planned[kind, name] = live
        return live

    matcher = Matcher(
        ordered,
        root,
        planned=is_planned,
        registered=lambda kind, name: (kind, name) in seams.registered,
        volatile=volatile,
        follows=lambda recorded, live: bool(news) and each_mentions(diff(recorded, live), news),
        ignore=options.ignore,
    )
    return RunLog(run=run, root=root, matcher=matcher, clock=clock, volatile=volatile, news=news)


def _module_changed(boundary: Boundary | None, code: Any) -> bool:
    if boundary is None or boundary.function is None or not isinstance(code, Mapping):
        return False
    recorded, now = code.get("module_digest"), identity(boundary.function).get("module_digest")
    return bool(recorded and now and recorded != now)


def _code_changed(boundary: Boundary, code: Any) -> bool:
    if boundary.function is None or not isinstance(code, Mapping):
        return False
    now = identity(boundary.function)
    recorded, live = code.get("digest"), now.get("digest")
    return bool(recorded and live and recorded != live)


def _outcome_key(step: Any) -> bytes:
    for payload in (semconv.OUTPUT, semconv.ERROR, semconv.STREAM):
        tree = step.tree(payload)
        if tree is not None:
            if payload == semconv.STREAM:  # when the chunks came tells nothing
                tree = [chunk for _, chunk in (step.stream or {"chunks": []})["chunks"]]
            elif payload == semconv.OUTPUT and step.kind in ("llm", "embedding") and isinstance(tree, dict) and "body" in tree:
                tree = tree["body"]
            return values.key(tree)
    return b""


class Options:
    """How a replay is to be done; see `replay`."""

    __slots__ = ("allow_net", "assertion", "freeze", "ignore", "on_divergence", "pace", "plan", "strict")

    def __init__(
        self,
        *,
        plan: Plan,
        on_divergence: str = "continue",
        strict: bool = False,
        allow_net: Sequence[str] = (),
        freeze: bool = False,
        assertion: Any = None,
        ignore: Sequence[str] = (),
        pace: str = "instant",
    ) -> None:
        self.plan = plan
        self.on_divergence = on_divergence
        self.strict = strict
        self.allow_net = tuple(allow_net)
        self.freeze = freeze
        self.assertion = assertion
        self.ignore = tuple(ignore)
        self.pace = pace


class Replayer:
    """Implements `Interceptor` for one or several recorded Runs."""

    fail_closed = True
    """Where chronicle itself fails, a seam refuses instead of executing."""

    def __init__(self, runs: Sequence[Any], options: Options) -> None:
        self.options = options
        self.pace = options.pace
        self.runs = [readable(run, options.plan, options) for run in runs]
        self.stray: list[Happened] = []
        """Crossings that belong to no Run."""
        self.closed = False
        self.stopped: str | None = None
        self.on_step: Callable[[Happened], None] | None = None
        """Called with each crossing that has its outcome; the replay's own trace is made from it."""
        self.lock = threading.RLock()
        self._turnstiles: dict[asyncio.AbstractEventLoop, Turnstile] = {}
        self._open: dict[int, Happened] = {}
        self.ambient_answers = AmbientAnswers(self, freeze=options.freeze)
        self._places: weakref.WeakSet[Place] = weakref.WeakSet()
        self._orders = 0

    # ---- Interceptor

    def enter(self, boundary: Boundary, args: Sequence[Any], kwargs: Mapping[str, Any], *, attach: bool = True) -> ReplayCrossing | None:
        """Match a function call; a stub comes with its answer, or `Refused` is raised."""
        if boundary.capture == "off" and boundary.kind in semconv.LIVE_BY_DEFAULT:
            return None
        tree = values.to_tree(boundary.bind(args[boundary.skip :] if boundary.skip else args, kwargs))
        crossing = ReplayCrossing(self, boundary)
        crossing.begin(tree)
        if attach and crossing.answer is None:
            crossing.attach()
        return crossing

    def open(self, boundary: Boundary) -> ReplayCrossing | None:
        """Begin an SDK call; it is matched when its request is known."""
        crossing = ReplayCrossing(self, boundary)
        crossing.here = self.here()
        crossing.attach()
        return crossing

    def flag(self, reason: str) -> None:
        """A replay flags nothing: the recorded flags stand."""

    def ambient(self, source: str, read: Callable[[], Any]) -> Any:
        """Answer a read of clock, random and the like from the record."""
        return self.ambient_answers.answer(source, read)

    # ---- which Run

    def here(self) -> Here:
        """Where the calling context stands. No Place is kept: a traceback must not look like a context that lives on."""
        place = seams.current.get()
        if not isinstance(place, Place):
            return Here(None, None, False)
        return Here(place.happened, lane_below(place), place.replayer is not self)

    def begin(self, crossing: ReplayCrossing, tree: Any, here: Here) -> Happened:
        """Place a crossing, match it, log it. Raises `Refused` where it gets no answer, `Diverged` where the replay is to stop."""
        boundary = crossing.boundary
        with self.lock:
            self._orders += 1
            node = Live(self._orders, boundary.kind, boundary.name, tree, True, ignore=boundary.ignore, branch=seams.branch.get())
            happened = Happened(node, boundary, None, 0, 0, threading.get_ident())
            crossing.happened = happened
            if self.stopped is not None:
                happened.form = "refused"
                raise Diverged(f"the replay was stopped: {self.stopped}")
            if self.closed or here.foreign:
                self._refuse(happened, "its context belongs to a replay that is over; nothing of a replay runs on after it")
            run = self._place(happened, here)
            if run is None:
                return happened
            happened.run = run
            self._number(run, happened)
            if happened is run.root_happened:
                self._match_root(run, happened)
            else:
                self._match(run, happened, crossing)
            if node.live:
                self._open[id(happened)] = happened
            self._stop_at(happened)
            return happened

    def _number(self, run: RunLog, happened: Happened) -> None:
        run.happened.append(happened)
        happened.seq = len(run.happened)
        happened.index = run.kinds.get(happened.node.kind, 0)
        run.kinds[happened.node.kind] = happened.index + 1

    def _place(self, happened: Happened, here: Here) -> RunLog | None:
        """Find the Run of a crossing, by its context, as a root, or by adoption."""
        node = happened.node
        if here.happened is not None and here.happened.run is not None:
            run = here.happened.run
            if not run.ended:
                node.parent, node.lane = here.happened.node, here.lane
                return run
            if node.kind != "agent" and not self._open_runs() and run.root_happened is not None:
                node.parent = run.root_happened.node
                return run
        opened = self._open_runs()
        if node.kind == "agent" or (not opened and (node.kind in _OPENS_A_RUN or self._is_entry(node))):
            run = self._take_run(happened)
            if run is not None:
                run.started, run.root_happened = True, happened
                return run
            self._refuse(
                happened, "no recorded Run is left that starts here" if self.runs and all(r.started for r in self.runs) else "no recorded Run starts here"
            )
        if len(opened) == 1 and opened[0].root_happened is not None:
            node.parent, node.guessed = opened[0].root_happened.node, True
            return opened[0]
        why = f"{len(opened)} Runs are open and it belongs to none of them" if opened else "it was crossed outside any Run"
        self._refuse(happened, f"{why}; a boundary without a Run is never executed in a replay")
        return None

    def _open_runs(self) -> list[RunLog]:
        return [run for run in self.runs if run.started and not run.ended]

    def _is_entry(self, node: Live) -> bool:
        return any(not run.started and (run.root.kind, run.root.name) == (node.kind, node.name) for run in self.runs)

    def _take_run(self, happened: Happened) -> RunLog | None:
        """The unused Run with the same entry and equal, else nearest inputs and session variables, in recorded order."""
        node = happened.node
        unused = [run for run in self.runs if not run.started]
        named = [run for run in unused if (run.root.kind, run.root.name) == (node.kind, node.name)]
        if not named:
            named = [run for run in unused if run.root.kind == node.kind and (run.root.kind, run.root.name) not in seams.registered]
            if any((run.root.kind, run.root.name) == (node.kind, node.name) for run in self.runs):
                return None
        if len(named) < 2:
            return named[0] if named else None
        session = seams.session.get() or {}
        key = values.key(node.tree)

        def nearness(at: int) -> tuple[bool, float, float, int]:
            run = named[at]
            equal = run.root.tree is not UNKNOWN and values.key(run.root.tree) == key
            recorded = run.run.session or {}
            shared = sum(1 for name, value in session.items() if name in recorded and values.equal(values.to_tree(value), values.to_tree(recorded[name])))
            alike = 1.0 if equal or run.root.tree is UNKNOWN else similarity(node.kind, node.tree, run.root.tree, ())
            return (not equal, -shared / (len(session) or 1), -alike, at)

        return named[min(range(len(named)), key=nearness)]

    # ---- matching

    def _prepare(self, run: RunLog, happened: Happened) -> None:
        """Leave out parameters that exist only through a default which the recording never knew."""
        node, boundary = happened.node, happened.boundary
        if boundary.defaults and type(node.tree) is dict:
            known = run.matcher.known_members(node.kind, node.name) if node.parent is not None else frozenset(_members(run.root.tree))
            new = [
                name
                for name, default in boundary.defaults.items()
                if name in node.tree and name not in known and values.equal(node.tree[name], values.to_tree(default))
            ]
            if new:
                node.tree = {name: member for name, member in node.tree.items() if name not in new}

    def _match_root(self, run: RunLog, happened: Happened) -> None:
        node, root = happened.node, run.root
        run.clock.live_from = min(run.clock.live_from, time.time())
        run.clock.live_to = time.time()
        self._prepare(run, happened)
        node.rec, node.level, root.owner = root, EXACT, node
        if root.tree is not UNKNOWN:
            self._compare_input(run, happened, root)
            if happened.input_differences:
                node.level = VOLATILE if happened.only_volatile_input else CHANGED
        happened.code_changed = _code_changed(happened.boundary, root.step.code)
        self.ambient_answers.started(run)

    def _match(self, run: RunLog, happened: Happened, crossing: ReplayCrossing) -> None:
        node, boundary = happened.node, happened.boundary
        run.clock.live_to = time.time()
        self._prepare(run, happened)
        node.live = self._is_live(run, boundary)
        r = run.matcher.match(node)
        if node.lane is not None and node.parent is not None:
            scope = run.matcher.scope(node)
            if scope is not None:
                run.lanes.setdefault((scope.seq, node.lane.rpartition("#")[0]), set()).add(node.lane)
        if r is None:
            if not node.live:
                self._refuse_unmatched(run, happened)
            return
        happened.code_changed = _code_changed(boundary, r.step.code)
        if r.tree is not UNKNOWN and node.level in (CHANGED, VOLATILE):
            self._compare_input(run, happened, r)
        if r.tree is UNKNOWN or is_hole(r.tree):
            self._unknown_input(happened, r)
        if not node.live:
            self._answer(happened, crossing, r)

    def _is_live(self, run: RunLog, boundary: Boundary) -> bool:
        plan = self.options.plan
        if boundary.sdk is not None:
            return plan.live(boundary.kind, boundary.name)
        changed = False
        if plan.changed:
            code = next((r.step.code for r in run.matcher.steps if (r.kind, r.name) == (boundary.kind, boundary.name)), None)
            changed = _module_changed(boundary, code)
        return plan.live(boundary.kind, boundary.name, changed=changed)

    def _compare_input(self, run: RunLog, happened: Happened, r: Recorded) -> None:
        ignore = (*self.options.ignore, *happened.boundary.ignore)
        happened.input_differences = diff(without(r.tree, ignore), without(happened.node.tree, ignore))
        happened.only_volatile_input = bool(happened.input_differences) and run.volatile.only(happened.input_differences)
        if not happened.only_volatile_input and not self.options.strict:  # noise beside a real difference is not shown with it
            happened.input_differences = [d for d in happened.input_differences if not run.volatile.only([d])] or happened.input_differences

    def _unknown_input(self, happened: Happened, r: Recorded) -> None:
        reason = (r.step.damage).get(semconv.INPUT)
        if reason is not None:
            happened.judge = f"its recorded input is damaged ({reason}): nobody can tell whether it asked the same"
        else:
            happened.notes.append(("not_recorded", "its input was not recorded; it was matched by its place"))

    def _answer(self, happened: Happened, crossing: ReplayCrossing, r: Recorded) -> None:
        """Give a stub its recorded outcome, unless that cannot be trusted."""
        step, node = r.step, happened.node
        form = step.form
        if form == "stream" and step.stream is None:
            form = "none"
        damage: Mapping[str, str] = step.damage
        for payload in (semconv.OUTPUT, semconv.ERROR, semconv.STREAM):
            if payload in damage:
                happened.judge = f"its recorded {_word(payload)} is damaged ({damage[payload]})"
                self._refuse(happened, f"its recorded {_word(payload)} is damaged ({damage[payload]}) and a damaged value is never served", "not_recorded")
        if form == "none":
            self._refuse(happened, "the recording ends before this call had an outcome", "not_recorded")
        for payload in (semconv.OUTPUT, semconv.ERROR, semconv.STREAM):
            tree = step.tree(payload)
            if payload == semconv.STREAM and form == "stream":
                tree = [step.stream["head"], [chunk for _, chunk in step.stream["chunks"]]]
            if tree is not None and payload != semconv.ERROR and not values.replayable(tree):
                if semconv.OPAQUE in (tree if type(tree) is dict else {}) and _why(tree) == "capture":
                    self._refuse(happened, f"its {_word(payload)} was not recorded (capture)", "not_recorded")
                happened.judge = f"its recorded {_word(payload)} holds something that could not be recorded"
                self._refuse(
                    happened,
                    f"its recorded {_word(payload)} holds something that could not be recorded ({_lossy(tree)}): run it live (live=[\"{node.kind}:{node.name}\"]) "
                    "or return plain data from it",
                    "not_recorded",
                )
        crossing.answer = ServedAnswer(crossing, step, form, node.level or CHANGED)
        happened.form = form
        happened.output = crossing.answer.outcome if form != "stream" else [chunk for _, chunk in crossing.answer.outcome["chunks"]]

    # ---- refusals

    def _refuse_unmatched(self, run: RunLog, happened: Happened) -> None:
        node = happened.node
        if node.nearest is None:
            text = f"the recording has no {node.kind} step like it"
        elif node.nearest.used and node.likeness == 1.0:
            text = "the recording has this call, but every answer to it has been given: the code asks once more than it did"
        else:
            what = f"{node.nearest.kind} {node.nearest.name} (step {node.nearest.seq})"
            where = diff(node.nearest.tree, node.tree)
            text = f"no recorded answer fits; nearest is {what}" + (f", which differs at {where[0].place}" if where else "")
        if any(finding.kind == "missing_step" for finding in getattr(run.run.checks, "findings", ())):
            happened.judge = "the recording has lost steps, and this may have been one of them"
        self._refuse(happened, text)

    def _refuse(self, happened: Happened, text: str, kind: str = "unexpected_step") -> None:
        """Log a refusal and raise it; identical ones are counted, not repeated."""
        node = happened.node
        happened.form, happened.refusal, happened.refusal_kind = "refused", text, kind
        message = (
            f"{node.kind} {node.name}: {text}. It was not executed. "
            f'To execute it, name it live: live=["{node.kind}:{node.name}"]; to keep it answered, record the run again.'
        )
        run = happened.run
        known = (run.refusals if run is not None else self._stray_refusals()).setdefault(
            (node.kind, node.name, values.key(node.tree), text, node.parent.order if node.parent is not None else 0), happened
        )
        if known is not happened:
            known.repeats += 1
            if run is not None and happened in run.happened[-1:]:
                run.happened.pop()
                run.kinds[node.kind] -= 1
            if known.repeats > _SAME_REFUSALS:
                self.stopped = f"{node.kind} {node.name} was refused {known.repeats} times with the same input"
        elif run is None:
            self.stray.append(happened)
        if self.options.on_divergence == "stop":
            self.stopped = self.stopped or message
        happened.error = Refused(message)
        raise happened.error

    def _stray_refusals(self) -> dict[Any, Happened]:
        return {
            (h.node.kind, h.node.name, values.key(h.node.tree), h.refusal, h.node.parent.order if h.node.parent is not None else 0): h
            for h in self.stray
        }

    def blocked(self, what: str) -> NetworkBlocked:
        """Log an attempt to reach the network and make its error."""
        here = self.here()
        with self.lock:
            owner = here.happened if not here.foreign else None
            inside = f" inside {owner.node.kind} {owner.node.name}" if owner is not None else ""
            message = (
                f"a replay opens no connection, and something{inside} tried to reach {what}. If it may, allow it: "
                f'allow_net=["{what}"] (--allow-net {what}); else make it a boundary, so that it is answered from the recording'
            )
            self._orders += 1
            node = Live(self._orders, "network", what, {"address": what}, False, parent=owner.node if owner is not None else None)
            happened = Happened(node, _NETWORK, owner.run if owner is not None else None, 0, 0, threading.get_ident())
            error = NetworkBlocked(message)
            happened.form, happened.error = "refused", error
            happened.refusal = f"tried to open a connection{inside}"
            run = happened.run
            refusals = run.refusals if run is not None else self._stray_refusals()
            known = refusals.setdefault(("network", what, values.key(node.tree), happened.refusal, node.parent.order if node.parent else 0), happened)
            if known is not happened:
                known.repeats += 1
            elif run is not None:
                self._number(run, happened)
            else:
                self.stray.append(happened)
            return error

    # ---- ends

    def ended(self, happened: Happened) -> None:
        """Compare a live Step that has its outcome with its counterpart, and log it."""
        with self.lock:
            self._open.pop(id(happened), None)
            self._orders += 1
            happened.ended_at = self._orders
            run = happened.run
            if run is not None:
                run.clock.live_to = time.time()
                if happened.recorded is not None and happened.node.live:
                    self._compare_outcome(run, happened, happened.recorded)
                if happened.recorded is None:
                    run.news.extend(leaves(happened.output))
                elif happened.output_differences and not happened.only_volatile_output:
                    run.news.extend(changed_values(happened.output_differences, "live"))
                if happened is run.root_happened:
                    run.ended = True
            if self.on_step is not None:
                self.on_step(happened)
            if run is not None and happened is not run.root_happened:
                self._stop_at(happened, interrupt=happened.error is None)

    def _compare_outcome(self, run: RunLog, happened: Happened, r: Recorded) -> None:
        step = r.step
        damage: Mapping[str, str] = step.damage
        if any(payload in damage for payload in (semconv.OUTPUT, semconv.ERROR, semconv.STREAM)):
            happened.notes.append(("not_recorded", "its recorded outcome is damaged: the live one could not be compared"))
            return
        form = step.form
        if isinstance(happened.error, ReplayError) or form in (None, "none", "pending"):
            return
        if happened.form == "error" or form == "error" or (form == "stream" and (step.tree(semconv.ERROR) is not None) != (happened.error is not None)):
            self._compare_error(happened, step)
            return
        recorded = self._comparable_output(step, form, happened)
        found = diff(without(recorded, self.options.ignore), without(happened.output, self.options.ignore))
        if happened.boundary.sdk is not None:
            found = [d for d in found if d.path[:1] == ("body",) or d.path[:1] == ("status",)]
        if found:
            happened.output_kind, happened.output_differences = "output_changed", found
            happened.only_volatile_output = run.volatile.only(found)

    def _comparable_output(self, step: Any, form: str, happened: Happened) -> Any:
        if form != "stream":
            return step.tree(semconv.OUTPUT)
        decoded = step.stream or {"chunks": [], "end": "abandoned"}
        chunks = [chunk for _, chunk in decoded["chunks"]]
        if happened.form == "stream" and type(happened.output) is list:
            stopped_early = decoded["end"] != "finished" or happened.cancelled
            if stopped_early:  # how far a consumer read is no property of the Step's output
                shared = min(len(chunks), len(happened.output))
                happened.output, chunks = happened.output[:shared], chunks[:shared]
        return chunks

    def _compare_error(self, happened: Happened, step: Any) -> None:
        recorded, live = step.tree(semconv.ERROR), happened.output if happened.form == "error" else None
        if happened.form == "stream" and happened.error is not None:
            live = values.encode_error(happened.error)
        if recorded is not None and live is not None:
            core = ("class", "message", "args", "attributes")
            found = diff({k: recorded[k] for k in core if k in recorded}, {k: live[k] for k in core if k in live})
            if not found:
                return
        elif recorded is None:
            found = [Difference(("error",), "added", MISSING, _brief_error(live)), *self._was(step)]
        else:
            found = [Difference(("error",), "removed", _brief_error(recorded), MISSING), Difference(("output",), "added", MISSING, happened.output)]
        happened.output_kind, happened.output_differences = "error_changed", found
        happened.only_volatile_output = happened.run is not None and happened.run.volatile.only(found)

    @staticmethod
    def _was(step: Any) -> list[Difference]:
        tree = step.tree(semconv.OUTPUT)
        return [Difference(("output",), "removed", tree, MISSING)] if tree is not None else []

    def _stop_at(self, happened: Happened, *, interrupt: bool = True) -> None:
        """With on_divergence="stop", stop at a difference; `interrupt`: raise here, else at the next boundary."""
        if self.options.on_divergence != "stop" or self.stopped is not None:
            return
        strict = self.options.strict
        what = None
        if happened.input_differences and (strict or not happened.only_volatile_input):
            what = ("input_changed", happened.input_differences)
        elif happened.output_differences and (strict or not happened.only_volatile_output):
            what = (happened.output_kind or "output_changed", happened.output_differences)
        if what is not None:
            node = happened.node
            self.stopped = f"{what[0]} at {node.kind} {node.name}, {what[1][0].place}"
            if interrupt:
                raise Diverged(f"{self.stopped}: the replay was told to stop at the first divergence")

    # ---- order of completion

    async def turn(self, crossing: ReplayCrossing, *, pending: bool) -> bool:
        """Wait for an async stub's turn; False: it pends, and nothing is left that could cancel it."""
        happened = crossing.happened
        if happened is None or happened.recorded is None or happened.run is None:
            await asyncio.sleep(0)
            return not pending
        loop = asyncio.get_running_loop()
        turnstile = self._turnstiles.get(loop)
        if turnstile is None:
            with self.lock:
                turnstile = self._turnstiles.setdefault(loop, Turnstile(loop, self._earlier, self._elsewhere))
        try:
            return await turnstile.wait(happened.recorded, pending=pending)
        except BaseException:
            happened.cancelled = True
            raise

    def _earlier(self, recorded: Recorded) -> list[Recorded]:
        with self.lock:
            for run in self.runs:
                if run.matcher.holds(recorded):
                    return [r for r in run.matcher.waits_for(recorded) if r.step.form != "pending" and not run.matcher.planned(r)]
        return []

    def _elsewhere(self) -> bool:
        here = threading.get_ident()
        with self.lock:
            return any(h.thread != here for h in self._open.values())

    def places(self) -> list[Place]:
        """Places of this replay that some context still holds."""
        return list(self._places)

    def new_place(self) -> Place:
        """Make the value that contexts hold for one crossing."""
        place = Place(self)
        self._places.add(place)
        return place

    def close(self) -> None:
        """End the replay: from now on every crossing that still carries its context is refused."""
        with self.lock:
            self.closed = True
            self._turnstiles.clear()
            self.ambient_answers.stop()


@dataclass(frozen=True, slots=True)
class Here:
    """Where a crossing starts."""

    happened: Happened | None
    """The enclosing crossing."""
    lane: str | None
    foreign: bool
    """The context belongs to another replay, one that is over."""


class Place:
    """What the context variable holds for a crossing: alive as long as a context knows it."""

    __slots__ = ("__weakref__", "happened", "lanes", "replayer")

    def __init__(self, replayer: Replayer) -> None:
        self.replayer = replayer
        self.happened: Happened | None = None
        self.lanes: dict[str, int] = {}


class ReplayCrossing:
    """One crossing of a replay; implements `Crossing`."""

    __slots__ = ("_attached", "_chunks", "_ended", "_place", "_token", "answer", "boundary", "happened", "here", "lanes", "replayer")

    def __init__(self, replayer: Replayer, boundary: Boundary) -> None:
        self.replayer = replayer
        self.boundary = boundary
        self.happened: Happened | None = None
        self.answer: ServedAnswer | None = None
        self.lanes: dict[str, int] = {}
        self.here: Here | None = None
        self._place: Place | None = None
        self._attached = False
        self._token: Any = None
        self._ended = False
        self._chunks: list[Any] | None = None

    @property
    def recorded(self) -> Recorded | None:
        return self.happened.recorded if self.happened is not None else None

    def begin(self, tree: Any) -> None:
        """Match a function call."""
        self.replayer.begin(self, tree, self.replayer.here())

    def ask(self, request: HttpInput) -> None:
        """Match an SDK call by its first request."""
        if self.happened is not None:
            return
        body = values.tree_of_json(request.body)
        self.replayer.begin(self, {"method": request.method, "path": request.path, "body": body}, self.here or self.replayer.here())
        if self._place is not None:
            self._place.happened = self.happened

    def attach(self) -> None:
        place = self._place
        if place is None:
            place = self._place = self.replayer.new_place()
            place.lanes = self.lanes
        place.happened = self.happened
        self._token = seams.current.set(place)
        self._attached = True

    def detach(self) -> None:
        if not self._attached:
            return
        self._attached = False
        with contextlib.suppress(ValueError):  # ended in another context than it began: nothing of ours to undo here
            seams.current.reset(self._token)
        self._token = None

    def finish(self, output: Any) -> None:
        if self.happened is not None and self.happened.run is not None and self.happened is self.happened.run.root_happened:
            self.happened.value = output
        self._end("value", lambda: _http_tree(output) if isinstance(output, HttpOutput) else values.to_tree(output))

    def fail(self, error: BaseException, response: HttpOutput | None = None) -> None:
        self._end("error", lambda: {**values.encode_error(error), **(_http_tree(response) if response is not None else {})}, error)

    def open_stream(self, head: HttpOutput | None = None) -> None:
        if self._chunks is None:
            self._chunks = []
        if self._attached and self.boundary.sdk is not None:
            self.detach()

    def chunk(self, value: Any) -> None:
        if self._chunks is not None and self.answer is None and self.boundary.sdk is None:
            self._chunks.append(values.to_tree(value))

    def end_stream(self, end: str, error: BaseException | None = None, *, returned: Any = None) -> None:
        if self.happened is not None and end in ("closed", "abandoned"):
            self.happened.cancelled = True
        self._end("stream", lambda: self._chunks or [], error)

    def _end(self, form: str, output: Callable[[], Any], error: BaseException | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        self.detach()
        self._place = None
        happened = self.happened
        if happened is None or self.answer is not None or happened.form == "refused":
            return
        happened.form, happened.error = form, error
        happened.output = output()
        self.replayer.ended(happened)

    def consumed(self, count: int) -> None:
        """Note how many chunks of a served stream the consumer has taken."""
        if self.happened is not None:
            self.happened.consumed = max(self.happened.consumed, count)

    def not_recorded(self, why: str) -> Refused:
        """Log that the recording has no more to serve here, and make the error for it."""
        happened = self.happened
        assert happened is not None
        happened.refusal, happened.refusal_kind = why, "not_recorded"
        happened.form = "refused"
        return Refused(f"{self.boundary.kind} {self.boundary.name}: {why}")


_NETWORK = Boundary(kind="network", name="network")


def _members(tree: Any) -> Iterable[str]:
    return tree if type(tree) is dict else ()


def _http_tree(output: HttpOutput) -> dict[str, Any]:
    return {"status": output.status, "headers": dict(output.headers), "body": values.tree_of_json(output.body) if output.body else None}


def _word(payload: str) -> str:
    return payload.removeprefix("chronicle.")


def _why(tree: Any) -> Any:
    content = tree.get(semconv.OPAQUE) if type(tree) is dict else None
    return content.get("why") if isinstance(content, dict) else None


def _lossy(tree: Any) -> str:
    """Name the first thing in a tree that cannot be served."""
    work = [tree]
    while work:
        node = work.pop()
        if type(node) is dict:
            content = node.get(semconv.TYPE)
            if type(content) is list and content and content[0] == "?":
                return str(content[1].get("type", "?")) if len(content) > 1 and isinstance(content[1], dict) else "?"
            if is_hole(node):
                return str(_why(node) or "taken out")
            work.extend(node.values())
        elif type(node) is list:
            work.extend(node)
    return "?"


def _brief_error(facts: Any) -> Any:
    return {k: facts[k] for k in ("class", "message") if k in facts} if isinstance(facts, dict) else facts
