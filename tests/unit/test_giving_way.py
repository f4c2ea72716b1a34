"""The background thread gives way to the application's threads, and the application waits for it only where the queue is full."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from chronicle_otel.recording import pipeline
from chronicle_otel.recording.courtesy import Courtesy, rests
from chronicle_otel.recording.pipeline import Pipeline


@pytest.mark.parametrize(
    ("worked", "waited", "filled", "expected"),
    [
        (0.0009, 0.0, 0.0, False),
        (0.0011, 0.0, 0.0, True),
        (0.0011, 0.5, 0.25, True),
        (0.0035, 1.0, 0.0, False),
        (0.0041, 1.0, 0.0, True),
        (0.0035, 0.0, 0.5, False),
        (0.0041, 0.0, 0.5, True),
        (0.007, 3.0, 0.0, False),
        (0.007, 0.0, 1.0, False),
    ],
)
def test_a_turn_is_a_millisecond_and_grows_with_what_waits(worked: float, waited: float, filled: float, expected: bool) -> None:
    """The background thread rests after a millisecond while little waits, and works on where much waits or has waited for long."""
    assert rests(worked, waited, filled) is expected


def test_nobody_rests_while_somebody_waits_for_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a flush waits there are no rests, and there are again behind it."""
    naps: list[float] = []
    monkeypatch.setattr("chronicle_otel.recording.courtesy.time", _Clock(naps))
    courtesy = Courtesy()
    with courtesy.hurried():
        courtesy.give_way(since=0.0, filled=0.0)
        assert naps == []
    courtesy.give_way(since=99.9, filled=0.0)
    assert len(naps) == 1


class _Clock:
    """A clock that stands still, hours after the turn began."""

    def __init__(self, naps: list[float]) -> None:
        self.sleep = naps.append

    def perf_counter(self) -> float:
        return 100.0


def test_a_full_queue_costs_its_caller_the_wait_for_room_and_not_the_whole_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who puts something into a full queue goes on as soon as there is room, however much is left, and does no work himself."""
    monkeypatch.setattr(pipeline, "_WAIT", 60)
    may, handled = threading.Semaphore(2), []

    def handle(item: Any) -> bool:
        may.acquire()
        handled.append((item, threading.current_thread().name))
        return False

    queue = Pipeline(handle, lambda: None, limit=25)
    for item in "abcd":  # the fourth makes 40: it waits until two are done
        queue.put(item, 10)
    assert [item for item, _ in handled] == ["a", "b"]
    may.release(2)
    queue.flush()
    queue.stop()
    assert [item for item, _ in handled] == ["a", "b", "c", "d"]
    assert {who for _, who in handled[:2]} == {"chronicle-pipeline"}


def test_a_full_queue_whose_worker_does_not_come_is_worked_off_by_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker can be started, as at the end of a process, the queue keeps to its bound: the caller does the work."""
    monkeypatch.setattr(pipeline, "_WAIT", 0.01)
    handled: list[tuple[Any, str]] = []
    queue = Pipeline(lambda item: bool(handled.append((item, threading.current_thread().name))), lambda: None, limit=15)
    queue._thread = threading.Thread()  # one that never runs
    queue.put("a", 10)
    queue.put("b", 10)
    assert handled == [("a", "MainThread")]


def test_what_is_put_without_end_is_passed_on_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer that is faster than the worker does not keep what was handled from being passed on."""
    monkeypatch.setattr(pipeline, "LINGER", 0.01)
    passed = threading.Event()
    handled: list[Any] = []

    def handle(item: Any) -> bool:
        handled.append(item)
        time.sleep(0.001)
        if not passed.is_set():
            queue.put(item + 1, 1)  # the queue is never empty
        return False

    def idle() -> None:
        if handled:
            passed.set()

    queue = Pipeline(handle, idle, limit=1000)
    queue.put(0, 1)
    assert passed.wait(30)
    queue.stop()


@pytest.mark.parametrize("producers", [1, 4])
def test_a_flush_ends_while_others_go_on(producers: int) -> None:
    """A flush waits for what was put before it, however much others put meanwhile; so does a fork, which flushes."""
    over, handled = threading.Event(), []

    def handle(item: Any) -> bool:
        handled.append(item)
        time.sleep(0.0005)  # slower than those who put
        return False

    passed: list[int] = []
    queue = Pipeline(handle, lambda: passed.append(len(handled)), limit=200)

    def produce() -> None:
        while not over.is_set():
            queue.put("other", 1)

    threads = [threading.Thread(target=produce, daemon=True) for _ in range(producers)]
    for thread in threads:
        thread.start()
    while len(handled) < 50:
        time.sleep(0.01)
    queue.put("mine", 1)
    flushing = threading.Thread(target=queue.flush, daemon=True)
    flushing.start()
    flushing.join(20)
    ended, seen = not flushing.is_alive(), handled[: passed[-1]]
    over.set()
    for thread in threads:
        thread.join(20)
    assert ended
    assert "mine" in seen
    queue.stop()


def test_who_finds_the_queue_full_makes_room_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the worker makes no room in time, the caller works off what is above the bound, not all that waits."""
    monkeypatch.setattr(pipeline, "_WAIT", 0.01)
    handled: list[Any] = []
    queue = Pipeline(lambda item: bool(handled.append(item)), lambda: None, limit=35)
    queue._thread = threading.Thread()  # one that never runs
    for item in "abcde":
        queue.put(item, 10)
    assert handled == ["a", "b"]
    queue.stop()
    assert handled == ["a", "b", "c", "d", "e"]


def test_a_step_of_a_signal_handler_does_not_wait_for_its_own_thread() -> None:
    """A signal handler, or what the garbage collector ends, puts a step in the middle of another one of the same thread."""
    queue = Pipeline(lambda _: False, lambda: None, limit=100)

    def interrupted() -> None:
        with queue._count:  # where a signal may come
            queue.put("from the handler", 1)

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    queue.stop()


def test_where_no_thread_can_be_started_steps_wait_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of a process, or at its limit of threads, a step is kept and its caller never hears of it."""

    class Refused(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading, "Thread", Refused)
    handled: list[Any] = []
    queue = Pipeline(lambda item: bool(handled.append(item)), lambda: None, limit=100)
    queue.put("a", 1)
    queue.put("b", 1)
    queue.stop()
    assert handled == ["a", "b"]
