"""collector with routing.yaml: everything to an archive, and to a vendor what the vendor may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from .collector import BINARY, MISSING, PIPELINES, Collector
from .spans import one_span, post, spans_in, wait_for

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

EVERYTHING = {"agent eu", "agent us", "agent nowhere", "desk us", "desk development"}


def services(path: Path) -> set[str]:
    """Return service and mark of what arrived, as they were sent."""
    found: set[str] = set()
    for resource, _ in spans_in(path):
        values = {each["key"]: each["value"]["stringValue"] for each in resource["attributes"]}
        found.add(f"{values['service.name']} {values['mark']}")
    return found


def send_everything(port: int) -> None:
    for at, mark in enumerate(sorted(EVERYTHING), 1):
        service, where = mark.split()
        region = {"tenant.region": where} if where in ("eu", "us") else {}
        stage = {"deployment.environment.name": "development"} if where == "development" else {}
        post(port, one_span(at, 1, service=service, resource={"mark": where, **region, **stage}))


@pytest.fixture
def stores(tmp_path: Path) -> dict[str, Collector]:
    """Two receivers, the vendor and its European half, which write what they get."""
    config = PIPELINES / "development.yaml"
    return {name: Collector(tmp_path / name, config, CHRONICLE_OUTPUT=str(tmp_path / f"{name}.jsonl")) for name in ("vendor", "eu")}


def router(folder: Path, stores: dict[str, Collector]) -> Collector:
    return Collector(
        folder,
        PIPELINES / "routing.yaml",
        CHRONICLE_ARCHIVE=str(folder / "archive"),
        CHRONICLE_QUEUE=str(folder / "queue"),
        CHRONICLE_VENDOR=f"http://127.0.0.1:{stores['vendor'].http}",
        CHRONICLE_VENDOR_EU=f"http://127.0.0.1:{stores['eu'].http}",
    )


def test_each_place_gets_what_it_may_have(tmp_path: Path, stores: dict[str, Collector]) -> None:
    """The archive holds everything, a folder per service; the vendor neither Europe's nor a developer's; Europe its own."""
    with stores["vendor"], stores["eu"], router(tmp_path, stores) as collector:
        send_everything(collector.http)
        wait_for("the archive has everything", lambda: services(tmp_path / "archive") == EVERYTHING)
        wait_for("the vendor has its part", lambda: len(services(tmp_path / "vendor.jsonl")) >= 3)
        wait_for("Europe has its part", lambda: len(services(tmp_path / "eu.jsonl")) >= 1)
    assert services(tmp_path / "vendor.jsonl") == {"agent us", "agent nowhere", "desk us"}
    assert services(tmp_path / "eu.jsonl") == {"agent eu"}
    assert sorted(path.parent.name for path in (tmp_path / "archive").rglob("*.jsonl")) == ["agent", "desk"]
    assert services(tmp_path / "archive" / "desk") == {"desk us", "desk development"}


def test_a_vendor_that_is_away_holds_nothing_up(tmp_path: Path, stores: dict[str, Collector]) -> None:
    """While the vendor is away the archive gets everything; the vendor gets its part when it is back, after a kill of the collector too."""
    collector = router(tmp_path, stores)
    with stores["eu"], collector:
        send_everything(collector.http)
        wait_for("the archive has everything", lambda: services(tmp_path / "archive") == EVERYTHING)
        collector.kill()
        collector.start()
        with stores["vendor"]:
            wait_for("the vendor has its part", lambda: services(tmp_path / "vendor.jsonl") == {"agent us", "agent nowhere", "desk us"})
    assert services(tmp_path / "archive") == EVERYTHING


def test_a_service_cannot_leave_the_archive(tmp_path: Path, stores: dict[str, Collector]) -> None:
    """A service that calls itself by a path stays below the folder of the archive."""
    with router(tmp_path / "in", stores) as collector:
        post(collector.http, one_span(1, 1, service="../../../out", resource={"mark": "x"}))
        wait_for("it is archived", lambda: len(services(tmp_path / "in" / "archive")) == 1)
    assert [path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*.jsonl")] == [("in", "archive")]
