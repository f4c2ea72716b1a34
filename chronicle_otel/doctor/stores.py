"""The configurations of Jaeger and Tempo, and exporters to vendors whose limits are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from chronicle_otel.doctor.configuration import Configuration, Path, Unknown, number, seconds
from chronicle_otel.doctor.diagnosis import Diagnosis, Severity
from chronicle_otel.doctor.hops import check_receivers
from chronicle_otel.doctor.pipelines import routes, type_of
from chronicle_otel.doctor.sizes import (
    BADGER_VALUE,
    CHUNK,
    ELASTIC_SEARCHABLE,
    RECEIVER_GRPC,
    TEMPO,
    TEMPO_ATTRIBUTE,
    TEMPO_MESSAGE,
    TEMPO_RATE,
    TEMPO_TRACE,
    TEMPO_TRACES,
    VENDORS,
)

_SHORT_TRACE = 10_000
"""Spans of a trace; a Run of a long-running agent has some thousand."""


def is_tempo(config: Configuration) -> bool:
    """Say whether a configuration is Tempo's, by its keys."""
    return (
        "distributor" in config.tree
        or bool(config.mapping("storage", "trace"))
        or ("overrides" in config.tree and "service" not in config.tree)
    )


def is_jaeger(config: Configuration) -> bool:
    """Say whether a configuration is that of Jaeger 2, which is a collector's with extensions of its own."""
    return any(type_of(name) in ("jaeger_storage", "jaeger_query") for name in config.mapping("extensions"))


# ---- Tempo ---------------------------------------------------------------------------------------


def check_tempo(config: Configuration) -> Iterator[Diagnosis]:
    """Say what Tempo would cut or drop."""
    yield from _tempo_strings(config)
    path, given = _first(config, ("overrides", "defaults", "global", "max_bytes_per_trace"), ("overrides", "max_bytes_per_trace"))
    trace = TEMPO_TRACE if given is None else number(given)
    if trace and trace <= TEMPO_TRACE:
        what = f"of a trace of more than {int(trace):,} bytes later spans vanish, after they were acknowledged"
        yield Diagnosis("error", "trace_limit", config.where(*path), what, "set overrides.defaults.global.max_bytes_per_trace: 200000000")
    for name in ("grpc_server_max_recv_msg_size", "grpc_server_max_send_msg_size"):
        message = number(config.get("server", name)) or TEMPO_MESSAGE
        if trace is not None and (trace == 0 or trace > message):
            what = f"a trace is one message between Tempo's parts, of {int(message):,} bytes at most: larger ones cannot be read back"
            severity = "warning" if message <= TEMPO_MESSAGE else "note"
            yield Diagnosis(
                severity, "trace_limit", config.where("server", name), what, "raise grpc_server_max_recv_msg_size and …_send_msg_size"
            )
            break
    yield from _tempo_ingestion(config)
    if config.get("overrides", "per_tenant_override_config"):
        where = config.where("overrides", "per_tenant_override_config")
        yield Diagnosis("note", "not_judged", where, "tenants have limits in a file of their own, which is not looked at")
    cutoff = config.get("query_frontend", "query_end_cutoff")
    if cutoff is None or (seconds(cutoff) or 0) >= 30:
        what = "searches leave the newest 30 seconds out; a trace is found by its id before that"
        yield Diagnosis("note", "search_delay", config.where("query_frontend", "query_end_cutoff"), what)
    yield from check_receivers(config, "distributor", "receivers")


def _tempo_ingestion(config: Configuration) -> Iterator[Diagnosis]:
    for name in ("rate_limit_bytes", "burst_size_bytes"):
        path, given = _first(config, ("overrides", "defaults", "ingestion", name), ("overrides", f"ingestion_{name}"))
        rate = TEMPO_RATE if given is None else number(given)
        if rate is None or rate > TEMPO_RATE:
            continue
        what = f"what comes faster than {int(rate):,} bytes a second is refused; senders try again for a while"
        severity: Severity = "note"
        if name == "burst_size_bytes" and rate < RECEIVER_GRPC:
            severity = "error"
            what = f"a request of more than {int(rate):,} bytes is refused with the advice to try again: it and all behind it wait for ever"
        yield Diagnosis(severity, "rate_limit", config.where(*path), what, f"raise overrides.defaults.ingestion.{name}")
    path, given = _first(config, ("overrides", "defaults", "ingestion", "max_traces_per_user"), ("overrides", "max_traces_per_user"))
    traces = TEMPO_TRACES if given is None else number(given)
    if traces and traces <= TEMPO_TRACES:
        what = f"while {int(traces):,} traces are open, new ones vanish, after they were acknowledged"
        yield Diagnosis("note", "open_traces", config.where(*path), what, "raise overrides.defaults.ingestion.max_traces_per_user")


def _tempo_strings(config: Configuration) -> Iterator[Diagnosis]:
    for path in (("overrides", "defaults", "ingestion", "max_attribute_bytes"), ("distributor", "max_attribute_bytes")):
        given = config.get(*path)
        if isinstance(given, Unknown):
            return
        if given is not None:
            break
    else:
        path, given = ("distributor", "max_attribute_bytes"), TEMPO_ATTRIBUTE
    size = number(given)
    if not size:
        return
    where = config.where(*path)
    if size < CHUNK:
        yield Diagnosis(
            "error",
            "string_cut",
            where,
            f"strings are cut at {int(size):,} bytes without a mark: recordings cannot be replayed",
            TEMPO.setting,
        )
    else:
        what = (
            f"strings are cut at {int(size):,} bytes without a mark; payloads of recordings are lists of shorter ones and pass, "
            "messages and prompts of other instrumentations do not"
        )
        yield Diagnosis("warning", "string_cut", where, what, TEMPO.setting)


def _first(config: Configuration, *paths: Path) -> tuple[Path, Any]:
    """The first of some paths that has a value, and the value; else the first path."""
    return next(((path, value) for path in paths if (value := config.get(*path)) is not None), (paths[0], None))


# ---- Jaeger --------------------------------------------------------------------------------------


def check_jaeger(config: Configuration) -> Iterator[Diagnosis]:
    """Say what Jaeger would cut, count or forget."""
    yield from check_receivers(config, "receivers")
    for extension in config.mapping("extensions"):
        base: Path = ("extensions", extension)
        if type_of(extension) == "jaeger_query":
            yield from _jaeger_query(config, base)
        elif type_of(extension) == "jaeger_storage":
            for name in config.mapping(*base, "backends"):
                for kind in config.mapping(*base, "backends", name):
                    yield from _backend(config, (*base, "backends", name, kind), kind)


def _jaeger_query(config: Configuration, base: Path) -> Iterator[Diagnosis]:
    spans = number(config.get(*base, "max_trace_size"))
    if spans:
        what = f"of a trace of more than {int(spans):,} spans the others are left out of answers"
        severity = "error" if spans < _SHORT_TRACE else "warning"
        yield Diagnosis(severity, "trace_limit", config.where(*base, "max_trace_size"), what, "set max_trace_size: 0")
    skew = seconds(config.get(*base, "max_clock_skew_adjust"))
    if skew:
        what = "times of spans are moved in the UI; chronicle asks for the raw ones"
        yield Diagnosis("note", "clock_moved", config.where(*base, "max_clock_skew_adjust"), what)


def _backend(config: Configuration, path: Path, kind: str) -> Iterator[Diagnosis]:
    where = config.where(*path)
    if kind == "memory":
        most = number(config.get(*path, "max_traces"))
        what = (
            f"everything is lost with the process, and the oldest traces above {int(most):,}"
            if most
            else "everything is lost with the process"
        )
        yield Diagnosis(
            "warning",
            "store_in_memory",
            where,
            what,
            "raise max_traces, keep an archive of files beside it (stores.yaml), or use a database",
        )
    elif kind == "badger":
        what = (
            f"a span with a value above {BADGER_VALUE:,} bytes is refused with the advice to try again: it and all behind it wait for ever"
        )
        yield Diagnosis("error", "value_limit", where, what, "use memory, as docker/jaeger.yaml does, or a database")
        if config.get(*path, "ephemeral") is not False:
            what = "badger keeps its data in a temporary folder, and loses it with the process"
            yield Diagnosis("warning", "store_in_memory", config.where(*path, "ephemeral"), what, "set ephemeral: false, and directories")
        kept = seconds(config.get(*path, "ttl", "spans")) or 72 * 3600
        what = f"spans are deleted after {kept / 3600:g} hours"
        yield Diagnosis(
            "note", "forgotten", config.where(*path, "ttl", "spans"), what, "raise ttl.spans, or pull what you need (chronicle pull)"
        )
    elif kind in ("elasticsearch", "opensearch"):
        what = f"strings of more than {ELASTIC_SEARCHABLE} characters cannot be searched; lists and maps become JSON text, which is read"
        yield Diagnosis("note", "not_searchable", where, what, "search by short ones: chronicle.run.id, session variables of that length")
    elif kind == "cassandra":
        yield Diagnosis("note", "types_change", where, "lists and maps become JSON text, which chronicle reads back")


# ---- vendors -------------------------------------------------------------------------------------


def check_vendors(config: Configuration) -> Iterator[Diagnosis]:
    """Name exporters to places whose limits are known; with an archive of files beside them that is all there is to say."""
    exporters = {way.exporter for way in routes(config)}
    archived = any(type_of(each) == "file" for each in exporters)
    for exporter in sorted(exporters):
        settings = config.mapping("exporters", exporter)
        named = f"{type_of(exporter)} {settings.get('endpoint', '')} {cast('Any', settings.get('traces_endpoint')) or ''}".lower()
        for sign, what in VENDORS.items():
            if sign in named:
                setting = (
                    "the archive of files beside it has everything"
                    if archived
                    else "keep an archive of files beside it (collector-config/pipelines/routing.yaml)"
                )
                yield Diagnosis("note" if archived else "warning", "vendor_limit", config.where("exporters", exporter), what, setting)
                break
        if type_of(exporter) == "elasticsearch":
            what = f"strings of more than {ELASTIC_SEARCHABLE} characters may be stored without being searchable, by the index template"
            yield Diagnosis(
                "note", "not_searchable", config.where("exporters", exporter), what, "search by short ones, as chronicle.run.id"
            )
