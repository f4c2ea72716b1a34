"""What an outside judge asks of a redactor: was everything found, was only that found, is the rest as it was.

corpus (Samples with Gold) → Redactor.find → Score: precision, coverage
                           → Redactor.payload → Damage: broken, reshaped, changed, left
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.redaction.corpus.labelling import Gold, Sample

KIND_OF = {"ipv4": "ip", "ipv6": "ip", "userinfo": "url", "token": "name"}
SECRETS = ("secret", "secrets", "jwt", "pem", "basic", "bearer", "assigned")
PLAIN = ("email", "phone", "card", "iban", "us_ssn", "url")
COMPATIBLE = {("secret", "url"), ("email", "url"), ("url", "secret"), ("ip", "url"), ("us_ssn", "id")}


class Found(Protocol):
    """A match, as `Redactor.find` reports it."""

    @property
    def type(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Engine(Protocol):
    """The surface of a redactor."""

    def find(self, text: str) -> list[Any]: ...
    def text(self, text: str) -> str: ...
    def payload(self, text: str) -> str: ...


def kind_of(found: Found) -> str:
    """Return the kind of value that a match claims to be."""
    if found.type in SECRETS:
        return "secret"
    return found.type if found.type in PLAIN else KIND_OF.get(found.type, "id")


@dataclass(slots=True)
class Score:
    """Counts per kind of value, and examples of what went wrong."""

    gold: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[str, str, str]] = field(default_factory=list)
    wrong: list[tuple[str, str, str]] = field(default_factory=list)

    def precision(self, kind: str | None = None) -> float:
        """Share of the predictions that overlap a labelled value of a fitting kind."""
        return share(self.right, self.predicted, kind)

    def coverage(self, kind: str | None = None) -> float:
        """Share of the labelled values that lie wholly inside predictions."""
        return share(self.covered, self.gold, kind)


def share(part: Counter[str], whole: Counter[str], kind: str | None) -> float:
    above, below = (part[kind], whole[kind]) if kind else (part.total(), whole.total())
    return above / below if below else 1.0


def score(engine: Engine, samples: Iterable[Sample]) -> Score:
    """Compare what an engine finds with what is labelled."""
    total = Score()
    for sample in samples:
        found: list[Found] = engine.find(sample.text)
        inside = covered_places(found)
        for gold in sample.gold:
            total.gold[gold.kind] += 1
            if inside.issuperset(range(gold.start, gold.end)):
                total.covered[gold.kind] += 1
            else:
                total.missed.append((gold.kind, around(sample, gold.start, gold.end), sample.origin))
        for match in found:
            total.predicted[kind_of(match)] += 1
            if any(fits(match, gold) for gold in sample.gold):
                total.right[kind_of(match)] += 1
            else:
                total.wrong.append((match.type, around(sample, match.start, match.end), sample.origin))
    return total


def covered_places(found: Iterable[Found]) -> set[int]:
    return {place for match in found for place in range(match.start, match.end)}


def fits(match: Found, gold: Gold) -> bool:
    kind = kind_of(match)
    return match.start < gold.end and gold.start < match.end and (kind == gold.kind or (kind, gold.kind) in COMPATIBLE)


def around(sample: Sample, start: int, end: int) -> str:
    """A value with what stands around it, on one line."""
    before, after = sample.text[max(0, start - 40) : start], sample.text[end : end + 15]
    return f"{before}⟦{sample.text[start:end]}⟧{after}".replace("\n", "⏎")


@dataclass(slots=True)
class Damage:
    """What redaction did beyond replacing values."""

    seen: int = 0
    changed: int = 0
    broken: list[str] = field(default_factory=list)
    """Origins of payloads that are no JSON any more, or JSON of another shape."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """Labelled values that still stand in the answer, with their origin."""
    restless: list[str] = field(default_factory=list)
    """Origins of answers that a second pass changes."""
    disturbed: list[str] = field(default_factory=list)
    """Origins of answers that differ outside what the engine says it found."""


def damage(engine: Engine, samples: Iterable[Sample]) -> Damage:
    """Redact samples and look at the answers."""
    total = Damage()
    for sample in samples:
        redact = engine.payload if sample.is_payload else engine.text
        answer = redact(sample.text)
        total.seen += 1
        total.changed += answer != sample.text
        if sample.is_payload and is_json(sample.text) and not same_shape(sample.text, answer):
            total.broken.append(sample.origin)
        if redact(answer) != answer:
            total.restless.append(sample.origin)
        if not rest_is_kept(sample.text, answer, engine.find(sample.text)):
            total.disturbed.append(sample.origin)
        values = {(sample.text[gold.start : gold.end], gold.kind) for gold in sample.gold}
        total.left += [(value, sample.origin) for value, kind in values if kind != "name" and value in answer]
    return total


def rest_is_kept(given: str, answer: str, found: Iterable[Found]) -> bool:
    """Tell whether everything outside the finds stands in the answer, in order, and ends are ends."""
    place, rest = 0, []
    for match in sorted(found, key=lambda match: match.start):
        rest.append(given[place : match.start])
        place = max(place, match.end)
    rest.append(given[place:])
    if not (answer.startswith(rest[0]) and answer.endswith(rest[-1])):
        return False
    at = 0
    for piece in rest:
        at = answer.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def same_shape(given: str, answer: str) -> bool:
    """Tell whether an answer is JSON with the same types, lengths and numbers of digits."""
    try:
        return list(shape(json.loads(answer))) == list(shape(json.loads(given)))
    except ValueError:
        return False


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def shape(value: Any) -> Iterator[str]:
    """Yield what must stay of a JSON value; JSON in strings too."""
    if isinstance(value, dict):
        yield f"object {len(value)}"
        for member in value.values():
            yield from shape(member)
    elif isinstance(value, list):
        yield f"list {len(value)}"
        for element in value:
            yield from shape(element)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield f"integer {len(str(value))}"
    elif isinstance(value, str) and value[:1] in ("{", "["):
        yield from inner_shape(value)
    else:
        yield type(value).__name__


def inner_shape(text: str) -> Iterator[str]:
    try:
        yield from shape(json.loads(text))
    except ValueError:
        yield "str"
