"""Moving strings to the external store, before the span that refers to them is sent."""

from __future__ import annotations

import time
from typing import Any

from .. import _guard, semconv
from ..stores import Store
from . import meters

_PAUSE = 30.0
"""Seconds that a store which failed is left alone: a store that hangs must not hold up every Step."""


class Mover:
    """Called with a string, stores it and returns the marker that names it; None where the store does not take it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rests_until = 0.0

    def __call__(self, text: str) -> dict[str, Any] | None:
        data = text.encode("utf-8", "surrogatepass")
        if time.monotonic() < self._rests_until:
            meters.count(meters.STORE_FAILED)
            return None
        try:
            url = self._store.write(data)
        except Exception as error:
            self._rests_until = time.monotonic() + _PAUSE
            meters.count(meters.STORE_FAILED)
            _guard.warn_once(
                "use the external store",
                f"the store {self._store.root} does not take a value ({type(error).__name__}: {error}); such values "
                "stay in their spans as long as these are not too large, else they are left out",
            )
            return None
        return {semconv.BLOB: {"url": url, "size": len(data)}}
