"""Threads in a replay: order of completion in pools and plain threads, and code that no longer asks what was recorded."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import pytest

import chronicle_otel as chronicle
from chronicle_otel.replayer.counterparts import Recorded
from chronicle_otel.replayer.threads import beside_others
from tests.replay.conftest import Lab, kinds, levels

PAUSES = {"slow": 0.12, "fast": 0.02, "middle": 0.07}


@pytest.fixture
def ask(lab: Lab) -> Any:
    @chronicle.llm(name="ask")
    def ask(prompt: str) -> str:
        time.sleep(PAUSES.get(prompt, 0.0))
        return lab.world.answers(prompt)

    return ask


def test_a_pools_answers_arrive_in_the_recorded_order(lab: Lab, ask: Any) -> None:
    """`as_completed` over a pool sees the order in which the recorded calls ended, not that in which they are asked."""

    @chronicle.agent(name="a")
    def agent() -> str:
        with ThreadPoolExecutor(3) as pool:
            jobs = {pool.submit(ask, name): name for name in PAUSES}
            order = [jobs[done] for done in as_completed(jobs)]
        return ask(" ".join(order))

    run = lab.record(agent)
    for _ in range(5):
        result = lab.replay(run, agent)
        assert levels(result) == ["ask exact"] * 4
        assert result.verdict == "reproduced"


def test_what_a_job_does_with_its_answer_keeps_the_order_too(lab: Lab, ask: Any) -> None:
    """A live step around each call of a pool changes nothing about the order of completion."""

    @chronicle.step(name="part")
    def part(name: str) -> str:
        return ask(name).upper()

    @chronicle.agent(name="a")
    def agent() -> str:
        with ThreadPoolExecutor(3) as pool:
            jobs = {pool.submit(part, name): name for name in PAUSES}
            return ask(" ".join(jobs[done] for done in as_completed(jobs)))

    run = lab.record(agent)
    assert lab.replay(run, agent).verdict == "reproduced"


def test_threads_that_put_into_a_queue_do_so_in_the_recorded_order(lab: Lab, ask: Any) -> None:
    """A prompt that quotes what threads put into a queue, as it came, is the recorded prompt."""

    @chronicle.agent(name="a")
    def agent() -> str:
        found: queue.Queue[str] = queue.Queue()

        def put(name: str) -> None:
            found.put(ask(name))

        threads = [threading.Thread(target=put, args=(name,)) for name in PAUSES]
        for thread in threads:
            thread.start()
        return ask("; ".join(found.get() for _ in threads))

    run = lab.record(agent)
    assert levels(lab.replay(run, agent)) == ["ask exact"] * 4


def test_a_call_that_is_not_asked_for_any_more_holds_nobody_up(lab: Lab, ask: Any) -> None:
    """Where the code leaves out the call that ended first, the others are answered all the same."""

    def agent_of(names: list[str]) -> Any:
        @chronicle.agent(name="a")
        def agent() -> list[str]:
            with ThreadPoolExecutor(3) as pool:
                return [text.split("@")[0] for text in pool.map(ask, names)]

        return agent

    run = lab.record(agent_of(list(PAUSES)))
    result = lab.replay(run, agent_of(["slow", "middle"]))
    assert result.outcome.value == ["slow", "middle"]
    assert kinds(result) == ["missing_step at ask", "output_changed at a"]


def test_fewer_workers_than_recorded_still_end(lab: Lab, ask: Any) -> None:
    """A pool of one answers what three workers asked: nothing waits for a call that cannot come yet."""

    def agent_of(workers: int) -> Any:
        @chronicle.agent(name="a")
        def agent() -> list[str]:
            with ThreadPoolExecutor(workers) as pool:
                return list(pool.map(ask, PAUSES))

        return agent

    run = lab.record(agent_of(3))
    assert lab.replay(run, agent_of(1)).verdict == "reproduced"


def test_what_ran_beside_something_else_is_found() -> None:
    """Steps that overlap are beside each other, unless one holds the other; those that follow each other are not."""

    def step(seq: int, start: int, end: int, parent: Recorded | None = None) -> Recorded:
        return Recorded(seq, "tool", "t", None, parent=parent, start_ns=start, end_ns=end)

    root = step(1, 0, 100)
    alone, first, inside, second, last = (
        step(2, 1, 5, root),
        (one := step(3, 10, 50, root)),
        step(4, 12, 20, one),
        step(5, 30, 60, root),
        step(6, 70, 80, root),
    )
    found = beside_others([root, alone, first, inside, second, last])
    assert found == {id(first), id(second)}
