"""Values that JSON, stores or readers cannot take: each has an answer, and none is an exception."""

from __future__ import annotations

import io
from typing import Any

import pytest

from chronicle_otel import values


class Opaque:
    pass


class Silent:
    def __repr__(self) -> str:
        raise LookupError("not today")


def stand_in(value: Any) -> dict[str, Any]:
    """The facts of the stand-in that a value became."""
    kind, facts = values.to_tree(value)["$chronicle.type"]
    assert kind == "?"
    return facts


def test_an_object_nobody_can_encode_becomes_a_stand_in() -> None:
    """An unknown object is recorded as its type and repr, without its address, and is marked not replayable."""
    assert stand_in(Opaque()) == {"type": f"{__name__}:Opaque", "repr": f"<{__name__}.Opaque object at 0x…>"}
    assert not values.replayable(values.to_tree({"a": [Opaque()]}))


def test_equal_unknown_objects_compare_equal() -> None:
    """Two runs that pass an unknown object of the same kind passed equal values."""
    assert values.equal(values.to_tree(Opaque()), values.to_tree(Opaque()))


def test_a_repr_that_raises_does_not_escape() -> None:
    """An object whose repr raises is recorded."""
    assert stand_in(Silent()) == {"type": f"{__name__}:Silent", "repr": "<its repr raised LookupError>"}


def test_a_property_that_raises_does_not_escape() -> None:
    """A field that cannot be read is recorded as such; the others are kept."""
    import attrs

    @attrs.define(slots=False)
    class Lazy:
        a: int
        b: int

    class Broken(Lazy):
        @property
        def b(self) -> int:  # type: ignore[override]
            raise OSError("gone")

        @b.setter
        def b(self, value: int) -> None:
            pass

    fields = values.to_tree(Broken(1, 2))["$chronicle.type"][2]
    assert fields["a"] == 1
    assert "OSError" in fields["b"]["$chronicle.type"][1]["repr"]


def test_a_long_repr_is_cut() -> None:
    """The repr in a stand-in is bounded."""

    class Long:
        def __repr__(self) -> str:
            return "x" * 100_000

    assert len(stand_in(Long())["repr"]) == 1_000


def test_iterators_are_not_consumed() -> None:
    """Looking at a generator or file takes nothing from it."""
    numbers = (number for number in (1, 2))
    file = io.StringIO("text")
    assert stand_in(numbers)["type"] == "builtins:generator"
    assert stand_in(file)["type"] == "_io:StringIO"
    assert (list(numbers), file.read()) == ([1, 2], "text")


def test_a_cycle_ends() -> None:
    """A container inside itself becomes a stand-in there, and only there."""
    ring: list[Any] = [1]
    ring.append({"self": ring})
    assert values.to_tree(ring) == [1, {"self": {"$chronicle.type": ["?", {"type": "builtins:list", "repr": "<cycle>"}]}}]


def test_the_same_object_twice_is_no_cycle() -> None:
    """A value that is used at two places is written at both."""
    part = {"a": 1}
    assert values.to_tree([part, part]) == [{"a": 1}, {"a": 1}]


def test_shared_parts_do_not_multiply() -> None:
    """A hundred lists, each holding the next one twice, end in stand-ins instead of 2¹⁰⁰ elements."""
    value: list[Any] = []
    for _ in range(100):
        value = [value, value]
    assert not values.replayable(values.to_tree(value))


@pytest.mark.parametrize(("depth", "whole"), [(128, True), (129, False), (1_000, False), (100_000, False)])
def test_nesting_beyond_128_becomes_a_stand_in(depth: int, whole: bool) -> None:
    """128 levels are kept; whatever is deeper is a stand-in."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    text = values.encode(value)
    assert values.replayable(values.loads(text)) is whole


def test_lone_surrogates_can_be_exported() -> None:
    """Half a character is escaped in the payload, which therefore can be encoded as UTF-8."""
    assert values.encode({"\udc00": "a\ud83d"}) == r'{"\udc00":"a\ud83d"}'


def test_two_halves_are_one_character() -> None:
    """A high surrogate followed by a low one reads as the character that they spell."""
    assert values.loads(values.encode("\ud83d\ude00")) == "😀"


def test_an_integer_of_5000_digits_is_typed() -> None:
    """Integers up to CPython's limit are plain JSON numbers, longer ones typed values."""
    assert values.encode(10**200) == "1" + "0" * 200
    assert values.to_tree(16**5_000)["$chronicle.type"] == ["int", "0x1" + "0" * 5_000]


def test_the_applications_own_marker_names_are_escaped() -> None:
    """Application data that looks like a marker gains a `$`, and loses it when read."""
    assert values.encode({"$chronicle.ref": 1, "$$chronicle.x": 2}) == '{"$$chronicle.ref":1,"$$$chronicle.x":2}'


def test_a_value_that_changes_while_it_is_read_is_recorded() -> None:
    """A dict that grows in the middle of being read is read again."""

    class Growing:
        def __init__(self, target: dict[Any, Any]) -> None:
            self.target = target

        def __repr__(self) -> str:
            self.target[len(self.target)] = 1
            return "growing"

    target: dict[Any, Any] = {}
    target["a"] = Growing(target)
    assert values.encode(target)


def test_deep_recursion_of_the_application_is_no_error() -> None:
    """Encoding at the end of the interpreter's stack gives a stand-in at worst."""

    def dive() -> str:
        try:
            return dive()
        except RecursionError:
            return values.encode({"a": [1, [2, [3]]]})

    assert values.loads(dive())
