"""Recording into a file and reading it back, the way a user's process and a colleague's laptop would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle


class Tape:
    """A file that is recorded into, and what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        """Run `function` with recording on and give back what it returned, or the exception that it raised."""
        chronicle.init(self.path, instrument=False, **settings)
        try:
            return function(*args)
        except BaseException as error:
            return error
        finally:
            chronicle.shutdown()

    def run(self) -> Any:
        return chronicle.load(self.path)

    def runs(self) -> Any:
        return chronicle.runs(self.path)


@pytest.fixture
def tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tape]:
    monkeypatch.setenv("CHRONICLE_RAISE", "1")
    yield Tape(tmp_path / "tape.jsonl")
    chronicle.shutdown()
