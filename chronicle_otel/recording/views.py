"""Registered makers of the semconv view: how a call of an SDK looks in `gen_ai.*` attributes.

Instrumentors register theirs; the Recorder asks on its background thread, with what is new in the call only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from .. import semconv
from .interceptor import Boundary


class View(Protocol):
    """Make the `gen_ai.*` attributes of one SDK call.

    `request` is the request body without its history, `response` the response body, for a stream `{"events": [data, …]}`,
    or None; `new_messages` the elements of the history that no earlier Step of the Run held, `budget` the bytes of content allowed.
    """

    def __call__(
        self, request: Mapping[str, Any], response: Mapping[str, Any] | None, *, new_messages: list[Any], budget: int
    ) -> dict[str, Any]: ...


_views: dict[str, View] = {}
_pieces: dict[str, Collection[str]] = {}


def register_view(sdk: str, view: View, *, pieces: Collection[str] = ()) -> None:
    """Use `view` for the calls of `sdk` (the name in `Boundary.sdk`).

    `pieces` are the members of a stream's events whose strings make one text: such events may be shown to `view` joined.
    """
    _views[sdk] = view
    _pieces[sdk] = pieces


def pieces_of(sdk: str | None) -> Collection[str]:
    """Return the members of a stream's events whose strings make one text."""
    return _pieces.get(sdk, ()) if sdk else ()


def view_of(sdk: str | None) -> View | None:
    """Return the registered maker, or None: then the call has no semconv view."""
    return _views.get(sdk) if sdk else None


def function_view(boundary: Boundary, inputs: str, output: str | None, *, budget: int) -> dict[str, Any]:
    """Make the view of a decorated function from its payloads' texts; content only as far as it fits into `budget` bytes."""
    short = boundary.name.rsplit(".", 1)[-1]
    view: dict[str, Any] = {}
    operation = semconv.OPERATION_OF_KIND.get(boundary.kind)
    if operation is not None:
        view[semconv.OPERATION_NAME] = operation
    if boundary.kind == "tool":
        view[semconv.TOOL_NAME] = short
        if len(inputs) <= budget // 4:
            view[semconv.TOOL_CALL_ARGUMENTS] = inputs
        if output is not None and len(output) <= budget // 4:
            view[semconv.TOOL_CALL_RESULT] = output
    elif boundary.kind == "agent":
        view[semconv.AGENT_NAME] = short
    return view
