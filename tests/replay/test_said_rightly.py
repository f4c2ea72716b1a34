"""Causes, streams, child processes and ends of a run, as a report has to name them; and assertions that stay within it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle
from tests.replay.conftest import Lab


def causes(result: Any) -> list[tuple[str, str | None]]:
    """The divergences as (`kind at step`, cause)."""
    return [(f"{d.kind} at {d.step.name}", d.cause) for d in result.divergences]


def test_a_call_that_was_skipped_before_the_run_was_cut_short_is_not_put_down_to_its_end(lab: Lab) -> None:
    """The step around it came to its end without it; that the run was refused later explains nothing."""
    asks = True

    @chronicle.human(name="approve")
    def approve(who: str) -> bool:
        return who != "Eve"

    @chronicle.effect(name="transfer")
    def transfer(who: str) -> str:
        return f"paid {who}"

    @chronicle.step(name="pay")
    def pay(who: str) -> str:
        if asks and not approve(who):
            return "refused"
        return transfer(who)

    @chronicle.agent(name="payer")
    def payer() -> list[str]:
        return [pay("Bob"), pay("Eve")]

    run = lab.record(payer)
    asks = False
    result = lab.replay(run, payer)
    assert causes(result) == [
        ("missing_step at approve", None),
        ("unexpected_step at transfer", None),
        ("missing_step at approve", "the run ended before it, with Refused"),
    ]


def test_a_tool_that_answers_the_same_question_otherwise_does_not_follow_from_a_stale_answer(lab: Lab) -> None:
    """A changed tool is the origin of its change at every call, not only at the first."""
    ending = ""

    @chronicle.tool(name="do")
    def do(task: str) -> str:
        return task.upper() + ending

    @chronicle.llm(name="model")
    def model(prompt: str) -> str:
        return "ok"

    @chronicle.agent(name="planner")
    def planner() -> str:
        model(do("sweep"))
        return model(do("dust"))

    run = lab.record(planner)
    ending = "!"
    result = lab.replay(run, planner, live=["tool"])
    assert causes(result) == [
        ("output_changed at do", None),
        ("input_changed at model", "follows from live boundary do"),
        ("output_changed at do", None),
        ("input_changed at model", "follows from live boundary do"),
    ]


def test_an_effect_that_is_asked_what_a_live_guardrail_clamped_is_the_recorded_one(lab: Lab) -> None:
    """One argument, and all of it changed: the value comes from the fix, so the fix is shown, and nothing is refused."""
    most = 10_000

    @chronicle.effect(name="submit")
    def submit(quantity: int) -> str:
        return f"sent {quantity}"

    @chronicle.guardrail(name="limit")
    def limit(quantity: int) -> int:
        return min(quantity, most)

    @chronicle.agent(name="desk")
    def desk(quantity: int) -> str:
        return submit(limit(quantity))

    run = lab.record(desk, 1000)
    most = 6
    result = lab.replay(run, desk, assertion="all(s.input['quantity'] <= 6 for s in calls('submit'))")
    assert result.verdict == "fixed"
    assert causes(result) == [
        ("output_changed at limit", None),
        ("input_changed at submit", "follows from live boundary limit"),
    ]


def test_an_effect_that_is_asked_what_nothing_accounts_for_is_refused(lab: Lab) -> None:
    """Its pair: where no live boundary brought the value, the call may be any other."""
    more = False

    @chronicle.effect(name="submit")
    def submit(quantity: int) -> str:
        return f"sent {quantity}"

    @chronicle.agent(name="desk")
    def desk(quantity: int) -> str:
        return submit(6 if more else quantity)

    run = lab.record(desk, 1000)
    more = True
    result = lab.replay(run, desk, assertion="all(s.input['quantity'] <= 6 for s in calls('submit'))")
    assert result.verdict == "diverged"
    assert [str(step) for step in result.refused] == ["effect submit #0"]


def test_a_stream_that_the_code_now_leaves_earlier_is_noted(lab: Lab) -> None:
    """How far a consumer reads is no property of the step, but it is said."""
    most = 3

    @chronicle.llm(name="words")
    def words(prompt: str) -> Any:
        yield from ("a", "b", "c")

    @chronicle.agent(name="reader")
    def reader() -> str:
        for at, _ in enumerate(words("go"), 1):
            if at == most:
                break
        return "read"

    run = lab.record(reader)
    assert lab.replay(run, reader).notes == []
    most = 1
    result = lab.replay(run, reader)
    assert result.verdict == "reproduced"
    [note] = result.notes
    assert (note.kind, str(note.step)) == ("read_less", "llm words #0")
    assert note.text == "the code stops reading it after 1 of the 3 chunks that were read when it was recorded"


def test_a_child_process_is_named(lab: Lab) -> None:
    """What runs in a child process is not replayed: the report says which step started one, and its arguments stay out of it."""

    @chronicle.agent(name="boss")
    def boss() -> str:
        return subprocess.run([sys.executable, "-c", "print('done')", "secret"], capture_output=True, text=True, check=True).stdout

    run = lab.record(boss)
    init = subprocess.Popen.__init__
    result = lab.replay(run, boss)
    assert subprocess.Popen.__init__ is init
    assert result.verdict == "reproduced"
    [note] = result.notes
    assert (note.kind, str(note.step)) == ("child_process", "agent boss #0")
    assert note.text.startswith(f"it started the process {Path(sys.executable).name}: what runs in there is not replayed")
    assert "secret" not in str(result)


def test_code_that_ends_the_process_is_a_failure_and_not_an_exit_code(lab: Lab) -> None:
    """`sys.exit(0)` in the agent ends the run with SystemExit, and never the replay with success."""
    leaves = False

    @chronicle.agent(name="quitter")
    def quitter() -> str:
        if leaves:
            sys.exit(0)
        return "stayed"

    run = lab.record(quitter)
    leaves = True
    result = lab.replay(run, quitter)
    assert (result.verdict, type(result.outcome.error)) == ("failed", SystemExit)


def test_a_module_that_ends_the_process_cannot_be_the_entry(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry's module that calls `sys.exit` when it is imported is an obstacle with a name."""

    @chronicle.agent(name="plain")
    def plain() -> str:
        return "yes"

    run = lab.record(plain)
    (tmp_path / "leaves_at_import.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.syspath_prepend(os.fspath(tmp_path))
    result = chronicle.replay(run, entry="leaves_at_import:plain")
    assert result.verdict == "cannot_reproduce"
    assert "it ends the process when it is imported (exit code 0)" in result.obstacles[0]


@pytest.mark.parametrize(
    "expression",
    [
        "(1).__class__.__bases__[0].__subclasses__()",
        "[s for s in steps if s.__class__]",
        "(lambda: run.__init__)()",
    ],
)
def test_an_assertion_stays_within_the_run(lab: Lab, expression: str) -> None:
    """Attributes that lead from a value to the interpreter are refused before anything is evaluated."""

    @chronicle.agent(name="plain")
    def plain() -> str:
        return "yes"

    run = lab.record(plain)
    with pytest.raises(chronicle.UsageError, match="leads out of the run"):
        lab.replay(run, plain, assertion=expression)


def test_an_assertion_that_is_nested_without_end_is_one_error(lab: Lab) -> None:
    """The compiler's own limits are the caller's mistake, not a traceback."""

    @chronicle.agent(name="plain")
    def plain() -> str:
        return "yes"

    run = lab.record(plain)
    with pytest.raises(chronicle.UsageError, match="nested"):
        lab.replay(run, plain, assertion="not " * 100_000 + "1")


def test_what_is_no_redactor_is_one_error(lab: Lab) -> None:
    """A path or a key in a Redactor's place is named before anything runs."""

    @chronicle.agent(name="plain")
    def plain() -> str:
        return "yes"

    run = lab.record(plain)
    with pytest.raises(chronicle.UsageError, match=r"redactor='key\.txt': give a chronicle_otel\.redaction\.Redactor"):
        lab.replay(run, plain, redactor="key.txt")
