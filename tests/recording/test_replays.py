"""A replay is itself a trace, and replayed code may call `init` as it does in production."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chronicle_otel as chronicle

FACTOR = {"is": 2}


@chronicle.tool(name="double")
def double(x: int) -> int:
    return x * FACTOR["is"]


@chronicle.agent(name="root")
def root(x: int) -> int:
    return double(x)


def test_a_replay_is_a_trace(tape: Any, tmp_path: Path) -> None:
    """Its spans name the Run that they replay, the verdict, and the kind of divergence where there is one."""
    tape.record(root, 4)
    run = tape.run()
    chronicle.init(tmp_path / "replay.jsonl", instrument=False, replays=True)
    FACTOR["is"] = 3
    try:
        assert chronicle.replay(run, entry=root, live=["tool"]).verdict == "diverged"
    finally:
        FACTOR["is"] = 2
        chronicle.shutdown()
    trace = chronicle.load(tmp_path / "replay.jsonl")
    assert trace.replay_of == run.id
    assert trace.root.attributes["chronicle.replay.verdict"] == "diverged"
    assert [(s.name, s.input, s.output, s.attributes.get("chronicle.divergence")) for s in trace.steps] == [
        ("root", {"x": 4}, 12, "output_changed"),
        ("double", {"x": 4}, 12, "output_changed"),
    ]


def test_a_local_recording_is_not_mixed_with_replays(tape: Any) -> None:
    """A replay in a process that records into a file leaves the file as it is, unless told otherwise."""
    tape.record(root, 4)
    chronicle.init(tape.path, instrument=False)
    chronicle.replay(tape.run(), entry=root)
    chronicle.shutdown()
    assert len(tape.runs()) == 1


def test_init_inside_a_replay_leaves_the_replay_in_charge(tape: Any, tmp_path: Path) -> None:
    """Code that switches recording on when it starts is replayed all the same, and records nothing."""
    tape.record(root, 4)
    with chronicle.replaying(tape.run()) as replay:
        chronicle.init(tmp_path / "second", instrument=False)
        root(4)
        chronicle.shutdown()
    assert replay.result.verdict == "reproduced"
    assert not (tmp_path / "second").exists()
