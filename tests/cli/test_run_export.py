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


def test_what_did_not_arrive_is_not_called_sent(chronicle: Chronicle, tmp_path: Path) -> None:
    """With nobody at the endpoint, the last line says that nothing arrived, where the spans are and what posts them."""
    (tmp_path / "agent.py").write_text("import chronicle_otel as chronicle\n\n@chronicle.agent\ndef greet():\n    return 1\n\ngreet()\n")
    with Receiver() as receiver:
        environ = receiver.environment
    done = chronicle("run", "--export", "own", "agent.py", env=environ)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == (
        f"chronicle: nothing arrived at http://127.0.0.1:{receiver.port}/v1/traces, 2 spans are kept in .chronicle/unsent "
        "(`chronicle send .chronicle/unsent` posts them)"
    )
    done = chronicle("run", "--export", "own", "--json", "agent.py", env=environ)
    assert json.loads(done.stdout)["spans"] == {"sent": 0, "unsent": 2, "lost": 0}
    (tmp_path / "agent.py").write_text("pass\n")
    done = chronicle("run", "--export", "own", "agent.py", env=environ)
    assert done.stderr == "chronicle: nothing was recorded: the script crossed no boundary\n"
