"""Span records from files: OTLP JSON or protobuf, plain, gzip or zstd, as chronicle, SDKs and the collector write them; a folder, or "-".

path ──► bytes ──gzip, zstd──► what is inside decides, not the name:
           ├─ frames or a message ──otlp_proto──► span records
           └─ lines ──json──► documents ──otlp──► span records
                └─ torn line ──► every document that begins in it, and the whole spans of one that was cut ──► the gap is a finding
"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from chronicle_otel.errors import SourceError
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.otlp import is_otlp, spans_in
from chronicle_otel.reading.otlp_proto import spans_in_message
from chronicle_otel.reading.sources.jaeger_ui import is_jaeger_ui, spans_in_ui
from chronicle_otel.reading.sources.packed import GZIP, PROTO, ZSTD, frames, is_framed, is_message, unpacked
from chronicle_otel.reading.sources.spans import Spans
from chronicle_otel.reading.sources.torn import whole_spans

SUFFIXES: Final = (".jsonl", ".json", ".ndjson", ".otlp", ".binpb", ".pb")
"""Files that are read in a folder, also with .gz or .zst behind."""
_NAME: Final = re.compile(
    rf"({'|'.join(map(re.escape, SUFFIXES))})(-\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\d[.\d]*)?(\.gz|\.zst)?$|\.zst$", re.IGNORECASE
)
"""How such a name ends. The collector puts the time of a rotation before the last suffix: traces.jsonl-2026-11-26T01-07-29.123.zst."""
_START: Final = re.compile(rb'\{\s*"(?:resourceSpans|batches)"\s*:')
_BLANK: Final = b" \t\r\n\0"
_BEGINNINGS: Final = (b"{", b"[", b"[{", b'{"resourceSpans":[', b'{"resourceSpans": [', b'{"batches":[', b'{"batches": [')
"""First lines of a document that is printed over many."""
MOST_FINDINGS: Final = 100
"""Damaged lines of one file that are looked into."""
_PACKINGS: Final = 4
"""Packings inside one another that are taken off."""


def _parser() -> Callable[[bytes], Any]:
    """Return the quickest parser at hand. Numbers of OTLP are text or small, so that orjson cannot spoil any."""
    try:
        return importlib.import_module("orjson").loads
    except ImportError:
        return json.loads


def read_files(source: str | os.PathLike[str]) -> Spans:
    """Read all spans of a file, of a folder's files, or of standard input. SourceError if there is nothing to read."""
    result = Spans()
    parse = _parser()
    if str(source) == "-":
        _read_stream(io.BytesIO(sys.stdin.buffer.read()), "standard input", result, parse)
        return result
    path = Path(source)
    for file in _files(path):
        try:
            _read_file(file, result, parse)
        except OSError as error:
            if not path.is_dir():
                raise SourceError(f"cannot read {file}: {error.strerror or error}") from error
            result.findings.append(Finding("damaged_source", None, f"cannot read {file}: {error.strerror or error}", str(file)))
    return result


def is_recording(name: str) -> bool:
    """Say whether a file of that name is read in a folder."""
    return _NAME.search(name) is not None


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if is_recording(file.name) and file.is_file())
        if not found:
            raise SourceError(f"no recording in the folder {path}: no file in it ends in {', '.join(SUFFIXES)}, or these with .gz or .zst")
        return found
    if not path.exists():
        raise SourceError(
            f"no such file or folder: {path}; name a recording, or the folder that chronicle records into (.chronicle by default)"
        )
    return [path]


def _read_file(file: Path, result: Spans, parse: Callable[[bytes], Any]) -> None:
    with file.open("rb") as stream:
        whole = stream if stream.seekable() else io.BytesIO(stream.read())  # a pipe, as of a shell's <(…)
        _read_stream(whole, str(file), result, parse)


def _read_stream(stream: BinaryIO, name: str, result: Spans, parse: Callable[[bytes], Any]) -> None:
    head = stream.read(8)
    stream.seek(0)
    if head[:2] == GZIP or head[:4] == ZSTD or head[:1] == PROTO or is_framed(head):
        _read_bytes(stream.read(), name, result, parse)
    else:
        _read_text(stream, name, result, parse)


def _read_bytes(data: bytes, name: str, result: Spans, parse: Callable[[bytes], Any], depth: int = 0) -> None:
    """Read what may be packed or binary."""
    if (data[:2] == GZIP or data[:4] == ZSTD) and depth < _PACKINGS:
        _read_bytes(unpacked(data, name, result.findings), name, result, parse, depth + 1)
    elif is_framed(data):
        for number, message in enumerate(frames(data, name, result.findings), 1):
            if message[:1] == PROTO:
                result.spans += spans_in_message(message, file=name, line=number, bad=result.bad(name))
            else:
                _read_text(io.BytesIO(message), name, result, parse)
    elif is_message(data):
        result.spans += spans_in_message(data, file=name, line=1, bad=result.bad(name))
    else:
        _read_text(io.BytesIO(data), name, result, parse)


def _read_text(stream: BinaryIO, name: str, result: Spans, parse: Callable[[bytes], Any]) -> None:
    if not _read_lines(stream, name, result, parse):
        stream.seek(0)
        _read_whole(stream.read(), name, result)


def _read_lines(stream: BinaryIO, name: str, result: Spans, parse: Callable[[bytes], Any]) -> bool:
    """Read one document a line. Return False, with nothing read, if the first line is not one but the whole file is."""
    first = True
    torn = 0
    for number, line in enumerate(stream, 1):
        if not line.strip(_BLANK):
            continue
        try:
            document = parse(line)
        except (ValueError, RecursionError):
            if first and line.strip(_BLANK) in _BEGINNINGS:
                return False
            torn += 1
            if torn <= MOST_FINDINGS:
                _read_torn(line, name, number, result)
            if torn == MOST_FINDINGS and not result.spans:
                return True
        else:
            _take(document, name, number, result)
        first = False
    return True


def _read_whole(data: bytes, name: str, result: Spans) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        before = len(result.spans)
        _read_torn(data, name, line, result)
        if len(result.spans) == before:
            result.findings[-1:] = [
                Finding("damaged_source", None, f"{name}, line {line}: not JSON ({error}); export the trace again as OTLP JSON", name, line)
            ]
        return
    _take(document, name, 1, result)


def _take(document: Any, name: str, number: int, result: Spans) -> None:
    bad = result.bad(name, number)
    if is_otlp(document):
        result.spans += spans_in(document, file=name, line=number, bad=bad)
    elif is_jaeger_ui(document):
        result.spans += spans_in_ui(document, file=name, line=number, bad=bad)
    else:
        bad("JSON, but no OTLP (no resourceSpans in it); skipped")


def _sane_int(digits: str) -> int | str:
    """Read a number; one of thousands of digits, which Python refuses, stays text and costs its span only, not the line."""
    return int(digits) if len(digits) < 1000 else digits


def _read_torn(line: bytes, name: str, number: int, result: Spans) -> None:
    """Read every whole document in a line that is none: a process that was killed in the middle of one glues the next to it."""
    starts = [match.start() for match in _START.finditer(line)]
    decoder = json.JSONDecoder(parse_int=_sane_int)
    found = 0
    end = 0
    lost = 0
    for start in starts:
        if start < end:
            continue
        text = line[start:].decode("utf-8", "replace")
        try:
            document, used = decoder.raw_decode(text)
        except (ValueError, RecursionError):
            continue
        lost += start - end
        end = start + len(text[:used].encode("utf-8", "replace"))
        found += 1
        _take(document, name, number, result)
    rest = next((start for start in starts if start >= end), None)
    cut = whole_spans(line[rest:].decode("utf-8", "replace"), decoder) if rest is not None else None
    if cut is not None:
        _take(cut, name, number, result)
    lost += len(line[end:].strip(_BLANK))
    if not lost and found:
        return
    where = f"{name}, line {number}"
    if found:
        message = (
            f"{where}: torn, {lost:,} bytes of a document that was never finished are lost; the {found} whole ones in the line were read"
        )
    elif cut is not None:
        message = f"{where}: cut in the middle (the writer was killed?); the spans that are whole in it were read, what follows is lost"
    elif starts or line.lstrip()[:1] in (b"{", b"["):
        message = f"{where}: cut in the middle, {lost:,} bytes are lost (the writer was killed?); every other line was read"
    else:
        message = f"{where}: not JSON; expected OTLP JSON, one document a line, as chronicle and the collector's file exporter write it"
    result.findings.append(Finding("damaged_source", None, message, name, number))
