"""What happened in a replay, as it happened: one entry per crossing, and the state of each Run.

Replayer ──► Happened, RunLog ──► verdict ──► Result
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ..recording.interceptor import Boundary
from .compare import Difference
from .match import Live, Matcher, Recorded
from .volatile import Clock, Volatile


@dataclass(eq=False, slots=True)
class Happened:
    """One crossing of the replay."""

    node: Live
    boundary: Boundary
    run: RunLog | None
    seq: int
    """Start order in the replayed Run; root 1."""
    index: int
    """Which crossing of its kind it is in the replayed Run, from 0."""
    thread: int
    form: str | None = None
    """value, error, stream or pending, once it has an outcome; "refused" if it was refused."""
    output: Any = None
    """The outcome as a tree: output, error facts, or a list of chunks."""
    error: BaseException | None = None
    input_differences: list[Difference] = field(default_factory=list[Difference])
    output_differences: list[Difference] = field(default_factory=list[Difference])
    output_kind: str | None = None
    """output_changed or error_changed, if so."""
    only_volatile_input: bool = False
    only_volatile_output: bool = False
    refusal: str | None = None
    """Why there was no answer."""
    refusal_kind: str = "unexpected_step"
    judge: str | None = None
    """What about the recording stands in the way of a judgement here."""
    repeats: int = 0
    """How many further refusals just like this one there were."""
    notes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """(kind, text)."""
    code_changed: bool = False
    """Its code differs from the recorded one's."""
    cancelled: bool = False
    ambient_at: dict[str, int] = field(default_factory=dict[str, int])
    """How many recorded reads of each source have been served below this Step."""
    ambient_last: dict[str, tuple[Any, float]] = field(default_factory=dict[str, tuple[Any, float]])
    """Last served value of each clock and when it was served: time goes on from there."""
    consumed: int = 0
    started_ns: int = field(default_factory=time.time_ns)
    ended_ns: int = 0
    ended_at: int = 0
    """When it ended, on the count that `node.order` is from."""
    value: Any = None
    """What the root really returned."""

    @property
    def recorded(self) -> Recorded | None:
        return self.node.rec

    @property
    def stale(self) -> bool:
        """It was given the answer to another question."""
        return not self.node.live and self.form != "refused" and (self.node.level == "changed" or self.node.evicted)


@dataclass(eq=False, slots=True)
class RunLog:
    """One recorded Run while it is replayed."""

    run: Any
    """The Run as it was read."""
    root: Recorded
    matcher: Matcher
    clock: Clock
    volatile: Volatile
    started: bool = False
    ended: bool = False
    root_happened: Happened | None = None
    happened: list[Happened] = field(default_factory=list[Happened])
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    refusals: dict[Any, Happened] = field(default_factory=dict[Any, Happened])
    lanes: dict[tuple[int, str], set[str]] = field(default_factory=dict[tuple[int, str], set[str]])
    """Live lanes by (recorded scope, lane name): counted against the recorded ones at the end."""
    codes: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])
    """Recorded code of each boundary by (kind, name)."""
    news: list[Any] = field(default_factory=list[Any])
    """Values that live boundaries brought in and the recording does not have."""
    problem: str | None = None
    """Why the entry could not be started."""
