"""Boundaries stand on every kind of callable and change nothing that the caller sees."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import Any

import pytest

import chronicle_otel as chronicle


@chronicle.tool
def add(a: int, b: int = 2, *rest: int, scale: int = 1, **extra: Any) -> int:
    """Add."""
    return (a + b + sum(rest)) * scale


class Shop:
    """A class with boundaries on its methods."""

    def __init__(self, price: int) -> None:
        self.price = price

    @chronicle.tool
    def quote(self, symbol: str) -> int:
        return self.price + len(symbol)

    @classmethod
    @chronicle.tool
    def inner_class(cls, x: int) -> str:
        return f"{cls.__name__}{x}"

    @chronicle.tool
    @classmethod
    def outer_class(cls, x: int) -> str:
        return f"{cls.__name__}{x}"

    @chronicle.tool
    @staticmethod
    def outer_static(x: int) -> int:
        return -x

    @staticmethod
    @chronicle.tool
    def inner_static(x: int) -> int:
        return -x


@chronicle.agent
def root(body: Any, *args: Any) -> Any:
    return body(*args)


def steps_of(tape: Any, body: Any) -> list[Any]:
    tape.record(root, body)
    return tape.run().steps[1:]


def test_arguments_are_bound_by_name(tape: Any) -> None:
    """Positional, default, variable and keyword arguments are recorded under their parameter's name."""
    (step,) = steps_of(tape, lambda: add(1, 3, 4, 5, scale=2, color="red"))
    assert step.input == {"a": 1, "b": 3, "rest": [4, 5], "scale": 2, "extra": {"color": "red"}}
    assert step.output == 26


def test_defaults_are_recorded(tape: Any) -> None:
    """A parameter that was left to its default is recorded with the value that was used."""
    (step,) = steps_of(tape, lambda: add(1))
    assert step.input == {"a": 1, "b": 2, "scale": 1}


@pytest.mark.parametrize(
    ("call", "name", "inputs", "output"),
    [
        (lambda: Shop(10).quote("AB"), "Shop.quote", {"symbol": "AB"}, 12),
        (lambda: Shop.inner_class(3), "Shop.inner_class", {"x": 3}, "Shop3"),
        (lambda: Shop.outer_class(3), "Shop.outer_class", {"x": 3}, "Shop3"),
        (lambda: Shop.outer_static(3), "Shop.outer_static", {"x": 3}, -3),
        (lambda: Shop.inner_static(3), "Shop.inner_static", {"x": 3}, -3),
    ],
)
def test_methods(tape: Any, call: Any, name: str, inputs: Any, output: Any) -> None:
    """Methods of all three kinds are boundaries; the receiver is no input."""
    (step,) = steps_of(tape, call)
    assert step.name == f"{__name__}.{name}"
    assert (step.input, step.output) == (inputs, output)


def test_coroutines(tape: Any) -> None:
    """A coroutine function stays one and is recorded when it is awaited."""

    @chronicle.tool(name="wait")
    async def wait(x: int) -> int:
        await asyncio.sleep(0)
        return x + 1

    assert inspect.iscoroutinefunction(wait)
    (step,) = steps_of(tape, lambda: asyncio.run(wait(1)))
    assert (step.name, step.input, step.output) == ("wait", {"x": 1}, 2)


def test_calls_of_functions_that_cannot_be_decorated(tape: Any) -> None:
    """`call` and `acall` make one call a boundary."""

    async def later(x: int) -> int:
        return x * 3

    async def body() -> list[Any]:
        return [chronicle.tool.call("power", pow, 2, 5), await chronicle.tool.acall("later", later, x=2)]

    power, later_step = steps_of(tape, lambda: asyncio.run(body()))
    assert (power.name, power.output) == ("power", 32)
    assert (later_step.name, later_step.input, later_step.output) == ("later", {"x": 2}, 6)


def test_a_callable_object_and_a_partial(tape: Any) -> None:
    """What is called need not be a function."""

    class Doubler:
        def __call__(self, x: int) -> int:
            return 2 * x

    double = chronicle.tool(name="double")(Doubler())
    fixed = chronicle.tool(name="fixed")(functools.partial(pow, 2))
    first, second = steps_of(tape, lambda: (double(4), fixed(3)))
    assert (first.input, first.output) == ({"x": 4}, 8)
    assert second.output == 8


def test_metadata_is_kept() -> None:
    """A decorated function keeps name, docstring, signature and module."""
    assert (add.__name__, add.__doc__, add.__module__) == ("add", "Add.", __name__)
    assert str(inspect.signature(add)) == "(a: 'int', b: 'int' = 2, *rest: 'int', scale: 'int' = 1, **extra: 'Any') -> 'int'"


def test_span_scopes(tape: Any) -> None:
    """A `with` body is a Step of a kind that a replay runs live."""

    def body() -> None:
        with chronicle.step.span("plan", depth=2) as scope:
            add(1)
            scope.output = "done"

    plan, inner = steps_of(tape, body)
    assert (plan.kind, plan.name, plan.input, plan.output) == ("step", "plan", {"depth": 2}, "done")
    assert inner.parent is plan


def test_a_with_body_cannot_be_skipped() -> None:
    """Kinds that a replay stubs refuse `span`, and say what to do instead."""
    with pytest.raises(chronicle.UsageError, match="cannot be skipped"):
        chronicle.tool.span("x")


def test_wrong_options_of_a_decorator_are_named() -> None:
    """A name that is no text and paths that are no list of texts are refused where they stand; one path alone is one path."""
    wrong: Any = 3
    with pytest.raises(chronicle.UsageError, match="name=3"):
        chronicle.tool(name=wrong)
    with pytest.raises(chronicle.UsageError, match="ignore=\\[3\\]"):
        chronicle.tool(ignore=[wrong])

    @chronicle.tool(ignore="request.id")
    def fetch(request: Any) -> None: ...

    assert fetch.__chronicle_boundary__.ignore == ("request.id",)  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", [lambda: chronicle.tool(int), lambda: chronicle.tool(3), lambda: chronicle.tool("name")])
def test_what_cannot_be_decorated(wrong: Any) -> None:
    """Classes, values and a positional name are refused at decoration."""
    with pytest.raises(chronicle.UsageError):
        wrong()


def test_inputs_are_taken_at_entry(tape: Any) -> None:
    """A callee that changes its arguments does not change what is recorded."""

    @chronicle.tool(name="drain")
    def drain(items: list[int]) -> int:
        items.clear()
        return 0

    (step,) = steps_of(tape, lambda: drain([1, 2]))
    assert step.input == {"items": [1, 2]}


def test_exceptions_pass_unchanged(tape: Any) -> None:
    """The caller gets the very exception; its class, arguments and attributes are recorded."""

    class Rejected(Exception):
        def __init__(self, reason: str, limit: int) -> None:
            super().__init__(reason)
            self.limit = limit

    error = Rejected("too much", 5)

    @chronicle.tool(name="fails")
    def fails() -> None:
        raise error

    assert tape.record(root, fails) is error
    _root, step = tape.run().steps
    assert step.tree("chronicle.error")["message"] == "too much"
    assert step.tree("chronicle.error")["attributes"]["limit"] == 5


def test_a_wrong_call_raises_what_python_raises(tape: Any) -> None:
    """A call that does not fit the signature fails as without us and keeps what was passed."""
    result = tape.record(root, lambda: add())  # type: ignore[call-arg]
    assert isinstance(result, TypeError)
    assert tape.run().steps[1].input == {"args": [], "kwargs": {}}


def test_granularity(tape: Any) -> None:
    """What is not to be recorded is not there, and is marked as never to be served."""

    @chronicle.tool(name="secretive", capture="inputs-only")
    def secretive(x: int) -> str:
        return "secret"

    @chronicle.tool(name="unseen", capture="off")
    def unseen() -> int:
        return 1

    (step,) = steps_of(tape, lambda: (secretive(1), unseen()))
    assert step.input == {"x": 1}
    assert step.tree("chronicle.output") == {"$chronicle.opaque": {"why": "capture", "size": 8}}


def test_nothing_is_recorded_when_off() -> None:
    """Without `init` a boundary is a plain call."""
    assert add(1, 2) == 3
