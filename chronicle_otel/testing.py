"""Cases: Runs that were promoted to tests, and what a test says about one.

recording beside the test ──► load ──► replay with the code as it is now ──► verdict and divergences == what was promised
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from . import credentials, instrumentation
from .errors import UsageError
from .recording import scripts
from .recording.interceptor import Crossing, seam

if TYPE_CHECKING:
    from .replayer import Result

OUTCOME_CHANGED = "outcome_changed"
"""Stands for output_changed and error_changed alike: how a live boundary says no is its own affair where an assertion judges."""
_OUTCOMES = ("output_changed", "error_changed")


@dataclass(frozen=True, slots=True)
class Departure:
    """One place where the code departs from the recording."""

    kind: str
    """A kind of divergence, or `outcome_changed` for either of output_changed and error_changed."""
    step: str
    """Kind and name of the Step, as `tool:place_order`."""
    occurrence: int
    """Which Step of its kind, counted from 0."""

    def __str__(self) -> str:
        return f"{self.kind} at {self.step} #{self.occurrence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A recorded Run and what its replay is to show; `check` replays it and compares."""

    recording: str | os.PathLike[str]
    """OTLP JSON lines with the Run."""
    run: str | None = None
    """Run id, where the recording holds several."""
    entry: Any = None
    """`module:function`, or the function itself; None: the recorded entry."""
    script: Sequence[str] = ()
    """Instead of an entry: the script that `chronicle run` recorded, or "-m" and a module's name, and its arguments."""
    provide: Mapping[str, str] = field(default_factory=dict[str, str])
    """Parameters of the entry that no recording holds: name → `module:factory` that makes the value."""
    root: str | os.PathLike[str] | None = None
    """Folder that the entry's module is imported from, and that a script's path starts at."""
    live: Sequence[str] = ()
    """What runs live beside the default plan: kinds, `kind:glob`, `changed`."""
    assertion: str | None = None
    """True where the run does no harm; false on the recording."""
    verdict: str = "reproduced"
    """What the replay is to show."""
    departures: Sequence[Departure] = ()
    """Every divergence that the replay is to show, and no other."""
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    """Further options of `chronicle.replay`."""

    def replay(self) -> Result:
        """Replay the Run with the code as it is now."""
        from .reading import load

        prepare()
        run = load(os.fspath(self.recording), run=self.run)
        options: dict[str, Any] = {"live": self.live, "assertion": self.assertion, **self.options}
        with importing_from(self.root):
            if self.script and self.script[0] == "-m":
                return replay_script(run, self.script[1], self.script[2:], module=True, **options)
            if self.script:
                script = Path(self.root or ".", self.script[0])
                return replay_script(run, os.fspath(script), self.script[1:], **options)
            from .replayer import replay

            return replay(run, entry=self.entry, provide=factories(self.provide), **options)

    def check(self) -> Result:
        """Replay, and raise `CaseFailed` with the report unless verdict and divergences are as promised."""
        __tracebackhide__ = True
        result = self.replay()
        problems = self.problems(result)
        if problems:
            raise CaseFailed("\n".join((*problems, "", str(result))), result)
        return result

    def problems(self, result: Result) -> list[str]:
        """Say, line by line, how a replay differs from what the Case promises; empty if it does not."""
        problems: list[str] = []
        if result.verdict != self.verdict:
            problems.append(f"the verdict is {result.verdict}, this test was promoted as {self.verdict}")
        if self.assertion is not None and result.assertion is not None and not result.assertion[1]:
            problems.append(f"the assertion does not hold: {self.assertion}")
        loose = {d.kind for d in self.departures} & {OUTCOME_CHANGED}
        shown = Counter(departures_of(result, loose=bool(loose)))
        promised = Counter(self.departures)
        problems += [f"no longer: {departure}" for departure in (promised - shown).elements()]
        problems += [f"new: {departure}" for departure in (shown - promised).elements()]
        return problems


class CaseFailed(AssertionError):
    """A Case does not replay as promised; the message is the report."""

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message)
        self.result = result


def departures_of(result: Result, *, loose: bool) -> list[Departure]:
    """List the divergences of a replay as a Case writes them; `loose` makes changed outputs and errors one kind."""
    return [
        Departure(
            OUTCOME_CHANGED if loose and divergence.kind in _OUTCOMES else divergence.kind,
            f"{divergence.step.kind}:{divergence.step.name}",
            divergence.step.index,
        )
        for divergence in result.divergences
    ]


def prepare() -> None:
    """Make a process ready to replay: placeholders where keys are missing, SDK seams in place for when SDKs are imported."""
    credentials.put_placeholders()
    credentials.silence_frameworks()
    instrumentation.instrument_all()


def factories(named: Mapping[str, str]) -> dict[str, Callable[[], Any]]:
    """Turn `module:factory` names into the factories. UsageError for one that cannot be found."""
    found: dict[str, Callable[[], Any]] = {}
    for parameter, name in named.items():
        module, _, path = name.partition(":")
        try:
            target: Any = importlib.import_module(module)
            for part in path.split("."):
                target = getattr(target, part)
        except (ImportError, AttributeError, ValueError) as error:
            raise UsageError(f"provide {parameter}={name}: write module:factory, as in shop.stores:memory_store ({error})") from error
        found[parameter] = target
    return found


@contextlib.contextmanager
def importing_from(folder: str | os.PathLike[str] | None) -> Iterator[None]:
    """Let modules of a folder be imported inside the block."""
    path = os.path.abspath(folder) if folder is not None else None
    if path is None or path in sys.path:
        yield
        return
    sys.path.insert(0, path)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(path)


@contextlib.contextmanager
def _script_errors() -> Iterator[None]:
    from .replayer.refusal import refused

    try:
        yield
    except SystemExit:
        pass
    except UsageError:
        raise
    except Exception as error:
        if not refused(error):
            sys.excepthook(type(error), error.with_traceback(part := scripts.user_part(error.__traceback__)), part)


def _end(crossing: Crossing | None, error: BaseException | None) -> None:
    if crossing is not None and error is None:
        crossing.finish(None)
    elif crossing is not None and error is not None:
        crossing.fail(error)


def replay_script(runs: Any, script: str, arguments: Sequence[str] = (), *, module: bool = False, **options: Any) -> Result:
    """Execute a script again, as it was recorded with `chronicle run`, around one Run or several, and return the result.

    The script's own Run, if it was the entry, is opened here; agents inside it open theirs. What the script raises goes
    no further: it is printed as Python does, unless it is what the replay refused, which the result holds.
    """
    from .replayer import replaying

    scripts.check(script, module=module)
    several = cast("list[Any]", runs if isinstance(runs, list) else [runs])
    handle = replaying(runs, **options)
    with handle, _script_errors():
        crossing = None
        if any(run.entry.name.startswith(scripts.PREFIX) for run in several) and seam.interceptor is not None:
            crossing = seam.interceptor.enter(scripts.script_boundary(script), tuple(arguments), {}, attach=False)
        try:
            scripts.execute(script, arguments, module=module)
        except BaseException as error:
            _end(crossing, scripts.failure(error))
            raise
        _end(crossing, None)
    return handle.result
