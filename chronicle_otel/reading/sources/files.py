"""Span records from files of OTLP JSON: plain or gzip, one document a line or one in all, a folder of them, or "-".

path ──► lines ──json──► documents ──otlp──► span records
           └─ torn line ──► every document that begins in it, and the whole spans of one that was cut ──► the gap is a finding
"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from chronicle_otel.errors import SourceError
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.otlp import SpanRecord, is_otlp, spans_in
from chronicle_otel.reading.sources.torn import whole_spans

SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
"""Files that are read in a folder."""
_START: Final = re.compile(rb'\{\s*"(?:resourceSpans|batches)"\s*:')
_GZIP: Final = b"\x1f\x8b"
_STEP: Final = 1 << 20
_BLANK: Final = b" \t\r\n\0"
_BEGINNINGS: Final = (b"{", b"[", b"[{", b'{"resourceSpans":[', b'{"resourceSpans": [', b'{"batches":[', b'{"batches": [')
"""First lines of a document that is printed over many."""
MOST_FINDINGS: Final = 100
"""Damaged lines of one file that are looked into."""
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


@dataclass(slots=True)
class Spans:
    """What a source holds."""

    spans: list[SpanRecord] = field(default_factory=list[SpanRecord])
    findings: list[Finding] = field(default_factory=list[Finding])


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


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES) and file.is_file())
        if not found:
            raise SourceError(f"no recording in the folder {path}: no file in it ends in {', '.join(SUFFIXES)}")
        return found
    if not path.exists():
        raise SourceError(
            f"no such file or folder: {path}; name a recording, or the folder that chronicle records into (.chronicle by default)"
        )
    return [path]


def _read_file(file: Path, result: Spans, parse: Callable[[bytes], Any]) -> None:
    with file.open("rb") as stream:
        _read_stream(stream, str(file), result, parse)


def _read_stream(stream: BinaryIO, name: str, result: Spans, parse: Callable[[bytes], Any]) -> None:
    head = stream.read(4)
    stream.seek(0)
    if head[:2] == _GZIP:
        stream = io.BytesIO(_unpacked(stream.read(), name, result))
    elif head == _ZSTD:
        raise SourceError(f"{name} is compressed with zstd: unpack it first (zstd -d)")
    if not _read_lines(stream, name, result, parse):
        stream.seek(0)
        _read_whole(stream.read(), name, result)


def _unpacked(data: bytes, name: str, result: Spans) -> bytes:
    """Unpack gzip, members one after another; a file that was cut gives what can be unpacked."""
    parts: list[bytes] = []
    while data[:2] == _GZIP:
        unpacker = zlib.decompressobj(wbits=31)
        reason = "ends early"
        try:
            parts += [unpacker.decompress(data[at : at + _STEP]) for at in range(0, len(data), _STEP)]
        except zlib.error as error:
            reason = f"is damaged ({error})"
        if not unpacker.eof:
            message = f"{name}: the gzip data {reason}; what came before that was read, copy the file again if you can"
            result.findings.append(Finding("damaged_source", None, message, name))
            break
        data = unpacker.unused_data
    return b"".join(parts)


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
    if not is_otlp(document):
        result.findings.append(
            Finding("damaged_source", None, f"{name}, line {number}: JSON, but no OTLP (no resourceSpans in it); skipped", name, number)
        )
        return

    def bad(reason: str) -> None:
        result.findings.append(Finding("damaged_source", None, f"{name}, line {number}: {reason}", name, number))

    result.spans += spans_in(document, file=name, line=number, bad=bad)


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
