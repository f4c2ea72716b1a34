"""Clock, randomness and environment in live code: recorded reads are answered, others go on, frozen ones repeat."""

from __future__ import annotations

import datetime
import os
import random
import secrets
import time
import uuid
from datetime import date
from datetime import datetime as moment
from time import time as now
from typing import Any

import pytest

import chronicle_otel as chronicle
from tests.replay.conftest import Lab, kinds, levels

ALL = {"ambient": ["clock", "random", "uuid", "secrets"]}


@pytest.fixture
def ask(lab: Lab) -> Any:
    @chronicle.llm(name="ask")
    def ask(prompt: str) -> str:
        return lab.world.answers("x")

    return ask


def readings() -> list[Any]:
    return [
        time.time(),
        now(),
        time.time_ns(),
        time.strftime("%Y-%m-%d %H:%M:%S"),
        datetime.datetime.now().isoformat(),
        moment.now(datetime.UTC).isoformat(),
        moment.utcnow().isoformat(),
        date.today().isoformat(),
        time.gmtime().tm_sec,
        time.localtime().tm_min,
        time.ctime(),
        random.random(),
        random.randint(1, 10**9),
        random.choice("abcdefghijklmnop"),
        random.sample(range(10**6), 3),
        random.gauss(0, 1),
        str(uuid.uuid4()),
        os.urandom(8).hex(),
        secrets.token_hex(8),
        secrets.choice(range(10**9)),
    ]


def test_recorded_reads_are_answered(lab: Lab, ask: Any) -> None:
    """Every covered read of the clock and of randomness gives the recorded value again."""

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        values = readings()
        ask(repr(values))
        return values

    run = lab.record(agent, **ALL)
    recorded = lab.value
    result = lab.replay(run, agent)
    assert result.outcome.value == recorded
    assert (result.verdict, levels(result)) == ("reproduced", ["ask exact"])
    assert result.notes == []


def test_values_go_on_where_the_record_ends(lab: Lab) -> None:
    """A loop that reads the clock more often than recorded sees time advance, and that is a note."""
    rounds = [2]

    @chronicle.agent(name="a")
    def agent() -> int:
        start = time.time()
        for _ in range(rounds[0]):
            time.time()
        while rounds[0] > 2 and time.time() < start + 0.02:
            pass
        return 0

    run = lab.record(agent, **ALL)
    rounds[0] = 3
    result = lab.replay(run, agent)
    assert (result.verdict, [n.kind for n in result.notes]) == ("reproduced", ["not_recorded"])


def test_reads_belong_to_the_step_around_them(lab: Lab) -> None:
    """A step that is skipped takes its reads with it; the others keep their own."""
    skip = [False]

    @chronicle.step(name="one")
    def one() -> float:
        return random.random()

    @chronicle.step(name="two")
    def two() -> float:
        return random.random()

    @chronicle.agent(name="a")
    def agent() -> float:
        if not skip[0]:
            one()
        return two()

    run = lab.record(agent, **ALL)
    recorded = lab.value
    skip[0] = True
    result = lab.replay(run, agent)
    assert (kinds(result), result.outcome.value) == (["missing_step at one"], recorded)


def test_environment_variables(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chosen environment variable has its recorded value in the replay, however it is read."""

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        return [os.environ["REGION"], os.getenv("REGION"), os.environ.get("REGION", "none")]

    monkeypatch.setenv("REGION", "eu")
    run = lab.record(agent, ambient=["env"], ambient_env=["REGION"])
    monkeypatch.setenv("REGION", "us")
    result = lab.replay(run, agent)
    assert (result.verdict, result.outcome.value) == ("reproduced", ["eu"] * 3)
    assert os.environ["REGION"] == "us"


def test_ambient_boundary_is_answered_like_others(lab: Lab) -> None:
    """A function of the user's own may be an ambient boundary."""

    @chronicle.ambient(name="tick")
    def tick() -> str:
        return lab.world.answers("tick")

    @chronicle.agent(name="a")
    def agent() -> str:
        return tick()

    run = lab.record(agent)
    recorded = lab.value
    assert lab.replay(run, agent).outcome.value == recorded
    assert lab.world.ran == []


def test_freeze_moves_the_clock_and_repeats_randomness(lab: Lab) -> None:
    """Without recorded reads, `freeze` starts the clock at the recorded start and makes two replays equal."""

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        return [time.time(), random.random(), str(uuid.uuid4())]

    run = lab.record(agent)
    first, second = (lab.replay(run, agent, freeze=True).outcome.value for _ in range(2))
    assert abs(first[0] - run.start_ns / 1e9) < 1
    assert first[1:] == second[1:]
    assert lab.replay(run, agent).outcome.value[1:] != first[1:]


def test_freeze_gives_the_process_its_randomness_back(lab: Lab) -> None:
    """After a frozen replay the global generator goes on as if nothing had been."""

    @chronicle.agent(name="a")
    def agent() -> float:
        return random.random()

    run = lab.record(agent)
    random.seed(7)
    expected = random.Random(7).random()
    lab.replay(run, agent, freeze=True)
    assert random.random() == expected


def test_patches_leave_no_trace(lab: Lab) -> None:
    """After recording and replay the standard library and this module are as they were."""
    before = (time.time, now, random.random, uuid.uuid4, moment, date, os.urandom)

    @chronicle.agent(name="a")
    def agent() -> float:
        return now()

    run = lab.record(agent, **ALL)
    lab.replay(run, agent)
    after = (time.time, now, random.random, uuid.uuid4, moment, date, os.urandom)
    assert all(a is b for a, b in zip(before, after, strict=True))


def test_dates_are_dates_while_patched(lab: Lab) -> None:
    """`isinstance`, constructors, class methods and arithmetic of datetime work as ever in a patched module."""

    @chronicle.agent(name="a")
    def agent() -> list[bool]:
        made = moment(2026, 1, 2)
        return [
            isinstance(made, moment),
            isinstance(made, date),
            type(made) is type(moment.now()),
            made + datetime.timedelta(1) == moment(2026, 1, 3),
            moment.fromisoformat("2026-01-02") == made,
            moment.strptime("2026", "%Y") == moment(2026, 1, 1),
            isinstance(date.today(), date),
            datetime.datetime.min < made,
            isinstance(datetime.datetime.now(), datetime.datetime),
            not isinstance("x", moment),
        ]

    lab.record(agent, **ALL)
    assert lab.value == [True] * 10


def test_classes_made_while_patched_are_sound(lab: Lab) -> None:
    """A subclass of the stand-in, and a model that resolves its annotations late, are what they would be without it."""
    pydantic = pytest.importorskip("pydantic")

    @chronicle.agent(name="a")
    def agent() -> list[Any]:
        class Moment(moment):
            pass

        made = Moment(2026, 1, 2)
        model = pydantic.create_model("Late", at=(moment, ...), day=(date, ...))
        late = model(at="2026-01-02T03:04:05", day="2026-01-02")
        return [type(made).__name__, isinstance(made, Moment), isinstance(late.at, Moment), late.at.isoformat(), late.day.isoformat()]

    lab.record(agent, **ALL)
    assert lab.value == ["Moment", True, False, "2026-01-02T03:04:05", "2026-01-02"]


def test_dates_that_are_no_clock_readings_still_diverge(lab: Lab, ask: Any) -> None:
    """Another date in a question is noise only if it can be today's on both sides."""
    day = ["2019-05-01"]

    @chronicle.agent(name="a")
    def agent() -> str:
        return ask(f"report for {day[0]} of the shop in the market square")

    run = lab.record(agent)
    day[0] = "2019-06-01"
    assert kinds(lab.replay(run, agent)) == ["input_changed at ask"]


def test_ids_that_do_not_follow_one_mapping_diverge(lab: Lab, ask: Any) -> None:
    """Two different recorded ids that the code now confuses are no noise."""
    confuse = [False]

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        a, b = str(uuid.uuid4()), str(uuid.uuid4())
        return [
            ask(f"what is in {a}"),
            ask(f"please look at the order of a customer, {a if confuse[0] else b}, and tell"),
            ask(f"again {a}"),
        ]

    run = lab.record(agent)
    assert lab.replay(run, agent).verdict == "reproduced"
    confuse[0] = True
    assert kinds(lab.replay(run, agent)) == ["input_changed at ask"]
