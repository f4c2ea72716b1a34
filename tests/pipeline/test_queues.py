"""sender ──► queue of an exporter ──✗──► the next hop: how each setting of queue, retry and memory loses, keeps, or multiplies spans."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from .collector import BINARY, MISSING
from .examined import Hop, hop, named, said
from .spans import one_span, post, traces_in, wait_for

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

TO_NEXT = "service: {pipelines: {traces: {exporters: [otlp_grpc]}}}\n"
TO_BOTH = "service: {pipelines: {traces: {exporters: [file, otlp_grpc]}}}\n"
FILLER = "The agent asked for the next page. " * 30


def status(line: Hop, body: bytes) -> int:
    """Send a request once; what a receiver says to it."""
    headers = {"Content-Type": "application/x-protobuf"}
    return requests.post(f"{line.http}/v1/traces", data=body, headers=headers, timeout=20).status_code


def sending(folder: Path, exporter: str, then: str = TO_NEXT, more: str = "") -> tuple[Hop, Hop]:
    """Make two hops, the second not yet started; the first one sends to it with these settings of its exporter."""
    behind = hop(folder / "behind")
    change = f"exporters: {{otlp_grpc: {{{exporter}}}}}\n{then}{more}"
    return hop(folder / "front", change, CHRONICLE_NEXT=f"127.0.0.1:{behind.collector.grpc}", QUEUE=str(folder / "queue")), behind


def test_what_waits_in_memory_goes_with_the_process(tmp_path: Path) -> None:
    """The queue as it comes: a collector that is killed has forgotten spans that it acknowledged; its configuration says so."""
    front, behind = sending(tmp_path, "retry_on_failure: {initial_interval: 100ms}")
    with front.collector:
        post(front.collector.http, one_span(1, 1))
        front.collector.kill()
        front.collector.start()
        with behind.collector:
            post(front.collector.http, one_span(2, 1))
            wait_for("the second", lambda: 2 in traces_in(behind.output))
    assert traces_in(behind.output) == {2: {1}}
    assert ("warning", "queue_in_memory") in named(*front.configs)


def test_a_retry_that_ends_drops(tmp_path: Path) -> None:
    """Where the next hop stays away for longer than max_elapsed_time, 300 s by default, what waits is dropped; only a log line tells."""
    front, behind = sending(tmp_path, "retry_on_failure: {initial_interval: 100ms, max_interval: 200ms, max_elapsed_time: 1s}")
    with front.collector:
        post(front.collector.http, one_span(1, 1))
        wait_for("it gives up", lambda: "Exporting failed. Dropping data." in front.collector.log.read_text())
        with behind.collector:
            post(front.collector.http, one_span(2, 1))
            wait_for("the second", lambda: 2 in traces_in(behind.output))
    assert traces_in(behind.output) == {2: {1}}
    assert "stays away for 1 seconds, what waits is dropped" in said("retry_ends", *front.configs)
    patient, _ = sending(tmp_path / "default", "tls: {insecure: true}")
    assert "stays away for 300 seconds" in said("retry_ends", *patient.configs)


def test_without_a_retry_the_first_refusal_drops(tmp_path: Path) -> None:
    """With retry_on_failure off, spans are lost after they were acknowledged; that is an error of the configuration."""
    front, _ = sending(tmp_path, "retry_on_failure: {enabled: false}")
    with front.collector:
        post(front.collector.http, one_span(1, 1))
        wait_for("it drops", lambda: "Exporting failed. Dropping data." in front.collector.log.read_text())
    assert ("error", "no_retry") in named(*front.configs)


def test_a_full_queue_refuses(tmp_path: Path) -> None:
    """A queue counts requests, and refuses what it has no room for; a queue by bytes that waits for room takes all and loses nothing."""
    few = "sending_queue: {queue_size: 2, num_consumers: 1, batch: {sizer: items, min_size: 0}}, retry_on_failure: {max_elapsed_time: 0s}"
    front, _ = sending(tmp_path, few)
    with front.collector:
        answers = [status(front, one_span(trace, 1)) for trace in range(1, 9)]
    assert (answers[0], answers[-1]) == (200, 503)
    assert "senders give up after some seconds" in said("queue_refuses", *front.configs)
    plain, _ = sending(tmp_path / "plain", "sending_queue: {num_consumers: 2}")
    assert "the queue counts requests, 1,000 of them, whatever their bytes" in said("queue_by_count", *plain.configs)


def test_a_full_queue_multiplies_at_its_neighbours(tmp_path: Path) -> None:
    """In a fan-out, each new try of a sender that one exporter refuses gives the others the same spans again; reading takes one copy."""
    few = "sending_queue: {queue_size: 1, num_consumers: 1, batch: {sizer: items, min_size: 0}}, retry_on_failure: {max_elapsed_time: 0s}"
    front, _ = sending(tmp_path, few, TO_BOTH)
    with front.collector:
        answers = [status(front, one_span(1, 1)) for _ in range(8)]
        wait_for("all copies are there", lambda: front.output.read_text().count('"spanId"') == 8)
    assert answers.count(503) >= 4
    assert "the other exporters get everything once more" in said("queue_refuses", *front.configs)


def test_a_memory_limiter_refuses_until_there_is_room(tmp_path: Path) -> None:
    """A limit that is reached is answered with 503, so that senders try again; nothing was acknowledged, so nothing is lost."""
    limiter = (
        "processors: {memory_limiter: {check_interval: 1s, limit_mib: 1}}\nservice: {pipelines: {traces: {processors: [memory_limiter]}}}"
    )
    line = hop(tmp_path, limiter)
    with line.collector:
        wait_for("it refuses", lambda: status(line, one_span(1, 1)) == 503)
    assert [kind for severity, kind in named(*line.configs) if severity == "error"] == []


def test_a_span_above_a_batch_takes_those_behind_it(tmp_path: Path) -> None:
    """A span larger than max_size is dropped, and so are spans behind it in the same batch; the configuration says so."""
    front, behind = sending(tmp_path, "sending_queue: {batch: {sizer: bytes, min_size: 20000, max_size: 50000, flush_timeout: 1s}}")
    spans = [one_span(trace, 1, text="x" * (60_000 if trace == 3 else 4_000)) for trace in range(1, 11)]
    with behind.collector, front.collector:
        post(front.collector.http, b"".join(spans))  # protobuf: messages in a row are one message with all of their spans
        post(front.collector.http, one_span(11, 1))
        wait_for("the last", lambda: 11 in traces_in(behind.output))
    assert traces_in(behind.output).keys() == {1, 2, 11}
    assert "a span of more than 50,000 bytes is dropped, and spans behind it in its batch too" in said("span_above_batch", *front.configs)


DISK = "sending_queue: {storage: file_storage}, retry_on_failure: {initial_interval: 100ms, max_elapsed_time: 0s}"
STORAGE = """extensions: {file_storage: {directory: "${env:QUEUE}", create_directory: true}}
service: {extensions: [health_check, file_storage], pipelines: {traces: {exporters: [otlp_grpc]}}}
"""


def test_a_queue_on_disk_survives_the_process_and_holds_headers(tmp_path: Path) -> None:
    """With storage a killed collector still delivers, and its file stays large; with include_metadata the tokens of clients are in it."""
    headers = "receivers: {otlp: {protocols: {http: {include_metadata: true}}}}\n"
    front, behind = sending(tmp_path, DISK, STORAGE, headers)
    with front.collector:
        body, more = one_span(1, 1), {"Content-Type": "application/x-protobuf", "Authorization": "Bearer sesame-7"}
        assert requests.post(f"{front.http}/v1/traces", data=body, headers=more, timeout=20).status_code == 200
        for trace in range(2, 12):
            post(front.collector.http, one_span(trace, 1, text="x" * 300_000))
        front.collector.kill()
        kept = b"".join(path.read_bytes() for path in (tmp_path / "queue").iterdir())
        front.collector.start()
        with behind.collector:
            wait_for("all spans", lambda: traces_in(behind.output).keys() == set(range(1, 12)))
    assert b"Bearer sesame-7" in kept
    assert sum(path.stat().st_size for path in (tmp_path / "queue").iterdir()) > 3_000_000  # what has gone leaves its room behind
    assert {("error", "headers_on_disk"), ("note", "no_fsync")} <= set(named(*front.configs))


def test_a_queue_on_disk_cannot_wait(tmp_path: Path) -> None:
    """wait_for_result is refused with storage: the collector does not start, and `doctor --config` says so without starting it."""
    front, _ = sending(tmp_path, f"{DISK.replace('}, retry', ', wait_for_result: true}, retry')}", STORAGE)
    with pytest.raises(AssertionError, match="wait_for_result"):
        front.collector.start()
    assert ("error", "storage_waits") in named(*front.configs)
