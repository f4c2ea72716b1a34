"""Says quickly that a value holds nothing: sound, so that skipping a value is the same as scanning it.

raw bytes ──read JSON escapes, fold──► one text ──the rules' own cores, all at once──► nothing there: done

The rules' cores, asked of the whole value, find at least what they find in its parts: quotes and commas are boundaries as
the ends of a string are. What else can change a value has a core of its own here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, Final

from . import encoded, own
from .detectors.own_rules import OwnRule
from .detectors.secrets import Assigned
from .folding import folded, folds
from .found import Scope
from .hooks import HookDetector
from .layers import ENTITY
from .names import NOWHERE, name_core
from .patterns import Cores, compile_pattern
from .policy import Policy
from .scanning import Rule, Scanner, core_patterns

_FEED: Final = re.compile(rb"(?<!\\)\\++n")
_RETURN: Final = re.compile(rb"(?<!\\)\\++r")
_TAB: Final = re.compile(rb"(?<!\\)\\++t")
_BACK: Final = re.compile(rb"(?<!\\)\\++b")
_PAGE: Final = re.compile(rb"(?<!\\)\\++f")
_PLAIN: Final = re.compile(rb'(?<!\\)\\++(["/])')
_UNICODE: Final = re.compile(rb"(?<!\\)\\++u([Dd][89ABab][0-9A-Fa-f]{2})\\++u([Dd][C-Fc-f][0-9A-Fa-f]{2})|(?<!\\)\\++u([0-9A-Fa-f]{4})")
_SEVERAL: Final = re.compile(rb"\\\\+")
_LONG_RUN: Final = re.compile(rb"(?<!\\)(\\{3}\\*+)[bfnrtu]")
_PAIR: Final = re.compile(rb"(?<!\\)(\\++)u[Dd][89ABab][0-9A-Fa-f]{2}(\\++)u[Dd][C-Fc-f]")
_BACKSLASH: Final = re.compile(rb"\\u(?:005|[Ff][Ff]3)[Cc]|\\u[Ff][Ee]68")
# All of them begin where a run of backslashes does: looked at from each of its bytes, a long run would cost its square.
_REACH: Final = 200
"""Bytes before a candidate in which a word may hint; more than in a text that was read, for escapes are longer than what they stand for."""
_SPARE: Final = 2
"""Layers that need no backslash: the outermost string of a document, and nested JSON that holds no quote."""
_MOST: Final = 24
"""As much as 2 to this many backslashes is more than any value."""
_OTHER: Final = (
    "%[0-9A-Fa-f]{2}",
    ENTITY.decode(),
    r'"[0-9]{1,8}"[ \t\r\n]*,[ \t\r\n]*"[0-9]{1,8}"[ \t\r\n]*,[ \t\r\n]*"[0-9]{1,8}"',
    r"(?:^|[:,\[])[ \t\r\n]*-?[0-9]{9,}\.0+(?:$|[^0-9A-Za-z.])",
    r"(?:^|[:,\[])[ \t\r\n]*-?[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]+(?:$|[^0-9A-Za-z.])",
)
"""Encodings, split cards, whole numbers in exponent form or with a fraction."""


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


def _read(text: bytes) -> bytes | None:
    """Return a text with its escapes read, whatever they are nested in; None if reading leaves a backslash, or makes one.

    Text that was escaped n times has 2ⁿ backslashes before the letter of an escape. Where there are as many, they are all gone
    in the end, and the run can be read at once; of any other count a backslash stays, and may begin an escape with what follows.
    """
    if b"\\\\\\" in text and any(len(run) & (len(run) - 1) for run in _LONG_RUN.findall(text)):
        return None
    if b"\\u" in text:
        if _BACKSLASH.search(text) is not None or any(len(found[1]) != len(found[2]) for found in _PAIR.finditer(text)):
            return None
        text = _UNICODE.sub(_unit, text)
        if b"\\u" in text and _UNICODE.search(text) is not None:
            return None
    if b"\\b" in text:
        text = _BACK.sub(b"\b", text)
    if b"\\f" in text:
        text = _PAGE.sub(b"\f", text)
    text = _PLAIN.sub(rb"\1", _RETURN.sub(b"\r", _TAB.sub(b"\t", _FEED.sub(b"\n", text))))
    return _SEVERAL.sub(b"\\\\", text) if b"\\\\" in text else text


class _Loose(Scope):
    """Knows no name, and takes what a name could say for said."""

    __slots__ = ("_hinted",)

    def __init__(self, scanner: Scanner, *, hinted: bool) -> None:
        known = scanner.scope(NOWHERE)
        super().__init__(scanner.names, NOWHERE, regions=known.regions, prefixes=known.prefixes)
        self._hinted = hinted

    def hinted(self, hint: str, part: bytes, at: int) -> bool:
        return self._hinted

    def may_hint(self, hint: str, part: bytes) -> bool:
        return self._hinted

    def named(self, hint: str, part: bytes, at: int) -> bool:
        return self._hinted

    def follows_word(self, part: bytes, at: int) -> bool:
        return False

    def numbered(self, rule: str, part: bytes, at: int) -> bool:
        return False

    def vetoed(self, rule: str, part: bytes, at: int) -> bool:
        return False


_CERTAIN: Final = ("certain", 0)


class Gate:
    """Looks at a raw value."""

    def __init__(self, policy: Policy, scanner: Scanner) -> None:
        self._depth = policy.limits["depth"]
        self._run = b"\\" * (1 << max(0, min(policy.limits["layers"] - _SPARE, _MOST)))
        """Backslashes in a row that could take more layers than there may be: each layer halves them."""
        self._rules = scanner.rules
        self._sure = _Loose(scanner, hinted=True)
        self._unsure = _Loose(scanner, hinted=False)
        patterns, owners = core_patterns(scanner.rules, scanner.names)
        listed = list(zip(patterns, owners)) + [(pattern, _CERTAIN) for pattern in (*_OTHER, *_named(policy))]
        names = [(_hint_names(policy, rule), ("name", number)) for number, rule in enumerate(scanner.rules) if rule.hints]
        listed += [(pattern, owner) for pattern, owner in names if pattern]
        self._owners = [_CERTAIN if _by_name(owner, scanner.rules) else owner for _, owner in listed]
        self._cores = Cores([pattern for pattern, _ in listed])
        hinting = [number for number, rule in enumerate(scanner.rules) if rule.hints]
        self._near = {number: _finders(patterns, owners, number) for number in hinting}
        self._words = {number: scanner.names.patterns().get(scanner.rules[number].hints) for number in hinting}

    def clean(self, data: bytes) -> bool:
        """Say whether a value surely holds nothing that any rule would touch."""
        text = data
        if b"\\" in text:
            read = None if self._run in text else _read(text)
            if read is None:
                return False
            text = read
        if not text.isascii():
            text = folded(text)  # after the escapes, as when it is scanned: folding may spell new ones, which are none
        found = self._cores.match(text)
        if found and not self._harmless(found, text):
            return False
        return text.count(b"[") + text.count(b"{") <= self._depth

    def _harmless(self, found: list[int], text: bytes) -> bool:
        owners = {self._owners[number] for number in found}
        if _CERTAIN in owners:
            return False
        return not any(self._speaks(kind, number, owners, text) for kind, number in sorted(owners, reverse=True))

    def _speaks(self, kind: str, number: int, owners: set[tuple[str, int]], text: bytes) -> bool:
        """Say whether what a core saw is more than a look-alike: the rule itself is asked, over the whole value."""
        if kind == "rule":
            rule = self._rules[number]
            scope = self._unsure if ("hinted", number) in self._all_hinted else self._sure
            return bool(rule.detector.find(text, scope))
        if kind == "hinted":
            return ("name", number) in owners or (("word", number) in owners and self._word_near(number, text))
        if kind == "own":
            return bool(own.tokens(text, self._sure))
        return kind == "encoded" and any(True for _ in encoded.runs(text))

    @functools.cached_property
    def _all_hinted(self) -> frozenset[tuple[str, int]]:
        return frozenset(owner for owner in self._owners if owner[0] == "hinted")

    def _word_near(self, number: int, text: bytes) -> bool:
        words = self._words[number]
        if words is None:
            return False
        for finder in self._near[number]:
            for found in finder.finditer(text):
                start = found.start()
                if any(words.search(text, max(0, start - _REACH), start + more) is not None for more in (0, 1, 2)):
                    return True
        return False


def _by_name(owner: tuple[str, int], rules: Sequence[Rule]) -> bool:
    """Say whether a rule looks at more than a value as a whole shows: names, or whatever a hook looks at."""
    return owner[0] == "rule" and isinstance(rules[owner[1]].detector, (Assigned, OwnRule, HookDetector))


def _finders(patterns: Sequence[str], owners: Sequence[tuple[str, int]], number: int) -> list[Any]:
    return [compile_pattern(pattern) for pattern, owner in zip(patterns, owners) if owner == ("hinted", number)]


def _named(policy: Policy) -> list[str]:
    """The names under which whole values are taken."""
    names = sorted({name for entry in policy.tree["keys"] if entry.get("type") for name in entry["names"]})
    return [name_core(names) + '"'] if names else []


def _hint_names(policy: Policy, rule: Rule) -> str:
    listed = {name for entry in policy.tree["keys"] if entry.get("hint") == rule.hints for name in entry["names"]}
    listed.update(name for entry in policy.tree["national_ids"] if entry["id"] == rule.hints for name in entry.get("names", ()))
    return name_core(sorted(listed)) + r"""["'\\ ()]*[ :=#,}\]]""" if listed else ""
