"""Runs the samples of a Markdown document and says where what they print differs; refills the document if asked to.

```console           commands behind "$ " and their output, run in order in one folder
```python            run as a script of its own
```python file=NAME  (any language) a file of that folder, there before the first command behind it
```sh, ```yaml, …    not run
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import WITHOUT, environment

_BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = re.compile(r"\b[0-9a-f]{12}(?:[0-9a-f]{20})?\b")
"""An id of a run or trace, whole or its beginning."""
HOME = "/home/you"
"""What documents call the folder that their commands begin in."""
_VARYING = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<run>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\dZ?)?"), "<time>"),
    (re.compile(r"\brun-\d{8}T\d{6}Z-\d+-[0-9a-f]{4}\b"), "run-<id>"),
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
    file: str = ""
    """Its name, where the block is a file."""


@dataclass(slots=True)
class Shell:
    """What a reader of the document has in front of him; commands change it."""

    folder: Path
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    """Addresses and folders of the document's servers, and which ones they are here. Outputs are written with those of the document."""
    patience: float = 0
    """Seconds for which a list of runs is asked for again, until it is the one that is shown: stores take their time."""
    variables: dict[str, str] = field(default_factory=dict[str, str])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of runs in the document, and what stands in their place here: a reader would copy them from an output above."""

    def until(self, command: str, shown: str) -> str:
        """Run a command; where it asks for what a store may not show yet, again and again."""
        printed = self.run(command)
        patience = self.patience if shown else min(self.patience, 5)  # what nobody has written yet does not come
        deadline = time.monotonic() + (patience if command.startswith("chronicle runs ") else 0)
        while stable(self.there(printed)) != stable(shown) and time.monotonic() < deadline:
            time.sleep(0.5)
            printed = self.run(command)
        return printed

    def run(self, command: str) -> str:
        """Run one command as a shell would; return what it prints."""
        command = self.here(command)
        if command.startswith("cd "):
            self.folder /= command[3:]
            return ""
        if command.startswith("export "):
            name, _, value = command[7:].partition("=")
            self.variables[name] = value
            return ""
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        more = {"PATH": path, "COLUMNS": "100", "PYTEST_ADDOPTS": f"{WITHOUT} -p no:cacheprovider", **self.variables}
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=environment(more), capture_output=True, text=True, encoding="utf-8", timeout=180
        )
        return (done.stdout + done.stderr).rstrip()

    def learn(self, shown: str, printed: str) -> None:
        """Remember which id of an output stands for which one of the document."""
        for said, here in zip(_RUN.findall(shown), _RUN.findall(printed), strict=False):
            self.ids |= {said: here, said[:12]: here[:12]}

    def here(self, text: str) -> str:
        """Write a command with the places and ids of this time."""
        for said, here in self.places.items():
            text = text.replace(said, here)
        return _RUN.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def there(self, text: str) -> str:
        """Write an output with the places and ids of the document."""
        for said, here in self.places.items():
            text = text.replace(here, said)
        said = {here: said for said, here in self.ids.items()}
        return _RUN.sub(lambda found: said.get(found[0], found[0]), text)


def samples(document: str) -> Iterator[Sample]:
    """Yield the fenced blocks."""
    for match in _BLOCK.finditer(document):
        yield Sample(match[1], match[3], (match.start(3), match.end(3)), match[2] or "")


def stable(text: str) -> str:
    """Write text without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text.strip()


def played(sample: Sample, shell: Shell) -> str:
    """Run a console block; return it with the output that it gives now."""
    text: list[str] = []
    for part in re.split(r"^(?=\$ )", sample.text, flags=re.MULTILINE):
        command, _, shown = part.partition("\n")
        if command.startswith("$ "):
            printed = shell.until(command[2:], shown)
            shell.learn(shown, printed)
            text += [command, *shell.there(printed).splitlines()]
    return "".join(f"{line.rstrip()}\n" for line in text)


def run_script(sample: Sample, folder: Path) -> str:
    """Run a Python block; return what went wrong, or nothing."""
    folder.mkdir(parents=True)
    (folder / "sample.py").write_text(sample.text)
    done = subprocess.run([sys.executable, "sample.py"], cwd=folder, env=environment(), capture_output=True, text=True)
    return done.stderr


def check(path: Path, folder: Path, places: Mapping[str, str] | None = None, patience: float = 0) -> list[str]:
    """Run every sample of a document; return what differs. With CHRONICLE_REFILL set, write the outputs into it as well.

    `places`, `patience`: as of a Shell.
    """
    document = path.read_text(encoding="utf-8")
    wrong: list[str] = []
    filled: list[tuple[tuple[int, int], str]] = []
    shell = Shell(folder / "console", {**(places or {}), HOME: str(folder / "console")}, patience)
    shell.folder.mkdir()
    for number, sample in enumerate(samples(document)):
        if sample.file:
            (shell.folder / sample.file).write_text(shell.here(sample.text), encoding="utf-8")
        elif sample.language == "python":
            error = run_script(sample, folder / f"sample-{number}")
            wrong += [f"{sample.text}\n{error}"] if error else []
        elif sample.language == "console":
            text = played(sample, shell)
            if stable(text) != stable(sample.text):
                filled.append((sample.span, text))
                wrong.append(f"--- in {path.name}\n{sample.text}\n--- now\n{text}")
    if os.environ.get("CHRONICLE_REFILL"):
        for (start, end), text in reversed(filled):
            document = document[:start] + text + document[end:]
        path.write_text(document, encoding="utf-8")
    return wrong
