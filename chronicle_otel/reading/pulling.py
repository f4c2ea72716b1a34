"""A source, or some Runs of it, as one portable file.

source ──choosing──► the traces of the Runs wanted, spans of others in them too ──normal──► temporary file ──► FILE
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from chronicle_otel.errors import SourceError, UsageError
from chronicle_otel.reading.choosing import find, find_one
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.search import Search
from chronicle_otel.reading.sources import Source
from chronicle_otel.reading.sources.packed import zstd_writer

SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".jsonl.zst")
"""What a recording that is written may be called; the last part chooses the packing."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was written."""

    path: str
    """The file; "-" for standard output."""
    runs: tuple[str, ...]
    """Ids, in order of start."""
    traces: int
    spans: int
    """Copies of one span count once."""
    bytes: int
    """Of the text, unpacked."""
    findings: tuple[Finding, ...]
    """What reading found out about the source."""


def chosen_lines(source: Source, *, run: str | None = None, search: Search | None = None) -> tuple[Iterator[bytes], Pulled]:
    """Return the normal lines of the traces wanted, and what they are; the counts of spans and bytes are still 0."""
    found = find(source, search) if run is None else find_one(source, run, search)
    runs = found.runs if run is None else [found.one(run)]
    traces = {trace for each in runs for trace in each.traces}
    if run is None and not search:
        traces = {span.trace_id for span in found.spans.spans}
    findings = tuple(finding for finding in found.spans.findings if not finding.trace or finding.trace in traces)
    lines = normal_lines(span for span in found.spans.spans if span.trace_id in traces)
    return lines, Pulled("-", tuple(each.id for each in runs), len(traces), 0, 0, findings)


def pull(
    source: Source, output: str | os.PathLike[str], *, run: str | None = None, search: Search | None = None, force: bool = False
) -> Pulled:
    """Write a source's traces to `output` ("-": standard output) as OTLP JSON lines in normal form.

    With `run` or `search`, the traces of those Runs only, whole. A file appears complete or not at all, and only its owner may read it.
    UsageError if the file exists and `force` is not given; SourceError if the source cannot be read; RunNotFound.
    """
    name = os.fspath(output)
    if name != "-":
        _check(Path(name), force)
    lines, pulled = chosen_lines(source, run=run, search=search)
    if not pulled.runs:
        raise SourceError(f"{source} holds no Run that is wanted{f' ({search})' if search else ''}; nothing is written")
    spans, size = _to_stdout(lines) if name == "-" else _to_file(lines, Path(name))
    return Pulled(name, pulled.runs, pulled.traces, spans, size, pulled.findings)


def _check(path: Path, force: bool) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file in it, ending in {', '.join(SUFFIXES)}")
    if not path.name.lower().endswith(SUFFIXES):
        raise UsageError(f"{path}: a recording's name ends in {', '.join(SUFFIXES)}")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already; choose another name, or overwrite it with --force")
    if path.name.lower().endswith(".zst"):
        zstd_writer(io.BytesIO())  # says that there is none before anything is asked of a store


def _to_stdout(lines: Iterable[bytes]) -> tuple[int, int]:
    counts = _write(lines, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return counts


def _to_file(lines: Iterable[bytes], path: Path) -> tuple[int, int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as raw:
            if path.name.lower().endswith(".gz"):
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:  # the same spans, the same bytes
                    counts = _write(lines, cast("IO[bytes]", packed))
            elif path.name.lower().endswith(".zst"):
                with zstd_writer(raw) as packed:
                    counts = _write(lines, packed)
            else:
                counts = _write(lines, raw)
            raw.flush()
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return counts


def _write(lines: Iterable[bytes], file: Any) -> tuple[int, int]:
    spans = size = 0
    for line in lines:
        file.write(line)
        spans += 1
        size += len(line)
    return spans, size
