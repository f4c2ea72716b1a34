"""Whether what leaves a collector, or lies on its disk, was redacted before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chronicle_otel.doctor.configuration import Configuration, on
from chronicle_otel.doctor.diagnosis import Diagnosis
from chronicle_otel.doctor.pipelines import Route, routes, type_of

_OURS = "chronicle_redaction"


def check_privacy(config: Configuration, next_hops: Sequence[Configuration] = ()) -> Iterator[Diagnosis]:
    """Say which ways have no redaction, where others have one."""
    ways = routes(config)
    bare: dict[str, list[Route]] = {}
    for way in ways:
        if not way.has(_OURS):
            bare.setdefault(way.exporter, []).append(way)
    yield from _printed(config, ways)
    later = any(type_of(name) == _OURS for hop in next_hops for name in hop.mapping("processors"))
    here = any(way.has(_OURS) for way in ways)
    for exporter, open_ways in bare.items():
        storage = config.get("exporters", exporter, "sending_queue", "storage")
        where = config.where("exporters", exporter)
        if storage and (here or later):
            what = "what waits in its queue lies on disk as it came, since redaction comes only after it"
            yield Diagnosis("error", "raw_on_disk", where, what, f"put {_OURS} into the pipeline {open_ways[0].pipeline}")
        elif here:
            what = f"it gets what was not redacted (pipeline {open_ways[0].pipeline}), while other exporters get what was"
            yield Diagnosis("warning", "raw_export", where, what, f"put {_OURS} into that pipeline")
        if storage:
            yield from _headers(config, exporter, open_ways)
    if ways and not here and not later:
        what = f"there is no {_OURS}: what customers write goes on as it is, unless it was redacted in the application"
        yield Diagnosis(
            "note",
            "no_redaction",
            config.where("processors"),
            what,
            "collector-config/pipelines/add-to-yours.yaml, or chronicle.init(redact=True)",
        )


def _printed(config: Configuration, ways: list[Route]) -> Iterator[Diagnosis]:
    for exporter in sorted({way.exporter for way in ways if type_of(way.exporter) == "debug"}):
        if config.get("exporters", exporter, "verbosity") == "detailed":
            bare = any(way.exporter == exporter and not way.has(_OURS) for way in ways)
            what = "it prints every payload into the collector's log" + (", as it came" if bare else ", which grows with it")
            where = config.where("exporters", exporter, "verbosity")
            yield Diagnosis("warning" if bare else "note", "payloads_logged", where, what, "set verbosity: basic")


def _headers(config: Configuration, exporter: str, ways: list[Route]) -> Iterator[Diagnosis]:
    for receiver in sorted({way.receiver for way in ways}):
        base = ("receivers", receiver, "protocols")
        for protocol in config.mapping(*base):
            if on(config.get(*base, protocol, "include_metadata")):
                where = config.where(*base, protocol, "include_metadata")
                what = f"headers of clients, bearer tokens too, are written to the queue on disk of {exporter}"
                yield Diagnosis(
                    "error", "headers_on_disk", where, what, f"set include_metadata: false, or put {_OURS} before it, which hands none on"
                )
