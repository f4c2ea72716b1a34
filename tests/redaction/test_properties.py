"""What holds for every value: nothing restless, JSON stays JSON, the gate decides nothing, what is clean stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("re2", reason="redaction needs google-re2")
from chronicle_otel.redaction import Redactor, load_policy
from tests.redaction.judging import shape

POLICY = load_policy()
ENGINE = Redactor(POLICY, b"0" * 32, "acme")
OTHER = Redactor(POLICY, b"1" * 32, "other")
UNGATED = Redactor(POLICY, b"0" * 32, "acme", gate=False)

VALUES = st.sampled_from(
    [
        *("maria.keller@kestrel.de", "4539 1488 0343 6467", "4539148803436467", "+1 212 867 5309", "(212) 867-5309", "219-09-9999"),
        *("8.8.8.8", "2001:4860:4860::8888", "DE89 3704 0044 0532 0130 00", "https://bob:pw@kestrel.de/users/bob?token=abc123"),
        *("sk-abcdEFGH1234567890abcdEFGH12", "Bearer abcdefghij1234567890", "password=hunter2-correct-horse", "maria%40kestrel.de"),
        *(
            "bWFpbCBtYXJpYUBrZXN0cmVsLmRlIG5vdyE=",
            "maria\\u0040kestrel.de",
            "maria&#64;kestrel.de",
            "call 2128675309",
            "４５３９１４８８０３４３６４６７",
        ),
        *("mm9r9axwfstt6p4ym@dih54qp.example.com", "4000002161683857", "chr8ditagnnguqsjcxmdsnichd2", "933-01-4603", "+19125550155"),
    ]
)
GLUE = st.text(st.sampled_from(list(' \n\t"\\/%&;:=,.@+-_()[]{}<>#?0159axZé連\u200b\u2011')), max_size=6)
TEXTS = st.lists(st.one_of(VALUES, GLUE, st.text(max_size=5)), max_size=6).map("".join)
NAMES = st.sampled_from(["a", "id", "phone", "password", "ssn", "card", "ts", "token", "rows", "maria@kestrel.de", "value", "name"])
NUMBERS = st.sampled_from(
    [
        4539148803436467,
        4539148803436467.0,
        219099999.0,
        2128675309,
        219099999,
        0,
        -1,
        1.5,
        4.539148803436467e15,
        1732233600123,
        12345678901234567890,
    ]
)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(TEXTS, NUMBERS, st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4), inner.map(json.dumps)),
    max_leaves=8,
)
WAYS: list[Callable[[Redactor, str], str]] = [Redactor.text, Redactor.payload]
QUICK = settings(max_examples=120, deadline=None)


def encodable(text: str) -> str:
    """Hypothesis may make lone surrogates, which no payload holds."""
    return text.encode("utf-8", "replace").decode()


@QUICK
@given(st.one_of(TEXTS, TREES.map(json.dumps)))
def test_a_second_pass_changes_nothing(text: str) -> None:
    """By the same redactor or by any other, as text or as payload."""
    for way in WAYS:
        once = way(ENGINE, encodable(text))
        assert way(ENGINE, once) == once
        assert way(OTHER, once) == once


def without_secrets(tree: Any, name: str = "") -> Any:
    """A tree in which what stands under a secret's name is one word: such a string is a secret as a whole, whatever it looks like."""
    if isinstance(tree, dict):
        return {key: without_secrets(member, key) for key, member in tree.items()}
    if isinstance(tree, list):
        return [without_secrets(item, name) for item in tree]
    if not isinstance(tree, str) or name == "password":
        return "secret" if isinstance(tree, str) else tree
    try:
        return json.dumps(without_secrets(json.loads(tree), name))
    except ValueError:
        return tree


@QUICK
@given(TREES, st.booleans())
def test_json_stays_json_of_the_same_shape(tree: Any, ascii_only: bool) -> None:
    """Types, lengths of lists, counts of members and digits of integers stay."""
    text = encodable(json.dumps(tree, ensure_ascii=ascii_only))
    redacted = json.loads(ENGINE.payload(text))
    assert list(shape(without_secrets(redacted))) == list(shape(without_secrets(json.loads(text))))


@QUICK
@given(st.one_of(TEXTS, TREES.map(json.dumps), TREES.map(lambda tree: json.dumps(tree, ensure_ascii=False))))
def test_the_gate_decides_nothing(text: str) -> None:
    """With the gate and without it the output is the same."""
    for way in WAYS:
        assert way(ENGINE, encodable(text)) == way(UNGATED, encodable(text))


@QUICK
@given(
    st.lists(
        st.sampled_from(
            ["the", "order", "of", "item", "42", "was", "shipped", "on", "2025-03-14", "by", "road", "and", "costs", "17.50", "in", "all"]
        ),
        max_size=30,
    ).map(" ".join)
)
def test_plain_text_stays(text: str) -> None:
    """Words, dates and prices are not touched, whatever surrounds them."""
    assert ENGINE.text(text) == text
    payload = json.dumps({"content": text, "ts": 1732233600123})
    assert ENGINE.payload(payload) == payload


@QUICK
@given(st.binary(max_size=60))
def test_any_bytes_are_survived(data: bytes) -> None:
    """Bytes of any kind around a value neither break the engine nor hide the value."""
    text = data.decode("utf-8", "replace") + " maria.keller@kestrel.de "
    assert "maria.keller@kestrel.de" not in ENGINE.text(text)


@pytest.mark.parametrize("find", ["maria.keller@kestrel.de", "ünïcode 日本 +1 212 867 5309"])
def test_find_counts_characters(find: str) -> None:
    """Matches are given in characters, not in bytes."""
    [match] = ENGINE.find("é " + find)
    assert ("é " + find)[match.start : match.end] == find.split("日本 ")[-1]
