"""Which recorded Step a live crossing is the counterpart of.

    live crossing ──► scope: nearest live ancestor with a counterpart
                        ├─ visible, equal input   ──► exact (owns) or moved
                        ├─ equal but times, ids   ──► volatile      ┐
                        ├─ equal input elsewhere  ──► moved         ├ borrow, and yield to an owner that comes later
                        ├─ same place, other input ─► changed       ┘
                        └─ nothing                ──► none: a stub is refused, a live step runs as added

Pure: it sees trees and places, never values, and runs nothing.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from .. import values
from .compare import holds_hole, is_hole, is_object, without
from .counterparts import ALIAS, CHANGED, EXACT, MOVED, UNKNOWN, VOLATILE, Guess, Live, Pseudonymous, Recorded
from .similarity import MODEL_KINDS, alike, features, same_conversation
from .volatile import Volatile

SIMILAR_ENOUGH: Final = 0.5
"""Below this a changed question gets no answer. Chosen on few cases: a default to be measured."""
_STRENGTH: Final = {CHANGED: 0, VOLATILE: 1, ALIAS: 2, MOVED: 3, EXACT: 4}


class Matcher:
    """State of matching for one Run. The caller holds a lock around every call.

    `planned(kind, name)` says what would run live; `registered(kind, name)` whether the process still has that boundary.
    """

    def __init__(
        self,
        steps: Iterable[Recorded],
        root: Recorded,
        *,
        planned: Callable[[str, str], bool],
        registered: Callable[[str, str], bool] = lambda kind, name: False,
        volatile: Volatile | None = None,
        aliases: Pseudonymous | None = None,
        follows: Callable[[Any, Any], bool] | None = None,
        ignore: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.steps = list(steps)
        self._planned = planned
        self._registered = registered
        self._volatile = volatile
        self._aliases = aliases
        self._follows = follows
        """(recorded input, live input) → they differ only in what a live boundary newly returned."""
        self._ignore = tuple(ignore)
        self._by_name: dict[tuple[str, str], list[Recorded]] = {}
        self._by_kind: dict[str, list[Recorded]] = {}
        self._members: dict[tuple[str, str], frozenset[str]] = {}
        for r in self.steps:
            if r is not root:
                self._by_name.setdefault((r.kind, r.name), []).append(r)
                self._by_kind.setdefault(r.kind, []).append(r)
        self._by_end = sorted((r for r in self.steps if r is not root), key=lambda r: r.end_ns)
        self._ends = [r.end_ns for r in self._by_end]
        self._keys: dict[tuple[str, str, tuple[str, ...]], dict[bytes, list[Recorded]]] = {}
        self._holes: dict[int, bool] = {}
        self._texts: dict[int, list[str]] = {}
        self._common_texts: dict[tuple[int, ...], frozenset[str]] = {}
        self._key_of: dict[tuple[int, tuple[str, ...]], bytes] = {}

    # ---- what the recording knows

    def known_members(self, kind: str, name: str) -> frozenset[str]:
        """Return the parameter names that the recorded inputs of a boundary ever had."""
        known = self._members.get((kind, name))
        if known is None:
            steps = self._by_name.get((kind, name)) or self._renamed(kind, name)
            known = frozenset(member for r in steps if is_object(r.tree) for member in r.tree)
            self._members[kind, name] = known
        return known

    def renamed_member(self, n: Live) -> tuple[str, str] | None:
        """Return (old name, new name) of a parameter, where it is the only one that is gone, and the only new one holds its value."""
        steps = [self.root] if n.parent is None else self._by_name.get((n.kind, n.name)) or []
        if not steps or not is_object(n.tree):
            return None
        if n.parent is not None:
            known = self.known_members(n.kind, n.name)
        else:
            known = frozenset(self.root.tree if is_object(self.root.tree) else ())
        new, gone = n.tree.keys() - known, known - n.tree.keys()
        if len(new) != 1 or len(gone) != 1:
            return None
        (now,), (old,) = new, gone
        key = values.key(n.tree[now])
        same = any(is_object(r.tree) and old in r.tree and values.key(r.tree[old]) == key for r in steps)
        return (old, now) if same else None

    def _renamed(self, kind: str, name: str) -> list[Recorded]:
        """Recorded Steps whose name is no boundary's any more, for a live name that the recording does not have."""
        if (kind, name) in self._by_name or (self.root.kind, self.root.name) == (kind, name):
            return []
        return [r for r in self._by_kind.get(kind, ()) if not self._registered(kind, r.name)]

    def key(self, tree: Any, ignore: tuple[str, ...]) -> bytes:
        """Key of an input without its ignored members."""
        return values.key(without(tree, ignore) if ignore else tree)

    def _recorded_key(self, r: Recorded, ignore: tuple[str, ...]) -> bytes:
        key = self._key_of.get((r.seq, ignore))
        if key is None:
            key = self._key_of[r.seq, ignore] = b"" if r.tree is UNKNOWN else self.key(r.tree, ignore)
        return key

    def _index(self, kind: str, name: str, ignore: tuple[str, ...]) -> dict[bytes, list[Recorded]]:
        index = self._keys.get((kind, name, ignore))
        if index is None:
            index = self._keys[kind, name, ignore] = {}
            for r in self._by_name.get((kind, name), ()):
                if r.tree is not UNKNOWN:
                    index.setdefault(self._recorded_key(r, ignore), []).append(r)
        return index

    # ---- places

    @staticmethod
    def scope(n: Live) -> Recorded | None:
        """Return the counterpart of the nearest ancestor that has one."""
        p = n.parent
        while p is not None and p.rec is None:
            p = p.parent
        return p.rec if p is not None else None

    def depth(self, r: Recorded, scope: Recorded) -> int | None:
        """How many recorded wrappers that no live step has taken lie between, or None where r cannot be seen from the scope."""
        depth, p = 0, r.parent
        while p is not scope:
            if p is None or p.used or not self._planned(p.kind, p.name):
                return None
            depth, p = depth + 1, p.parent
        return depth

    def _hidden(self, r: Recorded) -> bool:
        p = r.parent
        while p is not None:
            if p is not self.root and (p.served or not self._planned(p.kind, p.name)):
                return True
            p = p.parent
        return False

    # ---- matching

    def match(self, n: Live) -> Recorded | None:
        """Find the counterpart of a live crossing and take it, as owner or as borrower. None: there is none."""
        scope = self.scope(n) or self.root
        ignore = (*self._ignore, *n.ignore)
        index = self._index(n.kind, n.name, ignore)
        equal = index.get(self.key(n.tree, ignore), [])
        found = (
            self._in_place(n, scope, equal)
            or self._guessed(n, equal)
            or self._nearly(n, scope)
            or self._elsewhere(n, scope, equal, ignore)
            or self._changed(n, scope)
        )
        if found is None:
            n.nearest, n.likeness = self._nearest(n)
            return None
        r, n.level, n.ambiguous = found
        n.rec = r
        if n.level == EXACT:
            for borrower in r.loans:
                borrower.evicted, borrower.rec = True, None
            r.loans.clear()
            r.owner = n
            if r in equal:
                equal.remove(r)
        else:
            for borrower in [b for b in r.loans if n.level == MOVED and _STRENGTH[b.level or CHANGED] < _STRENGTH[MOVED]]:
                borrower.evicted, borrower.rec = True, None
                r.loans.remove(borrower)
            r.loans.append(n)
        return r

    def _in_place(self, n: Live, scope: Recorded, equal: Sequence[Recorded]) -> tuple[Recorded, str, bool] | None:
        direct = n.parent is not None and n.parent.rec is scope
        plain = self._plainly(n, scope, equal) if direct else None
        if plain is not None:
            n.by_lane = not n.live and plain.lane is not None
            return plain, EXACT, False
        seen: list[tuple[Recorded, int]] = []
        for r in equal:
            if r.owner is not None or r.branch != n.branch:
                continue
            depth = self.depth(r, scope)
            if depth is None:
                continue
            if r.loans and not (depth == 0 and direct) and not self._only_weaker(r):
                continue
            seen.append((r, depth))
        if not seen:
            return None
        r, depth = min(seen, key=lambda c: (bool(c[0].loans), c[0].lane != n.lane, c[0].seq))
        level = EXACT if depth == 0 and direct else MOVED
        ambiguous = False
        if len(seen) > 1 and not n.live:
            lanes = {c.lane for c, _ in seen}
            undecided = (
                (len(lanes) > 1 and r.lane != n.lane)
                or not direct
                or depth > 0
                or any(c.loans for c, _ in seen)
                or (lanes == {None} and any(_overlap(r, c) for c, _ in seen if c is not r))
                or (n.lane is not None and any(c is not r and c.lane == r.lane and _overlap(r, c) for c, _ in seen))
            )
            differ = self._answers_differ([c for c, _ in seen])
            ambiguous = undecided and differ
        n.by_lane = not n.live and r.lane is not None and r.lane == n.lane
        return r, level, ambiguous

    def _plainly(self, n: Live, scope: Recorded, equal: Sequence[Recorded]) -> Recorded | None:
        """The first unused equal Step in place, if nothing makes it doubtful: the common case, without looking at them all."""
        for at, r in enumerate(equal):
            if r.parent is not scope or r.loans or r.branch != n.branch or r.lane != n.lane:
                return None
            for c in equal[at + 1 : at + 50]:
                if c.loans or (c.start_ns < r.end_ns and c.lane == r.lane and not n.live):
                    return None
            return r
        return None

    def decided_by_lane(self, n: Live) -> bool:
        """Say whether nothing but its lane gave a crossing its answer and not an equal call's beside it."""
        r = n.rec
        if r is None or not n.by_lane:
            return False
        ignore = (*self._ignore, *n.ignore)
        key = self._recorded_key(r, ignore)
        equal = [
            c
            for c in self._by_name.get((r.kind, r.name), ())
            if c.parent is r.parent and c.branch == r.branch and c.tree is not UNKNOWN and self._recorded_key(c, ignore) == key
        ]
        return len({c.lane for c in equal}) > 1 and self._answers_differ(equal)

    @staticmethod
    def _only_weaker(r: Recorded) -> bool:
        return all(_STRENGTH[b.level or CHANGED] < _STRENGTH[MOVED] for b in r.loans)

    @staticmethod
    def _answers_differ(candidates: Sequence[Recorded]) -> bool:
        return len({c.answer() for c in candidates}) > 1

    def _nearly(self, n: Live, scope: Recorded) -> tuple[Recorded, str, bool] | None:
        """Equal but for pseudonyms, for times and ids, or for what the recording has lost."""
        seen: list[tuple[bool, int, int, Recorded]] = []
        for r in self._by_name.get((n.kind, n.name), ()):
            if r.used or r.branch != n.branch:
                continue
            depth = self.depth(r, scope)
            if depth is not None:
                seen.append((r.lane != n.lane, depth, r.seq, r))
        ignore = (*self._ignore, *n.ignore)
        live = without(n.tree, ignore) if ignore else n.tree
        alias = self._alias(n, sorted(seen, key=lambda c: c[:3]), live, ignore)
        if alias is not None:
            return alias
        for *_, r in sorted(seen, key=lambda c: c[:3]):
            if r.tree is UNKNOWN or is_hole(r.tree):
                return r, VOLATILE, len(seen) > 1 and self._answers_differ([c[-1] for c in seen])
            recorded = without(r.tree, ignore) if ignore else r.tree
            if (self._volatile is not None and self._volatile.explains(recorded, live)) or (
                self._holds_hole(r) and Volatile.unknown_only(recorded, live)
            ):
                return r, VOLATILE, False
        return None

    def _alias(
        self, n: Live, seen: Sequence[tuple[bool, int, int, Recorded]], live: Any, ignore: tuple[str, ...]
    ) -> tuple[Recorded, str, bool] | None:
        """The first that is equal but for pseudonyms; one of which every value is known goes before one that would teach a new one."""
        if self._aliases is None:
            return None
        fitting: list[tuple[Guess, Recorded]] = []
        for *_, r in seen:
            if r.tree is UNKNOWN or is_hole(r.tree):
                continue
            guess = self._aliases.guess(r, without(r.tree, ignore) if ignore else r.tree, live)
            if guess is not None and not guess.new:
                return r, ALIAS, False
            if guess is not None:
                fitting.append((guess, r))
        if not fitting:
            return None
        guess, r = fitting[0]
        guess.accept()
        return r, ALIAS, not n.live and self._answers_differ([r for _, r in fitting])

    def _guessed(self, n: Live, equal: Sequence[Recorded]) -> tuple[Recorded, str, bool] | None:
        seen = [r for r in equal if r.owner is None and r.branch == n.branch and (n.guessed or r.guessed) and not self._hidden(r)]
        if not seen:
            return None
        r = min(seen, key=lambda c: (bool(c.loans), c.lane != n.lane, c.seq))
        return r, EXACT, not n.live and len(seen) > 1 and self._answers_differ(seen)

    def _pool(self, n: Live, candidates: Iterable[Recorded]) -> list[Recorded]:
        return [r for r in candidates if r.owner is None and r is not self.root and not self._hidden(r)]

    def _elsewhere(self, n: Live, scope: Recorded, equal: Sequence[Recorded], ignore: tuple[str, ...]) -> tuple[Recorded, str, bool] | None:
        candidates: Iterable[Recorded] = equal
        if not equal:
            key = self.key(n.tree, ignore)
            candidates = [r for r in self._renamed(n.kind, n.name) if r.tree is not UNKNOWN and self._recorded_key(r, ignore) == key]
        pool = [r for r in self._pool(n, candidates) if not r.loans or self._only_weaker(r)]
        if not pool:
            return None
        places = {r.seq: self.depth(r, scope) for r in pool}
        depths = {seq: 99 if d is None else d for seq, d in places.items()}
        ranked = sorted(pool, key=lambda r: (depths[r.seq], r.branch != n.branch, bool(r.loans), r.lane != n.lane, r.seq))
        r = ranked[0]
        rivals = [c for c in ranked[1:] if (depths[c.seq], c.branch != n.branch) == (depths[r.seq], r.branch != n.branch)]
        return r, MOVED, not n.live and bool(rivals) and self._answers_differ([r, *rivals])

    def _changed(self, n: Live, scope: Recorded) -> tuple[Recorded, str, bool] | None:
        samename = self._by_name.get((n.kind, n.name)) or self._renamed(n.kind, n.name)
        seen: list[tuple[int, bool, bool, int, Recorded]] = []
        for r in self._pool(n, samename):
            depth = self.depth(r, scope)
            if depth is not None and not r.loans:
                seen.append((depth, r.branch != n.branch, r.lane != n.lane, r.seq, r))
        if not seen:
            return None
        seen.sort(key=lambda c: c[:4])
        first = seen[0][-1]
        if n.live:
            return first, CHANGED, False
        rivals = [first, *(c[-1] for c in seen[1:] if _overlap(first, c[-1]) or c[-1].lane != first.lane)]
        siblings = [r for r in samename if r.tree is not UNKNOWN and (r.used or self.depth(r, scope) is not None)]
        common = self._common(n.kind, siblings)
        asked = features(n.kind, self._translated(n))
        scored = [(alike(asked, self._features(r), common), r) for r in rivals if r.tree is not UNKNOWN]
        if not scored:
            return None
        score, best = max(scored, key=lambda c: c[0])
        n.likeness = score
        if score < SIMILAR_ENOUGH:
            return (first, CHANGED, False) if self._same_question(n, first, [r.tree for r in siblings]) else None
        close = [r for s, r in scored if s >= SIMILAR_ENOUGH]
        return best, CHANGED, len(close) > 1 and self._answers_differ(close)

    def _holds_hole(self, r: Recorded) -> bool:
        known = self._holes.get(r.seq)
        if known is None:
            known = self._holes[r.seq] = holds_hole(r.tree)
        return known

    def _features(self, r: Recorded) -> list[str]:
        texts = self._texts.get(r.seq)
        if texts is None:
            texts = self._texts[r.seq] = features(r.kind, r.tree)
        return texts

    def _common(self, kind: str, siblings: Sequence[Recorded]) -> frozenset[str] | None:
        """Texts that all recorded calls at a place hold; with a single one, that says something for models only."""
        if len(siblings) < 2 and kind not in MODEL_KINDS:
            return None
        place = tuple(r.seq for r in siblings)
        common = self._common_texts.get(place)
        if common is None:
            shared: set[str] | None = None
            for r in siblings:
                shared = set(self._features(r)) if shared is None else shared.intersection(self._features(r))
            common = self._common_texts[place] = frozenset(shared or ())
        return common

    def _same_question(self, n: Live, r: Recorded, siblings: Sequence[Any]) -> bool:
        """Say whether the recorded question is asked around something that a live boundary changed, such as an order that it clamped."""
        if r.tree is UNKNOWN:
            return False
        asked = self._translated(n)
        if n.kind in MODEL_KINDS and same_conversation(asked, r.tree, siblings):
            return True
        return self._follows is not None and self._follows(r.tree, asked)

    def _translated(self, n: Live) -> Any:
        return n.tree if self._aliases is None else self._aliases.translated(n.tree)

    def _nearest(self, n: Live) -> tuple[Recorded | None, float]:
        """The recorded Step that a refused call is most like: of its name, else of its kind; unused ones first."""
        named = self._by_name.get((n.kind, n.name), [])
        pool = named or self._by_kind.get(n.kind, [])
        pool = ([r for r in pool if not r.used] or pool)[:50]
        asked = features(n.kind, self._translated(n))
        best: Recorded | None = None
        score = -1.0
        for r in pool:
            if r.tree is UNKNOWN:
                continue
            likeness = alike(asked, self._features(r), None)
            if likeness > score:
                best, score = r, likeness
        return best, max(score, 0.0)

    # ---- afterwards

    def holds(self, r: Recorded) -> bool:
        """Say whether a recorded Step is of this Run."""
        while r.parent is not None:
            r = r.parent
        return r is self.root

    def planned(self, r: Recorded) -> bool:
        """Say whether a recorded Step would be executed."""
        return self._planned(r.kind, r.name)

    def missing(self) -> tuple[list[Recorded], list[Recorded]]:
        """Return the recorded Steps that nobody asked for, topmost only, and the wrappers that are gone though their inside ran."""
        missing: list[Recorded] = []
        unwrapped: list[Recorded] = []
        work = list(reversed(self.root.children))
        while work:
            r = work.pop()
            if r.late and not r.used:
                continue
            if r.used:
                if not r.served:
                    work.extend(reversed(r.children))
            elif self._planned(r.kind, r.name) and any(d.used for d in _below(r)):
                unwrapped.append(r)
                work.extend(reversed(r.children))
            else:
                missing.append(r)
        return missing, unwrapped

    def waits_for(self, r: Recorded) -> list[Recorded]:
        """Return the recorded Steps that ran beside `r`, ended before it, and have not been asked for yet."""
        first, last = bisect.bisect_right(self._ends, r.start_ns), bisect.bisect_left(self._ends, r.end_ns)
        return [p for p in self._by_end[first:last] if p is not r and not p.used and not self._hidden(p)]


def _below(r: Recorded) -> Iterable[Recorded]:
    work = list(r.children)
    while work:
        d = work.pop()
        yield d
        work.extend(d.children)


def _overlap(a: Recorded, b: Recorded) -> bool:
    return a.start_ns < b.end_ns and b.start_ns < a.end_ns
