"""PEM blocks: the framing stays, the body goes. A block without its end runs to the end of the text."""

from __future__ import annotations

import re
from typing import Final

from ..found import Found, Piece, Scope, text
from ..recognise import is_secret

_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_END: Final = re.compile(rb"-----END ([A-Z0-9 ]{1,40})-----")
_BLANKS: Final = re.compile(rb"[ \t\r\n]+")
_LABELS: Final = (b"PRIVATE KEY", b"CERTIFICATE", b"MESSAGE", b"SECRET")


def blocks(part: bytes) -> list[tuple[int, int, int, int]]:
    """Return start and end of every block and of its body."""
    made: list[tuple[int, int, int, int]] = []
    at = 0
    while True:
        begin = _BEGIN.search(part, at)
        end = _END.search(part, at)
        if end is not None and (begin is None or end.start() < begin.start()):
            if _wanted(end[1]):
                made.append((at, end.end(), at, end.start()))
            at = end.end()
            continue
        if begin is None:
            return made
        stop = _END.search(part, begin.end())
        body_end, block_end = (stop.start(), stop.end()) if stop is not None else (len(part), len(part))
        if _wanted(begin[1]):
            made.append((begin.start(), block_end, begin.end(), body_end))
        at = block_end


def _wanted(label: bytes) -> bool:
    return any(known in label for known in _LABELS)


def body(part: bytes, start: int, end: int) -> bytes:
    """Return a body without its blanks."""
    return _BLANKS.sub(b"", part[start:end])


class Pem:
    """keys, certificates and messages."""

    name = "pem"
    cores = (r"-----(?:BEGIN|END) [A-Z0-9 ]{1,40}-----",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the blocks that have a body."""
        made: list[Found] = []
        for start, end, body_start, body_end in blocks(part):
            content = body(part, body_start, body_end)
            if content and not is_secret(content):
                made.append(Found(start, end, self.name, (Piece(body_start, body_end, "pem", text(content)),), text(content)))
        return made
