"""What a replay itself raises into the code that it re-executes, and how that is told from the code's own errors."""

from __future__ import annotations

from typing import cast

from ..errors import ReplayError


class EndlessLoop(BaseException):
    """Raised past `except Exception` into code that repeats a refused call for ever."""


def refused(error: BaseException) -> bool:
    """Say whether an error is one of the replay, or a group of nothing else."""
    if isinstance(error, BaseExceptionGroup):
        return all(refused(each) for each in cast("BaseExceptionGroup[BaseException]", error).exceptions)
    return isinstance(error, (ReplayError, EndlessLoop))


def raised_by_replay(error: BaseException | None) -> bool:
    """Say whether the replay raised an error, or the code did while it handled one of the replay."""
    seen: set[int] = set()
    work = [error]
    while work:
        e = work.pop()
        if e is None or id(e) in seen:
            continue
        if isinstance(e, (ReplayError, EndlessLoop)):
            return True
        seen.add(id(e))
        work += [e.__cause__, e.__context__]
        if isinstance(e, BaseExceptionGroup):
            work += cast("BaseExceptionGroup[BaseException]", e).exceptions
    return False
