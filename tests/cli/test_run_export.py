"""`chronicle run --export own`: a script's spans go to the endpoint of the environment, and the last line says so."""

from __future__ import annotations

import json
from pathlib import Path

import chronicle_otel
from tests.conftest import Chronicle
from tests.export.receiver import Receiver


def test_a_script_is_sent(chronicle: Chronicle, tmp_path: Path) -> None:
    """No file is written unless a path was given; text and JSON name the endpoint."""
    (tmp_path / "agent.py").write_text(
        "import chronicle_otel as chronicle\n\n"
        "@chronicle.agent(name='greet')\ndef greet(name):\n    return 'Hello, ' + name\n\n"
        "greet('Ada')\n"
    )
    with Receiver() as receiver:
        done = chronicle("run", "--export", "own", "agent.py", env=receiver.environment)
        assert (done.returncode, done.stderr) == (0, f"chronicle: sent to http://127.0.0.1:{receiver.port}/v1/traces\n")
        done = chronicle("run", "--export", "own", "--path", "file.jsonl", "--json", "agent.py", env=receiver.environment)
        answer = json.loads(done.stdout)
        assert (answer["endpoint"], len(answer["runs"])) == (f"http://127.0.0.1:{receiver.port}/v1/traces", 1)
        runs = chronicle_otel.runs(receiver.write(tmp_path / "arrived.jsonl"))
    assert [run.entry.name for run in runs] == ["greet", "greet"]
    assert not (tmp_path / ".chronicle").exists()


def test_an_endpoint_alone_changes_nothing(chronicle: Chronicle, tmp_path: Path) -> None:
    """Without --export the file is written, and a warning says what the endpoint would need."""
    (tmp_path / "agent.py").write_text("import chronicle_otel as chronicle\n\n@chronicle.agent\ndef greet():\n    return 1\n\ngreet()\n")
    with Receiver() as receiver:
        done = chronicle("run", "agent.py", env=receiver.environment)
        assert receiver.requests == []
    assert 'chronicle.init(export="own") sends it to that endpoint' in done.stderr
    assert len(chronicle_otel.runs(tmp_path / ".chronicle")) == 1
