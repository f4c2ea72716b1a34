"""What a replay executes and what it answers."""

from __future__ import annotations

import pytest

from chronicle_otel.errors import UsageError
from chronicle_otel.replayer.plan import Plan


def test_default_plan_runs_nothing_that_acts_on_the_world() -> None:
    """Agents, steps and guardrails are executed, all else is answered."""
    plan = Plan.parse()
    live = [
        kind
        for kind in ("agent", "step", "llm", "embedding", "retrieval", "tool", "guardrail", "memory", "effect", "human", "ambient")
        if plan.live(kind, "x")
    ]
    assert live == ["agent", "step", "guardrail"]


@pytest.mark.parametrize(
    ("word", "name", "live"),
    [
        ("tool", "shop.quote", True),
        ("tool:shop.*", "shop.quote", True),
        ("tool:quote", "shop.quote", True),
        ("tool:quo*", "shop.quote", True),
        ("tool:shop", "shop.quote", False),
        ("tool:QUOTE", "shop.quote", False),
        ("retrieval", "shop.quote", False),
    ],
)
def test_words_of_live(word: str, name: str, live: bool) -> None:
    """A kind means all of it; a glob means whole names or their last part."""
    assert Plan.parse([word]).live("tool", name) is live


@pytest.mark.parametrize("kind", ["llm", "embedding", "effect", "human", "ambient"])
def test_changed_never_runs_what_is_paid_for_or_acts(kind: str) -> None:
    """`changed` executes the user's own tools, retrievals and memory, and no other kind."""
    plan = Plan.parse("changed")
    assert [plan.live(k, "x", changed=True) for k in ("tool", "retrieval", "memory", kind)] == [True, True, True, False]
    assert not plan.live("tool", "x", changed=False)


def test_effects_take_a_second_word() -> None:
    """Naming an effect live without allowing effects is refused; with it, it runs."""
    with pytest.raises(UsageError, match="allow_effects"):
        Plan.parse(["effect:pay"])
    assert Plan.parse(["effect:pay"], allow_effects=True).live("effect", "pay")
    assert not Plan.parse([], allow_effects=True).live("effect", "pay")


@pytest.mark.parametrize("word", ["tools", "tool:", "", "tool quote", "Tool"])
def test_unknown_words_are_errors(word: str) -> None:
    """A misspelt word is refused, never ignored."""
    with pytest.raises(UsageError, match="live="):
        Plan.parse([word])
