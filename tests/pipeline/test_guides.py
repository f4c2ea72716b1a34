"""docs/guides, executed: each page's commands against the real servers that it speaks of.

The page says 127.0.0.1:4318, the process listens on a free port: what the page says is replaced. CHRONICLE_REFILL=1 writes the outputs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from chronicle_otel.reading.sources import read
from tests.docs.samples import Shell, check, samples

from .collector import BINARY, MISSING, PIPELINES, Collector
from .servers import ROOT
from .spans import one_span, post
from .stores import JAEGER, NO_JAEGER, NO_TEMPO, TEMPO, Jaeger, Tempo

pytest.importorskip("openai")

GUIDES = ROOT / "docs" / "guides"
no_collector = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)


def collector_places(collector: Collector) -> dict[str, str]:
    """Where a collector listens that the page has on its usual ports."""
    return {
        "127.0.0.1:4317": f"127.0.0.1:{collector.grpc}",
        "127.0.0.1:4318": f"127.0.0.1:{collector.http}",
        "127.0.0.1:13133": f"127.0.0.1:{collector.health}",
    }


def written(page: Path, folder: Path, places: Mapping[str, str]) -> None:
    """Write the files that a page shows, for a server that reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for sample in samples(page.read_text(encoding="utf-8")):
        if sample.file:
            (folder / sample.file).write_text(Shell(folder, places).here(sample.text), encoding="utf-8")


def assert_true(page: Path, folder: Path, places: Mapping[str, str]) -> None:
    """Run a page's samples."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = check(page, folder, places, patience=60)
    assert not problems, "\n".join(problems)


@no_collector
def test_you_have_a_collector(tmp_path: Path) -> None:
    """A collector with what the page adds to it: from an application with OpenTelemetry and from one without, to a file, to a replay."""
    page, folder = GUIDES / "collector.md", tmp_path / "server"
    collector = Collector(folder, folder / "yours.yaml", folder / "chronicle.yaml")
    places = collector_places(collector) | {
        "/var/lib/otelcol": str(tmp_path / "archive"),
        "/etc/otelcol/redaction.key": str(folder / "redaction.key"),
    }
    written(page, folder, places)
    with collector:
        assert_true(page, tmp_path / "reader", places)


@pytest.mark.skipif(not JAEGER.exists(), reason=NO_JAEGER)
def test_you_have_jaeger(tmp_path: Path) -> None:
    """An agent sends to a real Jaeger; the run is found there, replayed from there, and kept as a file and as a test."""
    jaeger = Jaeger(tmp_path / "server")
    places = {
        "127.0.0.1:4318": f"127.0.0.1:{jaeger.http}",
        "127.0.0.1:16686": f"127.0.0.1:{jaeger.query}",
        "127.0.0.1:16685": f"127.0.0.1:{jaeger.query_grpc}",
    }
    with jaeger:
        assert_true(GUIDES / "jaeger.md", tmp_path / "reader", places)


@pytest.mark.skipif(not TEMPO.exists(), reason=NO_TEMPO)
def test_you_have_tempo(tmp_path: Path) -> None:
    """The same with a Tempo whose limits nobody has raised: it cuts what others wrote, and the run replays."""
    tempo = Tempo(tmp_path / "server", Path(__file__).with_name("stock-tempo.yaml"))
    places = {"127.0.0.1:4318": f"127.0.0.1:{tempo.http}", "127.0.0.1:3200": f"127.0.0.1:{tempo.port}"}
    with tempo:
        assert_true(GUIDES / "tempo.md", tmp_path / "reader", places)


@no_collector
def test_you_send_to_a_vendor(tmp_path: Path) -> None:
    """routing.yaml: a copy to a vendor, for which a second collector stands, and an archive, from which the run replays."""
    vendor = Collector(tmp_path / "vendor", PIPELINES / "development.yaml", CHRONICLE_OUTPUT=str(tmp_path / "vendor" / "got.jsonl"))
    collector = Collector(
        tmp_path / "server",
        PIPELINES / "routing.yaml",
        CHRONICLE_ARCHIVE=str(tmp_path / "archive"),
        CHRONICLE_QUEUE=str(tmp_path / "queue"),
        CHRONICLE_VENDOR=f"http://127.0.0.1:{vendor.http}",
    )
    places = collector_places(collector) | {
        "/var/lib/chronicle-collector/archive": str(tmp_path / "archive"),
        "/var/lib/vendor": str(tmp_path / "vendor"),
    }
    with vendor, collector:
        assert_true(GUIDES / "vendor.md", tmp_path / "reader", places)


@no_collector
@pytest.mark.parametrize("packed", ["compression: zstd", 'compression: ""'])
def test_an_archive_that_rotates_keeps_every_span(tmp_path: Path, packed: str) -> None:
    """routing.yaml with what scale.md adds: after rotations, a kill and a restart every acknowledged span is read back from the folder."""
    archive = tmp_path / "archive"
    written(GUIDES / "scale.md", tmp_path, {})
    small = "yaml:exporters::file/archive::rotation::max_megabytes: 1"
    configs = (PIPELINES / "routing.yaml", tmp_path / "archive.yaml", small, f"yaml:exporters::file/archive::{packed}")
    places = {"CHRONICLE_ARCHIVE": str(archive), "CHRONICLE_QUEUE": str(tmp_path / "queue")}
    draw = random.Random(7)
    with Collector(tmp_path / "server", *configs, **places) as collector:
        for at in range(1, 13):
            text = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz ,.", k=400_000))
            post(collector.http, one_span(at, at, service="desk", text=text))
            if at == 6:
                collector.kill()
                collector.start()
        found = {span.span_id for span in read(archive / "desk").spans}
    assert len(found) == 12
    assert len(list((archive / "desk").iterdir())) > 2
