"""`chronicle send` takes whatever chronicle reads, says in a few lines what it cannot send, and marks nothing as sent that is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import chronicle_otel as chronicle
from tests.conftest import environment

from .agents import collect
from .receiver import Receiver
from .test_unsent import send


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A Run of three Steps, four spans, as OTLP JSON lines."""
    path = tmp_path / "run.jsonl"
    chronicle.init(path, instrument=False)
    collect(2, 5000)
    chronicle.shutdown()
    return path


def protobuf(recording: Path, tmp_path: Path) -> bytes:
    """A recording as one OTLP message."""
    with Receiver() as receiver:
        assert send(receiver, recording, "--again")[0] == 0
    merged = ExportTraceServiceRequest()
    for request in receiver.requests:
        merged.MergeFrom(request)
    recording.with_name("run.jsonl.sent").unlink()
    return merged.SerializeToString()


@pytest.mark.parametrize("form", ["zst", "protobuf", "framed", "pretty"])
def test_every_encoding_that_is_read_can_be_sent(form: str, recording: Path, tmp_path: Path) -> None:
    """zstd, protobuf, the collector's frames, and JSON over many lines arrive as the same Run; a second call sends nothing."""
    if form == "zst":
        path = tmp_path / "packed.jsonl.zst"
        path.write_bytes(pytest.importorskip("zstandard").compress(recording.read_bytes()))
    elif form == "pretty":
        path = tmp_path / "pretty.json"
        groups = [group for line in recording.read_text().splitlines() for group in json.loads(line)["resourceSpans"]]
        path.write_text(json.dumps({"resourceSpans": groups}, indent=2))
    else:
        message = protobuf(recording, tmp_path)
        path = tmp_path / "message.binpb"
        path.write_bytes(message if form == "protobuf" else len(message).to_bytes(4, "big") + message)
    with Receiver() as receiver:
        code, answer, said = send(receiver, path)
        assert (code, answer["spans"], answer["left_out"], said) == (0, 4, [], "")
        assert send(receiver, path)[1]["earlier"] == [str(path)]
        assert len(list(receiver.spans())) == 4
        code, answer, _ = send(receiver, path, "--delete")
        assert (code, answer["deleted"], path.exists()) == (0, [str(path)], False)
    assert [file.name for file in tmp_path.glob("*.sent")] == []
    before, after = chronicle.load(recording), chronicle.load(receiver.write(tmp_path / "arrived.jsonl"))
    assert [(step.span_id, step.record.attributes) for step in after.steps] == [
        (step.span_id, step.record.attributes) for step in before.steps
    ]
    assert chronicle.replay(after, entry=collect).verdict == "reproduced"


def test_standard_input_can_be_sent(recording: Path, tmp_path: Path) -> None:
    """`-` reads what another command writes."""
    with Receiver() as receiver:
        command = [sys.executable, "-m", "chronicle_otel.cli", "send", "--json", "-"]
        done = subprocess.run(
            command, input=recording.read_bytes(), env=environment(receiver.environment), capture_output=True, timeout=60, check=True
        )
    assert (json.loads(done.stdout)["spans"], json.loads(done.stdout)["files"]) == (4, ["standard input"])


@pytest.mark.parametrize("content", [b"\x93\x00\xfe junk\n" * 20_000, b"no json\n" * 20_000], ids=["binary", "text"])
def test_what_is_no_recording_is_a_few_lines_and_no_mark(content: bytes, tmp_path: Path) -> None:
    """Junk is exit code 3, five reasons and a count; it is neither marked as sent nor removed."""
    path = tmp_path / "junk.jsonl"
    path.write_bytes(content)
    with Receiver() as receiver:
        for _ in range(2):
            code, answer, said = send(receiver, path, "--delete")
            assert (code, answer["spans"], answer["deleted"], len(answer["left_out"]), answer["complete"]) == (3, 0, [], 5, False)
            assert len(said.splitlines()) == 6
            assert said.splitlines()[-1].endswith(" more")
    assert [file.name for file in tmp_path.iterdir()] == ["junk.jsonl"]


def test_a_file_of_which_something_was_left_out_is_not_marked(recording: Path, tmp_path: Path) -> None:
    """Good lines arrive, bad ones are named by every call, and the file stays."""
    with recording.open("a") as file:
        file.write("no json\n" * 8)
    with Receiver() as receiver:
        for _ in range(2):
            code, answer, said = send(receiver, recording, "--delete")
            assert (code, answer["spans"], answer["left_out_total"], len(answer["left_out"])) == (3, 4, 8, 5)
            assert said.splitlines()[-1] == "chronicle: left out: 3 more"
    assert [file.name for file in tmp_path.iterdir()] == ["run.jsonl"]


def test_a_store_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """An address of a store is asked as every other command asks it."""
    with Receiver() as receiver:
        code, _, said = send(receiver, "jaeger://127.0.0.1:1/5b8aa5a2d2c872e8321cf37308d69df2")
    assert (code, len(said.splitlines()), "Traceback" in said) == (2, 1, False)
    assert "127.0.0.1:1" in said
