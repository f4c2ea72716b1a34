"""Configuration files in, Report out. Files of one collector are merged as the collector does it; Jaeger's and Tempo's stand alone.

files ──by their keys──► collector (merged)  ──► hops, processors, sampling, privacy, vendors ──┐
                         Jaeger, Tempo       ──► stores ────────────────────────────────────────┴──► Report
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from chronicle_otel.doctor.configuration import Configuration, merged, read
from chronicle_otel.doctor.diagnosis import Diagnosis, Report
from chronicle_otel.doctor.hops import check_exporters, check_receivers
from chronicle_otel.doctor.pipelines import pipelines
from chronicle_otel.doctor.privacy import check_privacy
from chronicle_otel.doctor.processors import check_processors
from chronicle_otel.doctor.sampling import check_sampling
from chronicle_otel.doctor.stores import check_jaeger, check_tempo, check_vendors, is_jaeger, is_tempo
from chronicle_otel.errors import SourceError

_PARTS = frozenset({"receivers", "processors", "exporters", "connectors", "extensions", "service"})


def checked(files: Sequence[str | os.PathLike[str]], next_hops: Sequence[str | os.PathLike[str]] = ()) -> Report:
    """Look at configuration files. `next_hops` are those of what the collector sends to; Jaeger's and Tempo's among `files` count too.

    SourceError for a file that cannot be read or is none of theirs; UsageError without PyYAML.
    """
    collectors: list[Configuration] = []
    stores: list[Configuration] = []
    for each in map(read, files):
        (stores if is_tempo(each) or is_jaeger(each) else collectors).append(_recognised(each))
    after = [_recognised(read(each)) for each in next_hops]
    found: list[Diagnosis] = []
    one = merged(collectors)
    if one is not None:
        found += of_collector(one, [*stores, *after])
    for each in stores:
        found += of_tempo(each) if is_tempo(each) else of_jaeger(each)
    for each in after:
        found += of_tempo(each) if is_tempo(each) else of_jaeger(each) if is_jaeger(each) else of_collector(each, stores)
    return Report.of(found, {"collector": one.name if one else None, "stores": [each.name for each in [*stores, *after]]})


def _recognised(config: Configuration) -> Configuration:
    if not (is_tempo(config) or _PARTS & config.tree.keys()):
        raise SourceError(
            f"{config.name}: neither a collector's configuration nor one of Jaeger 2 or Tempo; it has {', '.join(config.tree) or 'nothing'}"
        )
    return config


def of_collector(config: Configuration, next_hops: Sequence[Configuration] = ()) -> Iterator[Diagnosis]:
    """Say what a collector would do to recordings; `next_hops` are configurations of what it may send to."""
    found = [each for each in pipelines(config) if each.receivers]
    if not found:
        yield Diagnosis(
            "warning", "no_pipeline", config.where("service", "pipelines"), "no pipeline for traces: recordings do not pass here"
        )
    yield from _undefined(config)
    yield from check_receivers(config, "receivers")
    yield from check_processors(config)
    yield from check_sampling(config)
    yield from check_exporters(config, next_hops)
    yield from check_privacy(config, next_hops)
    yield from check_vendors(config)
    yield from _unknown(config)
    if found:
        names = ", ".join(each.name for each in found)
        yield Diagnosis("ok", "looked_at", config.name, f"a collector's configuration; pipelines for traces: {names}")


def _undefined(config: Configuration) -> Iterator[Diagnosis]:
    for name in config.mapping("service", "pipelines"):
        for part in ("receivers", "processors", "exporters"):
            known = {*config.mapping(part), *(config.mapping("connectors") if part != "processors" else ())}
            for each in config.words("service", "pipelines", name, part):
                if each not in known:
                    what = f"{each} is not among the {part}, so the collector does not start"
                    where = config.where("service", "pipelines", name, part)
                    yield Diagnosis("error", "undefined_component", where, what, f"add {each} to {part}, or take it out of the pipeline")


def of_jaeger(config: Configuration) -> Iterator[Diagnosis]:
    """Say what a Jaeger would do to recordings."""
    yield from check_jaeger(config)
    yield from check_processors_of_store(config)
    yield from _unknown(config)
    yield Diagnosis("ok", "looked_at", config.name, "a configuration of Jaeger 2")


def check_processors_of_store(config: Configuration) -> Iterator[Diagnosis]:
    """Processors inside of a Jaeger; that it has no memory limiter is how it ships."""
    skipped = ("no_memory_limiter",)
    yield from (each for each in check_processors(config) if each.kind not in skipped)
    yield from check_sampling(config)


def of_tempo(config: Configuration) -> Iterator[Diagnosis]:
    """Say what a Tempo would do to recordings."""
    yield from check_tempo(config)
    yield from _unknown(config)
    yield Diagnosis("ok", "looked_at", config.name, "a configuration of Tempo")


_MATTERS = ("max_", "size", "limit", "wait", "percentage", "elapsed", "enabled", "storage", "sizer", "append", "action", "statement")


def _unknown(config: Configuration) -> Iterator[Diagnosis]:
    for path, value in config.unknown():
        if any(word in str(path[-1]) or (isinstance(path[-1], int) and word in str(path[-2])) for word in _MATTERS):
            what = f"{value} has no default here, so this setting is not judged"
            yield Diagnosis("note", "not_judged", config.where(*path), what, "give a default in the file, as in ${env:NAME:-value}")
