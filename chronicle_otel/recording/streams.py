"""Streams as they were taken on the hot path → events for the wire.

(ns, bytes) … of an SDK ──► server-sent events {"data"|"text", "event", "id", "retry"}
(ns, value) … of a generator ──► trees
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast

from .. import values
from ..wire.repeats import Repeat, leaves
from .steps import Snapshot
from .templates import Templates

Chunk = tuple[int, Any]
"""(ms since the Step began, tree or Repeat)."""


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
    templates = Templates()
    buffer = b""
    for moment, piece in taken:
        at = (moment - start_ns) // 1_000_000
        if not buffer and piece[-2:] == b"\n\n" and b"\r" not in piece:  # whole events, as they nearly always come
            whole = piece[:-2].split(b"\n\n")
        else:
            buffer += piece
            if b"\n\n" not in buffer and b"\r\n\r\n" not in buffer and b"\r\r" not in buffer:
                continue
            normal = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            *whole, buffer = normal.split(b"\n\n")
        for block in whole:
            event: Any = templates.match(block)
            if event is None:
                event = _event(block)
                if not event:
                    continue
                templates.learn(block, len(chunks), event)
            chunks.append((at, event))
    return chunks, len(buffer)


def gathered(chunks: Iterable[Chunk], joined: Collection[str]) -> list[Any]:
    """Return the events for a view: Repeats in a row as one event, with their strings joined and the last of their integers.

    `joined` are the members whose strings are pieces of one text; a Repeat that holds such a piece in common with its
    model stays an event of its own.
    """
    trees: list[Any] = []
    events: list[Any] = []  # each a tree, or Repeats in a row
    run: list[Repeat] = []
    pieces: dict[int, set[int]] = {}
    for _, event in chunks:
        trees.append(event)
        if type(event) is not Repeat:
            events.append(event)
            continue
        if event.of not in pieces:
            numbered = enumerate(leaves(trees[event.of]) or ())
            pieces[event.of] = {number for number, (name, value) in numbered if name in joined and value}
        if events[-1] is run and run[0].of == event.of and pieces[event.of].issubset(event.holes):
            run.append(event)
        else:
            events.append(run := [event])
    return [_joined(cast("list[Repeat]", event), trees) if type(event) is list else event for event in events]


def _joined(run: Sequence[Repeat], trees: Sequence[Any]) -> Any:
    first, last = run[0], run[-1]
    columns = zip(*(event.values for event in run))
    whole = [own if type(own) is int else "".join(map(str, column)) for own, column in zip(last.values, columns)]
    return Repeat(first.of, first.holes, whole).tree(trees[first.of])


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
