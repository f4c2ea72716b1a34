"""Says quickly that a value holds nothing: sound, so that skipping a value is the same as scanning it.

raw bytes ──fold, read JSON escapes──► one text ──the rules' own cores, all at once──► nothing there: done

The rules' cores, asked of the whole value, find at least what they find in its parts: quotes and commas are boundaries as
the ends of a string are. What else can change a value has a core of its own here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from .folding import folded, folds
from .layers import ENTITY
from .names import Names, name_core
from .patterns import Cores, compile_pattern
from .policy import Policy
from .scanning import Rule, Scanner, core_patterns

_BREAK: Final = re.compile(rb"\\+[bfnr]")
_TAB: Final = re.compile(rb"\\+t")
_PLAIN: Final = re.compile(rb'\\+(["/])')
_UNICODE: Final = re.compile(rb"\\+u([Dd][89ABab][0-9A-Fa-f]{2})\\+u([Dd][C-Fc-f][0-9A-Fa-f]{2})|\\+u([0-9A-Fa-f]{4})")
_REACH: Final = 200
"""Bytes before a candidate in which a word may hint; more than in a text that was read, for escapes are longer than what they stand for."""
_OTHER: Final = (
    "%[0-9A-Fa-f]{2}",
    ENTITY.decode(),
    r'"[0-9]{1,8}"[ \t\r\n]*,[ \t\r\n]*"[0-9]{1,8}"[ \t\r\n]*,[ \t\r\n]*"[0-9]{1,8}"',
    r"[:,\[ \t\r\n-][0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]",
)
"""Encodings, split cards, numbers in exponent form."""


def _unit(match: re.Match[bytes]) -> bytes:
    high, low, single = match.groups()
    if single is not None:
        point = int(single, 16)
    else:
        point = 0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00
    if point < 0x80:
        return bytes((point,))
    encoded = chr(point).encode("utf-8", "surrogatepass")
    return folds().get(encoded, b"\xff")


class Gate:
    """Looks at a raw value."""

    def __init__(self, policy: Policy, scanner: Scanner) -> None:
        self._depth = policy.limits["depth"]
        patterns, owners = core_patterns(scanner.rules, scanner.names)
        self._hints: dict[int, int] = {}
        certain = [(pattern, 0) for pattern, owner in zip(patterns, owners) if owner[0] not in ("word", "hinted")]
        certain += [(pattern, 0) for pattern in (*_OTHER, *_named(policy))]
        hinted = [(pattern, 1 + 2 * number) for pattern, (kind, number) in zip(patterns, owners) if kind == "hinted"]
        words = [(pattern, -1 - 2 * number) for pattern, (kind, number) in zip(patterns, owners) if kind == "word"]
        names = [(_hint_names(policy, rule, scanner.names), -2 - 2 * number) for number, rule in enumerate(scanner.rules) if rule.hints]
        listed = certain + hinted + words + [(pattern, owner) for pattern, owner in names if pattern]
        self._owners = [owner for _, owner in listed]
        self._cores = Cores([pattern for pattern, _ in listed])
        self._near = {number: _finders(patterns, owners, number) for number, rule in enumerate(scanner.rules) if rule.hints}
        self._words = {number: scanner.names.patterns().get(rule.hints) for number, rule in enumerate(scanner.rules) if rule.hints}

    def clean(self, data: bytes) -> bool:
        """Say whether a value surely holds nothing that any rule would touch."""
        text = data if data.isascii() else folded(data)
        if b"\\" in text:
            if b"u" in text:
                text = _UNICODE.sub(_unit, text)
                if text.count(b"\\u005c") or text.count(b"\\u005C"):
                    return False
            text = _PLAIN.sub(rb"\1", _TAB.sub(b"\t", _BREAK.sub(b"\n", text)))
        found = self._cores.match(text)
        if found and not self._harmless(found, text):
            return False
        return data.count(b"[") + data.count(b"{") <= self._depth

    def _harmless(self, found: list[int], text: bytes) -> bool:
        owners = {self._owners[number] for number in found}
        if 0 in owners:
            return False
        for owner in owners:
            if owner > 0:
                number = (owner - 1) // 2
                if -2 - 2 * number in owners:
                    return False
                if -1 - 2 * number in owners and self._word_near(number, text):
                    return False
        return True

    def _word_near(self, number: int, text: bytes) -> bool:
        words = self._words[number]
        if words is None:
            return False
        for finder in self._near[number]:
            for found in finder.finditer(text):
                start = found.start()
                if words.search(text, max(0, start - _REACH), start + 2) is not None:
                    return True
        return False


def _finders(patterns: Sequence[str], owners: Sequence[tuple[str, int]], number: int) -> list[Any]:
    return [compile_pattern(pattern) for pattern, owner in zip(patterns, owners) if owner == ("hinted", number)]


def _named(policy: Policy) -> list[str]:
    """The names under which whole values are taken."""
    names = sorted({name for entry in policy.tree["keys"] if entry.get("type") for name in entry["names"]})
    return [name_core(names) + '"'] if names else []


def _hint_names(policy: Policy, rule: Rule, names: Names) -> str:
    listed = {name for entry in policy.tree["keys"] if entry.get("hint") == rule.hints for name in entry["names"]}
    listed.update(name for entry in policy.tree["national_ids"] if entry["id"] == rule.hints for name in entry.get("names", ()))
    return name_core(sorted(listed)) + r"""["'\\ )]*[:=#,}\]]""" if listed else ""
