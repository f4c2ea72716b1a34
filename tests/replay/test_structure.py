"""Where answers are found when code moves: loops, recursion, nesting, renaming, retries, loans."""

from __future__ import annotations

from typing import Any

import pytest

import chronicle_otel as chronicle
from chronicle_otel.recording.interceptor import registered
from tests.replay.conftest import Lab, kinds, levels


@pytest.fixture
def ask(lab: Lab) -> Any:
    @chronicle.llm(name="ask")
    def ask(prompt: str) -> str:
        return lab.world.answers(prompt)

    return ask


def test_loop_with_one_turn_less_and_one_more(lab: Lab, ask: Any) -> None:
    """A loop's turns are told apart by their input: one less is missing, one more is unexpected."""
    turns = [4]

    @chronicle.agent(name="a")
    def agent() -> int:
        for n in range(turns[0]):
            ask(f"turn {n}")
        return 0

    run = lab.record(agent)
    assert lab.replay(run, agent).verdict == "reproduced"
    turns[0] = 3
    assert kinds(lab.replay(run, agent)) == ["missing_step at ask"]
    turns[0] = 5
    assert kinds(lab.replay(run, agent)) == ["unexpected_step at ask"]


def test_recursion_keeps_every_level_apart(lab: Lab, ask: Any) -> None:
    """A recursive agent with equal questions at each depth gets the answer of its own depth."""
    deep = [3]

    @chronicle.step(name="solve")
    def solve(n: int) -> list[str]:
        return [ask("same"), *(solve(n - 1) if n else []), ask("same")]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return solve(deep[0])

    run = lab.record(agent)
    recorded = lab.value
    result = lab.replay(run, agent)
    assert (result.verdict, result.outcome.value) == ("reproduced", recorded)
    deep[0] = 4
    assert "unexpected_step at ask" in kinds(lab.replay(run, agent))


def test_nested_agents_are_entered_one_by_one(lab: Lab, ask: Any) -> None:
    """An agent inside an agent is a live step of the same Run; without it, it is missing as a whole, named once."""
    delegate = [True]

    @chronicle.agent(name="expert")
    def expert(topic: str) -> str:
        return ask("draft") + ask("polish")

    @chronicle.agent(name="a")
    def agent() -> str:
        return ask("plan") + (expert("tax") if delegate[0] else "")

    run = lab.record(agent)
    assert lab.replay(run, agent).verdict == "reproduced"
    delegate[0] = False
    result = lab.replay(run, agent)
    assert kinds(result) == ["missing_step at expert", "output_changed at a"]
    assert "the 2 below it" in str(result)


def test_retries_of_the_code_are_steps_of_their_own(lab: Lab) -> None:
    """A tool that failed twice and then worked does so again; one attempt less leaves one over."""
    attempts = [3]

    @chronicle.tool(name="flaky")
    def flaky() -> str:
        lab.world.ran.append("flaky")
        if len(lab.world.ran) < 3:
            raise TimeoutError("slow")
        return "done"

    @chronicle.agent(name="a")
    def agent() -> str:
        for _ in range(attempts[0]):
            try:
                return flaky()
            except TimeoutError:
                pass
        return "gave up"

    run = lab.record(agent)
    result = lab.replay(run, agent)
    assert (result.verdict, result.outcome.value) == ("reproduced", "done")
    attempts[0] = 2
    assert kinds(lab.replay(run, agent)) == ["missing_step at flaky", "output_changed at a"]


def test_renamed_function_is_found_by_its_input(lab: Lab) -> None:
    """A tool under a new name is answered when the old name is gone; while the old one exists, it is another tool."""

    def make(name: str) -> Any:
        @chronicle.tool(name=name)
        def tool(symbol: str) -> str:
            return lab.world.answers(symbol)

        return tool

    use = [make("get_price")]

    @chronicle.agent(name="a")
    def agent() -> str:
        return use[0]("ACME")

    run = lab.record(agent)
    use[0] = make("get_position")
    assert "unexpected_step at get_position" in kinds(lab.replay(run, agent))
    del registered["tool", "get_price"]  # as in the next process, which has only the new name
    result = lab.replay(run, agent)
    assert (result.verdict, levels(result)) == ("reproduced", ["get_price moved"])


def test_equal_input_of_another_tool_is_no_match(lab: Lab) -> None:
    """`get_price("ACME")` never answers `get_position("ACME")`."""
    which = ["get_price"]

    @chronicle.tool(name="get_price")
    def get_price(symbol: str) -> str:
        return lab.world.answers("price")

    @chronicle.tool(name="get_position")
    def get_position(symbol: str) -> str:
        return lab.world.answers("position")

    @chronicle.agent(name="a")
    def agent() -> str:
        return {"get_price": get_price, "get_position": get_position}[which[0]]("ACME")

    run = lab.record(agent)
    which[0] = "get_position"
    assert kinds(lab.replay(run, agent)) == ["unexpected_step at get_position", "missing_step at get_price"]


def test_later_owners_get_their_own_answer_back(lab: Lab, ask: Any) -> None:
    """Recorded 1, 2, 3 against live 9, 1, 2, 3: the three are exact, and 9 is reported."""
    first: list[str] = []

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [ask(f"please tell me about number {n}") for n in [*first, "1", "2", "3"]][-3:]

    run = lab.record(agent)
    recorded = lab.value
    first.append("9")
    result = lab.replay(run, agent)
    assert kinds(result) == ["unexpected_step at ask"]
    assert [s.level for s in result.served][1:] == ["exact"] * 3
    assert result.outcome.value == recorded
    assert result.divergences[0].stale


def test_a_renamed_parameter_is_a_note(lab: Lab) -> None:
    """A parameter of a tool, a step or the entry that has another name and the recorded value is no change; another value is one."""

    def agent_of(new: bool, value: str = "ACME") -> Any:
        if new:

            @chronicle.tool(name="price")
            def price(ticker: str, day: int = 1) -> str:
                return lab.world.answers(ticker)

            @chronicle.step(name="part")
            def part(ticker: str) -> str:
                return price(ticker)
        else:

            @chronicle.tool(name="price")
            def price(symbol: str, day: int = 1) -> str:
                return lab.world.answers(symbol)

            @chronicle.step(name="part")
            def part(symbol: str) -> str:
                return price(symbol)

        @chronicle.agent(name="a")
        def agent() -> str:
            return part(value)

        return agent

    run = lab.record(agent_of(False))
    result = lab.replay(run, agent_of(True))
    assert result.verdict == "reproduced"
    assert levels(result) == ["price exact"]
    assert [(note.kind, str(note.step)) for note in result.notes] == [("renamed", "step part #0"), ("renamed", "tool price #0")]
    assert lab.replay(run, agent_of(True, "GLOBEX")).verdict == "diverged"


def test_new_parameter_with_a_default_is_no_change(lab: Lab) -> None:
    """A parameter that only exists through a default which the recording never knew is not compared; another value is."""
    unit: list[dict[str, str]] = [{}]

    @chronicle.tool(name="weather")
    def old(city: str) -> str:
        return lab.world.answers(city)

    use = [old]

    @chronicle.agent(name="a")
    def agent() -> str:
        return use[0]("Paris", **unit[0])

    run = lab.record(agent)

    @chronicle.tool(name="weather")
    def new(city: str, unit: str = "C") -> str:
        return lab.world.answers(city)

    use[0] = new
    assert levels(lab.replay(run, agent)) == ["weather exact"]
    unit[0] = {"unit": "F"}
    assert kinds(lab.replay(run, agent)) == ["input_changed at weather"]


def test_ignored_members_are_not_compared(lab: Lab) -> None:
    """A member declared as differing by nature is left out, at the boundary or for one replay."""

    @chronicle.tool(name="fetch", ignore=["request.id"])
    def fetch(request: dict[str, Any]) -> str:
        return lab.world.answers("x")

    @chronicle.tool(name="plain")
    def plain(request: dict[str, Any]) -> str:
        return lab.world.answers("x")

    count = [0]

    @chronicle.agent(name="a")
    def agent() -> str:
        count[0] += 1
        return fetch({"id": count[0], "q": "a"}) + plain({"id": count[0], "q": "a"})

    run = lab.record(agent)
    assert lab.replay(run, agent, ignore=["request.id"]).verdict == "reproduced"
    assert kinds(lab.replay(run, agent)) == ["input_changed at plain"]


def test_branches_keep_equal_questions_apart(lab: Lab, ask: Any) -> None:
    """An equal question in another named branch is found as moved, never as exact."""
    names = ["left", "right"]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        got = []
        for name in names:
            with chronicle.branch(name):
                got.append(ask("same"))
        return got

    run = lab.record(agent)
    assert levels(lab.replay(run, agent)) == ["ask exact"] * 2
    names[:] = ["right", "left"]
    result = lab.replay(run, agent)
    assert levels(result) == ["ask exact"] * 2
    assert kinds(result) == ["output_changed at a"]
    names[:] = ["up", "right"]
    assert levels(lab.replay(run, agent)) == ["ask moved ambiguous", "ask exact"]


def test_identical_refusals_are_counted_not_listed(lab: Lab, ask: Any) -> None:
    """A loop that asks the same refused question again and again is one divergence with a count."""
    extra = [0]

    @chronicle.agent(name="a")
    def agent() -> int:
        ask("one")
        for _ in range(extra[0]):
            try:
                ask("something else altogether")
            except chronicle.Refused:
                pass
        return 0

    run = lab.record(agent)
    extra[0] = 50
    (divergence,) = lab.replay(run, agent).divergences
    assert (divergence.kind, divergence.count) == ("unexpected_step", 50)


def test_methods_and_classes_are_boundaries_too(lab: Lab) -> None:
    """The receiver of a method is no input: another instance gets the same answers."""

    class Shop:
        @chronicle.tool(name="stock")
        def stock(self, item: str) -> str:
            return lab.world.answers(item)

        @classmethod
        @chronicle.tool(name="hours")
        def hours(cls) -> str:
            return lab.world.answers("hours")

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [Shop().stock("apples"), Shop.hours()]

    run = lab.record(agent)
    assert levels(lab.replay(run, agent)) == ["stock exact", "hours exact"]
    assert lab.world.ran == []


def test_endless_loop_of_refusals_is_ended(lab: Lab, ask: Any) -> None:
    """Code that swallows a refusal and asks again for ever does not hang the replay."""
    extra = [False]

    @chronicle.agent(name="a")
    def agent() -> int:
        ask("one")
        while extra[0]:
            try:
                ask("something else altogether")
                break
            except Exception:
                pass
        return 0

    run = lab.record(agent)
    extra[0] = True
    result = lab.replay(run, agent)
    assert (result.verdict, kinds(result)) == ("diverged", ["unexpected_step at ask"])
    assert result.divergences[0].count > 900


def test_changed_argument_of_a_stub_is_served_as_stale(lab: Lab) -> None:
    """A tool that is asked for less of the same is answered, marked stale; for something else altogether it is refused."""
    ask_for: list[Any] = ["ACME", "sell", 1000]

    @chronicle.tool(name="order")
    def order(symbol: str, side: str, quantity: float) -> str:
        return lab.world.answers("order")

    @chronicle.agent(name="a")
    def agent() -> str:
        return order(*ask_for)

    run = lab.record(agent)
    ask_for[2] = 5.2632
    assert levels(lab.replay(run, agent)) == ["order changed"]
    ask_for[:] = ["GLOBEX", "buy", 3]
    assert kinds(lab.replay(run, agent))[0] == "unexpected_step at order"
