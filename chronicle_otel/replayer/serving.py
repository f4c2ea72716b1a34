"""Whether a recorded outcome can be served, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .. import semconv, values
from .compare import is_hole, is_items, is_object

_OUTCOMES: Final = (semconv.OUTPUT, semconv.ERROR, semconv.STREAM)


@dataclass(frozen=True, slots=True)
class Unservable:
    """Why there is nothing to serve."""

    text: str
    judge: str | None = None
    """Set where the recording is at fault."""


def form_of(step: Any) -> str:
    """How the recorded Step ended, as far as that can be read."""
    form = str(step.form)
    return "none" if form == "stream" and step.stream is None else form


def unservable(step: Any, boundary: str) -> Unservable | None:
    """Say why the outcome of a recorded Step cannot be served, or None if it can. `boundary`: how to name it live."""
    form = form_of(step)
    for payload in _OUTCOMES:
        if payload in step.damage:
            what = f"its recorded {_word(payload)} is damaged ({step.damage[payload]})"
            return Unservable(f"{what}, and a damaged value is never served", what)
    if form == "none":
        return Unservable("the recording ends before this call had an outcome")
    tree = [step.stream["head"], [chunk for _, chunk in step.stream["chunks"]]] if form == "stream" else step.tree(semconv.OUTPUT)
    if tree is None or values.replayable(tree):
        return None
    word = "stream" if form == "stream" else "output"
    if _why(tree) == "capture":
        return Unservable(f"its {word} was not recorded (capture)")
    lossy = _lossy(tree)
    if lossy == semconv.BLOB:
        what = f"its recorded {word} lies in an external store that was not read"
        return Unservable(f"{what}: give it, or a copy of it, with store=… or CHRONICLE_STORE (chronicle check says where it lies)", what)
    what = f"its recorded {word} holds something that could not be recorded ({lossy})"
    return Unservable(f'{what}: run it live (live=["{boundary}"]), or return plain data from it', what)


def _word(payload: str) -> str:
    return payload.removeprefix("chronicle.")


def _why(tree: Any) -> Any:
    content = tree.get(semconv.OPAQUE) if is_object(tree) else None
    return content.get("why") if is_object(content) else None


def _lossy(tree: Any) -> str:
    """Name the first thing in a tree that cannot be served."""
    work = [tree]
    while work:
        node = work.pop()
        if is_object(node):
            content = node.get(semconv.TYPE)
            if is_items(content) and content and content[0] == "?":
                return str(content[1].get("type", "?")) if len(content) > 1 and is_object(content[1]) else "?"
            if semconv.BLOB in node and is_hole(node):
                return semconv.BLOB
            if is_hole(node):
                return str(_why(node) or "taken out")
            work.extend(node.values())
        elif is_items(node):
            work.extend(node)
    return "?"
