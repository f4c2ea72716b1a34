"""Record what an agent did in production as OpenTelemetry spans, and re-execute it from them.

import chronicle_otel as chronicle

chronicle.init()                       # spans to the application's provider, else to ./.chronicle/*.jsonl

@chronicle.tool
def place_order(symbol: str, quantity: float) -> dict: ...

@chronicle.agent
def trade(text: str) -> str: ...

result = chronicle.replay(chronicle.load(".chronicle"), entry=trade, live=["tool"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .boundary import agent, ambient, effect, embedding, guardrail, human, llm, memory, retrieval, step, tool
from .errors import (
    CannotReproduce,
    ChronicleError,
    Diverged,
    NetworkBlocked,
    RecordedError,
    Refused,
    ReplayError,
    RunNotFound,
    SourceError,
    UsageError,
)
from .recording.interceptor import seam as _seam
from .sessions import branch, flag, session
from .version import __version__

if TYPE_CHECKING:
    from .lifecycle import flush, init, shutdown
    from .reading import Run, Step, load, runs
    from .replayer import Result, RunView, areplay, replay, replaying
    from .values import Recorded

__all__ = [
    "CannotReproduce",
    "ChronicleError",
    "Diverged",
    "NetworkBlocked",
    "Recorded",
    "RecordedError",
    "Refused",
    "ReplayError",
    "Result",
    "Run",
    "RunNotFound",
    "RunView",
    "SourceError",
    "Step",
    "UsageError",
    "__version__",
    "agent",
    "ambient",
    "areplay",
    "branch",
    "effect",
    "embedding",
    "flag",
    "flush",
    "guardrail",
    "human",
    "init",
    "llm",
    "load",
    "memory",
    "replay",
    "replaying",
    "retrieval",
    "runs",
    "session",
    "shutdown",
    "step",
    "tool",
]

_LATER = {
    **dict.fromkeys(("init", "shutdown", "flush"), "lifecycle"),
    **dict.fromkeys(("load", "runs", "Run", "Step"), "reading"),
    **dict.fromkeys(("replay", "areplay", "replaying", "Result", "RunView"), "replayer"),
    "Recorded": "values",
}
"""Names that cost an import of their own (the OTel SDK, the reader, the replayer), and the module that has them."""


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _stand_at_sdks(recorded: frozenset[str]) -> None:
    from .instrumentation import stand_by

    stand_by(recorded)


def _follow(tracer_provider: Any) -> None:
    from .lifecycle import follow

    follow(tracer_provider)


def _unfollow() -> None:
    from .lifecycle import unfollow

    unfollow()


_seam.before_replay = _stand_at_sdks
_seam.on_instrument, _seam.on_uninstrument = _follow, _unfollow
