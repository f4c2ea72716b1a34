"""Keeping a span small enough for every hop: the largest strings inside its payloads give way first.

OTLP receivers take 4 MiB by default, and a collector that batches by bytes drops a single span above its limit. A
payload itself is never taken out, since later Steps refer into it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Any, cast

from .. import _guard, semconv, values

SMALLEST_CUT = 1024
"""Strings below this are never taken out: it would gain nothing."""


def shrink(payloads: Mapping[str, str], limit: int | None) -> dict[str, str]:
    """Replace the largest strings by `$chronicle.opaque` until the payloads fit in `limit` bytes together."""
    sizes = {name: len(text.encode("utf-8", "surrogatepass")) for name, text in payloads.items()} if limit is not None else {}
    if limit is None or sum(sizes.values()) <= limit:
        return dict(payloads)
    trees = {name: values.loads(text) for name, text in payloads.items()}
    candidates: list[tuple[int, int, Any, Any]] = []
    for tree in trees.values():
        _collect(tree, candidates)
    heapq.heapify(candidates)
    excess = sum(sizes.values()) - limit
    while excess > 0 and candidates:
        size, _, container, key = heapq.heappop(candidates)
        container[key] = {semconv.OPAQUE: {"why": "size", "size": -size}}
        excess -= -size - 60
    _guard.warn_once(
        "keep a step within its size",
        f"a step of more than {limit} bytes was recorded with its largest strings left out; such a step is not replayed from the record. "
        "Raise span_bytes or step_bytes in chronicle.init, or write to a file",
    )
    return {name: values.dumps(tree) for name, tree in trees.items()}


def _collect(tree: Any, into: list[tuple[int, int, Any, Any]]) -> None:
    todo: list[Any] = [tree]
    while todo:
        node = todo.pop()
        container: Any = node
        items: Iterable[tuple[Any, Any]] = ()
        if type(node) is dict:
            items = cast("dict[str, Any]", node).items()
        elif type(node) is list:
            items = enumerate(cast("list[Any]", node))
        for key, value in items:
            if isinstance(value, str):
                size = len(value.encode("utf-8", "surrogatepass"))
                if size >= SMALLEST_CUT:
                    into.append((-size, len(into), container, key))
            else:
                todo.append(value)
