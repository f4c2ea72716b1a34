"""Streams: chunks as texts, frames and events, so that 500 chunks cost little more than what they say.

    chunks ──which strings and integers vary, by place──► texts   each channel's pieces, joined
                                                        ├► frames  distinct events, a mark for each piece or integer
                                                        └► events  [ms, frame, length or integer …]

A *channel* is a string at one place: the same key path, the same `index` members and `type` beside it on the way.
It is joined whatever it means, so that whoever looks for an address in `texts` never sees half of one.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.wire.repeats import Repeats, tells_channels_apart

WHOLE: Final = 16
"""Shortest string that an event refers to as the whole of a text, instead of holding it again."""
Chunk = tuple[Any, Any]
"""(ms since the Step began, tree), or ([ms, …], Repeats) for chunks that repeat an earlier one."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FIELDS_OF: Final = {"dataclass": 2, "attrs": 2, "pydantic": 2, "namedtuple": 2, "tuple": 1}
"""Typed values that are looked into, and where in their marker their members stand."""
_UNSET: Final = object()


class _Place:
    """A place in the events: what is inside it, and whether the string or integer there varies."""

    __slots__ = ("first", "inside", "integers", "pieces", "strings", "text", "variants", "varies")

    def __init__(self) -> None:
        self.inside: dict[Any, _Place] = {}
        self.strings: dict[Any, _Place] = {}
        self.integers: dict[Any, _Place] = {}
        self.variants: dict[Any, _Place] = {}
        self.first: Any = _UNSET
        self.varies = False
        self.text: int | None = None
        self.pieces: list[str] = []


class _Reader:
    """Walks events in one order, twice: to learn what varies, and to make the frames."""

    def __init__(self, unsorted: set[str]) -> None:
        self.root = _Place()
        self.plans: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.unsorted = unsorted
        """Index members that number the events themselves; they tell no channels apart."""

    def plan(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return which members of an object tell channels apart."""
        chosen = tuple(name for name in names if tells_channels_apart(name) and name not in self.unsorted)
        self.plans[names] = chosen
        return chosen

    def variant(self, members: dict[str, Any], place: _Place) -> _Place:
        """Return the place of an object among its siblings, by its index and type."""
        names = tuple(members)
        chosen = self.plans.get(names)
        if chosen is None:
            chosen = self.plan(names)
        if not chosen:
            return place
        mark = tuple((name, members[name]) for name in chosen if type(members[name]) is int or type(members[name]) is str)
        found = place.variants.get(mark)
        if found is None:
            found = place.variants[mark] = _Place()
        return found

    def read(self, value: Any, place: _Place, tokens: list[Any]) -> None:
        """List the structure and the leaves of an event: a leaf is its place, then its value."""
        pairs: Iterable[tuple[Any, Any]]
        if type(value) is dict:
            members = cast("dict[str, Any]", value)
            place = self.variant(members, place)
            tokens.append(tuple(members))
            pairs = members.items()
        else:
            tokens.append(len(value))
            pairs = enumerate(value)
        for name, member in pairs:
            kind = type(member)
            if kind is str:
                inside = place.strings
            elif kind is int:
                inside = place.integers
            elif kind is dict or kind is list:
                if not member or (kind is dict and semconv.TYPE in member and not _open(member)):
                    tokens.append((kind, repr(member)))
                    continue
                child_name = -1 if kind is dict and "index" in member and type(value) is list and "index" not in self.unsorted else name
                child = place.inside.get(child_name)
                if child is None:
                    child = place.inside[child_name] = _Place()
                self.read(member, child, tokens)
                continue
            else:
                tokens.append((kind, repr(member)))
                continue
            leaf = inside.get(name)
            if leaf is None:
                leaf = inside[name] = _Place()
            if leaf.first is _UNSET:
                leaf.first = member
            elif not leaf.varies and leaf.first != member:
                leaf.varies = True
            tokens.append(leaf)
            tokens.append(member)

    def frame(self, value: Any, place: _Place, wholes: dict[str, int]) -> Any:
        """Return an event with marks in place of what varies."""
        if type(value) is dict:
            members = cast("dict[str, Any]", value)
            if semconv.TYPE in members and not _open(members):
                return members
            place = self.variant(members, place)
            return {name: self.part(name, member, place, value, wholes) for name, member in members.items()}
        return [self.part(index, item, place, value, wholes) for index, item in enumerate(value)]

    def part(self, name: Any, member: Any, place: _Place, parent: Any, wholes: dict[str, int]) -> Any:
        """Return one member of an event as it stands in its frame."""
        kind = type(member)
        if kind is str:
            leaf = place.strings[name]
            if leaf.varies and leaf.text is not None and not _broken(member):
                return {semconv.PIECE: leaf.text}
            return {semconv.PIECE: [wholes[member]]} if len(member) >= WHOLE and member in wholes else member
        if kind is int:
            return {semconv.PIECE: None} if place.integers[name].varies else member
        if (kind is dict or kind is list) and member:
            if kind is dict and semconv.TYPE in member and not _open(member):
                return member
            child_name = -1 if kind is dict and "index" in member and type(parent) is list and "index" not in self.unsorted else name
            return self.frame(member, place.inside[child_name], wholes)
        return member

    def crowded(self, events: int) -> set[str]:
        """Return index members with about as many values as there are events: they count events, not siblings."""
        found: set[str] = set()
        work = [self.root]
        while work:
            place = work.pop()
            if len(place.variants) > 8:
                values: dict[str, set[Any]] = {}
                for name, value in (pair for mark in place.variants for pair in mark):
                    values.setdefault(name, set()).add(value)
                found.update(name for name, different in values.items() if len(different) > 8 and len(different) * 2 > events)
            work += place.inside.values()
            work += place.variants.values()
        return found - self.unsorted


def _broken(text: str) -> bool:
    """Say whether half a character is in the text: its other half may be in the next chunk, so it must not be joined."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def _open(marker: dict[str, Any]) -> bool:
    """Say whether a typed value holds members that are looked into."""
    content = marker[semconv.TYPE]
    if len(marker) != 1 or type(content) is not list or not content:
        return len(marker) != 1
    name = cast("Any", content[0])
    return isinstance(name, str) and name in _FIELDS_OF and len(cast("list[Any]", content)) > _FIELDS_OF[name]


def encode_stream(chunks: Sequence[Chunk], *, end: str, consumed: int | None = None, head: Any = None) -> dict[str, Any]:
    """Return the `chronicle.stream` payload of chunks, given as (ms since the Step began, tree) or ([ms, …], Repeats).

    `end` is one of finished, closed, cancelled, error and abandoned; `consumed` how many chunks the consumer took, all by
    default; `head` the `{status, headers, attempts}` of an SDK's stream.
    """
    try:
        texts, frames, events = _compacted(chunks)
    except RecursionError:
        whole = list(_whole(chunks))
        texts, frames = [], [tree for _, tree in whole]
        events = [[ms, number] for number, (ms, _) in enumerate(whole)]
    stream: dict[str, Any] = {
        "texts": texts,
        "frames": frames,
        "events": events,
        "end": end,
        "consumed": len(events) if consumed is None else consumed,
    }
    if head is not None:
        stream["head"] = head
    return stream


def _whole(chunks: Sequence[Chunk]) -> Iterator[tuple[int, Any]]:
    """Yield every chunk in full, with its ms."""
    for ms, tree in chunks:
        if type(tree) is Repeats:
            yield from zip(ms, tree.trees(chunks[tree.of][1]), strict=True)
        else:
            yield ms, tree


def _compacted(chunks: Sequence[Chunk]) -> tuple[list[str], list[Any], list[list[int]]]:
    """Return texts, frames and events."""
    reader, read, models = _read(chunks)
    places: list[_Place] = []
    numbers: dict[tuple[Any, ...], int] = {}
    frame_of: list[int] = []
    firsts: list[Any] = []
    events: list[list[int]] = []
    for (ms, tree), tokens in zip(chunks, read, strict=True):
        if type(tree) is Repeats:
            frame_of.append(frame_of[tree.of])
            events += map(list, zip(ms, repeat(frame_of[-1]), *models[tree.of].marks(tree)))
            continue
        signature, marks = _split(tokens, places)
        number = numbers.setdefault(signature, len(firsts))
        if number == len(firsts):
            firsts.append(tree)
        frame_of.append(number)
        events.append([ms, number, *marks])
    texts = ["".join(place.pieces) for place in places]
    wholes = {text: number for number, text in reversed(list(enumerate(texts)))}
    return texts, [reader.frame([first], reader.root, wholes)[0] for first in firsts], events


def _read(chunks: Sequence[Chunk]) -> tuple[_Reader, list[list[Any]], dict[int, _Model]]:
    """Learn from all chunks what varies. Returns their tokens, none for Repeats, and the models of those."""
    unsorted: set[str] = set()
    for _ in range(4):
        reader = _Reader(unsorted)
        read: list[list[Any]] = []
        models: dict[int, _Model] = {}
        count = 0
        for _, tree in chunks:
            tokens: list[Any] = []
            if type(tree) is Repeats:
                if tree.of not in models:
                    models[tree.of] = _Model(read[tree.of])
                models[tree.of].read(tree)
                count += tree.count
            else:
                reader.read([tree], reader.root, tokens)
                count += 1
            read.append(tokens)
        crowded = reader.crowded(count)
        if not crowded:
            break
        unsorted = unsorted | crowded
    return reader, read, models  # type: ignore[reportPossiblyUnboundVariable]  # the loop runs at least once


class _Model:
    """A chunk that others repeat: its tokens, and what of them varies."""

    __slots__ = ("_tokens", "at")

    def __init__(self, tokens: list[Any]) -> None:
        self._tokens = tokens
        self.at = [i for i, token in enumerate(tokens) if type(token) is _Place]

    def read(self, repeats: Repeats) -> None:
        """Learn what varies."""
        for hole, column in zip(repeats.holes, repeats.columns, strict=True):
            place = self._tokens[self.at[hole]]
            if not place.varies and column.count(place.first) < repeats.count:
                place.varies = True

    def marks(self, repeats: Repeats) -> Iterator[Iterable[Any]]:
        """Yield the values of each mark, one for each chunk; collect the pieces of its texts, as `_split` does."""
        columns: dict[int, Sequence[Any]] = {self.at[hole]: column for hole, column in zip(repeats.holes, repeats.columns, strict=True)}
        for i in self.at:
            place, own = self._tokens[i], self._tokens[i + 1]
            if not place.varies:
                continue
            column = columns.get(i)
            if type(own) is int:
                yield repeat(own) if column is None else column
            elif column is not None:
                place.pieces += column
                yield map(len, column)
            elif not _broken(own):
                place.pieces += repeat(own, repeats.count)
                yield repeat(len(own))


def _split(tokens: list[Any], places: list[_Place]) -> tuple[tuple[Any, ...], list[int]]:
    """Return what identifies the frame of an event, and the values of its marks; collect the pieces of its texts."""
    signature: list[Any] = []
    marks: list[int] = []
    steps = iter(tokens)
    for token in steps:
        signature.append(token)
        if type(token) is not _Place:
            continue
        value = next(steps)
        if not token.varies:
            signature.append(value)
        elif type(value) is int:
            marks.append(value)
        elif _broken(value):
            signature.append(value)
        else:
            signature.append(None)
            if token.text is None:
                token.text = len(places)
                places.append(token)
            token.pieces.append(value)
            marks.append(len(value))
    return tuple(signature), marks


def decode_stream(tree: Any) -> dict[str, Any]:
    """Return `{"head", "chunks": [[ms, tree], …], "end", "consumed"}`. ValueError if the payload is not a stream.

    Lengths may no longer fit the texts, which a redactor may have changed: pieces are cut at the end of their text, and
    the last piece of a text takes what is left.
    """
    if type(tree) is not dict or not all(type(tree.get(name)) is list for name in ("texts", "frames", "events")):
        raise ValueError("a stream has the members texts, frames and events")
    stream = cast("dict[str, Any]", tree)
    texts: list[Any] = stream["texts"]
    plans = [_marks(frame) for frame in stream["frames"]]
    events: list[list[Any]] = stream["events"]
    left = [0] * len(texts)
    for event in events:
        if type(event) is not list or len(event) < 2 or type(event[1]) is not int or not 0 <= event[1] < len(plans):  # type: ignore[reportUnnecessaryComparison]  # span data
            raise ValueError(f"event {event!r:.60} names none of {len(plans)} frames")
        for mark in plans[event[1]]:
            if type(mark) is int and 0 <= mark < len(texts):
                left[mark] += 1
    at = [0] * len(texts)
    chunks: list[list[Any]] = []
    for event in events:
        values: list[Any] = []
        given = iter(event[2:])
        for mark in plans[event[1]]:
            number = mark[0] if type(mark) is list and mark else mark
            if type(mark) is list:
                values.append(texts[number] if type(number) is int and 0 <= number < len(texts) else "")
                continue
            value = next(given, 0)
            if number is None:
                values.append(value)
            elif type(number) is not int or not 0 <= number < len(texts):
                values.append("")
            elif type(texts[number]) is not str:
                values.append(texts[number])
            else:
                left[number] -= 1
                start = at[number]
                length = value if type(value) is int and value > 0 else 0
                at[number] = len(texts[number]) if not left[number] else min(start + length, len(texts[number]))
                values.append(texts[number][start : at[number]])
        chunks.append([event[0], _filled(stream["frames"][event[1]], iter(values))])
    return {
        "head": stream.get("head"),
        "chunks": chunks,
        "end": stream.get("end", "finished"),
        "consumed": stream.get("consumed", len(chunks)),
    }


def _is_piece(value: dict[str, Any]) -> bool:
    return semconv.PIECE in value and len(value) == 1


def _marks(frame: Any) -> list[Any]:
    """List the marks of a frame, in the order of their values."""
    marks: list[Any] = []
    work: list[Any] = [frame]
    while work:
        value = work.pop()
        if type(value) is dict:
            members = cast("dict[str, Any]", value)
            if _is_piece(members):
                marks.append(members[semconv.PIECE])
            else:
                work += [member for member in reversed(members.values()) if type(member) is dict or type(member) is list]
        elif type(value) is list:
            work += [item for item in reversed(cast("list[Any]", value)) if type(item) is dict or type(item) is list]
    return marks


def _filled(frame: Any, values: Any) -> Any:
    """Copy a frame with its marks replaced by values."""
    if type(frame) is dict:
        members = cast("dict[str, Any]", frame)
        if _is_piece(members):
            return next(values)
        return {
            name: _filled(member, values) if type(member) is dict or type(member) is list else member for name, member in members.items()
        }
    if type(frame) is list:
        return [_filled(item, values) if type(item) is dict or type(item) is list else item for item in cast("list[Any]", frame)]
    return frame
