"""Boundary decorators: where the user's own functions meet the seam.

    @tool ──► wrapper of the function's own form (sync, async, generator, async generator)
                 │ per call: seam.interceptor? ──► None: call through
                 └──────────────────────────────► enter ──► answer? serve it : run, then finish / fail / end_stream

The form is decided once, at decoration. What a wrapped call returns, raises and how lazily it streams is unchanged.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import types
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from typing import Any, Literal, ParamSpec, Self, TypeVar, cast, overload

from . import semconv
from .errors import UsageError
from .recording.interceptor import Boundary, Crossing, Interceptor, registered, seam
from .recording.naming import import_path

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])
Capture = Literal["full", "inputs-only", "outputs-only", "shape", "off"]


class BoundaryKind:
    """Decorator for one kind of boundary: `@tool`, `@tool(name="quote")`, `tool.call("quote", fn, …)`, `step.span("plan")`."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<boundary {self.kind}>"

    @overload
    def __call__(self, function: F, /) -> F: ...

    @overload
    def __call__(self, /, *, name: str | None = None, capture: Capture | None = None, ignore: Sequence[str] = ()) -> Callable[[F], F]: ...

    def __call__(
        self, function: Any = None, /, *, name: str | None = None, capture: Capture | None = None, ignore: Sequence[str] = ()
    ) -> Any:
        """Make a function, method, coroutine or generator a boundary of this kind.

        `name` stays the same when code moves (default: the import path); `capture` chooses what is recorded here;
        `ignore` names input members, as dotted paths, that differ by nature and are not compared in a replay.
        """
        options: dict[str, Any] = {"name": _text(name), "capture": _known_capture(capture), "ignore": _paths(ignore)}
        if function is None:
            return functools.partial(_decorate, self.kind, **options)
        if isinstance(function, str):
            raise UsageError(f"@{self.kind}({function!r}): the name is a keyword, write @{self.kind}(name={function!r})")
        return _decorate(self.kind, function, **options)

    def call(self, name: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function that cannot be decorated as a boundary of this kind."""
        return _wrap(self._boundary(name, function), function)(*args, **kwargs)

    async def acall(self, name: str, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Await a coroutine function, or any callable that returns an awaitable, as a boundary of this kind."""
        target: Callable[..., Any] = function
        if not inspect.iscoroutinefunction(function):

            async def awaited(*inner: Any, **named: Any) -> Any:
                return await function(*inner, **named)

            target = awaited
        return await _wrap(self._boundary(name, function), target)(*args, **kwargs)

    def span(self, name: str, /, **inputs: Any) -> SpanScope:
        """Open a Step around a `with` body. Only for kinds that a replay runs live: a body cannot be skipped."""
        if self.kind not in semconv.LIVE_BY_DEFAULT:
            raise UsageError(
                f"{self.kind}.span({name!r}): a replay stubs {self.kind} boundaries, and a with body cannot be skipped; "
                f"move the body into a function and decorate it with @{self.kind}, or use {self.kind}.call"
            )
        return SpanScope(Boundary(kind=self.kind, name=name, bind=lambda _args, kwargs: dict(kwargs)), inputs)

    def _boundary(self, name: str, function: Callable[..., Any]) -> Boundary:
        key = (self.kind, name)
        known = registered.get(key)
        if known is None or known.function is not function:
            known = registered[key] = _describe(self.kind, function, name=name, capture=None, ignore=(), receiver=False)
        return known


class SpanScope:
    """A Step around a `with` or `async with` body. `output` may be set inside; the body's exception is the Step's error."""

    __slots__ = ("_boundary", "_crossing", "_inputs", "output")

    def __init__(self, boundary: Boundary, inputs: Mapping[str, Any]) -> None:
        self._boundary = boundary
        self._inputs = inputs
        self._crossing: Crossing | None = None
        self.output: Any = None
        """What the Step is recorded to have returned."""

    def __enter__(self) -> Self:
        interceptor = seam.interceptor
        if interceptor is not None:
            self._crossing = interceptor.enter(self._boundary, (), self._inputs)
        return self

    def __exit__(self, _type: Any, error: BaseException | None, _traceback: Any) -> None:
        crossing, self._crossing = self._crossing, None
        if crossing is None:
            return
        if error is None:
            crossing.finish(self.output)
        else:
            crossing.fail(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, _type: Any, error: BaseException | None, traceback: Any) -> None:
        self.__exit__(_type, error, traceback)


agent = BoundaryKind("agent")
step = BoundaryKind("step")
llm = BoundaryKind("llm")
tool = BoundaryKind("tool")
retrieval = BoundaryKind("retrieval")
embedding = BoundaryKind("embedding")
guardrail = BoundaryKind("guardrail")
memory = BoundaryKind("memory")
effect = BoundaryKind("effect")
human = BoundaryKind("human")
ambient = BoundaryKind("ambient")


# ---- decoration -------------------------------------------------------------------------------


def _text(name: Any) -> str | None:
    if name is not None and not isinstance(name, str):
        raise UsageError(f"name={name!r:.80}: the name of a boundary is a text")
    return name


def _paths(ignore: Any) -> tuple[str, ...]:
    paths = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    if not all(isinstance(path, str) for path in paths):
        raise UsageError(f"ignore={ignore!r:.80}: give a list of dotted paths, as in request.id")
    return paths


def _known_capture(capture: str | None) -> str | None:
    if capture not in (None, "full", "inputs-only", "outputs-only", "shape", "off"):
        raise UsageError(f"capture={capture!r}: choose full, inputs-only, outputs-only, shape or off")
    return capture


def _decorate(kind: str, target: Any, *, name: str | None, capture: str | None, ignore: tuple[str, ...]) -> Any:
    if isinstance(target, (staticmethod, classmethod)):
        outer: Any = staticmethod if isinstance(target, staticmethod) else classmethod
        return outer(_decorate(kind, cast("Any", target).__func__, name=name, capture=capture, ignore=ignore))
    if isinstance(target, type) or not callable(target):
        raise UsageError(f"@{kind} stands on functions and methods, not on {target!r}; decorate the method that does the work")
    boundary = _describe(kind, target, name=name, capture=capture, ignore=ignore, receiver=True)
    registered[kind, boundary.name] = boundary
    wrapper = functools.wraps(target)(_wrap(boundary, target))
    wrapper.__chronicle_boundary__ = boundary  # type: ignore[attr-defined]
    return wrapper


def _describe(
    kind: str, function: Callable[..., Any], *, name: str | None, capture: str | None, ignore: tuple[str, ...], receiver: bool
) -> Boundary:
    try:
        signature: inspect.Signature | None = inspect.signature(function)
    except (TypeError, ValueError):
        signature = None
    parameters = list(signature.parameters.values()) if signature else []
    first = parameters[0].name if parameters else ""
    skip = 1 if receiver and first in ("self", "cls") else 0
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    return Boundary(
        kind=kind,
        name=name or import_path(function),
        function=function,
        bind=_binder(signature, skip),
        defaults=defaults,
        skip=skip,
        capture=capture,
        ignore=ignore,
    )


def _binder(signature: inspect.Signature | None, skip: int) -> Callable[[Sequence[Any], Mapping[str, Any]], dict[str, Any]]:
    """Make the function that names arguments. `args` comes without the receiver."""
    if signature is None:
        return lambda args, kwargs: {"args": list(args), "kwargs": dict(kwargs)}
    parameters = list(signature.parameters.values())[skip:]
    own = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    variadic = {p.name for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    names = [p.name for p in parameters]
    positional = all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)

    def bind(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        if positional and not kwargs and len(args) == len(names):  # the usual call of a tool; the library takes 6 µs
            return dict(zip(names, args, strict=True))
        try:
            bound = own.bind(*args, **kwargs)
        except TypeError:  # a wrong call: the callee raises, the record keeps what was passed
            return {"args": list(args), "kwargs": dict(kwargs)}
        bound.apply_defaults()
        return {
            name: list(cast("tuple[Any, ...]", value)) if name in variadic and type(value) is tuple else value
            for name, value in bound.arguments.items()
            if name not in variadic or value
        }

    return bind


# ---- the wrappers -----------------------------------------------------------------------------


def _wrap(boundary: Boundary, function: Callable[..., Any]) -> Callable[..., Any]:
    inner: Callable[..., Any] = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    if not inspect.isroutine(inner):
        inner = type(inner).__call__
    if inspect.isasyncgenfunction(inner):
        return _wrap_async_generator(boundary, function)
    if inspect.isgeneratorfunction(inner):
        return _wrap_generator(boundary, function)
    if inspect.iscoroutinefunction(inner):
        return _wrap_coroutine(boundary, function)
    return _wrap_function(boundary, function)


def _wrap_function(boundary: Boundary, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        interceptor = seam.interceptor
        if interceptor is None:
            return function(*args, **kwargs)
        crossing = interceptor.enter(boundary, args, kwargs)
        if crossing is None:
            return function(*args, **kwargs)
        if crossing.answer is not None:
            return _serve(crossing)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            crossing.fail(error)
            raise
        if type(result) in _LAZY:
            return _lazy_result(crossing, result)
        crossing.finish(result)
        return result

    return call


_LAZY = (types.GeneratorType, types.AsyncGeneratorType, types.CoroutineType)


def _lazy_result(crossing: Crossing, result: Any) -> Any:
    """A plain function returned a generator or coroutine: the Step ends when that does."""
    crossing.detach()
    if not isinstance(result, types.CoroutineType):
        crossing.open_stream()  # one that is never read ends with its Run
    if isinstance(result, types.GeneratorType):
        return _drive(crossing, cast("Generator[Any, Any, Any]", result))
    if isinstance(result, types.AsyncGeneratorType):
        return _adrive(crossing, cast("AsyncGenerator[Any, Any]", result))
    return _await(crossing, result)


async def _await(crossing: Crossing, awaitable: Any) -> Any:
    crossing.attach()
    try:
        result = await awaitable
    except BaseException as error:
        crossing.fail(error)
        raise
    crossing.finish(result)
    return result


def _serve(crossing: Crossing) -> Any:
    """Give a plain function's caller the recorded outcome, in the form that it had."""
    answer = crossing.answer
    assert answer is not None
    if answer.form == "stream":
        return answer.chunks()
    return answer.value()


def _wrap_coroutine(boundary: Boundary, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        interceptor = seam.interceptor
        if interceptor is None:
            return await function(*args, **kwargs)
        crossing = interceptor.enter(boundary, args, kwargs)
        if crossing is None:
            return await function(*args, **kwargs)
        if crossing.answer is not None:
            return await crossing.answer.avalue()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            crossing.fail(error)
            raise
        crossing.finish(result)
        return result

    return call


def _wrap_generator(boundary: Boundary, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        interceptor = seam.interceptor
        if interceptor is None:
            return function(*args, **kwargs)
        creation = contextvars.copy_context()  # the Step opens at the first next, with the parent from here

        def run() -> Generator[Any, Any, Any]:
            crossing = creation.run(_enter_detached, interceptor, boundary, args, kwargs)
            if crossing is None:
                untouched: Generator[Any, Any, Any] = function(*args, **kwargs)
                return (yield from untouched)
            if crossing.answer is not None:
                return (yield from _stream_of(crossing))
            return (yield from _drive(crossing, function(*args, **kwargs), ref))

        generator = run()
        ref = weakref.ref(generator)
        return generator

    return call


def _stream_of(crossing: Crossing) -> Generator[Any, Any, Any]:
    answer = crossing.answer
    assert answer is not None
    if answer.form == "stream":
        return (yield from cast("Generator[Any, Any, Any]", answer.chunks()))
    return answer.value()  # an error before the first chunk


def _enter_detached(interceptor: Interceptor, boundary: Boundary, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Crossing | None:
    return interceptor.enter(boundary, args, kwargs, attach=False)


def _drive(crossing: Crossing, generator: Generator[Any, Any, Any], ref: weakref.ref[Any] | None = None) -> Generator[Any, Any, Any]:
    """Pass a generator through, chunk by chunk; the Step is current only while the callee runs.

    `ref` points to the generator that the caller holds: it is dead in a finaliser, which tells garbage from `close()`.
    """
    crossing.open_stream()
    resume, argument = generator.send, None
    while True:
        crossing.attach()
        try:
            item = resume(argument)  # type: ignore[arg-type]
        except StopIteration as stop:
            crossing.end_stream("finished", returned=stop.value)
            return stop.value
        except BaseException as error:
            crossing.end_stream(_end_of(error), error)
            raise
        finally:
            crossing.detach()
        crossing.chunk(item)
        try:
            argument = yield item
            resume = generator.send
        except GeneratorExit:
            end = "abandoned" if ref is not None and ref() is None else "closed"
            _close(crossing, generator, end)
            raise
        except BaseException as error:
            resume, argument = generator.throw, error


def _close(crossing: Crossing, generator: Generator[Any, Any, Any], end: str) -> None:
    crossing.attach()
    try:
        generator.close()
    except BaseException as error:
        crossing.end_stream("error", error)
        raise
    finally:
        crossing.detach()
    crossing.end_stream(end)


def _end_of(error: BaseException) -> str:
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "error"


def _wrap_async_generator(boundary: Boundary, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        interceptor = seam.interceptor
        if interceptor is None:
            return function(*args, **kwargs)
        creation = contextvars.copy_context()

        async def run() -> AsyncGenerator[Any, Any]:
            crossing = creation.run(_enter_detached, interceptor, boundary, args, kwargs)
            if crossing is not None and crossing.answer is not None:
                if crossing.answer.form != "stream":
                    await crossing.answer.avalue()  # an error before the first chunk
                    return
                await crossing.answer.released()
                for item in crossing.answer.chunks():
                    yield item
                return
            source = function(*args, **kwargs) if crossing is None else _adrive(crossing, function(*args, **kwargs), ref)
            argument: Any = None
            try:
                item = await source.asend(None)
                while True:
                    try:
                        argument = yield item
                    except GeneratorExit:
                        await source.aclose()
                        raise
                    except BaseException as error:
                        item = await source.athrow(error)
                    else:
                        item = await source.asend(argument)
            except StopAsyncIteration:
                return

        generator = run()
        ref = weakref.ref(generator)
        return generator

    return call


async def _adrive(crossing: Crossing, generator: AsyncGenerator[Any, Any], ref: weakref.ref[Any] | None = None) -> AsyncGenerator[Any, Any]:
    """`_drive` for async generators."""
    crossing.open_stream()
    resume, argument = generator.asend, None
    while True:
        crossing.attach()
        try:
            item = await resume(argument)  # type: ignore[arg-type]
        except StopAsyncIteration:
            crossing.end_stream("finished")
            return
        except BaseException as error:
            crossing.end_stream(_end_of(error), error)
            raise
        finally:
            crossing.detach()
        crossing.chunk(item)
        try:
            argument = yield item
            resume = generator.asend
        except GeneratorExit:
            end = "abandoned" if ref is not None and ref() is None else "closed"
            await _aclose(crossing, generator, end)
            raise
        except BaseException as error:
            resume, argument = generator.athrow, error


async def _aclose(crossing: Crossing, generator: AsyncGenerator[Any, Any], end: str) -> None:
    crossing.attach()
    try:
        await generator.aclose()
    except BaseException as error:
        crossing.end_stream("error", error)
        raise
    finally:
        crossing.detach()
    crossing.end_stream(end)
