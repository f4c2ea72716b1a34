"""How the command line behaves in a shell: exit codes, errors, pipes, colour, hostile recordings."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Chronicle, environment

VERBS = ("demo", "run", "runs", "show", "replay", "diff", "promote", "check", "doctor")


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example(chronicle: Chronicle, verb: str) -> None:
    """The help of every verb shows how it is used, and every verb can speak JSON."""
    done = chronicle(verb, "--help")
    assert done.returncode == 0
    assert f"\nexamples:\n  chronicle {verb}" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nowhere.jsonl"], "no such file or folder: nowhere.jsonl"),
        (["runs", "empty"], "no recording in the folder empty"),
        (["replay", "notes.jsonl"], "notes.jsonl holds no span of chronicle"),
        (["replay", "nowhere.jsonl", "--", "agent.py"], "no such file or folder: nowhere.jsonl"),
        (["run"], "run: name a script"),
        (["run", "nowhere.py"], "no such script: nowhere.py"),
        (["run", "-m", "nowhere.at.all"], "no module named nowhere.at.all"),
        (["replay", "speech.jsonl", "--", "nowhere.py"], "no such script: nowhere.py"),
        (["replay", "speech.jsonl", "--", "-m", "nowhere"], "no module named nowhere"),
        (["replay", "speech.jsonl", "--", "-m", "speech.py"], "no module named speech.py"),
        (["replay", "speech.jsonl", "--", "empty"], "empty is a folder without a __main__.py"),
        (["run", "empty"], "empty is a folder without a __main__.py"),
        (["run", "-m", "json"], "json is a package without a __main__.py"),
        (["promote", "speech.jsonl", "--entry", "speech:speak", "-o", "test_x.txt"], "test_x.txt: a test module ends in .py"),
        (["promote", "-", "-o", "test_x.py"], "holds no span of chronicle"),
        (["demo", "."], "holds other files"),
        (["replay", "speech.jsonl", "--policy", "nowhere.yaml", "--", "speech.py", "one"], "name the key as well"),
    ],
)
def test_a_wrong_command_is_one_line(chronicle: Chronicle, tmp_path: Path, arguments: list[str], message: str) -> None:
    """A user's mistake is one line on stderr that says what and where, exit code 2, no traceback."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.jsonl").write_text('{"resourceSpans":[]}\n')
    if "speech.jsonl" in arguments:
        (tmp_path / "speech.py").write_text(SCRIPT)
        chronicle("run", "--quiet", "--path", "speech.jsonl", "speech.py", "one")
    done = chronicle(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("chronicle: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_usage_errors_end_with_2(chronicle: Chronicle) -> None:
    """What argparse refuses has the same exit code."""
    assert chronicle("replay").returncode == 2
    assert chronicle("fly").returncode == 2


def test_a_closed_pipe_is_no_error(recorded: Path) -> None:
    """`chronicle show … | head -1` is quiet."""
    command = f"{sys.executable} -m chronicle_otel.cli show {recorded} --json | head -1"
    done = subprocess.run(command, shell=True, env=environment(), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_a_reader_that_leaves_takes_nothing_from_the_verdict(chronicle: Chronicle, tmp_path: Path) -> None:
    """`chronicle replay … | head -1` ends with the exit code of the verdict."""
    (tmp_path / "speech.py").write_text(SCRIPT)
    chronicle("run", "--quiet", "--path", "speech.jsonl", "speech.py", "one")
    replay = f"{sys.executable} -m chronicle_otel.cli replay speech.jsonl -- speech.py two"
    command = f"({replay}; echo $? > code) | true"
    subprocess.run(command, shell=True, cwd=tmp_path, env=environment(), check=True)
    assert (tmp_path / "code").read_text() == "1\n"


def _on_a_terminal(arguments: list[str], **env: str) -> str:
    ours, theirs = pty.openpty()
    settings = {name: value for name, value in environment(env).items() if name != "NO_COLOR" or "NO_COLOR" in env}
    with subprocess.Popen(
        [sys.executable, "-m", "chronicle_otel.cli", *arguments], stdout=theirs, stderr=theirs, env={**settings, "TERM": "xterm"}
    ):
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
    os.close(ours)
    return text.decode()


@pytest.mark.parametrize(("arguments", "code"), [("show", 0), ("replay", 0), ("check --run nope", 2)])
def test_closed_streams_are_no_error(recorded: Path, arguments: str, code: int) -> None:
    """With stdout and stderr closed by the shell nothing is printed, and the exit code is the usual one."""
    verb, *options = arguments.split()
    command = [sys.executable, "-m", "chronicle_otel.cli", verb, "recording.jsonl", *options]
    done = subprocess.run(f"{shlex.join(command)} >&- 2>&-", shell=True, cwd=recorded, env=environment(), timeout=60)
    assert done.returncode == code


def test_colour_is_for_terminals_only(chronicle: Chronicle, recorded: Path) -> None:
    """A terminal gets colour, a pipe never, and NO_COLOR is honoured."""
    assert "\x1b[1m" in _on_a_terminal(["runs", str(recorded)])
    assert "\x1b" not in _on_a_terminal(["runs", str(recorded)], NO_COLOR="1")
    assert "\x1b" not in chronicle("runs", str(recorded), env={"NO_COLOR": ""}).stdout


SCRIPT = """
import sys
import chronicle_otel as chronicle

@chronicle.tool(name="echo")
def echo(text): return text

@chronicle.agent(name="speak")
def speak(text): return echo(text)

for text in sys.argv[1:] if __name__ == "__main__" else ():
    speak(text.encode().decode("unicode_escape"))
"""


def test_control_characters_of_a_recording_never_reach_the_terminal(chronicle: Chronicle, tmp_path: Path) -> None:
    """A recorded escape sequence is printed as text, by every verb."""
    (tmp_path / "speech.py").write_text(SCRIPT)
    chronicle("run", "--quiet", "--path", "hostile.jsonl", "speech.py", r"\x1b[2Jgone\x07 \x9b1m \u202eabc")
    assert "\\u001b[2Jgone" in chronicle("runs", "hostile.jsonl").stdout
    for arguments in (
        ["runs"],
        ["show"],
        ["check"],
        ["replay", "--entry", "speech:speak"],
        ["promote", "--entry", "speech:speak", "-o", "test_it.py"],
    ):
        done = chronicle(arguments[0], "hostile.jsonl", *arguments[1:])
        assert done.stdout
        assert not set(done.stdout + done.stderr) & {"\x1b", "\x9b", "\x07", "\u202e"}


@pytest.mark.parametrize("verb", ["runs", "check"])
def test_a_time_that_no_clock_shows_is_a_finding(chronicle: Chronicle, tmp_path: Path, verb: str) -> None:
    """A span whose time is beyond what OTLP can count is named as no OTLP; the other spans are read."""
    (tmp_path / "speech.py").write_text(SCRIPT)
    chronicle("run", "--quiet", "--path", "two.jsonl", "speech.py", "one", "two")
    lines = (tmp_path / "two.jsonl").read_text().replace('"startTimeUnixNano":"', '"startTimeUnixNano":"99999999999999', 1)
    (tmp_path / "two.jsonl").write_text(lines)
    done = chronicle(verb, "two.jsonl", "--json")
    assert "Traceback" not in done.stderr
    assert len(json.loads(done.stdout)) == 2


def test_a_name_of_several_lines_is_shown_on_one(chronicle: Chronicle, tmp_path: Path) -> None:
    """A line break in a recorded name breaks no line of a list."""
    (tmp_path / "speech.py").write_text(SCRIPT.replace('name="speak"', r'name="a\nb"'))
    chronicle("run", "--quiet", "--path", "two.jsonl", "speech.py", "one", "two")
    assert "a b, 2 steps" in chronicle("check", "two.jsonl").stdout
    assert "a b, 2 steps" in chronicle("show", "two.jsonl").stderr


def test_several_runs_and_none_named_lists_them(chronicle: Chronicle, tmp_path: Path) -> None:
    """Where a source holds several runs and none is named, the error says which there are, and a prefix picks one."""
    (tmp_path / "speech.py").write_text(SCRIPT)
    chronicle("run", "--quiet", "--path", "two.jsonl", "speech.py", "one", "two")
    first, second = json.loads(chronicle("runs", "two.jsonl", "--json").stdout)
    done = chronicle("show", "two.jsonl")
    assert done.returncode == 2
    assert first["id"] in done.stderr
    assert second["id"] in done.stderr
    assert '(text="two")' in chronicle("show", "two.jsonl", "--run", second["id"][:10]).stdout
