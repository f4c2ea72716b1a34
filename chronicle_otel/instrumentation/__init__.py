"""Instrumentors: one module per SDK, all cut alike. Nothing here imports an SDK."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from chronicle_otel.errors import UsageError

_KNOWN = {"openai": ("openai", "chronicle_otel.instrumentation.openai", "OpenAIInstrumentor")}
"""Name → (distribution of the SDK, module, class)."""


def _made(name: str) -> Any:
    _, module, cls = _KNOWN[name]
    return getattr(importlib.import_module(module), cls)()


def _installed(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(_KNOWN[name][0]) is not None


def available() -> list[str]:
    """Return the names of the Instrumentors whose SDK is installed."""
    return [name for name in _KNOWN if _installed(name)]


def instrument_all(names: Sequence[str] | None = None) -> list[str]:
    """Switch on the Instrumentors of all installed SDKs, or exactly those named; returns their names.

    SDKs that are not imported yet are patched when they are. UsageError for a name that is unknown or not installed.
    """
    if names is None:
        chosen = available()
    else:
        for name in names:
            if name not in _KNOWN:
                raise UsageError(f"instrument: there is no Instrumentor {name!r}; known are {', '.join(_KNOWN)}")
        chosen = list(names)
    for name in chosen:
        _made(name).stand()
    return chosen


def stand_by(recorded: frozenset[str]) -> None:
    """Switch on what a replay needs: every installed SDK, so that none reaches its provider.

    `recorded` are the names of the recorded Steps. UsageError if they hold calls of an SDK that is not installed here.
    """
    on = instrument_all()
    for name in _KNOWN:
        if name not in on and any(step.startswith(f"{name}.") for step in recorded):
            raise UsageError(f"the recording holds calls of {name}, which is not installed here: pip install {_KNOWN[name][0]}")


def uninstrument_all() -> None:
    """Switch every Instrumentor off."""
    import sys

    for _, module, cls in _KNOWN.values():
        loaded = sys.modules.get(module)
        if loaded is not None:
            getattr(loaded, cls)().uninstrument()
