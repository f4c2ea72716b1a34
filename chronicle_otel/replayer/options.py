"""How a replay is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .plan import Plan


class Redacts(Protocol):
    """What a replay needs of `chronicle_otel.redaction.Redactor`."""

    @property
    def kcv(self) -> str:
        """Check value of its key."""
        ...

    def payload(self, json_text: str) -> str:
        """Return a payload's text with pseudonyms in it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the caller of `replay` or `replaying` chose."""

    plan: Plan
    on_divergence: str = "continue"
    """continue, or stop at the first divergence."""
    strict: bool = False
    """Differences that are only times and ids are divergences too."""
    allow_net: tuple[str, ...] = ()
    """host or host:port that may be reached."""
    freeze: bool = False
    """Where no clock was recorded, start it at the recorded start, and seed `random`."""
    assertion: Any = None
    """False where the harm is done: an expression over the RunView, or a function of it."""
    ignore: tuple[str, ...] = ()
    """Members that are not compared, as dotted paths."""
    pace: str = "instant"
    """instant, or recorded: answers and chunks take as long as they did."""
    redactor: Redacts | None = None
    """Holds the key of a redacted recording: live values are redacted before they are compared, so that comparison is exact."""
