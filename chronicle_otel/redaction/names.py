"""What the name of a member or attribute says about its value: key rules, hints, vetoes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .folding import folded

_HUMP: Final = re.compile(rb"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BREAK: Final = re.compile(rb"[-. _]+")
_CACHE: Final = 4096
_REACH: Final = 48
"""Bytes before a candidate in which a word can hint."""
_BEFORE: Final = re.compile(rb"""([A-Za-z0-9_.-]+)["'\\ )]*([:=#])["'\\ (]*\Z""")
_BLANK_BEFORE: Final = re.compile(rb"""([A-Za-z0-9_.-]+)["'\\ )]* ["'\\ (]*\Z""")
_ASSIGNED: Final = re.compile(rb"""[A-Za-z0-9_.-]*["'\\ )]*[=#]["'\\ (]*\Z""")
_MARK: Final = re.compile(rb"[:=#]")
_BLANKS: Final = b" \t\r\n"
_FIRST_LETTER: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_.-]*")


def normalise(name: bytes) -> str:
    """Return a name as policies spell it: `cardNumber`, `Card-Number` and `card.number` are `card_number`."""
    plain = _HUMP.sub(b"_", folded(name))
    return _BREAK.sub(b"_", plain).strip(b"_").lower().decode("latin-1")


class NameSet:
    """Names of a policy, `*` standing for anything."""

    __slots__ = ("_exact", "_globs")

    def __init__(self, names: Iterable[str]) -> None:
        listed = list(names)
        self._exact = frozenset(name for name in listed if "*" not in name)
        globs = [".*".join(map(re.escape, name.split("*"))) for name in listed if "*" in name]
        self._globs = re.compile("|".join(globs), re.DOTALL) if globs else None

    def __contains__(self, name: str) -> bool:
        return name in self._exact or (self._globs is not None and self._globs.fullmatch(name) is not None)

    def any(self, names: Sequence[str]) -> bool:
        """Say whether any of the spellings of a name is in the set."""
        return any(name in self for name in names)


@dataclass(frozen=True, slots=True)
class Context:
    """What a name says."""

    spellings: tuple[str, ...] = ()
    rule: str | None = None
    """Id of the key rule that takes the whole value."""
    type: str = ""
    """`secret` or `token`, of that rule."""
    hints: frozenset[str] = frozenset()
    vetoes: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    """Ids of the secrets that are looked for under this name."""
    sealed: bool = False
    """A provider's own token, which replay needs as it is."""

    @property
    def silent(self) -> bool:
        """The name asks for nothing that its value does not say by itself."""
        return self.rule is None and not self.hints and not self.secrets


NOWHERE: Final = Context()


class Names:
    """The key rules of a policy, ready to be asked."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._keys = [(entry, NameSet(entry["names"])) for entry in tree["keys"]]
        self._sealed = NameSet(entry["key"] for entry in tree["opaque_ok"])
        self._ids = [(entry["id"], NameSet(entry.get("names", ()))) for entry in tree["national_ids"]]
        self._secrets = [(entry["id"], NameSet(entry["keys"])) for entry in tree["secrets"] if entry.get("keys")]
        self._known: dict[bytes, Context] = {}
        words: dict[str, list[str]] = {}
        for entry in tree["keys"]:
            if entry.get("hint"):
                words.setdefault(entry["hint"], []).extend(entry.get("words", ()))
        for entry in tree["national_ids"]:
            words.setdefault(entry["id"], []).extend(entry.get("words", ()))
        self._words = {hint: _word_pattern(listed) for hint, listed in words.items() if listed}
        self.hinting: dict[str, list[str]] = {}
        """Names that hint at each rule."""
        for entry in tree["keys"]:
            if entry.get("hint"):
                self.hinting.setdefault(entry["hint"], []).extend(entry["names"])
        self._blank_names = {hint: re.compile(name_core(listed).encode() + rb"""["'\\ )(]* """) for hint, listed in self.hinting.items()}
        self.vetoed = frozenset(rule for entry in tree["keys"] for rule in entry.get("veto", ()))
        """Rules that some name speaks against."""

    def context(self, name: bytes) -> Context:
        """Return what a name says."""
        found = self._known.get(name)
        if found is None:
            if len(self._known) > _CACHE:
                self._known.clear()
            found = self._known[name] = self._context(name)
        return found

    def _context(self, name: bytes) -> Context:
        spellings = (normalise(name),)
        if b"." in name:
            spellings += (normalise(name.rpartition(b".")[2]),)
        spellings = tuple(spelling for spelling in spellings if spelling)
        if not spellings:
            return NOWHERE
        rule, kind = None, ""
        hints: set[str] = set()
        vetoes: set[str] = set()
        for entry, names in self._keys:
            if not names.any(spellings):
                continue
            if entry.get("type") and rule is None:
                rule, kind = entry["id"], entry["type"]
            if entry.get("hint"):
                hints.add(entry["hint"])
            vetoes.update(entry.get("veto", ()))
        hints.update(name for name, names in self._ids if names.any(spellings))
        secrets = frozenset(name for name, names in self._secrets if names.any(spellings))
        return Context(spellings, rule, kind, frozenset(hints), frozenset(vetoes - hints), secrets, self._sealed.any(spellings))

    def before(self, part: bytes, at: int) -> Context:
        """Return what the name directly before a place in a text says."""
        found = _BEFORE.search(part, max(0, at - 64), at)
        return self._found(found)

    def before_blank(self, part: bytes, at: int) -> Context:
        """Return what the word before a place says, where only blanks stand between."""
        return self._found(_BLANK_BEFORE.search(part, max(0, at - 64), at))

    def _found(self, found: re.Match[bytes] | None) -> Context:
        name = _FIRST_LETTER.search(found[1]) if found is not None else None
        return self.context(name[0]) if name is not None else NOWHERE

    def word_before(self, hint: str, part: bytes, at: int) -> bool:
        """Say whether a word that hints stands shortly before a place."""
        pattern = self._words.get(hint)
        if pattern is None:
            return False
        start = max(0, at - _REACH)
        line = part.rfind(b"\n", start, at)
        if line >= 0 and part[line:at].strip(_BLANKS):
            start = line
        given = _ASSIGNED.search(part, start, at)
        if given is not None:
            start = given.start()
        return pattern.search(part, start, at) is not None

    def hints_in(self, hint: str, part: bytes) -> bool:
        """Say whether a name or word stands in a part that could hint at something in it."""
        if _MARK.search(part) is not None:
            return True
        words, names = self._words.get(hint), self._blank_names.get(hint)
        return (words is not None and words.search(part) is not None) or (names is not None and names.search(part) is not None)

    def patterns(self) -> dict[str, re.Pattern[bytes]]:
        """Return the words of every hint as a pattern."""
        return self._words


def name_core(names: Iterable[str]) -> str:
    """Return an RE2 pattern that finds each of some names in every spelling that normalises to it."""
    parts = [r"[-_. ]*".join(map(re.escape, name.strip("*").strip("_").split("_"))) for name in names]
    anywhere = [part for part, name in zip(parts, names) if name.startswith("*")]
    alone = [part for part, name in zip(parts, names) if not name.startswith("*")]
    open_end = [part + "[A-Za-z0-9_. -]*" for part, name in zip(parts, names) if name.endswith("*")]
    left = "(?:^|[^A-Za-z])"  # a name in a text begins at its first letter, whatever digits stand before it
    listed = ([f"{left}(?:{'|'.join(alone + open_end)})"] if alone or open_end else []) + anywhere
    return f"(?i:{'|'.join(listed)})[-_. ]*"


def _word_pattern(words: Sequence[str]) -> re.Pattern[bytes]:
    listed = b"|".join(re.escape(folded(word.encode())) for word in sorted(words, key=len, reverse=True))
    return re.compile(rb"(?i:(?<![A-Za-z0-9._@/-])(?:" + listed + rb")(?![A-Za-z0-9_]|[.-][A-Za-z]))")
