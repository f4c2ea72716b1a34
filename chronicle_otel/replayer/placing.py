"""Which recorded Run a root boundary takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import values
from ..recording import interceptor as seams
from .counterparts import UNKNOWN, Live
from .log import RunLog
from .similarity import similarity


def is_entry(runs: Sequence[RunLog], node: Live) -> bool:
    """Say whether an unused Run starts at this boundary."""
    return any(not run.started and (run.root.kind, run.root.name) == (node.kind, node.name) for run in runs)


def take_run(runs: Sequence[RunLog], node: Live) -> RunLog | None:
    """The unused Run with the same entry and equal, else nearest inputs and session variables, in recorded order."""
    unused = [run for run in runs if not run.started]
    named = [run for run in unused if (run.root.kind, run.root.name) == (node.kind, node.name)]
    if not named:
        named = [run for run in unused if run.root.kind == node.kind and (run.root.kind, run.root.name) not in seams.registered]
        if any((run.root.kind, run.root.name) == (node.kind, node.name) for run in runs):
            return None
    if len(named) < 2:
        return named[0] if named else None
    session = seams.session.get() or {}
    key = values.key(node.tree)

    def nearness(at: int) -> tuple[bool, float, float, int]:
        run = named[at]
        equal = run.root.tree is not UNKNOWN and values.key(run.root.tree) == key
        recorded: dict[str, Any] = run.run.session
        shared = sum(
            1 for name, value in session.items() if name in recorded and values.equal(values.to_tree(value), values.to_tree(recorded[name]))
        )
        alike = 1.0 if equal or run.root.tree is UNKNOWN else similarity(node.kind, node.tree, run.root.tree, ())
        return (not equal, -shared / (len(session) or 1), -alike, at)

    return named[min(range(len(named)), key=nearness)]
