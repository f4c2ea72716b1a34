"""The default policy finds what is personal, and leaves alone what is not, on corpora that no engine was fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.redaction import judging
from tests.redaction.corpus import other_prose, other_spans, prose, spans
from tests.redaction.corpus.labelling import Sample

pytest.importorskip("re2", reason="redaction needs google-re2")
from tests.redaction.engine import ENGINE  # only where re2 is installed

COUNT, FEW, SEED = 240, 120, 1
PROSE_FLOORS = {"email": 1.0, "phone": 0.55, "card": 0.78, "iban": 1.0, "us_ssn": 1.0, "ip": 1.0, "url": 1.0}
SPANS = {"spans": spans.generate, "held out": other_spans.generate}
PROSE = {"prose": prose.generate, "held out": other_prose.generate}
Generator = Callable[..., Iterable[Sample]]


@pytest.mark.parametrize("generate", SPANS.values(), ids=SPANS)
def test_values_in_agent_spans_are_found(generate: Generator) -> None:
    """In payloads dense in look-alikes at least 99 of 100 personal values are found, and 97 of 100 finds are personal."""
    total = judging.score(ENGINE, generate(COUNT, SEED))
    assert total.coverage() >= 0.99, total.missed[:20]
    assert total.precision() >= 0.97, total.wrong[:20]


@pytest.mark.parametrize("generate", PROSE.values(), ids=PROSE)
def test_values_in_prose_are_found(generate: Generator) -> None:
    """In running text every kind of value reaches its floor."""
    total = judging.score(ENGINE, generate(COUNT, SEED))
    below = {kind: total.coverage(kind) for kind, floor in PROSE_FLOORS.items() if total.coverage(kind) < floor}
    assert below == {}, [item for item in total.missed if item[0] in below][:20]


@pytest.mark.parametrize("generate", [*SPANS.values(), *PROSE.values()], ids=["spans", "spans held out", "prose", "prose held out"])
def test_texts_without_personal_data_stay(generate: Generator) -> None:
    """At most 2 of 100 texts that hold nothing personal are changed."""
    assert share_changed(generate(FEW, SEED, personal=False)) <= 0.02


def test_most_links_stay() -> None:
    """At most 10 of 100 payloads full of public links are changed."""
    assert share_changed(spans.generate(COUNT, SEED, personal=False, urls=True)) <= 0.10


@pytest.mark.parametrize("generate", [*SPANS.values(), *PROSE.values()], ids=["spans", "spans held out", "prose", "prose held out"])
def test_redaction_does_no_harm(generate: Generator) -> None:
    """JSON stays JSON of the same shape, bytes outside of finds stay, and redacting once more changes nothing."""
    total = judging.damage(ENGINE, generate(FEW, SEED))
    assert (total.broken, total.disturbed, total.restless) == ([], [], [])


@pytest.mark.parametrize("generate", SPANS.values(), ids=SPANS)
def test_cut_payloads_leak_nothing(generate: Generator) -> None:
    """Where a payload was cut, what stands whole before the cut is replaced."""
    total = judging.damage(ENGINE, [cut(sample) for sample in generate(FEW, SEED)])
    assert (total.left, total.restless) == ([], [])


def cut(sample: Sample) -> Sample:
    """Two thirds of a payload, without the values that the cut goes through; no JSON any more."""
    end = len(sample.text) * 2 // 3
    torn = [gold.start for gold in sample.gold if gold.start < end < gold.end + 1]
    text = sample.text[: min([end, *torn])]
    return Sample(text, tuple(gold for gold in sample.gold if gold.end <= len(text)), sample.origin, is_payload=True)


def share_changed(samples: Iterable[Sample]) -> float:
    total = judging.damage(ENGINE, samples)
    return total.changed / total.seen
