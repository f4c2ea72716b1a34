"""Generated values, trees and chunks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chronicle_otel import semconv

texts = st.text(st.characters(codec=None), max_size=12) | st.sampled_from(
    ["", "$chronicle.ref", "$$chronicle.x", "\ud83d", "\ude00", "a\ud83d\ude00", "1.0"]
)
"""Any text, lone surrogates included."""

whole_texts = st.text(max_size=12)
"""Text that can be encoded as UTF-8."""

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts


def _containers(inner: Any) -> Any:
    return st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)


json_values = st.recursive(scalars, _containers, max_leaves=20)
"""JSON values of an application."""

whole_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | whole_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(whole_texts, inner, max_size=4),
    max_leaves=20,
)

_hashable = st.none() | st.integers() | whole_texts | st.dates() | st.binary(max_size=4)

python_values = st.recursive(
    scalars
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.datetimes(timezones=st.timezones())
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.binary(max_size=8)
    | st.complex_numbers(allow_nan=False)
    | st.frozensets(_hashable, max_size=3)
    | st.sets(_hashable, max_size=3),
    lambda inner: (
        _containers(inner) | st.tuples(inner, inner) | st.dictionaries(_hashable, inner, max_size=3) | st.builds(lambda v: (v,), inner)
    ),
    max_leaves=12,
)
"""What an application may pass around."""

_names = st.sampled_from(["index", "type", "delta", "text", "output_index", "choices", "tool_calls", "data", "event", ""]) | whole_texts
_pieces = st.sampled_from(["", "a", "Hel", "lo ", "😀", "\ud83d", "\ude00", "x" * 20, "response.delta"])
_events = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.floats(allow_nan=False, allow_infinity=False) | _pieces,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=8,
)


def _varied(template: Any) -> Any:
    """Events that look like one another, with other pieces and numbers."""
    if isinstance(template, dict):
        return st.fixed_dictionaries({name: _varied(member) for name, member in template.items()})
    if isinstance(template, list):
        return st.tuples(*map(_varied, template)).map(list)
    if isinstance(template, str):
        return _pieces | st.just(template)
    if type(template) is int:
        return st.integers(0, 5) | st.just(template)
    return st.just(template)


chunk_lists = st.lists(_events, max_size=8) | _events.flatmap(lambda template: st.lists(_varied(template), max_size=12))
"""Chunks of streams: unlike each other, or alike as an SDK's are."""


_ordinals = st.lists(st.integers(0, 3), max_size=3)
_payloads = st.sampled_from([semconv.INPUT, semconv.OUTPUT])
_references = st.one_of(
    st.tuples(st.integers(0, 4), _payloads, _ordinals),
    st.tuples(st.integers(0, 4), _payloads, _ordinals, st.integers(0, 3), st.integers(0, 5)),
    st.tuples(
        st.integers(0, 4),
        _payloads,
        _ordinals,
        st.integers(0, 3),
        st.integers(0, 5),
        st.integers(0, 4),
        _payloads,
        _ordinals,
        st.integers(0, 5),
    ),
    st.tuples(whole_json_values, whole_json_values),
).map(lambda content: {semconv.REF: list(content)})
referring_trees = st.recursive(
    whole_texts | st.integers(0, 3) | _references | st.just({semconv.OPAQUE: {"why": "policy"}}),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(whole_texts, inner, max_size=3),
    max_leaves=8,
)
runs_of_trees = st.dictionaries(st.tuples(st.integers(0, 4), _payloads), referring_trees, max_size=6)
"""Payloads that refer to each other in every way, most of them wrong."""
