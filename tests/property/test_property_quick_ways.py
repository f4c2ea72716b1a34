"""What is done quickly where little needs a look is what the thorough way does, on generated input."""

from __future__ import annotations

import inspect
import itertools
import json
from typing import Any
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

import chronicle_otel as chronicle
from chronicle_otel import values
from chronicle_otel.instrumentation import openai_assembly, openai_view
from chronicle_otel.recording import streams, templates
from chronicle_otel.recording.sharing import Sharing
from chronicle_otel.wire import encode_stream
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


_pieces = st.sampled_from(["a", "word ", "é", "😀", '"', "\\", "\n", "{", "data:", "\n\ndata: ", "\ud83d", "", "x" * 20]) | whole_texts
_FORMS: list[Any] = [
    lambda text, number: {"id": "c", "choices": [{"index": 0, "delta": {"content": text}}], "usage": None},
    lambda text, number: {"id": "c", "choices": [{"index": number % 3, "delta": {"content": text}}], "obfuscation": text[:1]},
    lambda text, number: {
        "type": "response.output_text.delta",
        "sequence_number": number,
        "output_index": 0,
        "delta": text,
        "logprobs": [],
    },
    lambda text, number: {"type": "content_block_delta", "index": number % 2, "delta": {"type": "input_json_delta", "partial_json": text}},
    lambda text, number: {"n": number, "half": number / 2, "same": "same", "twice": [text, text], "deep": {"$chronicle.ref": [text]}},
    lambda text, number: {"type": "ping"},
    lambda text, number: [text, number, True, None],
]


def _block(form: Any, text: str, number: int, ascii_only: bool, named: bool) -> bytes:
    data = json.dumps(form(text, number), ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    return (b"event: delta\n" if named else b"") + b"data: " + data + b"\n\n"


_blocks = st.builds(_block, st.sampled_from(_FORMS), _pieces, st.integers(0, 12), st.booleans(), st.booleans())
_odd_blocks = st.sampled_from(
    [b'data: {"a":1,"a":2}\n\n', b"data: [DONE]\n\n", b": still here\n\n", b'data: {"n":01}\n\n', b"id: 7\ndata: 1\n\n", b"\n\n\n"]
)


@given(st.lists(_blocks | _odd_blocks, max_size=40), st.sampled_from([b"\n", b"\r\n"]))
def test_events_that_repeat_are_written_as_if_each_was_parsed(blocks: list[bytes], newline: bytes) -> None:
    """A stream's payload is the same whether its events are recognised by their form or parsed one by one."""
    taken = [(n * 1_000_000, block.replace(b"\n", newline)) for n, block in enumerate(blocks)]
    chunks, left = streams.sse_chunks(taken, 0)
    with mock.patch.object(templates.Templates, "match", return_value=None):
        parsed, left_then = streams.sse_chunks(taken, 0)
    assert left == left_then
    assert json.dumps(encode_stream(chunks, end="finished", consumed=3)) == json.dumps(encode_stream(parsed, end="finished", consumed=3))


def test_a_long_stream_with_odd_events_in_it_is_written_as_if_each_was_parsed() -> None:
    """Where thousands of events are looked at in one call, those that have to be parsed are found among them."""
    blocks = [_block(_FORMS[0], f" word {n % 7}", 0, True, False) for n in range(5_000)]
    for odd, text in ((700, "\ud83d"), (701, "\ude00"), (1_999, '"'), (2_100, "\ud83d"), (4_998, "\n")):
        blocks[odd] = _block(_FORMS[0], text, 0, True, False)
    blocks[3_000] = _block(_FORMS[1], "other", 1, True, False)
    taken = [(n * 1_000_000, block) for n, block in enumerate(blocks)]
    chunks, _ = streams.sse_chunks(taken, 0)
    with mock.patch.object(templates.Templates, "match", return_value=None):
        parsed, _ = streams.sse_chunks(taken, 0)

    assert len(chunks) < 20
    assert _payload(chunks) == _payload(parsed)


@given(st.lists(st.tuples(_pieces, st.integers(0, 2)), min_size=4, max_size=40))
def test_a_view_of_events_that_repeat_says_the_same(said: list[tuple[str, int]]) -> None:
    """The answer that a view shows is assembled alike from events that repeat and from each event parsed."""
    taken = [(0, _block(_FORMS[0], text, 0, True, False)) for text, _ in said]
    chunks, _ = streams.sse_chunks(taken, 0)
    with mock.patch.object(templates.Templates, "match", return_value=None):
        parsed, _ = streams.sse_chunks(taken, 0)
    whole = openai_assembly.assemble([event["data"] for _, event in parsed])
    assert openai_assembly.assemble([event["data"] for event in streams.gathered(chunks, openai_assembly.JOINED)]) == whole


@given(st.lists(_blocks | _odd_blocks, max_size=12), st.lists(st.integers(0, 600), max_size=12), st.booleans())
def test_events_are_the_same_wherever_their_bytes_are_cut(blocks: list[bytes], cuts: list[int], carriage: bool) -> None:
    """An event stream is cut by blank lines, not by packets; an event's time is that at which its last byte came."""
    whole = b"".join(blocks).replace(b"\n", b"\r\n" if carriage else b"\n")
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    taken = [(number * 1_000_000, whole[begin:end]) for number, (begin, end) in enumerate(itertools.pairwise(places))]
    cut, left = streams.sse_chunks(taken, 0)
    uncut, left_uncut = streams.sse_chunks([(0, whole)], 0)
    ends = list(itertools.accumulate(len(block) + 2 for block in whole.split(b"\n\n")[:-1])) if not carriage else []
    with mock.patch.object(templates.Templates, "match", return_value=None), mock.patch.object(streams, "_event", return_value={"data": 1}):
        moments = [ms for ms, _ in streams.sse_chunks(taken, 0)[0]]

    assert left == left_uncut
    assert _payload([(0 if isinstance(ms, int) else [0] * len(ms), event) for ms, event in cut]) == _payload(uncut)
    assert carriage or moments == [next(n for n, place in enumerate(places[1:]) if place >= end) for end in ends]


def _payload(chunks: Any) -> str:
    return json.dumps(encode_stream(chunks, end="finished"))
