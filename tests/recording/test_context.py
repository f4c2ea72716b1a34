"""A Step keeps its parent across tasks, threads and executors, and a Run keeps its Steps to itself."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import chronicle_otel as chronicle


@chronicle.tool(name="leaf")
def leaf(who: Any) -> Any:
    return who


@chronicle.step(name="middle")
def middle(body: Any) -> Any:
    return body()


@chronicle.step(name="amiddle")
async def amiddle(body: Any) -> Any:
    return await body()


@chronicle.agent(name="root")
def root(body: Any) -> Any:
    return body()


def parents(tape: Any, body: Any) -> dict[Any, str]:
    tape.record(root, body)
    return {s.input["who"]: s.parent.name for s in tape.run().steps if s.name == "leaf"}


def test_asyncio_tasks(tape: Any) -> None:
    """Tasks and gathered coroutines are children of the Step that made them."""

    async def work(i: int) -> None:
        await asyncio.sleep(0)
        leaf(i)

    async def body() -> None:
        await asyncio.gather(work(0), work(1))
        async with asyncio.TaskGroup() as group:
            group.create_task(work(2))

    assert parents(tape, lambda: asyncio.run(amiddle(body))) == {0: "amiddle", 1: "amiddle", 2: "amiddle"}


def test_to_thread_and_executors(tape: Any) -> None:
    """`to_thread`, `run_in_executor`, `submit` and `map` carry the Step along."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(leaf, "to_thread")
        await loop.run_in_executor(None, leaf, "run_in_executor")
        with ThreadPoolExecutor(2) as pool:
            pool.submit(leaf, "submit").result()
            list(pool.map(leaf, ["map"]))

    assert set(parents(tape, lambda: asyncio.run(amiddle(body))).values()) == {"amiddle"}


def test_plain_threads(tape: Any) -> None:
    """A thread started inside a Step belongs to it, subclasses of Thread included."""

    class Worker(threading.Thread):
        def run(self) -> None:
            leaf("subclass")

    def body() -> None:
        threads = [threading.Thread(target=leaf, args=("plain",)), Worker()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert parents(tape, lambda: middle(body)) == {"plain": "middle", "subclass": "middle"}


def test_lanes_tell_concurrent_children_apart(tape: Any) -> None:
    """Each concurrent child has a lane: the name of what runs it, and its number in order of creation."""

    async def work(delay: float) -> None:
        await asyncio.sleep(delay)
        leaf(delay)

    async def body() -> None:
        await asyncio.gather(work(0.02), work(0.0))

    tape.record(root, lambda: asyncio.run(amiddle(body)))
    lanes = {s.input["who"]: s.lane for s in tape.run().steps if s.name == "leaf"}
    assert lanes == {0.02: "work#0", 0.0: "work#1"}


def test_a_thread_without_context_is_adopted(tape: Any) -> None:
    """With one Run open, a crossing without context belongs to it, marked as a guess."""
    go, done = threading.Event(), threading.Event()

    def worker() -> None:
        go.wait(5)
        leaf("lost")
        done.set()

    thread = threading.Thread(target=worker)
    thread.start()

    def body() -> None:
        go.set()
        done.wait(5)

    tape.record(root, body)
    thread.join()
    (step,) = [s for s in tape.run().steps if s.name == "leaf"]
    assert step.parent.name == "root"
    assert step.attributes["chronicle.parent.guess"] is True


def test_a_worker_thread_does_not_keep_the_first_run(tape: Any) -> None:
    """A pool's thread that was started in turn 1 gives turn 2 its own Steps."""
    pool = ThreadPoolExecutor(1)

    @chronicle.agent(name="turn")
    def turn(n: int) -> Any:
        return pool.submit(leaf, n).result()

    def body() -> None:
        turn(1)
        turn(2)

    tape.record(body)
    pool.shutdown()
    assert [[s.input["who"] for s in run.steps if s.name == "leaf"] for run in tape.runs()] == [[1], [2]]


def test_steps_without_an_entry_say_what_to_do(tape: Any) -> None:
    """Where nothing opened a Run there is none to read, and the error names the ways to open one."""
    tape.record(lambda: [leaf(n) for n in range(4)])
    with pytest.raises(chronicle.SourceError, match=r"holds no Run: 4 Steps were recorded outside any Run.*@chronicle\.agent") as caught:
        tape.runs()
    assert "chronicle.agent.span(" in str(caught.value)
    assert "chronicle run" in str(caught.value)


def test_concurrent_runs_stay_apart(tape: Any) -> None:
    """Two agents at a time are two Runs, each with its own Steps."""

    @chronicle.agent(name="turn")
    async def turn(n: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            leaf(n)

    async def body() -> None:
        await asyncio.gather(turn(1), turn(2))

    tape.record(lambda: asyncio.run(body()))
    assert sorted({s.input["who"] for s in run.steps if s.name == "leaf"} for run in tape.runs()) == [{1}, {2}]
    assert all(len(run.steps) == 4 for run in tape.runs())


def test_a_nested_agent_is_a_step_of_the_run(tape: Any) -> None:
    """An agent called by an agent is part of the same Run."""

    @chronicle.agent(name="helper")
    def helper() -> Any:
        return leaf("x")

    tape.record(root, helper)
    (run,) = tape.runs()
    assert [(s.kind, s.name, s.parent.name if s.parent else None) for s in run.steps] == [
        ("agent", "root", None),
        ("agent", "helper", "root"),
        ("tool", "leaf", "helper"),
    ]


def test_named_branches(tape: Any) -> None:
    """`branch` names what runs side by side."""

    def body() -> None:
        with chronicle.branch("a"):
            leaf(1)
            with chronicle.branch("b"):
                leaf(2)

    tape.record(root, body)
    assert [s.branch for s in tape.run().steps] == [None, "a", "a/b"]


def test_what_starts_after_the_root_is_late(tape: Any) -> None:
    """A Step after its root's end is kept, marked late, and not counted as one of the Run's."""
    gate = threading.Event()
    threads: list[threading.Thread] = []

    def body() -> None:
        thread = threading.Thread(target=lambda: (gate.wait(5), leaf("late")))
        threads.append(thread)
        thread.start()

    def whole() -> None:
        root(body)
        gate.set()
        threads[0].join()

    tape.record(whole)
    run = tape.run()
    assert [(s.name, s.late) for s in run.steps] == [("root", False), ("leaf", True)]
    assert "missing_step" not in {finding.kind for finding in run.checks.findings}
