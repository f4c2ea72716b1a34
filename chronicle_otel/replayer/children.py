"""Child processes that a replay starts are named in its report: what runs in them is no part of it, and may really ask models and tools.

    subprocess.Popen, multiprocessing's start, os.system ──► a note at the Step that started it

Wrappers that are there while a replay is active, as those of the network guard.
"""

from __future__ import annotations

import functools
import multiprocessing.process
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Final

from ..recording import interceptor as seams
from .crossing import Place

_lock = threading.RLock()
_active = 0
_originals: list[tuple[Any, str, Any]] = []
_MOST: Final = 3
"""Notes at one Step: a pool starts many alike."""


class ChildProcesses:
    """Notes the start of child processes while it is entered."""

    def __enter__(self) -> ChildProcesses:
        global _active
        with _lock:
            _active += 1
            if _active == 1:
                _wrap(subprocess.Popen, "__init__", _opened)
                _wrap(multiprocessing.process.BaseProcess, "start", _started)
                _wrap(os, "system", _program)
        return self

    def __exit__(self, *_: object) -> None:
        global _active
        with _lock:
            _active -= 1
            if _active == 0:
                while _originals:
                    owner, name, real = _originals.pop()
                    setattr(owner, name, real)


def _wrap(owner: Any, name: str, named: Callable[..., str]) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        _note(named, args, kwargs)
        return real(*args, **kwargs)

    _originals.append((owner, name, real))
    setattr(owner, name, wrapper)


def _note(named: Callable[..., str], args: Any, kwargs: Any) -> None:
    place = seams.current.get()
    if not isinstance(place, Place) or place.happened is None or place.replayer.closed:
        return
    try:
        what = named(*args, **kwargs)
    except Exception:  # a call that is wrong says so itself
        return
    notes = place.happened.notes
    text = f"it started {what}: what runs in there is not replayed, and may really ask models and tools; make the call a boundary"
    note = ("child_process", text)
    if note not in notes and sum(kind == "child_process" for kind, _ in notes) < _MOST:
        notes.append(note)


def _opened(_popen: Any, args: Any, *_rest: Any, **_more: Any) -> str:
    return _program(args)


def _started(process: Any) -> str:
    return f"Python process {process.name}"


def _program(command: Any) -> str:
    """The program's name alone: arguments may hold what a report must not show."""
    alone = isinstance(command, (str, bytes)) or hasattr(command, "__fspath__")
    program: Any = command if alone else next(iter(command))
    words = os.fsdecode(program).split()
    return f"the process {PurePath(words[0]).name}" if words else "a process"
