"""Sources: whatever bytes a file or a store holds, what is whole is read and nothing is raised but our own errors."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chronicle_otel.reading import SpanRecord
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.otlp_proto import spans_in_message
from chronicle_otel.reading.sources import Spans, read
from tests.sources.stores import ANSWERS

FRAMED = (ANSWERS / "collector.binpb").read_bytes()
MESSAGE = FRAMED[4 : 4 + int.from_bytes(FRAMED[:4], "big")]


def read_bytes(data: bytes) -> Spans:
    """What a file with that content holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(data)
        return read(path)


def damaged(data: bytes, places: list[tuple[int, int]]) -> bytes:
    """Some bytes replaced."""
    changed = bytearray(data)
    for at, byte in places:
        changed[at % len(changed)] = byte
    return bytes(changed)


PLACES = st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=4)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Bytes of no meaning give no span, and no traceback; behind every beginning that is looked for."""
    for head in (b"", b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"\x0a", b"\x00\x00\x00\x10\x0a", b"\x00\x00\x00\x10\x28\xb5\x2f\xfd", b"{"):
        read_bytes(head + data)


@given(PLACES)
def test_damaged_protobuf(places: list[tuple[int, int]]) -> None:
    """A damaged message or frame gives what can be read of it."""
    list(spans_in_message(damaged(MESSAGE, places), bad=lambda reason: None))
    assert all(len(span.trace_id) == 32 for span in read_bytes(damaged(FRAMED, places)).spans)


@given(st.integers(0, len(FRAMED)))
def test_frames_cut_anywhere(at: int) -> None:
    """Every frame before the cut is read."""
    whole, end = 0, 0
    while end < len(FRAMED) and (following := end + 4 + int.from_bytes(FRAMED[end : end + 4], "big")) <= at:
        whole, end = whole + 1, following
    spans = read_bytes(FRAMED[:at]).spans
    assert {span.line for span in spans} >= set(range(1, whole + 1))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=6), values, max_size=4), st.text(max_size=10))
def test_the_normal_form_is_read_as_it_was_written(attributes: dict[str, object], name: str) -> None:
    """Values of every type survive, and writing them again gives the same bytes."""
    span = SpanRecord("a" * 32, "b" * 16, "", name, 1, 2, attributes, resource=attributes, scope="s", scope_attributes=attributes)
    [line] = normal_lines([span])
    [again] = read_bytes(line).spans
    assert (again.attributes, again.resource, again.scope_attributes, again.name) == (attributes, attributes, attributes, name)
    assert list(normal_lines([again])) == [line]
