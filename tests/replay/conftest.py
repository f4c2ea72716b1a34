"""Record → file → load → replay, with a world that answers differently each time, so that nothing live can hide."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle


class World:
    """What lies outside the agent: every answer carries the epoch, and every execution is counted."""

    def __init__(self) -> None:
        self.epoch = 1
        self.ran: list[str] = []

    def answers(self, what: str) -> str:
        self.ran.append(what)
        return f"{what}@{self.epoch}.{len(self.ran)}"


class Lab:
    """Records runs into files and replays them in a later epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World()
        self.count = 0
        self.value: Any = None

    def record_all(self, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        """Run `function` with recording on; return the Runs that the file holds. Its value, or its exception, is `lab.value`."""
        self.count += 1
        path = self.folder / f"{self.count}.jsonl"
        chronicle.init(path, instrument=False, **settings)
        try:
            self.value = function(*args)
            if inspect.iscoroutine(self.value):
                self.value = asyncio.run(self.value)
        except BaseException as error:
            self.value = error
        finally:
            chronicle.shutdown()
        self.world.epoch += 1
        self.world.ran.clear()
        return chronicle.runs(path)

    def record(self, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        runs = self.record_all(function, *args, **settings)
        assert len(runs) == 1
        return runs[0]

    def replay(self, run: Any, function: Callable[..., Any], **options: Any) -> Any:
        """Replay from an entry; `lab.world.ran` then says what was really executed."""
        self.world.ran.clear()
        return chronicle.replay(run, entry=function, **options)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("CHRONICLE_RAISE", "1")
    yield Lab(tmp_path)
    chronicle.shutdown()


def kinds(result: Any) -> list[str]:
    """The divergences as `kind at step`."""
    return [f"{d.kind} at {d.step.name}" for d in result.divergences]


def levels(result: Any) -> list[str]:
    """The served Steps as `step level`."""
    return [f"{s.step.name} {s.level}" + (" ambiguous" if s.ambiguous else "") for s in result.served]
