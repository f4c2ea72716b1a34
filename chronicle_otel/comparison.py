"""Two recorded Runs, Step by Step: aligned by kind and name, then compared by content. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from . import semconv
from .reading import Run, Step
from .replayer.compare import MISSING, Difference, diff

_PAYLOADS = {"input": semconv.INPUT, "output": semconv.OUTPUT, "error": semconv.ERROR, "stream": semconv.STREAM}


@dataclass(frozen=True, slots=True)
class Pair:
    """A Step of one Run and its counterpart in the other."""

    op: Literal["equal", "changed", "removed", "added"]
    """removed: only in the first Run; added: only in the second."""
    a: Step | None
    b: Step | None
    differences: tuple[tuple[str, Difference], ...] = ()
    """(input, output, error or stream; where they differ). `recorded` is the first Run's side, `live` the second's."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON trees."""
        found = [
            {"payload": payload, "place": one.place, "op": one.op, **_side("a", one.recorded), **_side("b", one.live)}
            for payload, one in self.differences
        ]
        return {"op": self.op, "a": _step(self.a), "b": _step(self.b), "differences": found}


def _side(name: str, value: Any) -> dict[str, Any]:
    return {} if value is MISSING else {name: value}


def _step(step: Step | None) -> dict[str, Any] | None:
    return None if step is None else {"seq": step.seq, "kind": step.kind, "name": step.name}


def compare_runs(a: Run, b: Run) -> list[Pair]:
    """Align the Steps of two Runs and compare their inputs and outcomes, in the order of the first Run."""
    return list(_pairs(a, b))


def _pairs(a: Run, b: Run) -> Iterator[Pair]:
    names_a, names_b = [[(step.kind, step.name) for step in run.steps] for run in (a, b)]
    for _op, a1, a2, b1, b2 in difflib.SequenceMatcher(None, names_a, names_b, autojunk=False).get_opcodes():
        if _op == "equal":
            for one, other in zip(a.steps[a1:a2], b.steps[b1:b2], strict=True):
                found = tuple(_differences(one, other))
                yield Pair("changed" if found else "equal", one, other, found)
        else:
            yield from (Pair("removed", step, None) for step in a.steps[a1:a2])
            yield from (Pair("added", None, step) for step in b.steps[b1:b2])


def _differences(a: Step, b: Step) -> Iterator[tuple[str, Difference]]:
    for word, payload in _PAYLOADS.items():
        trees = [step.tree(payload) for step in (a, b)]
        if trees == [None, None]:
            continue
        if None in trees and word != "output":
            yield word, Difference((), "changed", *(MISSING if tree is None else tree for tree in trees))
        elif None not in trees:
            yield from ((word, one) for one in diff(*(_stable(word, tree) for tree in trees)))


def _stable(word: str, tree: Any) -> Any:
    """Leave out what differs between any two runs: the times of a stream's chunks."""
    if word == "stream" and isinstance(tree, dict) and "chunks" in tree:
        stream = cast("dict[str, Any]", tree)
        return {**stream, "chunks": [chunk[1] for chunk in stream["chunks"]]}
    return cast("Any", tree)
