"""Promote a Run: write the test and its recording, after a replay has shown what the test will say.

source ──► Run ──► replay, code as it is now ──► Case ──► test_x.py
   └──► the Run's spans only ───────────────────────────► test_x.jsonl
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from . import semconv
from .errors import UsageError
from .recording import scripts
from .testing import OUTCOME_CHANGED, Case, departures_of

if TYPE_CHECKING:
    from .replayer import Result

_REFUSED = {
    "cannot_judge": "the recording cannot be judged, so neither can a test of it",
    "cannot_reproduce": "the entry could not be started",
    "failed": "the run itself failed in the replay; fix that first",
}


class NotPromoted(UsageError):
    """The replay does not support a test; `result` is that replay."""

    def __init__(self, message: str, result: Result, *, by_verdict: bool = True) -> None:
        super().__init__(f"not promoted: {message}")
        self.result = result
        self.by_verdict = by_verdict
        """The verdict stands against it; else it is the assertion that does not fit."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What was written."""

    test: Path
    """The test module."""
    recording: Path
    """The Run's spans, beside it."""
    case: Case
    """What the test promises."""
    result: Result
    """The replay that showed it."""


def promote(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    run: str | None = None,
    entry: str | None = None,
    script: Sequence[str] = (),
    provide: Mapping[str, str] | None = None,
    live: Sequence[str] = (),
    assertion: str | None = None,
    force: bool = False,
    **options: Any,
) -> Promotion:
    """Replay a Run with the code as it is now and write a test that expects exactly what the replay showed.

    `output` is a test module, or a folder in which one is named after the entry. The assertion has to be false on the
    recording and true on the replay; without one the test is a plain regression test. Nothing is written, and NotPromoted
    raised, where the replay does not support a test; UsageError where a file exists already and `force` is not given.
    """
    from .reading import load
    from .reading.pulling import pull
    from .reading.sources import is_url

    if os.fspath(source) == "-" or is_url(source) or Path(source).is_fifo():  # it is read more than once
        with tempfile.TemporaryDirectory(prefix="chronicle-") as folder:
            copy = Path(folder) / "recording.jsonl"
            pull(source, copy, run=run)
            return promote(
                copy, output, run=run, entry=entry, script=script, provide=provide, live=live, assertion=assertion, force=force, **options
            )
    recorded = load(os.fspath(source), run=run)
    if not script and recorded.entry.name.startswith(scripts.PREFIX):
        raise UsageError(
            f"the entry of run {recorded.id[:12]} is a script: name it and its arguments, as in chronicle promote … -- script.py ARGS"
        )
    if not script and not entry and not (recorded.entry.module and recorded.entry.qualname):
        raise UsageError(f"the recording does not say where {recorded.entry.name} is defined: name it with --entry module:function")
    test = _test_path(Path(output), recorded.entry.name)
    recording = test.with_suffix(".jsonl")
    if not force:
        for path in (test, recording):
            if path.exists():
                raise UsageError(f"{path} exists already; choose another name, or overwrite it with --force")
    given = {name: value for name, value in options.items() if value not in (None, False, (), [], "continue", "instant")}
    case = Case(
        recording=source,
        run=recorded.id,
        entry=None if script else entry or f"{recorded.entry.module}:{recorded.entry.qualname}",
        script=tuple(script),
        provide=provide or {},
        root=".",
        live=tuple(live),
        assertion=assertion,
        options=given,
    )
    result = case.replay()
    _refuse(result, assertion)
    case = Case(
        recording=recording.name,
        run=recorded.id,
        entry=case.entry,
        script=case.script,
        provide=case.provide,
        root=os.path.relpath(Path.cwd(), test.parent).replace(os.sep, "/"),
        live=case.live,
        assertion=assertion,
        verdict=result.verdict,
        departures=departures_of(result, loose=assertion is not None),
        options=given,
    )
    test.parent.mkdir(parents=True, exist_ok=True)
    _write(recording, recording_text(source, recorded.id))
    _write(test, test_text(case, recorded, test.stem))
    return Promotion(test, recording, case, result)


def _test_path(output: Path, entry: str) -> Path:
    if output.suffix not in ("", ".py") and not output.is_dir():
        raise UsageError(f"{output}: a test module ends in .py; name one, or a folder")
    if output.suffix != ".py":
        word = re.sub(r"\W+", "_", entry.removeprefix(scripts.PREFIX).removesuffix(".py").rsplit(".", 1)[-1]).strip("_").lower()
        return output / f"test_{word or 'run'}.py"
    if not re.fullmatch(r"[A-Za-z_]\w*", output.stem):
        raise UsageError(f"{output}: a test module's name is letters, digits and underscores")
    if not output.name.startswith("test_"):
        raise UsageError(f"{output}: pytest collects test_*.py; call it {output.with_name('test_' + output.name)}")
    return output


def _refuse(result: Result, assertion: str | None) -> None:
    if result.verdict in _REFUSED:
        raise NotPromoted(_REFUSED[result.verdict], result)
    if assertion is None or result.verdict == "fixed":
        return
    if result.verdict == "still_failing":
        raise NotPromoted(f"the assertion is still false on the replay, so the code does the harm as before: {assertion}", result)
    if result.assertion is None or not result.assertion[0]:
        raise NotPromoted("the replay departs from the recording where a fix does not explain it (see its divergences)", result)
    raise NotPromoted(
        f"the assertion is true on the recording already, so it does not state the harm: {assertion}", result, by_verdict=False
    )


# ---- the test ----------------------------------------------------------------------------------


def test_text(case: Case, run: Any, name: str) -> str:
    """Write the test module."""
    when = dt.datetime.fromtimestamp(run.start_ns / 1e9, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    kind = "its harm stays fixed" if case.assertion else "it still does what it did"
    arguments: list[tuple[str, Any]] = [("run", case.run)]
    arguments.append(("script", list(case.script)) if case.script else ("entry", case.entry))
    if case.provide:
        arguments.append(("provide", dict(case.provide)))
    if case.live:
        arguments.append(("live", list(case.live)))
    if case.assertion:
        arguments.append(("assertion", case.assertion))
    arguments.append(("verdict", case.verdict))
    lines = [
        f'"""Promoted from a run of {_plain(run.entry.name)}, recorded {when}: {kind}.',
        "",
        "Written by `chronicle promote`; needs no network and no key. The recording lies beside it.",
        '"""',
        "",
        "from pathlib import Path",
        "",
        "from chronicle_otel.testing import Case" + (", Departure" if case.departures else ""),
        "",
        "HERE = Path(__file__).parent",
        "",
        "CASE = Case(",
        f"    recording=HERE / {literal(os.fspath(case.recording))},",
        f"    root=HERE{'' if case.root in (None, '.') else ' / ' + literal(os.fspath(case.root))},  # where the code is imported from",
        *(f"    {argument}={literal(value)}," for argument, value in arguments),
    ]
    if case.departures:
        lines.append("    departures=[")
        lines += [f"        Departure({literal(d.kind)}, {literal(d.step)}, {d.occurrence}),{_remark(d.kind)}" for d in case.departures]
        lines.append("    ],")
    if case.options:
        lines.append(f"    options={literal(case.options)},")
    sentence = "Replay the run with the code as it is now: it departs from the recording here and nowhere else."
    if not case.departures:
        sentence = "Replay the run with the code as it is now: it asks and answers as recorded."
    lines += [")", "", "", f"def {name}() -> None:", f'    """{sentence}"""', "    CASE.check()", ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return re.sub(r"[^\w.: -]", "_", text)


def _remark(kind: str) -> str:
    return "  # what a live boundary answers; the assertion judges it" if kind == OUTCOME_CHANGED else ""


def literal(value: Any) -> str:
    """Write a Python literal with double quotes, as formatters do."""
    if isinstance(value, str):
        single = repr(value)
        if single.startswith('"'):
            return single
        return single if '"' in value else '"' + single[1:-1].replace("\\'", "'") + '"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(name)}: {literal(member)}" for name, member in cast("Mapping[Any, Any]", value).items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, cast("Sequence[Any]", value))) + "]"
    return repr(value)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


# ---- the recording -----------------------------------------------------------------------------


def recording_text(source: str | os.PathLike[str], run_id: str) -> str:
    """The spans of one Run as OTLP JSON lines in normal form."""
    from .reading.normal import normal_lines
    from .reading.sources import read

    spans = (span for span in read(source).spans if str(span.attributes.get(semconv.RUN_ID, "")).lower() == run_id)
    return b"".join(normal_lines(spans)).decode()
