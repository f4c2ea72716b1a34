"""How the recorded entry is found and given its arguments, in the next process as in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle
from tests.replay.conftest import Lab

SHOP = """
    import enum, sys
    from dataclasses import dataclass
    import chronicle_otel as chronicle

    class Side(enum.Enum):
        BUY = "buy"
        SELL = "sell"

    @dataclass
    class Order:
        symbol: str
        quantity: int

    class Bank:
        def __init__(self, name="main"):
            self.name = name

    @chronicle.tool(name="quote")
    def quote(symbol: str) -> float:
        return {price}

    @chronicle.agent(name="trade")
    def trade(order: Order, side: Side, *tags: str, bank: Bank | None = None, **more: int) -> list:
        return [order.symbol, order.quantity * quote(order.symbol), side.name, list(tags), sorted(more)]

    @chronicle.agent(name="visit")
    def visit(bank: Bank) -> str:
        return type(bank).__name__

    class Desk:
        @chronicle.agent(name="work")
        def work(self, n: int) -> int:
            return n + self.bonus

        bonus = 1

    def make_desk():
        return Desk()

    @chronicle.agent(name="slow")
    async def slow(n: int) -> int:
        return n

    @chronicle.agent(name="flow")
    def flow(n: int):
        yield from range(n)

    def plain(n: int) -> int:
        return n

    if __name__ == "__main__":
        chronicle.init(sys.argv[1], instrument=False)
        eval(sys.argv[2])
        chronicle.shutdown()
"""


class Project:
    """A small project in a folder, whose agents run in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2])]), "PYTHONDONTWRITEBYTECODE": "1"}
        self.write("190.0")

    def write(self, price: str) -> None:
        (self.folder / "shop.py").write_text(textwrap.dedent(SHOP).replace("{price}", price))

    def configure(self, *modules: str) -> None:
        (self.folder / "pyproject.toml").write_text(f"[tool.chronicle]\nmodules = {json.dumps(list(modules))}\n")

    def record(self, call: str) -> None:
        (self.folder / "tape.jsonl").unlink(missing_ok=True)
        subprocess.run([sys.executable, "shop.py", "tape.jsonl", call], cwd=self.folder, env=self.env, check=True, timeout=60)

    def replay(self, options: str = "") -> dict[str, Any]:
        code = f"""
            import json, chronicle_otel as chronicle
            try:
                result = chronicle.replay(chronicle.load("tape.jsonl"), {options})
                print(json.dumps({{**result.to_dict(), "report": str(result)}}))
            except chronicle.UsageError as error:
                print(json.dumps({{"verdict": "usage", "report": str(error)}}))
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


TRADE = "trade(Order('ACME', 10), Side.SELL, 'a', 'b', x=1)"


def test_another_process_re_enters_the_script(project: Project) -> None:
    """A run of `python shop.py` is re-entered by name; dataclass, enum, variadic and keyword arguments come back as they were."""
    project.record(TRADE)
    result = project.replay('entry="shop:trade"')
    assert (result["verdict"], result["outcome"]["value"]) == ("reproduced", ["ACME", 1900.0, "SELL", ["a", "b"], ["x"]])


def test_recording_does_not_decide_what_is_imported(project: Project) -> None:
    """Without a name the entry is used only if pyproject.toml lists its module; the message says both ways out."""
    project.record(TRADE)
    result = project.replay()
    assert (result["verdict"], result["exit_code"]) == ("cannot_reproduce", 4)
    assert 'entry="shop:trade"' in result["report"]
    assert 'modules = ["shop"]' in result["report"]
    project.configure("other")
    assert project.replay()["verdict"] == "cannot_reproduce"
    project.configure("shop")
    assert project.replay()["verdict"] == "reproduced"


@pytest.mark.parametrize(
    ("entry", "verdict", "message"),
    [
        ("shop:nothing", "cannot_reproduce", "shop has no nothing"),
        ("nowhere:trade", "cannot_reproduce", "nowhere cannot be imported"),
        ("shop.trade", "usage", "module:function"),
        ("shop:plain", "cannot_reproduce", "'n'"),
    ],
)
def test_entry_that_cannot_be_started(project: Project, entry: str, verdict: str, message: str) -> None:
    """A wrong name is a clear sentence, never a traceback."""
    project.record(TRADE)
    result = project.replay(f'entry="{entry}"')
    assert result["verdict"] == verdict
    assert message in result["report"]


def test_what_json_cannot_carry_is_provided(project: Project) -> None:
    """An argument that could not be recorded is named; a factory makes it."""
    project.record("visit(Bank())")
    missing = project.replay('entry="shop:visit"')
    assert missing["verdict"] == "cannot_reproduce"
    assert "provide={'bank': factory}" in missing["report"]
    assert project.replay('entry="shop:visit", provide={"bank": __import__("shop").Bank}')["verdict"] == "reproduced"


def test_receiver_of_a_method_is_provided(project: Project) -> None:
    """`self` is no input: it is named as missing, and made by a factory."""
    project.record("Desk().work(4)")
    assert "'self'" in project.replay('entry="shop:Desk.work"')["report"]
    result = project.replay('entry="shop:Desk.work", provide={"self": __import__("shop").make_desk}')
    assert (result["verdict"], result["outcome"]["value"]) == ("reproduced", 5)


@pytest.mark.parametrize("call", ["__import__('asyncio').run(slow(3))", "list(flow(3))"])
def test_coroutines_and_generators_are_entries_too(project: Project, call: str) -> None:
    """An async entry is run, a generator entry is read to its end."""
    project.record(call)
    assert project.replay(f'entry="shop:{"slow" if "slow" in call else "flow"}"')["verdict"] == "reproduced"


@pytest.mark.parametrize("leave", [lambda stream: stream.close(), lambda stream: None])
def test_a_streaming_entry_is_read_as_far_as_it_was(lab: Lab, leave: Any) -> None:
    """A client that hung up in the middle of an answer is part of the run: re-entering it asks for no more than was recorded."""

    @chronicle.llm(name="words")
    def words(count: int) -> Iterator[str]:
        for n in range(count):
            yield f"word {n}"

    @chronicle.agent(name="a")
    def agent(count: int) -> Iterator[str]:
        yield from words(count)

    def client() -> None:
        stream = agent(5)
        assert [next(stream), next(stream)] == ["word 0", "word 1"]
        leave(stream)

    result = lab.replay(lab.record(client), agent)
    assert (result.verdict, result.outcome.value) == ("reproduced", ["word 0", "word 1"])


def test_an_async_streaming_entry_is_read_as_far_as_it_was(lab: Lab) -> None:
    """The same for an async generator."""

    @chronicle.llm(name="words")
    async def words() -> AsyncIterator[str]:
        for n in range(5):
            yield f"word {n}"

    @chronicle.agent(name="a")
    async def agent() -> AsyncIterator[str]:
        async for word in words():
            yield word

    async def client() -> None:
        stream = agent()
        assert await anext(stream) == "word 0"
        await stream.aclose()  # type: ignore[attr-defined]

    result = lab.replay(lab.record(client), agent)
    assert (result.verdict, result.outcome.value) == ("reproduced", ["word 0"])


def test_changed_runs_what_was_mended(project: Project) -> None:
    """`live="changed"` executes the tools of a module that differs from the recorded one, and only then."""
    project.record(TRADE)
    assert [r["step"]["kind"] for r in project.replay('entry="shop:trade", live="changed"')["ran_live"]] == ["agent"]
    project.write("191.0")
    stubbed = project.replay('entry="shop:trade"')
    assert (stubbed["verdict"], stubbed["warnings"]) == (
        "reproduced",
        ['tool quote changed since the recording and did not run: live=["tool:quote"] runs it (--live tool:quote)'],
    )
    live = project.replay('entry="shop:trade", live="changed"')
    assert [(d["kind"], d["step"]["name"], d["cause"]) for d in live["divergences"]] == [
        ("output_changed", "quote", "code of quote changed"),
        ("output_changed", "trade", "follows from live boundary quote"),
    ]


def test_formatting_and_comments_are_no_change(project: Project) -> None:
    """A comment, a docstring or other spacing leave the module what it was."""
    project.record(TRADE)
    shop = project.folder / "shop.py"
    shop.write_text("# a comment\n\n" + shop.read_text().replace("def quote(symbol: str)", "def quote(symbol:  str)"))
    assert project.replay('entry="shop:trade", live="changed"')["ran_live"][1:] == []


# ---- in this process ---------------------------------------------------------------------------


def test_entry_that_raises_before_its_root(lab: Lab) -> None:
    """An entry that fails before any boundary is reached could not be reproduced."""

    @chronicle.agent(name="a")
    def agent() -> int:
        return 0

    run = lab.record(agent)

    def broken() -> None:
        raise ImportError("no database")

    result = lab.replay(run, broken)
    assert (result.verdict, result.obstacles) == (
        "cannot_reproduce",
        ["the entry raised before its root boundary was reached: ImportError: no database"],
    )


def test_a_default_that_no_recording_can_hold_is_the_default_again(lab: Lab) -> None:
    """A function or an object that the entry was left to by default needs no factory; another one does."""

    @chronicle.agent(name="a")
    def agent(n: int, size: Any = abs, store: Any = object()) -> int:  # noqa: B008  shared by all calls, as clients are
        return int(size(n))

    assert lab.replay(lab.record(agent, -3), agent).outcome.value == 3
    other = lab.replay(lab.record(agent, -3, len), agent)
    assert (other.verdict, "the recorded 'size' cannot be rebuilt" in str(other)) == ("cannot_reproduce", True)


def test_an_entry_that_is_neither_function_nor_name_is_refused(lab: Lab) -> None:
    """What cannot be called is not taken for the recorded entry."""

    @chronicle.agent(name="a")
    def agent() -> int:
        return 1

    run = lab.record(agent)
    wrong: Any = object()
    with pytest.raises(chronicle.UsageError, match="give a function"):
        chronicle.replay(run, entry=wrong)


def test_a_factory_that_raises_is_named(lab: Lab) -> None:
    """An argument whose factory raises cannot be had: that is the verdict, not the caller's exception."""

    @chronicle.agent(name="a")
    def agent(store: Any) -> int:
        return 1

    run = lab.record(agent, object())
    result = lab.replay(run, agent, provide={"store": lambda: {}["url"]})
    assert (result.verdict, result.exit_code) == ("cannot_reproduce", 4)
    assert "provide: the factory of 'store' raised KeyError: 'url'" in str(result)


def test_function_around_the_root_is_an_entry(lab: Lab) -> None:
    """The entry may set things up and call the root itself."""

    @chronicle.agent(name="a")
    def agent(n: int) -> int:
        return n

    run = lab.record(agent, 3)
    assert lab.replay(run, lambda n: agent(n)).verdict == "reproduced"


def test_other_arguments_are_a_divergence_of_the_root(lab: Lab) -> None:
    """An entry that calls the root with other inputs than recorded is told so."""

    @chronicle.agent(name="a")
    def agent(n: int) -> int:
        return 7

    run = lab.record(agent, 3)
    result = lab.replay(run, lambda n: agent(n + 1))
    assert [(d.kind, d.step.name, d.diff[0].place) for d in result.divergences] == [("input_changed", "a", "n")]


def test_recorded_data_cannot_drive_the_terminal(lab: Lab) -> None:
    """Control characters of recorded values are escaped in the report."""

    def make(text: str) -> Callable[..., Any]:
        @chronicle.tool(name="t")
        def tool() -> str:
            return text

        @chronicle.agent(name="a")
        def agent() -> str:
            return tool()

        return agent

    run = lab.record(make("red \x1b[31m bell \x07 \u202e"))
    report = str(lab.replay(run, make("other \x1b]0;title\x07"), live=["tool"]))
    assert not any(ord(c) < 32 and c != "\n" for c in report)
    assert "\u202e" not in report


def test_colour_only_where_asked_for(lab: Lab) -> None:
    """The text report has no colour of its own; the terminal's has."""
    from chronicle_otel.report import json as report_json
    from chronicle_otel.report import text

    @chronicle.agent(name="a")
    def agent() -> int:
        return 0

    result = lab.replay(lab.record(agent), agent)
    assert text.render(result) == str(result)
    assert "\x1b[32;1mREPRODUCED" in text.render(result, color=True)
    assert json.loads(report_json.render(result))["verdict"] == "reproduced"


def test_recorded_pace(lab: Lab) -> None:
    """With pace="recorded" an answer takes the time that it took."""
    import time

    @chronicle.tool(name="t")
    def tool() -> int:
        time.sleep(0.05)
        return 0

    @chronicle.agent(name="a")
    def agent() -> float:
        begin = time.monotonic()
        tool()
        return time.monotonic() - begin >= 0.04

    run = lab.record(agent)
    assert lab.replay(run, agent, pace="recorded").outcome.value is True
    assert lab.replay(run, agent).outcome.value is False
