"""What is printed and how: colour and progress only on a terminal, never a control character out of a recording."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def safe(text: str) -> str:
    """Escape terminal control characters and text direction overrides; newlines and tabs stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}" if ord(match[0]) < 256 else f"\\u{ord(match[0]):04x}", text)


def one_line(text: str, width: int) -> str:
    """Bring text to one safe line of at most `width` characters."""
    text = safe(" ".join(text.split()))
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def coloured(stream: TextIO) -> bool:
    """Whether colour may be written: a terminal, and NO_COLOR unset (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str, stream: TextIO | None = None) -> str:
    """Colour text for a stream (default stdout) if that is a terminal."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if coloured(stream or sys.stdout) else text


def say(text: str = "") -> None:
    """Print text that may come from a recording."""
    print(safe(text))


def print_json(tree: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(tree, indent=2, ensure_ascii=False, default=repr))


@contextlib.contextmanager
def progress(label: str) -> Iterator[None]:
    """Show on a terminal's stderr what takes long, from the first second on, and wipe it at the end."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()

    shown = False

    def tick() -> None:
        nonlocal shown
        start = time.monotonic()
        while not done.wait(1.0):
            shown = True
            sys.stderr.write(f"\r{label} … {time.monotonic() - start:.0f} s")
            sys.stderr.flush()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
