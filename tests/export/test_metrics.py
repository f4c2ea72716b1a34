"""What happens to spans on their way out is told as OpenTelemetry metrics, where the application has a MeterProvider."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import environment

from .receiver import Receiver, Say

SCRIPT = """
import json, sys
import chronicle_otel as chronicle
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.export.agents import collect

chronicle.init(instrument=False, export="own", unsent="unsent", unsent_bytes=100_000, retry_seconds=0)
collect(3, 5000)
chronicle.flush()
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))  # later than chronicle's instruments
collect(1, 5_000_000)
chronicle.flush()
collect(30, 50_000)
chronicle.shutdown()
told = {}
for resource in reader.get_metrics_data().resource_metrics:
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            for point in metric.data.data_points:
                reason = point.attributes.get("chronicle.reason")
                told[metric.name + (" " + reason if reason else "")] = [point.value, metric.unit]
print(json.dumps(told))
"""


def test_every_span_is_counted_somewhere(tmp_path: Path) -> None:
    """Taken, kept on disk or lost, with the reason; bytes, values left out; also for a MeterProvider that is set late."""
    (tmp_path / "script.py").write_text(SCRIPT)
    with Receiver() as receiver:
        receiver.answers += [Say()] * 2 + [Say(401)] * 50
        done = subprocess.run(
            [sys.executable, "script.py"], cwd=tmp_path, env=environment(receiver.environment), capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(value for value, unit in told.values() if unit == "{span}") == 3 + 32, "Steps, and the start of each Run"
    assert told["chronicle.strings.opaque"] == [1, "{string}"]
    assert told["chronicle.spans.dropped folder_full"][0] > 0
    assert told["chronicle.queue.size"] == [0, "By"]
