"""What a detector hands on: where a value stands, and of which parts its stand-in is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from .names import NOWHERE, Context, Names

ALNUM: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
WORD: Final = ALNUM | frozenset(b"_")
RUN: Final = WORD | frozenset(b"-")
DIGIT: Final = frozenset(b"0123456789")
LETTER: Final = ALNUM - DIGIT


@dataclass(frozen=True, slots=True)
class Piece:
    """A range that is replaced."""

    start: int
    end: int
    kind: str
    """How: email, domain, ipv4, ipv6, iban, e164, secret, token, pem, zeros; or card, phone, us_ssn, int, whose digits change in place."""
    value: str
    """What the stand-in is made of."""
    extra: str = ""
    """Kept prefix of a secret; tag of an int or token."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value that a rule found in a part of a text."""

    start: int
    end: int
    rule: str
    pieces: tuple[Piece, ...]
    value: str
    """As allow lists compare it."""
    open: bool = False
    """What lies between the pieces is scanned, too."""


class Scope:
    """What a detector may know beside the bytes: the name above them, and the policy's words."""

    __slots__ = ("context", "first", "level", "names", "prefixes", "regions")

    def __init__(self, names: Names, context: Context = NOWHERE, *, regions: Sequence[str] = (), prefixes: Sequence[bytes] = ()) -> None:
        self.names = names
        self.context = context
        self.regions = regions
        self.prefixes = prefixes
        self.first = True
        """The part begins where the text begins."""
        self.level = 0
        """How many cuts lie around the part."""

    def hinted(self, hint: str, part: bytes, at: int) -> bool:
        """Say whether the name above, the name before or a word before hints at a type."""
        return hint in self.context.hints or hint in self.names.before(part, at).hints or self.names.word_before(hint, part, at)

    def may_hint(self, hint: str, part: bytes) -> bool:
        """Say quickly whether anything in or above a part could hint at a type; True says nothing."""
        return hint in self.context.hints or self.names.hints_in(hint, part)

    def named(self, hint: str, part: bytes, at: int) -> bool:
        """Say whether the name before, or the word before that only blanks part from a place, is one that hints at a type."""
        return hint in self.names.before(part, at).hints or hint in self.names.before_blank(part, at).hints

    def follows_word(self, part: bytes, at: int) -> bool:
        """Say whether only blanks part a place from a word."""
        return bool(self.names.before_blank(part, at).spellings)

    def numbered(self, rule: str, part: bytes, at: int) -> bool:
        """Say whether the word directly before a place says that a number of another kind follows."""
        return rule not in self.context.hints and rule in self.names.before_blank(part, at).vetoes

    def vetoed(self, rule: str, part: bytes, at: int) -> bool:
        """Say whether a name speaks against a type, and nothing hints at it."""
        before = self.names.before(part, at)
        against = rule in self.context.vetoes or rule in before.vetoes
        if not against and rule == "ipv4":
            against = rule in self.names.before_blank(part, at).vetoes
        return against and not self.hinted(rule, part, at)

    def prefix(self, secret: bytes) -> bytes:
        """Return the longest known prefix of a secret that leaves something."""
        return next((known for known in self.prefixes if secret.startswith(known) and len(secret) > len(known)), b"")


class Detector(Protocol):
    """A family of values. Any object of this shape can be a hook of the Python engine."""

    @property
    def name(self) -> str: ...

    @property
    def cores(self) -> Sequence[str]:
        """RE2 patterns; where none occurs in a text, `find` finds nothing in it."""
        ...

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return what is in the folded bytes, from left to right, not overlapping."""
        ...


def before(part: bytes, at: int) -> int:
    """Return the byte before a place, or -1."""
    return part[at - 1] if at > 0 else -1


def after(part: bytes, at: int) -> int:
    """Return the byte at a place, or -1."""
    return part[at] if at < len(part) else -1


def digit_after(part: bytes, at: int, separators: bytes) -> bool:
    """Say whether one of the separators stands here, with a digit behind it."""
    return at < len(part) and part[at] in separators and after(part, at + 1) in DIGIT


def digit_before(part: bytes, at: int, separators: bytes) -> bool:
    """Say whether one of the separators stands before here, with a digit before it."""
    return at > 1 and part[at - 1] in separators and part[at - 2] in DIGIT


def text(data: bytes) -> str:
    """Return bytes as a string that keeps every one of them."""
    return data.decode("utf-8", "surrogateescape")


def secret(start: int, end: int, part: bytes, scope: Scope) -> Piece:
    """Make the piece of a secret, with its known prefix."""
    value = part[start:end]
    return Piece(start, end, "secret", text(value), text(scope.prefix(value)))
