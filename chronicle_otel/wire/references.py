"""References out: every `$chronicle.ref` of a payload replaced by what it names.

    payload ──its references──► their payloads, resolved first ──path──► value or elements, shared and not copied
                     step lost ──► second source ──► holes: opaque values that name the lost Step

Spans are hostile input: cycles are refused, and so is more text than a limit. No recursion.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, cast

from chronicle_otel import semconv
from chronicle_otel.wire.markers import Reference, Source, StepId, hole, parse_ref

Target: TypeAlias = tuple[StepId, str]
"""(step, payload name)."""

LIMIT: Final = 64 * 1024 * 1024
"""Bytes of text that one payload may have when resolved, in round figures."""
_ENDS: Final = (semconv.OPAQUE, semconv.BLOB)
_NOWHERE: Final = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """A reference that could not be resolved."""

    step: StepId
    """The Step that holds the reference."""
    payload: str
    kind: str
    """lost (its Step is missing or damaged), broken (no such place), cycle, limit or malformed."""
    source: StepId | None
    """The Step that is referred to."""


@dataclass(slots=True)
class _Site:
    """One reference in a payload that is being resolved, and where its value goes."""

    into: Any
    at: Any
    reference: Reference


class Resolver:
    """Resolves payloads on demand and remembers each; results share their parts and must not be changed."""

    def __init__(self, source: Callable[[StepId, str], Any | None], *, limit: int = LIMIT) -> None:
        """`source` returns the payload tree as recorded, or None if the Step or the payload is lost."""
        self._source = source
        self._limit = limit
        self._done: dict[Target, Any] = {}
        self._sizes: dict[int, int] = {}
        self._kept: list[Any] = []  # what `_sizes` knows by its identity must not be freed
        self._totals: dict[Target, int] = {}
        self.problems: list[Problem] = []
        """What could not be resolved so far."""

    def resolve(self, step: StepId, payload: str) -> Any | None:
        """Return a payload without references, or None if it is not there."""
        target = (step, payload)
        if target not in self._done:
            self._resolve(target)
        found = self._done[target]
        return None if found is _NOWHERE else found

    def _resolve(self, first: Target) -> None:
        opened: dict[Target, tuple[Any, list[_Site], int]] = {}
        stack: list[Target] = [first]
        while stack:
            target = stack[-1]
            if target in self._done:
                stack.pop()
                continue
            if target not in opened:
                tree = self._source(*target)
                if tree is None:
                    self._done[target] = _NOWHERE
                    continue
                opened[target] = _copy(tree, lambda target=target: self._note(target, "malformed", None))
                for site in opened[target][1]:
                    if isinstance(target[0], tuple):
                        site.reference = _of_run(site.reference, target[0][0])
                    sources = (site.reference.source, site.reference.second)
                    targets = [(source.step, source.payload) for source in sources if source is not None]
                    stack += [each for each in targets if each not in opened]
                continue
            stack.pop()
            root, sites, size = opened[target]
            self._totals[target] = size + self._fill(target, sites)
            self._done[target] = root[0]

    def _note(self, target: Target, kind: str, source: StepId | None) -> None:
        problem = Problem(target[0], target[1], kind, source)
        if problem not in self.problems[-50:] and len(self.problems) < 10_000:
            self.problems.append(problem)

    def _fill(self, target: Target, sites: list[_Site]) -> int:
        """Put values in place of references; return about how much text they have."""
        left = self._limit
        lists: dict[int, tuple[list[Any], dict[int, list[Any]]]] = {}
        for site in sites:
            reference = site.reference
            if reference.begin is None:
                value = self._value(target, reference.source)
                size = self._size(value)
                items = [value]
            else:
                items = self._elements(target, reference)
                size = self._totals.get((reference.source.step, reference.source.payload), left)  # at most
                if size > left // 4:
                    size = sum(map(self._size, items))
            if size > left:
                self._note(target, "limit", reference.source.step)
                items = [hole("limit", reference.source.step)]
            left -= min(size, left)
            if reference.begin is not None:
                lists.setdefault(id(site.into), (site.into, {}))[1][site.at] = items
            else:
                site.into[site.at] = items[0]
        for into, spliced in lists.values():
            result: list[Any] = []
            start = 0
            for at in sorted(spliced):
                result += into[start:at]
                result += spliced[at]
                start = at + 1
            into[:] = result + into[start:]
        return self._limit - left

    def _found(self, target: Target, source: Source) -> Any:
        """Return what a source names, or `_NOWHERE`."""
        place = (source.step, source.payload)
        if place not in self._done:
            self._note(target, "cycle", source.step)
            return hole("cycle", source.step)
        value = self._done[place]
        if value is _NOWHERE or _is_end(value):
            return value
        for ordinal in source.path:
            value = _child(value, ordinal)
            if value is _NOWHERE:
                self._note(target, "broken", source.step)
                return hole("broken", source.step)
            if _is_end(value):
                return value
        return value

    def _value(self, target: Target, source: Source) -> Any:
        value = self._found(target, source)
        if value is _NOWHERE:
            self._note(target, "lost", source.step)
            return hole("lost", source.step)
        return value

    def _elements(self, target: Target, reference: Reference) -> list[Any]:
        begin, end = cast("int", reference.begin), reference.end
        found = self._found(target, reference.source)
        if type(found) is list and len(cast("list[Any]", found)) >= end:
            return cast("list[Any]", found)[begin:end]
        kind = "lost" if found is _NOWHERE else "broken"
        missing = found if _is_end(found) else hole(kind, reference.source.step)
        items: list[Any] = []
        if reference.second is not None:
            other = self._found(target, reference.second)
            if type(other) is list:
                items = cast("list[Any]", other)[begin : min(end, reference.second_end)]
        if (end - begin) * 16 > self._limit:
            self._note(target, "limit", reference.source.step)
            return [hole("limit", reference.source.step)]
        if len(items) < end - begin and not _is_end(found):
            self._note(target, kind, reference.source.step)
        return items + [missing] * (end - begin - len(items))

    def _size(self, tree: Any) -> int:
        """Return about how long the text of a resolved tree is. Containers are counted once and remembered."""
        if type(tree) is str:
            return len(tree) + 2
        if type(tree) is not dict and type(tree) is not list:
            return 8
        known = self._sizes.get(id(tree))
        if known is not None:
            return known
        stack: list[tuple[Any, Iterator[Any], list[int]]] = [(tree, _children(tree), [_own_size(tree)])]
        while True:
            container, rest, total = stack[-1]
            for child in rest:
                if type(child) is dict or type(child) is list:
                    size = self._sizes.get(id(child))
                    if size is None:
                        stack.append((child, _children(child), [_own_size(child)]))
                        break
                    total[0] += size
                else:
                    total[0] += len(child) + 2 if type(child) is str else 8
            else:
                stack.pop()
                self._sizes[id(container)] = total[0]
                self._kept.append(container)
                if not stack:
                    return total[0]
                stack[-1][2][0] += total[0]


def _of_run(reference: Reference, run: str) -> Reference:
    """Return a reference that stands in another Run, its Steps named with that Run."""

    def source(known: Source | None) -> Source | None:
        return replace(known, step=(run, known.step)) if known is not None and isinstance(known.step, int) else known

    return replace(reference, source=cast("Source", source(reference.source)), second=source(reference.second))


def _children(container: Any) -> Iterator[Any]:
    return iter(container.values()) if type(container) is dict else iter(container)


def _own_size(container: Any) -> int:
    return 2 + sum(len(name) + 4 for name in container) if type(container) is dict else 2 + len(container)


def _is_end(value: Any) -> bool:
    """Say whether a path ends here, whatever is left of it: what was inside is gone."""
    return type(value) is dict and len(cast("dict[str, Any]", value)) == 1 and next(iter(value)) in _ENDS


def _child(value: Any, ordinal: int) -> Any:
    if type(value) is list:
        items = cast("list[Any]", value)
        return items[ordinal] if ordinal < len(items) else _NOWHERE
    if type(value) is dict:
        members = cast("dict[str, Any]", value)
        if ordinal >= len(members):
            return _NOWHERE
        for number, member in enumerate(members.values()):
            if number == ordinal:
                return member
    return _NOWHERE


def _copy(tree: Any, malformed: Callable[[], None]) -> tuple[list[Any], list[_Site], int]:
    """Copy a payload's containers, list the references in it, and add up its strings; those and numbers are shared."""
    root: list[Any] = [None]
    sites: list[_Site] = []
    size = 0
    work: list[tuple[Any, Any, Any]] = [(tree, root, 0)]
    while work:
        value, into, at = work.pop()
        if type(value) is dict:
            if semconv.REF in value and len(cast("dict[str, Any]", value)) == 1:
                reference = parse_ref(value)
                into[at] = value
                if reference is None or (reference.begin is not None and (into is root or type(into) is not list)):
                    malformed()
                else:
                    sites.append(_Site(into, at, reference))
                continue
            if _is_end(value):
                into[at] = value
                continue
            copy: Any = dict(value)
            size += 2 + sum(map(len, copy)) + 4 * len(copy)
            items: Iterable[tuple[Any, Any]] = copy.items()
        elif type(value) is list:
            copy = list(cast("list[Any]", value))
            size += 2 + len(copy)
            items = enumerate(copy)
        else:
            root[0] = value
            return root, sites, len(value) if type(value) is str else 8
        for name, item in items:
            if type(item) is dict or type(item) is list:
                work.append((item, copy, name))
            else:
                size += len(item) + 2 if type(item) is str else 8
        into[at] = copy
    return root, sites, size


def resolve(trees: Mapping[Target, Any], *, limit: int = LIMIT) -> tuple[dict[Target, Any], list[Problem]]:
    """Resolve all payloads of a Run; return them, and what could not be resolved."""
    resolver = Resolver(lambda step, payload: trees.get((step, payload)), limit=limit)
    return {target: resolver.resolve(*target) for target in trees}, resolver.problems
