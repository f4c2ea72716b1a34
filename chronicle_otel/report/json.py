"""The report as JSON text."""

from __future__ import annotations

from .. import values
from ..replayer.result import Result


def render(result: Result) -> str:
    """Return `result.to_dict()` as one line of JSON."""
    return values.dumps(result.to_dict())
