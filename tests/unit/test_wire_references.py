"""References: what an earlier Step holds is found there, and what is lost becomes a hole of known length."""

from __future__ import annotations

from typing import Any

import pytest

from chronicle_otel import semconv, wire

IN, OUT = semconv.INPUT, semconv.OUTPUT
MESSAGES = [{"role": "user", "content": f"message {number}"} for number in range(6)]


def lost(step: int) -> dict[str, Any]:
    return {"$chronicle.opaque": {"why": "lost", "step": step}}


def three_turns() -> dict[Any, Any]:
    """Each turn sends what the last one sent, and two messages more."""
    return {
        (1, IN): {"messages": MESSAGES[:2]},
        (2, IN): {"messages": [wire.make_ref(1, IN, [0], 0, 2), *MESSAGES[2:4]]},
        (3, IN): {"messages": [wire.make_ref(2, IN, [0], 0, 4, second=(1, IN, [0], 2)), *MESSAGES[4:6]]},
    }


def test_ranges_are_spliced() -> None:
    """A history that was stored as references is whole again."""
    resolved, problems = wire.resolve(three_turns())
    assert resolved[3, IN] == {"messages": MESSAGES}
    assert problems == []


def test_a_lost_step_leaves_a_hole_of_known_length() -> None:
    """Without the middle turn only what it alone held is unknown; the rest comes from the second source."""
    trees = three_turns()
    del trees[2, IN]
    resolved, problems = wire.resolve(trees)
    assert resolved[3, IN] == {"messages": [*MESSAGES[:2], lost(2), lost(2), *MESSAGES[4:6]]}
    assert [(problem.step, problem.kind, problem.source) for problem in problems] == [(3, "lost", 2)]


def test_paths_count_children_after_references_are_resolved() -> None:
    """A path leads through spliced lists and typed values by ordinals."""
    trees = three_turns() | {
        (4, IN): {"said": wire.make_ref(3, IN, [0, 4, 1])},
        (5, IN): [{"$chronicle.type": ["tuple", ["a", "b"]]}],
        (6, IN): wire.make_ref(5, IN, [0, 0, 1, 1]),
    }
    resolved, problems = wire.resolve(trees)
    assert (resolved[4, IN], resolved[6, IN], problems) == ({"said": "message 4"}, "b", [])


def test_an_output_may_refer_to_its_own_input() -> None:
    """Payloads of one Step may refer to each other."""
    resolved, _ = wire.resolve({(1, IN): {"a": "text"}, (1, OUT): [wire.make_ref(1, IN, [0])]})
    assert resolved[1, OUT] == ["text"]


def test_what_is_resolved_is_shared() -> None:
    """An element that many Steps refer to exists once."""
    resolved, _ = wire.resolve(three_turns())
    assert resolved[3, IN]["messages"][0] is resolved[1, IN]["messages"][0]


@pytest.mark.parametrize(
    ("taken", "path"),
    [({"$chronicle.opaque": {"why": "policy", "size": 9}}, [0, 1, 2]), ({"$chronicle.blob": {"url": "file:x", "size": 9}}, [0, 7])],
)
def test_a_path_ends_at_what_was_taken_out(taken: Any, path: list[int]) -> None:
    """A path into a value that is opaque or moved out yields that value."""
    resolved, problems = wire.resolve({(1, IN): [taken], (2, IN): [wire.make_ref(1, IN, path)]})
    assert (resolved[2, IN], problems) == ([taken], [])


@pytest.mark.parametrize(
    ("trees", "kind"),
    [
        ({(1, IN): [wire.make_ref(2, IN, [])], (2, IN): [wire.make_ref(1, IN, [])]}, "cycle"),
        ({(1, IN): [wire.make_ref(1, IN, [])]}, "cycle"),
        ({(1, IN): ["a"], (2, IN): wire.make_ref(1, IN, [1])}, "broken"),
        ({(1, IN): ["a"], (2, IN): [wire.make_ref(1, IN, [], 0, 2)]}, "broken"),
        ({(1, IN): ["a"], (2, IN): [wire.make_ref(1, IN, [], 0, 900_000_000)]}, "limit"),
        ({(1, IN): {"$chronicle.ref": [-1, IN, []]}}, "malformed"),
        ({(1, IN): {"$chronicle.ref": [1, "Input", []]}}, "malformed"),
        ({(1, IN): {"$chronicle.ref": [[1, 1], IN, []]}}, "malformed"),
        ({(1, IN): {"a": wire.make_ref(1, OUT, [], 0, 1)}, (1, OUT): [1]}, "malformed"),
    ],
)
def test_hostile_references_are_refused(trees: Any, kind: str) -> None:
    """References in a ring, to nowhere, or of another form are named, and nothing breaks."""
    _, problems = wire.resolve(trees)
    assert {problem.kind for problem in problems} == {kind}


def test_references_that_multiply_stop_at_the_limit() -> None:
    """A payload that doubles with every Step ends at the limit on its text."""
    trees: dict[Any, Any] = {(0, IN): ["x" * 1_000]}
    for step in range(1, 60):
        trees[step, IN] = [wire.make_ref(step - 1, IN, [])] * 2
    _, problems = wire.resolve(trees, limit=1_000_000)
    assert {problem.kind for problem in problems} == {"limit"}


def test_a_long_chain_needs_no_stack() -> None:
    """5,000 Steps that refer each to the one before are resolved from the last."""
    trees: dict[Any, Any] = {(0, IN): "text"}
    trees |= {(step, IN): wire.make_ref(step - 1, IN, []) for step in range(1, 5_000)}
    assert wire.Resolver(lambda step, payload: trees.get((step, payload))).resolve(4_999, IN) == "text"


def test_steps_of_other_runs_can_be_named() -> None:
    """A reference may name a Step as [run id, seq]."""
    run = "a" * 32
    resolved, _ = wire.resolve({((run, 3), IN): "there", (1, IN): [wire.make_ref((run, 3), IN, [])]})
    assert resolved[1, IN] == ["there"]
