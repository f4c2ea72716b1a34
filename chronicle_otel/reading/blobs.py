"""Strings that were moved to the external store, put back where they were.

    payload tree ──each {"$chronicle.blob": {url, size}}──► object of that name below the given root ──size fits──► the string

The root is the reader's: an argument, or `CHRONICLE_STORE`. Of a span's URL only the object's name is used, so a copy of the
store serves as well, and hostile spans can open nothing else.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, cast

from chronicle_otel import semconv
from chronicle_otel.stores import Store, name_of
from chronicle_otel.wire.references import LIMIT

VARIABLE = "CHRONICLE_STORE"


@dataclass(frozen=True, slots=True)
class Missing:
    """A string that could not be put back."""

    step: int
    payload: str
    reason: str


class Blobs:
    """Puts strings back for one source."""

    def __init__(self, root: str | None = None) -> None:
        """`root`: where the store, or a copy of it, is; default: what `CHRONICLE_STORE` says. UsageError if it cannot be one."""
        root = root or os.environ.get(VARIABLE) or None
        self._store = Store(root) if root else None

    def filled(self, tree: Any, step: int, payload: str, missing: list[Missing]) -> Any:
        """Return the payload with its strings back; what is not there stays a marker, and is added to `missing`."""
        root = [tree]
        left = LIMIT
        work: list[tuple[Any, Any]] = [(root, 0)]
        while work:
            container, key = work.pop()
            node = container[key]
            if type(node) is dict and semconv.BLOB in node and len(node) == 1:
                found, reason = self._read(node[semconv.BLOB], left)
                if found is None:
                    missing.append(Missing(step, payload, reason))
                else:
                    container[key] = found
                    left -= len(found)
            elif type(node) is dict:
                work += [(node, name) for name, child in cast("dict[str, Any]", node).items() if type(child) in (dict, list)]
            elif type(node) is list:
                work += [(node, at) for at, child in enumerate(cast("list[Any]", node)) if type(child) in (dict, list)]
        return root[0]

    def _read(self, facts: Any, left: int) -> tuple[str | None, str]:
        url, size = (facts.get("url"), facts.get("size")) if type(facts) is dict else (None, None)
        name = name_of(url) if isinstance(url, str) else None
        if name is None or type(size) is not int or size < 0:
            return None, "names no object of a store"
        if self._store is None:
            root = cast("str", url)[: -len(name)].rstrip("/")
            return None, f"lies in the store {root[:200]}; give it, or a copy of it, with store=… or {VARIABLE}"
        if size > left:
            return None, f"has {size:,} bytes in the store, more than is read"
        try:
            data = self._store.read(name, size)
        except Exception as error:  # every kind of store has errors of its own
            return None, f"is not in the store {self._store.root} ({type(error).__name__})"
        if len(data) != size:
            return None, f"has {'more' if len(data) > size else 'fewer'} bytes in the store than the {size:,} that were written"
        try:
            return data.decode("utf-8", "surrogatepass"), ""
        except UnicodeDecodeError:
            return None, "is no text in the store"
