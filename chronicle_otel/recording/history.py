"""Lists that a Run has stored already, and request bodies that continue one of them, compared as bytes.

body ──locate──► offset of its history ──shared_with──► elements in common ──scan──► the new ones, parsed
"""

from __future__ import annotations

import bisect
import functools
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from .. import values

Path = tuple[int, ...]
Place = tuple[int, str, Path]
"""(seq, payload's attribute name, child ordinals)."""


@dataclass(slots=True)
class StoredList:
    """A list as an earlier Step recorded it. `text` holds its elements joined by commas, `ends` where each ends."""

    place: Place
    text: memoryview
    ends: list[int]
    base: tuple[Place, int] | None = None
    """The list that this one began with, and how many elements of it."""
    ordinals: dict[bytes, int] | None = None
    """Element text → ordinal, made when first needed."""

    def shared_with(self, data: bytes, start: int) -> int:
        """Count the leading elements that `data`, from `start` on, has in common with this list."""
        ends = self.ends
        if not ends or not data.startswith(self.text[: ends[0]], start):
            return 0
        if data.startswith(self.text, start):
            count = len(ends)
        else:
            count = bisect.bisect_left(range(len(ends)), True, key=lambda i: not data.startswith(self.text[: ends[i]], start))
        while count and data[start + ends[count - 1] : start + ends[count - 1] + 1] not in (b",", b"]", b""):
            count -= 1
        return count

    def element(self, ordinal: int) -> bytes:
        """Return the text of one element."""
        return bytes(self.text[self.ends[ordinal - 1] + 1 if ordinal else 0 : self.ends[ordinal]])

    def find(self, element: bytes) -> int | None:
        """Return the ordinal of an element of this text."""
        if self.ordinals is None:
            self.ordinals = {self.element(i): i for i in reversed(range(len(self.ends)))}
        return self.ordinals.get(element)


@dataclass(slots=True)
class Elements:
    """Elements of a list, in order."""

    raw: list[bytes] = field(default_factory=list[bytes])
    """Each as it stands in the body."""
    trees: list[Any] = field(default_factory=list[Any])
    texts: list[str] = field(default_factory=list[str])
    """Each tree's own text."""
    data: list[bytes] = field(default_factory=list[bytes])
    """That encoded."""
    ends: list[int] = field(default_factory=list[int])
    """Where each ends, counted from the first element of the list."""

    def behind(self, count: int) -> Elements:
        """Leave out the first ones."""
        if not count:
            return self
        return Elements(self.raw[count:], self.trees[count:], self.texts[count:], self.data[count:], self.ends[count:])


def written_elements(trees: list[Any]) -> Elements:
    """Write elements that are trees already; as a body they are joined by commas."""
    texts = [values.dumps(tree) for tree in trees]
    data = [text.encode() for text in texts]
    ends = [end + commas for commas, end in enumerate(itertools.accumulate(map(len, data)))]
    return Elements(data, trees, texts, data, ends)


def locate(body: bytes, members: Sequence[str]) -> tuple[int, dict[str, Any]] | None:
    """Find the history list in a request body: offset of its first element, and the members before it."""
    for member in members:
        mark = f'"{member}":['.encode()
        at = body.find(mark)
        for _ in range(4):
            if at < 0:
                break
            start = at + len(mark)
            before = _short_head(body[:start], member) if start <= _SHORT_HEAD else _head(body[:start], member)
            if before is not None:
                return start, before
            at = body.find(mark, start)
    return None


def _head(head: bytes, member: str) -> dict[str, Any] | None:
    """Return the members before the list with which a body's head ends; None where that is not in the body's own object."""
    try:
        found = json.loads(head + b"]}")
    except ValueError:
        return None
    if type(found) is not dict:
        return None
    before = cast("dict[str, Any]", found)
    return before if next(reversed(before)) == member and before.pop(member) == [] else None


_SHORT_HEAD = 1024
_short_head = functools.lru_cache(maxsize=64)(_head)
"""Heads of an agent's requests are mostly the same."""


def member_before(body: bytes, start: int) -> str:
    """Return the name of the member whose list begins at `start`."""
    end = start - 3  # ":[ and the closing quote
    return body[body.rindex(b'"', 0, end) + 1 : end].decode()


def scan_elements(body: bytes, position: int, start: int) -> Elements:
    """Parse list elements from `position` to the closing bracket; the list's first element begins at `start`."""
    found = Elements()
    text = body[position:].decode()
    at = 1 if text.startswith(",") else 0
    offset = position + at
    while at < len(text) and text[at] != "]":
        tree, own, data, end = values.scan_value(text, at)
        raw = data if len(own) == end - at and text.startswith(own, at) else text[at:end].encode()
        found.raw.append(raw)
        found.trees.append(tree)
        found.texts.append(own)
        found.data.append(data)
        offset += len(raw)
        found.ends.append(offset - start)
        if text[end : end + 1] == ",":
            end += 1
            offset += 1
        at = end
    return found
