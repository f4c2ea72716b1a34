"""Chunks of a stream given as what differs from an earlier one, so that nobody walks what is the same in all of them."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from chronicle_otel import semconv

TELLING: Final = frozenset({"index", "type", "event"})
"""Members that tell channels apart, as do those that end in `_index`."""


class Repeats:
    """`count` chunks in a row that are an earlier one but for some of its strings and integers.

    `of` is the place of that one in the list of chunks that these stand in; `holes` are the numbers of what differs, as
    `leaves` counts, and `columns` for each hole its values, one for each chunk: all strings or all integers, as in the
    earlier one. No string of them, nor one that they stand for, holds half a surrogate pair.
    """

    __slots__ = ("columns", "count", "holes", "of")

    def __init__(self, of: int, holes: tuple[int, ...], columns: Sequence[Sequence[str | int]], count: int) -> None:
        self.of, self.holes, self.columns, self.count = of, holes, columns, count

    def trees(self, model: Any) -> Iterator[Any]:
        """Yield the chunks in full."""
        for row in zip(*self.columns, strict=True) if self.columns else [()] * self.count:
            yield refilled(model, dict(zip(self.holes, row, strict=True)))


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


def refilled(model: Any, values: dict[int, str | int]) -> Any:
    """Copy a chunk with other strings and integers, by their number."""
    return _refilled(model, values, [0])


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
