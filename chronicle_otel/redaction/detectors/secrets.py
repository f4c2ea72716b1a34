"""Credentials by their form: the policy's list of prefixes, classes and lengths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..found import ALNUM, DIGIT, LETTER, RUN, Found, Piece, Scope, after, before, text
from ..names import name_core
from ..patterns import compile_pattern
from ..recognise import secret_at

CLASSES: Final = {
    "digit": rb"[0-9]",
    "hex": rb"[0-9a-fA-F]",
    "upper": rb"[A-Z0-9]",
    "alnum": rb"[A-Za-z0-9]",
    "word": rb"[A-Za-z0-9_-]",
    "base64": rb"[A-Za-z0-9+/=]",
    "secret_text": rb"[!#$%*+./:=?@^_~A-Za-z0-9-]",
}
_EXTENDED: Final = frozenset({"digit", "hex", "upper", "alnum", "word"})
"""Classes within the bytes of a token: a match of these runs on to the token's end."""
_MEMBERS: Final = {name: frozenset(byte for byte in range(128) if re.fullmatch(of, bytes((byte,)))) for name, of in CLASSES.items()}
_RUNS: Final = {name: re.compile(of + rb"*") for name, of in CLASSES.items()}
_TOKEN: Final = _RUNS["word"]
_REFERENCE: Final = re.compile(rb"\$\{|\{\{|<")
_ASSIGNED: Final = re.compile(rb"""[A-Za-z0-9_.-]["'\\ )]*[:=]["'\\ (]*""")
_CALL: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*[._][A-Za-z0-9_.]*")
"""What code calls or looks up, if a bracket follows: `base64.b16encode(x)`."""
_QUOTED: Final = 200
_LEAST_QUOTED: Final = 6
_BLANKS: Final = re.compile(rb"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of credential."""

    id: str
    prefixes: tuple[bytes, ...]
    of: str
    least: int
    most: int | None
    then: tuple[tuple[bytes, str, int, int | None], ...]
    mixed: bool

    @classmethod
    def of_entry(cls, entry: Mapping[str, Any]) -> Form:
        """Make a form from its entry in the policy."""
        prefixes = tuple(sorted((prefix.encode() for prefix in entry.get("prefix", [""])), key=len, reverse=True))
        then = tuple((step["sep"].encode(), step["of"], step["min"], step.get("max")) for step in entry.get("then", ()))
        return cls(entry["id"], prefixes, entry["of"], entry["min"], entry.get("max"), then, bool(entry.get("mixed")))

    def end_at(self, part: bytes, at: int) -> int | None:
        """Return where the credential ends whose prefix ended here."""
        start = at
        steps = [(b"", self.of, self.least, self.most), *self.then]
        of, most = self.of, self.most
        for number, (separator, of, least, most) in enumerate(steps):
            if number:
                if not part.startswith(separator, at):
                    return None
                at += len(separator)
            run = _RUNS[of].match(part, at)
            assert run is not None
            end = run.end()
            if number + 1 < len(steps):
                limit = part.find(steps[number + 1][0], at, end + len(steps[number + 1][0]))
                end = limit if limit >= 0 else end
            length = end - at
            if length < least or (most is not None and length > most):
                return None
            at = end
        if most is not None and (after(part, at) in _MEMBERS[of] or after(part, at) in ALNUM):
            return None
        if of in _EXTENDED:
            tail = _TOKEN.match(part, at)
            at = tail.end() if tail is not None else at
        body = part[start:at]
        if self.mixed and not (any(byte in DIGIT for byte in body) and any(byte in LETTER for byte in body)):
            return None
        return at

    def core(self, prefix: bytes) -> str:
        """Return a short pattern that any match of this form holds: the end of the first run, and what comes next."""
        if not self.then:
            return f"{_escape(prefix)}{_of(self.of)}{{{min(self.least, 12)}}}"
        separator, of, least, _ = self.then[0]
        return f"{_of(self.of)}{{{min(self.least, 6)}}}{_escape(separator)}{_of(of)}{{{min(least, 12)}}}"


def _of(name: str) -> str:
    return CLASSES[name].decode()


def _escape(literal: bytes) -> str:
    return re.sub(r"([^A-Za-z0-9_])", r"\\\1", literal.decode())


class Secrets:
    """credentials with a known prefix or form."""

    name = "secrets"

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        forms = [Form.of_entry(entry) for entry in entries if not entry.get("keys")]
        starts = [(prefix, form) for form in forms for prefix in form.prefixes]
        self._by_first: dict[int, list[tuple[bytes, Form]]] = {}
        self._anywhere: list[tuple[Any, Form]] = []
        for prefix, form in sorted(starts, key=lambda start: -len(start[0])):
            if prefix:
                self._by_first.setdefault(prefix[0], []).append((prefix, form))
            else:
                self._anywhere.append((compile_pattern(form.core(b"")), form))
        self.prefixes: tuple[bytes, ...] = tuple(sorted({prefix for prefix, _ in starts if prefix}, key=len, reverse=True))
        self._any_prefix = compile_pattern("|".join(map(_escape, self.prefixes))) if self.prefixes else None
        self.cores = tuple(form.core(prefix) for prefix, form in starts)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the credentials."""
        starts: dict[int, tuple[int, int]] = {}
        if self._any_prefix is not None:
            self._prefixed(part, starts)
        for pattern, form in self._anywhere:
            for found in pattern.finditer(part):
                for at in _beginnings(part, found.start(), found.end(), _MEMBERS[form.of]):
                    _offer(part, at, 0, form, starts)
                    if at in starts:
                        break
        return _made(part, starts, self.name)

    def _prefixed(self, part: bytes, starts: dict[int, tuple[int, int]]) -> None:
        pattern: Any = self._any_prefix
        found = pattern.search(part)
        while found is not None:
            at = found.start()
            for prefix, form in self._by_first[part[at]]:
                if part.startswith(prefix, at):
                    _offer(part, at, len(prefix), form, starts)
            found = pattern.search(part, at + 1)


def _beginnings(part: bytes, at: int, end: int, members: frozenset[int]) -> Iterator[int]:
    """Yield where tokens begin from which a run of a class leads to a place, and the tokens behind it up to an end."""
    while at > 0 and (part[at - 1] in members or part[at - 1] in RUN):
        at -= 1
    for place in range(at, end):
        if part[place] in members and before(part, place) not in RUN:
            yield place


def _offer(part: bytes, at: int, kept: int, form: Form, starts: dict[int, tuple[int, int]]) -> None:
    if before(part, at) in RUN or secret_at(part, at + kept) is not None:
        return
    end = form.end_at(part, at + kept)
    if end is not None and end > starts.get(at, (0, 0))[0]:
        starts[at] = (end, kept)


def _made(part: bytes, starts: dict[int, tuple[int, int]], rule: str) -> list[Found]:
    made: list[Found] = []
    floor = 0
    for start in sorted(starts):
        end, kept = starts[start]
        if start >= floor:
            value = text(part[start:end])
            made.append(Found(start, end, rule, (Piece(start, end, "secret", value, text(part[start : start + kept])),), value))
            floor = end
    return made


class Assigned:
    """values assigned to a name that says what they are."""

    name = "assigned"

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        named = [entry for entry in entries if entry.get("keys")]
        self._forms = [Form.of_entry(entry) for entry in named]
        names = name_core(sorted({name for entry in named for name in entry["keys"]}))
        self.cores: Sequence[str] = (names + r"""["'\\ )]*[:=,}\]]""",) if named else ()

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the values."""
        starts: dict[int, tuple[int, int]] = {}
        for form in self._forms:
            if scope.first and form.id in scope.context.secrets:
                blanks = _BLANKS.match(part)
                assert blanks is not None
                self._at(part, blanks.end(), form, scope, starts)
        taken = max((end for end, _ in starts.values()), default=0)
        barren: dict[str, int] = {}
        for found in _ASSIGNED.finditer(part):
            at = found.end()
            said = scope.names.before(part, at).secrets if taken <= at < len(part) else None
            for form in self._forms if said else ():
                if said and form.id in said:
                    self._at(part, at, form, scope, starts, barren)
            if at in starts:
                taken = starts[at][0]
        return _made(part, starts, self.name)

    def _at(
        self, part: bytes, at: int, form: Form, scope: Scope, starts: dict[int, tuple[int, int]], barren: dict[str, int] | None = None
    ) -> None:
        """Offer the value that begins here; `barren` says up to where a form's run has nothing, from any of its bytes on."""
        if _REFERENCE.match(part, at) or secret_at(part, at) is not None:
            return
        known = {} if barren is None else barren
        end = (form.end_at(part, at) or -1) if at >= known.get(form.id, 0) else -1
        if end < 0 and form.most is None and not form.then and at >= known.get(form.id, 0):
            run = _RUNS[form.of].match(part, at)
            known[form.id] = run.end() if run is not None else at
        if end > 0 and part[end : end + 1] in (b"(", b"[") and _CALL.fullmatch(part, at, end):
            return
        quote = part[at - 1 : at]
        if form.of == "secret_text" and quote in (b'"', b"'"):
            closing = part.find(quote, at, at + _QUOTED)
            body = part[at:closing]
            if closing > end and b"\n" not in body and any(byte in DIGIT for byte in body) and any(byte in LETTER for byte in body):
                end = closing if len(body) >= _LEAST_QUOTED else end
        if end > starts.get(at, (0, 0))[0]:
            starts[at] = (end, len(scope.prefix(part[at:end])))
