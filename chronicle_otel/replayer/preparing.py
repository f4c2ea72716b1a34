"""A recorded Run made ready for matching.

Run ──► Recorded Steps with their places and inputs ──► Matcher, Clock, Volatile ──► RunLog
"""

from __future__ import annotations

import time
from typing import Any

from .. import semconv, values
from ..errors import UsageError
from ..recording.interceptor import Boundary, registered
from ..recording.naming import identity
from .aliases import Aliases
from .compare import diff, each_mentions, is_object
from .counterparts import UNKNOWN, Recorded
from .log import RunLog
from .match import Matcher
from .options import Options
from .volatile import Clock, Volatile


def prepare(run: Any, options: Options) -> RunLog:
    """Make the log of a Run that has not begun."""
    steps, root = _recorded_steps(run)
    now = time.time()
    begin = root.start_ns / 1e9
    clock = Clock(begin, max(begin, *(r.end_ns / 1e9 for r in steps)), now, now)
    volatile = Volatile(clock)
    keys = {str(each.get("kcv", "?")) for step in run.steps for each in step.redactions}
    if options.redactor is not None and keys - {options.redactor.kcv}:
        raise UsageError(
            f"redactor: its key (check value {options.redactor.kcv}) did not redact run {run.id} ({', '.join(sorted(keys))}): "
            "give the key and tenant of the recording, or none: without a key pseudonyms are compared by their type"
        )
    aliases = Aliases(run) if keys and options.redactor is None else None
    news: list[Any] = []
    planned: dict[tuple[str, str], bool] = {}
    codes: dict[tuple[str, str], Any] = {}
    for step in run.steps:
        codes.setdefault((step.kind, step.name), step.code)

    def is_planned(kind: str, name: str) -> bool:
        live = planned.get((kind, name))
        if live is None:
            live = options.plan.live(kind, name, changed=module_changed(registered.get((kind, name)), codes.get((kind, name))))
            planned[kind, name] = live
        return live

    matcher = Matcher(
        steps,
        root,
        planned=is_planned,
        registered=lambda kind, name: (kind, name) in registered,
        volatile=volatile,
        aliases=aliases,
        follows=lambda recorded, live: bool(news) and each_mentions(diff(recorded, live), news),
        ignore=options.ignore,
    )
    return RunLog(run=run, root=root, matcher=matcher, clock=clock, volatile=volatile, aliases=aliases, codes=codes, news=news)


def _recorded_steps(run: Any) -> tuple[list[Recorded], Recorded]:
    by_step: dict[int, Recorded] = {}
    for step in run.steps:
        tree = None if semconv.INPUT in step.damage else step.tree(semconv.INPUT)
        by_step[id(step)] = Recorded(
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
            answer=lambda step=step: _outcome_key(step),
            step=step,
        )
    root = by_step[id(run.root)]
    for r in by_step.values():
        if r is root:
            continue
        r.parent = by_step.get(id(r.step.parent)) if r.step.parent is not None else None
        if r.parent is None:  # its parent was lost: it may have been anywhere
            r.parent, r.guessed = root, True
        r.parent.children.append(r)
    return list(by_step.values()), root


def _outcome_key(step: Any) -> bytes:
    for payload in (semconv.OUTPUT, semconv.ERROR, semconv.STREAM):
        tree = step.tree(payload)
        if tree is not None:
            if payload == semconv.STREAM:  # when the chunks came tells nothing
                decoded: dict[str, Any] = step.stream or {"chunks": []}
                tree = [chunk for _, chunk in decoded["chunks"]]
            elif payload == semconv.OUTPUT and step.kind in ("llm", "embedding") and is_object(tree) and "body" in tree:
                tree = tree["body"]
            return values.key(tree)
    return b""


def module_changed(boundary: Boundary | None, code: Any) -> bool:
    """Say whether the module of a boundary is another than when it was recorded; never for an SDK's."""
    if boundary is None or boundary.function is None or not is_object(code):
        return False
    recorded, now = code.get("module_digest"), identity(boundary.function).get("module_digest")
    return bool(recorded and now and recorded != now)


def code_changed(boundary: Boundary, code: Any) -> bool:
    """Say whether the function itself is another than when it was recorded."""
    if boundary.function is None or not is_object(code):
        return False
    now = identity(boundary.function)
    recorded, live = code.get("digest"), now.get("digest")
    return bool(recorded and live and recorded != live)
