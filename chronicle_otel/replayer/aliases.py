"""Differences that are only pseudonyms: a redacted recording against live values, without the key. Pure.

recorded text ──layers, folding──► literal pieces with pseudonyms between them
live text ──layers, folding──────► holds the same pieces in the same order? between them values of the pseudonyms' types?
                                   ──► one value per pseudonym and one pseudonym per value, in the whole Run
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from .. import semconv, values
from ..redaction.alias import Pseudonym, normalised, pseudonyms, view
from ..redaction.recognise import OPAQUE
from .compare import Difference, is_items, is_object, leaves, same_but
from .counterparts import Recorded

MOST_STEPS: Final = 10_000
"""Attempts to lay a live text beside a recorded one."""
_LONGEST: Final = 2_000_000
"""Characters of a text above which it is not aligned."""
_WEAK: Final = frozenset({"nines", "mask", "empty"})
"""Forms that many values share: whether one value has one of them is not checked backwards."""
_FORMS: Final = {
    "email": {"email", "domain"}, "url": {"domain", "secret", "ipv4"}, "phone": {"phone"}, "card": {"card"}, "iban": {"iban"},
    "ipv4": {"ipv4"}, "ipv6": {"ipv6"}, "us_ssn": {"us_ssn"},
}  # fmt: skip
"""What a redactor's built-in rule leaves behind; every other rule leaves secrets, numbers, or one of the weak forms."""
_OTHER: Final = frozenset({"secret", "int", *_WEAK})
_REFERENCE: Final = re.compile(r'"\$chronicle\.ref":\[(\d{1,9})[],]')
_WORD: Final = re.compile(r"\w+")
_COMMON: Final = frozenset({"example", "com", "TEST"})
_SUFFIX: Final = re.compile(r"~\d+$")


class Aliases:
    """Which value stands behind which pseudonym in one Run, as far as live texts have shown it."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self.pseudonym_of: dict[tuple[str, str], str] = {}
        """(form, value) → pseudonym."""
        self.value_of: dict[tuple[str, str], str] = {}
        """(form, pseudonym) → value."""
        self.spellings: dict[str, str] = {}
        """Value as it stood in a live text → pseudonym as it stands there in the recording."""
        self._forms: dict[int, frozenset[str]] = {}
        self.collisions: dict[str, None] = {}
        """Pseudonyms that stood for more than one value: what was asked about either cannot be told apart."""

    def guess(self, r: Recorded, recorded: Any, live: Any) -> Guess | None:
        """Lay a live tree beside a Step's recorded one; None where they differ in more than pseudonyms."""
        forms = self.forms(r.step.seq)
        if not forms:
            return None
        guess = Guess(self, forms)
        return guess if same_but(recorded, live, guess.leaf, pair=guess.pair) else None

    def only(self, r: Recorded, differences: Sequence[Difference]) -> bool:
        """Say whether differences of a Step are only pseudonyms; what they show is remembered."""
        for d in differences:
            guess = self.guess(r, d.recorded, d.live) if d.op == "changed" else None
            if guess is None:
                return False
            guess.accept()
        return True

    def translated(self, live: Any) -> Any:
        """Return a live tree with every value that is known replaced by its pseudonym, for what is compared word by word."""
        if not self.spellings:
            return live
        values_first = re.compile("|".join(re.escape(text) for text in sorted(self.spellings, key=len, reverse=True)))

        def text(leaf: str) -> str:
            return values_first.sub(lambda found: self.spellings[found.group()], leaf)

        def tree(node: Any) -> Any:
            if isinstance(node, str):
                return text(node)
            if is_object(node):
                return {text(name): tree(member) for name, member in node.items()}
            if is_items(node):
                return [tree(item) for item in node]
            if type(node) is int and (known := self.spellings.get(str(node))) is not None and known.isdigit():
                return int(known)
            return node

        return tree(live)

    def touched(self, r: Recorded) -> bool:
        """Say whether a recorded Step's input holds pseudonyms."""
        forms = self.forms(r.step.seq)
        return bool(forms) and any(True for text in _texts(r.tree) for _ in pseudonyms(view(text), forms))

    def derived(self, differences: Sequence[Difference]) -> bool:
        """Say whether the live side of a difference shows a part of a pseudonym: its last four digits are not the value's."""
        parts = {part for d in differences for part in _own_parts(d.recorded, d.live)}
        return any(part in pseudonym for part in parts for pseudonym in self._all)

    @functools.cached_property
    def _all(self) -> frozenset[str]:
        """Every pseudonym of the Run, as it stands and as it is keyed."""
        found: set[str] = set()
        for step in self._run.steps:
            forms = self.forms(step.seq)
            for payload in (semconv.INPUT, semconv.OUTPUT, semconv.ERROR) if forms else ():
                for text in map(view, _texts(step.tree(payload))):
                    for p in pseudonyms(text, forms - _WEAK):
                        own = text[p.start : p.end]
                        found |= {own, normalised(p.form, own) or own}
        return frozenset(found)

    def forms(self, seq: int) -> frozenset[str]:
        """Forms of pseudonyms that may stand in a Step: by its redactor's report, and those of the Steps that it refers to."""
        known = self._forms.get(seq)
        if known is None:
            known = self._forms[seq] = frozenset(form for step in self._referred(seq) for form in _reported(step))
        return known

    def _referred(self, seq: int) -> Iterator[Any]:
        seen: set[int] = set()
        work = [seq]
        while work:
            at = work.pop()
            step = self._run.step(at)
            if at in seen or step is None:
                continue
            seen.add(at)
            yield step
            for text in step.envelope.payloads.values():
                work += [int(found) for found in _REFERENCE.findall(text)]


class Guess:
    """One comparison, and what it would add to the mapping."""

    def __init__(self, aliases: Aliases, forms: frozenset[str]) -> None:
        self._aliases = aliases
        self._forms = forms
        self._pseudonym_of: dict[tuple[str, str], str] = {}
        self._value_of: dict[tuple[str, str], str] = {}
        self._collisions: dict[str, None] = {}
        self._spellings: dict[str, str] = {}

    @property
    def new(self) -> int:
        """How many values it shows that were not known."""
        return len(self._pseudonym_of)

    def accept(self) -> None:
        """Remember what it shows."""
        self._aliases.pseudonym_of.update(self._pseudonym_of)
        self._aliases.value_of.update(self._value_of)
        self._aliases.collisions.update(self._collisions)
        self._aliases.spellings.update(self._spellings)

    def pair(self, recorded: dict[str, Any], live: dict[str, Any]) -> list[tuple[str, str]] | None:
        """Members that belong together: of equal names, and names that were redacted with those left over, in order."""
        if len(recorded) != len(live):
            return None
        left = iter([name for name in live if name not in recorded])
        pairs: list[tuple[str, str]] = []
        for name in recorded:
            other = name if name in live else next(left)
            if other != name and not self._text(_SUFFIX.sub("", name), other):
                return None
            pairs.append((name, other))
        return pairs

    def leaf(self, recorded: Any, live: Any, name: str) -> bool:
        """Accept two leaves that differ only in pseudonyms."""
        if isinstance(recorded, str) and isinstance(live, str):
            return self._text(recorded, live) or self._inside(recorded, live)
        if _is_number(recorded) and _is_number(live):
            return type(recorded) is type(live) and self._text(_written(recorded), _written(live))
        return False

    def _inside(self, recorded: str, live: str) -> bool:
        """JSON in a string is compared as JSON: a number in it may have changed its width."""
        if recorded[:1] not in ("{", "[") or live[:1] != recorded[:1] or max(len(recorded), len(live)) > _LONGEST:
            return False
        try:
            return same_but(values.loads(recorded), values.loads(live), self.leaf, pair=self.pair)
        except ValueError:
            return False

    def _text(self, recorded: str, live: str) -> bool:
        if max(len(recorded), len(live)) > _LONGEST:
            return False
        if recorded == live or (recorded == OPAQUE and "opaque" in self._forms):
            return True
        recorded, live = view(recorded), view(live)
        found = list(pseudonyms(recorded, self._forms))
        if not found or not self._aligned(recorded, live, found):
            return self._weak(recorded, live)
        return True

    def _weak(self, recorded: str, live: str) -> bool:
        """What a mask or a drop left of the whole text."""
        if "empty" in self._forms and not recorded:
            return True
        return (
            "mask" in self._forms
            and len(recorded) == len(live)
            and all(a == b or (a == "x" and b.isalpha()) or (a == "9" and b.isdigit()) for a, b in zip(recorded, live, strict=True))
        )

    # ---- alignment

    def _aligned(self, recorded: str, live: str, found: Sequence[Pseudonym]) -> bool:
        pieces = [recorded[: found[0].start]]
        pieces += [recorded[a.end : b.start] for a, b in zip(found, [*found[1:], None], strict=True) if b is not None]
        tail = recorded[found[-1].end :]
        if not live.startswith(pieces[0]) or not live.endswith(tail) or len(live) < len(pieces[0]) + len(tail):
            return False
        end = len(live) - len(tail)
        texts = [recorded[p.start : p.end] for p in found]
        chosen: list[tuple[str, str, str]] = []
        spelled: list[str] = []
        steps = 0

        def ends(at: int, start: int) -> Iterator[int]:
            """Where the value that begins at `start` may end: before the next literal piece, or at the tail."""
            if at == len(found) - 1:
                yield end
                return
            piece, stop = pieces[at + 1], start + 1
            while (stop := live.find(piece, stop, end)) >= 0:
                yield stop
                stop += 1

        work = [ends(0, len(pieces[0]))]
        starts = [len(pieces[0])]
        while work:
            at = len(work) - 1
            stop = next(work[-1], None)
            steps += 1
            if steps > MOST_STEPS:
                return False
            if stop is None:
                work.pop()
                starts.pop()
                if chosen:
                    chosen.pop()
                    spelled.pop()
                continue
            accepted = self._value(found[at], texts[at], live[starts[-1] : stop], chosen)
            if accepted is None:
                continue
            chosen.append(accepted)
            spelled.append(live[starts[-1] : stop])
            if at == len(found) - 1:
                self._remember(chosen)
                self._spellings.update((value, own) for value, own in zip(spelled, texts, strict=True) if len(value) > 3 and value != own)
                return True
            starts.append(stop + len(pieces[at + 1]))
            work.append(ends(at + 1, starts[-1]))
        return False

    def _value(self, p: Pseudonym, text: str, live: str, chosen: Sequence[tuple[str, str, str]]) -> tuple[str, str, str] | None:
        """The (form, pseudonym, value) of a live piece, if it can be what the pseudonym stands for."""
        if live == text:
            return (p.form, "", "")
        value = normalised(p.form, live)
        if value is None:
            return None
        own = normalised(p.form, text) or text
        here = next((pseudonym for form, pseudonym, v in chosen if (form, v) == (p.form, value)), None)
        known = here or self._pseudonym_of.get((p.form, value)) or self._aliases.pseudonym_of.get((p.form, value))
        return (p.form, own, value) if known in (None, own) else None

    def _remember(self, accepted: Sequence[tuple[str, str, str]]) -> None:
        for form, pseudonym, value in accepted:
            if not pseudonym:
                continue
            if (form, value) not in self._aliases.pseudonym_of:
                self._pseudonym_of[form, value] = pseudonym
            known = self._value_of.get((form, pseudonym)) or self._aliases.value_of.get((form, pseudonym))
            if known is None:
                self._value_of[form, pseudonym] = value
            elif known != value and form not in _WEAK:
                self._collisions[pseudonym] = None


def _reported(step: Any) -> frozenset[str]:
    """Forms that a Step's redactors say they left in it."""
    forms: set[str] = set()
    for each in step.redactions:
        rules = each.get("rules")
        for rule in rules if is_object(rules) else ():
            forms |= _FORMS.get(rule, _OTHER)
        if each.get("opaque"):
            forms.add("opaque")
    return frozenset(forms)


def _texts(tree: Any) -> Iterator[str]:
    work = [tree]
    while work:
        node = work.pop()
        if is_object(node):
            work += [*node.keys(), *node.values()]
        elif isinstance(node, list):
            work += node
        elif isinstance(node, str):
            yield node
        elif _is_number(node):
            yield _written(node)


def _own_parts(recorded: Any, live: Any) -> Iterator[str]:
    """The words of the live side that the recorded one does not have, as far as they are long enough to prove something."""
    there = {word for leaf in leaves(recorded) for word in _WORD.findall(str(leaf))}
    for leaf in leaves(live):
        for word in _WORD.findall(str(leaf)):
            if word not in there and word not in _COMMON and (len(word) >= 4 or (len(word) >= 2 and word.isdigit())):
                yield word


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _written(number: Any) -> str:
    return str(number) if isinstance(number, int) else repr(number)
