"""Files as the collector writes them: protobuf and zstd, framed or not, rotated; damage costs only what is damaged."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from chronicle_otel import reading
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.sources import read
from chronicle_otel.reading.sources.files import is_recording
from tests.conftest import Chronicle, environment
from tests.sources.stores import ANSWERS, RUN

SENT = b"".join(normal_lines(read(ANSWERS / "sent.jsonl").spans))
FRAMED = (ANSWERS / "collector.binpb").read_bytes()
FILES = {
    "collector.binpb": FRAMED,
    "collector.binpb.zst": (ANSWERS / "collector.binpb.zst").read_bytes(),
    "collector.jsonl.zst": (ANSWERS / "collector.jsonl.zst").read_bytes(),
    "sent.jsonl": (ANSWERS / "sent.jsonl").read_bytes(),
}


def messages() -> list[bytes]:
    """The messages of the framed file."""
    found, at = [], 0
    while at < len(FRAMED):
        size = int.from_bytes(FRAMED[at : at + 4], "big")
        found.append(FRAMED[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def framed(parts: list[bytes]) -> bytes:
    """Messages in frames."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


FORMS = {
    **FILES,
    "one zstd stream of lines": zstandard.compress(FILES["sent.jsonl"]),
    "zstd streams one after another": b"".join(zstandard.compress(line + b"\n") for line in FILES["sent.jsonl"].splitlines()),
    "one message": b"".join(messages()),
    "one message, gzip": gzip.compress(b"".join(messages())),
    "one message, zstd": zstandard.compress(b"".join(messages())),
    "frames in one zstd stream": zstandard.compress(FRAMED),
    "lines behind an empty one": b"\n" + FILES["sent.jsonl"],
    "one document behind empty lines": b"\n\n"
    + json.dumps([json.loads(line) for line in FILES["sent.jsonl"].splitlines()], indent=1).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_spans(form: str, tmp_path: Path) -> None:
    """What is inside decides, whatever the file is called, and nothing is damage."""
    path = tmp_path / "a.any"
    path.write_bytes(FORMS[form])
    found = read(path)
    assert b"".join(normal_lines(found.spans)) == SENT
    assert found.findings == []


@pytest.mark.parametrize("form", FORMS)
def test_standard_input(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same piped in."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FORMS[form])))
    assert reading.load("-").id == RUN


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("traces.jsonl", True), ("a.JSON", True), ("a.ndjson.gz", True), ("a.binpb", True), ("a.pb.zst", True), ("a.otlp", True),
        ("traces-2026-11-26T01-07-29.123.jsonl", True), ("traces.jsonl-2026-11-26T01-07-29.123.zst", True), ("traces.zst", True),
        ("traces.jsonl-2026-11-26T01-07-29.123.gz", True), ("traces.binpb-2026-11-26T01-07-29.123", True),
        ("a.tar.gz", False), ("a.jsonl.part", False), ("notes.txt", False), ("jsonl", False), (".a.jsonl.x7", False),
    ],
)  # fmt: skip
def test_names_in_a_folder(name: str, is_one: bool) -> None:
    """Rotated files of the collector are read, other files are left alone."""
    assert is_recording(name) is is_one


def test_a_folder_of_rotated_files(tmp_path: Path) -> None:
    """Every form side by side is one recording; equal copies count once."""
    for name, data in FILES.items():
        (tmp_path / f"x{name}").write_bytes(data)
    lines = FILES["sent.jsonl"].splitlines(keepends=True)
    for number, line in enumerate(lines):
        (tmp_path / f"traces-2026-11-26T01-07-2{number}.jsonl").write_bytes(line)
    [run] = reading.runs(tmp_path)
    assert run.checks.kinds() == set()


@pytest.mark.parametrize("size", [100, 20_000, 500_000, 3_000_000])
def test_one_message_of_any_size(size: int, tmp_path: Path) -> None:
    """A message without a frame is one, also where the length of its first group looks like that of a frame."""
    group = parts_of(size)
    (tmp_path / "a.otlp").write_bytes(group * 2)
    found = read(tmp_path / "a.otlp")
    assert (len(found.spans), found.findings) == (2, [])


def parts_of(size: int) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = b"\x01" * 16, b"\x02" * 8, "x" * size
    return request.SerializeToString()


# ---- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 3, 5, 200, 3_000])
@pytest.mark.parametrize("name", ["collector.binpb", "collector.binpb.zst", "collector.jsonl.zst"])
def test_a_last_frame_that_was_cut(name: str, cut: int, tmp_path: Path) -> None:
    """A file that a killed collector left loses its last frame, and says how much."""
    whole = framed([zstandard.compress(part) if name.endswith("zst") else part for part in messages()])
    data = whole + FILES[name][: min(cut, len(FILES[name]) // 3)]
    (tmp_path / "a").write_bytes(data)
    found = read(tmp_path / "a")
    assert len(found.spans) >= 5
    assert [("are no whole message" in finding.message, finding.kind) for finding in found.findings] == [(True, "damaged_source")]


@pytest.mark.parametrize("packed", [False, True])
def test_a_torn_frame(packed: bool, tmp_path: Path) -> None:
    """The frame behind a torn one is found."""
    parts = [zstandard.compress(part) if packed else part for part in messages()]
    assert len(parts) == 3
    data = framed(parts[:1]) + framed(parts[1:2])[:-50] + framed(parts[2:])
    (tmp_path / "a").write_bytes(data)
    found = read(tmp_path / "a")
    kept = [span.span_id for part in (parts[0], parts[2]) for span in _spans_of(part, tmp_path)]
    assert [span.span_id for span in found.spans] == kept
    assert "the rest was read" in found.findings[0].message


def _spans_of(part: bytes, tmp_path: Path) -> list[reading.SpanRecord]:
    (tmp_path / "part").write_bytes(part)
    return read(tmp_path / "part").spans


def test_a_message_that_was_cut(tmp_path: Path) -> None:
    """Whole resource groups before the cut are read."""
    data = b"".join(messages())
    (tmp_path / "a.binpb").write_bytes(data[:-10])
    found = read(tmp_path / "a.binpb")
    assert 0 < len(found.spans) < 5
    assert "the protobuf data is cut or damaged (10 bytes are missing at its end)" in found.findings[0].message


def test_zstd_that_was_cut(tmp_path: Path) -> None:
    """A stream that ends early gives what can be unpacked, or at least says so."""
    (tmp_path / "a.zst").write_bytes(zstandard.compress(FILES["sent.jsonl"])[:-20])
    assert any("the zstd data ends early" in finding.message for finding in read(tmp_path / "a.zst").findings)


def test_without_a_zstd_library(tmp_path: Path) -> None:
    """One sentence names the extra, and what to do without it."""
    (tmp_path / "a.jsonl.zst").write_bytes(FORMS["one zstd stream of lines"])
    code = """
import sys
sys.modules["zstandard"] = sys.modules["compression.zstd"] = None
from chronicle_otel.cli import main
sys.exit(main(["runs", "a.jsonl.zst"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        2,
        "chronicle: a.jsonl.zst is compressed with zstd: pip install 'chronicle-otel[zstd]', or unpack it first (zstd -d)\n",
    )


# ---- Jaeger's own JSON -------------------------------------------------------------------------------


def jaeger_ui() -> dict[str, object]:
    """A trace as "download JSON" of Jaeger's UI writes it."""
    return json.loads((ANSWERS / "jaeger-ui.json").read_bytes())


def test_a_trace_downloaded_from_jaegers_ui(tmp_path: Path) -> None:
    """It is read as a file, replayable, and what it costs is said."""
    (tmp_path / "trace.json").write_text(json.dumps(jaeger_ui(), indent=2))
    run = reading.load(tmp_path)
    assert (run.id, run.checks.ok, [step.name for step in run.steps]) == (RUN, True, ["buy", "catalogue", "pay"])
    assert run.steps[1].output == reading.load(ANSWERS / "sent.jsonl").steps[1].output
    assert "keeps times to the microsecond and lists as text" in run.damage[0].message


def test_promote_reads_standard_input(chronicle: Chronicle) -> None:
    """Verbs that read twice take a copy."""
    done = chronicle("promote", "-", "-o", "test_x.py", "--entry", "json:dumps", input=FILES["sent.jsonl"].decode())
    assert (done.returncode, "not promoted" in done.stderr) == (4, True)
