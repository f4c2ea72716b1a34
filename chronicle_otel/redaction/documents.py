"""The walk of a JSON document: every string, name and number with its context; only changed tokens are written again.

tree ──► strings ──Scanner.text──► edits        names ──► edits, unique again        numbers ──► numbers of the same length
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .detectors.card import is_number
from .folding import folded
from .layers import Layer, apply, json_escape, json_layer
from .lexer import ARRAY, NUMBER, OBJECT, STRING, Node
from .names import NOWHERE, Context
from .numbers import Numbers
from .scanning import Hit, Outcome, Scanner, Work

_REF: Final = re.compile(
    rb'[ \t\r\n]*\[[ \t\r\n]*(?:[0-9]{1,9}|\[[ \t\r\n]*"[0-9a-f]{32}"[ \t\r\n]*,[ \t\r\n]*[0-9]{1,9}[ \t\r\n]*\])[ \t\r\n]*,'
    rb'[ \t\r\n]*"[a-z.]{1,32}"[ \t\r\n]*,[ \t\r\n]*\[[0-9, \t\r\n]*\]'
    rb'(?:[ \t\r\n]*,[ \t\r\n]*(?:[0-9]{1,9}|"[a-z.]{1,32}"|\[(?:[ \t\r\n]*"[0-9a-f]{32}"[ \t\r\n]*,)?[0-9, \t\r\n]*\])){0,6}[ \t\r\n]*\]'
)
_LONG: Final = re.compile(rb"[0-9]{10}")
_PIECE: Final = re.compile(rb"null|[0-9]{1,9}|\[[ \t\r\n]*[0-9]{1,9}[ \t\r\n]*\]")
_TYPED: Final = {
    b'"UUID"': re.compile(rb'"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"'),
    **dict.fromkeys((b'"datetime"', b'"date"', b'"time"'), re.compile(rb'"[0-9]{1,4}[-:][0-9]{2}[-:T.+Z0-9]{0,40}"')),
    **dict.fromkeys((b'"float"', b'"complex"'), re.compile(rb'"[-+0-9.einfaj()]{1,60}"')),
}
_OPAQUE: Final = re.compile(rb'\{"\$chronicle\.opaque":\{"why":"[a-z]{1,16}","size":[0-9]{1,9}\}\}|\[\]|\{\}')
_NAMES: Final = 4096
NOTHING: Final = Outcome()
_NAME: Final = re.compile(rb"[^ \t\r\n]{1,64}")
_SHORT: Final = re.compile(rb"[0-9]{1,8}")


@dataclass(slots=True)
class _Place:
    """What holds for the document that is walked."""

    data: bytes
    work: Work
    used: int
    depth: int
    outcome: Outcome


class Documents:
    """Walks documents for a Scanner, and gives it the way back for JSON inside strings."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._names = scanner.names
        self._numbers = Numbers(scanner)
        self._limit = scanner.policy.limits["depth"]
        self._drop = scanner.policy.tree["on_limit"] == "drop"
        self._plain_names: set[bytes] = set()
        """Names that were scanned and hold nothing: a few stand everywhere."""
        scanner.document = self.edits

    def edits(self, data: bytes, root: Node, context: Context, used: int, depth: int, work: Work, *, stream: bool = False) -> Outcome:
        """Return the edits on a document under a context."""
        place = _Place(data, work, used, depth, Outcome())
        if stream and root.kind == OBJECT:
            self._stream(place, root, context)
        else:
            self._value(place, root, context, depth)
        return place.outcome

    # ---- values

    def _value(self, place: _Place, node: Node, context: Context, depth: int) -> None:
        kind = node.kind
        if kind == STRING:
            self._string(place, node.start, node.end, context)
        elif kind == NUMBER:
            edit = self._numbers.edit(place.data, node.start, node.end, context, place.work)
            if edit is not None:
                place.outcome.edits.append(edit[0])
                if place.work.collect:
                    place.outcome.hits.append(edit[1])
        elif kind in (ARRAY, OBJECT):
            if depth + 1 > self._limit:
                if _OPAQUE.fullmatch(place.data, node.start, node.end):
                    return
                place.work.opaque["depth"] += 1
                place.outcome.edits.append((node.start, node.end, self._stand_in(node)))
            elif kind == ARRAY:
                self._array(place, node, context, depth + 1)
            else:
                self._object(place, node, context, depth + 1)

    def _stand_in(self, node: Node) -> bytes:
        if self._drop:
            return b"{}" if node.kind == OBJECT else b"[]"
        return opaque("depth", node.end - node.start)

    def _string(self, place: _Place, start: int, end: int, context: Context) -> None:
        if self._scanner.plain(place.data[start + 1 : end - 1], context):
            return
        outcome = self._text(place, start, end, context)
        if outcome.edits or outcome.hits:
            place.outcome.add(outcome, start + 1)

    def _text(self, place: _Place, start: int, end: int, context: Context) -> Outcome:
        inner = place.data[start + 1 : end - 1]
        layer = json_layer(inner, always=True) or Layer(inner, [], json_escape, True)
        return self._scanner.text(layer.data, context, place.work, place.used, place.depth).lifted(layer)

    def _array(self, place: _Place, node: Node, context: Context, depth: int, plain: bool = False) -> None:
        items = node.items
        split = self._split(place, items) if len(items) >= 3 else None
        for at, item in enumerate(items):
            if split and at in split:
                place.outcome.edits.append((item.start + 1, item.end - 1, self._scanner.stand_in("split", place.work)))
                continue
            below = context
            if at == 1 and len(items) == 2 and items[0].kind == STRING and not plain:
                below = self._said_by(place, items[0], context)
            self._value(place, item, below, depth)

    def _said_by(self, place: _Place, node: Node, context: Context) -> Context:
        name = _content(place.data, node.start, node.end)
        if not _NAME.fullmatch(name):
            return context
        said = self._names.context(name)
        return said if said.rule or said.hints or said.vetoes or said.sealed else context

    def _split(self, place: _Place, items: list[Node]) -> set[int]:
        short = [item.kind == STRING and item.end - item.start <= 50 for item in items]
        return split_cards([_content(place.data, item.start, item.end) if few else b"" for item, few in zip(items, short)])

    # ---- objects

    def _object(self, place: _Place, node: Node, context: Context, depth: int) -> None:
        data = place.data
        if len(node.items) == 1 and self._marker(place, node, context, depth):
            return
        named = self._pair(place, node)
        rewritten: list[tuple[int, bytes]] = []
        for at, item in enumerate(node.items):
            start, end = node.names[at]
            name = data[start + 1 : end - 1]
            outcome = NOTHING if name in self._plain_names else self._text(place, start, end, NOWHERE)
            if outcome is not NOTHING and not outcome.edits and not outcome.hits and len(self._plain_names) < _NAMES:
                self._plain_names.add(name)
            if outcome.edits:
                rewritten.append((at, apply(data[start + 1 : end - 1], outcome.edits)))
                place.outcome.edits.append((start + 1, end - 1, rewritten[-1][1]))
            place.outcome.hits += [_shifted(hit, start + 1) for hit in outcome.hits]
            below = self._names.context(name if b"\\" not in name else _content(data, start, end))
            if named is not None and at == named[0]:
                below = named[1]
            self._value(place, item, below, depth)
        if rewritten:
            self._unique(place, node, rewritten)

    def _pair(self, place: _Place, node: Node) -> tuple[int, Context] | None:
        """Return the ordinal of `value` beside a `name` or `key`, and the context that this gives it."""
        if len(node.items) != 2:
            return None
        names = [_content(place.data, *span) for span in node.names]
        for at in (0, 1):
            if names[at] == b"value" and names[1 - at] in (b"name", b"key") and node.items[1 - at].kind == STRING:
                return at, self._said_by(place, node.items[1 - at], self._names.context(b"value"))
        return None

    def _marker(self, place: _Place, node: Node, context: Context, depth: int) -> bool:
        """Handle an object that is one of our markers; False if it is data."""
        start, end = node.names[0]
        name = place.data[start:end]
        if not name.startswith(b'"$chronicle.'):
            return False
        value = node.items[0]
        raw = place.data[value.start : value.end]
        if name == b'"$chronicle.ref"':
            return _REF.fullmatch(raw) is not None and _LONG.search(re.sub(rb'"[0-9a-f]{32}"', b"", raw)) is None
        if name == b'"$chronicle.piece"':
            return _PIECE.fullmatch(raw) is not None
        if name != b'"$chronicle.type"' or value.kind != ARRAY:
            return False
        if depth + 1 > self._limit:
            return False
        items = value.items
        form = _TYPED.get(place.data[items[0].start : items[0].end]) if items else None
        for item in items[1:] if form is not None else ():
            if item.kind == STRING and not form.fullmatch(place.data, item.start, item.end):  # type: ignore[union-attr]
                form = None
                break
        if form is None:
            for at, item in enumerate(items):
                self._value(place, item, context if at else NOWHERE, depth + 1)
        return True

    def _unique(self, place: _Place, node: Node, rewritten: list[tuple[int, bytes]]) -> None:
        """Keep names apart that were apart."""
        data = place.data
        changed = dict(rewritten)
        seen: dict[bytes, bytes] = {}
        for at, (start, end) in enumerate(node.names):
            if at not in changed:
                name = _content(data, start, end)
                seen[name] = name
        edits = {edit[0]: number for number, edit in enumerate(place.outcome.edits)}
        for at, new in rewritten:
            start, end = node.names[at]
            old = _content(data, start, end)
            wanted, count = new, 1
            while seen.setdefault(wanted, old) != old:
                count += 1
                wanted = new + b"~%d" % count
            if wanted is not new and start + 1 in edits:
                place.outcome.edits[edits[start + 1]] = (start + 1, end - 1, wanted)

    # ---- streams

    def _stream(self, place: _Place, root: Node, context: Context) -> None:
        """Walk `chronicle.stream`: each text has the context of its first piece in the frames; events are lengths and times."""
        members = {_content(place.data, *span): item for span, item in zip(root.names, root.items)}
        frames = members.get(b"frames")
        contexts: dict[int, Context] = {}
        if frames is not None:
            self._pieces(place, frames, context, contexts)
        for span, item in zip(root.names, root.items):
            name = _content(place.data, *span)
            if name == b"events" and item.kind == ARRAY:
                self._events(place, item)
            elif name == b"texts" and item.kind == ARRAY:
                for number, text in enumerate(item.items):
                    self._value(place, text, contexts.get(number, context), place.depth + 2)
            else:
                self._value(place, item, self._names.context(name) if name not in (b"frames", b"head") else context, place.depth + 1)

    def _pieces(self, place: _Place, node: Node, context: Context, contexts: dict[int, Context]) -> None:
        stack: list[tuple[Node, Context]] = [(node, context)]
        while stack:
            item, said = stack.pop()
            if item.kind == ARRAY:
                stack += [(child, said) for child in reversed(item.items)]
            elif item.kind == OBJECT:
                pairs = list(zip(item.names, item.items))
                if len(pairs) == 1 and place.data[pairs[0][0][0] : pairs[0][0][1]] == b'"$chronicle.piece"':
                    found = re.search(rb"[0-9]{1,9}", place.data[pairs[0][1].start : pairs[0][1].end])
                    if found is not None:
                        contexts.setdefault(int(found[0]), said)
                    continue
                stack += [(child, self._names.context(_content(place.data, *span))) for span, child in reversed(pairs)]

    def _events(self, place: _Place, node: Node) -> None:
        for event in node.items:
            for value in event.items:
                if value.kind != NUMBER:
                    self._value(place, value, NOWHERE, place.depth + 3)


def split_cards(texts: Sequence[bytes]) -> set[int]:
    """Return which of some neighbouring texts make a card number together: three or more, of at most eight digits each."""
    digits: list[str] = []
    for text in texts:
        content = folded(text) if len(text) <= 50 else b""
        digits.append(content.decode() if _SHORT.fullmatch(content) else "")
    taken: set[int] = set()
    at = 0
    while at + 2 < len(digits):
        end = _card_from(digits, at)
        if end is not None:
            taken.update(range(at, end))
            at = end
        else:
            at += 1
    return taken


def _card_from(digits: list[str], at: int) -> int | None:
    joined = ""
    for end in range(at, len(digits)):
        if not digits[end]:
            return None
        joined += digits[end]
        if len(joined) > 19:
            return None
        if end - at >= 2 and is_number(joined):
            return end + 1
    return None


def opaque(why: str, size: int) -> bytes:
    """Return the marker that stands for what was taken out."""
    return b'{"$chronicle.opaque":{"why":"%s","size":%d}}' % (why.encode(), size)


def _content(data: bytes, start: int, end: int) -> bytes:
    inner = data[start + 1 : end - 1]
    layer = json_layer(inner)
    return layer.data if layer is not None else inner


def _shifted(hit: Hit, shift: int) -> Hit:
    return Hit(hit.start + shift, hit.end + shift, hit.type, hit.rule, hit.action)
