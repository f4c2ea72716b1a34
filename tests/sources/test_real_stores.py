"""The real Jaeger, Tempo, ClickHouse engine and Phoenix, where they are at hand: what was sent is what is pulled.

CHRONICLE_TEST_CHDB and CHRONICLE_TEST_PHOENIX name a Python that has `chdb`, or `arize-phoenix`, installed: with 900 MB each
they are no dependencies of the tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from chronicle_otel import reading
from chronicle_otel.errors import SourceError
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.sources import read
from tests.conftest import ROOT, environment
from tests.pipeline.servers import Server, free_port
from tests.pipeline.stores import JAEGER, NO_JAEGER, NO_TEMPO, TEMPO, Jaeger, Tempo

CHDB = os.environ.get("CHRONICLE_TEST_CHDB", "")
PHOENIX = os.environ.get("CHRONICLE_TEST_PHOENIX", "")
STOCK_TEMPO = ROOT / "tests" / "pipeline" / "stock-tempo.yaml"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run recorded now: stores search the newest data only."""
    path = tmp_path_factory.mktemp("sent") / "sent.jsonl"
    subprocess.run([sys.executable, "-m", "tests.sources.shop", str(path)], cwd=ROOT, env=environment(), check=True, timeout=60)
    return path


def send(path: Path, port: int) -> None:
    """Post each line to an OTLP receiver."""
    for line in path.read_bytes().splitlines():
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", data=line, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


def found(source: str) -> list[str]:
    """The ids of the Runs of a source; a store may need some seconds to show what it took."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(reading.choosing.SourceError):
            if runs := reading.runs(source):
                return [run.id for run in runs]
        if time.monotonic() > deadline:
            return []
        time.sleep(0.3)


def normal(source: str | Path) -> bytes:
    """A source in normal form."""
    return b"".join(normal_lines(read(source).spans))


@pytest.mark.skipif(not JAEGER.exists(), reason=NO_JAEGER)
def test_jaeger(sent: Path, tmp_path: Path) -> None:
    """By trace id and by search, over HTTP and over gRPC."""
    run = reading.load(sent)
    [trace] = run.traces
    with Jaeger(tmp_path) as server:
        http, grpc = server.query, server.query_grpc
        send(sent, server.http)
        for store in (f"jaeger://127.0.0.1:{http}", f"jaeger+grpc://127.0.0.1:{grpc}"):
            assert found(f"{store}?service=shop&since=1h") == [run.id]
            for rest in (f"/{trace}", "?service=shop&tag=error.type:ValueError&since=1h", "?since=1h"):
                assert normal(store + rest) == normal(sent), store + rest
            assert reading.load(store, run.id).checks.ok
            assert reading.load(store, trace).id == run.id
            assert [each.id for each in reading.runs(store, errors=True, session={"customer": "C-1042"})] == [run.id]
            assert reading.runs(f"{store}?since=1h", session={"customer": "another"}) == []
        assert reading.runs(f"jaeger+grpc://127.0.0.1:{grpc}?tag=error.type:Other") == []


@pytest.mark.skipif(not TEMPO.exists(), reason=NO_TEMPO)
def test_tempo(sent: Path, tmp_path: Path) -> None:
    """With stock limits: a Run is whole, and spans that it does not cut are the same bytes."""
    run = reading.load(sent)
    [trace] = run.traces
    with Tempo(tmp_path, STOCK_TEMPO) as server:
        store = f"tempo://127.0.0.1:{server.port}"
        send(sent, server.http)
        assert found(f"{store}?service=shop&since=1h") == [run.id]  # a stock Tempo keeps the newest 30 s out of searches
        for rest in (f"/{trace}", "?service=shop&tag=error.type:ValueError&errors=true&since=1h", "?tag=chronicle.seq:2&since=1h"):
            assert normal(store + rest) == normal(sent), rest
        assert reading.load(store, run.id).checks.kinds() == set()
        assert reading.load(store, trace).id == run.id
        assert reading.runs(f"{store}?tag=error.type:Other") == []
        long = json.loads(sent.read_text().splitlines()[0])
        span = long["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        span |= {"traceId": "f" * 32, "attributes": [*span["attributes"], {"key": "long", "value": {"stringValue": "a" + "ä" * 2_000}}]}
        (tmp_path / "long.jsonl").write_text(json.dumps(long) + "\n")
        send(tmp_path / "long.jsonl", server.http)
        kinds: set[str] = set()
        deadline = time.monotonic() + 20
        while "cut_attribute" not in kinds and time.monotonic() < deadline:
            with contextlib.suppress(reading.choosing.SourceError):
                kinds = {finding.kind for finding in read(f"{store}/{'f' * 32}").findings}
        assert kinds == {"cut_attribute", "damaged_source"}


@pytest.mark.skipif(not CHDB, reason="there is no ClickHouse engine: CHRONICLE_TEST_CHDB=/path/to/a/python with chdb installed")
def test_clickhouse(sent: Path, tmp_path: Path) -> None:
    """Our SQL on the real engine: by trace, by service, tag, error and run id, with hostile values."""
    port = free_port()
    path = os.pathsep.join([str(ROOT), *(each for each in sys.path if each.endswith("site-packages"))])
    command = [CHDB, "-m", "tests.sources.chdb_server", str(sent), str(port)]
    run = reading.load(sent)
    [trace] = run.traces
    store = f"clickhouse://127.0.0.1:{port}"
    with Server("chdb", tmp_path, command, environment({"PYTHONPATH": path}), f"http://127.0.0.1:{port}/ping"):
        for rest in (f"/{trace}", "?service=shop&since=1h", "?tag=error.type:ValueError&errors=true", "?tag=service.version:1.2"):
            assert reading.load(store + rest).checks.ok, rest
        assert reading.load(store, run.id).id == run.id
        for value in ("it's", 'a"b', "a\\b", "'; DROP TABLE otel_traces; --", "a\tb", "ü"):
            assert reading.runs(store, tags={"k": value}) == []
        assert reading.runs(f"{store}?service=other") == []
        assert len(reading.runs(store)) == 1


@pytest.mark.skipif(not PHOENIX, reason="there is no Phoenix: CHRONICLE_TEST_PHOENIX=/path/to/a/python with arize-phoenix installed")
def test_phoenix(sent: Path, tmp_path: Path) -> None:
    """Sent by `chronicle send`, found by trace, by tag, by error and by run id; every Step with its payloads whole."""
    port = free_port()
    own = {"PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port), "PHOENIX_GRPC_PORT": str(free_port())}
    own |= {"PHOENIX_WORKING_DIR": str(tmp_path), "PHOENIX_TELEMETRY_ENABLED": "false", "HOME": str(tmp_path)}
    command = [PHOENIX, "-m", "phoenix.server.main", "serve"]
    run = reading.load(sent)
    [trace] = run.traces
    store = f"phoenix://127.0.0.1:{port}"
    with Server("phoenix", tmp_path, command, environment(own), f"http://127.0.0.1:{port}/healthz"):
        posting = [sys.executable, "-m", "chronicle_otel.cli", "send", str(sent), "--endpoint", f"http://127.0.0.1:{port}"]
        subprocess.run(posting, check=True, cwd=tmp_path, env=environment(), timeout=60)
        assert found(store) == [run.id]
        for rest in (f"/{trace}", "?tag=error.type:ValueError", "?errors=true&since=1h", "?tag=chronicle.kind:tool&limit=5"):
            assert told(reading.load(store + rest)) == told(run), rest
        assert reading.load(store, run.id).checks.ok
        assert reading.runs(f"{store}?tag=error.type:Other") == []
        for value in ("it's", 'a"b', "a\\b", "a&b", "a\tb", "ü"):
            assert reading.runs(store, tags={"k": value}) == []
        with pytest.raises(SourceError, match="has no project 'other'"):
            reading.runs(f"{store}?project=other")


def told(run: reading.Run) -> list[object]:
    """What a Run says, step by step."""
    return [
        (step.seq, step.kind, step.name, step.input, step.output, repr(step.error), step.parent and step.parent.seq) for step in run.steps
    ]
