"""Registered makers of the semconv view: how a call of an SDK looks in `gen_ai.*` attributes.

Instrumentors register theirs; the Recorder asks on its background thread, with what is new in the call only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class View(Protocol):
    """Make the `gen_ai.*` attributes of one SDK call.

    `request` is the request body without its history, `response` the response body (assembled, for a stream) or None,
    `new_messages` the elements of the history that no earlier Step of the Run held, `budget` the bytes of content allowed.
    """

    def __call__(
        self, request: Mapping[str, Any], response: Mapping[str, Any] | None, *, new_messages: list[Any], budget: int
    ) -> dict[str, Any]: ...


_views: dict[str, View] = {}


def register_view(sdk: str, view: View) -> None:
    """Use `view` for the calls of `sdk` (the name in `Boundary.sdk`)."""
    _views[sdk] = view


def view_of(sdk: str | None) -> View | None:
    """Return the registered maker, or None: then the call has no semconv view."""
    return _views.get(sdk) if sdk else None
