"""What redaction refuses, and why it is a usage error: it refuses at the start, never in the middle."""

from __future__ import annotations

from chronicle_otel.errors import UsageError


class RedactionError(UsageError):
    """No redaction without a sound policy, a key and a pattern engine; the message names what is missing and the way out."""


class PolicyError(RedactionError):
    """A policy that is refused; the message names file, line and field."""
