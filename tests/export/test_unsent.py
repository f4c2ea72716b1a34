"""Where the endpoint does not take spans: they are kept on disk, bounded, and `chronicle send` posts them."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle
from chronicle_otel.recording import meters
from tests.conftest import environment

from .agents import collect
from .receiver import Receiver, Say


def send(receiver: Receiver, *arguments: str | Path, **more: str) -> tuple[int, dict[str, Any], str]:
    """`chronicle send ARGUMENTS --json` towards a receiver: exit code, answer, what it says on stderr."""
    command = [sys.executable, "-m", "chronicle_otel.cli", "send", "--json", "--wait", "0", *map(str, arguments)]
    done = subprocess.run(command, env=environment({**receiver.environment, **more}), capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def kept(own: Any, count: int, size: int, **settings: Any) -> None:
    """Record into an endpoint that is not there."""
    own(**{"shutdown_seconds": 0.5, "retry_seconds": 0, **settings})
    collect(count, size)
    chronicle.shutdown()


@pytest.fixture
def away(protocol: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A receiver that is not started."""
    made = Receiver(protocol)
    made.start()
    made.stop()
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.stop()


def test_what_no_endpoint_took_arrives_later(away: Receiver, own: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Away → a folder of OTLP JSON lines, said once → `chronicle send` → the same recording, which replays."""
    kept(own, 100, 50_000)
    before = chronicle.load(tmp_path / "unsent")
    assert (len(before.steps), before.checks.ok) == (101, True)
    assert meters.totals[meters.UNSENT] == 102
    assert [record.message for record in caplog.records if "chronicle send" not in record.message] == []
    assert len(caplog.records) == 1
    assert send(away, tmp_path / "unsent")[0] == 1, "it is still away"
    with away:
        code, answer, _ = send(away, tmp_path / "unsent", "--delete")
        assert (code, answer["spans"], len(answer["deleted"]), answer["complete"]) == (0, 102, 1, True)
    assert list((tmp_path / "unsent").iterdir()) == []
    assert max(away.sizes) <= 3_000_000
    after = chronicle.load(away.write(tmp_path / "arrived.jsonl"))
    assert [(step.span_id, step.record.attributes) for step in after.steps] == [
        (step.span_id, step.record.attributes) for step in before.steps
    ]
    assert chronicle.replay(after, entry=collect).verdict == "reproduced"


def test_what_is_refused_is_kept(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """An answer that says no for good (no key, no such page) loses nothing, and is not repeated."""
    receiver.answers += [Say("UNAUTHENTICATED" if receiver.protocol == "grpc" else 401)] * 50
    kept(own, 2, 5000)
    assert list(receiver.spans()) == []
    assert len(receiver.headers) <= 4, "one try per batch"
    assert meters.totals[f"{meters.UNSENT} refused"] == 4
    assert chronicle.load(tmp_path / "unsent").checks.ok


def test_why_it_was_refused_is_said_in_the_words_of_the_endpoint(receiver: Receiver, own: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A tenant that is missing, a memory that is full: who refuses says why, over both protocols."""
    receiver.answers.append(Say(400 if receiver.protocol != "grpc" else "INVALID_ARGUMENT", message="no org id"))
    own()
    collect(1, 10)
    chronicle.shutdown()
    [record] = caplog.records
    said = "HTTP 400 Bad Request: no org id" if receiver.protocol != "grpc" else "gRPC INVALID_ARGUMENT: no org id"
    assert f"did not take spans ({said})" in record.message


def test_the_folder_is_bounded(away: Receiver, own: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Above `unsent_bytes` spans are lost, counted, and that is said once."""
    kept(own, 50, 50_000, unsent_bytes=1_000_000)
    size = sum(path.stat().st_size for path in (tmp_path / "unsent").iterdir())
    assert 500_000 < size <= 1_000_000
    assert meters.totals[meters.UNSENT] + meters.totals[f"{meters.DROPPED} folder_full"] == 52
    assert sum("they are lost" in record.message for record in caplog.records) == 1


def test_the_endpoint_may_come_back(away: Receiver, own: Any, tmp_path: Path) -> None:
    """As long as `retry_seconds` have not passed, a batch waits in memory and is sent once the endpoint is there."""
    own(retry_seconds=60, shutdown_seconds=30)
    collect(3, 5000)
    with away:
        chronicle.shutdown()
        assert len(list(away.spans())) == 5
    assert not (tmp_path / "unsent").exists()


def test_interrupted_it_goes_on_behind_what_was_taken(away: Receiver, own: Any, tmp_path: Path) -> None:
    """A `send` that stops half-way sends the rest at the next call, and a third call sends nothing."""
    kept(own, 200, 50_000)
    refused = Say("UNAVAILABLE" if away.protocol == "grpc" else 503)
    with away:
        away.answers += [Say(), Say(), refused]
        code, answer, said = send(away, tmp_path / "unsent")
        assert (code, answer["requests"], answer["complete"]) == (1, 2, False)
        assert "the same command goes on from there" in said
        assert send(away, tmp_path / "unsent")[0] == 0
        twice = len(list(away.spans())) - 202
        code, answer, _ = send(away, tmp_path / "unsent")
        assert (code, answer["spans"], len(answer["earlier"])) == (0, 0, 1)
        assert send(away, tmp_path / "unsent", "--again")[1]["spans"] == 202
    assert 0 <= twice <= 40, "at most what is in the lines around the place where it ended"
    assert len({span.span_id for span in away.spans()}) == 202


def test_rejected_spans_are_told_and_their_file_stays(away: Receiver, own: Any, tmp_path: Path) -> None:
    """A partial success is an exit code of its own, and nothing is removed that did not arrive."""
    kept(own, 2, 5000)
    with away:
        away.answers.append(Say(rejected=3, message="too old"))
        code, answer, said = send(away, tmp_path / "unsent", "--delete")
        assert (code, answer["rejected"], answer["deleted"]) == (1, 3, [])
        assert "3 spans: too old" in said
        assert send(away, tmp_path / "unsent", "--delete")[1]["deleted"] == [], "it did not all arrive the second time either"


def test_any_recording_can_be_sent(away: Receiver, tmp_path: Path) -> None:
    """Files of other writers, compressed, with lines that are none: what is OTLP arrives unchanged, the rest is named."""
    chronicle.init(tmp_path / "run.jsonl", instrument=False)
    collect(1, 5_000_000)
    chronicle.shutdown()
    foreign = {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "a", "value": {"doubleValue": 1.5}}]},
                "schemaUrl": "https://opentelemetry.io/schemas/1.40.0",
                "scopeSpans": [
                    {
                        "scope": {"name": "other", "attributes": [{"key": "b", "value": {"boolValue": True}}]},
                        "spans": [
                            {
                                "traceId": "5b8efff798038103d269b633813fc60c",
                                "spanId": "eee19b7ec3c1b174",
                                "name": "theirs",
                                "startTimeUnixNano": "1544712660000000000",
                                "links": [{"traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b175"}],
                                "events": [{"name": "e", "droppedAttributesCount": 2}],
                            }
                        ],
                    }
                ],
            }
        ]
    }
    with gzip.open(tmp_path / "other.jsonl.gz", "wt") as file:
        file.write(json.dumps(foreign) + '\nno json\n{"resourceLogs": []}\n')
    with away:
        code, answer, said = send(away, tmp_path)
        assert (code, answer["spans"], len(answer["left_out"])) == (3, 4, 2)
        assert "other.jsonl.gz line 2" in said
        theirs = next(span for span in away.spans() if span.name == "theirs")
    assert theirs.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert (theirs.links[0].span_id.hex(), theirs.events[0].dropped_attributes_count) == ("eee19b7ec3c1b175", 2)
    group = next(each for request in away.requests for each in request.resource_spans if each.schema_url)
    assert (group.schema_url, group.scope_spans[0].scope.attributes[0].value.bool_value) == (
        "https://opentelemetry.io/schemas/1.40.0",
        True,
    )
    run = chronicle.load(away.write(tmp_path / "arrived.jsonl"))
    assert run.calls("fetch")[0].tree("chronicle.output") == {"$chronicle.opaque": {"why": "size", "size": 5_000_000}}


def test_wrong_usage_is_one_line(tmp_path: Path) -> None:
    """No such file, no such protocol: exit code 2 and what to do."""
    receiver = Receiver()
    assert send(receiver, tmp_path / "none.jsonl")[::2] == (
        2,
        f"chronicle: {tmp_path}/none.jsonl is not there: name a recording, a folder of them, or a store\n",
    )
    assert send(receiver, tmp_path, OTEL_EXPORTER_OTLP_PROTOCOL="pigeon")[0] == 2


def test_a_burst_loses_nothing(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """Faster than the queue has room for: everything is sent or on disk, and nothing is sent twice."""
    own(queue_bytes=300_000)
    collect(3000, 2000)
    chronicle.shutdown()
    sent = [span.span_id for span in receiver.spans()]
    kept = [line for path in (tmp_path / "unsent").glob("*") for line in path.read_text().splitlines()]
    assert len(set(sent)) == len(sent)
    assert len(sent) + sum(line.count('"spanId"') for line in kept) == 3002
    assert not any(name.startswith(meters.DROPPED) for name in meters.totals)


def test_an_endpoint_that_never_answers_holds_nobody_up(own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that takes connections and says nothing: the time-out of the environment holds, and the spans are kept."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
        kept(own, 20, 50_000)
    assert chronicle.load(tmp_path / "unsent").checks.ok
    assert meters.totals[f"{meters.UNSENT}"] == 22


def test_a_folder_that_cannot_be_written_is_said_once(away: Receiver, own: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Spans are lost then, counted, and the application goes on."""
    (tmp_path / "unsent").write_text("a file, not a folder")
    kept(own, 3, 5000)
    assert meters.totals[f"{meters.DROPPED} folder_failed"] == 5
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.message.endswith("they are lost; make the folder writable, or name another with unsent= in chronicle.init")
    assert "unsent_bytes" not in record.message


def test_a_slow_endpoint_costs_one_wait_for_each_request_and_not_one_for_each_step(
    own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an endpoint is slower than the application, what finds the queue full in vain once goes to disk until a request is through."""
    monkeypatch.setattr("chronicle_otel.recording.export.sender._WAIT", 3.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "500")
        own(queue_bytes=20_000, shutdown_seconds=0.1)
        recording = threading.Thread(target=collect, args=(60, 5000), daemon=True)  # 57 waits would be three minutes
        recording.start()
        recording.join(60)
        assert not recording.is_alive()
        ending = threading.Thread(target=chronicle.shutdown, daemon=True)
        ending.start()
        ending.join(60)
        assert not ending.is_alive()
    assert len(chronicle.load(tmp_path / "unsent").steps) == 61


class _Slow(Receiver):
    """Takes its time for each request."""

    seconds = 0.0

    def take(self, body: bytes, headers: dict[str, str]) -> Say:
        time.sleep(self.seconds)
        return super().take(body, headers)


@pytest.mark.parametrize("end", ["shutdown", "flush"])
def test_the_end_is_bounded_also_where_steps_have_not_reached_the_export(own: Any, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """`shutdown_seconds` hold for steps that still wait in front of a full export: they go to disk, not at the pace of the endpoint."""
    receiver = _Slow(limit=70_000)
    with receiver:
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        own(queue_bytes=6_000_000, shutdown_seconds=0.5)
        collect(100, 5000)  # from here on requests have 64 KiB
        chronicle.flush()
        receiver.seconds = 0.7
        collect(2000, 5000)  # at 12 steps each 0.7 seconds
        ending = threading.Thread(target=getattr(chronicle, end), daemon=True)
        ending.start()
        ending.join(25)
        assert not ending.is_alive()
        receiver.seconds = 0.0
        chronicle.shutdown()
    assert not any(name.startswith(meters.DROPPED) for name in meters.totals)


def test_a_flush_does_not_wait_for_steps_that_come_after_it(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While other threads go on recording, a flush ends when what was recorded before it has arrived."""
    receiver = _Slow()
    receiver.seconds = 0.3
    with receiver:
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        own(shutdown_seconds=500)
        over = threading.Event()

        def goes_on() -> None:
            while not over.wait(0.01):
                collect(1, 2000)

        other = threading.Thread(target=goes_on, daemon=True)
        other.start()
        collect(1, 111)
        flushing = threading.Thread(target=chronicle.flush, daemon=True)
        flushing.start()
        flushing.join(30)
        ended = not flushing.is_alive()
        over.set()
        other.join(60)
        assert ended
        sizes = {at.value.int_value for span in receiver.spans() for at in span.attributes if at.key == "chronicle.output.size"}
        assert 113 in sizes
        chronicle.shutdown()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the size of files")
def test_a_disk_that_is_full_tears_no_line(away: Receiver, own: Any, tmp_path: Path) -> None:
    """What does not fit on the disk is lost and counted; what was kept before and what is kept after it can be read."""
    import resource

    own(shutdown_seconds=0.5, retry_seconds=0)
    collect(1, 3000)
    chronicle.flush()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    [file] = (tmp_path / "unsent").iterdir()
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 5000, limits[1]))
    try:
        collect(3, 4000)
        chronicle.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    collect(2, 3000)
    chronicle.shutdown()
    assert [len(run.steps) for run in chronicle.runs(tmp_path / "unsent")] == [2, 3]
    assert meters.totals[f"{meters.DROPPED} folder_failed"] == 5
    with away:
        code, answer, _ = send(away, tmp_path / "unsent", "--delete")
    assert (code, answer["spans"], answer["complete"]) == (0, 7, True)
