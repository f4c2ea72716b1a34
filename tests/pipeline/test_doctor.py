"""doctor ──probe──► real collector, Jaeger, Tempo ──► doctor: each limit is met on purpose, and named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, environment

from .collector import BINARY, MISSING, PIPELINES, Collector
from .examined import EXPORT, doctor, front, harms, http
from .stack import MISSING_PARTS, stack
from .stores import JAEGER, NO_JAEGER, NO_TEMPO, TEMPO, Jaeger, Tempo
from .test_sampling import sampler

STOCK = Path(__file__).with_name("stock-tempo.yaml")
with_collector = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)
with_jaeger = pytest.mark.skipif(not JAEGER.exists(), reason=NO_JAEGER)
with_tempo = pytest.mark.skipif(not TEMPO.exists(), reason=NO_TEMPO)


@with_collector
def test_our_collector_loses_nothing_that_is_recorded(tmp_path: Path) -> None:
    """Through development.yaml everything comes back, redacted, in every place; spans above 3 MiB lose text, as its setting says."""
    output = tmp_path / "spans.jsonl"
    with Collector(tmp_path, PIPELINES / "development.yaml", CHRONICLE_OUTPUT=str(output)) as collector:
        report = doctor(output, http(collector.http), code=0)
        again = doctor(output, http(collector.http), "--small", code=0)
    assert harms(report) == [("note", "span_shrunk")]
    facts = report["facts"]
    assert facts["spans"] == facts["taken"] == facts["arrived"]
    assert facts["strings"] == {"whole_up_to": 260_000, "cut_at": None, "dropped": []}
    assert facts["redaction"]["raw"] == []
    places = ["events", "links", "lists", "names", "payloads", "resources", "status messages", "strings"]
    assert sorted(facts["redaction"]["replaced"]) == places
    assert len(facts["redaction"]["policies"]) == 1
    assert facts["recordings"] == {"complete": 22, "replayable": 22}
    assert harms(again) == []
    assert again["facts"]["probe"] != facts["probe"]


@with_jaeger
def test_jaeger_keeps_everything_as_it_was_sent(tmp_path: Path) -> None:
    """A Jaeger with docker/jaeger.yaml cuts nothing; all that is said is that nobody redacted."""
    with Jaeger(tmp_path) as jaeger:
        report = doctor(f"jaeger://127.0.0.1:{jaeger.query}", http(jaeger.http), code=0)
    assert harms(report) == [("warning", "no_redaction")]
    assert report["facts"]["recordings"] == {"complete": 22, "replayable": 22}


@with_tempo
def test_a_stock_tempo_is_named(tmp_path: Path) -> None:
    """The cut at 2,048 bytes and the traces above 5 MB are named with Tempo's settings; recordings pass all the same."""
    with Tempo(tmp_path, STOCK) as tempo:
        report = doctor(f"tempo://127.0.0.1:{tempo.port}", http(tempo.http), "--wait", "12", code=1)
        command = [sys.executable, "-m", "chronicle_otel.cli", "doctor", "--store", f"tempo://127.0.0.1:{tempo.port}", "--wait", "12"]
        env = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": http(tempo.http)})
        shown = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120).stdout
        shown = shown.replace(f"127.0.0.1:{tempo.port}", "localhost:3200")
    assert harms(report) == [("error", "trace_limit"), ("warning", "string_cut"), ("warning", "no_redaction"), ("note", "span_limit")]
    facts = report["facts"]
    assert facts["strings"]["cut_at"] == 2048
    assert facts["large_trace"] == {"spans": 12, "arrived": 9}
    assert facts["recordings"] == {"complete": 22, "replayable": 22}
    [cut] = [each for each in report["diagnoses"] if each["kind"] == "string_cut"]
    assert "as Tempo does (also in events, in links, on resources)" in cut["what"]
    assert cut["setting"].startswith("set distributor.max_attribute_bytes: 0")
    assert shown in (ROOT / "docs" / "doctor.md").read_text()


@with_tempo
def test_our_tempo_cuts_nothing(tmp_path: Path) -> None:
    """With docker/tempo.yaml every string and every trace of the probe comes back whole."""
    with Tempo(tmp_path) as tempo:
        report = doctor(f"tempo://127.0.0.1:{tempo.port}", http(tempo.http), code=0)
    assert harms(report) == [("warning", "no_redaction")]


@pytest.mark.skipif(bool(MISSING_PARTS), reason=MISSING_PARTS)
def test_the_whole_stack_loses_nothing(tmp_path: Path) -> None:
    """Through stores.yaml of docker/ a probe reaches Jaeger, the archive and Tempo, redacted and whole; spans up to 8 MiB pass."""
    with stack(tmp_path) as running:
        stores = [f"jaeger://127.0.0.1:{running.jaeger.query}", str(running.archive)]
        stores += [f"tempo://127.0.0.1:{running.tempo.port}"] if running.tempo is not None else []
        reports = [doctor(store, running.endpoint, code=0) for store in stores]
    assert [harms(report) for report in reports] == [[]] * len(stores)
    assert [report["facts"]["spans_by_size"]["5000000"] for report in reports] == ["whole"] * len(stores)


@with_collector
def test_tail_sampling_is_told_by_what_it_keeps(tmp_path: Path) -> None:
    """Behind sampling.yaml with a share of 0 the plain runs are missing, and the failed and the flagged one are there."""
    output = tmp_path / "kept.jsonl"
    with sampler(tmp_path, output, share=0) as collector:
        report = doctor(output, http(collector.http), "--small", "--wait", "6", code=0)
    assert harms(report) == [("warning", "sampled")]
    assert {kind: counts["whole"] for kind, counts in report["facts"]["runs"].items()} == {"plain": 0, "error": 1, "flagged": 1}


@with_collector
def test_batches_smaller_than_a_span_are_found(tmp_path: Path) -> None:
    """An exporter with max_size 1,500,000 drops spans of 2 MB after they were acknowledged; those of 1 MB arrive."""
    output = tmp_path / "spans.jsonl"
    with (
        front(tmp_path / "behind", CHRONICLE_OUTPUT=str(output)) as behind,
        front(tmp_path / "front", EXPORT, CHRONICLE_NEXT=f"127.0.0.1:{behind.grpc}", CHRONICLE_OUTPUT=str(output)) as before,
    ):
        report = doctor(output, http(before.http), "--wait", "5", code=1)
    assert harms(report) == [("error", "span_limit"), ("warning", "no_redaction")]
    assert report["facts"]["spans_by_size"] == {
        "500000": "whole",
        "1000000": "whole",
        "2000000": "lost",
        "3000000": "lost",
        "3900000": "lost",
        "5000000": "lost",
    }


@with_collector
def test_batches_above_the_next_receiver_are_found(tmp_path: Path) -> None:
    """An exporter with max_size 12,000,000 in front of a receiver that takes 4 MiB loses what is larger, whole batches of it."""
    output = tmp_path / "spans.jsonl"
    next_hop = {"CHRONICLE_MIN": "8000000", "CHRONICLE_MAX": "12000000", "CHRONICLE_OUTPUT": str(output)}
    with (
        front(tmp_path / "behind", CHRONICLE_OUTPUT=str(output)) as behind,
        front(tmp_path / "front", EXPORT, CHRONICLE_NEXT=f"127.0.0.1:{behind.grpc}", **next_hop) as before,
    ):
        report = doctor(output, http(before.http), "--wait", "5", code=1)
    assert report["facts"]["spans_by_size"]["5000000"] == "lost"
    assert {kind for severity, kind in harms(report) if severity == "error"} & {"span_limit", "spans_lost", "trace_limit", "runs_torn"}


@with_collector
def test_the_first_receivers_limit_is_quoted(tmp_path: Path) -> None:
    """A gRPC receiver as it comes takes 4 MiB; what it says when it refuses is read, and the number is exact."""
    output = tmp_path / "spans.jsonl"
    with front(tmp_path, CHRONICLE_OUTPUT=str(output)) as collector:
        report = doctor(output, http(collector.grpc), code=0, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert harms(report) == [("warning", "no_redaction"), ("note", "receiver_limit")]
    assert report["facts"]["receiver_limit"] == 4 * 1024 * 1024


@with_collector
def test_a_store_that_the_endpoint_does_not_lead_to(tmp_path: Path) -> None:
    """Spans that were taken and are nowhere are one error, not a hundred."""
    with front(tmp_path, CHRONICLE_OUTPUT=str(tmp_path / "spans.jsonl")) as collector:
        report = doctor(tmp_path / "other.jsonl", http(collector.http), "--small", "--wait", "1", code=1)
    assert harms(report) == [("error", "nothing_arrived")]


def test_an_endpoint_that_is_away_is_said_once(tmp_path: Path) -> None:
    """Where nobody takes the probe, that is all that is said, and nobody waits for it."""
    report = doctor(tmp_path / "spans.jsonl", "http://127.0.0.1:9", "--small", code=1)
    assert harms(report) == [("error", "refused")]
