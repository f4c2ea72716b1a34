"""What tests of every area may use: the command line as a user runs it, and the recorded run of the demo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Generated tests judge results, never time: machines differ, and are busy. They try the same examples every time, so that a change
# is judged and not chance; `pytest --hypothesis-profile search` looks for new ones.
settings.register_profile("chronicle", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", settings.get_profile("chronicle"), derandomize=False, max_examples=2_000)
settings.load_profile("chronicle")

ROOT = Path(__file__).resolve().parent.parent
WITHOUT = "-p no:hypothesispytest -p no:anyio"
"""Plugins of ours that the pytest of a child process would import, and rewrite, for nothing."""
Chronicle = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_xdist_auto_num_workers() -> int:
    """Return the workers of `-n auto`: one more than cores, since many tests wait for a process or a server of theirs."""
    return min(8, (os.cpu_count() or 1) + 1)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of child processes: no keys, the package importable, plain output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "OTEL_", "PYTEST_", "CHRONICLE_", "COV"))}
    fixed = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": WITHOUT, "NO_COLOR": "1", "COLUMNS": "160"}
    return {**kept, **fixed, **(more or {})}


@pytest.fixture
def chronicle(tmp_path: Path) -> Chronicle:
    """Run `chronicle ARGUMENTS` in the test's folder; `env` and `input` as of subprocess."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, input: str | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chronicle_otel.cli", *arguments]
        return subprocess.run(
            command, cwd=cwd or tmp_path, env=environment(env), input=input, capture_output=True, text=True, encoding="utf-8", timeout=120
        )

    return run


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's agent and its recorded run, as `chronicle run` left them; copy it to change it."""
    pytest.importorskip("openai")
    folder = tmp_path_factory.mktemp("recorded")
    for name in ("agent.py", "agent_fixed.py"):
        shutil.copy(ROOT / "chronicle_otel" / "demo" / name, folder / name)
    (folder / "pyproject.toml").write_text('[tool.chronicle]\nmodules = ["agent"]\n')
    command = [sys.executable, "-m", "chronicle_otel.demo.offline", sys.executable, "-m", "chronicle_otel.cli"]
    command += ["run", "--quiet", "--path", "recording.jsonl", "agent.py", "Please sell $1,000 worth of ACME"]
    subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def incident(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the recorded folder, to change the agent in."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    return tmp_path
