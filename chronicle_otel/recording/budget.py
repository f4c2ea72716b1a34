"""Keeping a span small enough for every hop: the largest strings inside its payloads give way first.

    payloads ──► strings above the inline budget ──► external store, if there is one
            └──► still too large: the largest strings ──► opaque        (a payload of small things only: the container that holds them)

OTLP receivers take 4 MiB by default, and a collector that batches by bytes drops a single span above its limit. A
payload itself is only taken out where it is that string, since later Steps refer into it.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from .. import _guard, semconv, values
from . import meters

SMALLEST_CUT = 1024
"""Strings below this are never taken out: it would gain nothing."""
_MARKER = 60
"""Bytes of the marker that stands where something was taken out, in round figures."""

Put = Callable[[str], dict[str, Any] | None]
"""Stores a string and returns the marker that names it, or None if that failed."""


def size_of(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def shrink(payloads: Mapping[str, str], limit: int | None, *, put: Put | None = None, inline: int = 0) -> dict[str, str]:
    """Return payloads that fit in `limit` bytes together; with `put`, strings above `inline` bytes go there first.

    Payloads in which nothing is replaced keep their text.
    """
    if limit is None and put is None:
        return dict(payloads)
    sizes = {name: size_of(text) for name, text in payloads.items()}
    total = sum(sizes.values())
    if (limit is None or total <= limit) and (put is None or max(sizes.values(), default=0) <= inline):
        return dict(payloads)
    trees: dict[str, Any] = {}
    for name, text in payloads.items():
        if sizes[name] >= SMALLEST_CUT:
            try:
                trees[name] = values.loads(text)
            except ValueError:
                continue  # not ours to repair, and nothing to cut it by
    cut = _Cut(trees, total - limit if limit is not None else 0)
    if put is not None:
        cut.move(put, inline)
    if cut.excess > 0:
        cut.strings()
        cut.containers()
        _guard.warn_once(
            "keep a step within its size",
            "a step above its budget was recorded with its largest strings left out; such a step is not replayed from the record. "
            "Raise span_bytes or step_bytes in chronicle.init, give it a store, or write to a file",
        )
    return {name: values.dumps(trees[name]) if name in cut.changed else text for name, text in payloads.items()}


class _Cut:
    """The trees of a Step's payloads while strings are taken out of them."""

    def __init__(self, trees: dict[str, Any], excess: int) -> None:
        self._trees = trees
        self.excess = excess
        """Bytes that must still go."""
        self.changed: set[str] = set()
        self._strings: list[tuple[int, int, _Site]] = []
        for name in trees:
            for site in _sites(trees, name):
                size = size_of(site.container[site.key])
                if size >= SMALLEST_CUT:
                    self._strings.append((-size, len(self._strings), site))
        heapq.heapify(self._strings)

    def move(self, put: Put, inline: int) -> None:
        """Give the strings above `inline` bytes to the store; what it does not take stays."""
        kept: list[tuple[int, int, _Site]] = []
        while self._strings and -self._strings[0][0] > inline:
            size, number, site = heapq.heappop(self._strings)
            marker = put(site.container[site.key])
            if marker is None:
                kept.append((size, number, site))
                continue
            meters.count(meters.STORED)
            self._replaced(site.payload, -size - 2 * _MARKER)
            site.container[site.key] = marker
        self._strings += kept
        heapq.heapify(self._strings)

    def strings(self) -> None:
        """Take out the largest strings until it fits."""
        while self.excess > 0 and self._strings:
            size, _, site = heapq.heappop(self._strings)
            if site.outer_container[site.outer_key] is not site.outer:
                continue  # it was in a typed value that is gone
            site.outer_container[site.outer_key] = _opaque(-size)
            self._replaced(site.payload, -size - _MARKER)

    def containers(self) -> None:
        """Where small things alone are too much, take out the smallest container that is enough."""
        while self.excess > 0:
            name = max(self._trees, key=lambda each: size_of(values.dumps(self._trees[each])), default=None)
            if name is None or not _holds(self._trees[name]):
                return
            container, key, size = cast("Any", self._trees), cast("Any", name), size_of(values.dumps(self._trees[name]))
            while True:
                node = container[key]
                inner = [(size_of(values.dumps(child)), at) for at, child in _children(node) if _holds(child)]
                enough = [each for each in inner if each[0] >= self.excess + _MARKER]
                if enough:
                    size, at = min(enough)
                elif inner and container is self._trees and max(inner)[0] >= SMALLEST_CUT:
                    size, at = max(inner)
                else:
                    break
                container, key = node, at
                if not enough:
                    break
            container[key] = _opaque(size)
            self._replaced(name, size - _MARKER)

    def _replaced(self, payload: str, gain: int) -> None:
        self.changed.add(payload)
        self.excess -= gain


class _Site:
    """Where a string stands, and where what must go with it stands: a typed value goes as a whole."""

    __slots__ = ("container", "key", "outer", "outer_container", "outer_key", "payload")

    def __init__(self, payload: str, container: Any, key: Any, outer_container: Any, outer_key: Any) -> None:
        self.payload = payload
        self.container, self.key = container, key
        self.outer_container, self.outer_key = outer_container, outer_key
        self.outer = outer_container[outer_key]


def _sites(trees: dict[str, Any], payload: str) -> Iterator[_Site]:
    work: list[tuple[Any, Any, Any, Any]] = [(trees, payload, None, None)]
    while work:
        container, key, outer_container, outer_key = work.pop()
        node = container[key]
        if isinstance(node, str):
            typed = outer_container is not None
            yield _Site(payload, container, key, outer_container if typed else container, outer_key if typed else key)
            continue
        if outer_container is None and type(node) is dict and semconv.TYPE in node and len(node) == 1:
            outer_container, outer_key = container, key
        work += [(node, at, outer_container, outer_key) for at, child in _children(node) if isinstance(child, str) or _holds(child)]


def _children(node: Any) -> list[tuple[Any, Any]]:
    if type(node) is dict:
        return list(cast("dict[str, Any]", node).items())
    return list(enumerate(cast("list[Any]", node))) if type(node) is list else []


def _holds(node: Any) -> bool:
    """Say whether a node is a container of values, and not what stands for one."""
    if type(node) is dict:
        return not (len(node) == 1 and next(iter(node)) in (semconv.OPAQUE, semconv.BLOB, semconv.REF))
    return type(node) is list


def _opaque(size: int) -> dict[str, Any]:
    meters.count(meters.OPAQUE)
    return {semconv.OPAQUE: {"why": "size", "size": size}}
