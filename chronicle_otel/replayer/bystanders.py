"""Threads that libraries keep beside a run: exporters of a framework's own traces, telemetry.

network attempt ──► in a thread that a library began, no code of the user's on its stack ──► blocked, and noted
                └── else ──► blocked, and a divergence

Such a thread works on its own time: whether it comes to its next request while a replay lasts says nothing about the code.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Final

from ..recording import ambient

_PACKAGES: Final = ("site-packages", "dist-packages")
_THREADING: Final = threading.__file__
_POOLS: Final = frozenset({"anyio", "trio"})
"""Libraries whose threads do what others ask of them, as those of the standard library's pools do."""


def library_at_work() -> str | None:
    """Name the library whose own background thread is running; None where the thread is, or runs, anything else."""
    if threading.current_thread() is threading.main_thread():
        return None
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  the stack without its sources
    begun_by = ""
    while frame is not None:
        if ambient.is_users(frame):
            return None
        file = frame.f_code.co_filename
        if file != _THREADING and not ambient.is_own(file):
            begun_by = file
        frame = frame.f_back
    parts = Path(os.path.abspath(begun_by)).parts
    at = max((n for n, part in enumerate(parts) if part in _PACKAGES), default=-1)
    name = parts[at + 1].removesuffix(".py") if at >= 0 else None
    return name if name not in _POOLS else None
