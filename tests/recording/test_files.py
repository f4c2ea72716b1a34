"""The embedded default: OTLP JSON lines that several processes, crashes and providers cannot spoil."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import chronicle_otel as chronicle
from chronicle_otel.lifecycle import active
from chronicle_otel.settings import Settings

PROGRAM = """
import os, signal, sys, time
import chronicle_otel as chronicle
chronicle.init(sys.argv[1], instrument=False)

@chronicle.tool
def work(i): return {"i": i}

@chronicle.agent
def main(n):
    for i in range(n):
        work(i)
    if sys.argv[2] == "kill":
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[2] == "exit":
        time.sleep(0.5)
        os._exit(1)
    if sys.argv[2] == "fork":
        if os.fork() == 0:
            work(99)
            chronicle.shutdown()
            os._exit(0)
        os.wait()
        work(3)

main(3)
"""


def program(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    script = tmp_path / "program.py"
    if not script.exists():  # rewriting it would pull it from under a process that is starting
        script.write_text(PROGRAM)
    return subprocess.Popen([sys.executable, str(script), *arguments], cwd=tmp_path, env={**os.environ}, text=True)


def test_several_processes_write_to_one_folder(tmp_path: Path) -> None:
    """Each process has a file of its own in the folder; together they are the recording."""
    for process in [program(tmp_path, str(tmp_path / "runs"), "end") for _ in range(3)]:
        assert process.wait(60) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 3
    assert [len(run.steps) for run in chronicle.runs(tmp_path / "runs")] == [4, 4, 4]


def test_several_processes_append_to_one_file(tmp_path: Path) -> None:
    """A file may be shared: lines are never mixed."""
    for process in [program(tmp_path, str(tmp_path / "runs.jsonl"), "end") for _ in range(3)]:
        assert process.wait(60) == 0
    assert all(json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines())
    assert [len(run.steps) for run in chronicle.runs(tmp_path / "runs.jsonl")] == [4, 4, 4]


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_a_killed_process_leaves_a_partial_run(tmp_path: Path, how: str) -> None:
    """What had ended before the kill is there, with the entry's inputs, and the Run says that it is not whole."""
    program(tmp_path, str(tmp_path / "run.jsonl"), how).wait(60)
    run = chronicle.load(tmp_path / "run.jsonl")
    assert run.root.input == {"n": 3}
    assert [s.input["i"] for s in run.steps[1:]] == [0, 1, 2]
    assert not run.checks.ok


def test_a_run_is_in_the_file_before_its_steps(tmp_path: Path) -> None:
    """What a Run was asked is written by itself, right when it starts: a process killed a moment later leaves that at least."""
    program(tmp_path, str(tmp_path / "a.jsonl"), "end").wait(60)
    first = json.loads((tmp_path / "a.jsonl").read_text().splitlines()[0])
    assert [span["name"] for span in first["resourceSpans"][0]["scopeSpans"][0]["spans"]] == ["chronicle.run.start"]


def test_a_forked_child_does_not_write_twice(tmp_path: Path) -> None:
    """A fork inside a Run leaves its Steps to the parent: those of the child are outside of it, and never take a number of the parent's."""
    assert program(tmp_path, str(tmp_path / "run.jsonl"), "fork").wait(60) == 0
    [run] = chronicle.runs(tmp_path / "run.jsonl")
    assert [s.input["i"] for s in run.steps if s.name.endswith("work")] == [0, 1, 2, 3]
    assert run.checks.ok


def test_a_torn_line_is_not_glued_to_the_next(tmp_path: Path, tape: Any) -> None:
    """A file that ends in half a line gets a new one."""
    tape.path.write_text('{"resourceSpans":[{"res')

    @chronicle.agent
    def root() -> int:
        return 1

    tape.record(root)
    assert tape.run().root.output == 1


# ---- providers


@chronicle.agent
def root() -> int:
    return 1


def provider(**options: Any) -> tuple[TracerProvider, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    made = TracerProvider(shutdown_on_exit=False, **options)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made, exporter


def test_an_applications_provider_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the application has a provider, spans go to it and no file is written."""
    monkeypatch.chdir(tmp_path)
    own, exporter = provider()
    chronicle.init(instrument=False, tracer_provider=own)
    root()
    chronicle.shutdown()
    assert [span.name for span in exporter.get_finished_spans()] == ["chronicle.run.start", "invoke_agent root"]
    assert list(tmp_path.iterdir()) == []


def test_a_path_beside_a_provider(tmp_path: Path) -> None:
    """A path that is given is written as well."""
    own, exporter = provider()
    chronicle.init(tmp_path / "too.jsonl", instrument=False, tracer_provider=own)
    root()
    chronicle.shutdown()
    assert len(exporter.get_finished_spans()) == 2
    assert chronicle.load(tmp_path / "too.jsonl").root.output == 1


def test_facts_of_the_process_with_a_fixed_resource(tmp_path: Path) -> None:
    """A provider's resource cannot be changed, so the process's facts go with the session variables."""
    own, _ = provider()
    chronicle.init(tmp_path / "run.jsonl", instrument=False, tracer_provider=own)
    root()
    chronicle.shutdown()
    assert chronicle.load(tmp_path / "run.jsonl").session["process.runtime.version"].startswith("3.")


def test_an_unsampled_run_is_not_recorded(tmp_path: Path) -> None:
    """The root's sampling decision holds for the whole Run."""
    own, exporter = provider(sampler=ALWAYS_OFF)
    chronicle.init(instrument=False, tracer_provider=own)
    assert root() == 1
    chronicle.shutdown()
    assert exporter.get_finished_spans() == ()


def test_the_global_provider_is_left_alone(tmp_path: Path) -> None:
    """Without an application's provider, ours stays private."""
    chronicle.init(tmp_path, instrument=False)
    root()
    chronicle.shutdown()
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_the_resource_tells_the_circumstances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own provider carries service name and the process's facts as resource attributes."""
    chronicle.init(tmp_path / "r.jsonl", instrument=False, service_name="desk")
    root()
    chronicle.shutdown()
    resource = chronicle.load(tmp_path / "r.jsonl").resource
    assert resource["service.name"] == "desk"
    assert "process.runtime.version" in resource


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"servce_name": "x"}, "did you mean service_name"),
        ({"capture": {"tool": "some"}}, "choices full"),
        ({"ambient": ["weather"]}, "not one of clock"),
        ({"ambient": True}, "ambient=True: give a list of sources"),
        ({"capture": "full"}, "capture='full': give a granularity per kind"),
        ({"step_bytes": "1MB"}, "step_bytes='1MB': give a number of bytes"),
        ({"queue_bytes": -1}, "queue_bytes=-1: give a number of bytes"),
        ({"threads": "yes"}, "threads='yes': give True or False"),
        ({"modules": [1]}, r"modules=\[1\]: give a list of names"),
        ({"tracer_provider": 5}, "tracer_provider=5: give a TracerProvider"),
        ({"path": 5}, "path=5: give the name of a file or folder"),
        ({"path": ""}, "path='': give the name"),
        ({"path": "runs.jsonl.gz"}, "written uncompressed; name it 'runs.jsonl'"),
        ({"path": __file__}, "holds something else than a recording"),
        ({"path": __file__ + "/runs.jsonl"}, "is a file, not a folder"),
        ({"instrument": 5}, "instrument=5: say True, False, or the names"),
    ],
)
def test_wrong_settings_are_refused(settings: Any, message: str) -> None:
    """A misspelt or wrong setting is an error that names the way out, and recording stays as it was."""
    with pytest.raises(chronicle.UsageError, match=message):
        chronicle.init(**{"instrument": False, **settings})
    assert active() is None


def test_one_name_is_a_list_of_one(tape: Any) -> None:
    """`ambient="clock"` means the source of that name, not its letters."""
    assert Settings.of({"ambient": "clock", "modules": "shop"}) == Settings(ambient=("clock",), modules=("shop",))


def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """Where the disk says no in the middle, the application goes on and hears it once, without a traceback of ours."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "program.py").write_text(PROGRAM.replace("main(3)", "os.rmdir('runs'); open('runs', 'w').close(); main(3)"))
    command = [sys.executable, "program.py", "runs/a.jsonl", "end"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    assert "could not write spans to" in done.stderr
