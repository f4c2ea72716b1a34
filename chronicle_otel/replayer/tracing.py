"""What a replay showed, as the data from which the Recorder makes its trace.

RunLog, Result ──► ReplayedRun
"""

from __future__ import annotations

from typing import Any

from .. import values
from ..recording.interceptor import ReplayedRun, ReplayedStep
from .log import Happened, RunLog
from .result import Result


def replayed(log: RunLog, result: Result) -> ReplayedRun | None:
    """Return the replay of one Run, or None where not even its root was entered."""
    if log.root_happened is None:
        return None
    kinds: dict[tuple[int, bool], str] = {}
    for divergence in result.divergences:
        kinds.setdefault((divergence.step.seq, divergence.step.recorded), divergence.kind)
    by_order = {happened.node.order: happened for happened in log.happened}
    steps = [_step(happened, by_order, kinds) for happened in log.happened]
    return ReplayedRun(of=log.run.id, verdict=result.verdict, steps=steps, session=log.run.session or {})


def _step(happened: Happened, by_order: dict[int, Happened], kinds: dict[tuple[int, bool], str]) -> ReplayedStep:
    node = happened.node
    parent = by_order.get(node.parent.order) if node.parent is not None else None
    here = (happened.recorded.seq, True) if happened.recorded is not None else (happened.seq, False)
    failed = happened.form == "error"
    error: Any = happened.output if failed else None
    if error is None and happened.error is not None:
        error = values.encode_error(happened.error)
    return ReplayedStep(
        kind=node.kind,
        name=node.name,
        seq=happened.seq,
        parent=parent.seq if parent is not None else None,
        start_ns=happened.started_ns,
        end_ns=happened.ended_ns or happened.started_ns,
        input=node.tree,
        output=None if failed else happened.output,
        error=error,
        level=node.level if not node.live else None,
        divergence=kinds.get(here),
        refused=happened.refusal,
    )
