"""What happens to spans on their way out, counted: as OpenTelemetry metrics, and for ourselves.

Without a MeterProvider in the application the instruments do nothing; one that is set later gets them too. Names, units
and attributes: docs/exporting.md.
"""

from __future__ import annotations

import collections
import threading
import weakref
from collections.abc import Iterable
from typing import Any

from opentelemetry import metrics

from .. import _guard
from ..version import __version__

EXPORTED = "chronicle.spans.exported"
UNSENT = "chronicle.spans.unsent"
DROPPED = "chronicle.spans.dropped"
SENT_BYTES = "chronicle.export.size"
OPAQUE = "chronicle.strings.opaque"
STORED = "chronicle.strings.stored"
STORE_FAILED = "chronicle.store.failures"
QUEUE = "chronicle.queue.size"
FAILURES = "chronicle.failures"
_COUNTERS = {
    EXPORTED: ("{span}", "Spans that an OTLP endpoint took"),
    UNSENT: ("{span}", "Spans written to the folder of unsent spans, by reason"),
    DROPPED: ("{span}", "Spans that are lost, by reason"),
    SENT_BYTES: ("By", "Bytes of requests that an OTLP endpoint took, before compression"),
    OPAQUE: ("{string}", "Strings left out of a span because it would have been too large"),
    STORED: ("{string}", "Strings moved to the external store"),
    STORE_FAILED: ("{failure}", "Strings that the external store did not take"),
}
_REASON = "chronicle.reason"

totals: collections.Counter[str] = collections.Counter()
"""What was counted in this process: by instrument, and by `instrument reason`."""
_lock = threading.Lock()
_instruments: dict[str, Any] = {}
_queues: weakref.WeakSet[Any] = weakref.WeakSet()


def count(name: str, amount: int = 1, reason: str | None = None) -> None:
    """Add to a counter; `reason` is one of a few fixed words."""
    with _lock:
        totals[name] += amount
        if reason is not None:
            totals[f"{name} {reason}"] += amount
    try:
        _made()[name].add(amount, {_REASON: reason} if reason is not None else {})
    except Exception as error:
        _guard.failed("count spans", error)


def watch(queue: Any) -> None:
    """Report the bytes that wait in a queue (its `waiting`) as long as it lives."""
    _queues.add(queue)
    _made()


def _made() -> dict[str, Any]:
    if not _instruments:
        with _lock:
            if not _instruments:
                meter = metrics.get_meter("chronicle_otel", __version__)
                made = {name: meter.create_counter(name, unit, about) for name, (unit, about) in _COUNTERS.items()}
                meter.create_observable_up_down_counter(QUEUE, [_waiting], "By", "Bytes of spans that wait to be sent")
                meter.create_observable_counter(FAILURES, [_failed], "{failure}", "Failures of chronicle itself, by place")
                _instruments.update(made)
    return _instruments


def _waiting(_options: Any) -> Iterable[metrics.Observation]:
    return [metrics.Observation(sum(queue.waiting for queue in list(_queues)))]


def _failed(_options: Any) -> Iterable[metrics.Observation]:
    return [metrics.Observation(times, {"chronicle.place": place}) for place, times in list(_guard.failures.items())]
