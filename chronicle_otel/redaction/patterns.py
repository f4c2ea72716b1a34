"""RE2 patterns on bytes: the built-in cores, and what a policy of the user's may contain.

Python's own `re` is no substitute: it differs from RE2 on 4 to 7 of 100 hostile lines, and it backtracks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from .errors import RedactionError

_SET_BYTES: Final = 64 << 20
_FORBIDDEN: Final = re.compile(r"\\[bBAzZpPQEwWdDsSC]|\(\?(?!:)|[\^$]|\[:")


def _engine() -> Any:
    try:
        import re2
    except ImportError:
        raise RedactionError(
            "redaction in this process needs google-re2, and there is no fallback to Python's re: "
            "pip install 'chronicle-otel[redaction]', or redact in the collector"
        ) from None
    return re2


def _options() -> Any:
    options: Any = _engine().Options()
    options.encoding = options.Encoding.LATIN1
    options.max_mem = _SET_BYTES
    options.log_errors = False
    return options


def compile_pattern(pattern: str) -> Any:
    """Compile a pattern for bytes."""
    return _engine().compile(pattern.encode("latin-1"), _options())


def own_pattern(pattern: str) -> Any:
    """Compile a policy's pattern; ValueError says why it is refused."""
    why = refusal(pattern)
    if why:
        raise ValueError(why)
    text = pattern.replace("[^", "[^\\x80-\\xff")
    try:
        compiled = compile_pattern(text)
    except Exception as error:
        raise ValueError(f"RE2 refuses it: {error}") from None
    if compiled.search(b"") is not None:
        raise ValueError("it can match nothing at all")
    return compiled


def refusal(pattern: str) -> str:
    """Say why a pattern is unsafe, or return nothing."""
    if not pattern.isascii():
        return "only ASCII is allowed; other spellings of a character are folded to it"
    bare = re.sub(r"\\[^A-Za-z0-9]", "", re.sub(r"\[\^?\]?[^\]]*\]", "[]", pattern))
    found = _FORBIDDEN.search(bare) or re.search(r"\\[wWdDsSpPbB]|\[:", pattern)
    if found:
        return f"{found[0]!r} is not allowed: write classes out, and boundaries as `left` and `right`"
    if "." in bare:
        return "a bare `.` is not allowed: say which characters may stand there"
    return ""


class Cores:
    """Many patterns asked at once: which of them occur in a text."""

    __slots__ = ("_canary", "_count", "_set")

    def __init__(self, patterns: Sequence[str]) -> None:
        self._set: Any = _engine().Set.SearchSet(_options())
        for pattern in patterns:
            self._set.Add(pattern.encode("latin-1"))
        self._canary = self._set.Add(b"")
        self._count = len(patterns)
        self._set.Compile()

    def match(self, text: bytes) -> list[int]:
        """Return the numbers of the patterns that occur; all of them if the engine ran out of memory and fell silent."""
        found: list[int] = self._set.Match(text)
        if self._canary not in found:
            return list(range(self._count))
        found.remove(self._canary)
        return found
