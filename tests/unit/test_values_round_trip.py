"""Values: what an application passes around comes back from its payload as it was."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import math
import pathlib
import re
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple, TypedDict

import attrs
import numpy
import pydantic
import pytest

from chronicle_otel import values
from chronicle_otel.replayer.compare import diff


class Colour(enum.Enum):
    RED = "r"
    BOTH = (1, 2)


class Word(enum.StrEnum):
    YES = "yes"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    symbol: str
    legs: tuple[Order, ...] = ()


@attrs.define
class Position:
    symbol: str
    _held: int = 0


class Quote(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    symbol: str
    price: decimal.Decimal = decimal.Decimal("1.20")
    order: Order | None = None


class Point(NamedTuple):
    x: int
    label: str


class Options(TypedDict):
    depth: int


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
SAMPLES: list[Any] = [
    dt.datetime(2026, 1, 2, 3, 4, 5, 678901),
    dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
    dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN),
    dt.date(2026, 1, 2),
    dt.time(3, 4, 5),
    dt.timedelta(days=-1, microseconds=7),
    decimal.Decimal("1.20"),
    decimal.Decimal("Infinity"),
    uuid.UUID(int=7),
    b"\x00\xff",
    bytearray(b"ab"),
    {1, "a", (2, 3)},
    frozenset({dt.date(2026, 1, 2)}),
    (1, (2.5, None)),
    Colour.RED,
    Colour.BOTH,
    Word.YES,
    Rights.READ | Rights.WRITE,
    pathlib.Path("a/b"),
    pathlib.PureWindowsPath("C:/x"),
    1 - 2j,
    range(1, 9, 2),
    collections.deque([1, 2], maxlen=3),
    types.MappingProxyType({"a": 1}),
    collections.OrderedDict(b=1, a=2),
    collections.Counter("hello"),
    collections.Counter([1, 1, None]),
    collections.defaultdict(list, {"a": [1]}),
    collections.defaultdict(None, {1: 2}),
    types.SimpleNamespace(a=1),
    re.compile("a+", re.IGNORECASE),
    fractions.Fraction(1, 3),
    ipaddress.ip_network("10.0.0.0/8"),
    Order("ACME", (Order("XYZ"),)),
    Position("ACME", 3),
    Quote(symbol="ACME", order=Order("ACME"), note="an extra member"),
    Point(1, "one"),
    Options(depth=3),
    {2: "a", None: "b", (1, 2): "c"},
    {"$chronicle.ref": [1], "$$chronicle.type": 2, "$other": 3},
    numpy.float64(1.5),
    numpy.float32(0.1),
    numpy.int8(-3),
    numpy.bool_(True),
    numpy.str_("text"),
    numpy.datetime64("2026-01-02T03:04"),
    numpy.complex64(1 + 2j),
    float("inf"),
    -float("inf"),
    10**200,
    -(10**5_000),
    "\x00",
    "\ud83d",
    "50 MB " * 8_000_000,
]


def back(value: Any) -> Any:
    """Through the payload text and back."""
    return values.decode(values.loads(values.encode(value)))


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: f"{type(value).__name__}")
def test_comes_back_equal_and_of_its_class(value: Any) -> None:
    """A value of every class that is promised comes back equal and of the same class."""
    result = back(value)
    assert type(result) is type(value)
    assert result == value


@pytest.mark.parametrize("value", [None, True, False, 0, -1, 1.5, "", "a", [], {}, [1, [True, {"a": None}]], {"a": {"b": ["c"]}}])
def test_plain_json_is_written_as_it_is(value: Any) -> None:
    """What JSON can carry is its own payload, and is not coerced when it is read."""
    assert values.to_tree(value) == value
    assert back(value) == value
    assert type(back(value)) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        numpy.arange(6).reshape(2, 3),
        numpy.array(["a", "bc"]),
        numpy.array([1, None, dt.date(2026, 1, 2)], dtype=object),
        numpy.zeros((0, 3), dtype="f4"),
    ],
    ids=["integers", "strings", "objects", "empty"],
)
def test_arrays_come_back_with_type_and_shape(array: Any) -> None:
    """A numpy array comes back with its elements, element type and shape."""
    result = back(array)
    assert (result.dtype, result.shape, result.tolist()) == (array.dtype, array.shape, array.tolist())


def test_not_a_number_comes_back() -> None:
    """NaN, which JSON has no word for, comes back as NaN."""
    assert math.isnan(back(float("nan")))


def test_a_repeated_hour_keeps_its_offset() -> None:
    """The second 02:30 of the night on which the clocks go back stays the second."""
    assert back(dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN)).utcoffset() == dt.timedelta(hours=1)


def test_a_model_keeps_which_fields_were_given() -> None:
    """`exclude_unset` of a pydantic model that came back leaves out what the original left out."""
    assert back(Quote(symbol="ACME")).model_dump(exclude_unset=True) == {"symbol": "ACME"}


def test_a_model_with_extra_members_keeps_them() -> None:
    """Members beyond the declared fields of a pydantic model come back as such."""
    assert back(Quote(symbol="ACME", note="n")).model_extra == {"note": "n"}


def test_subclasses_of_json_types_are_the_json_value() -> None:
    """A subclass of str, int, list or dict is recorded as the value that it is."""

    class Text(str):
        __slots__ = ()

    class Table(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("not for reading")

    assert values.to_tree([Text("a"), Table(b=1), collections.defaultdict(lambda: 7, c=2)]) == ["a", {"b": 1}, {"c": 2}]


def test_kinds_of_dict_keep_what_they_can_do() -> None:
    """An OrderedDict moves members, a Counter counts what it does not have, a defaultdict fills in, after they came back."""
    sent: Any = [collections.OrderedDict(b=1, a=2), collections.Counter("aab"), collections.defaultdict(list, x=[1])]
    ordered, counter, filling = values.decode(values.loads(values.encode(sent)))
    ordered.move_to_end("b")
    filling["new"].append(1)
    assert list(ordered) == ["a", "b"]
    assert (counter["c"], counter.most_common(1)) == (0, [("a", 2)])
    assert filling == {"x": [1], "new": [1]}


def test_kinds_of_dict_equal_a_dict_of_the_same_members() -> None:
    """A refactoring from one kind of dict to another changes no input."""
    plain = values.to_tree({"a": 2, "b": 1})
    for other in (collections.OrderedDict(b=1, a=2), collections.Counter(a=2, b=1), collections.defaultdict(int, a=2, b=1)):
        assert values.equal(values.to_tree(other), plain)
        assert not diff(plain, values.to_tree(other))
        assert [d.place for d in diff(values.to_tree({"a": 3, "b": 1}), values.to_tree(other))] == ["a"]


def test_a_recording_names_no_code_that_fills_a_defaultdict() -> None:
    """Only built-in types fill a defaultdict; what a span names beside them is not looked up."""
    tree = {"$chronicle.type": ["defaultdict", {"a": 1}, "Popen"]}
    assert isinstance(values.decode(tree), values.Recorded)


def test_names_of_string_subclasses_are_plain_names() -> None:
    """A dict whose names are of a str subclass stays an object; enum names do not."""

    class Text(str):
        __slots__ = ()

    assert values.to_tree({Text("a"): 1}) == {"a": 1}
    assert values.to_tree({Word.YES: 1})["$chronicle.type"][0] == "dict"


def test_the_copy_is_the_value_at_that_time() -> None:
    """Changing a value after it was encoded does not change its tree."""
    value = {"a": [1]}
    tree = values.to_tree(value)
    value["a"].append(2)
    assert tree == {"a": [1]}


def test_a_class_that_is_not_loaded_becomes_a_stand_in_with_its_members() -> None:
    """An object whose class is gone can still be looked at, and is written again as it was read."""
    tree = {"$chronicle.type": ["dataclass", "gone:Order", {"symbol": "ACME"}]}
    order = values.decode(tree)
    assert (type(order), order.type_name, order.symbol) == (values.Recorded, "gone:Order", "ACME")
    assert values.to_tree(order) == tree


@pytest.mark.parametrize("name", ["os:system", "builtins:eval", "subprocess:Popen", f"{__name__}:back"])
def test_a_span_names_no_code_to_run(name: str) -> None:
    """A typed value that names something else than a class of its kind is only a stand-in."""
    for kind in ("dataclass", "attrs", "pydantic", "namedtuple", "enum", "text"):
        assert type(values.decode({"$chronicle.type": [kind, name, {"a": 1}, 1]})) is values.Recorded


@pytest.mark.parametrize(
    "content", [[], None, ["nobody"], ["bytes", 7], ["datetime", "soon"], ["tuple", 3], ["float", "1e5"], [{}], ["enum"]]
)
def test_a_broken_typed_value_is_a_stand_in(content: Any) -> None:
    """A typed value that does not hold what its name says is read as a stand-in, not an error."""
    assert type(values.decode({"$chronicle.type": content})) is values.Recorded
