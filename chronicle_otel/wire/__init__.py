"""Wire format 1: how an Envelope stands on a span. Reader and writer, side by side (docs/wire-format.md).

Envelope ──to_attributes──► span attributes ──► … ──► from_attributes ──► Envelope
chunks ──encode_stream──► payload tree ──decode_stream──► chunks
payload trees with references ──Resolver──► payload trees without
"""

from __future__ import annotations

from chronicle_otel.wire.attributes import CHUNK, VERSION, AttributeValue, from_attributes, split, to_attributes
from chronicle_otel.wire.markers import Reference, hole, is_marker, make_ref, parse_ref
from chronicle_otel.wire.references import Problem, Resolver, Target, resolve
from chronicle_otel.wire.streams import decode_stream, encode_stream

__all__ = [
    "CHUNK",
    "VERSION",
    "AttributeValue",
    "Problem",
    "Reference",
    "Resolver",
    "Target",
    "decode_stream",
    "encode_stream",
    "from_attributes",
    "hole",
    "is_marker",
    "make_ref",
    "parse_ref",
    "resolve",
    "split",
    "to_attributes",
]
