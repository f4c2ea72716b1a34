"""Type hints: they choose classes for typed values and for plain entry arguments, and coerce nothing else."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, TypedDict, Union

import attrs
import pydantic
import pytest

from chronicle_otel import values


class Side(enum.Enum):
    BUY = "buy"


@dataclasses.dataclass
class Order:
    symbol: str
    side: Side = Side.BUY
    legs: list[Order] = dataclasses.field(default_factory=list["Order"])


@attrs.define
class Position:
    symbol: str


class Quote(pydantic.BaseModel):
    price: decimal.Decimal


class Point(NamedTuple):
    x: int
    y: int


class Options(TypedDict, total=False):
    since: dt.date


Symbol = NewType("Symbol", str)


@pytest.mark.parametrize(
    ("tree", "hint", "value"),
    [
        ({"symbol": "A", "side": "buy", "legs": [{"symbol": "B"}]}, Order, Order("A", Side.BUY, [Order("B")])),
        ({"symbol": "A"}, Order | None, Order("A")),
        (None, Optional[Order], None),  # noqa: UP045  users write it
        ({"symbol": "A"}, Union[str, Position], Position("A")),  # noqa: UP007  users write it
        ({"price": "1.20"}, Quote, Quote(price=decimal.Decimal("1.20"))),
        ([{"symbol": "A"}], list[Order], [Order("A")]),
        ([{"symbol": "A"}], Sequence[Order], [Order("A")]),
        ({"a": {"symbol": "A"}}, Mapping[str, Order], {"a": Order("A")}),
        ([1, {"symbol": "A"}], tuple[int, Order], (1, Order("A"))),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, 2], set[int], {1, 2}),
        ([1, 2], Point, Point(1, 2)),
        ({"since": "2026-01-02"}, Options, {"since": dt.date(2026, 1, 2)}),
        ("2026-01-02T03:04:05+00:00", dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        ("1.20", decimal.Decimal, decimal.Decimal("1.20")),
        ("00000000-0000-0000-0000-000000000007", uuid.UUID, uuid.UUID(int=7)),
        ("a/b", Path, Path("a/b")),
        ("buy", Annotated[Side, "which"], Side.BUY),
        ("BUY", Side, Side.BUY),
        ("ACME", Symbol, "ACME"),
    ],
)
def test_plain_arguments_become_what_the_hint_says(tree: Any, hint: Any, value: Any) -> None:
    """Entry arguments given as plain JSON are built by the entry's own type hints."""
    result = values.decode(tree, hint=hint)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("tree", "hint"),
    [
        (1, float),
        ("1", int),
        (1.0, int),
        ("soon", dt.datetime),
        ("sideways", Side),
        ({"nobody": 1}, Order),
        ({"price": "dear"}, Quote),
        ("a", Literal["a", "b"]),
        ([1], Any),
        ({"a": 1}, dict[str, int]),
        ("x", str | int | None),
        (3, "a forward reference"),
    ],
)
def test_what_does_not_fit_stays_as_recorded(tree: Any, hint: Any) -> None:
    """JSON values are never coerced, and a hint that does not fit changes nothing."""
    result = values.decode(tree, hint=hint)
    assert result == tree
    assert type(result) is type(tree)


def test_typed_values_keep_their_own_class() -> None:
    """A hint does not override what was recorded."""
    day = dt.date(2026, 1, 2)
    assert values.decode({"a": values.to_tree(day)}, hint=dict[str, dt.datetime]) == {"a": day}


def test_a_class_that_moved_is_found_through_the_hint() -> None:
    """A typed value whose class is gone is built as the class that the entry asks for."""
    tree = {"$chronicle.type": ["dataclass", "old.module:Order", {"symbol": "A"}]}
    assert values.decode(tree, hint=Order) == Order("A")
    assert values.decode([tree], hint=list[Order]) == [Order("A")]
