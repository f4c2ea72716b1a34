"""Where a divergence comes from: a live boundary that answered something else, changed code, or a stale answer.

Evidence is a value: what a live boundary newly returned turns up in the next question. Without a value, unchanged code
around the place leaves only the boundaries that differed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .compare import Difference, changed_values, diff, leaves, mentions
from .counterparts import ALIAS, Recorded
from .log import REDACTION, Happened, RunLog
from .preparing import module_changed


@dataclass(frozen=True, slots=True)
class _Origin:
    """A live Step that brought something new into the Run."""

    happened: Happened
    at: int
    values: tuple[Any, ...]


class Causes:
    """Answers, for the log of one Run, why something differs."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._origins: list[_Origin] = []
        self._seen: list[tuple[set[tuple[str, str]], Happened, str | None, bool]] = []
        for h in log.happened:
            if not h.node.live or h is log.root_happened or h.form in (None, "refused"):
                continue
            if h.recorded is None:
                news = tuple(leaves(h.output))
            elif h.output_differences and h.output_excuse is None:
                news = tuple(changed_values(h.output_differences, "live"))
            else:
                continue
            self._origins.append(_Origin(h, h.ended_at, news))
        self._origins.sort(key=lambda o: o.at)

    @staticmethod
    def between(recorded: Any, live: Any) -> list[Difference]:
        return diff(recorded, live)

    def of_input(self, h: Happened) -> tuple[str | None, bool]:
        """Why a Step is asked something else; whether a live boundary accounts for it."""
        pairs = {(repr(d.recorded), repr(d.live)) for d in h.input_differences}
        earlier = next(((seen, first, cause, ok) for seen, first, cause, ok in self._seen if pairs <= seen), None)
        if earlier is not None:
            _, first, cause, ok = earlier
            cause = cause if cause is not None and cause.startswith("follows") else f"the same change as in {_name(first)}"
        else:
            cause, ok = self._why(h, h.input_differences)
        self._seen.append((pairs, h, cause, ok))
        return cause, ok

    def of_output(self, h: Happened) -> tuple[str | None, bool]:
        """Why a live Step gave something else."""
        inside = [o for o in self._origins if self._is_below(o.happened, h) and o.at < h.ended_at]
        proven = [o for o in inside if mentions(h.output_differences, o.values)]
        if proven:
            return f"follows from live boundary {proven[-1].happened.node.name}", True
        if h is not self._log.root_happened and h.input_differences and h.input_excuse is None:
            return "its input changed", True
        if h.code_changed:
            return f"code of {h.node.name} changed", True
        if inside:
            return f"follows from live boundary {inside[-1].happened.node.name}", True
        if self._redaction(h, h.output_differences):
            return REDACTION, False
        stale = self._stale_before(h.ended_at)
        if stale is not None and not self._own_doing(h):
            return f"follows from a stale answer ({_name(stale)})", False
        return None, False

    def of_call(self, h: Happened) -> str | None:
        """Why something is asked for that the recording does not have."""
        return self._why(h, [Difference((), "added", None, h.node.tree)])[0]

    def of_missing(self, r: Recorded) -> str | None:
        """Why something is not asked for any more."""
        root = self._log.root_happened
        around = next((h for h in self._log.happened if h.recorded is r.parent and h.node.live), None)
        cut_short = around is None or around.error is not None or around.form is None
        if cut_short and root is not None and root.error is not None and self._log.root.step.form != "error":
            return f"the run ended before it, with {type(root.error).__name__}"
        until = around.ended_at if around is not None and around.form is not None else None
        before = [o for o in self._origins if o.happened is not around and (until is None or o.at < until)]
        if before:
            return f"follows from live boundary {before[-1].happened.node.name}"
        if around is not None and around.code_changed:
            return f"code of {around.node.name} changed"
        return None

    def _why(self, h: Happened, differences: list[Difference]) -> tuple[str | None, bool]:
        before = [o for o in self._origins if o.at < h.node.order]
        proven = [o for o in before if mentions(differences, o.values)]
        if proven:
            return f"follows from live boundary {proven[-1].happened.node.name}", True
        if self._redaction(None, differences):
            return REDACTION, False
        around = self._around(h)
        if around is not None and around.code_changed:
            return f"code of {around.node.name} changed", False
        root = self._log.root_happened
        if before:
            return f"follows from live boundary {before[-1].happened.node.name}", True
        if root is not None and root.input_differences and root.input_excuse is None:
            return "the entry's input changed", False
        stale = self._stale_before(h.node.order)
        return (f"follows from a stale answer ({_name(stale)})", False) if stale is not None else (None, False)

    def _redaction(self, h: Happened | None, differences: list[Difference]) -> bool:
        """Say whether unchanged code gave something else because it saw pseudonyms, or a difference shows a part of one."""
        aliases = self._log.aliases
        if aliases is None:
            return False
        r = h.recorded if h is not None else None
        if h is not None and r is not None and h.node.level != ALIAS and not module_changed(h.boundary, r.step.code) and aliases.touched(r):
            return True
        return aliases.derived(differences)

    def _own_doing(self, h: Happened) -> bool:
        """A leaf that was asked just what was recorded, and answers something else: that lies in itself. What a memory
        holds depends on what came before."""
        leaf = h.node.kind not in ("agent", "step", "memory") and not any(self._is_below(other, h) for other in self._log.happened)
        return leaf and not h.input_differences

    def _around(self, h: Happened) -> Happened | None:
        """The nearest enclosing Step that ran live."""
        parent = h.node.parent
        return next((p for p in self._log.happened if p.node is parent), None) if parent is not None else None

    def _stale_before(self, at: int) -> Happened | None:
        return next((s for s in reversed(self._log.happened) if s.stale and s.node.order < at), None)

    @staticmethod
    def _is_below(h: Happened, above: Happened) -> bool:
        node = h.node.parent
        while node is not None:
            if node is above.node:
                return True
            node = node.parent
        return False


def _name(h: Happened) -> str:
    index = h.recorded.step.index if h.recorded is not None else h.index
    return f"{h.node.kind} {h.node.name} #{index}"
