"""The scenarios on which replayers are compared, with functions as boundaries; each still replays, and diverges where it must."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

import chronicle_otel as chronicle
from tests.replay.conftest import Lab, kinds, levels


@pytest.fixture
def ask(lab: Lab) -> Any:
    @chronicle.llm(name="ask")
    def ask(prompt: str) -> str:
        return lab.world.answers(prompt)

    return ask


@pytest.fixture
def aask(lab: Lab) -> Any:
    @chronicle.llm(name="ask")
    async def ask(prompt: str, pause: float = 0.0) -> str:
        await asyncio.sleep(pause)
        return lab.world.answers(prompt)

    return ask


def reproduced(lab: Lab, run: Any, entry: Any, **options: Any) -> Any:
    """Replay; the outcome is the recorded one and nothing that should be answered was executed."""
    recorded = lab.value
    result = lab.replay(run, entry, **options)
    assert str(result).startswith("REPRODUCED"), str(result)
    if isinstance(recorded, Exception):
        assert repr(result.outcome.error) == repr(recorded)
    else:
        assert result.outcome.value == recorded
    return result


# ---- order -------------------------------------------------------------------------------------


def test_sequential_calls_are_answered_in_place(lab: Lab, ask: Any) -> None:
    """A plain agent comes out as recorded, with every answer exact and nothing executed."""

    @chronicle.agent(name="a")
    def agent(text: str) -> list[str]:
        return [ask(f"{text} {n}") for n in range(5)]

    run = lab.record(agent, "hello")
    assert levels(reproduced(lab, run, agent)) == ["ask exact"] * 5
    assert lab.world.ran == []


def test_gathered_calls_get_their_own_answers(lab: Lab, aask: Any) -> None:
    """Concurrent calls with different inputs are matched by input, whatever their order."""

    @chronicle.agent(name="a")
    async def agent(order: list[int]) -> list[str]:
        return sorted(await asyncio.gather(*(aask(f"q{n}", 0.01 * n) for n in order)))

    run = lab.record(agent, [3, 1, 2])
    assert levels(reproduced(lab, run, agent)) == ["ask exact"] * 3


def test_identical_gathered_calls_with_named_branches(lab: Lab, aask: Any) -> None:
    """Three equal concurrent prompts go to the right branch, because the branches have names."""

    @chronicle.agent(name="a")
    async def agent() -> list[str]:
        async def arm(name: str, pause: float) -> str:
            with chronicle.branch(name):
                return name + await aask("same", pause)

        return await asyncio.gather(arm("x", 0.03), arm("y", 0.01), arm("z", 0.02))

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent)) == ["ask exact"] * 3


def test_identical_gathered_calls_without_names_are_decided_by_lanes(lab: Lab, aask: Any) -> None:
    """Unnamed, the lane of the task that asks decides; nothing is ambiguous."""

    @chronicle.agent(name="a")
    async def agent() -> list[str]:
        async def arm(pause: float) -> str:
            return await aask("same")

        return await asyncio.gather(arm(0.03), arm(0.01), arm(0.02))

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent)) == ["ask exact"] * 3


def test_identical_gathered_calls_with_one_lane_more_are_ambiguous(lab: Lab, aask: Any) -> None:
    """Where the code starts another number of equal tasks, what lanes decided is marked, and the extra one is refused."""
    count = [3]

    @chronicle.agent(name="a")
    async def agent() -> list[Any]:
        async def arm() -> str:
            return await aask("same")

        return await asyncio.gather(*(arm() for _ in range(count[0])), return_exceptions=True)

    run = lab.record(agent)
    count[0] = 4
    result = lab.replay(run, agent)
    assert "unexpected_step at ask" in kinds(result)
    assert [s.ambiguous for s in result.served] == [True] * 3


def test_repeated_equal_calls_are_answered_one_after_the_other(lab: Lab, ask: Any) -> None:
    """The same question twice gets the two recorded answers in their order."""

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [ask("same"), ask("same"), ask("same")]

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent)) == ["ask exact"] * 3


def test_one_equal_call_more_is_refused(lab: Lab, ask: Any) -> None:
    """An answer is given once: the fourth equal question is an unexpected step."""
    count = [3]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [ask("same") for _ in range(count[0])]

    run = lab.record(agent)
    count[0] = 4
    result = lab.replay(run, agent)
    assert (result.verdict, kinds(result)) == ("diverged", ["unexpected_step at ask"])


def test_threads_keep_their_run(lab: Lab, ask: Any) -> None:
    """Calls from a pool, a plain thread and the agent itself belong to the Run, and are answered."""

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        got: list[str] = []
        thread = threading.Thread(target=lambda: got.append(ask("thread")))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(2) as pool:
            return got + list(pool.map(ask, ["p", "q"])) + [ask("own")]

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent)) == ["ask exact"] * 4
    assert lab.world.ran == []


def test_swapped_calls_are_answered_by_input(lab: Lab, ask: Any) -> None:
    """Two calls in the other order get their own answers; the order is a note, not a divergence."""
    order = ["one", "two"]

    @chronicle.agent(name="a")
    def agent() -> dict[str, str]:
        return {q: ask(q) for q in order}

    run = lab.record(agent)
    order.reverse()
    result = reproduced(lab, run, agent)
    assert [n.kind for n in result.notes] == ["order_changed"]


# ---- streams -----------------------------------------------------------------------------------


@pytest.fixture
def stream(lab: Lab) -> Any:
    @chronicle.llm(name="stream")
    def stream(prompt: str) -> Any:
        for word in ("We", "sell", "apples"):
            yield lab.world.answers(word)

    return stream


def test_stream_comes_back_chunk_by_chunk(lab: Lab, stream: Any) -> None:
    """A generator boundary yields the recorded chunks, one by one."""

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return list(stream("go"))

    run = lab.record(agent)
    reproduced(lab, run, agent)
    assert lab.world.ran == []


def test_astream_comes_back_chunk_by_chunk(lab: Lab) -> None:
    """An async generator boundary does the same."""

    @chronicle.llm(name="stream")
    async def stream(prompt: str) -> Any:
        for word in ("We", "sell"):
            await asyncio.sleep(0)
            yield lab.world.answers(word)

    @chronicle.agent(name="a")
    async def agent() -> list[str]:
        return [chunk async for chunk in stream("go")]

    run = lab.record(agent)
    reproduced(lab, run, agent)
    assert lab.world.ran == []


def test_abandoned_stream_replays_to_where_it_was_read(lab: Lab, stream: Any) -> None:
    """A stream that the code left early replays; reading on past that point is not_recorded."""
    take = [2]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        got: list[str] = []
        for chunk in stream("go"):
            got.append(chunk)
            if len(got) == take[0]:
                break
        return got

    run = lab.record(agent)
    reproduced(lab, run, agent)
    take[0] = 3
    result = lab.replay(run, agent)
    assert kinds(result) == ["not_recorded at stream"]


# ---- errors ------------------------------------------------------------------------------------


class OutOfStock(Exception):
    """An application's own exception with a constructor of its own."""

    def __init__(self, symbol: str, *, left: int) -> None:
        super().__init__(f"only {left} of {symbol}")
        self.symbol, self.left = symbol, left


@pytest.mark.parametrize("error", [KeyError("acme"), OutOfStock("ACME", left=3)], ids=["builtin", "custom"])
def test_exceptions_of_tools_come_back_as_what_they_were(lab: Lab, error: Exception) -> None:
    """A stubbed tool raises the recorded class with its arguments and attributes."""

    @chronicle.tool(name="buy")
    def buy(symbol: str) -> None:
        lab.world.ran.append("buy")
        raise error

    @chronicle.agent(name="a")
    def agent() -> Any:
        try:
            return buy("ACME")
        except (KeyError, OutOfStock) as caught:
            return [type(caught).__name__, str(caught), getattr(caught, "left", None)]

    run = lab.record(agent)
    reproduced(lab, run, agent)
    assert lab.world.ran == []


def test_crash_replays_up_to_and_with_the_crash(lab: Lab, ask: Any) -> None:
    """A run that ended in an exception ends in the same one: that is `reproduced`, and `diverged` once it no longer does."""
    fixed = [False]

    @chronicle.agent(name="a")
    def agent() -> int:
        text = ask("how many")
        return 0 if fixed[0] else int(text)

    run = lab.record(agent)
    reproduced(lab, run, agent)
    fixed[0] = True
    result = lab.replay(run, agent)
    assert (result.verdict, kinds(result)) == ("diverged", ["error_changed at a"])


# ---- nesting -----------------------------------------------------------------------------------


def test_nested_live_steps_open_what_is_inside(lab: Lab, ask: Any) -> None:
    """Steps and nested agents run live, and the calls inside them are answered in their own place."""

    @chronicle.step(name="inner")
    def inner(n: int) -> str:
        return ask("same")

    @chronicle.agent(name="sub")
    def sub() -> str:
        return ask("same") + inner(0)

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [inner(1), ask("same"), inner(2), sub()]

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent)) == ["ask exact"] * 5


def test_stubbed_tool_hides_what_ran_inside_it(lab: Lab, ask: Any) -> None:
    """The answers inside a stubbed tool are never given to a call outside of it, and are not missing either."""

    @chronicle.tool(name="research")
    def research(topic: str) -> str:
        return ask("same") + "!"

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [research("apples"), ask("same")]

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent)) == ["research exact", "ask exact"]


def test_stubbed_tool_named_live_opens_what_is_inside(lab: Lab, ask: Any) -> None:
    """Named live, the tool's own code runs and its model call is answered."""

    @chronicle.tool(name="research")
    def research(topic: str) -> str:
        lab.world.ran.append("research")
        return ask("same") + "!"

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [research("apples"), ask("same")]

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent, live=["tool:research"])) == ["ask exact"] * 2
    assert lab.world.ran == ["research"]


# ---- values ------------------------------------------------------------------------------------


@dataclass
class Order:
    symbol: str
    price: Decimal
    at: dt.datetime


def test_typed_entry_arguments_are_rebuilt(lab: Lab, ask: Any) -> None:
    """Arguments of the entry come back as the classes that they were."""

    @chronicle.agent(name="a")
    def agent(order: Order, tags: set[str]) -> Any:
        return [ask(order.symbol), order.price + 1, order.at.year, sorted(tags)]

    run = lab.record(agent, Order("ACME", Decimal("1.20"), dt.datetime(2026, 1, 2, tzinfo=dt.UTC)), {"x", "y"})
    reproduced(lab, run, agent)


def test_rich_tool_values_come_back_as_they_were(lab: Lab) -> None:
    """A stubbed tool returns Decimal, datetime, tuple, set, bytes and a dataclass."""

    @chronicle.tool(name="rich")
    def rich() -> Any:
        lab.world.ran.append("rich")
        return {"d": Decimal("2.50"), "t": (1, 2), "s": {3}, "b": b"\x00\xff", "o": Order("A", Decimal(1), dt.datetime(2026, 1, 1))}

    @chronicle.agent(name="a")
    def agent() -> Any:
        return rich()

    run = lab.record(agent)
    result = reproduced(lab, run, agent)
    assert type(result.outcome.value["o"]) is Order
    assert lab.world.ran == []


# ---- change ------------------------------------------------------------------------------------


def test_changed_tool_is_shown_where_it_matters(lab: Lab, ask: Any) -> None:
    """A live tool that answers differently diverges, and so does the question that quotes it, with the tool as its cause."""
    unit = ["kg"]

    @chronicle.tool(name="weigh")
    def weigh(item: str) -> str:
        return f"12 {unit[0]}"

    @chronicle.agent(name="a")
    def agent() -> str:
        return ask(f"The weight of the apples is {weigh('apples')}, is that much?")

    run = lab.record(agent)
    reproduced(lab, run, agent, live=["tool"])
    unit[0] = "pounds"
    result = lab.replay(run, agent, live=["tool"])
    assert kinds(result) == ["output_changed at weigh", "input_changed at ask"]
    assert result.divergences[1].cause == "follows from live boundary weigh"
    assert [step.name for step in result.outcome.stale] == ["ask"]


def test_changed_prompt_is_served_and_reported(lab: Lab, ask: Any) -> None:
    """An edited prompt gets the recorded answer, marked stale, and is a divergence."""
    system = ["You sell apples to people in the town."]

    @chronicle.agent(name="a")
    def agent(text: str) -> list[str]:
        return [ask(f"{system[0]} {text} {n}") for n in ("first", "second")]

    run = lab.record(agent, "hello")
    system[0] += " Be brief."
    result = lab.replay(run, agent)
    assert kinds(result) == ["input_changed at ask"] * 2
    assert levels(result) == ["ask changed"] * 2
    assert result.outcome.value == lab.value


def test_moved_code_still_finds_its_answers(lab: Lab, ask: Any) -> None:
    """Calls that moved into a new step, or out of an old one, keep their answers; wrappers are notes."""
    wrapped = [True]

    @chronicle.step(name="wrapper")
    def wrapper(q: str) -> str:
        return ask(q)

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [(wrapper if wrapped[0] else ask)(q) for q in ("one", "two")]

    run = lab.record(agent)
    wrapped[0] = False
    out = reproduced(lab, run, agent)
    assert levels(out) == ["ask moved"] * 2
    assert {n.kind for n in out.notes} == {"moved", "removed"}

    run = lab.record(agent)
    wrapped[0] = True
    into = reproduced(lab, run, agent)
    assert levels(into) == ["ask moved"] * 2
    assert {n.kind for n in into.notes} == {"moved", "added"}


def test_extra_call_is_refused_and_never_executed(lab: Lab, ask: Any) -> None:
    """A call that the recording does not have is refused, although the application swallows that."""
    extra = [False]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        got = [ask("weather in Paris")]
        if extra[0]:
            try:
                got.append(ask("an entirely different question"))
            except Exception:
                got.append("swallowed")
        return got

    run = lab.record(agent)
    reproduced(lab, run, agent)
    extra[0] = True
    result = lab.replay(run, agent)
    assert kinds(result) == ["unexpected_step at ask", "output_changed at a"]
    assert result.divergences[0].nearest.name == "ask"
    assert lab.world.ran == []


def test_missing_call_leaves_the_rest_right_and_is_reported(lab: Lab, ask: Any) -> None:
    """A call that the code no longer makes is a missing step; the others keep their own answers."""
    skip = [False]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [ask(q) for q in ("one", "two", "three") if not (skip[0] and q == "two")]

    run = lab.record(agent)
    skip[0] = True
    result = lab.replay(run, agent)
    assert kinds(result) == ["missing_step at ask", "output_changed at a"]
    assert levels(result) == ["ask exact"] * 2
    assert [step.name for step in result.unused] == ["ask"]


# ---- size --------------------------------------------------------------------------------------


def test_big_prompts_replay(lab: Lab, ask: Any) -> None:
    """Four prompts of 100 KB that share all but their end come back exactly."""

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [ask("x" * 100_000 + str(n))[-10:] for n in range(4)]

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent)) == ["ask exact"] * 4


def test_a_hundred_calls_replay(lab: Lab, ask: Any) -> None:
    """A hundred calls with a growing history replay exactly."""

    @chronicle.llm(name="chat")
    def chat(messages: list[dict[str, str]]) -> str:
        return lab.world.answers("turn")

    @chronicle.agent(name="a")
    def agent() -> str:
        messages: list[dict[str, str]] = []
        for n in range(100):
            messages += [{"role": "user", "content": f"question {n}"}, {"role": "assistant", "content": chat(messages)}]
        return messages[-1]["content"]

    run = lab.record(agent)
    assert levels(reproduced(lab, run, agent)) == ["chat exact"] * 100
