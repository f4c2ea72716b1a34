"""agent ──► a Tempo with no limit raised ──► replay: what it cuts is not what a replay needs, and what it loses is named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import chronicle_otel as chronicle
from tests.conftest import environment
from tests.pipeline import travellers  # by the name under which the recording has its classes

from .spans import one_span, post, wait_for
from .stores import NO_TEMPO, TEMPO, Tempo

pytestmark = pytest.mark.skipif(not TEMPO.exists(), reason=NO_TEMPO)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tempo]:
    with Tempo(tmp_path_factory.mktemp("stock"), Path(__file__).parent / "stock-tempo.yaml") as running:
        yield running


@pytest.fixture(scope="module")
def sent(stock: Tempo, tmp_path_factory: pytest.TempPathFactory) -> list[chronicle.Run]:
    """Every traveller's runs, sent to it without a collector in between."""
    raw = tmp_path_factory.mktemp("raw") / "raw.jsonl"
    command = [sys.executable, "-m", "tests.pipeline.travellers", str(raw)]
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{stock.http}"}
    subprocess.run(command, env=environment(endpoint), check=True, capture_output=True, timeout=180)
    return chronicle.runs(raw)


def address(stock: Tempo, run: chronicle.Run) -> str:
    return f"tempo://127.0.0.1:{stock.port}/{min(run.traces)}"


def answers(stock: Tempo, run: chronicle.Run) -> bool:
    try:
        return len(chronicle.load(address(stock, run), run.id).steps) == len(run.steps)
    except chronicle.ChronicleError:
        return False


def test_it_cuts_long_strings(stock: Tempo) -> None:
    """A string of 6,000 bytes comes back with 2,048, and nothing says so: this is the Tempo that people have."""
    post(stock.http, one_span(7, 1, text="x" * 6000))
    url = f"{stock.url}/api/v2/traces/{7:032x}"
    wait_for("the span", lambda: requests.get(url, timeout=10).status_code == 200)
    [span] = requests.get(url, timeout=10).json()["trace"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert span["attributes"] == [{"key": "text", "value": {"stringValue": "x" * 2048}}]


def test_that_of_docker_does_not(tmp_path: Path) -> None:
    """With the configuration that ships, the same string comes back whole."""
    with Tempo(tmp_path) as raised:
        post(raised.http, one_span(7, 1, text="x" * 6000))
        url = f"{raised.url}/api/v2/traces/{7:032x}"
        wait_for("the span", lambda: requests.get(url, timeout=10).status_code == 200)
        assert f'"{"x" * 6000}"' in requests.get(url, timeout=10).text


@pytest.mark.parametrize("name", [name for name in travellers.ENTRIES if name != "large"])
def test_a_run_replays_all_the_same(stock: Tempo, sent: list[chronicle.Run], name: str) -> None:
    """Runs of 2, 400 and concurrent steps, in every script and with errors, come back whole and are reproduced."""
    for run in sent:
        if run.entry.name == name:
            wait_for("the run is whole", lambda run=run: answers(stock, run))
            loaded = chronicle.load(address(stock, run), run.id)
            assert loaded.checks.ok
            assert chronicle.replay(loaded, entry=travellers.ENTRIES[name]).verdict == "reproduced"


def test_what_it_drops_is_named(stock: Tempo, sent: list[chronicle.Run]) -> None:
    """A run above 5 MB was acknowledged whole and comes back without its large step: said so, and not passed off as reproduced."""
    [run] = [run for run in sent if run.entry.name == "large"]
    wait_for("what is left of it", lambda: "resourceSpans" in requests.get(f"{stock.url}/api/v2/traces/{min(run.traces)}", timeout=10).text)
    loaded = chronicle.load(address(stock, run), run.id)
    assert len(loaded.steps) < len(run.steps)
    assert loaded.checks.kinds() & {"partial", "missing_steps"}
    assert chronicle.replay(loaded, entry=travellers.large).verdict == "cannot_judge"
