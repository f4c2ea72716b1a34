"""Files of OTLP JSON lines, redacted into other files; plain or gzip, one or a folder of them."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chronicle_otel.errors import SourceError, UsageError

from .otlp_lines import OtlpLines
from .redactor import Redactor
from .tenants import Tenants

SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


@dataclass(slots=True)
class Outcome:
    """What became of the files: counts, and what was left out."""

    files: list[str] = field(default_factory=list[str])
    spans: int = 0
    changed: int = 0
    rules: dict[str, int] = field(default_factory=dict[str, int])
    opaque: dict[str, int] = field(default_factory=dict[str, int])
    refused: list[str] = field(default_factory=list[str])
    """File and line of what is no OTLP, and why; it was not written."""


def redact_files(source: str | os.PathLike[str], target: str | os.PathLike[str], redactor: Redactor | Tenants) -> Outcome:
    """Write redacted copies of a file or of a folder's files. Nothing that cannot be read is written."""
    if not os.fspath(source):
        raise SourceError("no file or folder is named: the name is empty")
    here, there = Path(source), Path(target)
    if not here.exists():
        raise SourceError(f"no such file or folder: {here}")
    pairs = _pairs(here, there)
    if not pairs:
        raise SourceError(f"no {', '.join(SUFFIXES)} file in {here}")
    outcome = Outcome()
    for one, other in pairs:
        if other.exists() and one.samefile(other):
            raise UsageError(f"{other} is the source itself: name another output")
        _check(other)
    for one, other in pairs:
        lines = OtlpLines(redactor)
        _write_whole(other, lambda write, one=one, lines=lines: _copy(_lines(one), str(one), lines, outcome, write))
        outcome.files.append(str(other))
        _count(lines, outcome)
    return outcome


def redact_lines(lines: Iterable[bytes], name: str, target: str | os.PathLike[str], redactor: Redactor | Tenants) -> Outcome:
    """Write a redacted copy of OTLP JSON lines that came from elsewhere than a file; `name` is what messages call them."""
    _check(Path(target))
    outcome = Outcome()
    reader = OtlpLines(redactor)
    _write_whole(Path(target), lambda write: _copy(lines, name, reader, outcome, write))
    outcome.files.append(str(target))
    _count(reader, outcome)
    return outcome


def _count(lines: OtlpLines, outcome: Outcome) -> None:
    outcome.spans += lines.spans
    outcome.changed += lines.changed
    for counts, total in ((lines.total.rules, outcome.rules), (lines.total.opaque, outcome.opaque)):
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count


def _pairs(here: Path, there: Path) -> list[tuple[Path, Path]]:
    if here.is_dir():
        if there.is_file():
            raise UsageError(f"{there} is a file, and {here} a folder: name a folder for the output")
        return [
            (path, there / path.relative_to(here)) for path in sorted(here.rglob("*")) if path.name.endswith(SUFFIXES) and path.is_file()
        ]
    return [(here, there / here.name if there.is_dir() else there)]


def _check(other: Path) -> None:
    """Refuse what a file must not be put in place of: a device such as /dev/null would be gone."""
    if other.exists() and not other.is_file():
        kind = "a folder" if other.is_dir() else "a device, pipe or socket"
        raise UsageError(f"{other} is {kind}: name a file for the output")


def _write_whole(other: Path, copy: Callable[[Callable[[bytes], object]], None]) -> None:
    """Write a file whole or not at all; `copy` is given what writes to it."""
    other.parent.mkdir(parents=True, exist_ok=True)
    part = other.with_name(other.name + ".part")
    try:
        with part.open("wb") as raw:
            os.chmod(part, 0o600)
            if other.name.endswith(".gz"):
                with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as out:
                    copy(out.write)
            else:
                copy(raw.write)
        part.replace(other)
    finally:
        part.unlink(missing_ok=True)


def _copy(source: Iterable[bytes], name: str, lines: OtlpLines, outcome: Outcome, write: Callable[[bytes], object]) -> None:
    def refused(number: int, why: str) -> None:
        outcome.refused.append(f"{name}, line {number}: {why}")

    try:
        for line in lines.lines(source, refused):
            write(line)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        what = "ends early" if isinstance(error, EOFError) else f"is damaged ({error})"
        outcome.refused.append(f"{name}: the gzip data {what}; what came before that was redacted, copy the file again if you can")


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as raw:
        start = raw.read(4)
    if start == _ZSTD:
        raise SourceError(f"{path} is packed with zstd, and files are redacted plain or gzip: `chronicle pull {path} -o FILE.jsonl` first")
    packed = start[:2] == _GZIP
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        first = file.readline()
        if first.strip() in (b"{", b"[") or (first.strip() and not first.rstrip().endswith(b"}")):
            yield b" ".join(line.strip(b"\r\n") for line in (first, *file))
            return
        yield first
        yield from file
