"""The pipelines of a collector for traces: which processors a span passes between a receiver and an exporter.

receivers ──► processors ──► exporters
                             └─ connector ──► receiver of the next pipeline ──► …
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chronicle_otel.doctor.configuration import Configuration

_LONGEST = 20
"""Pipelines in a row; a ring of connectors is refused by the collector."""


def type_of(component: str) -> str:
    """The type in a component's id: `otlp_grpc/jaeger` is an `otlp_grpc`."""
    return component.partition("/")[0].strip()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline for traces."""

    name: str
    receivers: tuple[str, ...]
    processors: tuple[str, ...]
    exporters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One way of a span through the collector."""

    receiver: str
    processors: tuple[str, ...]
    exporter: str
    pipeline: str
    """The last one, which has the exporter."""
    fans: bool
    """Other exporters get the same span."""

    def has(self, *types: str) -> bool:
        """Say whether a processor of one of these types is on the way."""
        return any(type_of(each) in types for each in self.processors)


def pipelines(config: Configuration) -> list[Pipeline]:
    """Return the pipelines for traces."""
    found: list[Pipeline] = []
    for name in config.mapping("service", "pipelines"):
        if type_of(name) == "traces":
            at = ("service", "pipelines", name)
            parts = (tuple(config.words(*at, part)) for part in ("receivers", "processors", "exporters"))
            found.append(Pipeline(name, *parts))
    return found


def routes(config: Configuration) -> list[Route]:
    """Return every way from a receiver to an exporter, through connectors too."""
    every = pipelines(config)
    connectors = set(config.mapping("connectors"))

    def upstream(pipeline: Pipeline, left: int) -> Iterator[tuple[str, tuple[str, ...], bool]]:
        for receiver in pipeline.receivers:
            if receiver not in connectors:
                yield receiver, (), False
            elif left:
                for before in every:
                    if receiver in before.exporters:
                        for first, processors, fans in upstream(before, left - 1):
                            yield first, processors + before.processors, fans or len(before.exporters) > 1

    return [
        Route(receiver, processors + pipeline.processors, exporter, pipeline.name, fans or len(pipeline.exporters) > 1)
        for pipeline in every
        for receiver, processors, fans in upstream(pipeline, _LONGEST)
        for exporter in pipeline.exporters
        if exporter not in connectors
    ]
