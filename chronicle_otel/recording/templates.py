"""Events of a stream that are an earlier one but for some strings and integers: recognised as bytes, never parsed.

blocks ──match──► Repeats (the earlier event, what differs in each of those that follow)
       └─ no ──► one is parsed by the caller ──learn──► same tokens as an earlier block? where the two differ is a hole

Of a streamed answer nearly every event says a few characters and repeats the rest. So many are looked at in one call:
a stream costs about as much as its bytes, not as its events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from .. import values
from ..wire.repeats import Repeats, leaves, tells_channels_apart

MOST: Final = 8
"""Templates that are tried on an event: a stream has one or two forms of event for each channel."""
AT_ONCE: Final = 1024
"""Events that are looked at in one call at most; it begins with one, and doubles while all are of the form."""
PATIENCE: Final = 24
"""Events that are learnt from without one that matches in between: a stream that never repeats itself is not worth more."""
_TOKEN: Final = re.compile(rb'("(?:[^"\\]|\\.)*")(\s*:)?|(-?[0-9][0-9.eE+-]*)|true|false|null|[\[\]{},]')
_INTEGERS: Final = re.compile(rb"(?:\n-?(?:0|[1-9][0-9]{0,14}))*")
_TEXTS: Final = re.compile(rb'[^"\\\x00-\x09\x0b-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x09\x0b-\x1f]*+)*+')
"""What may stand between the quotes of JSON strings, one a line; `json` has the last word on escapes."""
_ANY: Final = {True: b'""', False: b"0"}


class _Template:
    """One form of event: `model` is the number of the chunk that holds all of it, the rest is where its holes are."""

    __slots__ = ("_between", "_first", "_texts", "block", "holes", "model", "spans")

    def __init__(self, block: bytes, model: int, spans: list[tuple[int, int]], holes: tuple[int, ...], first: int) -> None:
        self.block = block
        self.model = model
        self.spans = spans
        self.holes = tuple(first + hole for hole in holes)
        self._first = first
        self._texts = [block[spans[hole][0]] == ord('"') for hole in holes]
        self._between: list[bytes] = []
        """What is the same in all events of the form: before the first hole, between holes, behind the last one."""
        end = 0
        for hole, is_text in zip(holes, self._texts, strict=True):
            start, stop = spans[hole]
            self._between.append(block[end : start + is_text])
            end = stop - is_text
        self._between.append(block[end:])

    def run(self, blocks: Sequence[bytes], at: int) -> Repeats | None:
        """Return the events from `at` on, as far as they are of this form."""
        columns: list[list[str | int]] = [[] for _ in self.holes]
        end, size, grows = at, 1, True
        while size and end < len(blocks):
            part = blocks[end : end + size]
            same = self._framed(part)
            if not same:
                break
            read = self._read(same)
            if read is None:  # one of them has to be parsed: which one, is found by halves
                size, grows = len(same) // 2, False
                continue
            for column, found in zip(columns, read, strict=True):
                column += found
            end += len(same)
            if len(same) < len(part):
                break
            if grows:
                size = min(end - at, AT_ONCE)
        return Repeats(self.model, self.holes, columns, end - at) if end > at else None

    def _framed(self, part: Sequence[bytes]) -> Sequence[bytes]:
        """Return the blocks up to the first one that begins or ends otherwise."""
        head, tail = self._between[0], self._between[-1]
        framed = [block for block in part if block.startswith(head) and block.endswith(tail)]
        if len(framed) == len(part):
            return part
        return part[: next(i for i, block in enumerate(part) if not (block.startswith(head) and block.endswith(tail)))]

    def _read(self, part: Sequence[bytes]) -> list[list[Any]] | None:
        """Return what stands in each hole of framed blocks; None where one of them is not of this form, or has to be parsed."""
        head, *between, tail = self._between if self.holes else (self.block, b"")
        begin, end = len(head), -len(tail) or None
        rest = [block[begin:end] for block in part]
        cut: list[list[bytes]] = []
        for same in between:
            pairs = [text.partition(same) for text in rest]
            cut.append([text for text, _, _ in pairs])
            rest = [text for _, _, text in pairs]
        cut.append(rest)
        expected = sum(map(len, part)) - len(part) * sum(map(len, self._between))
        if sum(sum(map(len, column)) for column in cut) != expected:
            return None  # in one of them something is missing, or its head and its tail overlap
        if not self.holes:
            return []
        try:
            return [_strings(column) if is_text else _numbers(column) for column, is_text in zip(cut, self._texts, strict=True)]
        except ValueError:
            return None

    def differs(self, block: bytes, spans: list[tuple[int, int]]) -> set[int]:
        """Return the scalars at which another block differs, with the holes there are."""
        pairs = zip(self.spans, spans, strict=True)
        differ = {number for number, (mine, other) in enumerate(pairs) if self.block[slice(*mine)] != block[slice(*other)]}
        return differ | {hole - self._first for hole in self.holes}


class Templates:
    """The forms of the events of one stream, as they are met."""

    def __init__(self) -> None:
        self._templates: list[_Template] = []
        self._seen: dict[bytes, _Template] = {}
        self._left = PATIENCE

    def match(self, blocks: Sequence[bytes], at: int) -> Repeats | None:
        """Return the event in block `at` if it repeats an earlier one, together with those behind it that repeat the same one."""
        for template in self._templates:
            found = template.run(blocks, at)
            if found is not None:
                if template is not self._templates[0]:
                    self._templates.remove(template)
                    self._templates.insert(0, template)
                self._left = PATIENCE
                return found
        return None

    def learn(self, block: bytes, model: int, event: dict[str, Any]) -> None:
        """Take note of an event that was parsed, number `model` in the list of chunks: one like it may follow."""
        if self._left <= 0 or "data" not in event:
            return
        self._left -= 1
        first = len(event) - 1  # the members beside the data are strings, and stand before it
        found = leaves(event)
        spans, skeleton = _scalars(block)
        if found is None or not _are(block, spans, [value for _, value in found[first:]]):
            return
        if any(type(value) is str and values.has_surrogates(value) for _, value in found):
            return
        known = self._seen.get(skeleton)
        if known is None:
            self._seen[skeleton] = _Template(block, model, spans, (), first)
            return
        holes = tuple(sorted(known.differs(block, spans)))
        if any(tells_channels_apart(found[first + hole][0]) for hole in holes):
            return
        fresh = self._seen[skeleton] = _Template(block, model, spans, holes, first)
        self._templates = [fresh, *(template for template in self._templates if template is not known)][:MOST]


def _strings(raw: Sequence[bytes]) -> list[str]:
    """Return the strings whose JSON texts these are, without their quotes. ValueError where one is none, or holds half a character."""
    joined = b"\n".join(raw)
    if _TEXTS.fullmatch(joined) is None:
        raise ValueError("not the inside of JSON strings")
    text = joined.decode()
    found: list[str] = json.loads('["' + text.replace("\n", '","') + '"]') if "\\" in text else text.split("\n")
    if len(found) != len(raw) or ("\\u" in text and values.has_surrogates("".join(found))):
        raise ValueError("a line feed, or half a surrogate pair")
    return found


def _numbers(raw: Sequence[bytes]) -> list[int]:
    """Return integers. ValueError where a text is none as JSON writes it."""
    if _INTEGERS.fullmatch(b"\n" + b"\n".join(raw)) is None:
        raise ValueError("not integers")
    return list(map(int, raw))


def _scalars(block: bytes) -> tuple[list[tuple[int, int]], bytes]:
    """Return where the strings and integers of a block's data stand, member names left out, and the block without them."""
    begin = block.find(b"data:") + 5
    spans: list[tuple[int, int]] = []
    skeleton = [block[:begin]]
    for token in _TOKEN.finditer(block, begin):
        text, colon, number = token.groups()
        if (text is not None and colon is None) or (number is not None and number.lstrip(b"-").isdigit()):
            spans.append(token.span(1 if text is not None else 3))
            skeleton.append(_ANY[text is not None])
        else:
            skeleton.append(token[0])
    return spans, b"".join(skeleton)


def _are(block: bytes, spans: list[tuple[int, int]], found: list[Any]) -> bool:
    """Say whether those are the scalars that a parser found."""
    try:
        return values.loads(b"[" + b",".join([block[start:end] for start, end in spans]) + b"]") == found
    except ValueError:
        return False
