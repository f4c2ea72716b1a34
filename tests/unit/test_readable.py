"""How typed values are written in reports."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from chronicle_otel import values
from chronicle_otel.replayer.readable import readable


class Side(enum.Enum):
    SELL = "sell"


@dataclass
class Order:
    side: Side
    price: Decimal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, "é"]}, '{"a":[1,null,"é"]}'),
        (Side.SELL, "Side.SELL"),
        (Order(Side.SELL, Decimal("1.20")), 'Order(side=Side.SELL, price=Decimal("1.20"))'),
        ([(1,), (1, "a"), {2}], '[(1,),(1, "a"),{2}]'),
        (dt.date(2026, 1, 2), 'date("2026-01-02")'),
        ({1: "a"}, 'dict([[1,"a"]])'),
    ],
)
def test_values_are_written_as_python_does(value: Any, text: str) -> None:
    """A report shows an enum, a dataclass or a Decimal as its reader wrote it, and JSON as JSON."""
    assert readable(values.to_tree(value)) == text


@pytest.mark.parametrize("content", [[], [1], ["enum"], ["enum", "x"], ["dataclass", "m:C", 5], ["tuple", 7], ["?", 1], ["no such", {}]])
def test_odd_markers_are_written_whatever_they_hold(content: list[Any]) -> None:
    """Recorded data is anybody's: a marker of odd content is written, and nothing is raised."""
    assert isinstance(readable({"$chronicle.type": content, **({} if content else {"b": 1})}), str)
