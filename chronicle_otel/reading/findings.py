"""What reading found out about a recording: one sentence each, with the place and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth knowing about a recording."""

    kind: str
    """missing_step, truncated, unresolved, lossy, partial, lost, duplicate_differs, orphan, version, mixed_keys; notices: redacted,
    damaged_source, partial_trace, search_limit, types_lost, cut_attribute."""
    step: int | None
    """`seq` of the Step that it is about, or None."""
    message: str
    """One sentence: what, where, what to do."""
    file: str = ""
    """File of the source, for damage found there."""
    line: int = 0
    """Line in it, from 1."""
    trace: str = ""
    """The trace that it is about, where it is one only; Runs of others do not have the finding."""
