"""Session variables: the circumstances of a Run that are no argument of any boundary."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from opentelemetry import baggage
from opentelemetry import context as otel_context

from . import semconv, values
from .errors import UsageError
from .recording import interceptor as seams


@contextlib.contextmanager
def session(*, propagate: bool = False, **variables: Any) -> Iterator[None]:
    """Attach session variables to every Run and Step that starts inside the block; blocks nest, the inner value wins.

    With `propagate=True` these variables also travel to called services, as standard OTel baggage. They stay in the
    process otherwise.
    """
    outer = seams.session.get()
    token = seams.session.set({**outer, **variables} if outer else dict(variables))
    attached = None
    if propagate:
        context = otel_context.get_current()
        for name, value in variables.items():
            context = baggage.set_baggage(semconv.BAGGAGE_PREFIX + name, values.encode(value), context)
        attached = otel_context.attach(context)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # left in another context than it was entered, as a generator may be
            seams.session.reset(token)
        if attached is not None:
            otel_context.detach(attached)


@contextlib.contextmanager
def branch(name: str) -> Iterator[None]:
    """Name the Steps inside the block as one of several that run side by side; nested names are joined by "/"."""
    if not name:
        raise UsageError("branch: the name is empty; give each concurrent branch a name of its own")
    outer = seams.branch.get()
    token = seams.branch.set(f"{outer}/{name}" if outer else name)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            seams.branch.reset(token)


def flag(reason: str) -> None:
    """Mark the current Run (`chronicle.flagged`), so that samplers keep it and searches find it."""
    interceptor = seams.seam.interceptor
    if interceptor is not None:
        interceptor.flag(reason)
