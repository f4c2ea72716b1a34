"""One view of a Run for assertions, whether it was recorded or replayed.

assertion = "all(c.input['quantity'] * 190 <= 1020 for c in calls('place_order') if c.error is None)"
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable
from typing import Any, Final

from .. import values
from ..errors import UsageError
from .plan import named

_SAFE: Final = {
    name: getattr(builtins, name)
    for name in [
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "divmod",
        "enumerate",
        "filter",
        "float",
        "int",
        "isinstance",
        "len",
        "list",
        "map",
        "max",
        "min",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "zip",
        "Exception",
        "ValueError",
        "KeyError",
        "TypeError",
        "RuntimeError",
    ]
}


class StepView:
    """One Step: `.kind .name .index .input .output .error .parent`; `.live` and `.level` in a replay."""

    __slots__ = ("_input", "_output", "error", "index", "kind", "level", "live", "name", "parent", "seq")

    def __init__(
        self,
        *,
        kind: str,
        name: str,
        index: int,
        seq: int,
        input: Callable[[], Any],
        output: Callable[[], Any],
        error: BaseException | None,
        parent: StepView | None,
        live: bool | None = None,
        level: str | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.index = index
        self.seq = seq
        self._input = input
        self._output = output
        self.error = error
        self.parent = parent
        self.live = live
        """It was executed (None on a recording)."""
        self.level = level
        """How it was matched; None: no counterpart. "below": it is as recorded, inside of a Step that was answered."""

    @property
    def input(self) -> Any:
        """Arguments by name; of an SDK call {"method", "path", "body"}."""
        return self._input()

    @property
    def output(self) -> Any:
        """What it returned; None if it raised. Of a generator: the list of chunks."""
        return self._output()

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} #{self.index}>"


class RunView:
    """A Run, recorded or replayed."""

    __slots__ = ("steps",)

    def __init__(self, steps: Iterable[StepView] = ()) -> None:
        self.steps = list(steps)
        """Every Step in start order, the root first."""

    @property
    def root(self) -> StepView | None:
        return self.steps[0] if self.steps else None

    @property
    def input(self) -> Any:
        """The entry's arguments."""
        return self.steps[0].input if self.steps else None

    @property
    def output(self) -> Any:
        """What the Run returned."""
        return self.steps[0].output if self.steps else None

    @property
    def error(self) -> BaseException | None:
        """What the Run raised."""
        return self.steps[0].error if self.steps else None

    def calls(self, name: str, kind: str | None = None) -> list[StepView]:
        """Steps by name: whole, its last part, or a glob."""
        return [s for s in self.steps if named(s.name, name) and kind in (None, s.kind)]

    def of(self, kind: str) -> list[StepView]:
        """Steps of one kind."""
        return [s for s in self.steps if s.kind == kind]

    def tool(self, name: str) -> list[StepView]:
        """Calls of one tool."""
        return self.calls(name, "tool")

    def effect(self, name: str) -> list[StepView]:
        """Calls of one effect."""
        return self.calls(name, "effect")


def recorded_view(run: Any) -> RunView:
    """See a recorded Run this way."""
    views: dict[int, StepView] = {}
    for step in sorted(run.steps, key=lambda s: s.seq):
        views[id(step)] = _as_recorded(step, views.get(id(step.parent)) if step.parent is not None else None)
    return RunView(views.values())


def _as_recorded(step: Any, parent: StepView | None, *, live: bool | None = None, level: str | None = None) -> StepView:
    return StepView(
        kind=step.kind,
        name=step.name,
        index=step.index,
        seq=step.seq,
        input=lambda: step.input,
        output=lambda: step.output,
        error=step.error,
        parent=parent,
        live=live,
        level=level,
    )


BELOW: Final = "below"
"""Level of a Step that did not run because one above it was answered: its effects are part of that answer."""


def replayed_view(happened: Iterable[Any]) -> RunView:
    """See what happened in a replay this way; below an answered Step what the recording has there."""
    views: dict[int, StepView] = {}
    for h in happened:
        if h.node.kind == "network":
            continue
        error = h.error
        if h.form == "error" and error is None:
            error = values.decode_error(h.output)
        views[id(h.node)] = StepView(
            kind=h.node.kind,
            name=h.node.name,
            index=h.index,
            seq=h.seq,
            input=lambda h=h: values.decode(h.node.tree),
            output=lambda h=h: values.decode(h.output) if h.form in ("value", "stream") else None,
            error=error,
            parent=views.get(id(h.node.parent)) if h.node.parent is not None else None,
            live=h.node.live,
            level=h.node.level,
        )
        if not h.node.live and h.form != "refused" and h.recorded is not None:
            _add_below(views, h.recorded, views[id(h.node)])
    return RunView(views.values())


def _add_below(views: dict[int, StepView], recorded: Any, parent: StepView) -> None:
    for child in recorded.children:
        views[id(child)] = _as_recorded(child.step, parent, live=False, level=BELOW)
        _add_below(views, child, views[id(child)])


def evaluate(assertion: str | Callable[[RunView], Any], view: RunView, raised: list[str] | None = None) -> bool:
    """Say whether an assertion holds of a Run. One that raises on it does not hold; one that is wrong is a `UsageError`.

    What it raised is put into `raised`.

    An expression sees `run`, `steps`, `calls`, `output`, `error` and plain builtins. It is the caller's own, never a span's.
    """
    if callable(assertion):
        return _holds(lambda: assertion(view), raised)
    try:
        tree = ast.parse(assertion.strip(), "<assertion>", "eval")
        hidden = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr.startswith("__")]
        code = compile(tree, "<assertion>", "eval")
    except SyntaxError as error:
        raise UsageError(f"assertion {assertion!r}: {error.msg} at column {error.offset}") from error
    except (RecursionError, MemoryError) as error:
        raise UsageError(f"assertion {assertion!r:.80}…: nested too deeply") from error
    if hidden:
        raise UsageError(f"assertion {assertion!r}: .{hidden[0]} leads out of the run; an assertion uses public attributes only")
    names = {"run": view, "steps": view.steps, "calls": view.calls, "output": view.output, "error": view.error, "input": view.input}
    try:
        return _holds(lambda: eval(code, {"__builtins__": _SAFE, **names}), raised)
    except NameError as error:
        raise UsageError(f"assertion {assertion!r}: {error}; known are {', '.join(names)} and plain builtins") from error


def _holds(question: Callable[[], Any], raised: list[str] | None) -> bool:
    try:
        return bool(question())
    except AttributeError as error:
        if isinstance(error.obj, (StepView, RunView)):
            known = ", ".join(name for name in dir(error.obj) if not name.startswith("_"))
            raise UsageError(f"assertion: a {type(error.obj).__name__} has no {error.name!r}; it has {known}") from error
        return _false(error, raised)
    except (AssertionError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        return _false(error, raised)


def _false(error: Exception, raised: list[str] | None) -> bool:
    if raised is not None and not isinstance(error, AssertionError):
        raised.append(f"{type(error).__name__}: {error}")
    return False
