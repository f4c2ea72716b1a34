"""One thing that the doctor says, and all that was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note", "ok"]

ORDER: Final[tuple[Severity, ...]] = ("error", "warning", "note", "ok")
"""error: recordings are damaged or lost, or private data leaks. warning: under some circumstances, or a part of them. note: worth
knowing. ok: looked at and found good."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing: what happens, where, what to change."""

    severity: Severity
    kind: str
    """A word for programs, as in `string_cut`; docs/doctor.md lists them."""
    where: str
    """File, line and key; an environment variable; a hop."""
    what: str
    """What happens to recordings, one sentence without a full stop."""
    setting: str = ""
    """What to change; empty where there is nothing to change."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"; {self.setting}" if self.setting else "")


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found, the worst first."""

    diagnoses: tuple[Diagnosis, ...]
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Numbers behind it, for programs."""

    @classmethod
    def of(cls, diagnoses: Iterable[Diagnosis], facts: Mapping[str, Any] | None = None) -> Report:
        """Put them in order; what was said twice is said once."""
        return cls(tuple(sorted(dict.fromkeys(diagnoses), key=lambda each: ORDER.index(each.severity))), facts or {})

    @property
    def harmful(self) -> bool:
        """Something damages recordings as it is."""
        return any(each.severity == "error" for each in self.diagnoses)

    def count(self, severity: Severity) -> int:
        """How many there are of a severity."""
        return sum(each.severity == severity for each in self.diagnoses)

    def kinds(self, severity: Severity | None = None) -> list[str]:
        """The kinds that were found, each once, in order."""
        return list(dict.fromkeys(each.kind for each in self.diagnoses if severity in (None, each.severity)))
