"""Facts about the project that would otherwise rot: entry points, lock files, layers, documents."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, environment

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def entry_points() -> list[str]:
    """Every object that pyproject.toml names as an entry point."""
    named = list(PROJECT["project"]["scripts"].values())
    for group in PROJECT["project"]["entry-points"].values():
        named += group.values()
    return named


@pytest.mark.parametrize("name", entry_points())
def test_entry_points_exist(name: str) -> None:
    """What installers and OpenTelemetry are told to load is there."""
    module, _, attribute = name.partition(":")
    loaded = importlib.import_module(module)
    assert not attribute or hasattr(loaded, attribute)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_has_its_reason(lock: Path) -> None:
    """A lock file names one version per package, why it is there, and no host."""
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.+!]+ +# .+", line)] == []
    assert not re.search(r"https?:|--hash|index-url|find-links", lock.read_text())


def test_the_lock_has_every_direct_dependency() -> None:
    """Nothing that the project imports is left to the day's newest version."""
    pinned = {line.split("==")[0] for line in (ROOT / "requirements" / "openai3.txt").read_text().splitlines()}
    direct = {re.split(r"[<>=!~ \[]", spec)[0].lower() for spec in PROJECT["project"]["dependencies"]}
    assert direct <= pinned


def test_imports_point_down_only() -> None:
    """The layers of the architecture hold."""
    pytest.importorskip("importlinter", reason="a tool of make check")
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_decorators_keep_signatures_and_types() -> None:
    """A strict type checker sees the decorated functions as they were written, and refuses wrong calls of them."""
    pytest.importorskip("pyright", reason="a tool of make check")
    sample = "tests/project/typing_samples.py"
    done = subprocess.run([sys.executable, "-m", "pyright", sample], cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_files_are_of_a_size_to_read() -> None:
    """A module that grows past 500 lines asks which second thing lives in it."""
    sizes = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in (ROOT / "chronicle_otel").rglob("*.py")}
    assert {name: size for name, size in sizes.items() if size > 500} == {}


def test_no_drawer_modules() -> None:
    """No utils.py, helpers.py, common.py or misc.py: a module is named after what it does."""
    assert [path for path in (ROOT / "chronicle_otel").rglob("*.py") if path.stem in ("utils", "helpers", "common", "misc", "util")] == []


def test_contributing_stays_short() -> None:
    """CONTRIBUTING.md is read in one go."""
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 150
