"""Runs the samples of a Markdown document and says where what they print differs; refills the document if asked to.

```console   commands behind "$ " and their output, run in order in one folder     ```python   run as a script of its own
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import environment

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "<run>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "<time>"),
    (re.compile(r" +\d+(\.\d+)? (ms|µs|s|min)\b"), " <duration>"),
    (re.compile(r"\bin \d+\.\d+s"), "in <duration>"),
    (re.compile(r"\(\d+(\.\d+)? kB\)"), "(<size>)"),
    (re.compile(r"=+"), "="),
    (re.compile(r"_{3,}"), "___"),
    (re.compile(r" +\[100%\]"), " [100%]"),
)
"""What differs from run to run, and how it is written for the comparison."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One fenced block of a document."""

    language: str
    text: str
    span: tuple[int, int]


def samples(document: str) -> Iterator[Sample]:
    """Yield the fenced blocks."""
    for match in _BLOCK.finditer(document):
        yield Sample(match[1], match[2], (match.start(2), match.end(2)))


def stable(text: str) -> str:
    """Write text without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text.strip()


def run(command: str, folder: Path) -> tuple[str, Path]:
    """Run one command as a shell would; return its output and the folder after it."""
    if command.startswith("cd "):
        return "", folder / command[3:]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    env = environment({"PATH": path, "COLUMNS": "100", "PYTEST_ADDOPTS": "-p no:cacheprovider"})
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8")
    return (done.stdout + done.stderr).rstrip(), folder


def played(sample: Sample, folder: Path) -> tuple[str, Path]:
    """Run a console block; return it with the output that it gave, and the folder after it."""
    text: list[str] = []
    for line in sample.text.splitlines():
        if line.startswith("$ "):
            output, folder = run(line[2:], folder)
            text += [line, *output.splitlines()]
    return "".join(f"{line.rstrip()}\n" for line in text), folder


def run_script(sample: Sample, folder: Path) -> str:
    """Run a Python block; return what went wrong, or nothing."""
    folder.mkdir(parents=True)
    (folder / "sample.py").write_text(sample.text)
    done = subprocess.run([sys.executable, "sample.py"], cwd=folder, env=environment(), capture_output=True, text=True)
    return done.stderr


def check(path: Path, folder: Path) -> list[str]:
    """Run every sample of a document; return what differs. With CHRONICLE_REFILL set, write the outputs into it instead."""
    document = path.read_text(encoding="utf-8")
    wrong: list[str] = []
    filled: list[tuple[tuple[int, int], str]] = []
    console = folder / "console"
    console.mkdir()
    for number, sample in enumerate(samples(document)):
        if sample.language == "python":
            error = run_script(sample, folder / f"sample-{number}")
            wrong += [f"{sample.text}\n{error}"] if error else []
        elif sample.language == "console":
            text, console = played(sample, console)
            if stable(text) != stable(sample.text):
                filled.append((sample.span, text))
                wrong.append(f"--- in {path.name}\n{sample.text}\n--- now\n{text}")
    if os.environ.get("CHRONICLE_REFILL"):
        for (start, end), text in reversed(filled):
            document = document[:start] + text + document[end:]
        path.write_text(document, encoding="utf-8")
    return wrong
