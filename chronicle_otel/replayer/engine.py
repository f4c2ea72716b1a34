"""The Replayer: the Interceptor that answers boundaries from a recording and compares what runs live with it.

enter / open+ask ──► which Run? ──► Matcher ──► stub: ServedAnswer, or Refused
                                            └─► live: runs, is compared at its end
                                everything that happened ──► RunLog ──► verdict.judge ──► Result
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

from .. import semconv, values
from ..errors import Diverged, NetworkBlocked, Refused
from ..recording import ambient
from ..recording import interceptor as seams
from ..recording.context import lane_below
from ..recording.interceptor import Boundary
from .ambient import AmbientAnswers
from .answers import ServedAnswer
from .bystanders import library_at_work
from .compare import changed_values, diff, is_hole, is_object, leaves, without
from .counterparts import ALIAS, CHANGED, EXACT, UNKNOWN, VOLATILE, Live, Recorded
from .crossing import Here, Place, ReplayCrossing
from .log import AMBIENT, REDACTION, Happened, RunLog, shown
from .options import Options
from .ordering import Turnstile
from .outcomes import compare_outcome
from .placing import is_entry, take_run
from .preparing import code_changed, module_changed, prepare
from .refusal import EndlessLoop
from .serving import form_of, unservable
from .threads import ThreadOrder
from .threads import here as here_in_threads

_OPENS_A_RUN: Final = frozenset({"agent", "step"})
_SAME_REFUSALS: Final = 1000
"""After so many identical refusals the replay is stopped: the code asks in an endless loop."""
_LEVEL_OF_EXCUSE: Final[dict[str | None, str]] = {REDACTION: ALIAS, AMBIENT: VOLATILE}
_NETWORK: Final = Boundary(kind="network", name="network")


class Replayer:
    """Implements `Interceptor` for one or several recorded Runs."""

    fail_closed = True
    """Where chronicle itself fails, a seam refuses instead of executing."""

    def __init__(self, runs: Sequence[Any], options: Options) -> None:
        self.options = options
        self.pace = options.pace
        self.runs = [prepare(run, options) for run in runs]
        redacted = any(step.redactions for run in runs for step in run.steps)
        self._redactor = options.redactor if redacted else None  # what holds the values themselves is compared with them
        self.stray: list[Happened] = []
        """Crossings that belong to no Run."""
        self.closed = False
        self.stopped: str | None = None
        self.lock = threading.RLock()
        self._turnstiles: dict[asyncio.AbstractEventLoop, Turnstile] = {}
        self._cancelled = [r for run in self.runs for r in run.matcher.steps if r.step.form == "pending"]
        self.threads = ThreadOrder((run.matcher.steps for run in self.runs), self._earlier, self._in_loops)
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
        self.threads.went_on(here_in_threads())
        tree = self._redacted(tree)
        ambient.refresh()
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

    def _redacted(self, tree: Any) -> Any:
        """What a redactor would have left of a live value, where the caller gave its key."""
        redactor = self._redactor
        return values.loads(redactor.payload(values.dumps(tree))) if redactor is not None else tree

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
        if node.kind == "agent" or (not opened and (node.kind in _OPENS_A_RUN or is_entry(self.runs, node))):
            run = take_run(self.runs, node)
            if run is not None:
                run.started, run.root_happened = True, happened
                return run
            self._refuse(
                happened,
                "no recorded Run is left that starts here"
                if self.runs and all(r.started for r in self.runs)
                else "no recorded Run starts here",
            )
        if len(opened) == 1 and opened[0].root_happened is not None:
            node.parent, node.guessed = opened[0].root_happened.node, True
            return opened[0]
        why = f"{len(opened)} Runs are open and it belongs to none of them" if opened else "it was crossed outside any Run"
        self._refuse(happened, f"{why}; a boundary without a Run is never executed in a replay")
        return None

    def _open_runs(self) -> list[RunLog]:
        return [run for run in self.runs if run.started and not run.ended]

    # ---- matching

    def _prepare(self, run: RunLog, happened: Happened) -> None:
        """Leave out parameters that exist only through a default which the recording never knew; give a renamed one its old name."""
        node, boundary = happened.node, happened.boundary
        if boundary.defaults and is_object(node.tree):
            known = run.matcher.known_members(node.kind, node.name) if node.parent is not None else frozenset(_members(run.root.tree))
            new = [
                name
                for name, default in boundary.defaults.items()
                if name in node.tree and name not in known and values.equal(node.tree[name], values.to_tree(default))
            ]
            if new:
                node.tree = {name: member for name, member in node.tree.items() if name not in new}
        renamed = run.matcher.renamed_member(node)
        if renamed is not None:
            old, now = renamed
            node.tree = {old if name == now else name: member for name, member in node.tree.items()}
            happened.notes.append(("renamed", f"its parameter {now} was called {old} when it was recorded"))

    def _match_root(self, run: RunLog, happened: Happened) -> None:
        node, root = happened.node, run.root
        run.clock.live_from = min(run.clock.live_from, time.time())
        run.clock.live_to = time.time()
        self._prepare(run, happened)
        node.rec, node.level, root.owner = root, EXACT, node
        if root.tree is not UNKNOWN:
            self._compare_input(run, happened, root)
            if happened.input_differences:
                node.level = _LEVEL_OF_EXCUSE.get(happened.input_excuse, CHANGED)
        happened.code_changed = code_changed(happened.boundary, root.step.code)
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
        happened.code_changed = code_changed(boundary, r.step.code)
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
            changed = module_changed(boundary, run.codes.get((boundary.kind, boundary.name)))
        return plan.live(boundary.kind, boundary.name, changed=changed)

    def _compare_input(self, run: RunLog, happened: Happened, r: Recorded) -> None:
        ignore = (*self.options.ignore, *happened.boundary.ignore)
        recorded, live = without(r.tree, ignore), without(happened.node.tree, ignore)
        happened.input_differences, happened.input_excuse = run.compared(r, recorded, live)
        if happened.input_excuse is None and not self.options.strict:  # noise beside a real difference is not shown with it
            happened.input_differences = [d for d in happened.input_differences if not run.excuse(r, [d])] or happened.input_differences

    def _unknown_input(self, happened: Happened, r: Recorded) -> None:
        reason = (r.step.damage).get(semconv.INPUT)
        if reason is not None:
            happened.judge = f"its recorded input is damaged ({reason}): nobody can tell whether it asked the same"
        else:
            happened.notes.append(("not_recorded", "its input was not recorded; it was matched by its place"))

    def _answer(self, happened: Happened, crossing: ReplayCrossing, r: Recorded) -> None:
        """Give a stub its recorded outcome, unless that cannot be trusted."""
        node = happened.node
        problem = unservable(r.step, f"{node.kind}:{node.name}")
        if problem is not None:
            happened.judge = problem.judge
            self._refuse(happened, problem.text, "not_recorded")
        form = form_of(r.step)
        crossing.answer = answer = ServedAnswer(crossing, r.step, form, node.level or CHANGED)
        happened.form = form
        happened.output = answer.outcome if form != "stream" else [chunk for _, chunk in answer.outcome["chunks"]]

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

    def _refuse(self, happened: Happened, text: str, kind: str = "unexpected_step") -> NoReturn:
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
                raise EndlessLoop(f"{node.kind} {node.name} was refused {known.repeats} times with the same input: {text}")
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
        library = library_at_work()
        with self.lock:
            if library is not None:
                self.runs[0].bystanders.setdefault(what, library)
                return NetworkBlocked(f"a replay opens no connection: a background thread of {library} tried to reach {what}")
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
            known = refusals.setdefault(
                ("network", what, values.key(node.tree), happened.refusal, node.parent.order if node.parent else 0), happened
            )
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
        happened.output = self._redacted(happened.output)
        with self.lock:
            self._open.pop(id(happened), None)
            self._orders += 1
            happened.ended_at = self._orders
            happened.ended_ns = time.time_ns()
            run = happened.run
            if run is not None:
                run.clock.live_to = time.time()
                if happened.recorded is not None and happened.node.live:
                    compare_outcome(run, happened, happened.recorded, self.options.ignore)
                if happened.recorded is None:
                    run.news.extend(leaves(happened.output))
                elif happened.output_differences and happened.output_excuse is None:
                    run.news.extend(changed_values(happened.output_differences, "live"))
                if happened is run.root_happened:
                    run.ended = True
            if run is not None and happened is not run.root_happened:
                self._stop_at(happened, interrupt=happened.error is None)

    def _stop_at(self, happened: Happened, *, interrupt: bool = True) -> None:
        """With on_divergence="stop", stop at a difference; `interrupt`: raise here, else at the next boundary."""
        if self.options.on_divergence != "stop" or self.stopped is not None:
            return
        strict = self.options.strict
        what = None
        if happened.input_differences and shown(happened.input_excuse, strict=strict):
            what = ("input_changed", happened.input_differences)
        elif happened.output_differences and shown(happened.output_excuse, strict=strict):
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
                turnstile = self._turnstiles.setdefault(loop, Turnstile(loop, self._expected, self._elsewhere, self.threads.first))
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

    def _expected(self, recorded: Recorded) -> list[Recorded]:
        """Those that ended earlier, and those that were under way and were cancelled later: the code is to have asked for them too."""
        found = self._earlier(recorded)
        for p in self._cancelled:
            if (
                p.start_ns < recorded.end_ns
                and p.end_ns > recorded.start_ns
                and not p.used
                and p is not recorded
                and _together(p, recorded)
            ):
                found.append(p)
        return found

    def _in_loops(self) -> list[Recorded]:
        return [recorded for turnstile in list(self._turnstiles.values()) for recorded in turnstile.asked()]

    def _elsewhere(self) -> bool:
        here = threading.get_ident()
        if self.threads.busy():
            return True
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


def _together(a: Recorded, b: Recorded) -> bool:
    """Whether two Steps are of one Run."""
    while a.parent is not None:
        a = a.parent
    while b.parent is not None:
        b = b.parent
    return a is b


def _members(tree: Any) -> Iterable[str]:
    return tree if is_object(tree) else ()
