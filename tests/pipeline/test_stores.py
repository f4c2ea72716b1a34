"""agent ──► collector (redacts) ──► Jaeger, Tempo, a file ──► pull ──► replay: the same recording from everywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chronicle_otel as chronicle
from chronicle_otel.reading.pulling import pull
from tests.conftest import environment
from tests.pipeline import travellers  # by the name under which the recording has its classes

from .spans import wait_for
from .stack import MISSING_PARTS, Stack, stack

pytestmark = pytest.mark.skipif(bool(MISSING_PARTS), reason=MISSING_PARTS)

STORES = ("jaeger", "jaeger+grpc", "tempo")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("stack")) as all_of_it:
        yield all_of_it


def record(stack: Stack, raw: Path, *names: str) -> list[chronicle.Run]:
    """Record some travellers in a process of their own; returns their runs as the process wrote them to a file."""
    command = [sys.executable, "-m", "tests.pipeline.travellers", str(raw), *names]
    subprocess.run(command, env=environment({"OTEL_EXPORTER_OTLP_ENDPOINT": stack.endpoint}), check=True, capture_output=True, timeout=180)
    return chronicle.runs(raw)


@pytest.fixture(scope="module")
def sent(running: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[chronicle.Run]]:
    """Every traveller's runs, by name; all of them have arrived everywhere."""
    runs = record(running, tmp_path_factory.mktemp("raw") / "raw.jsonl")
    for store in STORES:
        for run in runs:
            wait_for(f"{run.entry.name} in {store}", lambda store=store, run=run: arrived(running, store, run))
    return {name: [run for run in runs if run.entry.name == name] for name in travellers.ENTRIES}


def url(stack: Stack, store: str, run: chronicle.Run) -> str:
    """Return the address of a run in a store."""
    port = {"jaeger": stack.jaeger.query, "jaeger+grpc": stack.jaeger.query_grpc, "tempo": stack.tempo.port if stack.tempo else 0}[store]
    return f"{store}://127.0.0.1:{port}/{min(run.traces)}"


def arrived(stack: Stack, store: str, run: chronicle.Run) -> bool:
    """Say whether a whole run is in a store; a store that is not there has everything."""
    if store == "tempo" and stack.tempo is None:
        return True
    try:
        return len(chronicle.load(url(stack, store, run), run.id).steps) == len(run.steps)
    except chronicle.ChronicleError:
        return False


def needs(stack: Stack, store: str) -> None:
    if store == "tempo" and stack.tempo is None:
        from .stores import NO_TEMPO

        pytest.skip(NO_TEMPO)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", travellers.ENTRIES)
def test_a_pull_is_the_same_recording_and_replays(
    running: Stack, sent: dict[str, list[chronicle.Run]], name: str, store: str, tmp_path: Path
) -> None:
    """What is pulled from a store is, byte for byte, what is pulled from the file; it is whole, and the code still does the same."""
    needs(running, store)
    for run in sent[name]:
        from_file, from_store = tmp_path / f"{run.id}-file.jsonl", tmp_path / f"{run.id}-store.jsonl"
        pull(running.archive, from_file, run=run.id)
        pull(url(running, store, run), from_store, run=run.id)
        assert from_store.read_bytes() == from_file.read_bytes()
        pulled = chronicle.load(from_store)
        assert (pulled.checks.ok, len(pulled.steps)) == (True, len(run.steps))
        assert chronicle.replay(pulled, entry=travellers.ENTRIES[name]).verdict == "reproduced"


def test_a_jaeger_that_forgot_is_filled_from_the_archive(running: Stack, sent: dict[str, list[chronicle.Run]]) -> None:
    """Killed, Jaeger has nothing; `chronicle send` posts what the collector archived, and every run is whole in it again."""
    running.jaeger.kill()
    running.jaeger.start()
    everything = [run for runs in sent.values() for run in runs]
    assert [run.entry.name for run in everything if arrived(running, "jaeger", run)] == []
    command = [sys.executable, "-m", "chronicle_otel.cli", "send", "--again", str(running.archive)]
    command += ["--endpoint", f"http://127.0.0.1:{running.jaeger.http}"]
    subprocess.run(command, env=environment(), check=True, capture_output=True, timeout=120)
    for run in everything:
        wait_for(f"{run.entry.name} in Jaeger", lambda run=run: arrived(running, "jaeger", run))
