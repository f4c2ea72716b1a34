"""Places where two trees differ, how alike two calls are, and which differences are noise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chronicle_otel import values
from chronicle_otel.replayer.compare import diff, place, same, without
from chronicle_otel.replayer.similarity import same_conversation, similarity
from chronicle_otel.replayer.volatile import Clock, Volatile

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text("ab{[", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy", max_size=2), inner, max_size=3),
    max_leaves=10,
)


def changes(recorded: Any, live: Any) -> list[tuple[str, str]]:
    return [(d.op, d.place) for d in diff(recorded, live)]


# ---- diff --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "live", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": True}, {"a": 1}, [("changed", "a")]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("changed", "a.b[1]")]),
        ([1, 2, 3], [1, 3], [("removed", "[1]")]),
        ([1, 3], [1, 2, 3], [("added", "[1]")]),
        ({"a b": 1}, {}, [("removed", '["a b"]')]),
        ("x", "y", [("changed", "(value)")]),
        ({"c": '{"s": "ok", "n": 1}'}, {"c": '{"s": "no", "n": 1}'}, [("changed", "c as JSON.s")]),
        ({"c": '{"s": 1}'}, {"c": '{ "s": 1}'}, [("changed", "c")]),
    ],
)
def test_places_of_differences(recorded: Any, live: Any, expected: list[tuple[str, str]]) -> None:
    """Each difference has its place; JSON inside strings is opened; lists are aligned."""
    assert changes(recorded, live) == expected


def test_unknown_parts_differ_from_nothing() -> None:
    """What the recording has lost compares as equal to anything."""
    assert changes({"a": {"$chronicle.opaque": {"why": "lost"}}, "b": 1}, {"a": [1, 2], "b": 2}) == [("changed", "b")]


def test_stand_ins_compare_by_type() -> None:
    """Two objects that nobody could encode are told apart by type, not by their repr."""
    a, b, c = ({"$chronicle.type": ["?", {"type": t, "repr": r}]} for t, r in (("m:A", "<A 1>"), ("m:A", "<A 2>"), ("m:B", "<B>")))
    assert (changes(a, b), changes(a, c)) == ([], [("changed", "(value)")])


def test_fields_of_typed_values_are_places() -> None:
    """A field of a dataclass is named as one."""

    def order(quantity: int) -> Any:
        return {"$chronicle.type": ["dataclass", "m:Order", {"symbol": "A", "quantity": quantity}]}

    assert changes(order(1), order(2)) == [("changed", "quantity")]


@given(JSON, JSON)
def test_no_difference_means_equal(a: Any, b: Any) -> None:
    """An empty diff and equality are the same thing."""
    assert (diff(a, b) == []) == values.equal(a, b)


@given(JSON)
def test_a_tree_does_not_differ_from_itself(tree: Any) -> None:
    """Nothing differs from its own copy."""
    assert diff(tree, values.loads(values.dumps(tree))) == []


@given(JSON, JSON)
def test_same_is_equality(a: Any, b: Any) -> None:
    """The quick comparison of leaves agrees with the slow one."""
    assert same(a, b) == values.equal(a, b)


def test_ignored_members_are_left_out() -> None:
    """Dotted paths name members; a star stands for any."""
    tree = {"id": 1, "items": [{"id": 1, "x": 2}], "meta": {"id": 3, "y": 4}}
    assert without(tree, ["id", "items.*.id", "meta.*"]) == {"items": [{"x": 2}], "meta": {}}
    assert tree["id"] == 1


def test_places_are_written_as_code() -> None:
    """A path reads as an expression."""
    assert place(("body", "messages", 4, "content", "(json)", "status")) == "body.messages[4].content as JSON.status"


# ---- similarity --------------------------------------------------------------------------------

SYSTEM = {"role": "system", "content": "You are the very helpful assistant of a large bank in the north of the country."}


def chat(*texts: str) -> dict[str, Any]:
    return {"messages": [SYSTEM, *({"role": "user", "content": text} for text in texts)]}


def test_shared_system_prompt_proves_nothing() -> None:
    """Two questions under one system prompt are not alike for it."""
    one, two, extra = chat("what is my balance"), chat("send ten dollars to Bob"), chat("tell me a joke about penguins")
    assert similarity("llm", extra, one, [one, two]) < 0.5
    assert similarity("llm", extra, one, [one]) < 0.5


def test_edited_system_prompt_is_alike() -> None:
    """One more sentence in the prompt leaves the call what it was."""
    one, two = chat("what is my balance"), chat("send ten dollars")
    edited = {"messages": [{"role": "system", "content": SYSTEM["content"] + " Be brief."}, one["messages"][1]]}
    assert similarity("llm", edited, one, [one, two]) > 0.8


def test_sampling_parameters_and_tools_do_not_count() -> None:
    """A model call that differs only in how it is asked is the same call."""
    one = chat("what is my balance")
    assert similarity("llm", {**one, "temperature": 0.9, "tools": [{"name": "t", "description": "long " * 50}]}, one, [one]) == 1.0


@pytest.mark.parametrize(
    ("live", "recorded", "alike"),
    [
        ({"symbol": "ACME"}, {"symbol": "GLOBEX"}, False),
        ({"n": 9}, {"n": 1}, False),
        ({"flag": True}, {"flag": False}, False),
        ({"query": "the weather in Paris today", "limit": 5}, {"query": "the weather in Paris today", "limit": 9}, True),
        ({"text": "天気はどうですか、パリの今日"}, {"text": "天気はどうですか、パリの明日"}, True),
    ],
)
def test_tools_are_alike_by_their_arguments(live: Any, recorded: Any, alike: bool) -> None:
    """The price of one share never answers for another; a slightly changed query does."""
    assert (similarity("tool", live, recorded, [recorded]) >= 0.5) is alike


def test_same_conversation_around_a_changed_result() -> None:
    """A history with another tool result in it, equal framing and an own equal part, is the same conversation."""

    def turn(result: str, call: str = "call_1") -> dict[str, Any]:
        said = {"role": "assistant", "tool_calls": [{"id": "call_1", "name": "order"}]}
        return {
            "body": {
                "messages": [SYSTEM, {"role": "user", "content": "sell"}, said, {"role": "tool", "tool_call_id": call, "content": result}]
            }
        }

    first = {"body": {"messages": [SYSTEM, {"role": "user", "content": "sell"}]}}
    assert same_conversation(turn("REJECTED"), turn("filled, 1000 shares"), [first, turn("filled, 1000 shares")])
    assert not same_conversation(turn("REJECTED", "call_2"), turn("filled"), [first, turn("filled")])
    assert not same_conversation(chat("a", "b")["messages"], chat("c", "d")["messages"], [])


# ---- volatile ----------------------------------------------------------------------------------

A, B, C = "0b4b4c52-91f4-4f0e-9f0f-6d7e2f5f7a11", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "3f333df6-90a4-4fda-8dd3-9485d27cee36"
RECORDED, LIVE = 1_767_225_600.0, 1_800_000_000.0  # 2026-01-01 00:00 UTC; 2027-01-15 08:00 UTC


@pytest.fixture
def noise() -> Volatile:
    return Volatile(Clock(RECORDED, RECORDED + 60, LIVE, LIVE + 1))


@pytest.mark.parametrize(
    ("recorded", "live", "explained"),
    [
        (f"request {A}", f"request {B}", True),
        (A.replace("-", ""), B.replace("-", ""), True),
        (f"request {A}!", f"request {B}?", False),
        ("at 2026-01-01T00:00:30Z", "at 2027-01-15T08:00:01Z", True),
        ("at 2026-01-01 01:00:30", "at 2027-01-15 10:00:00.123", True),
        ("2026-01-01", "2027-01-15", True),
        ("2026-01-01", "2027-02-15", False),
        ("report for 2019-05-01", "report for 2019-06-01", False),
        ("at 2026-01-01T00:00:30Z", "at 2031-01-15T08:00:01Z", False),
        (1_767_225_601, 1_800_000_000, True),
        (1_767_225_601_000, 1_800_000_000_500, True),
        ("t=1767225601", "t=1800000000", True),
        (1000, 5, False),
        ({"seed": 17, "x": 1}, {"seed": 99, "x": 1}, True),
        ({"id": A, "n": 1}, {"id": B, "n": 2}, False),
        ([A, A], [B, B], True),
        ([A, B], [C, C], False),
        ([A, A], [B, C], True),
        ({"$chronicle.type": ["uuid", A]}, {"$chronicle.type": ["uuid", B]}, True),
        (
            {"$chronicle.type": ["datetime", "2026-01-01T00:00:30+00:00"]},
            {"$chronicle.type": ["datetime", "2027-01-15T08:00:00+00:00"]},
            True,
        ),
    ],
)
def test_what_counts_as_noise(noise: Volatile, recorded: Any, live: Any, explained: bool) -> None:
    """Random ids under one mapping, and times that can be each side's own clock; nothing else."""
    assert noise.explains(recorded, live) is explained


def test_mapping_of_ids_holds_for_the_whole_run(noise: Volatile) -> None:
    """A live id that stood for one recorded id never stands for another."""
    assert noise.explains(f"x {A}", f"x {B}")
    assert not noise.explains(f"x {C}", f"x {B}")
