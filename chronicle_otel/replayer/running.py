"""Start a replay: re-enter the recorded entry, or stand around code that the caller runs.

replay(run)           entry found, arguments rebuilt ──► called under a Replayer ──► Result
with replaying(run):  the caller's own call          ──► under a Replayer        ──► .result
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from ..errors import CannotReproduce, ChronicleError, UsageError
from ..recording import ambient, context
from ..recording.interceptor import seam
from . import entry as entries
from . import tracing
from .afterlife import keep_refusing
from .children import ChildProcesses
from .consuming import aconsume, consume, recorded_length
from .engine import Replayer
from .network import NetworkGuard
from .options import Options, Redacts
from .plan import Plan, words_of
from .result import Result, combined
from .verdict import judge, stray_divergence

Provide = Mapping[str, Callable[[], Any]]


def _options(
    live: str | Iterable[str],
    on_divergence: str,
    strict: bool,
    allow_effects: bool,
    allow_net: str | Iterable[str],
    freeze: bool,
    assertion: Any,
    ignore: str | Iterable[str],
    pace: str,
    redactor: Any,
) -> Options:
    if on_divergence not in ("continue", "stop"):
        raise UsageError(f'on_divergence={on_divergence!r}: choose "continue" or "stop"')
    if pace not in ("instant", "recorded"):
        raise UsageError(f'pace={pace!r}: choose "instant" or "recorded"')
    if assertion is not None and not isinstance(assertion, str) and not callable(assertion):
        raise UsageError("assertion: give an expression over the RunView, or a function of it")
    if redactor is not None and not (hasattr(redactor, "kcv") and hasattr(redactor, "payload")):
        raise UsageError(f"redactor={redactor!r:.80}: give a chronicle_otel.redaction.Redactor, with the key of the recording")
    return Options(
        plan=Plan.parse(live, allow_effects=allow_effects),
        on_divergence=on_divergence,
        strict=strict,
        allow_net=words_of("allow_net", allow_net),
        freeze=freeze,
        assertion=assertion,
        ignore=words_of("ignore", ignore),
        pace=pace,
        redactor=redactor,
    )


class Replaying:
    """A replay around code that the caller runs; `with` and `async with`. After it, `result` and `results`."""

    def __init__(self, runs: Any, options: Options) -> None:
        given: Any = runs
        if isinstance(runs, str) or not (hasattr(runs, "steps") or isinstance(runs, Iterable)):
            raise UsageError(
                f"replaying: {runs!r:.80} is no Run and no list of them; chronicle.load(source) and chronicle.runs(source) read them"
            )
        self._given: list[Any] = [given] if hasattr(given, "steps") else list(given)
        if not self._given:
            raise UsageError("replaying: no run was given")
        for run in self._given:
            if not hasattr(run, "steps"):
                raise UsageError(f"replaying: {run!r} is no Run; chronicle.load(source) reads one")
            if getattr(run, "root", None) is None:
                raise UsageError(f"replaying: run {run.id} has no root step: there is nothing to enter")
        self._options = options
        self._replayer: Replayer | None = None
        self._guard: NetworkGuard | None = None
        self._children = ChildProcesses()
        self._previous: Any = None
        self._previous_lanes: Any = None, None
        self._patched = False
        self._results: list[Result] | None = None
        self._result: Result | None = None
        self._problem: str | None = None

    @property
    def replayer(self) -> Replayer:
        """The Interceptor of this replay (only inside the block)."""
        if self._replayer is None:
            raise UsageError("the replay has not begun: enter it with `with`")
        return self._replayer

    @property
    def result(self) -> Result:
        """What the replay showed, of all Runs together."""
        if self._result is None:
            raise UsageError("the result is there when the `with` block has ended")
        return self._result

    @property
    def results(self) -> list[Result]:
        """The result of each Run, in the order in which they were given."""
        if self._results is None:
            raise UsageError("the results are there when the `with` block has ended")
        return self._results

    def cannot_reproduce(self, why: str) -> None:
        """Note that the entry could not be started."""
        self._problem = why

    def __enter__(self) -> Self:
        if self._replayer is not None:
            raise UsageError("a replay runs once; make another one with replaying(run)")
        if seam.before_replay is not None:
            seam.before_replay(frozenset(step.name for run in self._given for step in run.steps))
        self._replayer = replayer = Replayer(self._given, self._options)
        self._guard = NetworkGuard(self._options.allow_net, replayer.blocked)
        context.install()
        wanted = replayer.ambient_answers
        if wanted.wanted:
            sources, env = wanted.sources()
            ambient.install(sources, env=env)
            self._patched = True
        self._guard.__enter__()
        self._children.__enter__()
        self._previous, seam.interceptor = seam.interceptor, replayer
        self._previous_lanes = seam.lane_begun, seam.lane_ended
        seam.lane_begun, seam.lane_ended = replayer.threads.begun, replayer.threads.ended
        return self

    def __exit__(self, _type: Any, error: BaseException | None, _traceback: Any) -> None:
        replayer, guard = self._replayer, self._guard
        if replayer is None or guard is None:
            return
        replayer.close()
        seam.interceptor = self._previous
        seam.lane_begun, seam.lane_ended = self._previous_lanes
        self._children.__exit__()
        guard.__exit__()
        if self._patched:
            ambient.uninstall()
        context.uninstall()
        keep_refusing(replayer)
        self._judge(replayer)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, _type: Any, error: BaseException | None, traceback: Any) -> None:
        self.__exit__(_type, error, traceback)

    def _judge(self, replayer: Replayer) -> None:
        options = self._options
        if self._problem is not None:
            for log in replayer.runs:
                log.problem = self._problem
        results = [judge(log, strict=options.strict, assertion=options.assertion, plan=options.plan) for log in replayer.runs]
        stray = [stray_divergence(h) for h in replayer.stray]
        if len(results) == 1 and stray:
            only = combined(results, stray)
            results[0].divergences[:] = only.divergences
            results[0].refused[:] = only.refused
            results[0].verdict = only.verdict
            stray = []
        if seam.after_replay is not None:
            for log, result in zip(replayer.runs, results, strict=True):
                replay = tracing.replayed(log, result)
                if replay is not None:
                    seam.after_replay(replay)
        self._results = results
        self._result = results[0] if len(results) == 1 else combined(results, stray)


def replaying(
    runs: Any,
    *,
    live: str | Iterable[str] = (),
    on_divergence: str = "continue",
    strict: bool = False,
    allow_effects: bool = False,
    allow_net: str | Iterable[str] = (),
    freeze: bool = False,
    assertion: Any = None,
    ignore: str | Iterable[str] = (),
    pace: str = "instant",
    redactor: Redacts | None = None,
) -> Replaying:
    """Replay one Run, or several, around code that the caller runs: `with replaying(run) as replay: …`, then `replay.result`.

    Each root boundary that starts takes the unused Run with the same entry and equal, else nearest, inputs and session
    variables. Exceptions of the caller's code propagate; the result is there all the same. Options as in `replay`.
    """
    return Replaying(runs, _options(live, on_divergence, strict, allow_effects, allow_net, freeze, assertion, ignore, pace, redactor))


def replay(
    run: Any,
    *,
    live: str | Iterable[str] = (),
    entry: str | Callable[..., Any] | None = None,
    provide: Provide | None = None,
    on_divergence: str = "continue",
    strict: bool = False,
    allow_effects: bool = False,
    allow_net: str | Iterable[str] = (),
    freeze: bool = False,
    assertion: Any = None,
    ignore: str | Iterable[str] = (),
    pace: str = "instant",
    redactor: Redacts | None = None,
) -> Result:
    """Re-enter the recorded entry with boundaries answered from the record, and return what that showed.

    `live`: kinds, "kind:glob" or "changed": what is executed besides agents, steps and guardrails. `entry`: "module:function"
    or a callable; without it, the recorded one, if pyproject.toml allows its module. `provide`: {parameter: factory} for
    arguments that JSON cannot carry. `assertion`: an expression over the RunView, or a function of it, that is false
    where the harm is done. `strict`: differences that are only times and ids count. `redactor`: the `Redactor` with the key of a
    redacted recording; without it live values are compared with pseudonyms by their type. An async entry is run by `asyncio.run`.
    """
    options = _options(live, on_divergence, strict, allow_effects, allow_net, freeze, assertion, ignore, pace, redactor)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise UsageError(
            "replay was called inside a running event loop: use `await chronicle.areplay(run)`, or `async with chronicle.replaying(run)`"
        )

    def drive(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        outcome = function(*args, **kwargs)
        if inspect.isawaitable(outcome):
            asyncio.run(_awaited(outcome))
        elif inspect.isasyncgen(outcome):
            asyncio.run(aconsume(outcome, recorded_length(run)))
        elif inspect.isgenerator(outcome):
            consume(outcome, recorded_length(run))

    around = Replaying(_one(run), options)
    with around:
        started = _start(around, run, entry, provide or {})
        if started is not None:
            function, args, kwargs = started
            try:
                drive(function, args, kwargs)
            except BaseException as error:
                _swallow(around, error)
    return around.result


async def areplay(
    run: Any,
    *,
    live: str | Iterable[str] = (),
    entry: str | Callable[..., Any] | None = None,
    provide: Provide | None = None,
    on_divergence: str = "continue",
    strict: bool = False,
    allow_effects: bool = False,
    allow_net: str | Iterable[str] = (),
    freeze: bool = False,
    assertion: Any = None,
    ignore: str | Iterable[str] = (),
    pace: str = "instant",
    redactor: Redacts | None = None,
) -> Result:
    """`replay` for use inside a running event loop."""
    around = Replaying(
        _one(run), _options(live, on_divergence, strict, allow_effects, allow_net, freeze, assertion, ignore, pace, redactor)
    )
    async with around:
        started = _start(around, run, entry, provide or {})
        if started is not None:
            function, args, kwargs = started
            try:
                outcome = function(*args, **kwargs)
                if inspect.isawaitable(outcome):
                    await outcome
                elif inspect.isasyncgen(outcome):
                    await aconsume(outcome, recorded_length(run))
                elif inspect.isgenerator(outcome):
                    consume(outcome, recorded_length(run))
            except BaseException as error:
                _swallow(around, error)
    return around.result


def _one(run: Any) -> Any:
    if not hasattr(run, "steps"):
        raise UsageError("replay takes one Run, as chronicle.load(source) returns it; for several use replaying(runs)")
    return run


def _start(
    around: Replaying, run: Any, entry: str | Callable[..., Any] | None, provide: Provide
) -> tuple[Callable[..., Any], list[Any], dict[str, Any]] | None:
    """Find the entry and its arguments; None where that cannot be done, which is then the verdict."""
    try:
        function = entries.find(run, entry)
        args, kwargs = entries.arguments(run, function, provide)
    except CannotReproduce as problem:
        around.cannot_reproduce(str(problem))
        return None
    return function, args, kwargs


def _swallow(around: Replaying, error: BaseException) -> None:
    """The Run's own exception is part of the result, sys.exit too; a person's interrupt, or our own misuse, goes on."""
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)) and around.replayer.runs[0].root.step.form != "error":
        raise error
    if isinstance(error, UsageError):
        raise error
    log = around.replayer.runs[0]
    if log.root_happened is None and not isinstance(error, ChronicleError):
        around.cannot_reproduce(f"the entry raised before its root boundary was reached: {type(error).__name__}: {error}")


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
