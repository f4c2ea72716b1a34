"""What every source gives: span records, and what was found out while reading them."""

from __future__ import annotations

from dataclasses import dataclass, field

from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.otlp import SpanRecord


@dataclass(slots=True)
class Spans:
    """What a source holds."""

    spans: list[SpanRecord] = field(default_factory=list[SpanRecord])
    findings: list[Finding] = field(default_factory=list[Finding])

    def searched(self, where: str, found: int, limit: int, also: str = "") -> None:
        """Say that a search may have found less than there is, where it ended at its limit."""
        if found >= limit:
            message = f"{where}: the search ended at its limit of {limit} traces, so there may be more: narrow it, or raise limit={also}"
            self.findings.append(Finding("search_limit", None, message, where))

    def bad(self, where: str, line: int = 0) -> _Bad:
        """Return what the readers of OTLP tell of spans that they cannot read: each becomes a finding."""
        return _Bad(self.findings, where, line)


@dataclass(frozen=True, slots=True)
class _Bad:
    findings: list[Finding]
    where: str
    line: int

    def __call__(self, reason: str) -> None:
        place = f"{self.where}, line {self.line}" if self.line else self.where
        self.findings.append(Finding("damaged_source", None, f"{place}: {reason}", self.where, self.line))
