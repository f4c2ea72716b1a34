"""Asyncio in a replay: order of completion, cancelled outcomes, hedging, contexts that outlive the replay."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

import chronicle_otel as chronicle
from chronicle_otel.recording.interceptor import seam
from tests.replay.conftest import Lab, kinds, levels


@pytest.fixture
def ask(lab: Lab) -> Any:
    @chronicle.llm(name="ask")
    async def ask(prompt: str, pause: float = 0.0) -> str:
        await asyncio.sleep(pause)
        return lab.world.answers(prompt)

    return ask


def test_answers_arrive_in_the_recorded_order(lab: Lab, ask: Any) -> None:
    """`as_completed` sees the order in which the recorded calls ended, not that in which they are asked."""

    @chronicle.agent(name="a")
    async def agent() -> list[str]:
        calls = [ask("slow", 0.06), ask("fast", 0.01), ask("middle", 0.03)]
        return [(await done).split("@")[0] for done in asyncio.as_completed(calls)]

    run = lab.record(agent)
    result = lab.replay(run, agent)
    assert result.outcome.value == ["fast", "middle", "slow"]
    assert result.verdict == "reproduced"


def test_prompt_that_quotes_answers_as_they_arrive(lab: Lab, ask: Any) -> None:
    """A question made of answers in the order of their arrival is the recorded question."""

    @chronicle.agent(name="a")
    async def agent() -> str:
        seen: list[str] = []

        async def arm(name: str, pause: float) -> None:
            seen.append(await ask(name, pause))
            seen.append(await ask(name + " again", pause))

        await asyncio.gather(arm("x", 0.03), arm("y", 0.01), arm("z", 0.02))
        return await ask("summary of " + "; ".join(seen))

    run = lab.record(agent)
    assert levels(lab.replay(run, agent)) == ["ask exact"] * 7


def test_what_is_done_in_a_pool_before_a_call_does_not_change_the_order(lab: Lab, ask: Any) -> None:
    """A call that is still being prepared in a thread, as SDKs do once, is waited for: it had ended first."""

    @chronicle.agent(name="a")
    async def agent() -> str:
        seen: list[str] = []

        async def arm(name: str, preparing: float, pause: float) -> None:
            await asyncio.to_thread(time.sleep, preparing)
            seen.append(await ask(name, pause))

        await asyncio.gather(arm("x", 0.0, 0.2), arm("y", 0.05, 0.01))
        return await ask("summary of " + "; ".join(seen))

    run = lab.record(agent)
    for _ in range(5):
        assert levels(lab.replay(run, agent)) == ["ask exact"] * 3


def test_a_race_is_not_won_before_the_other_has_begun(lab: Lab, ask: Any) -> None:
    """The call that was cancelled when recorded is asked for again, though it takes longer to prepare than the winner's answer."""

    @chronicle.agent(name="a")
    async def agent() -> str:
        async def slow() -> str:
            await asyncio.to_thread(time.sleep, 0.02)
            return await ask("slow", 5.0)

        calls = [asyncio.create_task(slow()), asyncio.create_task(ask("quick", 0.1))]
        done, left = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return done.pop().result()

    run = lab.record(agent)
    assert lab.replay(run, agent).verdict == "reproduced"


def test_hedged_request_cancels_the_slower_one_again(lab: Lab, ask: Any) -> None:
    """The call that was cancelled when recorded pends until the code cancels it again."""

    @chronicle.agent(name="a")
    async def agent() -> str:
        tasks = [asyncio.create_task(ask("primary", 5.0)), asyncio.create_task(ask("backup", 0.01))]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return done.pop().result().split("@")[0]

    run = lab.record(agent)
    result = lab.replay(run, agent)
    assert (result.verdict, result.outcome.value) == ("reproduced", "backup")


def test_time_out_happens_again(lab: Lab, ask: Any) -> None:
    """A call that timed out is not answered: the live time-out cancels it."""

    @chronicle.agent(name="a")
    async def agent() -> str:
        try:
            return await asyncio.wait_for(ask("slow", 5.0), 0.05)
        except TimeoutError:
            return "timed out"

    run = lab.record(agent)
    result = lab.replay(run, agent)
    assert (result.verdict, result.outcome.value) == ("reproduced", "timed out")


def test_pending_call_that_nobody_cancels_is_not_recorded(lab: Lab, ask: Any) -> None:
    """Where the code now waits for a call that was cancelled, there is no answer to give, and the replay ends."""
    limit: list[float | None] = [0.02]

    @chronicle.agent(name="a")
    async def agent() -> str:
        try:
            return await asyncio.wait_for(ask("slow", 5.0), limit[0])
        except TimeoutError:
            return "timed out"

    run = lab.record(agent)
    limit[0] = None
    assert kinds(lab.replay(run, agent)) == ["not_recorded at ask"]


def test_semaphore_does_not_hang_the_order(lab: Lab, ask: Any) -> None:
    """A predecessor that cannot be asked for before its successor is released is not waited for."""

    @chronicle.agent(name="a")
    async def agent(width: int) -> list[str]:
        gate = asyncio.Semaphore(width)

        async def arm(n: int) -> str:
            async with gate:
                return await ask(f"q{n}", 0.03 if n == 0 else 0.001)

        return sorted(await asyncio.gather(*(arm(n) for n in range(4))))

    run = lab.record(agent, 4)
    result = lab.replay(run, lambda width: agent(1))
    assert levels(result) == ["ask exact"] * 4


def test_calls_from_to_thread_and_executors(lab: Lab) -> None:
    """Sync stubs in threads of an event loop belong to the Run."""

    @chronicle.llm(name="sync_ask")
    def sync_ask(prompt: str) -> str:
        return lab.world.answers(prompt)

    @chronicle.agent(name="a")
    async def agent() -> list[str]:
        loop = asyncio.get_running_loop()
        return list(await asyncio.gather(asyncio.to_thread(sync_ask, "t"), loop.run_in_executor(None, sync_ask, "e")))

    run = lab.record(agent)
    assert sorted(levels(lab.replay(run, agent))) == ["sync_ask exact"] * 2
    assert lab.world.ran == []


def test_replay_inside_a_running_loop_names_the_way_out(lab: Lab, ask: Any) -> None:
    """`replay` in a coroutine is a usage error that names `areplay`; `areplay` works."""

    @chronicle.agent(name="a")
    async def agent() -> str:
        return await ask("one")

    run = lab.record(agent)

    async def main() -> str:
        with pytest.raises(chronicle.UsageError, match="areplay"):
            chronicle.replay(run, entry=agent)
        return (await chronicle.areplay(run, entry=agent)).verdict

    assert asyncio.run(main()) == "reproduced"


def test_thread_that_outlives_the_replay_is_refused(lab: Lab) -> None:
    """A thread that still carries the replay's context executes nothing after it; once it is gone, the seam is free again."""

    @chronicle.tool(name="buy")
    def buy() -> str:
        return lab.world.answers("buy")

    go, errors, threads = threading.Event(), [], []

    @chronicle.agent(name="a")
    def agent() -> int:
        def late() -> None:
            go.wait(5)
            try:
                buy()
            except BaseException as error:
                errors.append(type(error).__name__)

        threads.append(threading.Thread(target=late))
        threads[-1].start()
        return 0

    go.set()
    run = lab.record(agent)
    threads.pop().join()
    go.clear()
    lab.replay(run, agent)
    go.set()
    threads.pop().join()
    gc.collect()  # a Thread that was started with a context refers to itself
    assert (errors, lab.world.ran) == (["Refused"], [])
    assert seam.interceptor is None


@pytest.mark.parametrize("ends", ["while another replay is on", "with another replay", "after another replay"])
def test_threads_of_several_replays_are_refused_and_forgotten(lab: Lab, ends: str) -> None:
    """What an earlier replay left behind is refused also after a later one, and the seam is free once the last of it is gone."""

    @chronicle.tool(name="buy")
    def buy() -> str:
        return lab.world.answers("buy")

    gates = [threading.Event(), threading.Event()]
    errors: list[str] = []
    threads: list[threading.Thread] = []
    started: list[threading.Event] = []

    @chronicle.agent(name="a")
    def agent() -> int:
        gate = started.pop()

        def late() -> None:
            gate.wait(20)
            try:
                buy()
            except BaseException as error:
                errors.append(type(error).__name__)

        threads.append(threading.Thread(target=late))
        threads[-1].start()
        return 0

    def finish(number: int) -> None:
        gates[number].set()
        threads[number].join()
        threads[number] = threading.Thread()
        gc.collect()

    free = threading.Event()
    free.set()
    started.append(free)
    run = lab.record(agent)
    threads.pop().join()
    lab.world.ran.clear()
    started.append(gates[0])
    lab.replay(run, agent)
    with chronicle.replaying(run):
        started.append(gates[1])
        agent()
        if ends != "after another replay":
            finish(0)
        if ends == "with another replay":
            finish(1)
    if ends != "with another replay":
        finish(1)
    if ends == "after another replay":
        finish(0)
    refused = 1 if ends == "with another replay" else 2  # what ends inside of its replay is answered
    assert (errors, lab.world.ran) == (["Refused"] * refused, [])
    gc.collect()
    assert seam.interceptor is None


def test_calls_without_context_are_adopted_by_the_only_run(lab: Lab) -> None:
    """A thread started before the Run, as a worker of a queue is, gets its answer while exactly one Run is open."""
    import queue

    @chronicle.tool(name="work")
    def work(n: int) -> str:
        return lab.world.answers(f"work {n}")

    inbox: queue.Queue[Any] = queue.Queue()

    def worker() -> None:
        while (item := inbox.get()) is not None:
            n, reply = item
            reply.put(work(n))

    threading.Thread(target=worker, daemon=True).start()

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        reply: queue.Queue[str] = queue.Queue()
        got = []
        for n in range(2):
            inbox.put((n, reply))
            got.append(reply.get(timeout=5))
        return got

    run = lab.record(agent)
    result = lab.replay(run, agent)
    inbox.put(None)
    assert (result.verdict, levels(result)) == ("reproduced", ["work exact"] * 2)


def test_boundary_outside_any_run_is_refused(lab: Lab) -> None:
    """Inside `replaying`, a tool called without a Run is never executed."""

    @chronicle.tool(name="buy")
    def buy() -> str:
        return lab.world.answers("buy")

    @chronicle.agent(name="a")
    def agent() -> int:
        return 0

    run = lab.record(agent)
    replay = chronicle.replaying(run)
    with replay:
        agent()
        with pytest.raises(chronicle.Refused):
            buy()
    assert lab.world.ran == []
    assert kinds(replay.result) == ["unexpected_step at buy"]


def test_sync_tools_in_an_executor_and_async_ones_answer_in_their_order(lab: Lab) -> None:
    """Frameworks await async tools and run sync ones in the loop's executor, side by side: results come in the order of the recording."""

    @chronicle.tool(name="slow")
    async def slow() -> str:
        await asyncio.sleep(0.05)
        return "slow"

    @chronicle.tool(name="quick")
    async def quick() -> str:
        return "quick"

    @chronicle.tool(name="sync")
    def sync() -> str:
        return "sync"

    @chronicle.agent(name="a")
    async def agent() -> list[str]:
        order: list[str] = []

        async def one(call: Any) -> None:
            order.append(await call)

        async def in_executor() -> str:
            return await asyncio.get_running_loop().run_in_executor(None, sync)

        async with asyncio.TaskGroup() as group:
            for call in (slow(), quick(), in_executor()):
                group.create_task(one(call))
        return order

    run = lab.record(agent)
    for _ in range(20):
        result = lab.replay(run, agent)
        assert (result.verdict, result.outcome.value) == ("reproduced", lab.value)
