"""What the Python exporter sends through the built collector arrives redacted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from chronicle_otel.redaction import load_policy

from .collector import BINARY, MISSING, PIPELINES, Collector

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

PLANTED = ("maria.keller@kestrel.de", "4539 1488 0343 6467", "212-867-5309", "hunter2-correct-horse")


def written(path: Path, wanted: str) -> str:
    """Return what stands in a file as soon as something wanted does."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        text = path.read_text() if path.exists() else ""
        if wanted in text:
            return text
        time.sleep(0.1)
    raise AssertionError(f"{wanted!r} has not arrived in {path}")


def test_planted_values_do_not_come_out(tmp_path: Path) -> None:
    """Names, attributes, events, messages and resource come out with stand-ins, the recording's payload with its size."""
    output = tmp_path / "spans.jsonl"
    with Collector(tmp_path, PIPELINES / "development.yaml", CHRONICLE_OUTPUT=str(output)) as collector:
        provider = TracerProvider(resource=Resource.create({"service.name": "agent", "enduser.id": PLANTED[0]}))
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{collector.http}/v1/traces")))
        payload = f'{{"to":"{PLANTED[0]}","card":"{PLANTED[1]}","password":"{PLANTED[3]}"}}'
        with provider.get_tracer("test").start_as_current_span(f"mail to {PLANTED[0]}") as span:
            span.set_attribute("chronicle.version", 1)
            span.set_attribute("chronicle.input", payload)
            span.set_attribute("chronicle.input.size", len(payload))
            span.add_event("called", {"number": f"+1 {PLANTED[2]}"})
            span.set_attribute("last", "marker-of-the-end")
        provider.shutdown()
        text = written(output, "marker-of-the-end")
    log = collector.log.read_text(errors="replace")
    assert [value for value in PLANTED if value in text or value in log] == []
    assert "@dih54qp.example.com" not in text, "the default tenant's pseudonym is not that of another tenant"
    assert ".example.com" in text
    assert load_policy().id in text, "the report names the policy as the Python engine does"


def test_no_key_no_start(tmp_path: Path) -> None:
    """Without a key the collector does not start, and says what to do."""
    collector = Collector(tmp_path, PIPELINES / "development.yaml", CHRONICLE_OUTPUT=str(tmp_path / "out"), CHRONICLE_REDACTION_KEY="")
    with pytest.raises(AssertionError, match="CHRONICLE_REDACTION_KEY, which is to hold the redaction key, is not set"):
        collector.start()
