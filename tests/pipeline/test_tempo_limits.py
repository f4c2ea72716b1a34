"""spans ──► a Tempo with its other limits in force ──► loader, doctor: what it refuses, drops, hides or leaves out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

import chronicle_otel as chronicle
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.sources import read

from .examined import named, probed, said, sentence
from .recorded import forward, recorded, verdicts
from .spans import one_span, post, wait_for
from .stores import NO_TEMPO, TEMPO, Tempo

pytestmark = pytest.mark.skipif(not TEMPO.exists(), reason=NO_TEMPO)

STOCK = Path(__file__).with_name("stock-tempo.yaml")


class Limited(Tempo):
    """The stock Tempo, with overrides."""

    def __init__(self, folder: Path, overrides: dict[str, Any]) -> None:
        config = yaml.safe_load(STOCK.read_text()) | {"overrides": overrides}
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "tempo.yaml"
        self.config.write_text(yaml.safe_dump(config))
        super().__init__(folder, self.config)


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    """Large traces are kept; all else is as it comes."""
    with Limited(tmp_path_factory.mktemp("roomy"), {"defaults": {"global": {"max_bytes_per_trace": 100_000_000}}}) as running:
        yield running


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    """Few bytes a second, few traces."""
    limits = {"ingestion": {"rate_limit_bytes": 100_000, "burst_size_bytes": 200_000, "max_traces_per_user": 3}}
    with Limited(tmp_path_factory.mktemp("tight"), {"defaults": limits}) as running:
        yield running


def status(tempo: Tempo, body: bytes) -> tuple[int, bytes]:
    """Send a request once; what Tempo says to it."""
    headers = {"Content-Type": "application/x-protobuf"}
    answer = requests.post(f"http://127.0.0.1:{tempo.http}/v1/traces", data=body, headers=headers, timeout=20)
    return answer.status_code, answer.content


def test_what_comes_too_fast_is_refused_for_a_while(tight: Limited) -> None:
    """Above rate_limit_bytes Tempo asks to come back, and takes it then; what is above burst_size_bytes is never taken."""
    answers = [status(tight, one_span(trace, 1, text="x" * 90_000)) for trace in range(1, 5)]
    assert 429 in {code for code, _ in answers}
    wait_for("it takes it", lambda: status(tight, one_span(5, 1, text="x" * 90_000))[0] == 200)
    time.sleep(2.5)  # the burst has room again
    code, said_so = status(tight, one_span(6, 1, text="x" * 300_000))
    assert (code, b"batch size (300115 bytes) exceeds ingestion limit" in said_so) == (429, True)
    assert "a request of more than 200,000 bytes is refused with the advice to try again" in said("rate_limit", tight.config)
    assert ("error", "rate_limit") in named(tight.config)


def test_above_so_many_open_traces_new_ones_vanish(tight: Limited) -> None:
    """More open traces than max_traces_per_user: those that follow were acknowledged and are nowhere; a probe and its settings say so."""
    time.sleep(2.5)  # the burst has room again
    report = probed(f"tempo://127.0.0.1:{tight.port}", f"http://127.0.0.1:{tight.http}", wait=4)
    assert report.facts["taken"] == report.facts["spans"] > report.facts["arrived"]
    assert "a Tempo drops traces above max_traces_per_user" in sentence(report, "sampled")
    assert "while 3 traces are open, new ones vanish, after they were acknowledged" in said("open_traces", tight.config)


def test_limits_of_a_tenant_in_a_file_of_their_own(tmp_path: Path) -> None:
    """What that file cuts is named by a probe; the doctor says that it does not see the file, which overrides what it sees."""
    own = tmp_path / "tenants.yaml"
    ingestion = {
        "max_attribute_bytes": 4_000,
        "rate_limit_bytes": 30_000_000,
        "burst_size_bytes": 30_000_000,
        "max_traces_per_user": 10_000,
    }
    limits = {"ingestion": ingestion, "global": {"max_bytes_per_trace": 5_000_000}}  # what is not in the file has no default there
    own.write_text(yaml.safe_dump({"overrides": {"single-tenant": limits}}))  # Tempo's name for those who name no tenant
    overrides = {"defaults": {"ingestion": {"max_attribute_bytes": 0}}, "per_tenant_override_config": str(own)}
    with Limited(tmp_path / "tenants", overrides) as running:
        report = probed(f"tempo://127.0.0.1:{running.port}", f"http://127.0.0.1:{running.http}")
    assert "strings are cut at 4,000 bytes" in sentence(report, "string_cut")
    assert ("note", "not_judged") in named(running.config)


def test_a_trace_above_its_internal_messages_cannot_be_read(roomy: Limited) -> None:
    """Where max_bytes_per_trace is raised and the messages between its parts are not, a trace of 20 MB is one clear error."""
    for span in range(1, 41):
        post(roomy.http, chunks(8, span))
    source = f"tempo://127.0.0.1:{roomy.port}/{8:032x}"
    wait_for("all of it", lambda: "larger than the max" in requests.get(f"{roomy.url}/api/v2/traces/{8:032x}", timeout=20).text)
    with pytest.raises(chronicle.SourceError, match=r"response larger than the max \(\d+ vs 16777216\)"):
        chronicle.load(source)
    assert "a trace is one message between Tempo's parts, of 16,777,216 bytes at most" in said("trace_limit", roomy.config)


def test_schemas_and_flags_are_lost_and_nobody_needs_them(roomy: Limited, tmp_path: Path) -> None:
    """Tempo keeps no schema URLs and no flags; the normal form of a recording has none, so a pull is what the file is."""
    request = ExportTraceServiceRequest.FromString(one_span(9, 1))
    [group] = request.resource_spans
    group.schema_url = group.scope_spans[0].schema_url = "https://opentelemetry.io/schemas/1.30.0"
    group.scope_spans[0].spans[0].flags = 0x301
    (tmp_path / "sent.otlp").write_bytes(request.SerializeToString())
    post(roomy.http, request.SerializeToString())
    source = f"tempo://127.0.0.1:{roomy.port}/{9:032x}"
    wait_for("the span", lambda: "step" in requests.get(f"{roomy.url}/api/v2/traces/{9:032x}", timeout=20).text)
    answer = requests.get(f"{roomy.url}/api/v2/traces/{9:032x}", headers={"Accept": "application/protobuf"}, timeout=20).content
    assert b"schemas/1.30.0" not in answer
    assert list(normal_lines(read(source).spans)) == list(normal_lines(read(tmp_path / "sent.otlp").spans))


def test_the_newest_is_hidden_from_searches_only(roomy: Limited, tmp_path: Path) -> None:
    """A search leaves the newest 30 seconds out, which the configuration says; by its id a run is there, and replays."""
    recording = recorded(tmp_path, "small")
    forward(recording, f"http://127.0.0.1:{roomy.http}")
    [run] = chronicle.runs(recording)
    store = f"tempo://127.0.0.1:{roomy.port}"
    wait_for("the run", lambda: "travellers" in requests.get(f"{roomy.url}/api/v2/traces/{min(run.traces)}", timeout=20).text)
    assert chronicle.runs(f"{store}?service=travellers&since=1h") == []
    assert verdicts(f"{store}/{min(run.traces)}") == {"small": "reproduced"}
    assert ("note", "search_delay") in named(roomy.config)


def chunks(trace: int, span: int) -> bytes:
    """A span of half a megabyte, in strings that Tempo does not cut."""
    request = ExportTraceServiceRequest.FromString(one_span(trace, span))
    attribute = request.resource_spans[0].scope_spans[0].spans[0].attributes.add()
    attribute.key = "chunks"
    attribute.value.array_value.values.extend(AnyValue(string_value="x" * 2000) for _ in range(250))
    return request.SerializeToString()
