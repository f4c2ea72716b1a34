"""Values: round trips and equality on generated input."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chronicle_otel import values
from tests.property.strategies import json_values, python_values, texts, whole_json_values


def joined(value: Any) -> Any:
    """A value with each high surrogate joined to the low one behind it, as every reader of JSON does."""
    return values.decode(values.loads(json.dumps(values.to_tree(value))))


@given(json_values)
def test_json_comes_back(value: Any) -> None:
    """JSON values come back as they were, names that look like markers included."""
    assert repr(values.decode(values.loads(values.encode(value)))) == repr(joined(value))


@given(whole_json_values)
def test_plain_text_is_plain_json(value: Any) -> None:
    """The payload of a plain value is what the standard library reads as that value, if no name is reserved."""
    text = values.encode(value)
    text.encode()
    if "$chronicle." not in text:
        assert json.loads(text) == value


@given(python_values)
def test_python_values_come_back(value: Any) -> None:
    """Typed values come back equal and of the same class, at any depth."""
    tree = values.to_tree(value)
    text = values.dumps(tree)
    text.encode()
    again = values.decode(values.loads(text))
    assert type(again) is type(value)
    assert values.equal(values.to_tree(again), tree)
    assert values.replayable(tree)


@given(whole_json_values, st.randoms(use_true_random=False))
def test_equality_ignores_order_of_members_and_spelling_of_numbers(value: Any, chance: random.Random) -> None:
    """A tree with its members shuffled and its numbers spelt otherwise is equal and has the same key."""

    def respelt(part: Any) -> Any:
        if isinstance(part, dict):
            members = list(part.items())
            chance.shuffle(members)
            return {name: respelt(member) for name, member in members}
        if isinstance(part, list):
            return [respelt(item) for item in part]
        if type(part) is int and float(min(max(part, -(2**52)), 2**52)) == part:
            return float(part)
        return part

    other = respelt(value)
    assert values.equal(value, other)
    assert values.key(value) == values.key(other)


@given(whole_json_values, whole_json_values)
def test_equal_means_equal(a: Any, b: Any) -> None:
    """Trees are equal if and only if they are the same JSON value, truth values being no numbers."""

    def marked(part: Any) -> Any:
        if isinstance(part, bool):
            return ("bool", part)
        if isinstance(part, dict):
            return {name: marked(member) for name, member in part.items()}
        return [marked(item) for item in part] if isinstance(part, list) else part

    assert values.equal(a, b) == (marked(a) == marked(b))


@given(python_values)
def test_plain_is_what_encoding_makes(value: Any) -> None:
    """The quick way for plain data gives what the thorough one gives, or declines."""
    quick = values.plain(value)
    if quick is not None:
        assert quick == values.encode(value)
        assert repr(values.loads(quick)) == repr(values.to_tree(value))


@given(st.text(max_size=40) | st.lists(st.sampled_from([*'[]{},:"1a\\ ', "true", "1e9", '"a"']), max_size=30).map("".join))
def test_deep_parser_reads_what_the_standard_one_reads(text: str) -> None:
    """The parser for deep nesting accepts and refuses the same texts as the standard library's."""
    from chronicle_otel.values.text import _loads_deep  # the subject

    assert outcome(_loads_deep, text) == outcome(values.loads, text)


def outcome(read: Any, text: str) -> Any:
    try:
        return repr(read(text))
    except ValueError:
        return "refused"


@given(
    st.recursive(
        st.none() | st.booleans() | texts | st.integers(-3, 3), lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=10
    )
)
def test_any_tree_can_be_decoded(tree: Any) -> None:
    """Whatever a span holds is decoded to something, and that can be encoded again."""
    for name in ("$chronicle.type", "$chronicle.opaque", "$chronicle.ref"):
        values.encode(values.decode({name: tree}))
    for kind in (
        "dict",
        "tuple",
        "set",
        "enum",
        "dataclass",
        "datetime",
        "bytes",
        "Path",
        "exception",
        "ndarray",
        "pattern",
        "range",
        "int",
        "?",
    ):
        values.encode(values.decode({"$chronicle.type": [kind, tree]}))
        values.encode(values.decode({"$chronicle.type": [kind, "a:b", tree]}))
    values.decode_error(tree)
