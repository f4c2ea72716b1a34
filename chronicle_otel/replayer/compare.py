"""Two trees compared: where they differ, how similar they are, and whether only times and ids differ.

    recorded tree ─┐
                   ├──► diff: [Difference]        places, both sides
    live tree ─────┤──► similarity: 0 … 1         for a call that nothing recorded equals
                   └──► Volatile.explains: bool   differences that are only clock readings and random ids

Pure: no recording is opened here and nothing is executed.
"""

from __future__ import annotations

import collections
import datetime as dt
import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from .. import semconv, values

Path = tuple[str | int, ...]


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
    return type(tree) is dict and len(tree) == 1 and (semconv.OPAQUE in tree or semconv.REF in tree or semconv.BLOB in tree)


def _is_stand_in(tree: Any) -> bool:
    content = cast("dict[str, Any]", tree).get(semconv.TYPE) if type(tree) is dict and len(tree) == 1 else None
    return type(content) is list and bool(content) and content[0] == "?"


def holds_hole(tree: Any) -> bool:
    """Say whether any part of a tree is unknown."""
    return any(is_hole(node) for node in _containers(tree))


def _containers(tree: Any) -> Iterator[Any]:
    work = [tree]
    while work:
        node = work.pop()
        if type(node) is dict:
            yield node
            work.extend(v for v in node.values() if type(v) in (dict, list))
        elif type(node) is list:
            work.extend(v for v in node if type(v) in (dict, list))


# ---- ignored members ---------------------------------------------------------------------------


def without(tree: Any, ignore: Sequence[str]) -> Any:
    """Copy a tree without the members that dotted paths name; `*` stands for any member or element."""
    for dotted in ignore:
        tree = _without(tree, dotted.split("."))
    return tree


def _without(tree: Any, parts: list[str]) -> Any:
    head, rest = parts[0], parts[1:]
    if type(tree) is dict:
        members = cast("dict[str, Any]", tree)
        if not rest:
            return {name: member for name, member in members.items() if head not in (name, "*")}
        return {name: _without(member, rest) if head in (name, "*") else member for name, member in members.items()}
    if type(tree) is list:
        if not rest and head == "*":
            return []
        return [_without(item, rest) if head in (str(at), "*") and rest else item for at, item in enumerate(tree) if rest or head != str(at)]
    return tree


# ---- diff --------------------------------------------------------------------------------------

_MAX_DIFFERENCES: Final = 200


def same(a: Any, b: Any) -> bool:
    """Equality of two leaves or containers under the rules of the wire format."""
    kind = type(a)
    if kind is not type(b):
        if kind in (int, float) and type(b) in (int, float):
            return bool(a == b)
        return False
    if kind in (dict, list):
        return values.equal(a, b)
    return bool(a == b)


def diff(recorded: Any, live: Any) -> list[Difference]:
    """Return the places where two trees differ, in the order of the recorded one. Unknown parts differ from nothing."""
    found: list[Difference] = []
    _diff(recorded, live, (), found)
    return found


def _diff(recorded: Any, live: Any, path: Path, found: list[Difference]) -> None:
    if len(found) >= _MAX_DIFFERENCES or recorded is live or is_hole(recorded) or is_hole(live):
        return
    if type(recorded) is dict and type(live) is dict:
        if semconv.TYPE in recorded or semconv.TYPE in live:
            _diff_typed(recorded, live, path, found)
        else:
            _diff_members(cast("dict[str, Any]", recorded), cast("dict[str, Any]", live), path, found)
    elif type(recorded) is list and type(live) is list:
        _diff_items(cast("list[Any]", recorded), cast("list[Any]", live), path, found)
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
    if type(a) is list and type(b) is list and len(a) == len(b) == 3 and a[:2] == b[:2] and type(a[2]) is dict and type(b[2]) is dict:
        _diff_members(cast("dict[str, Any]", a[2]), cast("dict[str, Any]", b[2]), path, found)
    elif type(a) is list and type(b) is list and len(a) == len(b) == 2 and a[0] == b[0] == "tuple" and type(a[1]) is list and type(b[1]) is list:
        _diff_items(cast("list[Any]", a[1]), cast("list[Any]", b[1]), path, found)
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
        for at in range(a1 + paired, a2):
            found.append(Difference((*path, at), "removed", recorded[at], MISSING))
        for at in range(b1 + paired, b2):
            found.append(Difference((*path, at), "added", MISSING, live[at]))


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


# ---- leaves and words --------------------------------------------------------------------------


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the strings, numbers and booleans of a tree, JSON inside strings not opened."""
    work = [tree]
    while work:
        node = work.pop()
        if type(node) is dict:
            work.extend(reversed(list(cast("dict[str, Any]", node).values())))
        elif type(node) is list:
            work.extend(reversed(cast("list[Any]", node)))
        elif node is not None and node is not MISSING:
            yield node


_FRAMING: Final = frozenset({"role", "type", "id", "tool_call_id", "call_id", "object", "index", "model", "item_id", "status"})
_SAMPLING: Final = frozenset(
    {
        "model", "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "stop", "stop_sequences", "stream",
        "stream_options", "seed", "user", "tools", "tool_choice", "functions", "function_call", "response_format", "reasoning_effort", "reasoning",
        "metadata", "store", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "parallel_tool_calls", "text", "include",
        "safety_identifier", "prompt_cache_key", "service_tier", "verbosity", "encoding_format", "dimensions", "output_config", "thinking",
    }
)  # fmt: skip
"""Members that say how a model is to be asked, not what: two requests are no more alike for sharing them."""
_MODEL_KINDS: Final = frozenset({"llm", "embedding"})


def _features(kind: str, tree: Any) -> list[str]:
    """The leaf texts by which a call is told from another, framing left out."""
    if type(tree) is dict and kind in _MODEL_KINDS:
        members = cast("dict[str, Any]", tree)
        if members.keys() <= {"method", "path", "body"} and "body" in members:
            tree = members["body"]
        if type(tree) is dict:
            tree = {name: member for name, member in cast("dict[str, Any]", tree).items() if name not in _SAMPLING}
    found: list[str] = []
    work: list[tuple[Any, str, int]] = [(tree, "", 0)]
    while work:
        node, name, depth = work.pop()
        if type(node) is dict:
            work.extend((m, k, depth + 1) for k, m in cast("dict[str, Any]", node).items() if depth == 0 or k not in _FRAMING)
        elif type(node) is list:
            work.extend((item, name, depth + 1) for item in cast("list[Any]", node))
        elif type(node) is str:
            found.append(node)
        elif type(node) is bool:
            found.append(f"{name}={node}")
        elif node is not None:
            found.append(repr(int(node)) if type(node) is float and node.is_integer() else repr(node))
    return found


_WORD: Final = re.compile(r"[A-Za-z0-9_]+|[^\W\d_]", re.UNICODE)


def _words(texts: Iterable[str]) -> collections.Counter[str]:
    """Words of ASCII text, single letters of other scripts (many write no spaces)."""
    count: collections.Counter[str] = collections.Counter()
    for text in texts:
        count.update(word.lower() for word in _WORD.findall(text))
    return count


def _dice(a: collections.Counter[str], b: collections.Counter[str]) -> float:
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0


def similarity(kind: str, live: Any, recorded: Any, siblings: Sequence[Any]) -> float:
    """Say how alike two calls are, from 0 to 1, by what tells them from the other calls at the place.

    `siblings` are the inputs of all recorded calls there (`recorded` among them). A text that the live call shares with
    all of them is common to the place (a system prompt) and proves nothing; with a single sibling that holds for models only.
    """
    a, b = _features(kind, live), _features(kind, recorded)
    if len(siblings) > 1 or kind in _MODEL_KINDS:
        common = set(a)
        for sibling in siblings:
            common.intersection_update(_features(kind, sibling))
        own_a, own_b = [t for t in a if t not in common], [t for t in b if t not in common]
        if own_a and own_b:
            a, b = own_a, own_b
        elif not own_a and not own_b:
            return 1.0
    return _dice(_words(a), _words(b))


def same_conversation(live: Any, recorded: Any, siblings: Sequence[Any]) -> bool:
    """Say whether two calls hold the same history up to something that changed in it.

    That is: a list of equal length and equal framing (roles, kinds, call ids) at the same place, of which an element is
    equal that not every sibling has there.
    """
    for path, history in _histories(live):
        other = _at(recorded, path)
        if type(other) is not list or len(other) != len(history) or any(_frame(a) != _frame(b) for a, b in zip(history, other, strict=True)):
            continue
        lists = [_at(sibling, path) for sibling in siblings]
        for at, (a, b) in enumerate(zip(history, other, strict=True)):
            if same(a, b) and any(type(s) is not list or at >= len(s) or not same(s[at], b) for s in lists):
                return True
    return False


def _histories(tree: Any) -> Iterator[tuple[Path, list[Any]]]:
    """Lists of at least two elements among the members of a call, and of the body of an SDK call."""
    if type(tree) is dict:
        for name, member in cast("dict[str, Any]", tree).items():
            if type(member) is list and len(cast("list[Any]", member)) > 1:
                yield (name,), cast("list[Any]", member)
            elif name == "body" and type(member) is dict:
                yield from (((name, *path), history) for path, history in _histories(member))


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree.get(part) if type(tree) is dict else None
    return tree


def _frame(element: Any) -> Any:
    if type(element) is not dict:
        return type(element).__name__
    return {name: member for name, member in cast("dict[str, Any]", element).items() if name in _FRAMING and type(member) in (str, int)}


# ---- volatile tokens ---------------------------------------------------------------------------

_UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(?<![0-9a-zA-Z])[0-9a-f]{32}(?![0-9a-zA-Z])"
_TIME: Final = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?"
_EPOCH: Final = r"(?<![\d.])1\d{9}(?:\.\d{1,9})?(?![\d.])|(?<![\d.])1\d{12}(?:\d{3}|\d{6})?(?![\d.])"
_TOKEN: Final = re.compile(f"({_UUID})|({_TIME})|({_EPOCH})")
_ZONES: Final = 15 * 3600.0
"""Widest difference of a local clock from UTC, and a little."""
_SLACK: Final = 30.0
_ABOUT: Final = 3600.0


def mask_volatile(text: str) -> str:
    """Blank every time and random id out of a text, keeping its length."""
    return _TOKEN.sub(lambda match: "\0" * len(match.group()), text)


@dataclass(slots=True)
class Clock:
    """When both sides ran, in seconds since 1970: only a token that can be a reading of its side's clock is one."""

    recorded_from: float
    recorded_to: float
    live_from: float
    live_to: float
    """Moves on while the replay runs."""


@dataclass(slots=True)
class Volatile:
    """Decides whether differences are only times and random ids, under a function live → recorded within the Run."""

    clock: Clock
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Random ids seen so far, live → recorded."""

    def explains(self, recorded: Any, live: Any, *, commit: bool = True) -> bool:
        """Say whether two unequal trees differ only so; remember the ids if they do."""
        new: dict[str, str] = {}
        if not self._same(recorded, live, "", new):
            return False
        if commit:
            self.ids.update(new)
        return True

    @staticmethod
    def unknown_only(recorded: Any, live: Any) -> bool:
        """Say whether two trees differ only where the recording has lost something."""
        return not diff(recorded, live)

    def only(self, differences: Sequence[Difference]) -> bool:
        """The same for differences already found."""
        new: dict[str, str] = {}
        for d in differences:
            name = next((part for part in reversed(d.path) if isinstance(part, str) and part != IN_TEXT), "")
            if d.op != "changed" or not self._same(d.recorded, d.live, name, new):
                return False
        self.ids.update(new)
        return True

    def _same(self, recorded: Any, live: Any, name: str, new: dict[str, str]) -> bool:
        if recorded is live or is_hole(recorded):
            return True
        kind = type(recorded)
        if kind is dict and type(live) is dict:
            a, b = cast("dict[str, Any]", recorded), cast("dict[str, Any]", live)
            if semconv.TYPE in a and semconv.TYPE in b:
                return self._typed(a[semconv.TYPE], b[semconv.TYPE], name, new)
            return a.keys() == b.keys() and all(self._same(a[k], b[k], k, new) for k in a)
        if kind is list and type(live) is list:
            return len(recorded) == len(live) and all(self._same(a, b, name, new) for a, b in zip(recorded, live, strict=True))
        if kind is str and type(live) is str:
            return recorded == live or self._text(recorded, live, new)
        if same(recorded, live):
            return True
        numbers = (int, float)
        if kind in numbers and type(live) in numbers:
            return name == "seed" or self._moment(_epoch(float(recorded)), _epoch(float(live)))
        return False

    def _typed(self, a: Any, b: Any, name: str, new: dict[str, str]) -> bool:
        if values.equal({semconv.TYPE: a}, {semconv.TYPE: b}):
            return True
        if type(a) is not list or type(b) is not list or not a or not b or a[0] != b[0]:
            return False
        if a[0] == "?":
            return bool(a[1].get("type") == b[1].get("type"))
        return self._same(a[1:], b[1:], name, new)

    def _text(self, recorded: str, live: str, new: dict[str, str]) -> bool:
        if len(recorded) > 2_000_000 or len(live) > 2_000_000:
            return False
        at_a = at_b = 0
        found_a, found_b = list(_TOKEN.finditer(recorded)), list(_TOKEN.finditer(live))
        if not found_a or len(found_a) != len(found_b):
            return False
        for a, b in zip(found_a, found_b, strict=True):
            if recorded[at_a : a.start()] != live[at_b : b.start()] or a.lastindex != b.lastindex:
                return False
            if a.group() != b.group() and not self._token(a, b, new):
                return False
            at_a, at_b = a.end(), b.end()
        return recorded[at_a:] == live[at_b:]

    def _token(self, a: re.Match[str], b: re.Match[str], new: dict[str, str]) -> bool:
        recorded, live = a.group(), b.group()
        if a.lastindex == 1:
            known = new.get(live, self.ids.get(live))
            new[live] = recorded
            return known is None or known == recorded
        if a.lastindex == 2:
            if len(recorded) == 10 and len(live) == 10:
                return self._day(recorded, live)
            return self._moment(_iso(recorded), _iso(live))
        return self._moment(_epoch(float(recorded)), _epoch(float(live)))

    def _moment(self, recorded: float | None, live: float | None) -> bool:
        if recorded is None or live is None:
            return False
        c = self.clock
        now_live = c.live_from - _SLACK - _ZONES <= live <= c.live_to + _SLACK + _ZONES
        now_recorded = c.recorded_from - _SLACK - _ZONES <= recorded <= c.recorded_to + _SLACK + _ZONES
        if now_live and now_recorded and _whole_zone(live, c.live_from, c.live_to) and _whole_zone(recorded, c.recorded_from, c.recorded_to):
            return True
        return abs((live - c.live_from) - (recorded - c.recorded_from)) <= _ABOUT and not _same_clock(c)

    def _day(self, recorded: str, live: str) -> bool:
        try:
            a, b = dt.date.fromisoformat(recorded), dt.date.fromisoformat(live)
        except ValueError:
            return False
        start, now = self.clock.recorded_from, self.clock.live_to
        today = {dt.datetime.fromtimestamp(now).date(), dt.datetime.fromtimestamp(now, dt.UTC).date()}
        then = dt.datetime.fromtimestamp(start, dt.UTC).date()
        return b in today and abs((a - then).days) <= 1


def _same_clock(clock: Clock) -> bool:
    """The replay runs within an hour of the recording: "about as long ago" tells nothing then."""
    return abs(clock.live_from - clock.recorded_from) <= _ABOUT


def _whole_zone(moment: float, start: float, end: float) -> bool:
    """A reading of the clock lies in the span of the run, shifted by a time zone: a multiple of 15 minutes."""
    if start - _SLACK <= moment <= end + _SLACK:
        return True
    middle = (start + end) / 2
    shift = round((moment - middle) / 900) * 900
    return abs(shift) <= _ZONES and start - _SLACK <= moment - shift <= end + _SLACK


def _iso(text: str) -> float | None:
    try:
        moment = dt.datetime.fromisoformat(text.replace(",", ".").replace(" Z", "Z").replace(" +", "+"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _epoch(number: float) -> float | None:
    for scale in (1, 1e3, 1e6, 1e9):
        if 1e9 <= number / scale < 2e9:
            return number / scale
    return None


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
        elif any(type(leaf) in (int, float) and type(leaf) is not bool and leaf == value for leaf in live):
            return True
        elif any(re.search(rf"(?<![\d.]){re.escape(_number(value))}(?!\d)", text) for text in texts):
            return True
    return False


def _number(value: Any) -> str:
    return repr(int(value)) if type(value) is float and value.is_integer() else repr(value)
