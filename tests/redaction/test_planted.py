"""Values planted at random, under random layers of encoding, in random JSON: none survives, nothing else breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.redaction.corpus.cases import CARD, IBAN, MAIL, escapes
from tests.redaction.corpus.readings import holds
from tests.redaction.corpus.wrapping import LAYERS
from tests.redaction.judging import same_shape

pytest.importorskip("re2", reason="redaction needs google-re2")
from tests.redaction.engine import ENGINE

VALUES = (
    MAIL,
    CARD,
    IBAN,
    "+442079460018",
    "219-09-9999",
    "81.2.69.142",
    "2a02:8109:9440:1198::8f2b",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
)
PART_OF = {"81.2.69.142": "==", "2a02:8109:9440:1198::8f2b": ("::", ":.", ":..", ":.:")}
"""What in front of an address makes it none (docs/redaction-engine.md, 8.15 and 8.16): a package's version, colons that are too many."""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(value=st.sampled_from(VALUES), layers=st.lists(st.sampled_from(LAYERS), max_size=4), around=JSON, escaped=st.booleans())
def test_a_planted_value_never_survives(value: str, layers: list[Callable[[str], str]], around: Any, escaped: bool) -> None:
    """Whatever it is wrapped in, a private value is gone from every reading, and the payload has its shape and is at rest."""
    text = value
    for layer in layers:
        text = layer(text)
    payload = (
        f'{{"a": {json.dumps(around)}, "b": "{escapes(text)}"}}' if escaped else json.dumps({"a": around, "b": text}, ensure_ascii=False)
    )
    answer = ENGINE.payload(payload)
    assert not holds(answer, value.replace("-", "") if value[:3] == "219" else value)
    assert same_shape(payload, answer)
    assert ENGINE.payload(answer) == answer


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_random_json_stays(value: Any) -> None:
    """JSON that holds nothing private comes back as it was, in any spelling."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1), json.dumps(json.dumps(value))):
        assert ENGINE.payload(text) == text


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_random_text_stays_at_rest(text: str) -> None:
    """Any text can be redacted, and a second pass changes nothing."""
    once = ENGINE.text(text)
    assert ENGINE.text(once) == once


@settings(max_examples=200, deadline=None)
@given(
    value=st.sampled_from(VALUES),
    before=st.text(alphabet=" .,;:()[]<>\"'\n\t=|连→", max_size=3),
    after=st.text(alphabet=" ,;)]>\"'\n\t|连→", max_size=3),
)
def test_punctuation_hides_nothing(value: str, before: str, after: str) -> None:
    """A value between any punctuation or ideographs is found whole, but for what the grammar of addresses takes as a part of them."""
    assume(not before.endswith(PART_OF.get(value, "\0")))
    text = f"{before}{value}{after}"
    found = ENGINE.find(text)
    inside = {place for match in found for place in range(match.start, match.end)}
    assert inside.issuperset(range(len(before), len(before) + len(value)))
