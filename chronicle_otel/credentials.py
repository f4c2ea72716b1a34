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


def put_placeholders() -> list[str]:
    """Set each variable that is unset or empty to a placeholder; return the names that were set. Real keys stay."""
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    for name in missing:
        os.environ[name] = PLACEHOLDER
    return missing
