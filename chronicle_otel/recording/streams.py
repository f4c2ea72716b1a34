"""Streams as they were taken on the hot path → events for the wire.

(ns, bytes) … of an SDK ──► server-sent events {"data"|"text", "event", "id", "retry"}
(ns, value) … of a generator ──► trees
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .. import values
from .steps import Snapshot

Chunk = tuple[int, Any]
"""(ms since the Step began, tree)."""


def generator_chunks(taken: Sequence[tuple[int, Any]], start_ns: int) -> list[Chunk]:
    """Encode the chunks of a generator."""
    return [((moment - start_ns) // 1_000_000, _tree(value)) for moment, value in taken]


def _tree(value: Any) -> Any:
    if isinstance(value, Snapshot):
        return values.to_tree(value.value) if value.copied else values.loads(value.text or "null")
    return values.to_tree(value)


def sse_chunks(taken: Iterable[tuple[int, Any]], start_ns: int) -> tuple[list[Chunk], int]:
    """Cut the bytes of an event stream into events, each with the time at which its last byte came.

    Returns the events and the number of bytes behind the last whole one (a broken stream may end in half an event,
    which no SDK ever sees). https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """
    chunks: list[Chunk] = []
    buffer = b""
    for moment, piece in taken:
        buffer += piece
        if b"\n\n" not in buffer and b"\r\n\r\n" not in buffer and b"\r\r" not in buffer:
            continue
        normal = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, buffer = normal.split(b"\n\n")
        at = (moment - start_ns) // 1_000_000
        chunks += [(at, event) for event in map(_event, whole) if event]
    return chunks, len(buffer)


def _event(block: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {}
    data: list[str] = []
    for line in block.decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name in ("event", "id", "retry"):
            event[name] = value
    if data:
        text = "\n".join(data)
        try:
            tree = values.loads(text)
        except ValueError:
            event["text"] = text
        else:
            event["data"] = values.tree_of_parsed(tree, text) if isinstance(tree, (dict, list)) else tree
    return event
