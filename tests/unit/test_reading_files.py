"""Files: every dialect of OTLP JSON is read, damage costs only what is damaged, and one sentence says so."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from chronicle_otel import reading
from chronicle_otel.errors import RunNotFound, SourceError
from tests.unit import spans
from tests.unit.spans import line, root, span_id, step, write


def steps_in(path: Path | str) -> list[int]:
    """The Steps that were read, by number, of all Runs."""
    return [each.seq for run in reading.runs(path) for each in run.steps]


def damage_in(path: Path | str) -> list[str]:
    """What is said about the file."""
    return [finding.message for finding in reading.runs(path)[0].damage]


def test_one_line_per_export(tmp_path: Path) -> None:
    """A file with a line per export holds all their spans, in any order."""
    assert steps_in(write(tmp_path / "a.jsonl", [line(step(3)), "\n", line(root(3)), line(step(2))])) == [1, 2, 3]


def test_one_document_over_many_lines(tmp_path: Path) -> None:
    """A pretty-printed document is read like a line."""
    text = json.dumps(spans.document(root(2), step(2)), indent=2)
    assert steps_in(write(tmp_path / "a.json", [text])) == [1, 2]
    assert damage_in(tmp_path / "a.json") == []


@pytest.mark.parametrize(
    "wrap", [lambda d: [d], lambda d: {"result": d}, lambda d: {"trace": d}, lambda d: {"batches": d["resourceSpans"]}]
)
def test_documents_of_stores(tmp_path: Path, wrap: Any) -> None:
    """Lists of documents, answers of Jaeger and of Tempo are read."""
    assert steps_in(write(tmp_path / "a.json", [json.dumps(wrap(spans.document(root(1))), indent=1)])) == [1]


def test_ids_in_base64_and_names_of_enums(tmp_path: Path) -> None:
    """What protobuf's own JSON mapping writes gives the same ids and numbers."""
    written = {**step(2), "kind": "SPAN_KIND_CLIENT", "status": {"code": "STATUS_CODE_ERROR", "message": "m"}}
    for name in ("traceId", "spanId", "parentSpanId"):
        written[name] = base64.b64encode(bytes.fromhex(written[name])).decode()
    run = reading.load(write(tmp_path / "a.jsonl", [line(root(2)), line(written)]))
    record = run.steps[1].record
    assert (record.trace_id, record.span_id, record.kind, record.status) == (spans.TRACE, span_id(2), 3, (2, "m"))
    assert run.steps[1].parent is run.root


def test_a_long_line_that_was_cut_gives_its_whole_spans(tmp_path: Path) -> None:
    """A line may hold many spans: those before the cut are read, with resource and scope, and the finding says that more is lost."""
    text = line(root(4), step(2), step(3), step(4))
    path = write(tmp_path / "a.jsonl", [text[: text.rindex('"spanId"')], "\n", line(step(4))])
    assert steps_in(path) == [1, 2, 3, 4]
    assert damage_in(path)[0].startswith(f"{path}, line 1: cut in the middle")
    assert reading.load(path).root.record.scope == "chronicle_otel"


def test_old_and_odd_spellings(tmp_path: Path) -> None:
    """Upper-case ids, numbers instead of text, instrumentationLibrarySpans and zero parents are read."""
    written = spans.document(root(1))
    group = written["resourceSpans"][0]
    only = group["scopeSpans"][0]["spans"][0]
    only |= {"traceId": only["traceId"].upper(), "startTimeUnixNano": 5, "parentSpanId": "0" * 16}
    group["instrumentationLibrarySpans"] = [{"instrumentationLibrary": {"name": "old"}, "spans": group.pop("scopeSpans")[0]["spans"]}]
    record = reading.load(write(tmp_path / "a.jsonl", [json.dumps(written)])).root.record
    assert (record.trace_id, record.start_ns, record.parent_span_id, record.scope) == (spans.TRACE, 5, "", "old")


def test_every_type_of_value(tmp_path: Path) -> None:
    """Attribute values of every OTLP type are read."""
    written = root(1)
    values: dict[str, Any] = {
        "b": {"boolValue": True}, "i": {"intValue": 7}, "d": {"doubleValue": "NaN"}, "y": {"bytesValue": "AP8="}, "n": {}, "z": None,
        "a": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}}, "e": {"arrayValue": {}}, "u": {"laterValue": 1},
        "m": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}},
    }  # fmt: skip
    written["attributes"] += [{"key": key, "value": value} for key, value in values.items()]
    read = reading.load(write(tmp_path / "a.jsonl", [line(written)])).root.attributes
    assert {key: read[key] for key in values if key != "d"} == {
        "b": True, "i": 7, "y": b"\x00\xff", "n": None, "z": None, "a": [1, "x"], "e": [], "u": None, "m": {"k": "v"},
    }  # fmt: skip
    assert read["d"] != read["d"]


def test_gzip(tmp_path: Path) -> None:
    """A packed file is read, several members one after another, too."""
    data = gzip.compress(line(root(2)).encode()) + gzip.compress(line(step(2)).encode())
    assert steps_in(write(tmp_path / "a.jsonl.gz", [data])) == [1, 2]


def test_gzip_that_was_cut(tmp_path: Path) -> None:
    """A packed file that ends early gives what can be unpacked, and says so."""
    data = gzip.compress(line(root(2)).encode() + b"".join(line(step(seq)).encode() for seq in range(2, 400)))
    path = write(tmp_path / "a.jsonl.gz", [data[: len(data) // 2]])
    assert steps_in(path)[0] == 1
    assert "the gzip data ends early" in damage_in(path)[0]


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    """All recordings of a folder belong together; other files are left alone."""
    write(tmp_path / "b.jsonl", [line(root(3))])
    write(tmp_path / "a.jsonl.gz", [gzip.compress(line(step(2)).encode())])
    write(tmp_path / "c.json", [line(step(3))])
    write(tmp_path / "notes.txt", ["nothing"])
    assert steps_in(tmp_path) == [1, 2, 3]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads what is piped in."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(root(1)).encode())))
    assert steps_in("-") == [1]


def test_other_signals_and_other_spans_are_no_damage(tmp_path: Path) -> None:
    """Logs, metrics and spans of others in the same file are passed over in silence."""
    lines = ['{"resourceLogs":[]}\n', '{"resourceMetrics":[]}\n', "{}\n", line(spans.span("c" * 16)), line(root(1))]
    assert damage_in(write(tmp_path / "a.jsonl", lines)) == []


# ---- damage ------------------------------------------------------------------------------------


def test_a_last_line_that_was_cut(tmp_path: Path) -> None:
    """A file cut by a crash loses its last line only; the finding says where and how much."""
    path = write(tmp_path / "a.jsonl", [line(root(3)), line(step(2)), line(step(3))[:200]])
    assert steps_in(path) == [1, 2]
    assert damage_in(path) == [f"{path}, line 3: cut in the middle, 200 bytes are lost (the writer was killed?); every other line was read"]


@pytest.mark.parametrize("cut", [1, 20, 60, 300, 500])
def test_a_torn_line(tmp_path: Path, cut: int) -> None:
    """The line that a restarted writer glues to a torn one is read."""
    path = write(tmp_path / "a.jsonl", [line(root(3)), line(step(2))[:cut] + line(step(3))])
    assert steps_in(path) == [1, 3]
    assert f"{path}, line 2: torn, {cut:,} bytes" in damage_in(path)[0]


def test_two_documents_in_a_line(tmp_path: Path) -> None:
    """Whole documents without a line break between them lose nothing, and are no damage."""
    path = write(tmp_path / "a.jsonl", [line(root(3)).strip() + line(step(2)).strip() + line(step(3))])
    assert steps_in(path) == [1, 2, 3]
    assert damage_in(path) == []


@pytest.mark.parametrize("junk", [b"\x00" * 4_096, b"\xff\xfe\xfd", b"not json", b'{"a": 1}', b"[[[[", b'{"resourceSpans": 3}', b"7"])
def test_junk_between_lines(tmp_path: Path, junk: bytes) -> None:
    """Whatever stands between two lines, both are read."""
    assert steps_in(write(tmp_path / "a.jsonl", [line(root(2)), junk, b"\n", line(step(2))])) == [1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"spanId": "xyz"}, {"traceId": None}, {"startTimeUnixNano": "soon"}, {"attributes": [{"value": {}}]}, {"attributes": 7},
        {"status": "bad"}, {"kind": "SPAN_KIND_ODD"}, {"events": [3]}, {"links": [{"spanId": "q"}]},
        {"attributes": [{"key": "x", "value": {"bytesValue": "%"}}]}, {"attributes": [{"key": "x", "value": {"intValue": "q"}}]},
    ],
)  # fmt: skip
def test_a_span_that_is_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A malformed span is skipped and named; its neighbours in the same line are read."""
    path = write(tmp_path / "a.jsonl", [line(root(2), {**step(2), **changes}, step(3))])
    assert steps_in(path) == [1, 3]
    assert damage_in(path)[0].startswith(f"{path}, line 1: a span is not OTLP")


# ---- nothing to read -----------------------------------------------------------------------------


def test_a_number_without_end_costs_its_span_only(tmp_path: Path) -> None:
    """A number that Python refuses to read makes one span unreadable, and the line is not called torn."""
    text = line(root(2), step(2), spans.span("c" * 16)).replace(f'"spanId":"{"c" * 16}"', '"spanId":' + "9" * 5000)
    path = write(tmp_path / "a.jsonl", [text.encode()])
    assert steps_in(path) == [1, 2]
    assert ["a span is not OTLP" in message for message in damage_in(path)] == [True]


def test_no_such_file(tmp_path: Path) -> None:
    """A wrong path is one sentence that says what to name instead."""
    with pytest.raises(SourceError, match=r"no such file or folder: .*nowhere; name a recording"):
        reading.load(tmp_path / "nowhere")


def test_an_empty_folder(tmp_path: Path) -> None:
    """A folder without recordings says which files count."""
    with pytest.raises(SourceError, match=r"no recording in the folder .*\.jsonl"):
        reading.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no span of chronicle"),
        (b"print('hello')\n", "line 1: not JSON; expected OTLP JSON"),
        (b"{\n  broken\n}\n", "line 2: not JSON"),
        (b"\x28\xb5\x2f\xfd0000", "the zstd data ends early"),
        (b"\x1f\x8b0000", "the gzip data is damaged"),
        (line(spans.span("c" * 16)).encode(), "holds 1 spans of others, no span of chronicle"),
    ],
)
def test_a_file_without_runs(tmp_path: Path, content: bytes, words: str) -> None:
    """A file that holds no Run is one clear error."""
    path = write(tmp_path / "a.jsonl", [content])
    with pytest.raises(SourceError) as caught:
        reading.load(path)
    assert words in str(caught.value)
    assert "a.jsonl" in str(caught.value)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """A folder given a file's name, or the like, is a SourceError, not an OSError."""
    with pytest.raises(SourceError):
        reading.load(write(tmp_path / "a.jsonl", [line(root(1))]) / "inside")


# ---- choosing a Run ------------------------------------------------------------------------------


def two_runs(tmp_path: Path) -> Path:
    other = root(1, run="ab" * 16, trace="d" * 32)
    return write(tmp_path / "a.jsonl", [line(root(1)), line({**other, "startTimeUnixNano": "5"}, service="other")])


def test_runs_are_in_order_of_start(tmp_path: Path) -> None:
    """Several Runs and services in one file are told apart and sorted."""
    found = reading.runs(two_runs(tmp_path))
    assert [(run.id, run.resource["service.name"]) for run in found] == [("ab" * 16, "other"), (spans.RUN, "shop")]


@pytest.mark.parametrize("wanted", ["aaa", "a" * 32, "A" * 32, spans.TRACE])
def test_a_run_is_named_by_prefix_or_trace(tmp_path: Path, wanted: str) -> None:
    """A Run is found by the beginning of its id, or by its trace."""
    assert reading.load(two_runs(tmp_path), wanted).id == spans.RUN


@pytest.mark.parametrize(
    ("wanted", "words"), [(None, "holds 2 Runs; name one"), ("a", "begin with 'a'; give more digits"), ("f", "no Run 'f'")]
)
def test_a_run_that_is_not_clear(tmp_path: Path, wanted: str | None, words: str) -> None:
    """Without a unique name the error lists the Runs."""
    with pytest.raises(RunNotFound) as caught:
        reading.load(two_runs(tmp_path), wanted)
    assert words in str(caught.value)
    assert f"{spans.RUN}  2026-09-21T14:13:20Z  agent.run, 1 steps" in str(caught.value)


def test_traces_of_replays_do_not_count(tmp_path: Path) -> None:
    """A recording and a replay of it in one folder: the recording is meant."""
    replayed = root(1, run="e" * 32, trace="e" * 32, replay_of=spans.RUN)
    assert reading.load(write(tmp_path / "a.jsonl", [line(replayed), line(root(1))])).id == spans.RUN
