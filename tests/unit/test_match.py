"""Which recorded Step is the counterpart of a live crossing."""

from __future__ import annotations

from typing import Any

import pytest

from chronicle_otel.replayer.counterparts import UNKNOWN, Live, Recorded
from chronicle_otel.replayer.match import Matcher


class Bench:
    """A recorded tree written as a literal, and live crossings asked of it one by one."""

    def __init__(self, *tree: Any, live: tuple[str, ...] = ("agent", "step", "guardrail"), registered: tuple[str, ...] = ()) -> None:
        self.root = Recorded(1, "agent", "root", {})
        self.steps = [self.root]
        self.live_kinds = live
        self._grow(self.root, tree)
        self.matcher = Matcher(
            self.steps, self.root, planned=lambda kind, name: kind in live, registered=lambda kind, name: name in registered
        )
        self.top = Live(1, "agent", "root", {}, True)
        self.top.rec = self.root
        self.root.owner = self.top
        self.order = 1

    def _grow(self, parent: Recorded, tree: tuple[Any, ...]) -> None:
        for kind, name, value, *rest in tree:
            options = next((r for r in rest if isinstance(r, dict)), {})
            seq = len(self.steps) + 1
            begin, end = options.pop("at", (seq * 10, seq * 10 + 5))
            answer = options.pop("answer", str(seq)).encode()
            step = Recorded(
                seq,
                kind,
                name,
                value if value is UNKNOWN else {"q": value},
                parent,
                start_ns=begin,
                end_ns=end,
                answer=lambda a=answer: a,
                **options,
            )
            parent.children.append(step)
            self.steps.append(step)
            for children in (r for r in rest if isinstance(r, tuple)):
                self._grow(step, children)

    def ask(self, kind: str, name: str, value: Any, parent: Live | None = None, **options: Any) -> Live:
        self.order += 1
        node = Live(self.order, kind, name, {"q": value}, kind in self.live_kinds, parent or self.top, **options)
        self.matcher.match(node)
        return node

    def tool(self, value: Any, parent: Live | None = None, **options: Any) -> str:
        return self.said(self.ask("tool", "t", value, parent, **options))

    @staticmethod
    def said(node: Live) -> str:
        if node.rec is None:
            return "none"
        return f"{node.rec.seq} {node.level}" + (" ambiguous" if node.ambiguous else "")


def test_equal_input_in_place_is_exact() -> None:
    """Same place, kind, name and input; the order of asking does not matter."""
    b = Bench(("tool", "t", "a"), ("tool", "t", "b"))
    assert [b.tool("b"), b.tool("a")] == ["3 exact", "2 exact"]


def test_equal_calls_are_owned_one_after_the_other() -> None:
    """Each answer is owned once."""
    b = Bench(("tool", "t", "a"), ("tool", "t", "a"))
    assert [b.tool("a"), b.tool("a"), b.tool("a")] == ["2 exact", "3 exact", "none"]


def test_stub_hides_its_subtree() -> None:
    """What ran below an answered Step is out of reach."""
    b = Bench(("tool", "outer", "x", (("tool", "t", "a"),)))
    assert Bench.said(b.ask("tool", "outer", "x")) == "2 exact"
    assert b.tool("a") == "none"


def test_stub_that_was_not_asked_for_hides_its_subtree_too() -> None:
    """Steps below a recorded stub are never served to a call beside it."""
    assert Bench(("tool", "outer", "x", (("tool", "t", "a"),))).tool("a") == "none"


def test_live_step_opens_its_subtree() -> None:
    """Inside a live step that has its counterpart, calls are exact."""
    b = Bench(("step", "s", "x", (("tool", "t", "a"),)), ("tool", "t", "a"))
    step = b.ask("step", "s", "x")
    assert [b.tool("a"), b.tool("a", step)] == ["4 exact", "3 exact"]


def test_removed_wrapper_does_not_hide_what_was_in_it() -> None:
    """Without the step around it, the call is found one level deeper, as moved."""
    assert Bench(("step", "s", "x", (("tool", "t", "a"),))).tool("a") == "3 moved"


def test_added_wrapper_is_transparent() -> None:
    """Inside a step that the recording does not have, calls are found as moved."""
    b = Bench(("tool", "t", "a"))
    added = b.ask("step", "new", "x")
    assert (Bench.said(added), b.tool("a", added)) == ("none", "2 moved")


def test_owner_takes_its_answer_back_from_a_borrower() -> None:
    """An exact match that comes later evicts who borrowed."""
    b = Bench(("tool", "t", "a"))
    added = b.ask("step", "new", "x")
    borrower = b.ask("tool", "t", "a", added)
    owner = b.ask("tool", "t", "a")
    assert (borrower.evicted, borrower.rec, Bench.said(owner)) == (True, None, "2 exact")


def test_answer_is_lent_once() -> None:
    """Two equal calls in an added wrapper do not share one recorded answer."""
    b = Bench(("tool", "t", "a"))
    added = b.ask("step", "new", "x")
    assert [b.tool("a", added), b.tool("a", added)] == ["2 moved", "none"]


def test_moved_takes_precedence_over_changed() -> None:
    """A call with equal input, at another place, evicts one that borrowed its answer for another question."""
    b = Bench(("tool", "t", "the price of apples today"))
    other = b.ask("tool", "t", "the price of apples tomorrow")
    added = b.ask("step", "new", "x")
    assert (other.level, b.tool("the price of apples today", added), other.evicted) == ("changed", "2 moved", True)


def test_changed_input_at_the_same_place() -> None:
    """A stub is served the first unused answer of its name, if the questions are alike; else it is refused."""
    b = Bench(("tool", "t", "the price of apples today"), ("tool", "t", "the price of pears today"))
    assert [b.tool("the price of apples tomorrow"), b.tool("penguins")] == ["2 changed", "none"]


def test_refused_call_knows_what_is_nearest() -> None:
    """The nearest recorded Step of its name is named."""
    b = Bench(("tool", "t", "apples and pears"), ("tool", "t", "whales"))
    node = b.ask("tool", "t", "pears with cream and a lot of other things on top of them")
    assert (node.rec, node.nearest.seq if node.nearest else None) == (None, 2)


def test_live_step_takes_its_place_whatever_its_input() -> None:
    """A step that runs live keeps its counterpart when its input changes."""
    b = Bench(("step", "s", "x"), ("step", "s", "y"))
    assert [Bench.said(b.ask("step", "s", "z")), Bench.said(b.ask("step", "s", "y"))] == ["2 changed", "3 exact"]


def test_lane_decides_between_equal_calls() -> None:
    """Equal concurrent calls go to their own lane; a lane that the recording lacks is ambiguous."""
    b = Bench(*(("tool", "t", "a", {"lane": f"arm#{n}"}) for n in range(3)))
    assert [b.tool("a", lane="arm#2"), b.tool("a", lane="arm#0")] == ["4 exact", "2 exact"]
    b = Bench(*(("tool", "t", "a", {"lane": f"arm#{n}"}) for n in range(2)))
    assert b.tool("a", lane="other#0") == "2 exact ambiguous"


def test_equal_answers_are_never_ambiguous() -> None:
    """Where every candidate would answer alike, it does not matter which one does."""
    b = Bench(*(("tool", "t", "a", {"lane": f"arm#{n}", "answer": "same"}) for n in range(2)))
    assert b.tool("a", lane="other#0") == "2 exact"


def test_overlapping_equal_calls_without_lanes_are_ambiguous() -> None:
    """Two equal calls that ran side by side and that nothing tells apart."""
    b = Bench(("tool", "t", "a", {"at": (10, 30)}), ("tool", "t", "a", {"at": (20, 40)}))
    assert b.tool("a") == "2 exact ambiguous"


def test_branches_are_places() -> None:
    """An equal call in another branch is moved."""
    b = Bench(("tool", "t", "a", {"branch": "left"}), ("tool", "t", "a", {"branch": "right"}))
    assert [b.tool("a", branch="right"), b.tool("a", branch="middle")] == ["3 exact", "2 moved"]


def test_renamed_boundary() -> None:
    """A new name finds the Steps of an old one that is gone, and only of one that is gone."""
    gone, there = Bench(("tool", "old", "a")), Bench(("tool", "old", "a"), registered=("old",))
    assert [Bench.said(b.ask("tool", "new", "a")) for b in (gone, there)] == ["2 moved", "none"]


def test_known_name_never_takes_another_names_answer() -> None:
    """A name that the recording has is not taken for a renamed one."""
    b = Bench(("tool", "t", "a"), ("tool", "other", "b"))
    assert b.tool("b") == "none"


def test_guessed_parent_matches_under_any() -> None:
    """A crossing that was adopted is found wherever it stands."""
    b = Bench(("step", "s", "x", (("tool", "t", "a"),)))
    b.ask("step", "s", "x")
    assert b.tool("a", guessed=True) == "3 exact"


def test_unknown_input_is_matched_by_place() -> None:
    """Steps whose input was not recorded are given out in their order."""
    b = Bench(("tool", "t", UNKNOWN), ("tool", "t", UNKNOWN))
    assert [b.tool("x").split()[0], b.tool("y").split()[0]] == ["2", "3"]


def test_missing_steps_are_named_once_at_the_top() -> None:
    """What nobody asked for is missing with all below it; a wrapper whose inside ran is only gone."""
    b = Bench(("step", "s", "x", (("tool", "t", "a"),)), ("step", "u", "y", (("tool", "t", "b"), ("tool", "t", "c"))))
    b.tool("b")
    missing, unwrapped = b.matcher.missing()
    assert ([r.seq for r in missing], [r.seq for r in unwrapped]) == ([2, 6], [4])


def test_late_steps_are_never_missing() -> None:
    """A Step that started after its root had ended may or may not happen again."""
    b = Bench(("tool", "t", "a", {"late": True}))
    assert b.matcher.missing() == ([], [])


def test_predecessors_are_those_that_ran_beside_it() -> None:
    """Waited for are unasked Steps that ended earlier and overlapped."""
    b = Bench(("tool", "t", "slow", {"at": (0, 100)}), ("tool", "t", "fast", {"at": (5, 20)}), ("tool", "t", "after", {"at": (110, 120)}))
    slow = b.ask("tool", "t", "slow").rec
    assert slow is not None
    assert [r.seq for r in b.matcher.waits_for(slow)] == [3]
    b.tool("fast")
    assert b.matcher.waits_for(slow) == []


@pytest.mark.parametrize("count", [2000])
def test_many_equal_steps_stay_quick(count: int) -> None:
    """Thousands of Steps are found by index, each exactly."""
    b = Bench(*(("tool", "t", n % 7) for n in range(count)))
    assert all(b.tool(n % 7).endswith("exact") for n in range(count))
