"""Several Runs at once: turns of a chat, concurrent sessions, and roots that the recording does not have."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import chronicle_otel as chronicle
from tests.replay.conftest import Lab, kinds


@pytest.fixture
def ask(lab: Lab) -> Any:
    @chronicle.llm(name="ask")
    def ask(prompt: str) -> str:
        return lab.world.answers(prompt)

    return ask


def test_turns_of_a_chat_keep_their_runs(lab: Lab, ask: Any) -> None:
    """Each turn takes its own Run, also where two turns say the same; state between turns is the code's own."""
    history: list[str] = []

    @chronicle.agent(name="turn")
    def turn(text: str) -> str:
        history.append(text)
        history.append(ask(" | ".join(history)))
        return history[-1]

    def chat() -> list[str]:
        history.clear()
        return [turn(text) for text in ("hello", "go on", "go on")]

    runs = lab.record_all(chat)
    with chronicle.replaying(runs) as replay:
        assert chat() == lab.value
    assert [r.verdict for r in replay.results] == ["reproduced"] * 3
    assert replay.result.verdict == "reproduced"
    assert lab.world.ran == []


def test_one_changed_turn_is_the_only_one_that_diverges(lab: Lab, ask: Any) -> None:
    """Results per Run tell which turn departs; the whole is as bad as its worst."""
    twist = [""]

    @chronicle.agent(name="turn")
    def turn(text: str) -> str:
        return ask(f"the customer in the shop says {text}{twist[0] if text == 'two' else ''}")

    def chat() -> list[str]:
        return [turn(text) for text in ("one", "two", "three")]

    runs = lab.record_all(chat)
    twist[0] = " politely"
    with chronicle.replaying(runs) as replay:
        chat()
    assert [r.verdict for r in replay.results] == ["reproduced", "diverged", "reproduced"]
    assert replay.result.verdict == "diverged"


def test_sessions_in_threads_find_their_run_by_inputs(lab: Lab, ask: Any) -> None:
    """Sessions that run at the same time are told apart by input, in any order."""

    @chronicle.agent(name="session")
    def session(user: str) -> list[str]:
        return [ask(f"{user} {n}") for n in range(3)]

    def serve(users: list[str]) -> dict[str, list[str]]:
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(users, pool.map(session, users), strict=True))

    runs = lab.record_all(serve, ["ann", "bob", "cy", "di"])
    with chronicle.replaying(runs) as replay:
        assert serve(["di", "cy", "bob", "ann"]) == lab.value
    assert replay.result.verdict == "reproduced"


def test_session_variables_decide_between_equal_inputs(lab: Lab, ask: Any) -> None:
    """Two Runs with equal inputs are told apart by their session variables."""

    @chronicle.agent(name="agent")
    def agent(text: str) -> str:
        return ask(text)

    def serve(users: list[str]) -> dict[str, str]:
        got = {}
        for user in users:
            with chronicle.session(user=user):
                got[user] = agent("hello")
        return got

    runs = lab.record_all(serve, ["ann", "bob"])
    with chronicle.replaying(runs):
        assert serve(["bob", "ann"]) == lab.value


def test_root_without_a_run_gets_no_answers(lab: Lab, ask: Any) -> None:
    """A turn more than recorded is an unexpected step; the error reaches the caller, the result is there all the same."""

    @chronicle.agent(name="turn")
    def turn(text: str) -> str:
        return ask(text)

    runs = lab.record_all(lambda: [turn("one"), turn("two")])
    replay = chronicle.replaying(runs)

    def chat() -> None:
        with replay:
            for text in ("one", "two", "three"):
                turn(text)

    with pytest.raises(chronicle.Refused, match="no recorded Run is left"):
        chat()
    assert [r.verdict for r in replay.results] == ["reproduced", "reproduced"]
    assert (replay.result.verdict, kinds(replay.result)) == ("diverged", ["unexpected_step at turn"])
    assert lab.world.ran == []


def test_run_that_never_started_is_missing(lab: Lab, ask: Any) -> None:
    """A Run that nobody asked for is a missing step of its root."""

    @chronicle.agent(name="turn")
    def turn(text: str) -> str:
        return ask(text)

    runs = lab.record_all(lambda: [turn("one"), turn("two")])
    with chronicle.replaying(runs) as replay:
        turn("one")
    assert [kinds(r) for r in replay.results] == [[], ["missing_step at turn"]]
    assert "next: see that the entry is called" in str(replay.result)


def test_exceptions_of_the_caller_propagate(lab: Lab, ask: Any) -> None:
    """An error of the caller's own code leaves the block, and the result is there."""

    @chronicle.agent(name="turn")
    def turn(text: str) -> str:
        return ask(text)

    run = lab.record(turn, "one")
    replay = chronicle.replaying(run)

    def code() -> float:
        with replay:
            turn("one")
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        code()
    assert replay.result.verdict == "reproduced"


def test_worker_threads_that_live_longer_than_a_run(lab: Lab, ask: Any) -> None:
    """A worker thread that serves turn after turn gives each turn to its own Run."""
    import queue

    @chronicle.agent(name="turn")
    def turn(text: str) -> str:
        return ask(text)

    def serve() -> list[str]:
        inbox: queue.Queue[Any] = queue.Queue()
        got: list[str] = []

        def worker() -> None:
            while (text := inbox.get()) is not None:
                got.append(turn(text))

        thread = threading.Thread(target=worker)
        thread.start()
        for text in ("one", "two", None):
            inbox.put(text)
        thread.join()
        return got

    runs = lab.record_all(serve)
    assert len(runs) == 2
    with chronicle.replaying(runs) as replay:
        assert serve() == lab.value
    assert replay.result.verdict == "reproduced"


def test_replay_runs_once(lab: Lab, ask: Any) -> None:
    """Using the same replay twice, or its result too early, is a usage error."""

    @chronicle.agent(name="turn")
    def turn(text: str) -> str:
        return ask(text)

    run = lab.record(turn, "one")
    replay = chronicle.replaying(run)
    with pytest.raises(chronicle.UsageError, match="ended"):
        _ = replay.result
    with replay:
        turn("one")
    with pytest.raises(chronicle.UsageError, match="once"), replay:
        pass
