"""Limits of an OpenTelemetry SDK that would damage what is recorded, each with the setting to change. Pure: nothing is sent or logged.

environment ──► environment_limits ──┐
                                     ├──► [Limit(what, where, setting)]      `init` warns of them, `chronicle doctor` lists them
application's provider ──► provider_limits ──┘
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

SMALLEST_LENGTH = 2000
"""Bytes of one string in an envelope (docs/wire-format.md); a lower limit on the length of attributes cuts payloads."""
SMALLEST_COUNT = 64
"""Attributes that a Step may have, with its view and some of the application's own; SDKs drop the oldest above their limit."""
RECEIVER_BYTES = 4 * 1024 * 1024
"""What an OTLP receiver takes in one request, by default."""
TYPICAL_BYTES = 20_000
"""A Step of an agent with tools and some history, in round figures: batches are judged by it."""

_OWN = 'chronicle.init(export="own")'


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that damages or drops spans."""

    what: str
    """What it does to a recording."""
    where: str
    """The variable or the object that says so."""
    setting: str
    """What to do about it."""
    kind: str = ""
    """A word for programs: switched_off, string_cut, attributes_evicted, sampled, batch_by_count."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.setting}"


def environment_limits(environ: Mapping[str, str] = os.environ) -> list[Limit]:
    """Return what OpenTelemetry's environment variables would do to a recording that goes through the application's SDK."""
    return [*_switched_off(environ), *_lengths(environ), *_counts(environ), *_sampler(environ)]


def _switched_off(environ: Mapping[str, str]) -> Iterator[Limit]:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        yield Limit("the SDK records and exports nothing", "OTEL_SDK_DISABLED=true", "unset it, or give init a path", "switched_off")


def _lengths(environ: Mapping[str, str]) -> Iterator[Limit]:
    for name in ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"):
        length = _number(environ.get(name))
        if length is not None and length < SMALLEST_LENGTH:
            yield _cut(f"{name}={length}", length, f"unset it or raise it to {SMALLEST_LENGTH}, or use {_OWN}")


def _counts(environ: Mapping[str, str]) -> Iterator[Limit]:
    for name in ("OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"):
        count = _number(environ.get(name))
        if count is not None and count < SMALLEST_COUNT:
            yield _evicted(f"{name}={count}", count, f"unset it or raise it to {SMALLEST_COUNT}, or use {_OWN}")


def _sampler(environ: Mapping[str, str]) -> Iterator[Limit]:
    name = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    where = f"OTEL_TRACES_SAMPLER={name}"
    setting = "set it to parentbased_always_on, and sample whole runs in the collector"
    if name.endswith("always_off"):
        yield Limit("no Run is recorded", where, setting, "switched_off")
    elif name.endswith("traceidratio"):
        argument = environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
        try:
            ratio = float(argument or "1")
        except ValueError:
            return
        if ratio < 1:
            yield Limit(
                f"of 100 Runs about {100 * ratio:g} are recorded, the others not at all", f"{where} ({argument})", setting, "sampled"
            )


def application_limits(provider: Any) -> list[Limit]:
    """Return what the application's tracing would do to a recording: its provider as it is, and whether it works at all."""
    return [*_switched_off(os.environ), *provider_limits(provider)]


def sampler_limits(provider: Any) -> list[Limit]:
    """Return what sampling would do to what is exported by ourselves: all else of an SDK does not matter there."""
    return [*(_sampler_of(provider) if hasattr(provider, "sampler") else _sampler(os.environ))]


def provider_limits(provider: Any) -> list[Limit]:
    """Return what a TracerProvider of the SDK, as it was made in code, would do to a recording.

    The SDK shows its limits and processors only in private members; what is not there is not judged.
    """
    return [*_span_limits(provider), *_sampler_of(provider), *(limit for each in _processors(provider) for limit in _batches(each))]


def _span_limits(provider: Any) -> Iterator[Limit]:
    limits = getattr(provider, "_span_limits", None)
    lengths = [getattr(limits, name, None) for name in ("max_span_attribute_length", "max_attribute_length")]
    length = min((each for each in lengths if isinstance(each, int)), default=None)
    if length is not None and length < SMALLEST_LENGTH:
        yield _cut(
            f"SpanLimits of the tracer provider ({length} characters)",
            length,
            f"unset OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT and OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, give SpanLimits none, or use {_OWN}",
        )
    count = getattr(limits, "max_span_attributes", None)
    if isinstance(count, int) and count < SMALLEST_COUNT:
        yield _evicted(
            f"SpanLimits of the tracer provider ({count} attributes)",
            count,
            f"raise max_span_attributes to {SMALLEST_COUNT}, or use {_OWN}",
        )


def _sampler_of(provider: Any) -> Iterator[Limit]:
    sampler = getattr(provider, "sampler", None)
    sampler = getattr(sampler, "_root", sampler)
    ratio = getattr(sampler, "rate", None)
    if not isinstance(ratio, int | float):
        ratio = 0.0 if "AlwaysOff" in str(getattr(sampler, "get_description", lambda: "")()) else None
    if ratio is not None and ratio < 1:
        yield Limit(
            f"of 100 Runs about {100 * ratio:g} are recorded, the others not at all",
            "sampler of the tracer provider",
            "sample whole runs in the collector instead",
            "sampled",
        )


def _processors(provider: Any) -> Iterator[Any]:
    work: list[Any] = [getattr(provider, "_active_span_processor", None)]
    while work:
        processor = work.pop()
        inner = getattr(processor, "_span_processors", None)
        if isinstance(inner, Sequence):
            work += cast("Sequence[Any]", inner)
        elif processor is not None:
            yield processor


def _batches(processor: Any) -> Iterator[Limit]:
    """A batch processor counts spans; what it makes of large ones is one request that no receiver takes."""
    exporter: Any = None
    count: Any = None
    for holder in (getattr(processor, "_batch_processor", None), processor):
        exporter = exporter or getattr(holder, "_exporter", None) or getattr(holder, "span_exporter", None)
        count = count or getattr(holder, "_max_export_batch_size", None) or getattr(holder, "max_export_batch_size", None)
    exporter = getattr(exporter, "_exporter", exporter)  # one that redacts hands on to another
    if not isinstance(count, int) or "otlp" not in type(exporter).__module__ + type(exporter).__name__.lower():
        return
    if count * TYPICAL_BYTES > RECEIVER_BYTES:
        fits = RECEIVER_BYTES // 65_536
        yield Limit(
            f"a batch of {count} spans is one request: with spans above {RECEIVER_BYTES // count:,} bytes it is more than the 4 MiB that a "
            "receiver takes, and all of it is lost",
            "batch processor of the tracer provider",
            f"set OTEL_BSP_MAX_EXPORT_BATCH_SIZE={fits}, or use {_OWN}, which cuts by bytes",
            "batch_by_count",
        )


def _cut(where: str, length: int, setting: str) -> Limit:
    return Limit(f"attributes are cut at {length} characters; recordings made so cannot be replayed", where, setting, "string_cut")


def _evicted(where: str, count: int, setting: str) -> Limit:
    return Limit(
        f"a span keeps {count} attributes and loses the oldest, which are those of its envelope", where, setting, "attributes_evicted"
    )


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and value.strip().isdigit() else None
