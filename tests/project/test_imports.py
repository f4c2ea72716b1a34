"""What an import costs, and what it leaves alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import environment

HEAVY = {
    "opentelemetry.sdk",
    "opentelemetry.exporter",
    "grpc",
    "google.protobuf",
    "pytest",
    "openai",
    "numpy",
    "pydantic",
    "attrs",
    "requests",
    "httpx",
    "httpx2",
}


def loaded_after(statement: str) -> set[str]:
    """The heavy modules that a fresh interpreter has after a statement."""
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    return HEAVY & set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import chronicle_otel",
        "import chronicle_otel as c; c.load, c.runs",
        "import chronicle_otel as c; c.replay, c.replaying",
        "import chronicle_otel.cli",
        "import chronicle_otel.reading.sources.jaeger, chronicle_otel.reading.sources.tempo, chronicle_otel.reading.sources.files",
        "import chronicle_otel.reading.sources.clickhouse, chronicle_otel.reading.sources.phoenix, chronicle_otel.reading.pulling",
        "import chronicle_otel.credentials",
    ],
)
def test_nothing_heavy_is_loaded(statement: str) -> None:
    """The facade, reading, replaying and the command line need neither the SDK of OpenTelemetry nor any framework."""
    assert loaded_after(statement) == set()


def test_recording_loads_the_sdk_and_no_exporter() -> None:
    """`init` needs the OpenTelemetry SDK; exporters over the network are loaded only where they are used."""
    assert loaded_after("import chronicle_otel as c; c.init(instrument=False); c.shutdown()") <= {"opentelemetry.sdk"}


def test_every_public_name_is_there() -> None:
    """Each name of `__all__` can be had."""
    import chronicle_otel

    assert [name for name in chronicle_otel.__all__ if not hasattr(chronicle_otel, name)] == []
