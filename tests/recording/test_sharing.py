"""What the Run has stored already is referred to, and comes back the same."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from chronicle_otel import values, wire
from chronicle_otel.recording.interceptor import HttpInput
from chronicle_otel.recording.sharing import Sharing

MEMBERS = ("messages", "input")


class Store:
    """Payloads of one Run, written through `Sharing` and resolved again."""

    def __init__(self) -> None:
        self.sharing = Sharing()
        self.texts: dict[tuple[int, str], str] = {}
        self.new: list[Any] = []

    def request(self, seq: int, body: Any, *, text: str | None = None) -> str:
        data = (text or json.dumps(body, separators=(",", ":"), ensure_ascii=False)).encode()
        written = self.sharing.request(seq, HttpInput("POST", "/chat", data), MEMBERS)
        self.texts[seq, "chronicle.input"] = written.text
        self.new = written.new_elements
        return written.text

    def payload(self, seq: int, name: str, tree: Any) -> str:
        text = self.texts[seq, name] = self.sharing.payload(seq, name, tree)
        return text

    def resolved(self, seq: int, name: str = "chronicle.input", *, lost: set[int] = frozenset()) -> Any:  # type: ignore[assignment]
        trees = {place: values.loads(text) for place, text in self.texts.items()}
        resolver = wire.Resolver(lambda step, payload: None if step in lost else trees.get((step, payload)))  # type: ignore[arg-type]
        return resolver.resolve(seq, name)


def words(rng: random.Random, length: int) -> str:
    return "".join(rng.choice('abcde éfgh"ijklmnop\n') for _ in range(length))


def conversation(turns: int, seed: int = 1) -> tuple[Store, list[Any], int]:
    rng = random.Random(seed)
    store = Store()
    messages: list[Any] = [{"role": "system", "content": words(rng, 300)}, {"role": "user", "content": words(rng, 60)}]
    bodies: list[Any] = []
    stored = 0
    for turn in range(turns):
        body = {"model": "m", "messages": list(messages), "tools": [{"name": "t", "description": words(random.Random(0), 400)}]}
        bodies.append(body)
        stored += len(store.request(2 + turn, body))
        answer = {"role": "assistant", "content": words(rng, 600)}
        stored += len(store.payload(2 + turn, "chronicle.output", {"status": 200, "body": {"choices": [{"message": answer}]}}))
        messages += [answer, {"role": "tool", "content": words(rng, 1500)}]
    return store, bodies, stored


def test_a_growing_history_is_stored_once() -> None:
    """Four times the turns take about four times the bytes."""
    assert conversation(80)[2] <= 4.2 * conversation(20)[2]


def test_a_list_of_very_many_elements_is_known_as_a_whole() -> None:
    """Data of a hundred thousand numbers is stored once, wherever it comes again, and is no history of elements."""
    store = Store()
    numbers = list(range(100_000))
    store.payload(2, "chronicle.output", numbers)
    again = store.payload(3, "chronicle.input", {"numbers": numbers, "unit": "s"})

    assert again == '{"numbers":{"$chronicle.ref":[2,"chronicle.output",[]]},"unit":"s"}'
    assert store.resolved(3) == {"numbers": numbers, "unit": "s"}


def test_only_new_messages_are_new() -> None:
    """What the semconv view gets are the messages that no earlier call held."""
    store, _, _ = conversation(5)
    assert len(store.new) == 2


def test_histories_come_back_whole() -> None:
    """Each request resolves to what was sent, and the answer's text is shared with the history."""
    store, bodies, _ = conversation(12)
    assert [store.resolved(2 + turn)["body"] for turn in range(12)] == bodies


def test_a_lost_step_costs_only_what_it_held_alone() -> None:
    """With one Step lost, later histories resolve through the second source but for its own messages."""
    store, bodies, _ = conversation(6)
    messages = store.resolved(2 + 5, lost={2 + 3})["body"]["messages"]
    assert len(messages) == len(bodies[5]["messages"])
    whole = [m == w for m, w in zip(messages, bodies[5]["messages"], strict=True)]
    assert whole.count(False) <= 3


@pytest.mark.parametrize("edit", ["window", "front", "middle", "rewritten", "shorter", "unrelated"])
def test_edited_histories(edit: str) -> None:
    """A trimmed, edited or summarised history still resolves, and shares what it kept."""
    store, bodies, _ = conversation(10)
    messages = bodies[-1]["messages"]
    edited = {
        "window": messages[:1] + messages[5:],
        "front": [{"role": "system", "content": "new"}, *messages[1:]],
        "middle": [*messages[:6], {"role": "user", "content": "inserted"}, *messages[6:]],
        "rewritten": [*messages[:8], {**messages[8], "content": "summary"}, *messages[9:]],
        "shorter": messages[:7],
        "unrelated": [{"role": "user", "content": "x"}],
    }[edit]
    text = store.request(50, {"model": "m", "messages": edited})
    assert store.resolved(50)["body"]["messages"] == edited
    assert len(text) < 600


@pytest.mark.parametrize(
    "text",
    [
        '{ "model" : "m", "messages" : [ {"role": "user", "content": "' + "x" * 300 + '"} ] }',
        '{"messages":[],"model":"m"}',
        '{"metadata":{"messages":[1]},"messages":[{"a":"' + "y" * 200 + '"}]}',
        '{"a":"\\"messages\\":[","messages":[{"a":1.50,"b":1e3}]}',
        '{"messages":[{"$chronicle.ref":[1]}]}',
        '{"messages":[{"a":"\\u0041\\/"}],"messages":[]}',
        '{"messages":[1,"two",null,true,[3],{"x":"' + "z" * 200 + '"}]}',
        '{"messages":"text"}',
        '{"messages":[{"a":1},',
        "not json",
        "",
        '{"messages":[{"a":"\\ud83d"}]}',
    ],
)
def test_bodies_of_any_shape(text: str) -> None:
    """Whatever a body looks like, it is stored without loss, twice in a row as well."""
    store = Store()
    for seq in (2, 3):
        stored = store.request(seq, None, text=text)
        assert values.equal(values.loads(stored) if seq == 2 else store.resolved(seq), {
            "method": "POST", "path": "/chat", "body": values.tree_of_json(text.encode()) if text else None,
        })  # fmt: skip


def test_random_edits_resolve() -> None:
    """Any sequence of edits of a history comes back as it was."""
    rng = random.Random(7)
    store = Store()
    history: list[Any] = []
    sent: dict[int, Any] = {}
    for seq in range(2, 80):
        history += [
            {"role": rng.choice("ut"), "content": words(rng, rng.randint(0, 400)), "n": rng.choice([1, 1.5, None, True])}
            for _ in range(rng.randint(0, 3))
        ]
        if history and rng.random() < 0.2:
            del history[rng.randrange(len(history))]
        if history and rng.random() < 0.1:
            history[rng.randrange(len(history))] = {"edited": words(rng, 200)}
        sent[seq] = list(history)
        store.request(seq, {"model": "m", "input": history, "more": {"x": words(random.Random(seq % 3), 200)}})
    assert all(store.resolved(seq)["body"]["input"] == messages for seq, messages in sent.items())


def test_payloads_of_functions_share_too() -> None:
    """A function that takes the whole history is stored linearly as well."""
    rng = random.Random(3)
    store, history, total = Store(), [], 0
    for seq in range(2, 42):
        history.append({"content": words(rng, 700)})
        total += len(store.payload(seq, "chronicle.input", {"messages": list(history), "k": 1}))
    assert total < 40 * 1000
    assert store.resolved(41)["messages"] == history


def test_markers_are_not_looked_into() -> None:
    """Nothing inside an opaque value, a blob or a JSON text becomes a target."""
    store = Store()
    store.payload(2, "chronicle.output", {"x": {"$chronicle.opaque": {"why": "capture", "size": 300, "note": "n" * 300}}})
    assert "$chronicle.ref" not in store.payload(3, "chronicle.output", {"y": "n" * 300})
