"""spans ──► a Jaeger with its limits in force ──► loader, doctor: what it forgets, refuses and rewrites; runs replay all the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

import chronicle_otel as chronicle

from .examined import found, named, probed, said, sentence
from .recorded import forward, recorded, verdicts
from .spans import one_span, post
from .stores import DOCKER, JAEGER, NO_JAEGER, Jaeger

pytestmark = pytest.mark.skipif(not JAEGER.exists(), reason=NO_JAEGER)

MOST = 130
"""Traces that the limited Jaeger keeps."""


class Changed(Jaeger):
    """The Jaeger of docker/, with another store, another query and stock receivers."""

    def __init__(self, folder: Path, backend: dict[str, Any], query: dict[str, Any] | None = None) -> None:
        super().__init__(folder)
        config = yaml.safe_load((DOCKER / "jaeger.yaml").read_text())
        config["extensions"]["jaeger_storage"]["backends"]["runs"] = backend
        config["extensions"]["jaeger_query"] |= query or {}
        del config["receivers"]["otlp"]["protocols"]["grpc"]["max_recv_msg_size_mib"]
        self.config = folder / "jaeger.yaml"
        self.config.write_text(yaml.safe_dump(config))
        self.command = [str(JAEGER), "--config", str(self.config)]

    @property
    def store(self) -> str:
        """Its address as a source."""
        return f"jaeger://127.0.0.1:{self.query}"

    @property
    def receiver(self) -> str:
        """Its receiver over HTTP."""
        return f"http://127.0.0.1:{self.http}"

    def shown(self, trace: int, parameters: str = "") -> dict[int, tuple[str, list[Any]]]:
        """Start and attributes of each span, as its API answers."""
        answer = requests.get(f"{self.url}/api/v3/traces/{trace:032x}{parameters}", timeout=10).json()
        spans = [span for group in answer["result"]["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"]]
        return {int(span["spanId"], 16): (span["startTimeUnixNano"], span.get("attributes", [])) for span in spans}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changed]:
    folder = tmp_path_factory.mktemp("limited")
    with Changed(folder, {"memory": {"max_traces": MOST}}, {"max_clock_skew_adjust": "1h"}) as running:
        yield running


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("recorded"), "small", "long")


def test_the_oldest_traces_are_forgotten(limited: Changed) -> None:
    """Above max_traces (100,000 as it comes) the oldest are gone, without a word; loading one is one clear error."""
    for trace in range(1, MOST + 11):
        post(limited.http, one_span(trace, 1))
    url = f"{limited.url}/api/v3/traces"
    assert requests.get(f"{url}/{MOST + 10:032x}", timeout=10).status_code == 200
    assert requests.get(f"{url}/{1:032x}", timeout=10).status_code == 404
    with pytest.raises(chronicle.SourceError, match="no trace"):
        chronicle.load(f"{limited.store}/{1:032x}")
    assert "the oldest traces above 130" in said("store_in_memory", limited.config)


def test_a_search_goes_beyond_a_hundred_traces(limited: Changed, recording: Path) -> None:
    """Jaeger gives a search 100 traces unless it is asked for more: 120 runs are found with a limit of 125, and a lower one is said."""
    lines = [line for line in recording.read_bytes().splitlines() if b'"agent small"' in line or b'"small"' in line]
    [run] = [run for run in chronicle.runs(recording) if run.entry.name == "small"]
    [trace] = run.traces
    for at in range(120):
        body = b"".join(line + b"\n" for line in lines if trace.encode() in line)
        for identity in (trace, run.id):
            body = body.replace(identity.encode(), f"{int(identity, 16) ^ (at + 1):032x}".encode())
        for line in body.splitlines():
            headers = {"Content-Type": "application/json"}
            assert requests.post(f"{limited.receiver}/v1/traces", data=line, headers=headers, timeout=20).status_code == 200
    found = chronicle.runs(f"{limited.store}?service=travellers&since=1h&limit=125")
    assert len({each.id for each in found}) >= 120
    assert "search_limit" in chronicle.runs(f"{limited.store}?service=travellers&since=1h&limit=100")[0].checks.kinds()


def test_a_stock_receiver_takes_four_mebibytes(limited: Changed) -> None:
    """A Jaeger as it comes refuses larger requests over gRPC; a probe quotes the limit, and its configuration names it."""
    report = probed(limited.store, f"http://127.0.0.1:{limited.grpc}", small=False, protocol="grpc")
    assert report.facts["receiver_limit"] == 4 * 1024 * 1024
    assert ("note", "receiver_limit") in found(report)
    assert "a request of more than 4,194,304 bytes is refused for good" in said("receiver_limit", limited.config)


def test_a_view_moves_clocks_and_a_replay_does_not_mind(limited: Changed, recording: Path) -> None:
    """Raw traces are as they were sent; a look through its adjusters moves times, in memory for good. Runs are reproduced all the same."""
    post(limited.http, one_span(0xA1, 1, resource={"ip": "10.0.0.1"}))
    post(limited.http, one_span(0xA1, 2, parent=1, resource={"ip": "10.0.0.2"}, service="another"))  # later than its parent ended
    raw = limited.shown(0xA1, "?raw_traces=true")
    viewed = limited.shown(0xA1)
    assert [attributes for _, attributes in raw.values()] == [[], []]
    assert viewed[1] == raw[1]
    assert viewed[2][0] < raw[2][0]
    assert "This span's timestamps were adjusted" in json.dumps(viewed[2][1])
    assert "times of spans are moved in the UI; chronicle asks for the raw ones" in said("clock_moved", limited.config)
    forward(recording, limited.receiver)
    for run in chronicle.runs(recording):
        trace = min(run.traces)
        limited.shown(int(trace, 16))
        assert verdicts(f"{limited.store}/{trace}") == {run.entry.name: "reproduced"}


def test_badger_refuses_long_values_and_makes_text_of_lists(recording: Path, tmp_path: Path) -> None:
    """A value above 65,000 bytes is answered with "try again", for ever: an error of its configuration. What it takes replays."""
    with Changed(tmp_path, {"badger": {"ephemeral": True}}) as badger:
        headers = {"Content-Type": "application/x-protobuf"}
        refused = requests.post(f"{badger.receiver}/v1/traces", data=one_span(1, 1, text="x" * 65_001), headers=headers, timeout=20)
        assert (refused.status_code, b"exceeded 65000 limit" in refused.content) == (503, True)
        post(badger.http, one_span(2, 1, text="x" * 64_000))
        report = probed(badger.store, badger.receiver)
        assert re.search(r"HTTP 503 Service Unavailable: Key with size \d+ exceeded 65000 limit", sentence(report, "refused"))
        forward(recording, badger.receiver)
        for run in chronicle.runs(recording):
            assert verdicts(f"{badger.store}/{min(run.traces)}") == {run.entry.name: "reproduced"}
    assert {("error", "value_limit"), ("warning", "store_in_memory"), ("note", "forgotten")} <= set(named(badger.config))
