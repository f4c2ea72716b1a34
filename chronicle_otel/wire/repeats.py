"""Chunks of a stream given as what differs from an earlier one, so that nobody walks what is the same in all of them."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from chronicle_otel import semconv

TELLING: Final = frozenset({"index", "type", "event"})
"""Members that tell channels apart, as do those that end in `_index`."""


class Repeat:
    """A chunk that is an earlier one, number `of`, but for its strings and integers number `holes`, which are `values`.

    No string of `values`, nor one that it stands for, holds half a surrogate pair.
    """

    __slots__ = ("holes", "of", "values")

    def __init__(self, of: int, holes: tuple[int, ...], values: Sequence[str | int]) -> None:
        self.of, self.holes, self.values = of, holes, values

    def tree(self, model: Any) -> Any:
        """Return the chunk in full."""
        return _refilled(model, dict(zip(self.holes, self.values, strict=True)), [0])


def leaves(value: Any) -> list[tuple[Any, Any]] | None:
    """List the strings and integers of a chunk in order, each with its member's name; None where one is out of sight in a typed value."""
    found: list[tuple[Any, Any]] = []
    pairs = cast("dict[str, Any]", value).items() if type(value) is dict else enumerate(cast("list[Any]", value))
    for name, member in pairs:
        if type(member) is str or type(member) is int:
            found.append((name, member))
        elif type(member) is dict or type(member) is list:
            below = None if type(member) is dict and semconv.TYPE in member else leaves(member)
            if below is None:
                return None
            found += below
    return found


def tells_channels_apart(name: Any) -> bool:
    """Say whether a member of that name is not one of a channel's values but says which channel it is."""
    return type(name) is str and (name in TELLING or name.endswith("_index"))


def _refilled(value: Any, values: dict[int, Any], at: list[int]) -> Any:
    """Copy a chunk with other strings and integers, by their number; `at` counts them."""
    if type(value) is dict:
        return {name: _refilled(member, values, at) for name, member in value.items()}
    if type(value) is list:
        return [_refilled(item, values, at) for item in value]
    if type(value) is str or type(value) is int:
        at[0] += 1
        return values.get(at[0] - 1, value)
    return value
