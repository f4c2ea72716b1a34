"""The Runs of a source, and which of them is meant.

source ──sources──► spans ──by run id──► Runs ──Search──► those wanted ──id──► the one
"""

from __future__ import annotations

import gc
import os
import re
from dataclasses import dataclass, replace
from typing import Final

from chronicle_otel import semconv
from chronicle_otel.errors import RunNotFound, SourceError, UsageError
from chronicle_otel.reading.blobs import Blobs
from chronicle_otel.reading.model import Run, runs_of
from chronicle_otel.reading.search import Search
from chronicle_otel.reading.sources import Source, Spans, is_url, parse, read

_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of a source."""

    source: Source
    spans: Spans
    """Everything, spans of others too."""
    runs: list[Run]
    """Those wanted, in order of start."""

    def one(self, run: str | None) -> Run:
        """Return the Run of that id, or beginning of an id, or trace id; None: the only one. RunNotFound lists what there is."""
        if run is None:
            recordings = [each for each in self.runs if each.replay_of is None] or self.runs
            if len(recordings) == 1:
                return recordings[0]
            if not recordings:
                raise RunNotFound(f"no Run that is wanted in {self.source}")
            raise RunNotFound(
                f"{self.source} holds {len(recordings)} Runs; name one of them by its id or the beginning of it:\n{_listed(recordings)}"
            )
        wanted = run.lower()
        chosen = [each for each in self.runs if each.id == wanted]
        chosen = chosen or [each for each in self.runs if wanted and each.id.startswith(wanted)]
        chosen = chosen or [each for each in self.runs if wanted in each.traces]
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            raise RunNotFound(f"{len(chosen)} Runs of {self.source} begin with {run!r}; give more digits:\n{_listed(chosen)}")
        if not self.runs:
            raise RunNotFound(f"no Run {run!r} in {self.source}; look further back with since=7d")
        raise RunNotFound(f"no Run {run!r} in {self.source}; it holds:\n{_listed(self.runs)}")


def find(source: Source, search: Search | None = None, *, store: str | None = None) -> Found:
    """Read a source and return the Runs that are wanted. SourceError if it cannot be read, or holds no Run at all.

    `store` is the root of the external store.
    """
    search = search or Search()
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(
            f"{source!r:.80} is no recording: give the path of a file or folder, '-' for standard input, or the address of a store"
        )
    if not str(source):
        raise UsageError("the source is an empty text: name a recording, '-' for standard input, or the address of a store")
    location = parse(str(source)) if is_url(source) else None
    if location is not None:
        search = location.search.joined(search)
    collecting = gc.isenabled()
    gc.disable()  # every object made here stays; looking for garbage among them takes a fifth of the time
    try:
        spans = read(source, search)
        result = runs_of(spans.spans, spans.findings, source=str(source), blobs=Blobs(store))
    finally:
        if collecting:
            gc.enable()
    if not result and (location is None or location.trace or not search):
        raise SourceError(_nothing_in(source, spans))
    return Found(source, spans, search.of_runs(result))


def find_one(source: Source, run: str | None, search: Search | None = None, *, store: str | None = None) -> Found:
    """Read a source for one Run: a store is asked for that Run only, where its id is whole and its trace is not named."""
    if run is not None and not isinstance(run, str):
        raise UsageError(f"run={run!r}: give the id of a Run, or the beginning of it")
    whole = run.lower() if run is not None and _RUN_ID.fullmatch(run.lower()) else ""
    location = parse(str(source)) if isinstance(source, str) and is_url(source) else None
    if not whole or location is None or location.trace:
        return find(source, search, store=store)
    found = find(source, replace(search or Search(), run=whole), store=store)
    if not found.runs and not location.search:  # no Run's id, so that of a trace
        return find(replace(location, trace=whole).again(), search, store=store)
    return found


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
    if is_url(source) and not found.spans and not first:
        if parse(str(source)).trace:
            return f"{source}: the store has no such trace, or nothing of it is left"
        return f"{source} has no trace of chronicle from the last 24 hours; look further back with ?since=7d"
    others = f"{len(found.spans):,} spans of others, " if found.spans else ""
    return f"{source} holds {others}no span of chronicle: record with chronicle_otel.init() or `chronicle run` first.{first}"


def _listed(found: list[Run]) -> str:
    named = [(each, " ".join(each.entry.name.split())[:100]) for each in found[:50]]
    lines = [f"  {each.id}  {each.started}  {name}, {len(each.steps)} steps" for each, name in named]
    return "\n".join(lines + ([f"  … and {len(found) - 50} more"] if len(found) > 50 else []))
