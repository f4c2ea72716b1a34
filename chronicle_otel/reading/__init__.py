"""Recordings as data: Runs and their Steps, and what they are worth before anything is executed.

source ──files──► lines ──otlp──► span records ──by run id──► Run ──► Steps, payloads read on first use
                                                               └────► checks
"""

from __future__ import annotations

import gc
import os
from typing import TypeAlias

from chronicle_otel import semconv
from chronicle_otel.errors import RunNotFound, SourceError, UsageError
from chronicle_otel.reading.blobs import Blobs
from chronicle_otel.reading.checks import Checks
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.model import Entry, Run, Step, runs_of
from chronicle_otel.reading.otlp import SpanRecord
from chronicle_otel.reading.sources.files import Spans, read_files

Source: TypeAlias = str | os.PathLike[str]

__all__ = ["Checks", "Entry", "Finding", "Run", "SpanRecord", "Step", "load", "runs"]


def runs(source: Source, *, store: str | None = None) -> list[Run]:
    """Return all Runs of a source in order of start: a file or folder of OTLP JSON, or "-" for standard input.

    `store` is the root of the external store that values were moved to, or of a copy; default: `CHRONICLE_STORE`.

    SourceError if the source cannot be read or holds no span of chronicle.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(f"{source!r:.80} is no recording: give the path of a file or folder, or '-' for standard input")
    collecting = gc.isenabled()
    gc.disable()  # every object made here stays; looking for garbage among them takes a fifth of the time
    try:
        found = read_files(source)
        result = runs_of(found.spans, found.findings, source=str(source), blobs=Blobs(store))
    finally:
        if collecting:
            gc.enable()
    if not result:
        raise SourceError(_nothing_in(source, found))
    return result


def _nothing_in(source: Source, found: Spans) -> str:
    """Say why a source holds no Run, and what to do."""
    outside = sum(semconv.KIND in span.attributes and semconv.RUN_ID not in span.attributes for span in found.spans)
    if outside:
        steps = f"{outside:,} {'Steps were' if outside > 1 else 'Step was'}"
        return (
            f"{source} holds no Run: {steps} recorded outside any Run. Decorate the entry of the program with @chronicle.agent, wrap it in "
            '`with chronicle.agent.span("name"):`, or start it with `chronicle run`; then record again'
        )
    first = next((f" First problem: {finding.message}." for finding in found.findings), "")
    others = f"{len(found.spans):,} spans of others, " if found.spans else ""
    return f"{source} holds {others}no span of chronicle: record with chronicle_otel.init() or `chronicle run` first.{first}"


def load(source: Source | Run, run: str | None = None, *, store: str | None = None) -> Run:
    """Return one Run. `run` is its id or the beginning of it, or a trace id; without one the source must hold a single Run.

    `store` as of `runs`. Traces of replays do not count as long as there is a recording. RunNotFound lists what there is.
    """
    if isinstance(source, Run):
        return source
    if run is not None and not isinstance(run, str):
        raise UsageError(f"load: run={run!r}: give the id of a Run, or the beginning of it")
    found = runs(source, store=store)
    if run is None:
        recordings = [each for each in found if each.replay_of is None] or found
        if len(recordings) == 1:
            return recordings[0]
        raise RunNotFound(
            f"{source} holds {len(recordings)} Runs; name one of them by its id or the beginning of it:\n{_listed(recordings)}"
        )
    wanted = run.lower()
    chosen = [each for each in found if each.id == wanted] or [each for each in found if wanted and each.id.startswith(wanted)]
    chosen = chosen or [each for each in found if wanted in each.traces]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise RunNotFound(f"{len(chosen)} Runs of {source} begin with {run!r}; give more digits:\n{_listed(chosen)}")
    raise RunNotFound(f"no Run {run!r} in {source}; it holds:\n{_listed(found)}")


def _listed(found: list[Run]) -> str:
    lines = [f"  {each.id}  {each.started}  {each.entry.name}, {len(each.steps)} steps" for each in found[:50]]
    return "\n".join(lines + ([f"  … and {len(found) - 50} more"] if len(found) > 50 else []))
