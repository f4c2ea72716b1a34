"""Reading: damaged files cost what is damaged and nothing else."""

from __future__ import annotations

import gzip
import itertools
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chronicle_otel import reading
from chronicle_otel.errors import SourceError
from tests.property.strategies import whole_json_values
from tests.unit import spans
from tests.unit.spans import line, root, step

LINES = [line(root(6))] + [line(step(seq)) for seq in range(2, 7)]
WHOLE = "".join(LINES).encode()
BEHIND_A_SPAN = "]}]}]}\n"


def read(data: bytes, name: str = "a.jsonl") -> tuple[set[int], list[Any]]:
    """The Steps in a file with that content, and what its Runs' checks say."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            found = reading.runs(path)
        except SourceError as error:
            return (set(), []) if name in str(error) else (set(), [error])
        for run in found:
            for each in run.steps:
                _ = (each.input, each.output, each.error, each.form, each.session, each.code)
        return {each.seq for run in found for each in run.steps}, [finding for run in found for finding in run.checks.findings]


@given(st.integers(0, len(WHOLE)))
def test_a_file_cut_anywhere_loses_its_last_line_only(at: int) -> None:
    """Wherever a crash cuts a file, every line before that is read, and of the last one a span that is whole."""
    ends = [end - len(BEHIND_A_SPAN) for end in itertools.accumulate(map(len, LINES))]
    assert read(WHOLE[:at])[0] == {number for number, end in enumerate(ends, 1) if end <= at}


@given(st.integers(1, 5), st.data())
def test_a_torn_line_loses_one_document_only(at: int, data: st.DataObject) -> None:
    """Wherever a line is torn and the next one glued to it, every other document is read, and the gap is told."""
    cut = data.draw(st.integers(1, len(LINES[at - 1]) - 2))
    torn = [*LINES[: at - 1], LINES[at - 1][:cut] + LINES[at], *LINES[at + 1 :]]
    seqs, findings = read("".join(torn).encode())
    assert seqs >= set(range(1, 7)) - {at}
    assert any(finding.kind in ("damaged_source", "missing_step", "partial") for finding in findings)


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
def test_order_and_copies_do_not_matter(order: list[int], copies: list[int]) -> None:
    """Lines in any order, some of them twice, give the same complete Run."""
    assert read("".join(LINES[number] for number in [*order, *copies]).encode()) == ({1, 2, 3, 4, 5, 6}, [])


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=5), st.booleans())
def test_flipped_bytes_never_break_the_reader(flips: list[tuple[int, int]], packed: bool) -> None:
    """Bytes changed at random, packed or not: what is left is read, or one clear error says that nothing is."""
    data = bytearray(gzip.compress(WHOLE, mtime=0) if packed else WHOLE)
    for at, value in flips:
        data[at % len(data)] = value
    read(bytes(data), "a.jsonl.gz" if packed else "a.jsonl")


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer(data: bytes) -> None:
    """Any file at all is read or refused, between whole lines or alone."""
    read(data)
    assert read(LINES[0].encode() + data.replace(b"\n", b" ") + b"\n" + LINES[1].encode())[0] >= {1, 2}


@given(
    st.sampled_from(["resource", "scopeSpans", "spans", "attributes", "value", "traceId", "name", "events", "status", "kind"]),
    whole_json_values,
)
def test_any_value_in_any_place(place: str, value: Any) -> None:
    """An export in which one member is something else costs at most the span or group that it stands in."""
    broken = spans.document(step(3), step(4))

    def put(part: Any) -> None:
        for name in list(part) if isinstance(part, dict) else []:
            if name == place:
                part[name] = value
                return
        for member in part.values() if isinstance(part, dict) else part if isinstance(part, list) else []:
            put(member)

    put(broken)
    import json

    assert read(LINES[0].encode() + json.dumps(broken).encode() + b"\n" + LINES[1].encode())[0] >= {1, 2}
