"""The result of a replay, as data.

RunLog ──► verdict.judge ──► Result ──► str(): the text report;  to_dict(): JSON;  exit_code: for a shell
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .compare import MISSING, Difference
from .view import RunView

PRECEDENCE: Final = ("cannot_reproduce", "cannot_judge", "failed", "still_failing", "diverged", "fixed", "reproduced")
"""Verdicts, the strongest obstacle first."""
EXIT_CODES: Final = {
    "reproduced": 0, "fixed": 0, "diverged": 1, "failed": 1, "still_failing": 1, "cannot_judge": 3, "cannot_reproduce": 4,
}  # fmt: skip
NO_VALUE: Final = MISSING
"""Stands for a side that has no value at all."""


@dataclass(frozen=True, slots=True)
class StepRef:
    """Which Step is meant: the recorded one, or a crossing of the replay that the recording does not have."""

    kind: str
    name: str
    index: int
    """n-th of its kind in the Run, from 0."""
    seq: int
    """Start order in the Run; the root is 1."""
    recorded: bool = True
    """False: it happened in the replay only, `index` and `seq` count there."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name} #{self.index}"

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "index": self.index, "seq": self.seq, "recorded": self.recorded}


@dataclass(frozen=True, slots=True)
class Divergence:
    """Code and recording disagree."""

    kind: str
    """input_changed, output_changed, error_changed, missing_step, unexpected_step or not_recorded."""
    step: StepRef
    recorded: Any = NO_VALUE
    """The recorded side, as a JSON tree."""
    live: Any = NO_VALUE
    """The side of the replay, as a JSON tree."""
    diff: tuple[Difference, ...] = ()
    cause: str | None = None
    """Where it comes from, if that is known."""
    text: str = ""
    """One sentence for a person."""
    nearest: StepRef | None = None
    """For a refused call: the recorded Step most like it."""
    likeness: float = 0.0
    stale: bool = False
    """The Step was answered from another question's recording."""
    explained: bool = False
    """The cause is a change of live code, not of the question itself."""
    count: int = 1
    """How often just this happened."""

    def to_dict(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "kind": self.kind,
            "step": self.step.to_dict(),
            "cause": self.cause,
            "text": self.text,
            "count": self.count,
        }
        if self.recorded is not NO_VALUE:
            facts["recorded"] = self.recorded
        if self.live is not NO_VALUE:
            facts["live"] = self.live
        facts["diff"] = [_difference(d) for d in self.diff]
        if self.nearest is not None:
            facts["nearest"] = {**self.nearest.to_dict(), "likeness": round(self.likeness, 2)}
        if self.stale:
            facts["stale"] = True
        return facts


def _difference(d: Difference) -> dict[str, Any]:
    facts: dict[str, Any] = {"path": d.place, "op": d.op}
    if d.recorded is not MISSING:
        facts["recorded"] = d.recorded
    if d.live is not MISSING:
        facts["live"] = d.live
    return facts


@dataclass(frozen=True, slots=True)
class Note:
    """A difference worth telling that is no divergence."""

    kind: str
    """order_changed, moved, added, ambiguous, removed, cancelled; input_changed or output_changed with cause "ambient"; …"""
    step: StepRef
    recorded: Any = NO_VALUE
    live: Any = NO_VALUE
    diff: tuple[Difference, ...] = ()
    cause: str | None = None
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "step": self.step.to_dict(),
            "cause": self.cause,
            "text": self.text,
            "diff": [_difference(d) for d in self.diff],
        }


@dataclass(frozen=True, slots=True)
class Served:
    """A boundary that was answered from the recording."""

    step: StepRef
    level: str
    """exact, moved, alias, volatile or changed."""
    ambiguous: bool = False
    """Several recorded answers were possible, and they differ."""
    stale: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.to_dict(), "level": self.level, "ambiguous": self.ambiguous, "stale": self.stale}


@dataclass(frozen=True, slots=True)
class RanLive:
    """A boundary that was executed."""

    step: StepRef
    added: bool = False
    """The recording does not have it."""
    code_changed: bool = False
    """Its code differs from the recorded one's."""

    @property
    def kind(self) -> str:
        return self.step.kind

    @property
    def name(self) -> str:
        return self.step.name

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.to_dict(), "added": self.added, "code_changed": self.code_changed}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the replayed Run ended."""

    value: Any = None
    """What it returned; of a stream, the list of chunks."""
    error: BaseException | None = None
    stale: tuple[StepRef, ...] = ()
    """Steps before the end that were answered from another question's recording: the value rests on them."""
    ended: bool = True
    """False: the Run never started, or never ended."""

    def to_dict(self, tree: Any) -> dict[str, Any]:
        facts: dict[str, Any] = {"ended": self.ended, "stale": [step.to_dict() for step in self.stale]}
        if self.error is not None:
            facts["error"] = {"class": type(self.error).__qualname__, "message": str(self.error)}
        elif self.ended:
            facts["value"] = tree
        return facts


@dataclass(slots=True, eq=False)
class Result:
    """What a replay showed. `str(result)` is the report."""

    verdict: str
    """reproduced, diverged, failed, fixed, still_failing, cannot_judge or cannot_reproduce."""
    run: str | None
    """Id of the recorded Run; None for the result of several."""
    entry: str
    divergences: list[Divergence] = field(default_factory=list[Divergence])
    notes: list[Note] = field(default_factory=list[Note])
    served: list[Served] = field(default_factory=list[Served])
    ran_live: list[RanLive] = field(default_factory=list[RanLive])
    refused: list[StepRef] = field(default_factory=list[StepRef])
    unused: list[StepRef] = field(default_factory=list[StepRef])
    """Recorded Steps that nobody asked for."""
    outcome: Outcome = field(default_factory=Outcome)
    checks: Any = None
    """What the recording itself is worth, as `run.checks` found."""
    warnings: list[str] = field(default_factory=list[str])
    obstacles: list[str] = field(default_factory=list[str])
    """Why there is no judgement, for cannot_judge and cannot_reproduce."""
    assertion: tuple[bool, bool] | None = None
    """What the assertion said of the recording and of the replay."""
    recorded_view: RunView = field(default_factory=RunView)
    """The recorded Run as assertions see it."""
    view: RunView = field(default_factory=RunView)
    """The replay as assertions see it."""
    results: list[Result] = field(default_factory=list["Result"])
    """For several Runs: the result of each, in the order in which they were given."""
    outcome_tree: Any = None

    @property
    def exit_code(self) -> int:
        """0 reproduced or fixed, 1 diverged, failed or still_failing, 3 cannot_judge, 4 cannot_reproduce."""
        return EXIT_CODES[self.verdict]

    @property
    def ok(self) -> bool:
        """Whether the verdict is reproduced or fixed."""
        return self.exit_code == 0

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as JSON-ready data."""
        facts: dict[str, Any] = {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "run": self.run,
            "entry": self.entry,
            "served": [s.to_dict() for s in self.served],
            "ran_live": [s.to_dict() for s in self.ran_live],
            "refused": [s.to_dict() for s in self.refused],
            "unused": [s.to_dict() for s in self.unused],
            "divergences": [d.to_dict() for d in self.divergences],
            "notes": [n.to_dict() for n in self.notes],
            "outcome": self.outcome.to_dict(self.outcome_tree),
            "warnings": list(self.warnings),
            "obstacles": list(self.obstacles),
            "checks": [{"kind": f.kind, "message": f.message} for f in getattr(self.checks, "findings", ())],
        }
        if self.assertion is not None:
            facts["assertion"] = {"recording": self.assertion[0], "replay": self.assertion[1]}
        if self.results:
            facts["results"] = [r.to_dict() for r in self.results]
        return facts

    def __str__(self) -> str:
        from .rendering import render

        return render(self)

    def __repr__(self) -> str:
        return f"<Result {self.verdict}, {len(self.divergences)} divergences>"


def strongest(verdicts: Sequence[str]) -> str:
    """Return the verdict that stands for several: the strongest obstacle."""
    return min(verdicts, key=PRECEDENCE.index) if verdicts else "cannot_reproduce"


def combined(results: Sequence[Result], stray: Sequence[Divergence] = (), warnings: Sequence[str] = ()) -> Result:
    """Put the results of several Runs together."""
    verdict = strongest([r.verdict for r in results])
    if stray and PRECEDENCE.index(verdict) > PRECEDENCE.index("diverged"):
        verdict = "diverged"
    last = results[-1] if results else None
    merged = Result(verdict=verdict, run=None, entry=", ".join(dict.fromkeys(r.entry for r in results)), results=list(results))
    for r in results:
        merged.divergences += r.divergences
        merged.notes += r.notes
        merged.served += r.served
        merged.ran_live += r.ran_live
        merged.refused += r.refused
        merged.unused += r.unused
        merged.warnings += [w for w in r.warnings if w not in merged.warnings]
        merged.obstacles += r.obstacles
    merged.divergences += stray
    merged.refused += [d.step for d in stray]
    merged.warnings += [w for w in warnings if w not in merged.warnings]
    if last is not None:
        merged.outcome, merged.outcome_tree, merged.checks = last.outcome, last.outcome_tree, last.checks
    return merged
