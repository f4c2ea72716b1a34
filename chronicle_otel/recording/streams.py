"""Streams as they were taken on the hot path → events for the wire.

(ns, bytes) … of an SDK ──► server-sent events {"data"|"text", "event", "id", "retry"}
(ns, value) … of a generator ──► trees
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from .. import values
from ..wire.repeats import Repeats, leaves, refilled
from ..wire.streams import Chunk
from .steps import Snapshot
from .templates import Templates


def generator_chunks(taken: Sequence[tuple[int, Any]], start_ns: int) -> list[Chunk]:
    """Encode the chunks of a generator."""
    return [((moment - start_ns) // 1_000_000, _tree(value)) for moment, value in taken]


def _tree(value: Any) -> Any:
    if isinstance(value, Snapshot):
        return values.to_tree(value.value) if value.copied else values.loads(value.text or "null")
    return values.to_tree(value)


def sse_chunks(taken: Sequence[tuple[int, bytes]], start_ns: int) -> tuple[list[Chunk], int]:
    """Cut the bytes of an event stream into events, each with the time at which its last byte came.

    Returns the events and the number of bytes behind the last whole one (a broken stream may end in half an event,
    which no SDK ever sees). https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """
    blocks, moments, left = _blocks(taken, start_ns)
    chunks: list[Chunk] = []
    templates = Templates()
    at = 0
    while at < len(blocks):
        found = templates.match(blocks, at)
        if found is not None:
            chunks.append((moments[at : at + found.count], found))
            at += found.count
            continue
        event = _event(blocks[at])
        if event:
            templates.learn(blocks[at], len(chunks), event)
            chunks.append((moments[at], event))
        at += 1
    return chunks, left


def _blocks(taken: Sequence[tuple[int, bytes]], start_ns: int) -> tuple[list[bytes], list[int], int]:
    """Return the blocks that blank lines end, the ms at which each was whole, and the number of bytes behind the last one."""
    came = [(moment - start_ns) // 1_000_000 for moment, _ in taken]
    pieces = [piece for _, piece in taken]
    whole = b"".join(pieces)
    lengths = list(map(len, pieces))
    if b"\r" in whole:
        whole = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lengths = list(_lengths_with_one_newline(pieces))
    *blocks, rest = whole.split(b"\n\n")
    sizes = [len(block) + 2 for block in blocks]
    if sizes == lengths:
        return blocks, came, len(rest)
    arrived = list(accumulate(lengths))
    moments = [came[bisect_left(arrived, end)] for end in accumulate(sizes)]
    return blocks, moments, len(rest)


def _lengths_with_one_newline(pieces: Iterable[bytes]) -> Iterator[int]:
    r"""Yield the lengths of pieces in which \r\n counts as one character, also where it is cut in two."""
    before = b""
    for piece in pieces:
        yield len(piece) - piece.count(b"\r\n") - (before[-1:] == b"\r" and piece[:1] == b"\n")
        before = piece or before


def gathered(chunks: Iterable[Chunk], joined: Collection[str]) -> list[Any]:
    """Return the events for a view: Repeats as one event, with their strings joined and the last of their integers.

    `joined` are the members whose strings are pieces of one text; Repeats that hold such a piece in common with their
    model stay events of their own.
    """
    trees: list[Any] = []
    events: list[Any] = []
    for _, event in chunks:
        trees.append(event)
        if type(event) is not Repeats:
            events.append(event)
            continue
        model = trees[event.of]
        pieces = {number for number, (name, value) in enumerate(leaves(model) or ()) if name in joined and value}
        if pieces.issubset(event.holes):
            whole = [column[-1] if type(column[0]) is int else "".join(map(str, column)) for column in event.columns]
            events.append(refilled(model, dict(zip(event.holes, whole, strict=True))))
        else:
            events += event.trees(model)
    return events


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
