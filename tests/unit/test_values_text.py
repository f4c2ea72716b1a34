"""JSON text: reading is strict, writing never makes what another reader refuses."""

from __future__ import annotations

from typing import Any

import pytest

from chronicle_otel import values


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        '{"a" 1}',
        "NaN",
        "[Infinity]",
        "-Infinity",
        '{"a":1,"a":1}',
        '{"a":1}x',
        "'a'",
        "01",
        "[" * 200_000,
        "[1" * 5_000 + "}" * 5_000,
    ],
    ids=["empty", "open", "comma", "colon", "NaN", "Infinity", "-Infinity", "twice", "more", "quotes", "zero", "too deep", "crossed"],
)
def test_what_is_not_json_is_refused(text: str) -> None:
    """Text that is not JSON, or that readers understand differently, is a ValueError."""
    with pytest.raises(ValueError):
        values.loads(text)


def test_deep_json_is_read_without_the_stack() -> None:
    """5,000 levels are read and written, whatever the interpreter's recursion limit."""
    text = '[{"a":' * 2_500 + '[1,"x",{}]' + "}]" * 2_500
    assert values.dumps(values.loads(text)) == text


def test_long_integers_are_read() -> None:
    """An integer literal of 5,000 digits is read exactly; one of 200,000 is refused."""
    assert values.loads("[-1" + "0" * 5_000 + "]") == [-(10**5_000)]
    with pytest.raises(ValueError, match="200,001 digits"):
        values.loads("1" + "0" * 200_000)


def test_large_integers_stay_integers() -> None:
    """2⁷⁰ does not become a float."""
    assert values.loads(str(2**70)) == 2**70


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('{"a":1,"a":2}', {"$chronicle.type": ["json", '{"a":1,"a":2}']}),
        ("[1e999]", {"$chronicle.type": ["json", "[1e999]"]}),
        ('{"$chronicle.ref":1}', {"$$chronicle.ref": 1}),
        ('{"\\u0024chronicle.ref":1}', {"$$chronicle.ref": 1}),
        ("not json", "not json"),
        (b"\xff", {"$chronicle.type": ["bytes", "/w=="]}),
        ("", ""),
    ],
)
def test_json_of_others_is_carried_as_it_was_sent(text: str | bytes, tree: Any) -> None:
    """A request body that the common grammar cannot carry is kept as text; own names are escaped."""
    assert values.tree_of_json(text) == tree


def test_deep_json_of_others_is_carried_as_text() -> None:
    """A request body nested 129 deep is one typed text; 128 deep it is a tree."""
    assert values.tree_of_json("[" * 128 + "]" * 128) != values.tree_of_json("[" * 129 + "]" * 129)
    assert values.tree_of_json("[" * 129 + "]" * 129) == {"$chronicle.type": ["json", "[" * 129 + "]" * 129]}


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (0.0, -0.0, True),
        (1e22, 10**22, True),
        (2**53 + 1, float(2**53), False),
        ("1", 1, False),
        (None, False, False),
        ([1, 2], [2, 1], False),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
        ("1.0,", "1,", False),
        ({"a": ["1.0"]}, {"a": ["1"]}, False),
        ("\ud83d\ude00", "😀", True),
        (values.to_tree({1, 2, 3}), {"$chronicle.type": ["set", [3, 1, 2]]}, True),
        (values.to_tree((1, 2)), values.to_tree((2, 1)), False),
        (values.to_tree({2: "a", 1: "b"}), values.to_tree({1: "b", 2: "a"}), True),
    ],
)
def test_equality_is_that_of_the_values(a: Any, b: Any, same: bool) -> None:
    """Same JSON type, numbers by mathematical value, order of members and of set elements ignored."""
    assert values.equal(a, b) is same
    assert (values.key(a) == values.key(b)) is same


def test_only_plain_data_passes_as_plain() -> None:
    """A number or string of another class is never taken for plain JSON, although it is equal to one."""
    import enum

    import numpy

    Word = enum.StrEnum("Word", {"YES": "yes"})
    assert values.plain({"a": [1, "x"]}) == '{"a":[1,"x"]}'
    assert [values.plain(value) for value in (Word.YES, {"a": numpy.float64(1)}, (1,), {1: 2}, {"$chronicle.ref": 1}, "\ud800")] == [
        None
    ] * 6
