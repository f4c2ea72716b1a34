"""Replaying: the agent's own code is executed again, its boundaries answered from the record.

Run ──► Replayer (plan, match, compare) ──► what happened ──► verdict ──► Result
"""

from __future__ import annotations

from .result import Divergence, Note, Outcome, RanLive, Result, Served, StepRef
from .running import Replaying, areplay, replay, replaying
from .view import RunView, StepView, evaluate

__all__ = [
    "Divergence",
    "Note",
    "Outcome",
    "RanLive",
    "Replaying",
    "Result",
    "RunView",
    "Served",
    "StepRef",
    "StepView",
    "areplay",
    "evaluate",
    "replay",
    "replaying",
]
