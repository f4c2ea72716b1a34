"""Keeping a Step's children with it across threads, executors and asyncio tasks.

Executors and threads carry chronicle's own context variables and nothing else of the context; asyncio carries all of it
by itself. Each concurrent child gets a *lane*, a name and an ordinal given when it is created, which tells equal
concurrent calls apart.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from .interceptor import CONTEXT_VARIABLES, current, lane, seam

_installed = 0
_lock = threading.Lock()
_pool_is_starting_a_worker = threading.local()
_original: dict[str, Any] = {}


def next_lane(name: str) -> tuple[Any, str] | None:
    """Name a concurrent child of the current Step: `(crossing, "name#ordinal")`, nested lanes joined by "/"."""
    parent = current.get()
    if parent is None:
        return None
    outer = lane.get()
    path = f"{outer[1]}/{name}" if outer is not None and outer[0] is parent else name
    with _lock:
        ordinal = parent.lanes.get(path, 0)
        parent.lanes[path] = ordinal + 1
    return parent, f"{path}#{ordinal}"


def lane_below(parent: Any) -> str | None:
    """Return the lane of a Step that starts now directly below `parent`."""
    here = lane.get()
    return here[1] if here is not None and here[0] is parent else None


def carried(name: str) -> tuple[Callable[..., Any], int] | None:
    """Return a runner `(function, *args)` that has the current chronicle context in another thread, and the `id` of its lane.

    None outside a Run.
    """
    if current.get() is None:
        return None
    values = [(variable, variable.get()) for variable in CONTEXT_VARIABLES if variable is not lane]
    child = next_lane(name)
    values.append((cast("contextvars.ContextVar[Any]", lane), child))

    def run(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        tokens = [(variable, variable.set(value)) for variable, value in values]  # type: ignore[arg-type]
        try:
            return function(*args, **kwargs)
        finally:
            for variable, token in reversed(tokens):
                variable.reset(token)  # type: ignore[arg-type]

    return run, id(child)  # a future that somebody keeps must keep no Run


def _done(child: int, *_: Any) -> None:
    """A concurrent child is done."""
    if seam.lane_ended is not None:
        seam.lane_ended(child)


def _name_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = cast("functools.partial[Any]", function).func
    return getattr(function, "__name__", type(function).__name__)


def _submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    run = carried(_name_of(fn))
    _pool_is_starting_a_worker.yes = True  # the worker outlives this Run and must not inherit it
    try:
        if run is None:
            return _original["submit"](self, fn, *args, **kwargs)
        if seam.lane_begun is not None:
            seam.lane_begun(run[1])
        future = _original["submit"](self, run[0], fn, *args, **kwargs)
        if seam.lane_ended is not None:
            future.add_done_callback(functools.partial(_done, run[1]))
        return future
    finally:
        _pool_is_starting_a_worker.yes = False


def _until_done(run: Callable[..., Any], child: int, function: Callable[[], Any]) -> None:
    try:
        run(function)
    finally:
        _done(child)


def _start(self: threading.Thread) -> None:
    if not getattr(_pool_is_starting_a_worker, "yes", False):
        run = carried(_name_of(getattr(self, "_target", None) or self))
        if run is not None:
            self.run = functools.partial(_until_done, *run, self.run)
    _original["start"](self)


def _create_task(self: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> Any:
    if current.get() is not None:
        context = kwargs.get("context")
        if context is None:
            context = contextvars.copy_context()
        context.run(lane.set, next_lane(getattr(coro, "__name__", type(coro).__name__)))
        kwargs["context"] = context
    return _original["create_task"](self, coro, **kwargs)


def install() -> None:
    """Patch `ThreadPoolExecutor.submit`, `Thread.start` and `BaseEventLoop.create_task`; counted, so that calls may nest."""
    global _installed
    with _lock:
        _installed += 1
        if _installed > 1 or threading.Thread.start is _start:
            return
        _original.update(submit=ThreadPoolExecutor.submit, start=threading.Thread.start, create_task=asyncio.BaseEventLoop.create_task)
        ThreadPoolExecutor.submit = _submit
        threading.Thread.start = _start
        asyncio.BaseEventLoop.create_task = _create_task  # type: ignore[method-assign]


def uninstall() -> None:
    """Undo one `install`."""
    global _installed
    with _lock:
        if _installed == 0:
            return
        _installed -= 1
        if _installed:
            return
        for owner, name, ours in (
            (ThreadPoolExecutor, "submit", _submit),
            (threading.Thread, "start", _start),
            (asyncio.BaseEventLoop, "create_task", _create_task),
        ):
            if getattr(owner, name) is ours:  # else somebody wrapped ours: leave it, outside a Run it passes everything through
                setattr(owner, name, _original[name])
