"""A snapshot is the value as it was, whatever the application does next."""

from __future__ import annotations

import collections
import enum
from typing import Any

import numpy
import pytest

from chronicle_otel import values
from chronicle_otel.recording.steps import Snapshot


class Level(enum.IntEnum):
    HIGH = 2


def unpacked(snapshot: Snapshot) -> Any:
    return values.to_tree(snapshot.value) if snapshot.copied else values.loads(snapshot.text or "")


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, "x", True]}, {"a": {1, 2}}, b"x", (1, [2]), {1: "one"}, float("inf")])
def test_built_in_values_are_copied(value: Any) -> None:
    """Values of built-in classes are copied whole."""
    snapshot = Snapshot(value)
    assert snapshot.copied
    assert snapshot.value == value


@pytest.mark.parametrize(
    "value",
    [
        numpy.float64(1.5), {"a": [numpy.int32(3)]}, {"a": numpy.zeros(2)}, Level.HIGH, collections.OrderedDict(a=1), float("nan"), object,
        bytearray(b"x"),
    ],
)  # fmt: skip
def test_other_values_are_encoded_as_what_they_are(value: Any) -> None:
    """What the fast copy would take for something else (numpy values for bytes) is encoded with its own type."""
    snapshot = Snapshot(value)
    assert not snapshot.copied
    assert unpacked(snapshot) == values.to_tree(value)


def test_later_changes_are_not_seen() -> None:
    """A nested value that changes after the snapshot stays as it was in it."""
    value = {"items": [1, {"n": 1}]}
    snapshot = Snapshot(value)
    value["items"][1]["n"] = 2  # type: ignore[index]
    assert unpacked(snapshot) == {"items": [1, {"n": 1}]}
