"""Telephone numbers: international, North American, with a national prefix, and bare ones where something hints at them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..found import ALNUM, DIGIT, WORD, Found, Piece, Scope, after, before, digit_after, digit_before
from ..phone_table import NANP, calling_code, possible_abroad, region, valid
from ..recognise import is_phone

_GROUP: Final = re.compile(rb"\(([0-9]+)\)|([0-9]+)")
_CODE: Final = re.compile(rb"\+([0-9]+)\)")
_SEPARATOR: Final = re.compile(rb"[ \t./-]{0,3}")
_START: Final = re.compile(rb"\(\+[0-9]+\)|\+?\(?[0-9]+")
_EXTENSION: Final = re.compile(rb"[ ,]{0,2}(?:[Xx]|[Ee][Xx][Tt]\.?|[Ee][Xx][Tt][Ee][Nn][Ss][Ii][Oo][Nn])[ .:]?([0-9]{1,6})")
_DATE: Final = re.compile(rb"[0-9]{2}[./-][0-9]{2}[./-][0-9]{4}")
_DATES: Final = re.compile(
    rb"[0-9]{2}[./-][0-9]{2}[./-][0-9]{4}|[0-9]{4}[./-][0-9]{2}[./-][0-9]{2}|(?:19|20)[0-9]{2}[01][0-9][0-3][0-9](?![0-9])"
)
_EPOCH: Final = re.compile(r"1[5-9][0-9]{8}(?:[0-9]{3})?")
_AT: Final = re.compile(rb"(?i:(?<![A-Za-z0-9_])(?:at|on|under|unter|au|is))[: ]+\Z")
"""Between a word that hints and the number itself: call me at …"""
_REACH: Final = 12
"""Bytes in which such a word stands."""
_LEAST_SAID: Final = 8
"""Digits that only a word calls a number."""
_MOST_GROUPS: Final = 8
_LEAST: Final = 7
_MOST: Final = 17
_MOST_ABROAD: Final = 15
_LONGEST_AREA: Final = 7
"""Digits of an area code, its national prefix with it."""


@dataclass(frozen=True, slots=True)
class _Group:
    start: int
    end: int
    digits: str
    inside: bool
    """Between parentheses."""
    gap: bytes
    """What stands before it."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    part: bytes
    plus: bool
    groups: Sequence[_Group]
    digits: str
    framed: bool
    """Something other than blanks holds the groups together."""
    joined: bool
    """As `framed`, but slashes are what stands between measurements."""

    @property
    def gaps(self) -> list[bytes]:
        return [group.gap for group in self.groups[1:]]

    @property
    def end(self) -> int:
        last = self.groups[-1]
        return last.end + (1 if last.inside else 0)


class Phone:
    """numbers that are possible where they claim to be."""

    name = "phone"
    cores = (
        r"(?:^|[^0-9A-Za-z_+])\+\(?[0-9]",
        r"(?:^|[^0-9A-Za-z_])[2-9][0-9]{2}[ \t./-]{1,3}[0-9]{3}[ \t./-]{0,3}[0-9]{4}(?:[^0-9A-Za-z_]|[XxEe]|$)",
        r"\([0-9]+\)[ \t./-]{0,3}[0-9(]",
        r"[0-9][ \t./-]{0,3}\([0-9]",
        r"(?:^|[^0-9A-Za-z_])0(?:0|11)[0-9]*[ \t./-]{1,3}[0-9]",
        r"(?:^|[^0-9A-Za-z_./:-]|[^0-9A-Za-z][./:-]|^[./:-]|[A-Za-z][.:])0[0-9]{1,6}\)?[ \t./-]{1,3}[0-9]",
    )
    hinted_cores = (
        r"(?:^|[^0-9A-Za-z_])[0-9]{7,17}(?:[^0-9A-Za-z_]|[XxEe]|$)",
        r"(?:^|[^0-9A-Za-z_])[0-9]{1,14}(?:\)?[ \t./-]{1,3}\(?|\)[ \t./-]{0,3}\(?|\()[0-9]",
    )

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the numbers."""
        made: list[Found] = []
        at = 0
        while (found := _START.search(part, at)) is not None:
            start = found.start()
            match = self._at(part, start, scope) if _may_begin(part, start) else None
            if isinstance(match, Found):
                made.append(match)
                at = match.end
            elif match is not None:
                at = match
            else:
                at = found.end()
        return made

    def _at(self, part: bytes, start: int, scope: Scope) -> Found | int | None:
        framed = part.startswith(b"(+", start)  # (+44) 20 7946 0018
        plus = framed or part[start] == 0x2B
        groups = _groups(part, start + plus, framed)
        for candidate in _prefixes(part, plus, groups):
            end = candidate.end
            extension = _EXTENSION.match(part, end)
            if extension is not None and _may_end(part, extension.end()):
                end = extension.end()
            elif _may_end(part, end):
                extension = None
            else:
                continue
            number = _number(candidate, scope) or _whole(candidate, start, end, scope)
            if number is None and len(candidate.groups) == len(groups):
                number = _said(candidate, start, scope)
            if number is None:
                continue
            if not plus and scope.vetoed(self.name, part, start):
                return None
            if number[0] == "1" and is_phone(number[1:]):
                return end
            pieces = [_piece(candidate, start, number)]
            if extension is not None:
                pieces.append(Piece(*extension.span(1), "zeros", ""))
            return Found(start, end, self.name, tuple(pieces), number)
        return None


def _prefixes(part: bytes, plus: bool, groups: list[_Group]) -> list[_Candidate]:
    """Return what the groups from the first on may be together, the most of them first."""
    made: list[_Candidate] = []
    digits = ""
    framed = joined = False
    for count, group in enumerate(groups, 1):
        digits += group.digits
        mark = group.gap.strip(b" \t") if count > 1 else b""
        framed = framed or group.inside or bool(mark)
        joined = joined or group.inside or bool(mark and mark.strip(b" \t/"))
        if _LEAST <= len(digits) <= _MOST:
            made.append(_Candidate(part, plus, groups[:count], digits, framed, joined))
    made.reverse()
    return made


def _may_begin(part: bytes, at: int) -> bool:
    previous = before(part, at)
    if previous in WORD or previous == 0x2B:
        return False
    earlier = part[at - 2] if at > 1 else -1
    if previous in (0x2D, 0x2F):
        return earlier not in ALNUM
    return not (previous in (0x2E, 0x3A) and earlier in DIGIT)


def _may_end(part: bytes, at: int) -> bool:
    return after(part, at) not in WORD and not digit_after(part, at, b".:-/")


def _groups(part: bytes, at: int, framed: bool) -> list[_Group]:
    groups: list[_Group] = []
    gap = b""
    while len(groups) < _MOST_GROUPS:
        found = _GROUP.match(part, at) if groups or not framed else _CODE.match(part, at)
        if found is None:
            break
        inside = found[1] is not None
        span = found.span(1 if inside else 2)
        groups.append(_Group(*span, (found[1] or found[2]).decode(), inside, gap))
        separator = _SEPARATOR.match(part, found.end())
        assert separator is not None
        gap, at = separator[0], separator.end()
        if len(gap.replace(b" ", b"").replace(b"\t", b"")) > 1:
            break
        if not gap and not inside and part[at : at + 1] != b"(":
            break
    return groups


def _number(candidate: _Candidate, scope: Scope) -> str | None:
    """Return the E.164 digits of a candidate, or None."""
    if candidate.plus:
        return _international(candidate, candidate.digits)
    digits = candidate.digits
    groups = candidate.groups
    head, single = groups[0], len(groups) == 1
    if not single and not head.inside:
        for exit_code in ("00", "011"):
            if head.digits.startswith(exit_code):
                found = _international(candidate, digits[len(exit_code) :])
                if found is not None:
                    return found
    hinted = scope.hinted("phone", candidate.part, head.start - head.inside)
    if single:
        return _bare(digits, scope) if hinted and not scope.numbered("phone", candidate.part, head.start) else None
    return _north_american(candidate, digits, scope, hinted) or _with_prefix(candidate, digits, scope, hinted)


def _international(candidate: _Candidate, digits: str) -> str | None:
    code = calling_code(digits)
    if code is None:
        return None
    national = digits[len(code) :]
    if national[:1] == "0" and any(group.inside and group.digits == "0" for group in candidate.groups):
        national = national[1:]
    if code == "1":
        return code + national if len(national) == 10 and national[0] in "23456789" else None
    return code + national if possible_abroad(code, national) else None


def _north_american(candidate: _Candidate, digits: str, scope: Scope, hinted: bool) -> str | None:
    groups = list(candidate.groups)
    one = len(digits) == 11 and groups[0].digits == "1" and not groups[0].inside
    if one:
        groups = groups[1:]
        digits = digits[1:]
    shape = [len(group.digits) for group in groups]
    grouped = shape == [3, 3, 4] and candidate.joined and hinted
    if not (NANP.fullmatch(digits) or (grouped and len(digits) == 10)) or not any(
        (known := region(name)) is not None and known[0] == "1" for name in scope.regions
    ):
        return None
    if shape not in ([3, 3, 4], [3, 7]) and not groups[0].inside:
        return None
    return "1" + digits if candidate.joined or one or hinted else None


def _with_prefix(candidate: _Candidate, digits: str, scope: Scope, hinted: bool) -> str | None:
    first = candidate.groups[0]
    gaps = candidate.gaps
    if not 2 <= len(first.digits) <= _LONGEST_AREA or len(set(gaps[1:])) > 1 or not (candidate.framed or hinted):
        return None
    if _DATE.match(candidate.part, first.start) or (not hinted and _measured(candidate)):
        return None
    for name in scope.regions:
        known = region(name)
        if known is None or known[1] != "0" or not digits.startswith("0"):
            continue
        national = digits[1:]
        if len(national) >= 8 and national[0] != "0" and len(national) in known[2]:
            return known[0] + national
    return None


def _measured(candidate: _Candidate) -> bool:
    """Say whether digits are a postal code of nine digits, or go on behind a comma."""
    shape = [len(group.digits) for group in candidate.groups]
    start = candidate.groups[0].start
    return shape == [5, 4] or digit_before(candidate.part, start, b",")


def _whole(candidate: _Candidate, start: int, end: int, scope: Scope) -> str | None:
    """Return the digits of a number that is all of a text whose name says that it holds one."""
    if "phone" not in scope.context.hints or not scope.first or any(group.inside for group in candidate.groups):
        return None
    around = candidate.part[:start] + candidate.part[end:]
    return candidate.digits if len(candidate.digits) <= _MOST_ABROAD and not around.strip(b" \t\r\n") else None


def _said(candidate: _Candidate, start: int, scope: Scope) -> str | None:
    """Return the digits of a number that the word directly before it calls one."""
    digits, groups = candidate.digits, candidate.groups
    if candidate.plus or not _LEAST_SAID <= len(digits) <= _MOST_ABROAD or any(group.inside for group in groups):
        return None
    if len(set(candidate.gaps)) > 1 or _DATES.match(candidate.part, start) or (len(groups) == 1 and _EPOCH.fullmatch(digits)):
        return None
    if scope.named("phone", candidate.part, start):
        return digits
    called = len(groups) > 1 and not candidate.framed and _AT.search(candidate.part, max(0, start - _REACH), start) is not None
    return digits if called and scope.hinted("phone", candidate.part, start) else None


def _bare(digits: str, scope: Scope) -> str | None:
    for name in scope.regions:
        known = region(name)
        if known is None:
            continue
        code, prefix, _ = known
        plain = ("",) if not prefix or code == "1" or "phone" in scope.context.hints else ()
        for lead in (*plain, prefix, code):
            if digits.startswith(lead) and valid(name, digits[len(lead) :]):
                return code + digits[len(lead) :]
    return None


def bare_number(digits: str, scope: Scope) -> str | None:
    """Return the E.164 digits of a number without separators that something hints at, or None."""
    return _bare(digits, scope)


def _piece(candidate: _Candidate, start: int, number: str) -> Piece:
    last = candidate.groups[-1].end
    if number[0] != "1" or len(number) != 11:
        return Piece(start, candidate.end, "e164", number)
    wanted = 10
    for group in reversed(candidate.groups):
        if wanted <= len(group.digits):
            return Piece(group.end - wanted, last, "phone", number)
        wanted -= len(group.digits)
    raise AssertionError("fewer than ten digits")
