"""The markers that may stand in a payload: objects with one member whose name begins with `$chronicle.`."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from chronicle_otel import semconv

StepId: TypeAlias = int | tuple[str, int]
"""`chronicle.seq` in the same Run, or (run id, seq)."""

_NAMES: Final = frozenset({semconv.REF, semconv.PIECE, semconv.TYPE, semconv.BLOB, semconv.OPAQUE})
_RUN: Final = re.compile(r"[0-9a-f]{32}")
_PAYLOAD: Final = re.compile(r"[a-z.]{1,32}")
_MOST: Final = 999_999_999
"""Integers in a reference have at most 9 digits, so that none looks like a card number."""


@dataclass(frozen=True, slots=True)
class Source:
    """A place in another payload."""

    step: StepId
    payload: str
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a `$chronicle.ref` says."""

    source: Source
    begin: int | None = None
    """First element, for a reference that stands for elements of a list; None: the value itself."""
    end: int = 0
    second: Source | None = None
    """Where the same list began, if the first source is lost."""
    second_end: int = 0
    """Elements from `begin` up to this one are in the second source, too."""


def is_marker(tree: Any) -> bool:
    """Say whether a tree is one of the markers."""
    return type(tree) is dict and len(cast("dict[str, Any]", tree)) == 1 and next(iter(tree)) in _NAMES


def make_ref(
    step: StepId,
    payload: str,
    path: Sequence[int],
    begin: int | None = None,
    end: int = 0,
    *,
    second: tuple[StepId, str, Sequence[int], int] | None = None,
) -> dict[str, Any]:
    """Make the reference to a value; with `begin` and `end` to elements of a list, `second` as (step, payload, path, end)."""
    content: list[Any] = [list(step) if isinstance(step, tuple) else step, payload, list(path)]
    if begin is not None:
        content += [begin, end]
        if second is not None:
            content += [list(second[0]) if isinstance(second[0], tuple) else second[0], second[1], list(second[2]), second[3]]
    return {semconv.REF: content}


def parse_ref(tree: Any) -> Reference | None:
    """Return what a reference says, or None if the tree is no well-formed reference."""
    if not is_marker(tree):
        return None
    content = tree.get(semconv.REF)
    if type(content) is not list:
        return None
    parts = cast("list[Any]", content)
    if len(parts) not in (3, 5, 9) or (source := _source(parts[:3])) is None:
        return None
    if len(parts) == 3:
        return Reference(source)
    if not (_number(parts[3]) and _number(parts[4]) and parts[3] <= parts[4]):
        return None
    if len(parts) == 5:
        return Reference(source, parts[3], parts[4])
    second = _source(parts[5:8])
    if second is None or not _number(parts[8]):
        return None
    return Reference(source, parts[3], parts[4], second, parts[8])


def _source(parts: list[Any]) -> Source | None:
    step, payload, path = parts
    if type(step) is list:
        run, *rest = cast("list[Any]", step) or [None]
        if not (isinstance(run, str) and _RUN.fullmatch(run) and len(rest) == 1 and _number(rest[0])):
            return None
        step = (run, rest[0])
    elif not _number(step):
        return None
    if not (isinstance(payload, str) and _PAYLOAD.fullmatch(payload) and type(path) is list and all(map(_number, cast("list[Any]", path)))):
        return None
    return Source(cast("StepId", step), payload, tuple(cast("list[int]", path)))


def _number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST


def hole(why: str, step: StepId) -> dict[str, Any]:
    """Make the opaque value that stands where a reference leads nowhere."""
    return {semconv.OPAQUE: {"why": why, "step": list(step) if isinstance(step, tuple) else step}}
