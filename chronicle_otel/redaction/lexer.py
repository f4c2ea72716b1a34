"""One JSON value as a tree of byte ranges. Numbers stay text, duplicate names and bad UTF-8 stay: library parsers differ there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

STRING: Final = 1
NUMBER: Final = 3
LITERAL: Final = 5
ARRAY: Final = 6
OBJECT: Final = 7

_TOKEN: Final = re.compile(
    rb"[ \t\r\n]*+(?:"
    rb'("(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+")([ \t\r\n]*+:)?'
    rb"|(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"
    rb"|([{}\[\],])"
    rb"|(true|false|null))"
)
_BLANK: Final = re.compile(rb"[ \t\r\n]*")


@dataclass(slots=True)
class Node:
    """A value; `data[start:end]` is its text."""

    kind: int
    start: int
    end: int
    items: list[Node] = field(default_factory=list["Node"])
    """Elements, or the values of members."""
    names: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Where the members' names stand, quotes included."""


class Broken(Exception):
    """The bytes are not one JSON value.

    `at` is where the offending token begins, `root` the tree of what came before, `name` the range of the open member's name.
    """

    def __init__(self, at: int, root: Node | None, name: tuple[int, int] | None, opened: list[Node]) -> None:
        super().__init__("not one JSON value")
        self.at = at
        self.root = root
        self.name = name
        self.opened = opened
        self.last: tuple[int, int] | None = None
        """The number or word that was lexed last, if nothing but blanks can stand between it and the break."""


_CLOSES: Final = {b"}": OBJECT, b"]": ARRAY}


def parse(data: bytes) -> tuple[Node, int]:
    """Return the tree of a document and its greatest depth; raise Broken."""
    token = _TOKEN.match
    stack: list[Node] = []
    root: Node | None = None
    name: tuple[int, int] | None = None
    at = depth = 0
    wants = True  # a value (or a member) may come next
    closes = True  # the container may end here
    while root is None or stack:
        found = token(data, at)
        top = stack[-1] if stack else None
        in_object = top is not None and top.kind == OBJECT
        kind = found.lastindex if found is not None else None
        if found is None or kind is None:
            raise _broken(data, at, root, name, stack)
        start, end = found.span(1 if kind == 2 else kind)
        if kind == 4:
            char = found[4]
            if char == b",":
                if wants or top is None:
                    raise _broken(data, at, root, name, stack)
                wants, closes = True, False
                at = end
                continue
            closing = _CLOSES.get(char)
            if closing is not None:
                if top is None or top.kind != closing or (wants and not closes) or name is not None:
                    raise _broken(data, at, root, name, stack)
                top.end = end
                stack.pop()
                wants, at = False, end
                continue
            kind = OBJECT if char == b"{" else ARRAY
        elif kind == 2:
            if not in_object or name is not None or not wants:
                raise _broken(data, at, root, name, stack)
            name = (start, end)
            at = found.end()
            continue
        if not wants or (in_object and name is None):
            raise _broken(data, at, root, name, stack)
        node = Node(kind, start, end)
        if top is None:
            root = node
        else:
            if in_object and name is not None:
                top.names.append(name)
                name = None
            top.items.append(node)
        at = end
        if kind >= ARRAY:
            stack.append(node)
            depth = max(depth, len(stack))
            wants = closes = True
        else:
            wants = False
    if _end(data, at) != len(data):
        raise _broken(data, at, root, None, stack)
    return root, depth


def _end(data: bytes, at: int) -> int:
    blank = _BLANK.match(data, at)
    return blank.end() if blank is not None else at


def _broken(data: bytes, at: int, root: Node | None, name: tuple[int, int] | None, stack: list[Node]) -> Broken:
    for node in stack:
        node.end = at
    broken = Broken(_end(data, at), root, name, list(stack))
    last = stack[-1].items[-1] if stack and stack[-1].items else root
    if last is not None and last.kind in (NUMBER, LITERAL):
        broken.last = (last.start, last.end)
    return broken


def is_document(data: bytes) -> tuple[Node, int] | None:
    """Parse a string's content if it is a document: only what begins with `{`, `[` or a quote can be one."""
    if data[:1] not in (b"{", b"[", b'"'):
        return None
    try:
        return parse(data)
    except Broken:
        return None
