"""What happened in a replay, as it happened: one entry per crossing, and the state of each Run.

Replayer ──► Happened, RunLog ──► verdict ──► Result
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ..recording.interceptor import Boundary
from .aliases import Aliases
from .compare import Difference, diff
from .counterparts import Live, Recorded
from .match import Matcher
from .volatile import Clock, Volatile

AMBIENT, REDACTION = "ambient", "redaction"
"""Causes that lie in the recording, not in the code: what the clock and chance gave, and what a redactor replaced."""


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
    input_excuse: str | None = None
    """Why its input differences are none of the code's: AMBIENT or REDACTION."""
    output_excuse: str | None = None
    """The same of its output differences."""
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
    server: str = ""
    """host[:port] that an SDK would have asked."""
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
    aliases: Aliases | None = None
    """What stands for what; None where the Run was not redacted, or the caller gave the key."""
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
    bystanders: dict[str, str] = field(default_factory=dict[str, str])
    """Addresses that background threads of libraries were kept from, and whose threads they were."""
    problem: str | None = None
    """Why the entry could not be started."""

    def compared(self, r: Recorded, recorded: Any, live: Any) -> tuple[list[Difference], str | None]:
        """Return the differences between a Step's recorded tree and a live one, and why they are none of the code's, if so."""
        found = diff(recorded, live)
        if found and self.aliases is not None:
            guess = self.aliases.guess(r, recorded, live)
            if guess is not None:
                guess.accept()
                return found, REDACTION
            found = diff(recorded, self.aliases.translated(live)) or found
        return found, self.excuse(r, found)

    def excuse(self, r: Recorded, differences: list[Difference]) -> str | None:
        """Say why differences are none of the code's: "redaction" or "ambient"; None where they are."""
        rest = differences if self.aliases is None else [d for d in differences if not self.aliases.only(r, [d])]
        if differences and not rest:
            return REDACTION
        return AMBIENT if rest and self.volatile.only(rest) else None


def shown(excuse: str | None, *, strict: bool) -> bool:
    """Say whether differences with this excuse are divergences: with `strict`, times and ids are; pseudonyms never."""
    return excuse is None or (strict and excuse == AMBIENT)
