"""Placeholder credentials: SDK clients refuse to be built without a key, and a replay needs none; nor what frameworks ask by themselves."""

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

BY_THEMSELVES = {
    "OPENAI_AGENTS_DISABLE_TRACING": "1",  # the Agents SDK sends whole runs to its vendor, at exit too, and takes a placeholder for a key
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # litellm fetches a table when it is imported, and cannot be where that is blocked
}
"""What switches off requests that frameworks make by themselves, whatever the code asks of them. No model request changes by it."""


def silence_frameworks() -> None:
    """Keep frameworks off the network where only a replay is at work. What the user has set stays."""
    for name, value in BY_THEMSELVES.items():
        os.environ.setdefault(name, value)


def put_placeholders() -> list[str]:
    """Set each variable that is unset or empty to a placeholder; return the names that were set. Real keys stay."""
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    for name in missing:
        os.environ[name] = PLACEHOLDER
    if "OPENAI_API_KEY" in missing:
        silence_frameworks()
    return missing
