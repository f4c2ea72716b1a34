"""Every limit on the way of a span that is known by its number. Bytes, where nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RECEIVER_GRPC: Final = 4 * 1024 * 1024
"""grpc-go's, for any OTLP/gRPC receiver without max_recv_msg_size_mib (opentelemetry-collector: config/configgrpc)."""
RECEIVER_HTTP: Final = 20 * 1024 * 1024
"""A collector's OTLP/HTTP receiver without max_request_body_size (config/confighttp)."""
LARGEST_SPAN: Final = 3 * 1024 * 1024
"""What a recorder makes, `span_bytes`, and the collector's redactor, `max_span_bytes`, unless they are told otherwise."""
CHUNK: Final = 2_000
"""Most bytes of one string in an envelope: a cut at or above it damages no recording (docs/wire-format.md)."""
ATTRIBUTES: Final = 64
"""Attributes that a Step may have, with some of the application's own."""
SDK_ATTRIBUTES: Final = 128
"""OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT unless it is set."""
TEMPO_ATTRIBUTE: Final = 2_048
"""distributor.max_attribute_bytes (tempo: modules/distributor)."""
TEMPO_TRACE: Final = 5_000_000
"""overrides.defaults.global.max_bytes_per_trace (tempo: modules/overrides)."""
TEMPO_MESSAGE: Final = 16 * 1024 * 1024
"""server.grpc_server_max_recv_msg_size: between its own parts, a trace is one message."""
TEMPO_RATE: Final = 30_000_000
"""ingestion.rate_limit_bytes, per second, and burst_size_bytes."""
TEMPO_TRACES: Final = 10_000
"""Traces; ingestion.max_traces_per_user, those that are open at once."""
RETRY_SECONDS: Final = 300
"""retry_on_failure.max_elapsed_time of an exporter (exporter/exporterhelper)."""
QUEUE_REQUESTS: Final = 1_000
"""sending_queue.queue_size, which counts requests unless a sizer is named."""
OPEN_FILES: Final = 100
"""Files; group_by.max_open_files of the file exporter."""
DECISION_WAIT: Final = 30
"""Seconds; tail_sampling's decision_wait."""
LONG_RUN: Final = 300
"""Seconds that agents run without anybody thinking of a failure; a guess that a decision should outwait."""
BADGER_VALUE: Final = 65_000
"""Bytes of one value, a list counted as its JSON text, that Jaeger's badger store takes; tried with Jaeger 2.13."""
ELASTIC_SEARCHABLE: Final = 256
"""Characters of a tag that Elasticsearch indexes for Jaeger (`ignore_above`)."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A place that is known to cut strings at a length of its own."""

    bytes: int
    who: str
    setting: str


TEMPO: Final = Cut(
    TEMPO_ATTRIBUTE, "Tempo", "set distributor.max_attribute_bytes: 0 and overrides.defaults.ingestion.max_attribute_bytes: 0 in Tempo"
)
_ARCHIVE: Final = "no setting of yours changes that: keep an archive of files beside it (collector-config/pipelines/routing.yaml)"
DATADOG: Final = Cut(25_000, "Datadog", _ARCHIVE)
HONEYCOMB: Final = Cut(65_535, "Honeycomb", _ARCHIVE)
AZURE: Final = Cut(65_536, "Azure Monitor", _ARCHIVE)
CUTS: Final = (TEMPO, DATADOG, HONEYCOMB, AZURE)

VENDORS: Final = {
    "datadog": f"Datadog cuts strings at {DATADOG.bytes:,} bytes",
    "ddog": f"Datadog cuts strings at {DATADOG.bytes:,} bytes",
    "honeycomb.io": f"Honeycomb cuts values at {HONEYCOMB.bytes:,} bytes, makes JSON text of lists and flattens maps",
    "azuremonitor": f"Azure Monitor cuts strings at {AZURE.bytes:,} bytes",
    "azure_monitor": f"Azure Monitor cuts strings at {AZURE.bytes:,} bytes",
    "applicationinsights.azure": f"Azure Monitor cuts strings at {AZURE.bytes:,} bytes",
    "grafana.net": f"Grafana Cloud is a Tempo: strings are cut at {TEMPO_ATTRIBUTE:,} bytes, traces by the limits of your plan",
    "dynatrace": "Dynatrace takes 8 MB a request",
    "braintrust": "Braintrust takes 10 MB a request",
    "observeinc": "Observe takes 1 MB a span",
    "langfuse": "Langfuse maps spans into a model of its own, from which they cannot be had back as they were",
}
"""Part of an exporter's type or endpoint → what happens there; docs/doctor.md says where each is from."""
