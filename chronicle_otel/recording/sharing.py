"""Linear storage: what an earlier Step of the Run has already recorded is written as a reference to it.

    payload tree ──► elements of its list already stored? ──► one range reference, and only the rest is looked at
                 └─► every string and container of ≥ 128 bytes: stored before? ──► a reference, else remembered

An agent sends its whole history again at every turn; without this a recording grows with the square of the turns.
Runs on the background thread, one Step at a time; targets are Steps that were written before, or this Step's own
earlier payloads. For an SDK's request the list is compared as bytes and only what is new is parsed.
"""

from __future__ import annotations

import bisect
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import semconv, values
from .interceptor import HttpInput

SMALLEST = 128
"""Bytes of JSON text below which a reference would save nothing."""
LISTS = 16
"""Lists kept per Run, most recently used last (DESIGN, linear storage)."""
SMALLEST_LIST = 1024
"""Bytes of a payload below which its list is not looked for."""
LIST_BYTES = 64 * 1024 * 1024
"""Cap of the text that those lists hold together."""
_SHORTEST_RUN = 64
"""Bytes of list elements below which a range reference in the middle of a list would save nothing."""

Path = tuple[int, ...]
Place = tuple[int, str, Path]
"""(seq, payload's attribute name, child ordinals)."""

_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().raw_decode


@dataclass(slots=True)
class _StoredList:
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
        return bytes(self.text[self.ends[ordinal - 1] + 1 if ordinal else 0 : self.ends[ordinal]])

    def find(self, element: bytes) -> int | None:
        if self.ordinals is None:
            self.ordinals = {self.element(i): i for i in reversed(range(len(self.ends)))}
        return self.ordinals.get(element)


@dataclass(slots=True)
class Written:
    """An SDK request as it is stored, and what of it is new in the Run."""

    text: str
    """The payload's text."""
    request: dict[str, Any] = field(default_factory=dict)
    """The body without its history list."""
    new_elements: list[Any] = field(default_factory=list)
    """Elements of the history that no earlier Step held."""


class Sharing:
    """What one Run has stored so far."""

    def __init__(self) -> None:
        self._known: dict[bytes, Place] = {}
        self._fresh: list[tuple[bytes, Place]] = []
        self._lists: list[_StoredList] = []
        self._rests: dict[bytes, tuple[list[str], dict[str, Any]]] = {}
        self._constants: dict[Any, Place] = {}
        self._seq = 0
        self._payload = ""

    def payload(self, seq: int, payload: str, tree: Any, text: str | None = None, *, target: bool = True) -> str:
        """Return the text of a payload with references. `target=False`: later Steps may not refer to this one.

        `text` is the tree's own text, if the caller has it.
        """
        if text is None:
            text = values.dumps(tree)
        if len(text) < SMALLEST:
            return text
        self._begin(seq, payload)
        place = _largest_list(tree) if len(text) >= SMALLEST_LIST else None
        text = self._emit(tree, (), place, text)
        self._commit(target)
        return text

    def constant(self, seq: int, payload: str, key: Any, text: str) -> str:
        """Return the text of a payload that many Steps repeat as it is (`key` tells which one it is), or a reference to its first."""
        place = self._constants.get(key)
        if place is not None:
            return reference(place) if len(text) >= SMALLEST else text
        self._constants[key] = (seq, payload, ())
        return text

    def request(self, seq: int, request: HttpInput, members: Sequence[str], *, target: bool = True) -> Written:
        """Return the input payload `{method, path, body}` of an SDK call, its growing history as one range."""
        self._begin(seq, semconv.INPUT)
        head = f'{{"method":{values.dumps(request.method)},"path":{values.dumps(request.path)},"body":'
        try:
            written = self._known_body(request.body, members)
        except (ValueError, UnicodeDecodeError):
            written = None
        if written is None:
            tree = values.tree_of_json(request.body) if request.body else None
            place = _largest_list(tree)
            body = self._emit(tree, (2,), (2, *place) if place is not None else None)
            written = Written(body, {}, [])
            if isinstance(tree, dict):
                written.request = {k: v for k, v in tree.items() if k not in members}
                written.new_elements = next((tree[m] for m in members if isinstance(tree.get(m), list)), [])
        written.text = f"{head}{written.text}}}"
        self._commit(target)
        return written

    # ---- one payload

    def _begin(self, seq: int, payload: str) -> None:
        self._seq, self._payload = seq, payload
        self._fresh = []

    def _commit(self, target: bool) -> None:
        if target:
            for digest, place in self._fresh:
                self._known.setdefault(digest, place)
        self._fresh = []

    def _emit(self, node: Any, path: Path, list_path: Path | None = None, text: str | None = None) -> str:
        """Return a node's text, what is known of it replaced by references."""
        if list_path is not None:
            if path == list_path:
                return self._emit_list(node, path)
            if list_path[: len(path)] != path:
                list_path = None
        if text is None:
            text = values.dumps(node)
        if len(text) < SMALLEST:
            return text
        if list_path is None:
            known = self._refer(text, path)
            if known is not None:
                return known
        if type(node) is dict:
            if len(node) == 1:
                (name,) = node
                if name.startswith(semconv.MARKER_PREFIX) and name != semconv.TYPE:
                    return text
            children: list[tuple[Any, Any]] = list(node.items())
        elif type(node) is list:
            children = list(enumerate(node))
        else:
            return text
        replaced: dict[int, str] = {}
        for i, (_, child) in enumerate(children):
            if type(child) in _CONTAINERS and (_room(child) > 0 or (list_path is not None and list_path[len(path)] == i)) or (
                type(child) is str and len(child) >= SMALLEST
            ):
                own = values.dumps(child)
                emitted = self._emit(child, (*path, i), list_path, own)
                if emitted is not own and emitted != own:
                    replaced[i] = emitted
        if not replaced:
            return text
        parts = [replaced[i] if i in replaced else values.dumps(child) for i, (_, child) in enumerate(children)]
        if type(node) is list:
            return f"[{','.join(parts)}]"
        return f"{{{','.join(f'{values.dumps(name)}:{part}' for (name, _), part in zip(children, parts, strict=True))}}}"

    def _refer(self, text: str, path: Path) -> str | None:
        """Return a reference to equal text stored before, or remember where this one is."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        place = self._known.get(digest)
        if place is None:
            self._fresh.append((digest, (self._seq, self._payload, path)))
            return None
        return reference(place)

    # ---- lists

    def _emit_list(self, elements: list[Any], path: Path) -> str:
        texts = [values.dumps(element).encode() for element in elements]
        return self._elements(b",".join(texts), 0, path, _ends_of(texts), elements)[0]

    def _elements(
        self, data: bytes, start: int, path: Path, ends: list[int] | None, elements: Sequence[Any] | None
    ) -> tuple[str, int, list[Any]]:
        """Emit a list whose element text begins at `start` of `data`.

        `ends` and `elements` are given where the list was parsed already; else only what is new is parsed. Returns the
        list's text, the offset behind its last element, and the new elements.
        """
        best, shared = None, 0
        for stored in reversed(self._lists):
            count = stored.shared_with(data, start)
            if count > shared:
                best, shared = stored, count
                if count == len(stored.ends):
                    break
        offset = best.ends[shared - 1] if best is not None else 0  # relative to start
        own_ends: list[int]
        if ends is not None:
            own_ends = ends
            fresh = list(elements[shared:]) if elements is not None else []
            raw = [data[(own_ends[i - 1] + 1 if i else 0) : own_ends[i]] for i in range(shared, len(own_ends))]
        else:
            raw, fresh, added = _scan_elements(data, start + offset, start)
            own_ends = (best.ends[:shared] if best is not None and shared < len(best.ends) else best.ends if best is not None else []) + added
        parts: list[str] = []
        if best is not None and shared:
            parts.append(range_reference(best.place, 0, shared, best.base))
        whole = best is not None and shared == len(best.ends)
        other = None if whole else best or (self._lists[-1] if self._lists else None)  # kept further down, after an edit
        parts += self._emit_new(raw, fresh, path, shared, other)
        end = own_ends[-1] if own_ends else 0
        stored = _StoredList(
            (self._seq, self._payload, path), memoryview(data)[start : start + end], own_ends, (best.place, shared) if best is not None else None
        )
        self._keep(stored, best if whole else None)
        return f"[{','.join(parts)}]", start + end, fresh

    def _emit_new(self, raw: list[bytes], fresh: list[Any], path: Path, first: int, other: _StoredList | None) -> list[str]:
        """Emit elements that are not in the common head; runs that stand further down in `other` become ranges."""
        parts: list[str] = []
        i = 0
        while i < len(raw):
            at = other.find(raw[i]) if other is not None else None
            if other is not None and at is not None:
                run = 1
                while i + run < len(raw) and at + run < len(other.ends) and other.element(at + run) == raw[i + run]:
                    run += 1
                if sum(map(len, raw[i : i + run])) >= _SHORTEST_RUN:
                    parts.append(range_reference(other.place, at, at + run, None))
                    i += run
                    continue
            parts.append(self._emit(fresh[i], (*path, first + i)))
            i += 1
        return parts

    def _keep(self, stored: _StoredList, contained: _StoredList | None) -> None:
        """Remember a list; it takes the place of one that it contains whole."""
        if not stored.ends:
            return
        if contained is not None:
            self._lists.remove(contained)
        self._lists.append(stored)
        while len(self._lists) > LISTS or (len(self._lists) > 1 and sum(len(s.text) for s in self._lists) > LIST_BYTES):
            self._lists.pop(0)

    # ---- an SDK's request body, as bytes

    def _known_body(self, body: bytes, members: Sequence[str]) -> Written | None:
        located = _locate(body, members)
        if located is None:
            return None
        start, before = located
        path = (2, len(before))
        text, end, fresh = self._elements(body, start, path, None, None)
        if body[end : end + 1] != b"]":
            return None
        rest = body[end + 1 :]
        known = self._rests.get(rest)
        request = {name: value for name, value in before.items()}
        parts = [f"{values.dumps(name)}:{self._emit(value, (2, i))}" for i, (name, value) in enumerate(before.items())]
        parts.append(f"{values.dumps(_member_before(body, start))}:{text}")
        if known is None:
            tail = values.tree_of_json(b'{"":0' + rest)
            if not isinstance(tail, dict) or "" not in tail:
                return None
            tail.pop("")
            if not tail.keys().isdisjoint({*before, _member_before(body, start)}):
                return None  # a member name that stands twice
            count = len(self._fresh)
            emitted = [
                f"{values.dumps(name)}:{self._emit(value, (2, len(before) + 1 + i))}" for i, (name, value) in enumerate(tail.items())
            ]
            if len(self._fresh) == count:  # nothing of it is new any more: it will read the same next time
                if len(self._rests) >= LISTS:
                    self._rests.clear()
                self._rests[rest] = (emitted, tail)
        else:
            emitted, tail = known
        request.update(tail)
        return Written(f"{{{','.join(parts + emitted)}}}", request, fresh)


# ---- text of references ------------------------------------------------------------------------


def reference(place: Place) -> str:
    """`{"$chronicle.ref": [step, payload, path]}`."""
    seq, payload, path = place
    return f'{{"{semconv.REF}":[{seq},"{payload}",[{",".join(map(str, path))}]]}}'


def range_reference(place: Place, first: int, end: int, base: tuple[Place, int] | None) -> str:
    """A range of list elements, with the list that it was built on as second source."""
    seq, payload, path = place
    second = ""
    if base is not None and first == 0:
        (seq2, payload2, path2), count = base
        second = f',{seq2},"{payload2}",[{",".join(map(str, path2))}],{min(count, end)}'
    return f'{{"{semconv.REF}":[{seq},"{payload}",[{",".join(map(str, path))}],{first},{end}{second}]}}'


# ---- helpers of the byte side -------------------------------------------------------------------


_CONTAINERS = frozenset({dict, list})


def _room(node: Any, limit: int = SMALLEST) -> int:
    """Say (> 0) whether a container's text may have `limit` bytes, without writing it."""
    size = 2
    todo = [node]
    while todo:
        node = todo.pop()
        if type(node) is dict:
            items: Any = node.values()
            size += sum(map(len, node)) + 4 * len(node)
        else:
            items = node
            size += len(node)
        for item in items:
            kind = type(item)
            size += len(item) + 2 if kind is str else 2 if kind in _CONTAINERS else 5
            if kind in _CONTAINERS:
                todo.append(item)
        if size >= limit:
            return size
    return 0


def _ends_of(texts: Sequence[bytes]) -> list[int]:
    ends: list[int] = []
    position = -1
    for text in texts:
        position += 1 + len(text)
        ends.append(position)
    return ends


def _largest_list(tree: Any) -> Path | None:
    """Path of the list with the most text, at most three members deep; None where none is worth it."""
    best: Path | None = None
    size = SMALLEST_LIST // 2
    todo: list[tuple[Any, Path]] = [(tree, ())]
    while todo:
        node, path = todo.pop()
        if isinstance(node, list):
            length = len(values.dumps(node)) if len(node) > 1 else 0
            if length > size:
                best, size = path, length
        elif isinstance(node, dict) and len(path) < 3:
            if len(node) == 1 and next(iter(node)).startswith(semconv.MARKER_PREFIX):
                continue
            todo += [(value, (*path, i)) for i, value in enumerate(node.values()) if isinstance(value, (dict, list))]
    return best


def _locate(body: bytes, members: Sequence[str]) -> tuple[int, dict[str, Any]] | None:
    """Find the history list in a request body: offset of its first element, and the members before it."""
    for member in members:
        mark = f'"{member}":['.encode()
        at = body.find(mark)
        for _ in range(4):
            if at < 0:
                break
            start = at + len(mark)
            try:
                before = json.loads(body[:start] + b"]}")
            except ValueError:
                at = body.find(mark, start)
                continue
            if isinstance(before, dict) and next(reversed(before)) == member and before[member] == []:
                before.pop(member)
                return start, before
            at = body.find(mark, start)
    return None


def _member_before(body: bytes, start: int) -> str:
    end = start - 3  # ":[ and the closing quote
    return body[body.rindex(b'"', 0, end) + 1 : end].decode()


def _scan_elements(data: bytes, position: int, start: int) -> tuple[list[bytes], list[Any], list[int]]:
    """Parse list elements from `position` to the closing bracket: their bytes, values, and ends relative to `start`."""
    raw: list[bytes] = []
    fresh: list[Any] = []
    ends: list[int] = []
    text = data[position:].decode()
    ascii_only = len(text) == len(data) - position
    at = 1 if text.startswith(",") else 0
    offset = position + at
    while at < len(text) and text[at] != "]":
        value, end = _scan(text, at)
        length = end - at if ascii_only else len(text[at:end].encode())
        raw.append(data[offset : offset + length])
        fresh.append(values.tree_of_json(raw[-1]) if isinstance(value, (dict, list)) else value)
        offset += length
        ends.append(offset - start)
        if text[end : end + 1] == ",":
            end += 1
            offset += 1
        at = end
    return raw, fresh, ends
