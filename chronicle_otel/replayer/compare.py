"""Two trees compared: the places where they differ, with both sides. Pure."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from .. import semconv, values

Path = tuple[str | int, ...]
Leaf = Callable[[Any, Any, str], bool]
Pairing = Callable[[dict[str, Any], dict[str, Any]], "Sequence[tuple[str, str]] | None"]


def is_object(tree: Any) -> TypeGuard[dict[str, Any]]:
    """Say whether a tree is a JSON object."""
    return type(tree) is dict


def is_items(tree: Any) -> TypeGuard[list[Any]]:
    """Say whether a tree is a JSON list."""
    return type(tree) is list


class _Missing:
    """What stands on the side that has no such place."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "(absent)"


MISSING: Final = _Missing()
IN_TEXT: Final = "(json)"
"""Path element for JSON inside a string: what follows is a place in that JSON."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two trees differ."""

    path: Path
    """Member names and element numbers from the top."""
    op: str
    """changed, added (only live) or removed (only recorded)."""
    recorded: Any
    live: Any

    @property
    def place(self) -> str:
        """The path as a person writes it: `body.messages[4].content`."""
        return place(self.path)


def place(path: Path) -> str:
    """Write a path as `a.b[2].c`; names that are not plain words are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part == IN_TEXT:
            text += " as JSON" if not text.endswith(" as JSON") else ""
        elif re.fullmatch(r"[A-Za-z_][\w-]*", part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text or "(value)"


def is_hole(tree: Any) -> bool:
    """Say whether a part of a recording is unknown: lost, cut, or taken out. It compares as equal to anything."""
    return is_object(tree) and len(tree) == 1 and (semconv.OPAQUE in tree or semconv.REF in tree or semconv.BLOB in tree)


def _is_stand_in(tree: Any) -> bool:
    content = tree.get(semconv.TYPE) if is_object(tree) and len(tree) == 1 else None
    return is_items(content) and bool(content) and content[0] == "?"


def _members_of(tree: Any) -> Any:
    """Look through the kinds of dict that equal a dict of the same members."""
    content = tree.get(semconv.TYPE) if is_object(tree) and len(tree) == 1 else None
    return content[1] if is_items(content) and len(content) > 1 and content[0] in values.MAPPINGS else tree


def holds_hole(tree: Any) -> bool:
    """Say whether any part of a tree is unknown."""
    return any(is_hole(node) for node in _containers(tree))


def _containers(tree: Any) -> Iterator[Any]:
    work = [tree]
    while work:
        node = work.pop()
        if is_object(node):
            yield node
            work.extend(v for v in node.values() if type(v) in (dict, list))
        elif is_items(node):
            work.extend(v for v in node if type(v) in (dict, list))


# ---- ignored members ---------------------------------------------------------------------------


def without(tree: Any, ignore: Sequence[str]) -> Any:
    """Copy a tree without the members that dotted paths name; `*` stands for any member or element."""
    for dotted in ignore:
        tree = _without(tree, dotted.split("."))
    return tree


def _without(tree: Any, parts: list[str]) -> Any:
    head, rest = parts[0], parts[1:]
    if is_object(tree):
        members = tree
        if not rest:
            return {name: member for name, member in members.items() if head not in (name, "*")}
        return {name: _without(member, rest) if head in (name, "*") else member for name, member in members.items()}
    if is_items(tree):
        if not rest and head == "*":
            return []
        return [
            _without(item, rest) if head in (str(at), "*") and rest else item for at, item in enumerate(tree) if rest or head != str(at)
        ]
    return tree


# ---- diff --------------------------------------------------------------------------------------

_MAX_DIFFERENCES: Final = 200


def same(a: Any, b: Any) -> bool:
    """Equality of two leaves or containers under the rules of the wire format."""
    if is_object(a) or is_items(a):
        return values.equal(a, b)
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b
    return isinstance(a, type(b)) and bool(a == b)


def _same_names(recorded: dict[str, Any], live: dict[str, Any]) -> list[tuple[str, str]] | None:
    return [(name, name) for name in recorded] if recorded.keys() == live.keys() else None


def same_but(recorded: Any, live: Any, leaf: Leaf, *, name: str = "", pair: Pairing = _same_names) -> bool:
    """Say whether two trees have the same form, and `leaf` accepts every two leaves in them that are not the same.

    `leaf(recorded, live, name)` is told the nearest member's name; `pair(recorded, live)` which members of two objects
    belong together, or None: they have not the same form.
    """
    if recorded is live or is_hole(recorded):
        return True
    recorded, live = _members_of(recorded), _members_of(live)
    if is_object(recorded) and is_object(live):
        if semconv.TYPE in recorded and semconv.TYPE in live:
            return values.equal(recorded, live) or _same_typed(recorded[semconv.TYPE], live[semconv.TYPE], leaf, name, pair)
        pairs = pair(recorded, live)
        return pairs is not None and all(same_but(recorded[a], live[b], leaf, name=a, pair=pair) for a, b in pairs)
    if is_items(recorded) and is_items(live):
        return len(recorded) == len(live) and all(same_but(a, b, leaf, name=name, pair=pair) for a, b in zip(recorded, live, strict=True))
    return same(recorded, live) or leaf(recorded, live, name)


def _same_typed(a: Any, b: Any, leaf: Leaf, name: str, pair: Pairing) -> bool:
    if not is_items(a) or not is_items(b) or not a or not b or a[0] != b[0]:
        return False
    if a[0] == "?":
        return bool(a[1].get("type") == b[1].get("type"))
    return same_but(a[1:], b[1:], leaf, name=name, pair=pair)


def diff(recorded: Any, live: Any) -> list[Difference]:
    """Return the places where two trees differ, in the order of the recorded one. Unknown parts differ from nothing."""
    found: list[Difference] = []
    _diff(recorded, live, (), found)
    return found


def _diff(recorded: Any, live: Any, path: Path, found: list[Difference]) -> None:
    if len(found) >= _MAX_DIFFERENCES or recorded is live or is_hole(recorded) or is_hole(live):
        return
    recorded, live = _members_of(recorded), _members_of(live)
    if is_object(recorded) and is_object(live):
        if semconv.TYPE in recorded or semconv.TYPE in live:
            _diff_typed(recorded, live, path, found)
        else:
            _diff_members(recorded, live, path, found)
    elif is_items(recorded) and is_items(live):
        _diff_items(recorded, live, path, found)
    elif not same(recorded, live):
        inner = _inner_json(recorded, live)
        if inner is not None:
            before = len(found)
            _diff(inner[0], inner[1], (*path, IN_TEXT), found)
            if len(found) > before:
                return
        found.append(Difference(path, "changed", recorded, live))


def _diff_typed(recorded: Any, live: Any, path: Path, found: list[Difference]) -> None:
    if _is_stand_in(recorded) and _is_stand_in(live) and recorded[semconv.TYPE][1].get("type") == live[semconv.TYPE][1].get("type"):
        return  # nobody could encode either: their repr proves nothing
    a, b = recorded.get(semconv.TYPE), live.get(semconv.TYPE)
    if is_items(a) and is_items(b) and len(a) == len(b) == 3 and a[:2] == b[:2] and is_object(a[2]) and is_object(b[2]):
        _diff_members(a[2], b[2], path, found)
    elif is_items(a) and is_items(b) and len(a) == len(b) == 2 and a[0] == b[0] == "tuple" and is_items(a[1]) and is_items(b[1]):
        _diff_items(a[1], b[1], path, found)
    elif not values.equal(recorded, live):
        found.append(Difference(path, "changed", recorded, live))


def _diff_members(recorded: dict[str, Any], live: dict[str, Any], path: Path, found: list[Difference]) -> None:
    for name, member in recorded.items():
        if name in live:
            _diff(member, live[name], (*path, name), found)
        else:
            found.append(Difference((*path, name), "removed", member, MISSING))
    for name, member in live.items():
        if name not in recorded:
            found.append(Difference((*path, name), "added", MISSING, member))


def _diff_items(recorded: list[Any], live: list[Any], path: Path, found: list[Difference]) -> None:
    if len(recorded) == len(live):
        for at, (a, b) in enumerate(zip(recorded, live, strict=True)):
            _diff(a, b, (*path, at), found)
        return
    keys_a, keys_b = [values.key(item) for item in recorded], [values.key(item) for item in live]
    for op, a1, a2, b1, b2 in difflib.SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        if op == "equal":
            continue
        paired = min(a2 - a1, b2 - b1)
        for at in range(paired):
            _diff(recorded[a1 + at], live[b1 + at], (*path, b1 + at), found)
        found.extend(Difference((*path, at), "removed", recorded[at], MISSING) for at in range(a1 + paired, a2))
        found.extend(Difference((*path, at), "added", MISSING, live[at]) for at in range(b1 + paired, b2))


def _inner_json(recorded: Any, live: Any) -> tuple[Any, Any] | None:
    """Parse both sides where both are texts that hold a JSON object or list."""
    if type(recorded) is not str or type(live) is not str or recorded[:1] not in ("{", "[") or live[:1] not in ("{", "["):
        return None
    if len(recorded) > 200_000 or len(live) > 200_000:
        return None
    try:
        a, b = values.loads(recorded), values.loads(live)
    except ValueError:
        return None
    return (a, b) if type(a) is type(b) else None


# ---- leaves ------------------------------------------------------------------------------------


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the strings, numbers and booleans of a tree, JSON inside strings not opened."""
    work = [tree]
    while work:
        node = work.pop()
        if is_object(node):
            work.extend(reversed(list(node.values())))
        elif is_items(node):
            work.extend(reversed(node))
        elif node is not None and node is not MISSING:
            yield node


def changed_values(differences: Sequence[Difference], side: str) -> list[Any]:
    """Return the leaves of one side ("recorded" or "live") of differences."""
    return [leaf for d in differences for leaf in leaves(d.recorded if side == "recorded" else d.live)]


def each_mentions(differences: Sequence[Difference], wanted: Sequence[Any]) -> bool:
    """Say whether every place that is new or changed holds one of the wanted leaves."""
    new = [d for d in differences if d.op != "removed"]
    return bool(new) and all(mentions([d], wanted) for d in new)


def mentions(differences: Sequence[Difference], wanted: Mapping[str, Any] | Sequence[Any]) -> bool:
    """Say whether the live side of differences holds one of the wanted leaves: as a value, or as a word in a text."""
    live = changed_values(differences, "live")
    texts = [leaf for leaf in live if type(leaf) is str]
    for value in wanted:
        if type(value) is bool:
            continue
        if type(value) is str:
            if len(value) >= 3 and any(value in text or (len(text) >= 12 and text in value) for text in texts):
                return True
            if value in texts:
                return True
        elif any(type(leaf) in (int, float) and type(leaf) is not bool and leaf == value for leaf in live) or any(
            re.search(rf"(?<![\d.]){re.escape(_number(value))}(?!\d)", text) for text in texts
        ):
            return True
    return False


def _number(value: Any) -> str:
    return repr(int(value)) if type(value) is float and value.is_integer() else repr(value)
