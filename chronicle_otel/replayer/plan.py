"""What a replay executes and what it answers from the record.

    live=["tool:place_*", "changed"] ──► Plan ──► live(kind, name, changed) ──► True: execute it, False: answer it

Pure. By default nothing runs that could act on the world.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from .. import semconv
from ..errors import UsageError

CHANGED_KINDS = frozenset({"tool", "retrieval", "memory"})
"""Kinds that `live="changed"` may execute: the user's own code, and none that is paid for, acts on the world or asks a person."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which boundaries run live."""

    kinds: frozenset[str] = semconv.LIVE_BY_DEFAULT
    """Kinds that run live as a whole."""
    patterns: tuple[tuple[str, str], ...] = ()
    """(kind, glob on the boundary's name) that run live."""
    changed: bool = False
    """Also what changed since the recording, of the kinds in `CHANGED_KINDS`."""
    allow_effects: bool = False

    @classmethod
    def parse(cls, live: str | Iterable[str] = (), *, allow_effects: bool = False) -> Plan:
        """Read what `live=` accepts: kinds, "kind:glob" and "changed". UsageError for any other word."""
        words = words_of("live", live)
        kinds = set(semconv.LIVE_BY_DEFAULT)
        patterns: list[tuple[str, str]] = []
        changed = False
        for word in words:
            kind, colon, glob = word.partition(":")
            if word == "changed":
                changed = True
                continue
            if kind not in semconv.KINDS or (colon and not glob):
                near = difflib.get_close_matches(kind, (*semconv.KINDS, "changed"), 1)
                hint = f"; did you mean {near[0]!r}?" if near else "."
                raise UsageError(f'live={word!r}: not a kind, a kind:glob or "changed"{hint} Kinds are {", ".join(semconv.KINDS)}')
            if kind == "effect" and not allow_effects:
                raise UsageError(
                    f"live={word!r}: an effect acts on the world; say allow_effects=True (--allow-effects) as well if you mean it"
                )
            if colon:
                patterns.append((kind, glob))
            else:
                kinds.add(kind)
        return cls(frozenset(kinds), tuple(patterns), changed, allow_effects)

    def live(self, kind: str, name: str, *, changed: bool = False) -> bool:
        """Say whether a boundary is executed. `changed`: its code differs from the recorded one."""
        if kind == "effect" and not self.allow_effects:
            return False
        if kind in self.kinds or (changed and self.changed and kind in CHANGED_KINDS):
            return True
        return any(kind == k and named(name, glob) for k, glob in self.patterns)


def words_of(option: str, given: str | Iterable[str]) -> tuple[str, ...]:
    """Return what an option lists, one word for itself. UsageError for anything that is no word."""
    words = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else None
    if words is None or not all(isinstance(word, str) for word in words):
        raise UsageError(f"{option}={given!r}: give a list of words")
    return words


def named(name: str, glob: str) -> bool:
    """Say whether a glob means a boundary: by its whole name or the last part of it."""
    return fnmatch.fnmatchcase(name, glob) or fnmatch.fnmatchcase(name.rsplit(".", 1)[-1], glob)
