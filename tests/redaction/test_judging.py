"""The judge can tell good from bad: it convicts engines that do nothing, too much, or harm."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.redaction import judging
from tests.redaction.corpus import other_prose, other_spans, prose, spans
from tests.redaction.corpus.cases import CARD, MAIL
from tests.redaction.corpus.labelling import Gold, Sample, dumps, mark, number, unmark
from tests.redaction.corpus.readings import holds
from tests.redaction.corpus.threats import CASES
from tests.redaction.verdicts import faults


@dataclass(frozen=True, slots=True)
class Match:
    """What an engine reports."""

    type: str
    start: int
    end: int


class Idle:
    """An engine that finds nothing and changes nothing."""

    def find(self, text: str) -> list[Any]:
        return []

    def text(self, text: str) -> str:
        return text

    payload = text


class Greedy(Idle):
    """An engine that takes everything for an address, and writes stars."""

    def find(self, text: str) -> list[Any]:
        return [Match("email", 0, len(text))]

    def text(self, text: str) -> str:
        return "*" * len(text)

    payload = text


GENERATORS = [spans.generate, prose.generate, other_spans.generate, other_prose.generate]


@pytest.mark.parametrize("generate", GENERATORS)
def test_labels_stand_where_the_values_are(generate: Any) -> None:
    """Corpora are the same at every run, hold values of several kinds, and no mark stays behind."""
    samples = list(generate(60, 1))
    assert samples == list(generate(60, 1))
    assert len({gold.kind for sample in samples for gold in sample.gold}) >= 6
    assert not any(0xE000 <= ord(char) < 0xE200 for sample in samples for char in sample.text)
    assert all(sample.text[gold.start : gold.end].strip() for sample in samples for gold in sample.gold)


def test_marks_survive_nested_json() -> None:
    """A value and a number keep their labels through JSON in JSON."""
    text = dumps({"é": dumps({"to": mark("email", MAIL), "pan": number("card", CARD)})}, ascii_only=True)
    sample = unmark(text, "here", is_payload=True)
    assert json.loads(json.loads(sample.text)["é"]) == {"to": MAIL, "pan": int(CARD)}
    assert [(gold.kind, sample.text[gold.start : gold.end]) for gold in sample.gold] == [("email", MAIL), ("card", CARD)]


def test_idle_and_greedy_engines_score_badly() -> None:
    """Who finds nothing covers nothing; who takes everything is rarely right; whose answer is no JSON does harm."""
    samples = list(spans.generate(24, 1))
    assert judging.score(Idle(), samples).coverage() == 0.0
    assert judging.score(Greedy(), samples).coverage() == 1.0
    assert judging.score(Greedy(), spans.generate(24, 1, personal=False)).precision() == 0.0
    assert len(judging.damage(Greedy(), samples).broken) == 24
    assert judging.damage(Idle(), samples).left


def test_a_find_of_another_kind_is_wrong() -> None:
    """A phone number in place of a card number does not count as right, though it covers."""
    sample = Sample(f"pay {CARD} now", (Gold("card", 4, 20),), "here", False)

    class Confused(Idle):
        def find(self, text: str) -> list[Any]:
            return [Match("phone", 4, 20)]

    total = judging.score(Confused(), [sample])
    assert (total.coverage(), total.precision()) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("given", "answer", "same"),
    [
        ('{"a": 12, "b": "x"}', '{"a": 99, "b": "yy"}', True),
        ('{"a": 12}', '{"a": "99"}', False),
        ('{"a": 12}', '{"a": 999}', False),
        ('{"a": [1]}', '{"a": []}', False),
        ('{"a": "[1]"}', '{"a": "[x]"}', False),
        ('{"a": 1}', '{"a": 1', False),
    ],
)
def test_shape(given: str, answer: str, same: bool) -> None:
    """Types, lengths and numbers of digits are the shape, in nested JSON too."""
    assert judging.same_shape(given, answer) is same


@pytest.mark.parametrize("case", [case for case in CASES if not case.unchanged], ids=lambda case: case.name)
def test_every_threat_convicts_an_idle_engine(case: Any) -> None:
    """An engine that changes nothing fails each case in which something must go."""
    assert any(fault.startswith("still holds") for fault in faults(Idle(), case))


@pytest.mark.parametrize("case", [case for case in CASES if case.unchanged], ids=lambda case: case.name)
def test_every_kept_case_convicts_a_greedy_engine(case: Any) -> None:
    """An engine that stars everything fails each case in which something must stay."""
    assert "was changed" in faults(Greedy(), case)


def test_readings_see_through_layers() -> None:
    """A value is found behind percent, entities, base64 and separators."""
    assert holds("maria.keller%2540kestrel.de", MAIL)
    assert holds('{"a": "maria.keller&#64;kestrel.de"}', MAIL)
    assert holds("bWFyaWEua2VsbGVyQGtlc3RyZWwuZGU=", MAIL)
    assert holds("4539-1488 0343.6467", CARD)
    assert holds("(212) 867-5309", "+12128675309")
    assert holds("de89 3704 0044 0532 0130 00", "DE89370400440532013000")
    assert not holds("chr8ditagnnguqsjcxmdsnichd2", MAIL)
