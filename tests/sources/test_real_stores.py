"""The real Jaeger, Tempo and ClickHouse engine, where they are at hand: what was sent is what is pulled, byte for byte.

CHRONICLE_TEST_JAEGER and CHRONICLE_TEST_TEMPO name the binaries; CHRONICLE_TEST_CHDB names a Python that has `chdb` installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chronicle_otel import reading
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.sources import read
from tests.conftest import ROOT, environment

JAEGER = Path(os.environ.get("CHRONICLE_TEST_JAEGER") or Path.home() / ".cache/chronicle-otel/jaeger-v1.76.0/jaeger")
TEMPO = os.environ.get("CHRONICLE_TEST_TEMPO", "")
CHDB = os.environ.get("CHRONICLE_TEST_CHDB", "")

JAEGER_CONFIG = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines: {{traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}}}
  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}
extensions:
  jaeger_query: {{storage: {{traces: memory}}, http: {{endpoint: "127.0.0.1:{http}"}}, grpc: {{endpoint: "127.0.0.1:{grpc}"}}}}
  jaeger_storage: {{backends: {{memory: {{memory: {{max_traces: 1000}}}}}}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}}}
exporters: {{jaeger_storage_exporter: {{trace_storage: memory}}}}
"""
TEMPO_CONFIG = """
server:
  {{http_listen_address: 127.0.0.1, http_listen_port: {http}, grpc_listen_address: 127.0.0.1, grpc_listen_port: {grpc}, log_level: warn}}
distributor: {{receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}}}}}
memberlist: {{bind_addr: [127.0.0.1], advertise_addr: 127.0.0.1, bind_port: {gossip}}}
querier: {{frontend_worker: {{frontend_address: "127.0.0.1:{grpc}"}}}}
query_frontend: {{query_end_cutoff: 0s}}
storage: {{trace: {{backend: local, wal: {{path: "{folder}/wal"}}, local: {{path: "{folder}/blocks"}}}}}}
live_store: {{wal: {{path: "{folder}/live"}}, shutdown_marker_dir: "{folder}/marker"}}
block_builder: {{wal: {{path: "{folder}/builder"}}}}
backend_scheduler: {{local_work_path: "{folder}/work"}}
usage_report: {{reporting_enabled: false}}
"""


def free_ports(number: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextlib.contextmanager
def running(command: list[str], folder: Path, is_up: Callable[[], bool], **variables: str) -> Iterator[None]:
    """A process until the end of the block; it has a minute to come up."""
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT, env=environment(variables))
    try:
        deadline = time.monotonic() + 60
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{command[0]} does not come up:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def answers(url: str) -> bool:
    """Whether something answers there with success, or with its own refusal."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status < 300
    except urllib.error.HTTPError as error:
        return error.code in (400, 404, 405, 501)
    except OSError:
        return False


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
    deadline = time.monotonic() + 30
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


@pytest.mark.skipif(not JAEGER.exists(), reason=f"there is no Jaeger: {JAEGER} (CHRONICLE_TEST_JAEGER=/path/to/it)")
def test_jaeger(sent: Path, tmp_path: Path) -> None:
    """By trace id and by search, over HTTP and over gRPC."""
    http, grpc, otlp = free_ports(3)
    (tmp_path / "config.yaml").write_text(JAEGER_CONFIG.format(http=http, grpc=grpc, otlp=otlp))
    run = reading.load(sent)
    [trace] = run.traces
    with running(
        [str(JAEGER), "--config", str(tmp_path / "config.yaml")], tmp_path, lambda: answers(f"http://127.0.0.1:{http}/api/v3/services")
    ):
        send(sent, otlp)
        for store in (f"jaeger://127.0.0.1:{http}", f"jaeger+grpc://127.0.0.1:{grpc}"):
            assert found(f"{store}?service=shop&since=1h") == [run.id]
            for rest in (f"/{trace}", "?service=shop&tag=error.type:ValueError&since=1h", "?since=1h"):
                assert normal(store + rest) == normal(sent), store + rest
            assert reading.load(store, run.id).checks.ok
            assert reading.load(store, trace).id == run.id
            assert [each.id for each in reading.runs(store, errors=True, session={"customer": "C-1042"})] == [run.id]
            assert reading.runs(f"{store}?since=1h", session={"customer": "another"}) == []
        assert reading.runs(f"jaeger+grpc://127.0.0.1:{grpc}?tag=error.type:Other") == []


@pytest.mark.skipif(not os.path.exists(TEMPO), reason="there is no Tempo: CHRONICLE_TEST_TEMPO=/path/to/it")
def test_tempo(sent: Path, tmp_path: Path) -> None:
    """With stock limits: a Run is whole, and spans that it does not cut are the same bytes."""
    http, grpc, otlp, gossip = free_ports(4)
    (tmp_path / "config.yaml").write_text(TEMPO_CONFIG.format(http=http, grpc=grpc, otlp=otlp, gossip=gossip, folder=tmp_path))
    run = reading.load(sent)
    [trace] = run.traces
    store = f"tempo://127.0.0.1:{http}"
    command = [TEMPO, f"-config.file={tmp_path / 'config.yaml'}"]
    with running(command, tmp_path, lambda: answers(f"http://127.0.0.1:{http}/ready")):
        send(sent, otlp)
        assert found(f"{store}?service=shop&since=1h") == [run.id]
        for rest in (f"/{trace}", "?service=shop&tag=error.type:ValueError&errors=true&since=1h", "?tag=chronicle.seq:2&since=1h"):
            assert normal(store + rest) == normal(sent), rest
        assert reading.load(store, run.id).checks.kinds() == set()
        assert reading.load(store, trace).id == run.id
        assert reading.runs(f"{store}?tag=error.type:Other") == []
        long = json.loads(sent.read_text().splitlines()[0])
        span = long["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        span |= {"traceId": "f" * 32, "attributes": [*span["attributes"], {"key": "long", "value": {"stringValue": "a" + "ä" * 2_000}}]}
        (tmp_path / "long.jsonl").write_text(json.dumps(long) + "\n")
        send(tmp_path / "long.jsonl", otlp)
        kinds: set[str] = set()
        deadline = time.monotonic() + 20
        while "cut_attribute" not in kinds and time.monotonic() < deadline:
            with contextlib.suppress(reading.choosing.SourceError):
                kinds = {finding.kind for finding in read(f"{store}/{'f' * 32}").findings}
        assert kinds == {"cut_attribute", "damaged_source"}


@pytest.mark.skipif(not CHDB, reason="there is no ClickHouse engine: CHRONICLE_TEST_CHDB=/path/to/a/python with chdb installed")
def test_clickhouse(sent: Path, tmp_path: Path) -> None:
    """Our SQL on the real engine: by trace, by service, tag, error and run id, with hostile values."""
    [port] = free_ports(1)
    command = [CHDB, "-m", "tests.sources.chdb_server", str(sent), str(port)]
    path = os.pathsep.join([str(ROOT), *(each for each in sys.path if each.endswith("site-packages"))])
    run = reading.load(sent)
    [trace] = run.traces
    store = f"clickhouse://127.0.0.1:{port}"
    with running(command, tmp_path, lambda: answers(f"http://127.0.0.1:{port}/"), PYTHONPATH=path):
        for rest in (f"/{trace}", "?service=shop&since=1h", "?tag=error.type:ValueError&errors=true", "?tag=service.version:1.2"):
            assert reading.load(store + rest).checks.ok, rest
        assert reading.load(store, run.id).id == run.id
        for value in ("it's", 'a"b', "a\\b", "'; DROP TABLE otel_traces; --", "a\tb", "ü"):
            assert reading.runs(store, tags={"k": value}) == []
        assert reading.runs(f"{store}?service=other") == []
        assert len(reading.runs(store)) == 1
