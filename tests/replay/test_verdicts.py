"""Every verdict and its exit code, what outweighs what, and what makes a recording impossible to judge."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle
from chronicle_otel.replayer.result import EXIT_CODES, strongest
from tests.replay.conftest import Lab, kinds

HARM = "not any(c.error is None and c.input['quantity'] > 10 for c in calls('order'))"


class Trading:
    """An agent that sells too much, and ways to mend it."""

    def __init__(self, lab: Lab) -> None:
        self.limit: float | None = None
        self.prompt = "You are a broker of the customers of the bank."
        self.extra = False
        self.crash = False
        self.clamp: int | None = None

        @chronicle.llm(name="ask")
        def ask(messages: list[str]) -> str:
            return lab.world.answers("ok")

        @chronicle.guardrail(name="limit_guard")
        def limit_guard(quantity: int, limit: float) -> None:
            if quantity > limit:
                raise ValueError(f"an order of {quantity} is above {limit}")

        @chronicle.tool(name="order")
        def order(symbol: str, quantity: int) -> dict[str, Any]:
            if self.limit is not None:
                limit_guard(quantity, self.limit)
            return {"status": "filled", "quantity": quantity}

        @chronicle.agent(name="trade")
        def trade(text: str) -> str:
            messages = [self.prompt, text]
            messages.append(ask(messages))
            if self.crash:
                raise RuntimeError("oops")
            try:
                messages.append(str(order("ACME", self.clamp or 1000)))
            except ValueError as error:
                messages.append(f"rejected, since {error}")
            if self.extra:
                ask(["and what else would you like to know about the weather"])
            return ask(messages)

        self.entry: Callable[..., Any] = trade


@pytest.fixture
def trading(lab: Lab) -> Trading:
    return Trading(lab)


def verdict(lab: Lab, run: Any, trading: Trading, **options: Any) -> tuple[str, int]:
    result = lab.replay(run, trading.entry, live=["tool"], **options)
    return result.verdict, result.exit_code


def test_reproduced_and_diverged(lab: Lab, trading: Trading) -> None:
    """Unchanged code reproduces; changed behaviour diverges."""
    run = lab.record(trading.entry, "sell")
    assert verdict(lab, run, trading) == ("reproduced", 0)
    trading.limit = 10
    assert verdict(lab, run, trading) == ("diverged", 1)


def test_fixed_and_still_failing(lab: Lab, trading: Trading) -> None:
    """The assertion states the harm: false on the recording, and true on the replay only once the guard is there."""
    run = lab.record(trading.entry, "sell")
    assert verdict(lab, run, trading, assertion=HARM) == ("still_failing", 1)
    trading.limit = 10
    assert verdict(lab, run, trading, assertion=HARM) == ("fixed", 0)


def test_fix_in_the_agent_itself(lab: Lab, trading: Trading) -> None:
    """A fix may lie in front of the tool as well: then the tool is asked for less."""
    run = lab.record(trading.entry, "sell")
    trading.clamp = 5
    assert verdict(lab, run, trading, assertion=HARM) == ("fixed", 0)


def test_prompt_edit_never_counts_as_fixed(lab: Lab, trading: Trading) -> None:
    """A model that was asked something else would have answered something else: only a new recording shows what."""
    run = lab.record(trading.entry, "sell")
    trading.limit = 10
    trading.prompt += " Amounts are dollars."
    assert verdict(lab, run, trading, assertion=HARM) == ("diverged", 1)


def test_refused_call_never_counts_as_fixed(lab: Lab, trading: Trading) -> None:
    """A run that could not be followed to its end shows nothing to be fixed."""
    run = lab.record(trading.entry, "sell")
    trading.limit, trading.extra = 10, True
    assert verdict(lab, run, trading, assertion=HARM) == ("diverged", 1)


def test_failed(lab: Lab, trading: Trading) -> None:
    """A run that raises although the recorded one did not has failed, whatever the assertion says."""
    run = lab.record(trading.entry, "sell")
    trading.crash = True
    assert verdict(lab, run, trading) == ("failed", 1)
    assert verdict(lab, run, trading, assertion=HARM) == ("failed", 1)


def test_refusal_that_ends_the_run_is_a_divergence_not_a_failure(lab: Lab, trading: Trading) -> None:
    """What the replay itself raised is no failure of the code."""
    run = lab.record(trading.entry, "sell")
    trading.extra = True
    assert verdict(lab, run, trading) == ("diverged", 1)


def test_assertion_that_holds_on_the_recording_says_so(lab: Lab, trading: Trading) -> None:
    """An assertion that does not state the harm shows nothing, and a warning says it."""
    run = lab.record(trading.entry, "sell")
    result = lab.replay(run, trading.entry, assertion="True")
    assert (result.verdict, result.assertion) == ("reproduced", (True, True))
    assert "does not state the harm" in result.warnings[0]


def test_an_entry_that_never_ran_is_not_fixed(lab: Lab, trading: Trading) -> None:
    """An assertion about what must not happen holds where nothing happened at all; that shows no fix."""
    run = lab.record(trading.entry, "sell")
    with chronicle.replaying(run, assertion=HARM) as replay:
        pass
    assert (replay.result.verdict, replay.result.assertion) == ("diverged", None)
    assert "the entry never ran, so the assertion was not judged" in replay.result.warnings


def test_a_run_that_was_stopped_is_not_fixed(lab: Lab, trading: Trading) -> None:
    """Where the replay itself ended the run at its first divergence, an assertion that holds so far proves nothing."""
    run = lab.record(trading.entry, "sell")
    trading.prompt = "You are somebody else altogether, and you never sell anything to anybody."
    result = lab.replay(run, trading.entry, live=["tool"], assertion=HARM, on_divergence="stop")
    assert result.verdict == "diverged"
    assert any("cut short by the replay" in warning for warning in result.warnings)


def test_assertion_as_a_function(lab: Lab, trading: Trading) -> None:
    """A function of the RunView does as well as an expression, and sees recording and replay alike."""
    run = lab.record(trading.entry, "sell")
    trading.limit = 10
    seen: list[Any] = []

    def harmless(view: Any) -> bool:
        seen.append([(s.kind, s.index) for s in view.steps if s.kind != "guardrail"])
        return all(call.error is not None for call in view.tool("order"))

    assert verdict(lab, run, trading, assertion=harmless) == ("fixed", 0)
    assert seen[0] == seen[1] == [("agent", 0), ("llm", 0), ("tool", 0), ("llm", 1)]


@pytest.mark.parametrize("wrong", ["calls(", "unknown_name > 1", "__import__('os')", "steps[0].inputs"])
def test_wrong_assertion_is_a_usage_error(lab: Lab, trading: Trading, wrong: str) -> None:
    """An expression that cannot be meant is the caller's mistake, not a verdict."""
    run = lab.record(trading.entry, "sell")
    with pytest.raises(chronicle.UsageError, match="assertion"):
        lab.replay(run, trading.entry, assertion=wrong)


def test_assertion_that_raises_does_not_hold(lab: Lab, trading: Trading) -> None:
    """An expression and a function that raise on what they find are false, and do not end the caller's program."""
    run = lab.record(trading.entry, "sell")
    for assertion in ("output['none'] > 1", lambda view: view.output["none"] > 1):
        result = lab.replay(run, trading.entry, assertion=assertion)
        assert result.verdict == "still_failing"
        assert any("counts as false on this code because it raised" in warning for warning in result.warnings)


def test_precedence() -> None:
    """The strongest obstacle stands for several verdicts, and every verdict has an exit code."""
    assert strongest(["reproduced", "fixed", "diverged", "cannot_judge", "failed"]) == "cannot_judge"
    assert strongest(["reproduced", "fixed"]) == "fixed"
    assert set(EXIT_CODES.values()) == {0, 1, 3, 4}


# ---- the recording -----------------------------------------------------------------------------


def tamper(lab: Lab, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Any:
    """Rewrite the spans of the last recording; None drops one."""
    path = Path(lab.folder) / f"{lab.count}.jsonl"
    lines = []
    for line in path.read_text().splitlines():
        batch = json.loads(line)
        for resource in batch["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                scope["spans"] = [s for s in (change(span) for span in scope["spans"]) if s is not None]
        lines.append(json.dumps(batch))
    path.write_text("\n".join(lines) + "\n")
    return chronicle.load(path)


def attribute(span: dict[str, Any], name: str) -> Any:
    value = next((a["value"] for a in span["attributes"] if a["key"] == name), {})
    return next(iter(value.values()), None)


def is_step(span: dict[str, Any], name: str, kind: str = "") -> bool:
    return attribute(span, "chronicle.name") == name and attribute(span, "chronicle.seq") not in ("0", 0)


def test_lost_step_that_is_asked_for_cannot_be_judged(lab: Lab, trading: Trading) -> None:
    """A call whose span was lost is refused, and the recording is to blame."""
    lab.record(trading.entry, "sell")
    run = tamper(lab, lambda span: None if is_step(span, "order") else span)
    result = lab.replay(run, trading.entry)
    assert (result.verdict, result.exit_code) == ("cannot_judge", 3)
    assert "lost" in result.obstacles[0]


def test_lost_step_that_is_not_needed_does_not_matter(lab: Lab, trading: Trading) -> None:
    """Named live, the lost tool is not needed: what it returned shows in the next question."""
    lab.record(trading.entry, "sell")
    run = tamper(lab, lambda span: None if is_step(span, "order") else span)
    assert verdict(lab, run, trading) == ("reproduced", 0)


def truncated(span: dict[str, Any], name: str, payload: str) -> dict[str, Any]:
    if is_step(span, name):
        for a in span["attributes"]:
            if a["key"] == payload and "stringValue" in a["value"]:
                a["value"]["stringValue"] = a["value"]["stringValue"][:-5]
    return span


def test_truncated_output_is_never_served(lab: Lab, trading: Trading) -> None:
    """A payload whose size does not fit is refused."""
    lab.record(trading.entry, "sell")
    run = tamper(lab, lambda span: truncated(span, "order", "chronicle.output"))
    result = lab.replay(run, trading.entry)
    assert (result.verdict, kinds(result)[0]) == ("cannot_judge", "not_recorded at order")


def test_truncated_input_cannot_be_judged(lab: Lab, trading: Trading) -> None:
    """Where the recorded question is cut, nobody can say whether the same was asked; the intact answer is served."""
    lab.record(trading.entry, "sell")
    run = tamper(lab, lambda span: truncated(span, "order", "chronicle.input"))
    result = lab.replay(run, trading.entry)
    assert (result.verdict, kinds(result)) == ("cannot_judge", [])


def test_lossy_output_is_refused_unless_run_live(lab: Lab) -> None:
    """An object that nobody could encode is not served; the tool that made it may run live."""

    class Handle:
        pass

    @chronicle.tool(name="connect")
    def connect() -> Any:
        return Handle()

    @chronicle.agent(name="a")
    def agent() -> str:
        return type(connect()).__name__

    run = lab.record(agent)
    result = lab.replay(run, agent)
    assert (result.verdict, kinds(result)[0]) == ("cannot_judge", "not_recorded at connect")
    assert lab.replay(run, agent, live=["tool"]).verdict == "reproduced"


def test_killed_process_replays_as_far_as_it_got(lab: Lab, trading: Trading) -> None:
    """Without its root, a Run is entered from its run-start; asking past its end cannot be judged."""
    lab.record(trading.entry, "sell")
    run = tamper(lab, lambda span: None if is_step(span, "trade") or attribute(span, "chronicle.seq") in ("4", 4) else span)
    result = lab.replay(run, trading.entry)
    assert result.verdict == "cannot_judge"
    assert [s.step.name for s in result.served] == ["ask", "order"]


def test_steps_without_recorded_input_are_matched_by_place(lab: Lab) -> None:
    """With outputs-only capture an answer is found by its place, and a note says that its input is unknown."""

    @chronicle.llm(name="ask", capture="outputs-only")
    def ask(prompt: str) -> str:
        return lab.world.answers("x")

    @chronicle.agent(name="a")
    def agent() -> list[str]:
        return [ask("one"), ask("two")]

    run = lab.record(agent)
    recorded = lab.value
    result = lab.replay(run, agent)
    assert (result.verdict, result.outcome.value) == ("reproduced", recorded)
    assert {n.kind for n in result.notes} >= {"not_recorded"}


def test_steps_without_recorded_output_are_refused(lab: Lab) -> None:
    """With inputs-only capture there is nothing to serve."""

    @chronicle.tool(name="secret", capture="inputs-only")
    def secret() -> str:
        return lab.world.answers("x")

    @chronicle.agent(name="a")
    def agent() -> str:
        return secret()

    run = lab.record(agent)
    assert kinds(lab.replay(run, agent))[0] == "not_recorded at secret"
    assert lab.world.ran == []


# ---- stop, live, warnings ----------------------------------------------------------------------


def test_stop_raises_at_the_first_divergence(lab: Lab, trading: Trading) -> None:
    """With on_divergence="stop" nothing runs after the first divergence, swallowed or not."""
    run = lab.record(trading.entry, "sell")
    trading.prompt += " Amounts are dollars."
    result = lab.replay(run, trading.entry, on_divergence="stop")
    assert isinstance(result.outcome.error, chronicle.Diverged)
    assert kinds(result)[0] == "input_changed at ask"
    assert result.served[1:] == []


def test_stop_at_a_live_output(lab: Lab, trading: Trading) -> None:
    """A live tool that answers something else stops the replay before the next boundary."""
    run = lab.record(trading.entry, "sell")
    trading.limit = 10
    result = lab.replay(run, trading.entry, live=["tool"], on_divergence="stop")
    assert isinstance(result.outcome.error, chronicle.Diverged)
    assert len([s for s in result.served if s.step.kind == "llm"]) == 1


def test_effects_never_run_without_being_allowed(lab: Lab) -> None:
    """An effect is stubbed; naming it live takes a second word."""

    @chronicle.effect(name="wire_money")
    def wire_money(amount: int) -> str:
        return lab.world.answers("wired")

    @chronicle.agent(name="a")
    def agent() -> str:
        return wire_money(5)

    run = lab.record(agent)
    lab.replay(run, agent, live=["tool", "changed", "llm"])
    assert lab.world.ran == []
    with pytest.raises(chronicle.UsageError, match="allow_effects"):
        lab.replay(run, agent, live=["effect"])
    lab.replay(run, agent, live=["effect:wire_*"], allow_effects=True)
    assert lab.world.ran == ["wired"]


def test_misspelt_glob_is_warned_about(lab: Lab, trading: Trading) -> None:
    """A live pattern that fits no boundary of the run is named, with those that there are."""
    run = lab.record(trading.entry, "sell")
    result = lab.replay(run, trading.entry, live=["tool:ordr"])
    assert result.warnings == ['live="tool:ordr" fits no boundary of this run; there are order']


def test_wrong_calls_are_usage_errors(lab: Lab, trading: Trading) -> None:
    """Unknown words are refused before anything runs."""
    run = lab.record(trading.entry, "sell")
    for options in (
        {"live": ["tools"]}, {"on_divergence": "fork"}, {"pace": "slow"}, {"provide": {"nobody": int}}, {"live": 3}, {"live": [3]},
        {"ignore": [5]}, {"allow_net": ["https://host/"]}, {"allow_net": "host:99999"}, {"allow_net": [""]}, {"provide": ["self"]},
    ):  # fmt: skip
        with pytest.raises(chronicle.UsageError):
            chronicle.replay(run, entry=trading.entry, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, 5, "traces.jsonl", [], [5]])
def test_only_runs_are_replayed(wrong: Any) -> None:
    """What is no Run is refused with a sentence that says where Runs come from."""
    with pytest.raises(chronicle.UsageError, match="replaying: "):
        chronicle.replaying(wrong)


@pytest.mark.parametrize(("source", "name"), [(5, None), (b"a", None), ("a.jsonl", 5)])
def test_sources_and_ids_are_words(source: Any, name: Any) -> None:
    """A source or run id of another type is a usage error, like a wrong name."""
    with pytest.raises(chronicle.UsageError, match="give "):
        chronicle.load(source, run=name)


def test_next_step_fits_the_kind(lab: Lab) -> None:
    """What to do about a call without an answer: a tool may run live, an effect only with leave, an agent is recorded."""

    @chronicle.tool(name="look")
    def look(n: int) -> int:
        return n

    @chronicle.effect(name="pay")
    def pay(n: int) -> int:
        return n

    @chronicle.agent(name="a")
    def agent() -> None:
        for call in extra:
            with contextlib.suppress(chronicle.Refused):
                call(1)

    extra: list[Any] = []
    run = lab.record(agent)
    extra += [look, pay]
    with chronicle.replaying(run) as replay:
        agent()
        with contextlib.suppress(chronicle.Refused):
            agent()
    actions = [line.strip() for line in str(replay.result).splitlines() if "next: " in line]
    assert actions == [
        'next: run it with live=["tool:look"] (--live tool:look), or record the run again with this code',
        "next: record the run again with this code, or let it act on the world with "
        'live=["effect:pay"], allow_effects=True (--live effect:pay --allow-effects)',
        "next: record a run of it, and replay that one too",
    ]


def test_result_is_json(lab: Lab, trading: Trading) -> None:
    """The whole result is JSON-ready data, and the report is text."""
    run = lab.record(trading.entry, "sell")
    trading.limit, trading.extra = 10, True
    result = lab.replay(run, trading.entry, live=["tool"])
    facts = json.loads(json.dumps(result.to_dict()))
    assert (facts["verdict"], facts["exit_code"]) == ("diverged", 1)
    assert facts["divergences"][0]["step"] == {"kind": "tool", "name": "order", "index": 0, "seq": 3, "recorded": True}


def test_report_reads_like_this(lab: Lab, trading: Trading) -> None:
    """The text report of the incident once the guard is there."""
    run = lab.record(trading.entry, "sell")
    trading.limit = 10
    text = str(lab.replay(run, trading.entry, live=["tool"], assertion=HARM)).replace(run.id, "RUN")
    assert text == EXPECTED


EXPECTED = """\
FIXED: the assertion was false on the recording and is true on this code
  run RUN of trade

What really ran
  live      agent trade, tool order, guardrail limit_guard (new)
  answered  exact: llm ask
            changed, stale: llm ask

2 divergences
  1. error_changed  tool order #0 (step 3)
     it raised, or no longer raises, what it did when recorded
       error: added {"class":"builtins:ValueError","message":"an order of 1000 is above 10"}
       output: gone {"status":"filled","quantity":1000}
     cause: follows from live boundary limit_guard
  2. input_changed  llm ask #1 (step 4)
     it is called with another input than recorded; its recorded answer was served (stale: the answer was given to another question)
       messages[3]
         - {'status': 'filled', 'quantity': 1000}
         + rejected, since an order of 1000 is above 10
     cause: follows from live boundary order
     next: what follows rests on an answer to another question; only a new recording shows what the model says now

Notes
  added: guardrail limit_guard #0: it ran live, and the recording does not have it

Outcome
  returned "ok@1.2"
  not a valid answer of this code: it rests on stale answers (llm ask #1)
  assertion: false on the recording, true on this code
"""


def test_an_assertion_sees_what_lies_inside_of_an_answered_step(lab: Lab) -> None:
    """An effect below a tool that is answered counts as it was recorded: code that never ran cannot be what fixed it."""

    @chronicle.effect(name="submit")
    def submit(quantity: int) -> str:
        return "done"

    @chronicle.tool(name="place")
    def place(quantity: int) -> str:
        return submit(quantity)

    @chronicle.agent(name="sell")
    def sell(quantity: int) -> str:
        return place(quantity)

    run = lab.record(sell, 1000)
    harm = "all(c.input['quantity'] <= 6 for c in calls('submit'))"
    result = lab.replay(run, sell, assertion=harm)
    assert (result.verdict, result.assertion) == ("still_failing", (False, False))
    assert result.warnings == [
        "the assertion is decided by steps that did not run: they lie inside of answered ones, and are as recorded; "
        "--live tool:place runs them"
    ]
    assert [(step.name, step.live, step.level) for step in result.view.steps] == [
        ("sell", True, "exact"),
        ("place", False, "exact"),
        ("submit", False, "below"),
    ]
