"""Session variables belong to the Run, nest, and travel only when told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opentelemetry import baggage
from opentelemetry.context import attach, detach
from opentelemetry.propagate import extract, inject

import chronicle_otel as chronicle


@chronicle.tool(name="leaf")
def leaf() -> None:
    chronicle.flag("odd")


@chronicle.agent(name="root")
def root(body: Any = lambda: None) -> Any:
    return body()


def test_variables_are_on_the_run(tape: Any) -> None:
    """Variables in force when the Run starts are the Run's; inner blocks win."""

    def body() -> None:
        with chronicle.session(user="u", build=1), chronicle.session(build=2, session_id="s-1"):
            root()

    tape.record(body)
    run = tape.run()
    assert {k: run.session[k] for k in ("user", "build", "session_id")} == {"user": "u", "build": 2, "session_id": "s-1"}
    assert run.root.attributes["session.id"] == "s-1"


def test_changes_inside_a_run_are_on_the_step(tape: Any) -> None:
    """A Step carries only what differs from its Run."""

    def body() -> None:
        with chronicle.session(prompt="v2", user="u"):
            leaf()

    with chronicle.session(user="u"):
        tape.record(root, body)
    assert tape.run().steps[1].tree("chronicle.session") == {"prompt": "v2"}


def test_flag(tape: Any) -> None:
    """`flag` marks the Run from anywhere inside it."""
    tape.record(root, leaf)
    assert tape.run().flagged == ("odd",)


def test_variables_stay_at_home() -> None:
    """Without `propagate` nothing is put into baggage."""
    with chronicle.session(user="u"):
        assert baggage.get_all() == {}


def test_a_called_service_is_a_nested_run(tape: Any, tmp_path: Path) -> None:
    """Across services the run id and the declared variables travel in standard headers."""
    headers: dict[str, str] = {}

    def calls() -> None:
        with chronicle.session(propagate=True, tenant="t"):
            inject(headers)

    tape.record(root, calls)
    caller = tape.run()

    def serves() -> None:
        token = attach(extract(headers))
        try:
            root()
        finally:
            detach(token)

    tape.path = tmp_path / "downstream.jsonl"
    tape.record(serves)
    called = tape.run()
    assert called.parent == (caller.id, caller.root.span_id)
    assert called.session["tenant"] == "t"
    assert called.id != caller.id
