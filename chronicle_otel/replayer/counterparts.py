"""The two sides that matching brings together: recorded Steps and live crossings, with what they are to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

UNKNOWN: Final[Any] = object()
"""Stands for an input that was not recorded, or not completely."""

EXACT, MOVED, ALIAS, VOLATILE, CHANGED = "exact", "moved", "alias", "volatile", "changed"


class Guess(Protocol):
    """How two inputs are equal but for pseudonyms."""

    @property
    def new(self) -> int:
        """How many values stand behind pseudonyms that were not known to."""
        ...

    def accept(self) -> None:
        """Remember them."""
        ...


class Pseudonymous(Protocol):
    """What a redacted recording and live values have to do with each other."""

    def guess(self, r: Recorded, recorded: Any, live: Any) -> Guess | None:
        """Return what makes a Step's recorded input and a live one equal but for pseudonyms, or None."""
        ...

    def translated(self, live: Any) -> Any:
        """Return a live input with the pseudonyms that are known."""
        ...


@dataclass(eq=False, slots=True)
class Recorded:
    """A recorded Step as matching sees it."""

    seq: int
    kind: str
    name: str
    tree: Any
    """Its input, or `UNKNOWN`."""
    parent: Recorded | None = None
    branch: str | None = None
    lane: str | None = None
    guessed: bool = False
    start_ns: int = 0
    end_ns: int = 0
    late: bool = False
    answer: Callable[[], bytes] = field(default=lambda: b"")
    """Key of the outcome: tells whether two candidates would answer alike."""
    step: Any = None
    """The Step that this stands for."""
    children: list[Recorded] = field(default_factory=list["Recorded"])
    owner: Live | None = None
    loans: list[Live] = field(default_factory=list["Live"])

    @property
    def used(self) -> bool:
        return self.owner is not None or bool(self.loans)

    @property
    def served(self) -> bool:
        """A stub was answered from it: what ran below it then does not run now."""
        return (self.owner is not None and not self.owner.live) or any(not n.live for n in self.loans)


@dataclass(eq=False, slots=True)
class Live:
    """A crossing of the replay."""

    order: int
    kind: str
    name: str
    tree: Any
    live: bool
    """It is executed; else it wants an answer."""
    parent: Live | None = None
    branch: str | None = None
    lane: str | None = None
    guessed: bool = False
    ignore: tuple[str, ...] = ()
    rec: Recorded | None = None
    level: str | None = None
    ambiguous: bool = False
    by_lane: bool = False
    """It has its counterpart's lane."""
    evicted: bool = False
    """Its answer belonged to a later crossing."""
    nearest: Recorded | None = None
    """For a refused one: the recorded Step that is most like it."""
    likeness: float = 0.0
