"""What files are packed in: gzip, zstd, and the frames of the collector's file exporter.

gzip, zstd ──► the bytes inside        4-byte length, message, 4-byte length, … ──► messages, each perhaps zstd
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from typing import Any, Final

from chronicle_otel.errors import SourceError
from chronicle_otel.reading.findings import Finding
from chronicle_otel.reading.otlp_proto import RESOURCE_SPANS, NotProtobuf, fields, parse_group

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""First bytes (RFC 1952, RFC 8878)."""
PROTO: Final = bytes([RESOURCE_SPANS << 3 | 2])
"""How a TracesData message begins; also a line break, with which a JSON file may begin."""
_LENGTH: Final = 4
"""Bytes of a frame's length, big-endian (contrib: exporter/fileexporter/file_exporter.go)."""
_STEP: Final = 1 << 20


def unpacked(data: bytes, name: str, findings: list[Finding]) -> bytes:
    """Unpack gzip or zstd, members one after another; a file that was cut gives what can be unpacked, and a finding."""
    kind, start = ("gzip", GZIP) if data[:2] == GZIP else ("zstd", ZSTD)
    parts: list[bytes] = []
    while data[: len(start)] == start:
        reason, unpacker = "ends early", _gzip() if kind == "gzip" else _zstd(name)
        at = 0
        try:
            while at < len(data) and not unpacker.eof:
                parts.append(unpacker.decompress(data[at : at + _STEP]))
                at += _STEP
        except Exception as error:  # zlib.error, and those of two zstd modules
            reason = f"is damaged ({error})"
        if not unpacker.eof:
            message = f"{name}: the {kind} data {reason}; what came before that was read, copy the file again if you can"
            findings.append(Finding("damaged_source", None, message, name))
            break
        data = unpacker.unused_data + data[at:]
    return b"".join(parts)


def _gzip() -> Any:
    return zlib.decompressobj(wbits=31)


def _zstd(name: str) -> Any:
    """A decompressor of one zstd frame."""
    module = _zstd_module(f"{name} is compressed with zstd", "unpack it first (zstd -d)")
    return module.ZstdDecompressor() if module.__name__ == "compression.zstd" else module.ZstdDecompressor().decompressobj()


def zstd_writer(file: Any) -> Any:
    """Return a context manager that packs what is written to it into `file`, which stays open. SourceError if there is no zstd."""
    module = _zstd_module("writing zstd needs a library", "name the file .jsonl.gz")
    if module.__name__ == "compression.zstd":
        return module.ZstdFile(file, "wb")
    return module.ZstdCompressor().stream_writer(file, closefd=False)


def _zstd_module(why: str, otherwise: str) -> Any:
    """The standard library's module from Python 3.14 on, else `zstandard`."""
    for name in ("compression.zstd", "zstandard"):
        try:
            return importlib.import_module(name)
        except ImportError:
            pass
    raise SourceError(f"{why}: pip install 'chronicle-otel[zstd]', or {otherwise}")


def is_framed(data: bytes) -> bool:
    """Say whether data begins with a frame: a length that makes sense, and behind it zstd or a message.

    A message without a frame may look like one: its tag and a length of three bytes make a number of 160 million and more.
    """
    size = int.from_bytes(data[:_LENGTH], "big")
    inside = data[_LENGTH : _LENGTH + 4]
    if not size or inside == ZSTD:
        return bool(size)
    return inside[:1] == PROTO and size < 1 << 28 and (_LENGTH + size <= len(data) or not is_message(data))


def is_message(data: bytes) -> bool:
    """Say whether data begins with a ResourceSpans message, the first field of TracesData."""
    if data[:1] != PROTO:
        return False
    try:
        number, value = next(fields(data))
        return number == RESOURCE_SPANS and isinstance(value, bytes) and bool(value) and bool(parse_group(value))
    except NotProtobuf as error:
        if "missing at its end" not in str(error):
            return False
        head = data.lstrip()[:1]
        return head not in (b"{", b"[")  # cut, and no JSON behind a line break


def frames(data: bytes, name: str, findings: list[Finding]) -> Iterator[bytes]:
    """Yield the messages of a framed file, unpacked. What was cut or torn is a finding; the next whole frame is looked for."""
    at = 0
    while at < len(data):
        message, end = _frame(data, at, name)
        if message is None:
            following = _next(data, at, name)
            lost = (following or len(data)) - at
            rest = "the rest was read" if following else "what came before was read"
            text = f"{name}: {lost:,} bytes behind byte {at:,} are no whole message (the writer was killed?); {rest}"
            findings.append(Finding("damaged_source", None, text, name))
            if following is None:
                return
            at = following
            continue
        yield message
        at = end


def _frame(data: bytes, at: int, name: str) -> tuple[bytes | None, int]:
    size = int.from_bytes(data[at : at + _LENGTH], "big")
    end = at + _LENGTH + size
    if not size or end > len(data):
        return None, at
    message = data[at + _LENGTH : end]
    if message[:4] == ZSTD:
        lost: list[Finding] = []
        message = unpacked(message, name, lost)
        return (None if lost else message), end
    # A frame that was torn reaches into the next one, and its length still fits; what follows it then is no frame.
    follows = end == len(data) or is_framed(data[end : end + 8])
    return (message if _is_whole(message, deep=not follows) else None), end


def _is_whole(message: bytes, *, deep: bool) -> bool:
    try:
        for number, value in fields(message):
            if deep and number == RESOURCE_SPANS and isinstance(value, bytes):
                parse_group(value)
    except NotProtobuf:
        return False
    return True


def _next(data: bytes, at: int, name: str) -> int | None:
    """Return where the next whole frame begins."""
    for mark in (ZSTD, PROTO):
        place = data.find(mark, at + _LENGTH + 1)
        while place >= 0:
            start = place - _LENGTH
            size = int.from_bytes(data[start:place], "big")
            if 0 < size <= len(data) - place and size > 1 and _frame(data, start, name)[0] is not None:
                return start
            place = data.find(mark, place + 1)
    return None
