"""From one hop to the next: what a receiver takes, how an exporter cuts its batches, queues and tries again.

receiver's limit ──► largest span < max_size of a batch < next receiver's limit      queue: on disk, waits for room      retry: for ever
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chronicle_otel.doctor.configuration import Configuration, Path, Unknown, number, on, seconds
from chronicle_otel.doctor.diagnosis import Diagnosis, Severity
from chronicle_otel.doctor.pipelines import Route, routes, type_of
from chronicle_otel.doctor.sizes import LARGEST_SPAN, OPEN_FILES, QUEUE_REQUESTS, RECEIVER_GRPC, RECEIVER_HTTP, RETRY_SECONDS

GRPC_EXPORTERS: Final = frozenset({"otlp", "otlp_grpc", "loadbalancing", "load_balancing"})
HTTP_EXPORTERS: Final = frozenset({"otlphttp", "otlp_http"})
LOCAL: Final = frozenset({"file", "debug", "logging", "nop", "jaeger_storage_exporter"})
"""Exporters that send nothing over a network."""
_PORT: Final = re.compile(r":(\d{2,5})(?:/|$)")
_KAFKA: Final = 1_000_000
"""producer.max_message_bytes of the kafka exporter."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a receiver takes in one request."""

    bytes: int
    who: str
    known: bool
    """Its configuration was looked at; else it is the default of its kind."""


def receivers(config: Configuration, *base: str) -> Iterator[tuple[Path, str, dict[str, Any], int]]:
    """Yield path, protocol, settings and limit of the OTLP receivers at a path."""
    for name in config.mapping(*base):
        if type_of(name) != "otlp":
            continue
        for protocol in config.mapping(*base, name, "protocols"):
            at = (*base, name, "protocols", protocol)
            settings = config.mapping(*at)
            if protocol == "grpc":
                given = number(settings.get("max_recv_msg_size_mib"))
                yield at, protocol, settings, int(given * 1024 * 1024) if given else RECEIVER_GRPC
            elif protocol == "http":
                given = number(settings.get("max_request_body_size"))
                yield at, protocol, settings, int(given) if given else RECEIVER_HTTP


def check_receivers(config: Configuration, *base: str) -> Iterator[Diagnosis]:
    """Say what the receivers take, where it is less than the largest Step."""
    for at, protocol, _, limit in receivers(config, *base):
        key = "max_recv_msg_size_mib" if protocol == "grpc" else "max_request_body_size"
        where = config.where(*at, key)
        if limit <= LARGEST_SPAN:
            what = f"a request of more than {limit:,} bytes is refused for good, and one Step can have {LARGEST_SPAN:,}"
            yield Diagnosis("error", "receiver_limit", where, what, f"raise {key}")
        elif limit <= RECEIVER_GRPC:
            what = f"a request of more than {limit:,} bytes is refused for good; senders that cut by count, as SDKs do, reach that"
            yield Diagnosis("note", "receiver_limit", where, what, f'chronicle.init(export="own") cuts by bytes; or raise {key}')


def check_exporters(config: Configuration, next_hops: Sequence[Configuration] = ()) -> Iterator[Diagnosis]:
    """Say what the exporters of traces would lose."""
    seen: dict[str, list[Route]] = {}
    for route in routes(config):
        seen.setdefault(route.exporter, []).append(route)
    for exporter, ways in seen.items():
        kind = type_of(exporter)
        at: Path = ("exporters", exporter)
        if kind == "file":
            yield from _file(config, at)
        if kind in LOCAL:
            continue
        if kind == "kafka":
            yield from _kafka(config, at)
        if kind in ("loadbalancing", "load_balancing"):
            at = (*at, "protocol", "otlp")
        protocol = "grpc" if kind in GRPC_EXPORTERS else "http" if kind in HTTP_EXPORTERS else ""
        if protocol:
            limit = _next(config, at, protocol, next_hops)
            yield from _batch(config, at, ways, limit)
        if protocol or config.get(*at, "sending_queue") is not None:
            yield from _queue(config, at, ways)
            yield from _retry(config, at)


def _next(config: Configuration, at: Path, protocol: str, next_hops: Sequence[Configuration]) -> Limit:
    """Find the receiver that an exporter leads to among the configurations at hand, by its port; behind a balancer all are alike."""
    endpoint = config.get(*at, "endpoint") or config.get(*at, "traces_endpoint")
    balanced = config.get(*at[:2], "resolver", "static", "hostnames", 0)
    port = _port(endpoint or balanced)
    candidates = [
        (_port(settings.get("endpoint")), Limit(limit, hop.where(*path), True))
        for hop in next_hops
        for base in (("receivers",), ("distributor", "receivers"))
        for path, spoken, settings, limit in receivers(hop, *base)
        if spoken == protocol
    ]
    chosen = [limit for listens, limit in candidates if port is not None and listens == port]
    if chosen or (len(candidates) == 1 and len(next_hops) == 1 and balanced):
        return (chosen or [candidates[0][1]])[0]
    if protocol == "grpc":
        return Limit(RECEIVER_GRPC, "an OTLP/gRPC receiver by default", False)
    return Limit(RECEIVER_HTTP, "a collector's OTLP/HTTP receiver by default", False)


def _port(endpoint: Any) -> str | None:
    match = _PORT.search(endpoint) if isinstance(endpoint, str) else None
    return match[1] if match else None


def _largest_span(config: Configuration, way: Route) -> tuple[int, str]:
    """The largest span that comes out of the processors, and the setting that says so."""
    for processor in reversed(way.processors):
        if type_of(processor) == "chronicle_redaction":
            given = number(config.get("processors", processor, "max_span_bytes"))
            if given != 0:
                return int(given or LARGEST_SPAN), f"max_span_bytes of {processor}"
    return LARGEST_SPAN, "span_bytes of chronicle.init"


def _batch(config: Configuration, at: Path, ways: list[Route], limit: Limit) -> Iterator[Diagnosis]:
    queue = config.mapping(*at, "sending_queue")
    path = (*at, "sending_queue", "batch")
    known: Severity = "error" if limit.known else "warning"
    by_bytes = "set sending_queue.batch to {sizer: bytes, min_size: 1000000, max_size: 3500000}"
    if config.get(*path) is None or queue.get("enabled") is False:
        counted = next((way for way in ways if way.has("batch")), None)
        if counted is not None:
            what = f"batches are cut by number of spans (batch processor); {limit.who} takes {limit.bytes:,} bytes, more is lost"
            yield Diagnosis("error", "batch_by_count", config.where(*path), what, f"take the batch processor out and {by_bytes}")
            return
        taken = {way.receiver: size for way in ways for path_, _, _, size in receivers(config, "receivers") if path_[1] == way.receiver}
        largest = max(taken.values(), default=0)
        if largest > limit.bytes:
            what = (
                f"requests of up to {largest:,} bytes are handed on as they came; {limit.who} takes {limit.bytes:,}, larger ones are lost"
            )
            yield Diagnosis(known, "request_above_next", config.where(*path), what, by_bytes)
        return
    batch = config.mapping(*path)
    sizer = batch.get("sizer") or (queue.get("sizer") if queue.get("sizer") in ("items", "bytes") else "items")
    if isinstance(sizer, Unknown):
        return
    if sizer != "bytes":
        what = f"a batch is cut by number of spans and not by bytes; {limit.who} takes {limit.bytes:,} bytes, more is lost"
        yield Diagnosis("error", "batch_by_count", config.where(*path, "sizer"), what, by_bytes)
        return
    size = number(batch.get("max_size"))
    if isinstance(batch.get("max_size"), Unknown):
        return
    if not size:
        what = f"batches have no upper size; {limit.who} takes {limit.bytes:,} bytes, more is lost"
        yield Diagnosis(known, "batch_above_next", config.where(*path, "max_size"), what, "set max_size below that, as 3500000")
        return
    if size >= limit.bytes:
        what = f"a batch may have {int(size):,} bytes; {limit.who} takes {limit.bytes:,}, and what is refused for that is lost at once"
        setting = f"set max_size below {limit.bytes}, or raise the limit there"
        setting += "" if limit.known else " (name its configuration with --next to have that checked)"
        yield Diagnosis(known, "batch_above_next", config.where(*path, "max_size"), what, setting)
    for span, who in sorted({_largest_span(config, way) for way in ways}):
        if span >= size:
            what = (
                f"a span of more than {int(size):,} bytes is dropped, and spans behind it in its batch too; spans can have {span:,} ({who})"
            )
            setting = f"raise max_size above {span}, or lower {who} below {int(size)}"
            yield Diagnosis("error", "span_above_batch", config.where(*path, "max_size"), what, setting)


def _queue(config: Configuration, at: Path, ways: list[Route]) -> Iterator[Diagnosis]:
    path = (*at, "sending_queue")
    queue = config.mapping(*path)
    if queue.get("enabled") is False:
        if any(way.fans for way in ways):
            what = "without a queue each failure goes back to the sender, whose next try multiplies the spans at the other exporters"
            yield Diagnosis(
                "note", "no_queue", config.where(*path, "enabled"), what, "give it a queue with storage and block_on_overflow: true"
            )
        return
    storage = queue.get("storage")
    if not storage:
        what = "the queue is in memory: what waits in it is lost with the process, acknowledged or not"
        yield Diagnosis(
            "warning", "queue_in_memory", config.where(*path, "storage"), what, "set storage: file_storage, and the extension of that name"
        )
    else:
        yield from _storage(config, path, str(storage), queue)
    if queue.get("sizer") not in ("bytes", "items") and queue.get("queue_size") is None:
        what = f"the queue counts requests, {QUEUE_REQUESTS:,} of them, whatever their bytes: memory or disk may end first"
        setting = "set sizer: bytes and a queue_size in bytes, as 1000000000"
        yield Diagnosis("warning" if not storage else "note", "queue_by_count", config.where(*path, "sizer"), what, setting)
    if not on(queue.get("block_on_overflow")):
        many = any(way.fans for way in ways)
        what = "a full queue refuses" + (
            ": the sender tries again, and the other exporters get everything once more"
            if many
            else ", and senders give up after some seconds"
        )
        yield Diagnosis(
            "warning" if many else "note", "queue_refuses", config.where(*path, "block_on_overflow"), what, "set block_on_overflow: true"
        )


def _storage(config: Configuration, path: Path, storage: str, queue: dict[str, Any]) -> Iterator[Diagnosis]:
    if storage not in config.words("service", "extensions"):
        what = f"the extension {storage} is not switched on, so the collector does not start"
        yield Diagnosis("error", "storage_missing", config.where(*path, "storage"), what, f"add {storage} to service.extensions")
    if on(queue.get("wait_for_result")):
        what = "a queue with storage cannot wait for results, so the collector does not start"
        yield Diagnosis("error", "storage_waits", config.where(*path, "wait_for_result"), what, "take wait_for_result out")
    if type_of(storage) == "file_storage" and not on(config.get("extensions", storage, "fsync")):
        what = "a power loss may take acknowledged spans out of the queue; a killed process does not"
        yield Diagnosis("note", "no_fsync", config.where("extensions", storage, "fsync"), what, "set fsync: true")


def _retry(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    path = (*at, "retry_on_failure")
    retry = config.mapping(*path)
    if retry.get("enabled") is False:
        if config.mapping(*at, "sending_queue").get("enabled") is not False:
            what = "a batch that is not taken at the first try is dropped, after the sender was told that it has arrived"
            yield Diagnosis("error", "no_retry", config.where(*path, "enabled"), what, "take enabled: false out")
        return
    given = retry.get("max_elapsed_time")
    if isinstance(given, Unknown):
        return
    patience = RETRY_SECONDS if given is None else seconds(given)
    if patience:
        what = f"where the next hop stays away for {patience:g} seconds, what waits is dropped"
        yield Diagnosis("warning", "retry_ends", config.where(*path, "max_elapsed_time"), what, "set max_elapsed_time: 0s")


def _file(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    settings = config.mapping(*at)
    by_size, appends = settings.get("rotation") is not None, on(settings.get("append"))
    grouped = on(config.get(*at, "group_by", "enabled"))
    if appends and by_size:
        what = "append and rotation exclude each other, so the collector does not start"
        yield Diagnosis("error", "file_settings", config.where(*at, "append"), what, "take append out: with rotation nothing is emptied")
    path = str(settings.get("path", ""))
    if grouped and not isinstance(settings.get("path"), Unknown) and (path.count("*") != 1 or path.startswith("*")):
        what = "grouped files need one * in their path, not at its start, so the collector does not start"
        yield Diagnosis("error", "file_settings", config.where(*at, "path"), what, "write it as /var/spans/*.jsonl")
    if not by_size:
        what = "what was acknowledged in the last second (flush_interval) is lost when the collector is killed"
        yield Diagnosis("note", "file_buffered", config.where(*at, "flush_interval"), what, "a store behind a queue on disk has it")
    if not appends and not by_size:
        severity: Severity = "warning"
        what = "the file is emptied whenever the collector starts"
        if grouped:
            files = number(config.get(*at, "group_by", "max_open_files")) or OPEN_FILES
            severity = "error"
            what = f"a file is emptied whenever it is opened again: at each start, and as soon as more than {files:g} take turns"
        yield Diagnosis(severity, "file_emptied", config.where(*at, "append"), what, "set append: true")
    if grouped:
        what = "spans whose resource has no such attribute are dropped, which only a line of the debug log says"
        yield Diagnosis(
            "note", "ungrouped", config.where(*at, "group_by", "resource_attribute"), what, "group by what all have, as service.name"
        )
    if by_size:
        rotation = config.mapping(*at, "rotation")
        megabytes, backups = number(rotation.get("max_megabytes")) or 100, number(rotation.get("max_backups"))
        backups = 100 if backups is None else backups
        if backups or rotation.get("max_days"):
            what = f"the oldest of {backups:g} files of {megabytes:g} MB is deleted" if backups else "files are deleted by age"
            yield Diagnosis(
                "note", "file_rotation", config.where(*at, "rotation"), what, "copy them elsewhere before, or set max_backups: 0"
            )


def _kafka(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    given = number(config.get(*at, "producer", "max_message_bytes")) or _KAFKA
    if given <= LARGEST_SPAN:
        what = f"a message of more than {int(given):,} bytes is dropped, and one Step can have {LARGEST_SPAN:,}"
        where = config.where(*at, "producer", "max_message_bytes")
        yield Diagnosis("error", "message_limit", where, what, "raise it, and message.max.bytes of the brokers")
