"""Limits of an SDK that would damage recordings are found before they do."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBasedTraceIdRatio

from chronicle_otel.recording.limits import application_limits, environment_limits, provider_limits


@pytest.mark.parametrize(
    ("environ", "what"),
    [
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1000"}, "cut at 1000 characters"),
        ({"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1999"}, "cut at 1999 characters"),
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "32"}, "keeps 32 attributes"),
        ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "10"}, "keeps 10 attributes"),
        ({"OTEL_SDK_DISABLED": "true"}, "records and exports nothing"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "no Run is recorded"),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, "of 100 Runs about 25"),
    ],
)
def test_each_harmful_variable_is_named_with_what_to_do(environ: dict[str, str], what: str) -> None:
    """One finding, that names the variable, what it does and the setting."""
    [limit] = environment_limits(environ)
    assert what in limit.what
    assert limit.where.startswith(next(iter(environ)))
    assert limit.setting


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2000", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "128"},
        {"OTEL_TRACES_SAMPLER": "parentbased_always_on", "OTEL_SDK_DISABLED": "false"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.0"},
        {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
    ],
)
def test_harmless_variables_are_not_named(environ: dict[str, str]) -> None:
    """A payload's strings have at most 2,000 bytes, a Step at most some forty attributes."""
    assert environment_limits(environ) == []


def found(provider: TracerProvider) -> list[str]:
    return [limit.where for limit in provider_limits(provider)]


def test_limits_set_in_code_are_seen() -> None:
    """SpanLimits, samplers and batches of a provider are judged as they are, whatever the environment says."""
    assert found(TracerProvider(shutdown_on_exit=False)) == []
    assert found(TracerProvider(span_limits=SpanLimits(max_span_attribute_length=500), shutdown_on_exit=False)) == [
        "SpanLimits of the tracer provider (500 characters)"
    ]
    assert found(TracerProvider(span_limits=SpanLimits(max_span_attributes=20), shutdown_on_exit=False)) == [
        "SpanLimits of the tracer provider (20 attributes)"
    ]
    assert found(TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)) == ["sampler of the tracer provider"]
    [limit] = provider_limits(TracerProvider(sampler=ParentBasedTraceIdRatio(0.1), shutdown_on_exit=False))
    assert "of 100 Runs about 10 " in limit.what


@pytest.mark.parametrize(("size", "wanted"), [(512, True), (64, False)])
def test_batches_that_no_receiver_takes_are_seen(size: int, wanted: bool) -> None:
    """The default of 512 spans a request is named with the setting to change and with our own export; 64 are fine."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter("http://127.0.0.1:1"), max_export_batch_size=size))
    limits = provider_limits(provider)
    provider.shutdown()
    assert [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE" in limit.setting, 'export="own"' in limit.setting) for limit in limits] == (
        [(True, True)] if wanted else []
    )


@pytest.mark.parametrize("provider", [None, object()])
def test_what_is_no_sdk_is_not_judged(provider: Any) -> None:
    """Another implementation of the API has limits that nobody can read."""
    assert application_limits(provider) == []
