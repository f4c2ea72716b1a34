"""Wire format: chunking, streams and references on generated input."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chronicle_otel import semconv, values, wire
from chronicle_otel.envelope import Envelope
from tests.property.strategies import chunk_lists, runs_of_trees, whole_texts


@given(st.text(max_size=40), st.integers(1, 400))
def test_chunks_join_to_the_text(text: str, times: int) -> None:
    """A payload of any length and script is cut into whole characters, at most 2,000 bytes each, and joins again."""
    written = wire.split(text * times)
    chunks = [written] if isinstance(written, str) else written
    assert "".join(chunks) == text * times
    assert all(len(chunk.encode()) <= 2_000 for chunk in chunks)


@given(st.text(max_size=40), st.integers(1, 200), st.integers(0, 10_000))
def test_any_cut_is_seen(text: str, times: int, at: int) -> None:
    """A store that cuts a string or drops chunks is found out, whatever the text."""
    whole = text * times
    envelope = Envelope(kind="tool", name="n", run="a" * 32, seq=1, payloads={semconv.INPUT: whole})
    attributes = wire.to_attributes(envelope)
    assert wire.from_attributes(attributes) == envelope
    written = attributes[semconv.INPUT]
    cut: Any = whole[:at] if isinstance(written, str) else list(written)[: at % len(list(written))]
    read = wire.from_attributes({**attributes, semconv.INPUT: cut})
    assert read is not None
    assert read.payloads.get(semconv.INPUT, None) in (None, whole)
    assert (semconv.INPUT in read.damage) == (cut != written)


_some_names = st.sampled_from(
    [*semconv.PAYLOADS, *(f"{name}.size" for name in semconv.PAYLOADS), semconv.PARENT, semconv.FLAGGED, semconv.LANE, semconv.RUN_STEPS]
)
_some_values = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=3)) | st.lists(st.integers())


@given(st.dictionaries(_some_names, _some_values))
def test_any_attributes_are_read(attributes: dict[str, Any]) -> None:
    """Attributes of any type are read to an envelope, never an error."""
    base = {"chronicle.version": 1, "chronicle.run.id": "a" * 32, "chronicle.seq": 1}
    read = wire.from_attributes(base | attributes)
    assert read is not None
    for name in read.payloads:
        assert isinstance(read.payloads[name], str)


@given(chunk_lists)
def test_streams_come_back(chunks: list[Any]) -> None:
    """Any chunks come back with their types, after a trip through text."""
    trees = [values.to_tree(chunk) for chunk in chunks]
    stream = wire.encode_stream(list(enumerate(trees)), end="finished", consumed=len(trees))
    read = wire.decode_stream(values.loads(values.dumps(stream)))
    assert repr([tree for _, tree in read["chunks"]]) == repr([values.loads(values.dumps(tree)) for tree in trees])
    assert [moment for moment, _ in read["chunks"]] == list(range(len(trees)))


@given(chunk_lists, st.lists(whole_texts, min_size=1))
def test_rewritten_texts_lose_nothing(chunks: list[Any], others: list[str]) -> None:
    """Whatever a redactor makes of a text, its pieces join to exactly that."""
    trees = [values.to_tree(chunk) for chunk in chunks]
    stream = wire.encode_stream(list(enumerate(trees)), end="finished", consumed=len(trees))
    stream["frames"] = [_marked(frame) for frame in stream["frames"]]
    stream["texts"] = [others[number % len(others)] for number in range(len(stream["texts"]))]
    read = [tree for _, tree in wire.decode_stream(stream)["chunks"]]
    for number, text in enumerate(stream["texts"]):
        assert "".join(_pieces(read, number)) == text


def _marked(frame: Any) -> Any:
    """A frame in which every piece stands beside the number of its text, so that it can be found again."""
    if isinstance(frame, dict):
        if len(frame) == 1 and type(frame.get("$chronicle.piece")) is int:
            return {"text": frame["$chronicle.piece"], "piece": frame}
        return {name: _marked(member) for name, member in frame.items()}
    return [_marked(item) for item in frame] if isinstance(frame, list) else frame


def _pieces(tree: Any, number: int) -> list[str]:
    if isinstance(tree, dict):
        if set(tree) == {"text", "piece"} and type(tree["text"]) is int and isinstance(tree["piece"], str):
            return [tree["piece"]] if tree["text"] == number else []
        return [piece for member in tree.values() for piece in _pieces(member, number)]
    return [piece for item in tree for piece in _pieces(item, number)] if isinstance(tree, list) else []


@given(runs_of_trees)
def test_references_never_break_the_reader(trees: dict[Any, Any]) -> None:
    """Whatever refers to whatever: every payload resolves to a tree, within the limit, and the source is not changed."""
    before = repr(trees)
    resolved, problems = wire.resolve(trees, limit=100_000)
    assert repr(trees) == before
    assert resolved.keys() == trees.keys()
    for target, tree in resolved.items():
        assert len(values.dumps(tree)) < 2_000_000
        if not any(problem.step == target[0] for problem in problems) and semconv.OPAQUE not in values.dumps(tree):
            assert values.replayable(tree) or not _well_formed(trees[target])


def _well_formed(tree: Any) -> bool:
    return '"$chronicle.ref"' not in values.dumps(tree)


@given(st.recursive(st.none() | st.integers() | whole_texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
    st.sampled_from(["texts", "frames", "events", "$chronicle.piece", "a"]), inner, max_size=4), max_leaves=15))  # fmt: skip
def test_any_stream_payload_is_read_or_refused(tree: Any) -> None:
    """A stream payload of any shape is decoded or refused with ValueError."""
    for candidate in (tree, {"texts": ["ab", 3], "frames": [tree, {"$chronicle.piece": 0}], "events": [[0, 0, 1], [1, 1, 5]]}):
        try:
            wire.decode_stream(candidate)
        except ValueError:
            pass
