"""Detectors of the user's own, for what has no form: names, addresses, diagnoses. Named in a policy, imported only then.

Only the Python engine has them; a policy with hooks has an id that ends in `+py`, and the collector refuses it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from .errors import PolicyError
from .found import Found, Piece, Scope


class Hook(Protocol):
    """What a policy's `hooks: [{use: "module:name", options: {…}}]` names: called with the options, it gives such an object."""

    def find(self, text: str) -> Iterable[tuple[int, int, str]]:
        """Yield start, end (in characters) and type of what is private in a text, which is folded: accents are gone, CJK text is there."""
        ...


class HookDetector:
    """a hook as one of the rules."""

    cores: Sequence[str] = ("[A-Za-z\x80-\xff]",)

    def __init__(self, name: str, hook: Hook) -> None:
        self.name = name
        self._hook = hook

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return what the hook finds, as tokens."""
        text = part.decode("utf-8", "surrogateescape")
        made: list[Found] = []
        floor = 0
        for start, end, kind in sorted(self._hook.find(text)):
            if not floor <= start < end <= len(text):
                continue
            floor = end
            first = len(text[:start].encode("utf-8", "surrogateescape"))
            value = text[start:end]
            last = first + len(value.encode("utf-8", "surrogateescape"))
            made.append(Found(first, last, self.name, (Piece(first, last, "token", value, kind.lower()),), value))
        return made


def load_hook(entry: Mapping[str, Any]) -> HookDetector:
    """Import the hook that a policy names; PolicyError if that fails."""
    use: str = entry["use"]
    module, colon, name = use.partition(":")
    try:
        made: Any = getattr(importlib.import_module(module), name)(**entry.get("options", {}))
    except Exception as error:
        raise PolicyError(f"hooks: {use!r} cannot be loaded ({error}); write module:name of something callable") from error
    if not colon or not hasattr(made, "find"):
        raise PolicyError(f"hooks: {use!r} gives no object with a method find(text)")
    return HookDetector(name.lower(), made)
