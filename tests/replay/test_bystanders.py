"""What libraries do in the background is kept from the network like all else, and says nothing about the code that is replayed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle
from tests.replay.conftest import Lab, kinds

EXPORTER = '''
import socket
import threading

tried = []


def _export(port, work):
    try:
        work(port)
    except Exception as error:
        tried.append(error)


def connect(port):
    socket.create_connection(("127.0.0.1", port), 1)


def start(port, work=connect, daemon=True):
    """As exporters of frameworks do it: a thread of their own, started by the first trace."""
    thread = threading.Thread(target=_export, args=(port, work), daemon=daemon)
    thread.start()
    thread.join()
'''


@pytest.fixture
def exporter(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A library that is installed where libraries are, and exports traces of its own."""
    name: str = getattr(request, "param", "traces_of_a_vendor")
    package = tmp_path / "site-packages" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(EXPORTER)
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module(name)
    del sys.modules[name]


def replayed(lab: Lab, exporter: Any, **how: Any) -> Any:
    """Record an agent whose library exports nothing yet, and replay it when it does."""
    due = False

    @chronicle.agent(name="a")
    def agent() -> str:
        if due:
            exporter.start(9, **how)
        return "done"

    run = lab.record(agent)
    due = True
    return lab.replay(run, agent)


@pytest.mark.parametrize("daemon", [True, False])
def test_an_exporter_of_a_library_is_kept_out_and_noted(lab: Lab, exporter: Any, daemon: bool) -> None:
    """A library's background thread reaches nobody, the report names both, and the verdict is that of the code."""
    result = replayed(lab, exporter, daemon=daemon)
    assert [type(error) for error in exporter.tried] == [chronicle.NetworkBlocked]
    assert (result.verdict, result.divergences) == ("reproduced", [])
    assert [(note.kind, str(note.step), note.text) for note in result.notes] == [
        (
            "blocked",
            "network 127.0.0.1:9 #0",
            "a background thread of traces_of_a_vendor was kept from reaching it; it is no part of the run",
        )
    ]
    assert "blocked: network 127.0.0.1:9 #0: a background thread of traces_of_a_vendor" in str(result)


def test_an_exporter_at_work_outside_of_the_run_is_noted_too(lab: Lab, exporter: Any) -> None:
    """An exporter that comes to its work outside of every run, in a process that replays, does not change the verdict."""

    @chronicle.agent(name="a")
    def agent() -> str:
        return "done"

    run = lab.record(agent)
    with chronicle.replaying(run) as replay:
        exporter.start(9)
        agent()
    assert (replay.result.verdict, [note.kind for note in replay.result.notes]) == ("reproduced", ["blocked"])


def test_own_code_in_a_thread_of_a_library_is_judged(lab: Lab, exporter: Any) -> None:
    """Where a library's background thread runs the user's function, what that reaches for is a divergence."""

    def mine(port: int) -> None:
        exporter.connect(port)

    result = replayed(lab, exporter, work=mine)
    assert (result.verdict, kinds(result)) == ("diverged", ["unexpected_step at 127.0.0.1:9"])


@pytest.mark.parametrize("exporter", ["trio"], indirect=True)
def test_work_of_others_in_a_pool_of_a_library_is_judged(lab: Lab, exporter: Any) -> None:
    """A thread in which a library does what it was asked to do is no bystander."""
    result = replayed(lab, exporter)
    assert (result.verdict, kinds(result)) == ("diverged", ["unexpected_step at 127.0.0.1:9"])
