"""The pytest plugin, from outside: projects of a user's, run by pytest in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment

MARK = '@pytest.mark.chronicle("recording.jsonl", entry="agent:trade"'


@pytest.fixture
def project(incident: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's project with the incident's agent and recording."""
    monkeypatch.chdir(incident)
    return incident


def run_pytest(project: Path, test: str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Write a test module and run it."""
    (project / "test_it.py").write_text("import pytest\n" + test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", *arguments]
    return subprocess.run(command, cwd=project, env=environment(env), capture_output=True, text=True)


def test_the_fixture_re_enters_the_recorded_entry(project: Path) -> None:
    """`replay()` returns the result; options add to the marker's; the recorded Run is at hand."""
    done = run_pytest(
        project,
        f"{MARK})\n"
        "def test_it(replay):\n"
        "    assert replay.run.entry.name == 'trade'\n"
        "    assert replay().verdict == 'reproduced'\n"
        "    assert replay(live=['tool']).outcome.value == 'Done! I sold $1,000 worth of ACME for you.'\n",
    )
    assert "1 passed" in done.stdout, done.stdout


def test_inside_an_event_loop(project: Path) -> None:
    """`await replay.areplay()` and `async with replay.around()` serve asynchronous tests."""
    done = run_pytest(
        project,
        "import asyncio\n"
        "from agent import trade\n"
        f"{MARK})\n"
        "def test_it(replay):\n"
        "    async def body():\n"
        "        assert (await replay.areplay()).verdict == 'reproduced'\n"
        "        async with replay.around() as handle:\n"
        "            trade('Please sell $1,000 worth of ACME')\n"
        "        assert handle.result.verdict == 'reproduced'\n"
        "    asyncio.run(body())\n",
    )
    assert "1 passed" in done.stdout, done.stdout


def test_around_stands_around_code_of_the_test(project: Path) -> None:
    """`replay.around()` is a context manager around the test's own call."""
    done = run_pytest(
        project,
        "from agent import trade\n"
        f"{MARK})\n"
        "def test_it(replay):\n"
        "    with replay.around() as handle:\n"
        "        assert trade('Please sell $1,000 worth of ACME').startswith('Done!')\n"
        "    assert handle.result.verdict == 'reproduced'\n",
    )
    assert "1 passed" in done.stdout, done.stdout


def test_a_marked_test_without_the_fixture_runs_in_a_replay(project: Path) -> None:
    """The body runs around the replay and has to reproduce it; what it asks otherwise is the failure."""
    body = "def test_it():\n    from agent import trade\n    trade('Please sell $%s worth of ACME')\n"
    mark = '@pytest.mark.chronicle("recording.jsonl")\n'
    assert "1 passed" in run_pytest(project, mark + body % "1,000").stdout
    failed = run_pytest(project, mark + body % "2,000").stdout
    assert "1 failed" in failed
    assert "DIVERGED" in failed
    assert "chronicle_otel/" not in failed


def test_a_failing_test_shows_the_report_of_its_replay(project: Path) -> None:
    """Below a failed assertion on a result stands the divergence report, for a person to read."""
    (project / "agent.py").write_text((project / "agent.py").read_text().replace("brokerage assistant", "careful assistant"))
    out = run_pytest(project, f"{MARK})\ndef test_it(replay):\n    assert replay().verdict == 'reproduced'\n").stdout
    assert "- chronicle replay -" in out
    assert "input_changed" in out
    assert "careful assistant" in out


def test_placeholder_credentials_are_there_before_user_code(project: Path) -> None:
    """A module that builds its client at import time can be imported; a real key stays; the setting switches it off."""
    (project / "client.py").write_text("import os\nKEY = os.environ.get('OPENAI_API_KEY')\n")
    test = "from client import KEY\ndef test_it():\n    assert KEY == %r\n"
    assert "1 passed" in run_pytest(project, test % "chronicle-replay-no-key").stdout
    assert "1 passed" in run_pytest(project, test % "mine", env={"OPENAI_API_KEY": "mine"}).stdout
    off = run_pytest(
        project, "from client import KEY\ndef test_it():\n    assert KEY is None\n", "-o", "chronicle_placeholder_credentials=false"
    )
    assert "1 passed" in off.stdout


def test_a_placeholder_is_no_key_to_export_with(project: Path) -> None:
    """Where a placeholder stands for the key, the Agents SDK is told to send no traces with it; with a key of yours all stays as it is."""
    test = "import os\ndef test_it():\n    assert os.environ.get('OPENAI_AGENTS_DISABLE_TRACING') == %r\n"
    assert "1 passed" in run_pytest(project, test % "1").stdout
    assert "1 passed" in run_pytest(project, test % "0", env={"OPENAI_AGENTS_DISABLE_TRACING": "0"}).stdout
    assert "1 passed" in run_pytest(project, test % None, env={"OPENAI_API_KEY": "mine"}).stdout


def test_other_tests_keep_their_network(project: Path) -> None:
    """The guard stands only while a replay is active."""
    done = run_pytest(
        project,
        "import socket\n"
        "def connect():\n"
        "    server = socket.create_server(('127.0.0.1', 0))\n"
        "    socket.create_connection(server.getsockname()).close()\n"
        f"{MARK})\n"
        "def test_one(replay):\n"
        "    with replay.around(), pytest.raises(Exception, match='127.0.0.1'):\n"
        "        connect()\n"
        "def test_two():\n"
        "    connect()\n",
    )
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("def test_it(replay): pass", 'mark it with @pytest.mark.chronicle("recording.jsonl")'),
        ("@pytest.mark.chronicle()\ndef test_it(replay): pass", "with the recording as the only positional"),
        ("@pytest.mark.chronicle(3)\ndef test_it(replay): pass", "with the recording as the only positional"),
        ("@pytest.mark.chronicle('nowhere.jsonl')\ndef test_it(replay): replay()", "nowhere.jsonl"),
        (f"{MARK}, liv=['tool'])\ndef test_it(replay): replay()", "replay has no option 'liv'; known are live, provide,"),
        (f"{MARK}, live=['tools'])\ndef test_it(replay): replay()", "did you mean 'tool'?"),
    ],
)
def test_a_wrong_use_says_what_to_do(project: Path, test: str, message: str) -> None:
    """A missing marker, a wrong one, a wrong option and a missing recording are named, and no code of ours is shown."""
    done = run_pytest(project, test + "\n")
    assert done.returncode == 1
    assert message in done.stdout
    assert "chronicle_otel/" not in done.stdout


def test_a_refusal_is_shown_where_the_users_code_asked(project: Path) -> None:
    """The traceback of a refused call leads through the user's code, and ends there."""
    done = run_pytest(
        project, f"from agent import trade\n{MARK})\ndef test_it(replay):\n    with replay.around():\n        trade('Buy a boat')\n"
    )
    assert "agent.py:" in done.stdout
    assert "Refused: llm openai.chat.completions: no recorded answer fits" in done.stdout
    assert "chronicle_otel/" not in done.stdout


def test_an_unused_plugin_imports_nothing(tmp_path: Path) -> None:
    """In a project that does not use it, the plugin loads no SDK, no reader, no replayer."""
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "HEAVY = {'chronicle_otel.replayer', 'chronicle_otel.reading', 'opentelemetry.sdk', 'openai'}\n"
        "def test_it():\n    assert not HEAVY & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout
