"""What is done quickly where little needs a look is what the thorough way does, on generated input."""

from __future__ import annotations

import inspect
import json
from typing import Any
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

import chronicle_otel as chronicle
from chronicle_otel import values
from chronicle_otel.instrumentation import openai_view
from chronicle_otel.recording.sharing import Sharing
from tests.property.strategies import json_values, whole_json_values, whole_texts

_TOLD_APART = ['"', "\\", "\n", "\x01", "$chronicle.ref", "\\u0022", "é", "😀", "{", "["]
_long_texts = st.lists(st.sampled_from([*_TOLD_APART, "word " * 30]), max_size=8).map("".join)
_messages = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": _long_texts | st.none() | whole_json_values})
_SPELLINGS: list[dict[str, Any]] = [{"ensure_ascii": False, "separators": (",", ":")}, {"ensure_ascii": False}, {}, {"indent": 1}]
_ODD = ["1e999", "-0", "1.50", "1E5", "9" * 4299, "9" * 4301, "NaN", '"\\ud83d"', '"\\ud83d\\ude00"', '"\\u0041\\/"', "[" * 130 + "]" * 130]
_ODD += ['{"a":1,"a":2}', '{"a":"\\u0022","a":2}', '{"\\u0024chronicle.ref":1}', '{"$chronicle.ref":[1]}', ' {"a" : 1}', "[1,]", "tru", ""]
_spelled = st.tuples(json_values | _messages, st.sampled_from(_SPELLINGS)).map(lambda pair: json.dumps(pair[0], **pair[1]))
bodies = _spelled | st.sampled_from(_ODD) | st.tuples(_spelled, st.sampled_from(_ODD)).map(lambda pair: f'{{"x":{pair[0]},"y":{pair[1]}}}')


@given(bodies)
@example('{"content":"' + "x" * 300 + '","content":"y"}')
@example('{"content":"' + "x" * 300 + '\\u000a"}')
def test_bodies_are_read_alike(text: str) -> None:
    """Tree and text of a body are those that the parser with every check makes, however it is spelled."""
    for data in (text, text.encode("utf-8", "surrogatepass")):
        tree, own = values.tree_and_text(data)
        thorough = values.tree_of_json(data)
        assert repr(tree) == repr(thorough)
        assert own == values.dumps(thorough)


@given(bodies, st.sampled_from(["", "1,", '"é",']), st.sampled_from(["", "]", ',{"x":1}]']))
@example('{"content":"' + "x" * 300 + '","content":"y"}', "", "]")
@example('{"content":"' + "x" * 300 + '\\t"}', "", "]")
def test_values_in_the_middle_are_read_alike(text: str, before: str, behind: str) -> None:
    """An object or list within a text is read as one that stands alone."""
    text = values.join_surrogates(text).strip()
    if text[:1] not in ("{", "["):
        return
    try:
        tree, own, data, end = values.scan_value(before + text + behind, len(before))
    except ValueError:
        return
    raw = (before + text + behind)[len(before) : end]
    assert repr(tree) == repr(values.tree_of_json(raw))
    assert own == values.dumps(values.tree_of_json(raw))
    assert data == own.encode()


@given(st.lists(st.dictionaries(whole_texts, _messages | st.lists(_messages, max_size=3) | _long_texts, max_size=4), max_size=5))
def test_texts_at_hand_change_nothing(trees: list[dict[str, Any]]) -> None:
    """A payload is written alike from its tree alone and with the texts that the caller has."""
    one, other = Sharing(), Sharing()
    for seq, given_tree in enumerate(trees):
        tree = values.to_tree(given_tree)
        parts = [values.dumps(child) for child in tree.values()]
        assert one.payload(seq, "chronicle.output", tree) == other.payload(seq, "chronicle.output", tree, values.dumps(tree), parts)


@given(st.lists(_messages, min_size=openai_view._MANY, max_size=120), st.integers(0, 3000))
def test_views_of_many_messages(messages: list[Any], budget: int) -> None:
    """The view of a long history is the one that trying every length gives."""
    request = {"model": "m"}
    quick = openai_view.view(request, None, new_messages=messages, budget=budget)
    with mock.patch.object(openai_view, "_MANY", 10**9):
        assert quick == openai_view.view(request, None, new_messages=messages, budget=budget)


def _plain(a: Any, b: Any = 2, /, c: Any = 3) -> None: ...
def _open(a: Any, *rest: Any, k: Any = 1, **others: Any) -> None: ...
def _none() -> None: ...


@given(st.sampled_from([_plain, _open, _none]), st.lists(st.integers(), max_size=4), st.dictionaries(st.sampled_from("abk"), st.integers()))
def test_calls_are_bound_alike(function: Any, args: list[int], kwargs: dict[str, int]) -> None:
    """Arguments have the names that the library gives them; a call that does not fit keeps what was passed."""
    bind = chronicle.tool(function).__chronicle_boundary__.bind
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        assert bind(args, kwargs) == {"args": args, "kwargs": kwargs}
        return
    bound.apply_defaults()
    named = {name: list(value) if isinstance(value, tuple) else value for name, value in bound.arguments.items()}
    assert bind(tuple(args), kwargs) == {name: value for name, value in named.items() if value or name not in ("rest", "others")}
