"""The story in five steps, each a command that the reader could type, run in a folder that he can look at afterwards.

1 record ──► 2 show ──► 3 replay: reproduced ──► 4 fix, replay: fixed ──► 5 promote, pytest: green, and red on the old code
"""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..errors import UsageError
from .model import INSTRUCTION, answer
from .provider import Provider

RECORDING = "recording.jsonl"
TEST = "test_order.py"
HARMLESS = "all(order.input['quantity'] <= 6 for order in calls('submit_order'))"
"""$1,000 are 5.26 shares of ACME at $190."""
FILES = ("agent.py", "agent_before.py", "agent_fixed.py", "pyproject.toml", RECORDING, TEST, "test_order.jsonl")
"""All that the demo writes."""
_KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL")


@dataclass(frozen=True, slots=True)
class Scene:
    """One command of the story and what came of it."""

    step: int
    text: str
    """What the reader is told before it."""
    command: str
    """As he would type it."""
    output: str
    exit_code: int
    expected: int
    """The exit code that the story wants."""


def prepare(folder: Path) -> None:
    """Write the agents into the folder. UsageError if something else is in it."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"demo: {folder} is a file; name a folder")
    foreign = [entry.name for entry in folder.iterdir() if entry.name not in (*FILES, "__pycache__")] if folder.exists() else []
    if foreign:
        raise UsageError(f"demo: {folder} holds other files ({foreign[0]}); name an empty or a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    for source, target in (("agent.py", "agent.py"), ("agent.py", "agent_before.py"), ("agent_fixed.py", "agent_fixed.py")):
        (folder / target).write_text(resources.files("chronicle_otel.demo").joinpath(source).read_text())
    (folder / "pyproject.toml").write_text('[tool.chronicle]\nmodules = ["agent"]  # entries of recorded runs may be started from here\n')


def fix(folder: Path) -> str:
    """Put the fixed agent in place of the old one; return the difference as a text."""
    before, after = [(folder / name).read_text().splitlines() for name in ("agent.py", "agent_fixed.py")]
    shutil.copy(folder / "agent_fixed.py", folder / "agent.py")
    changed = difflib.unified_diff(before, after, "agent.py", "agent_fixed.py", n=1, lineterm="")
    return "\n".join(changed)


def scenes(folder: Path, begin: Callable[[int, str, str], None]) -> Iterator[Scene]:
    """Play the story; `begin` is told step, text and command before each."""

    def play(step: int, text: str, command: Sequence[str], *, expected: int = 0, more: Mapping[str, str] | None = None) -> Scene:
        typed = " ".join(_quoted(word) for word in command)
        begin(step, text, typed)
        module = {"chronicle": "chronicle_otel.cli", "pytest": "pytest"}[command[0]]
        environment = {name: value for name, value in os.environ.items() if name not in _KEYS}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": _path(), "COLUMNS": "140", "NO_COLOR": "1", **(more or {})}
        run = subprocess.run(
            [sys.executable, "-m", module, *command[1:]],
            cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
        return Scene(step, text, typed, (run.stdout + run.stderr).rstrip(), run.returncode, expected)

    with Provider(answer) as provider:
        yield play(
            1,
            f"A customer writes: {INSTRUCTION!r}. The model takes the dollars for shares; every call succeeds.",
            ["chronicle", "run", "--path", RECORDING, "agent.py", INSTRUCTION],
            more={"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "not-a-key"},
        )
        hits = provider.hits
    yield play(
        2,
        f"Nothing raised, and $190,000 of ACME are gone. The model was asked {hits} times; now it is switched off for good.\n"
        "What happened, from the recording:",
        ["chronicle", "show", RECORDING],
    )
    yield play(
        3,
        "Another process re-executes the agent from the recording: no network, no key, and the tools stay untouched.",
        ["chronicle", "replay", RECORDING],
    )
    replay = [RECORDING, "--live", "tool:place_order", "--assert", HARMLESS]
    change = fix(folder)
    yield play(
        4,
        f"The fix: a guardrail that compares the order with the amount the customer named.\n\n{change}\n\n"
        "Replayed with place_order live. The broker behind it is an effect: it is answered from the recording, never called.",
        ["chronicle", "replay", *replay],
    )
    yield play(5, "The run becomes a test.", ["chronicle", "promote", *replay, "-o", TEST])
    yield play(5, "Green on the fixed agent,", ["pytest", "-q", "-p", "no:cacheprovider", TEST])
    shutil.copy(folder / "agent_before.py", folder / "agent.py")
    try:
        yield play(5, "and red on the old one:", ["pytest", "-q", "-p", "no:cacheprovider", TEST], expected=1)
    finally:
        shutil.copy(folder / "agent_fixed.py", folder / "agent.py")


def _path() -> str:
    """PYTHONPATH for the commands, where the package was found there and is not installed."""
    return os.pathsep.join(filter(None, (str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH"))))


def _quoted(word: str) -> str:
    if not any(character in word for character in " '\"$()[]<>*"):
        return word
    return f'"{word}"' if "'" in word else f"'{word}'"
