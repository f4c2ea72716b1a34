"""Placeholder credentials: SDK clients refuse to be built without a key, and a replay needs none."""

from __future__ import annotations

import os

PLACEHOLDER = "chronicle-replay-no-key"

VARIABLES = (
    "OPENAI_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "MISTRAL_API_KEY",
    "COHERE_API_KEY",
    "GROQ_API_KEY",
)

TO_VENDORS = {"OPENAI_AGENTS_DISABLE_TRACING": "1"}
"""What switches a framework's own export of whole runs to its vendor off. The Agents SDK has it on as soon as there is a key, and a
placeholder is one to it; it goes on for seconds after a script's end."""


def silence_vendors() -> None:
    """Keep frameworks from sending replays to their vendors as if they were runs. What the user has set stays."""
    for name, value in TO_VENDORS.items():
        os.environ.setdefault(name, value)


def put_placeholders() -> list[str]:
    """Set each variable that is unset or empty to a placeholder; return the names that were set. Real keys stay."""
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    for name in missing:
        os.environ[name] = PLACEHOLDER
    if "OPENAI_API_KEY" in missing:
        silence_vendors()
    return missing
