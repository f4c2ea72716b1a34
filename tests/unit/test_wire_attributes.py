"""Attributes: an envelope survives every store that keeps strings and lists, and damage is seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chronicle_otel import semconv, wire
from chronicle_otel.envelope import Envelope

RUN = "0" * 31 + "a"
LONG = json.dumps({"text": "x" * 5_000})


def envelope(**fields: Any) -> Envelope:
    return Envelope(**{"kind": "tool", "name": "price", "run": RUN, "seq": 2, **fields})


def test_an_envelope_is_these_attributes() -> None:
    """The attributes of a small Step, one by one."""
    assert wire.to_attributes(envelope(payloads={semconv.INPUT: '{"symbol":"ÄCME"}'})) == {
        "chronicle.version": 1,
        "chronicle.kind": "tool",
        "chronicle.name": "price",
        "chronicle.run.id": RUN,
        "chronicle.seq": 2,
        "chronicle.input": '{"symbol":"ÄCME"}',
        "chronicle.input.size": 18,
    }


def test_every_field_comes_back() -> None:
    """What was written is what is read, whatever fields are set."""
    full = envelope(
        parent=1, parent_guess=True, branch="a/b", lane="work#2", steps=9, lost=1, late=True, flagged=("loss", "late"),
        run_start="00000000000000ab", replay_of="b" * 32, verdict="diverged", divergence="input_changed",
        payloads=dict.fromkeys(semconv.PAYLOADS, LONG),
    )  # fmt: skip
    attributes = wire.to_attributes(full)
    assert wire.from_attributes(attributes) == full
    assert len(attributes) <= 40


@pytest.mark.parametrize("text", ["", "x" * 2_000, "é" * 1_000])
def test_up_to_2000_bytes_are_one_string(text: str) -> None:
    """A payload of at most 2,000 bytes stays a string."""
    assert wire.split(text) == text


@pytest.mark.parametrize("text", ["x" * 2_001, "é" * 1_001, "a" + "😀" * 3_000, "ab😀é" * 900])
def test_longer_text_is_cut_between_characters(text: str) -> None:
    """Longer payloads are lists of strings of at most 2,000 bytes that join to the text."""
    chunks = wire.split(text)
    assert "".join(chunks) == text
    assert all(0 < len(chunk.encode()) <= 2_000 for chunk in chunks)


def test_lone_surrogates_never_reach_an_exporter() -> None:
    """A name with half a character in it can be encoded."""
    assert wire.to_attributes(envelope(name="a\ud83d"))["chronicle.name"] == "a\\ud83d"


@pytest.mark.parametrize(
    ("changes", "damage"),
    [
        ({"chronicle.input": LONG[:2_048]}, {"chronicle.input": f"truncated: 2048 of {len(LONG)} bytes"}),
        ({"chronicle.input": [LONG[:2_000]]}, {"chronicle.input": f"truncated: 2000 of {len(LONG)} bytes"}),
        ({"chronicle.input": None}, {"chronicle.input": f"missing: 0 of {len(LONG)} bytes"}),
        ({"chronicle.input": 7}, {"chronicle.input": "of type int, expected text"}),
        ({"chronicle.input": LONG + " "}, {"chronicle.input": f"changed: {len(LONG) + 1} bytes, {len(LONG)} were written"}),
        ({"chronicle.input.size": None}, {"chronicle.input": "no size beside it, so nothing proves that it is whole"}),
        ({"chronicle.version": 2}, {"chronicle.version": "written in wire version 2, this release reads up to 1: update chronicle_otel"}),
    ],
)
def test_damage_is_named_and_never_used(changes: dict[str, Any], damage: dict[str, str]) -> None:
    """A payload that is not whole is left out, and the reason says how much of it is there."""
    attributes = {**wire.to_attributes(envelope(payloads={semconv.INPUT: LONG})), **changes}
    read = wire.from_attributes({name: value for name, value in attributes.items() if value is not None})
    assert read is not None
    assert dict(read.damage) == damage
    assert set(damage) & set(read.payloads) == set()


@pytest.mark.parametrize(
    "kept_as",
    [
        lambda value: value,
        lambda value: json.dumps(value) if isinstance(value, list) else value,
        lambda value: tuple(value) if isinstance(value, list) else value,
        lambda value: str(value) if type(value) is int else value,
        lambda value: float(value) if type(value) is int else value,
        lambda value: str(value).lower() if type(value) is bool else value,
    ],
    ids=["as it was", "lists as text", "tuples", "integers as text", "integers as floats", "truth as text"],
)
def test_stores_may_change_types(kept_as: Any) -> None:
    """Stores that turn lists or numbers into text or floats lose nothing."""
    whole = envelope(late=True, flagged=("a", "b"), payloads={semconv.INPUT: LONG, semconv.OUTPUT: '["a"]'})
    attributes = {name: kept_as(value) for name, value in wire.to_attributes(whole).items()}
    assert wire.from_attributes(attributes) == whole


@pytest.mark.parametrize(
    "attributes", [{}, {"chronicle.version": 1}, {"chronicle.version": "x", "chronicle.run.id": RUN, "chronicle.seq": 1}]
)
def test_spans_of_others_are_not_ours(attributes: dict[str, Any]) -> None:
    """A span without version, Run or number is no Step."""
    assert wire.from_attributes(attributes) is None
