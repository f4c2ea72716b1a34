"""Events of a stream that are an earlier one but for some strings and integers: recognised as bytes, never parsed.

block ──match──► Repeat (the earlier event, what differs)
      └─ no ──► parsed by the caller ──learn──► same tokens as an earlier block? where the two differ is a hole

Of a streamed answer nearly every event says a few characters and repeats the rest.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from .. import values
from ..wire.repeats import Repeat, leaves, tells_channels_apart

MOST: Final = 8
"""Templates that are tried on an event: a stream has one or two forms of event for each channel."""
PATIENCE: Final = 24
"""Events that are learnt from without one that matches in between: a stream that never repeats itself is not worth more."""
_TOKEN: Final = re.compile(rb'("(?:[^"\\]|\\.)*")(\s*:)?|(-?[0-9][0-9.eE+-]*)|true|false|null|[\[\]{},]')
_INTEGER: Final = rb"(-?(?:0|[1-9][0-9]{0,14}))"
_CHARACTERS: Final = rb'([^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+)'
_ANY: Final = {True: b'""', False: b"0"}


class _Template:
    """One form of event: `model` is the number of the chunk that holds all of it, the rest is where its holes are."""

    __slots__ = ("_first", "block", "holes", "match", "model", "spans", "texts")

    def __init__(self, block: bytes, model: int, spans: list[tuple[int, int]], holes: tuple[int, ...], first: int) -> None:
        self.block = block
        self.model = model
        self.spans = spans
        self.holes = tuple(first + hole for hole in holes)
        self._first = first
        self.texts = [block[spans[hole][0]] == ord('"') for hole in holes]
        parts: list[bytes] = []
        end = 0
        for hole, is_text in zip(holes, self.texts, strict=True):
            start, stop = spans[hole]
            parts += [re.escape(block[end : start + is_text]), _CHARACTERS if is_text else _INTEGER]
            end = stop - is_text
        self.match = re.compile(b"".join([*parts, re.escape(block[end:])]), re.DOTALL).fullmatch

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

    def match(self, block: bytes) -> Repeat | None:
        """Return the event in a block, if it repeats an earlier one."""
        for template in self._templates:
            found = template.match(block)
            if found is not None:
                if template is not self._templates[0]:
                    self._templates.remove(template)
                    self._templates.insert(0, template)
                self._left = PATIENCE
                return _repeat(template, found.groups())
        return None

    def learn(self, block: bytes, model: int, event: dict[str, Any]) -> None:
        """Take note of an event that was parsed, chunk number `model`: one like it may follow."""
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


def _repeat(template: _Template, groups: tuple[bytes, ...]) -> Repeat | None:
    given: list[str | int] = []
    for raw, is_text in zip(groups, template.texts):
        if not is_text:
            given.append(int(raw))
            continue
        try:
            text = raw.decode()
            if "\\" in text:
                text = json.loads(f'"{text}"')
                if values.has_surrogates(text):
                    return None
        except ValueError:
            return None
        given.append(text)
    return Repeat(template.model, template.holes, given)


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
    if len(spans) != len(found):
        return False
    try:
        return all(values.loads(block[slice(*span)]) == value for span, value in zip(spans, found, strict=True))
    except ValueError:
        return False
