"""Linear storage: what an earlier Step of the Run has already recorded is written as a reference to it.

    payload tree ──► elements of its list already stored? ──► one range reference, and only the rest is looked at
                 └─► every string and container of ≥ 128 bytes: stored before? ──► a reference, else remembered

An agent sends its whole history again at every turn; without this a recording grows with the square of the turns.
Runs on the background thread, one Step at a time; targets are Steps that were written before, or this Step's own
earlier payloads. For an SDK's request the list is compared as bytes and only what is new is parsed.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from .. import semconv, values
from .history import Elements, Path, Place, StoredList, locate, member_before, scan_elements, written_elements
from .interceptor import HttpInput

SMALLEST = 128
"""Bytes of JSON text below which a reference would save nothing."""
LISTS = 16
"""Lists kept per Run, most recently used last (docs/wire-format.md, references)."""
SMALLEST_PARENT = 512
"""Bytes of a container below which the containers in it are not looked at one by one."""
SMALLEST_LIST = 1024
"""Bytes of a payload below which its list is not looked for."""
MOST_ELEMENTS = 50_000
"""Elements above which a list is data and no history: to look at each costs more than a range would save. It is known as a whole."""
LIST_BYTES = 64 * 1024 * 1024
"""Cap of the text that those lists hold together."""
_SHORTEST_RUN = 64
"""Bytes of list elements below which a range reference in the middle of a list would save nothing."""


@dataclass(slots=True)
class Written:
    """An SDK request as it is stored, and what of it is new in the Run."""

    text: str
    """The payload's text."""
    request: dict[str, Any] = field(default_factory=dict[str, Any])
    """The body without its history list."""
    new_elements: list[Any] = field(default_factory=list[Any])
    """Elements of the history that no earlier Step held."""


class Sharing:
    """What one Run has stored so far."""

    def __init__(self) -> None:
        self._known: dict[bytes, Place] = {}
        self._fresh: list[tuple[bytes, Place]] = []
        self._lists: list[StoredList] = []
        self._rests: dict[bytes, tuple[list[str], dict[str, Any]]] = {}
        self._constants: dict[Any, Place] = {}
        self._seq = 0
        self._payload = ""

    def payload(
        self, seq: int, payload: str, tree: Any, text: str | None = None, parts: Sequence[str] | None = None, *, target: bool = True
    ) -> str:
        """Return the text of a payload with references. `target=False`: later Steps may not refer to this one.

        `text` is the tree's own text, and `parts` are those of its children, if the caller has them.
        """
        if text is None:
            text = values.dumps(tree)
        if len(text) < SMALLEST:
            return text
        self._begin(seq, payload)
        place = _largest_list(tree) if len(text) >= SMALLEST_LIST else None
        text = self._emit(tree, (), text, None, parts) if place is None else self._emit_around(tree, (), place)
        self._commit(target)
        return text

    def stream(self, seq: int, tree: dict[str, Any], *, target: bool = True) -> str:
        """Return the text of a stream's payload: texts and frames may be known, its events are numbers that say when."""
        self._begin(seq, semconv.STREAM)
        numbered = enumerate(tree.items())
        members = [(name, (i,), value, values.dumps(value)) for i, (name, value) in numbered]
        texts = [f"{_quoted(name)}:{own if name == 'events' else self._emit(value, path, own)}" for name, path, value, own in members]
        self._commit(target)
        return f"{{{','.join(texts)}}}"

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
        head = f'{{"method":{_quoted(request.method)},"path":{_quoted(request.path)},"body":'
        try:
            written = self._known_body(request.body, members)
        except (ValueError, UnicodeDecodeError):
            written = None
        if written is None:
            tree, body = values.tree_and_text(request.body) if request.body else (None, "null")
            place = _largest_list(tree)
            body = self._emit(tree, (2,), body) if place is None else self._emit_around(tree, (2,), (2, *place))
            written = Written(body, {}, [])
            written.request, written.new_elements = without_history(tree, members)
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

    def _emit(self, node: Any, path: Path, text: str, data: bytes | None = None, parts: Sequence[str] | None = None) -> str:
        """Return a node's text, what is known of it replaced by references.

        `text` is its own, `data` the same, encoded, and `parts` are the texts of its children, if the caller has them.
        """
        if len(text) < SMALLEST:
            return text
        if type(node) is str:
            return self._refer(_quoted_bytes(node), path) or text
        known = self._refer(text.encode() if data is None else data, path)
        if known is not None:
            return known
        alone = False
        if type(node) is dict:
            if _is_marker(node) and semconv.TYPE not in node:
                return text
            children = cast("dict[str, Any]", node).values()
        elif type(node) is list:
            children = cast("list[Any]", node)
            alone = len(children) == 1  # then its text stands between the brackets
        else:
            return text
        replaced: dict[int, str] = {}
        for i, child in enumerate(children):
            if type(child) is str:
                if len(child) >= SMALLEST:
                    known = self._refer(_quoted_bytes(child), (*path, i))
                    if known is not None:
                        replaced[i] = known
            elif type(child) in _CONTAINERS and len(text) >= SMALLEST_PARENT and child:
                own, own_data = (text[1:-1], None) if alone else values.dumps_bytes(child) if parts is None else (parts[i], None)
                if len(own) >= SMALLEST:
                    emitted = self._emit(child, (*path, i), own, own_data)
                    if emitted is not own:
                        replaced[i] = emitted
        return _rewritten(node, replaced) if replaced else text

    def _emit_around(self, node: Any, path: Path, list_path: Path) -> str:
        """Return the text of a node whose largest list is at `list_path`: that is written as a list, what is beside it by `_emit`.

        The containers around the list change whenever it grows: they are not looked up.
        """
        if path == list_path:
            return self._emit_list(node, path)
        replaced: dict[int, str] = {}
        for i, child in enumerate(cast("dict[str, Any]", node).values()):
            below = (*path, i)
            if below == list_path[: len(below)]:
                replaced[i] = self._emit_around(child, below, list_path)
            elif type(child) in _CONTAINERS or (type(child) is str and len(child) >= SMALLEST):
                replaced[i] = self._emit(child, below, values.dumps(child))
        return _rewritten(node, replaced)

    def _refer(self, data: bytes, path: Path) -> str | None:
        """Return a reference to an equal value stored before, or remember where this one is.

        `data` is what it is compared by: its JSON text, of strings `_quoted_bytes`.
        """
        digest = _blake2b(data, digest_size=16).digest()
        place = self._known.get(digest)
        if place is None:
            self._fresh.append((digest, (self._seq, self._payload, path)))
            return None
        return reference(place)

    # ---- lists

    def _emit_list(self, trees: list[Any], path: Path) -> str:
        elements = written_elements(trees)
        return self._elements(b",".join(elements.raw), 0, path, elements)[0]

    def _elements(self, data: bytes, start: int, path: Path, given: Elements | None) -> tuple[str, int, list[Any]]:
        """Emit a list whose element text begins at `start` of `data`.

        `given` are its elements where they were parsed already; else only what is new is parsed. Returns the list's
        text, the offset behind its last element, and the new elements.
        """
        best, shared = None, 0
        for stored in reversed(self._lists):
            count = stored.shared_with(data, start)
            if count > shared:
                best, shared = stored, count
                if count == len(stored.ends):
                    break
        if given is not None:
            new, ends = given.behind(shared), given.ends
        else:
            new = scan_elements(data, start + (best.ends[shared - 1] if best is not None else 0), start)
            ends = best.ends[:shared] + new.ends if best is not None else new.ends
        parts: list[str] = []
        if best is not None and shared:
            parts.append(range_reference(best.place, 0, shared, best.base))
        whole = best is not None and shared == len(best.ends)
        other = None if whole else best or (self._lists[-1] if self._lists else None)  # kept further down, after an edit
        parts += self._emit_new(new, path, shared, other)
        end = ends[-1] if ends else 0
        base = (best.place, shared) if best is not None else None
        stored = StoredList((self._seq, self._payload, path), memoryview(data)[start : start + end], ends, base)
        self._keep(stored, best if whole else None)
        return f"[{','.join(parts)}]", start + end, new.trees

    def _emit_new(self, new: Elements, path: Path, first: int, other: StoredList | None) -> list[str]:
        """Emit elements that are not in the common head; runs that stand further down in `other` become ranges."""
        parts: list[str] = []
        raw = new.raw
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
            parts.append(self._emit(new.trees[i], (*path, first + i), new.texts[i], new.data[i]))
            i += 1
        return parts

    def _keep(self, stored: StoredList, contained: StoredList | None) -> None:
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
        located = locate(body, members)
        if located is None:
            return None
        start, before = located
        path = (2, len(before))
        text, end, fresh = self._elements(body, start, path, None)
        if body[end : end + 1] != b"]":
            return None
        member = member_before(body, start)
        parts = self._emit_members(before, 0)
        parts.append(f"{_quoted(member)}:{text}")
        after = self._rest(body[end + 1 :], {*before, member})
        if after is None:
            return None
        emitted, tail = after
        return Written(f"{{{','.join(parts + emitted)}}}", {**before, **tail}, fresh)

    def _rest(self, rest: bytes, before: set[str]) -> tuple[list[str], dict[str, Any]] | None:
        """Emit the members behind the history, mostly the same in all calls; None where they are not as they should be."""
        known = self._rests.get(rest)
        if known is not None:
            return known
        parsed = values.tree_of_json(b'{"":0' + rest)
        if type(parsed) is not dict or "" not in parsed:
            return None
        tail = cast("dict[str, Any]", parsed)
        tail.pop("")
        if not tail.keys().isdisjoint(before):
            return None  # a member name that stands twice
        count = len(self._fresh)
        emitted = self._emit_members(tail, len(before))
        if len(self._fresh) == count:  # nothing of it is new any more: it will read the same next time
            if len(self._rests) >= LISTS:
                self._rests.clear()
            self._rests[rest] = (emitted, tail)
        return emitted, tail

    def _emit_members(self, members: dict[str, Any], first: int) -> list[str]:
        numbered = enumerate(members.items(), first)
        return [f"{_quoted(name)}:{self._emit(value, (2, i), values.dumps(value))}" for i, (name, value) in numbered]


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


def _rewritten(node: Any, replaced: dict[int, str]) -> str:
    """Return the text of a container with the texts of some children given."""
    if type(node) is list:
        return f"[{','.join([replaced.get(i) or values.dumps(child) for i, child in enumerate(cast('list[Any]', node))])}]"
    members = enumerate(cast("dict[str, Any]", node).items())
    return f"{{{','.join([f'{_quoted(name)}:{replaced.get(i) or values.dumps(child)}' for i, (name, child) in members])}}}"


def _quoted_bytes(text: str) -> bytes:
    """Return what stands for a string where values are compared: equal for equal strings, and never that of a container."""
    try:
        return f'"{text}'.encode()
    except UnicodeEncodeError:
        return f'"{values.join_surrogates(text)}'.encode("utf-8", "surrogatepass")


# ---- looking at trees ---------------------------------------------------------------------------


_CONTAINERS = frozenset({dict, list})
_blake2b = hashlib.blake2b

_quoted = functools.lru_cache(maxsize=4096)(values.dumps)
"""Text of a member name: names are few and repeat."""


def _is_marker(node: Any) -> bool:
    return len(node) == 1 and next(iter(node)).startswith(semconv.MARKER_PREFIX)


def without_history(body: Any, members: Sequence[str]) -> tuple[dict[str, Any], list[Any]]:
    """Take a request body apart: its members but for the history, and the history."""
    if type(body) is not dict:
        return {}, []
    all_members = cast("dict[str, Any]", body)
    lists = [cast("list[Any]", all_members[name]) for name in members if isinstance(all_members.get(name), list)]
    history = lists[0] if lists else []
    return {name: value for name, value in all_members.items() if name not in members}, history


def _largest_list(tree: Any) -> Path | None:
    """Path of the list with the most text, at most three members deep; None where none is worth it."""
    best: Path | None = None
    size = SMALLEST_LIST // 2
    todo: list[tuple[Any, Path]] = [(tree, ())]
    while todo:
        node, path = todo.pop()
        if type(node) is list:
            length = len(values.dumps(node)) if 1 < len(cast("list[Any]", node)) <= MOST_ELEMENTS else 0
            if length > size:
                best, size = path, length
        elif type(node) is dict and len(path) < 3 and not _is_marker(node):
            members = enumerate(cast("dict[str, Any]", node).values())
            todo += [(value, (*path, i)) for i, value in members if type(value) in _CONTAINERS]
    return best
