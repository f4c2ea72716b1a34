"""pytest plugin: replays of recorded Runs in hand-written tests.

    @pytest.mark.chronicle("trade.jsonl", entry="agent:trade", live=["tool:place_order"])
    def test_trade(replay):
        assert replay().verdict == "reproduced"

pytest loads this module in every project where chronicle_otel is installed: it imports nothing of ours until it is used.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .reading import Run
    from .replayer import Result

_OPTION = "chronicle_placeholder_credentials"
_SECTION = "chronicle replay"
_RESULTS = pytest.StashKey[list[Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the one setting."""
    parser.addini(
        _OPTION, "set OPENAI_API_KEY and the like to a placeholder where they are unset (default: true)", type="bool", default=True
    )


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Put placeholder credentials into the environment before any of the user's code is imported."""
    if early_config.getini(_OPTION):
        from . import credentials

        credentials.put_placeholders()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "chronicle(source, *, run=None, entry=None, live=(), **options): the recorded Run of the `replay` fixture; "
        "without that fixture the test's body runs around the replay and has to reproduce it. Relative to the test's folder.",
    )


class Replay:
    """What the `replay` fixture gives: the recorded Run, and two ways to replay it."""

    def __init__(self, source: Path, results: list[Any], run: str | None, entry: Any, options: dict[str, Any]) -> None:
        self.source = source
        self.entry = entry
        self.options = options
        self._run_id = run
        self._results = results
        self._run: Run | None = None

    @property
    def run(self) -> Run:
        """The recorded Run."""
        if self._run is None:
            from .reading import load

            self._run = load(str(self.source), run=self._run_id)
        return self._run

    def __call__(self, *, entry: Any = None, **options: Any) -> Result:
        """Call the entry with the recorded arguments; options are added to the marker's."""
        from .replayer import replay
        from .testing import prepare

        prepare()
        result = replay(self.run, entry=entry or self.entry, **self._options_of(replay, options))
        self._results.append(result)
        return result

    async def areplay(self, *, entry: Any = None, **options: Any) -> Result:
        """The same inside a running event loop, for asynchronous tests."""
        from .replayer import areplay
        from .testing import prepare

        prepare()
        result = await areplay(self.run, entry=entry or self.entry, **self._options_of(areplay, options))
        self._results.append(result)
        return result

    def around(self, **options: Any) -> Any:
        """Return a context manager around code that the test runs itself; `.result` afterwards."""
        from .replayer import replaying
        from .testing import prepare

        prepare()
        return _Kept(replaying(self.run, **self._options_of(replaying, options)), self._results)

    def _options_of(self, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """The marker's options and those of a call; UsageError names one that there is not."""
        from .errors import UsageError

        given = {**self.options, **options}
        known = [name for name, p in inspect.signature(function).parameters.items() if p.kind is p.KEYWORD_ONLY and name != "entry"]
        for name in given:
            if name not in known:
                raise UsageError(f"{function.__name__} has no option {name!r}; known are {', '.join(known)}")
        return given


class _Kept:
    """A replay around the test's own code, whose result is kept for the report."""

    def __init__(self, handle: Any, results: list[Any]) -> None:
        self._handle = handle
        self._results = results

    def __enter__(self) -> Any:
        return self._handle.__enter__()

    def __exit__(self, *exception: Any) -> None:
        self._handle.__exit__(*exception)
        self._results.append(self._handle.result)

    async def __aenter__(self) -> Any:
        return await self._handle.__aenter__()

    async def __aexit__(self, *exception: Any) -> None:
        await self._handle.__aexit__(*exception)
        self._results.append(self._handle.result)


def _replay_of(item: pytest.Item) -> Replay | None:
    marker = item.get_closest_marker("chronicle")
    if marker is None:
        return None
    if len(marker.args) != 1 or not isinstance(marker.args[0], str | os.PathLike):
        pytest.fail('say @pytest.mark.chronicle("recording.jsonl", …), with the recording as the only positional', pytrace=False)
    options: dict[str, Any] = dict(marker.kwargs)
    run, entry = options.pop("run", None), options.pop("entry", None)
    return Replay(item.path.parent / marker.args[0], item.stash.setdefault(_RESULTS, []), run, entry, options)


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Replay:
    """The recorded Run that the test's `chronicle` marker names: `replay()` re-enters it, `replay.around()` stands around your code."""
    found = _replay_of(request.node)
    if found is None:
        pytest.fail('it uses the replay fixture; mark it with @pytest.mark.chronicle("recording.jsonl")', pytrace=False)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Run the body of a marked test that has no `replay` fixture inside a replay, which has to end with exit code 0."""
    found = None if "replay" in pyfuncitem.fixturenames else _replay_of(pyfuncitem)
    if found is None:
        return (yield)
    with found.around() as handle:
        outcome = yield
    if handle.result.exit_code:
        pytest.fail(str(handle.result), pytrace=False)
    return outcome


def _raised_by_chronicle(info: pytest.ExceptionInfo[BaseException]) -> bool:
    return any(cls.__module__ == "chronicle_otel.errors" for cls in type(info.value).__mro__)


def _leave_own_frames_out(call: pytest.CallInfo[Any]) -> None:
    """Of an error that chronicle raised, such as a refusal, show the way to it through the user's code only."""
    if call.excinfo is None or not _raised_by_chronicle(call.excinfo):
        return
    package = os.path.dirname(os.path.abspath(__file__)) + os.sep
    for entry in call.excinfo.traceback:
        if str(entry.path).startswith(package):
            entry.frame.f_globals.setdefault("__tracebackhide__", _raised_by_chronicle)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print the report of each replay below a failed test, and of a promoted Case nothing but its report.

    One line stands for the failure itself: pytest repeats that text in its summary, whole where the variable CI is set.
    """
    _leave_own_frames_out(call)
    report = yield
    if call.when != "call" or not report.failed:
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    if type(error).__name__ == "CaseFailed" and type(error).__module__ == "chronicle_otel.testing":
        headline, _, rest = str(error).partition("\n")
        report.longrepr = headline
        report.sections.append((_SECTION, rest))
        return report
    results: list[Any] = item.stash.setdefault(_RESULTS, [])
    for result in results:
        if result.exit_code and str(result) not in str(report.longrepr):
            report.sections.append((_SECTION, str(result)))
    return report
