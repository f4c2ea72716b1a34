"""Every error that chronicle raises.

ChronicleError                   root: catch this one
├── UsageError                   a wrong argument, setting or combination of them          (CLI exit 2)
├── SourceError                  a recording that cannot be read at all                    (CLI exit 2)
│   └── RunNotFound              the source holds no such Run, or several and none is named
├── CannotReproduce              the entry of a Run could not be started                   (CLI exit 4)
└── ReplayError                  raised into re-executed code
    ├── Refused                  a boundary asked for an answer and there is none
    │   └── NetworkBlocked       something tried to open a connection during a replay
    ├── Diverged                 the first divergence, with on_divergence="stop"
    └── RecordedError            stands in for a recorded exception whose class is not at hand

Each message says what happened, where, and what to do about it.
"""

from __future__ import annotations

from typing import Any


class ChronicleError(Exception):
    """Root of all errors of chronicle."""


class UsageError(ChronicleError):
    """A wrong argument or setting; the message names it and the way out."""


class SourceError(ChronicleError):
    """A source that cannot be read: no such file, no spans of ours, nothing intact."""


class RunNotFound(SourceError):
    """The wanted Run is not in the source, or it holds several and none was named."""


class CannotReproduce(ChronicleError):
    """The recorded entry could not be started: not importable, not configured, or arguments missing."""


class ReplayError(ChronicleError):
    """Base of what a replay raises into the code that it re-executes. Never an OSError: SDKs retry those."""


class Refused(ReplayError):
    """A boundary asked for an answer that the recording does not have. It was not executed."""


class NetworkBlocked(Refused):
    """Something tried to reach the network while a replay is active."""


class Diverged(ReplayError):
    """The replay was told to stop at the first divergence, and this is it."""


class RecordedError(ReplayError):
    """A recorded exception whose own class is not loaded or cannot be rebuilt.

    `type_name` is the recorded class as "module:qualname", `facts` the decoded `chronicle.error` payload.
    """

    def __init__(self, message: str, type_name: str = "", facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.type_name = type_name
        self.facts = facts or {}
