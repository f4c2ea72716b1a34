"""Redaction that still replays: what is private becomes a value of the same type, the same one everywhere.

policy, key, tenant ──► Redactor ──► texts and payloads
                          └─► RedactingSpanExporter, RedactingLogExporter, `chronicle redact`

docs/redaction-engine.md says byte by byte what it does; the collector processor does the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import PolicyError, RedactionError
    from .policy import Policy, load_policy
    from .redactor import Match, Redactor

__all__ = ["Match", "Policy", "PolicyError", "RedactionError", "Redactor", "load_policy"]

_LATER = {
    "Match": "redactor", "Policy": "policy", "PolicyError": "errors", "RedactionError": "errors", "Redactor": "redactor",
    "load_policy": "policy",
}  # fmt: skip
"""The module that has each name: a replay needs only what pseudonyms look like, and the engine costs it 0.15 s to import."""


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
