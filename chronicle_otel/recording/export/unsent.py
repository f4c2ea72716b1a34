"""Spans that no endpoint took, kept as OTLP JSON lines until `chronicle send` posts them; bounded, over all processes of a folder.

spans ──► lines ──► one append under the file's lock        (a file that `send` has just removed is made anew)
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ..file_exporter import exclusive, lines_of, span_text
from ..file_spans import FileSpan

SUFFIX = ".jsonl"


class Unsent:
    """A folder of unsent spans; this process writes one file in it."""

    def __init__(self, folder: str, limit: int) -> None:
        """`limit` bounds the bytes of all files in the folder together."""
        self.folder = os.path.abspath(os.path.expanduser(folder))
        self._limit = limit
        self._name: str | None = None

    def add(self, resource: Any, scope: Any, spans: Sequence[FileSpan]) -> int:
        """Write spans, and return how many: fewer where the folder is full. OSError if it cannot be written."""
        lines = lines_of([(resource, scope, span_text(span)) for span in spans])
        room = self._limit - self._used()
        if sum(map(len, lines)) > room:
            return self._add_what_fits(resource, scope, spans, room)
        self._append(lines)
        return len(spans)

    def _add_what_fits(self, resource: Any, scope: Any, spans: Sequence[FileSpan], room: int) -> int:
        written = 0
        for span in spans:
            lines = lines_of([(resource, scope, span_text(span))])
            room -= sum(map(len, lines))
            if room < 0:
                break
            self._append(lines)
            written += 1
        return written

    def forget(self) -> None:
        """In a forked child: write to a file of its own."""
        self._name = None

    def _used(self) -> int:
        try:
            with os.scandir(self.folder) as entries:
                return sum(entry.stat().st_size for entry in entries if entry.name.endswith(SUFFIX))
        except FileNotFoundError:
            return 0

    def _append(self, lines: Sequence[bytes]) -> None:
        with self._opened() as descriptor:
            before = os.fstat(descriptor).st_size
            try:
                for line in lines:
                    view = memoryview(line)
                    while view:
                        view = view[os.write(descriptor, view) :]
            except OSError:  # the disk is full: a torn line would swallow the next one
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, before)
                raise

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        if self._name is None:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            self._name = os.path.join(self.folder, f"unsent-{stamp}-{os.getpid()}-{secrets.token_hex(2)}{SUFFIX}")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        while True:
            descriptor = os.open(self._name, flags, 0o600)
            try:
                with exclusive(descriptor):
                    if os.fstat(descriptor).st_nlink == 0:  # sent and removed between the opening and the lock
                        continue
                    yield descriptor
                    return
            finally:
                os.close(descriptor)
