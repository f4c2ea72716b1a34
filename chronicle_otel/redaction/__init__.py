"""Redaction that still replays: what is private becomes a value of the same type, the same one everywhere.

policy, key, tenant ──► Redactor ──► texts and payloads
                          └─► RedactingSpanExporter, RedactingLogExporter, `chronicle redact`

docs/redaction-engine.md says byte by byte what it does; the collector processor does the same.
"""

from __future__ import annotations

from .errors import PolicyError, RedactionError
from .policy import Policy, load_policy
from .redactor import Match, Redactor

__all__ = ["Match", "Policy", "PolicyError", "RedactionError", "Redactor", "load_policy"]
