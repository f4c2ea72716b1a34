"""The envelope: everything that one Step writes, before it becomes span attributes and after it was read from them.

Recorder ──► Envelope ──► wire.to_attributes ──► span ──► … ──► wire.from_attributes ──► Envelope ──► reading
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)  # a frozen one takes 7 µs to make, and one is made per Step
class Envelope:
    """One Step as wire format 1 carries it. Nobody changes it once it is made.

    `payloads` maps an attribute name (`chronicle.input`, …; see `semconv.PAYLOADS`) to its complete JSON text,
    chunk lists joined. `damage` maps a payload's name to the reason why its text cannot be trusted.
    """

    kind: str
    """One of `semconv.KINDS`; empty on a run-start span."""
    name: str
    """Stable name of the boundary."""
    run: str
    """Run id, 32 hex digits."""
    seq: int
    """Start order in the Run: run-start 0, root 1."""
    parent: int | None = None
    """`seq` of the parent Step where the parent span is not that Step."""
    parent_guess: bool = False
    """The Step had no context and was adopted by the only open Run."""
    branch: str | None = None
    """Name given by `chronicle.branch`."""
    lane: str | None = None
    """Which concurrent child of its parent the Step belongs to, as `name#ordinal`."""
    steps: int | None = None
    """On the root: Steps started before it ended, the root included, run-start not."""
    lost: int = 0
    """On the root: crossings that could not be attributed to one of several open Runs."""
    late: bool = False
    """The Step started after its root had ended; it is not counted."""
    flagged: tuple[str, ...] = ()
    """Reasons given by `chronicle.flag`, on the root."""
    run_start: str | None = None
    """On the root: span id (16 hex digits) of its run-start span."""
    replay_of: str | None = None
    """Run id of the recording, where this Step is itself part of a replay."""
    verdict: str | None = None
    """On the root of a replay: its verdict."""
    divergence: str | None = None
    """On a Step of a replay: the kind of divergence."""
    payloads: Mapping[str, str] = field(default_factory=dict[str, str])
    damage: Mapping[str, str] = field(default_factory=dict[str, str])
