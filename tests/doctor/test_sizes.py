"""The doctor's sizes are those that recording keeps to."""

from __future__ import annotations

from chronicle_otel.doctor import sizes
from chronicle_otel.recording import limits
from chronicle_otel.settings import Settings
from chronicle_otel.wire import attributes


def test_sizes_are_those_of_the_recorder() -> None:
    """What doctor measures others by is what the recorder writes: chunks, the largest span, attributes, a receiver's limit."""
    assert (attributes.CHUNK, Settings().span_bytes) == (sizes.CHUNK, sizes.LARGEST_SPAN)
    assert (sizes.ATTRIBUTES, sizes.RECEIVER_GRPC) == (limits.SMALLEST_COUNT, limits.RECEIVER_BYTES)
