"""`chronicle promote`: the test that it writes is green on the fix and on a refactoring of it, red on the old code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Chronicle, environment

HARMLESS = "all(order.input['quantity'] <= 6 for order in calls('submit_order'))"
PROMOTE = ("promote", "recording.jsonl", "--live", "tool:place_order", "--assert", HARMLESS, "-o", "tests/test_order.py")


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a user does: no PYTHONPATH to the folder, no network, no key."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder / "tests", env=environment(), capture_output=True, text=True)


@pytest.fixture(scope="module")
def promoted_once(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the incident, fixed, with the test that was promoted; copy it to change it."""
    folder = tmp_path_factory.mktemp("promoted") / "incident"
    shutil.copytree(recorded, folder)
    shutil.copy(folder / "agent_fixed.py", folder / "agent.py")
    command = [sys.executable, "-m", "chronicle_otel.cli", *PROMOTE]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def promoted(promoted_once: Path, tmp_path: Path) -> Path:
    """A copy of the folder of the incident, fixed and promoted."""
    shutil.copytree(promoted_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_green_on_the_fix_and_under_xdist(promoted: Path) -> None:
    """The promoted test passes on the code that it was promoted with, also side by side with others."""
    assert run_pytest(promoted).returncode == 0
    shutil.copy(promoted / "tests" / "test_order.py", promoted / "tests" / "test_again.py")
    assert run_pytest(promoted, "-n", "2").returncode == 0


def test_green_on_a_refactoring(promoted: Path) -> None:
    """The guardrail moved inline, functions renamed, another wording and outcome of the refusal: still green."""
    source = (promoted / "agent.py").read_text()
    source = source.replace('@chronicle.guardrail(name="within_instruction")\n', "").replace("within_instruction", "problem_with")
    (promoted / "agent.py").write_text(
        source.replace('{"status": "rejected", "reason": problem}', '{"status": "refused", "because": problem}')
    )
    done = run_pytest(promoted)
    assert done.returncode == 0, done.stdout


def test_red_on_the_old_code_with_a_report(recorded: Path, promoted: Path) -> None:
    """On the old agent the test fails, and what it prints is the report and nothing of our insides."""
    shutil.copy(recorded / "agent.py", promoted / "agent.py")
    done = run_pytest(promoted)
    assert done.returncode == 1
    assert "the verdict is still_failing, this test was promoted as fixed" in done.stdout
    assert f"the assertion does not hold: {HARMLESS}" in done.stdout
    assert "STILL FAILING" in done.stdout
    assert "chronicle_otel/" not in done.stdout


def test_the_test_says_what_the_replay_showed(promoted: Path) -> None:
    """Verdict, assertion, and each divergence by kind, Step and occurrence stand in the test; the recording has only this run."""
    text = (promoted / "tests" / "test_order.py").read_text()
    assert 'verdict="fixed",' in text
    assert 'Departure("input_changed", "llm:openai.chat.completions", 2),' in text
    assert 'Departure("missing_step", "effect:submit_order", 0),' in text
    assert 'root=HERE / "..",' in text
    compile(text, "test_order.py", "exec")
    lines = (promoted / "tests" / "test_order.jsonl").read_text().splitlines()
    assert len(lines) == 9


def test_only_the_run_that_was_promoted_is_written(chronicle: Chronicle, tmp_path: Path) -> None:
    """Of a source with several runs the recording holds one."""
    (tmp_path / "twice.py").write_text(
        "import chronicle_otel as chronicle\n"
        "@chronicle.agent(name='twice')\ndef twice(n): return 2 * n\n"
        "if __name__ == '__main__': twice(1); twice(2)\n"
    )
    chronicle("run", "--path", "both.jsonl", "twice.py")
    _, second = json.loads(chronicle("runs", "both.jsonl", "--json").stdout)
    done = chronicle("promote", "both.jsonl", "--run", second["id"][:8], "--entry", "twice:twice", "-o", ".", "--json")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert (written["test"], written["verdict"], written["departures"]) == ("test_twice.py", "reproduced", [])
    assert [run["id"] for run in json.loads(chronicle("runs", written["recording"], "--json").stdout)] == [second["id"]]


def test_an_assertion_has_to_state_the_harm(chronicle: Chronicle, incident: Path) -> None:
    """An assertion that is still false on the replay, or true on the recording, is refused and nothing is written."""
    still = chronicle(*PROMOTE)
    assert still.returncode == 1
    assert still.stdout.startswith("STILL FAILING")
    assert still.stderr.startswith("chronicle: not promoted: the assertion is still false on the replay")
    assert still.stderr.count("\n") == 1
    shutil.copy(incident / "agent_fixed.py", incident / "agent.py")
    vague = chronicle("promote", "recording.jsonl", "--live", "tool:place_order", "--assert", "True", "-o", "tests/test_order.py")
    assert vague.returncode == 2
    assert "the assertion is true on the recording already" in vague.stderr
    wrong = chronicle("promote", "recording.jsonl", "--assert", "all(", "-o", "tests/test_order.py")
    assert wrong.returncode == 2
    assert not (incident / "tests").exists()


def test_nothing_is_overwritten_unasked(chronicle: Chronicle, promoted: Path) -> None:
    """An existing test stays unless --force is given."""
    (promoted / "tests" / "test_order.py").write_text("# mine\n")
    done = chronicle(*PROMOTE)
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert (promoted / "tests" / "test_order.py").read_text() == "# mine\n"
    assert chronicle(*PROMOTE, "--force").returncode == 0
    assert sorted(path.name for path in (promoted / "tests").iterdir()) == ["test_order.jsonl", "test_order.py"]


def test_names_that_pytest_would_not_collect_are_refused(chronicle: Chronicle, incident: Path) -> None:
    """The output has to be a test module, or a folder for one."""
    assert "call it test_order" not in chronicle("promote", "recording.jsonl", "-o", "order.py").stdout
    done = chronicle("promote", "recording.jsonl", "-o", "order.py")
    assert (done.returncode, done.stderr) == (2, "chronicle: order.py: pytest collects test_*.py; call it test_order.py\n")


def test_a_script_run_is_promoted_with_its_script(chronicle: Chronicle, tmp_path: Path) -> None:
    """A run whose entry is a script needs the script behind --; the test runs it again."""
    (tmp_path / "plain.py").write_text("import chronicle_otel as chronicle\nprint(chronicle.tool.call('double', lambda n: 2 * n, 4))\n")
    chronicle("run", "--path", "plain.jsonl", "plain.py")
    without = chronicle("promote", "plain.jsonl", "-o", "tests/test_plain.py")
    assert (without.returncode, "is a script: name it" in without.stderr) == (2, True)
    done = chronicle("promote", "plain.jsonl", "-o", "tests/test_plain.py", "--", "plain.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert run_pytest(tmp_path).returncode == 0
    (tmp_path / "plain.py").write_text("import chronicle_otel as chronicle\nprint(chronicle.tool.call('double', lambda n: 2 * n, 5))\n")
    assert run_pytest(tmp_path).returncode == 1


def test_a_module_run_is_promoted_with_its_module(chronicle: Chronicle, tmp_path: Path) -> None:
    """A run that `chronicle run -m` recorded becomes a test that runs the module again."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").touch()
    (tmp_path / "jobs" / "double.py").write_text(
        "import chronicle_otel as chronicle\nprint(chronicle.tool.call('double', lambda n: 2 * n, 4))\n"
    )
    chronicle("run", "--path", "module.jsonl", "-m", "jobs.double")
    done = chronicle("promote", "module.jsonl", "-o", "tests/test_module.py", "--", "-m", "jobs.double")
    assert done.returncode == 0, done.stdout + done.stderr
    assert run_pytest(tmp_path).returncode == 0
    without = chronicle("promote", "module.jsonl", "-o", "tests/test_other.py", "--", "-m")
    assert (without.returncode, without.stderr) == (2, "chronicle: promote: -m wants the name of a module\n")
