"""Recording into an OTLP receiver, as an application does that has said `export="own"`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle
from chronicle_otel import _guard
from chronicle_otel.recording import meters

from .receiver import Receiver


@pytest.fixture(params=["http/protobuf", "grpc"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def receiver(protocol: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver of either protocol, to which the environment leads."""
    with Receiver(protocol) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`init(export="own")` for this test's folder; every test counts from nothing."""
    monkeypatch.setenv("CHRONICLE_RAISE", "1")
    monkeypatch.chdir(tmp_path)
    _guard.failures.clear()
    meters.totals.clear()

    def start(path: Path | None = None, **settings: Any) -> None:
        chronicle.init(path, instrument=False, export="own", **{"unsent": str(tmp_path / "unsent"), **settings})

    yield start
    chronicle.shutdown()
