"""Envelope ↔ span attributes.

payload text ──up to 2,000 bytes──► string ──┐
             └─above──► list of chunks ──────┴─► attribute, and its byte length beside it as `<name>.size`
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from chronicle_otel import semconv
from chronicle_otel.envelope import Envelope

VERSION: Final = 1
"""The wire version that is written; every version up to it is read."""
CHUNK: Final = 2_000
"""Most UTF-8 bytes in one string. The lowest cut seen in a store is at 2,048, unmarked, and it spares lists."""

AttributeValue: TypeAlias = str | bool | int | float | Sequence[str]

_INT64: Final = (1 << 63) - 1
_OPTIONAL: Final = (
    (semconv.PARENT, "parent"),
    (semconv.BRANCH, "branch"),
    (semconv.LANE, "lane"),
    (semconv.RUN_STEPS, "steps"),
    (semconv.RUN_START, "run_start"),
    (semconv.REPLAY_OF, "replay_of"),
    (semconv.REPLAY_VERDICT, "verdict"),
    (semconv.DIVERGENCE, "divergence"),
)
"""Attributes that are left out when the field is None."""
_OPTIONAL_NAMES: Final = tuple(name for name, _ in _OPTIONAL)
_optional: Final[Callable[[Envelope], tuple[str | int | None, ...]]] = operator.attrgetter(*(field for _, field in _OPTIONAL))


def to_attributes(envelope: Envelope) -> dict[str, AttributeValue]:
    """Return the `chronicle.*` attributes of a Step; at most 35, so that no SDK limit is ever near."""
    attributes: dict[str, AttributeValue] = {semconv.VERSION: VERSION}
    if envelope.kind:
        attributes[semconv.KIND] = envelope.kind
    attributes[semconv.NAME] = _clean(envelope.name)
    attributes[semconv.RUN_ID] = envelope.run
    attributes[semconv.SEQ] = envelope.seq
    for name, value in zip(_OPTIONAL_NAMES, _optional(envelope), strict=True):
        if value is not None:
            attributes[name] = _clean(value) if isinstance(value, str) else value
    if envelope.parent_guess:
        attributes[semconv.PARENT_GUESS] = True
    if envelope.lost:
        attributes[semconv.RUN_LOST] = envelope.lost
    if envelope.late:
        attributes[semconv.LATE] = True
    if envelope.flagged:
        attributes[semconv.FLAGGED] = [_clean(reason) for reason in envelope.flagged]
    for name, text in envelope.payloads.items():
        attributes[name], attributes[_SIZE_OF.get(name) or name + semconv.SIZE_SUFFIX] = _split(text)
    return attributes


def _clean(text: str) -> str:
    """Replace lone surrogates, which no exporter can encode."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def split(text: str) -> str | list[str]:
    """Return a payload's text as it stands in an attribute: as it is, or in chunks cut between code points."""
    return _split(text)[0]


def _split(text: str) -> tuple[str | list[str], int]:
    """Return a text as it stands in an attribute, and its bytes."""
    if text.isascii():
        size = len(text)
        return text if size <= CHUNK else [text[at : at + CHUNK] for at in range(0, size, CHUNK)], size
    data = text.encode("utf-8")
    size = len(data)
    if size <= CHUNK:
        return text, size
    chunks: list[str] = []
    start = 0
    while start < size:
        end = min(start + CHUNK, size)
        while end < size and data[end] & 0xC0 == 0x80:
            end -= 1
        chunks.append(data[start:end].decode("utf-8"))
        start = end
    return chunks, size


def from_attributes(attributes: Mapping[str, object]) -> Envelope | None:
    """Return the Envelope that the attributes of a span carry, or None if the span is not chronicle's.

    A payload that is not whole is left out of `payloads` and named in `damage`.
    """
    version = _integer(attributes.get(semconv.VERSION))
    run = attributes.get(semconv.RUN_ID)
    seq = _integer(attributes.get(semconv.SEQ))
    if version is None or not isinstance(run, str) or not run or seq is None:
        return None
    fields: dict[str, Any] = {"kind": "", "name": "", "run": run.lower(), "seq": seq}
    payloads: dict[str, str | Sequence[str]] = {}
    damage: dict[str, str] = {}
    if version > VERSION:
        damage[semconv.VERSION] = f"written in wire version {version}, this release reads up to {VERSION}: update chronicle_otel"
    for name, value in attributes.items():
        known = _FIELDS.get(name)
        if known is not None:
            field, read = known
            found = read(value)
            if found is not None:
                fields[field] = found
        elif name in _SIZE_OF:
            text, reason = _payload(value, _integer(attributes.get(_SIZE_OF[name])))
            if reason:
                damage[name] = reason
            else:
                payloads[name] = text
        elif name in _SIZED and _SIZED[name] not in attributes:
            damage[_SIZED[name]] = _payload(None, _integer(value))[1]
    return Envelope(**fields, payloads=Payloads(payloads), damage=damage)


class Payloads(Mapping[str, str]):
    """Payload texts by name; chunks are joined when a text is asked for, which most never are."""

    __slots__ = ("_parts",)

    def __init__(self, parts: dict[str, str | Sequence[str]]) -> None:
        self._parts = parts

    def __getitem__(self, name: str) -> str:
        text = self._parts[name]
        return text if isinstance(text, str) else "".join(text)

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return repr(dict(self))


def _payload(value: object, size: int | None) -> tuple[str | Sequence[str], str]:
    """Return a payload's text or chunks, or "" and the reason why it cannot be trusted."""
    if size is None:
        return "", "no size beside it, so nothing proves that it is whole"
    if isinstance(value, str):
        length = _size(value)
        if length == size:
            return value, ""
        joined = "".join(_strings(value) or ())
        if joined and _size(joined) == size:
            return joined, ""
    elif isinstance(value, (list, tuple)):
        chunks = cast("Sequence[Any]", value)
        try:
            length = sum(map(_size, chunks))
        except AttributeError:
            return "", "a list that does not hold text only"
        if length == size:
            return chunks, ""
    elif value is None:
        return "", f"missing: 0 of {size} bytes"
    else:
        return "", f"of type {type(value).__name__}, expected text"
    if length > size:
        return "", f"changed: {length} bytes, {size} were written"
    return "", f"truncated: {length} of {size} bytes"


def _strings(value: object) -> list[str] | None:
    """Return a list of strings, also from a store that keeps lists as JSON text."""
    if isinstance(value, str):
        if value[:1] != "[":
            return [value] if value else None
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return list(items) if all(isinstance(item, str) for item in items) else None
    return None


_DIGITS: Final = re.compile(r"-?[0-9]{1,19}")


def _integer(value: object) -> int | None:
    """Return an integer, also from a store that keeps them as text or as floats."""
    if type(value) is int and -_INT64 - 1 <= value <= _INT64:
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and -_INT64 - 1 <= value <= _INT64 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: object) -> bool:
    return value is True or value == "true"


def _reasons(value: object) -> tuple[str, ...]:
    return tuple(_strings(value) or ())


_SIZE_OF: Final = {name: name + semconv.SIZE_SUFFIX for name in semconv.PAYLOADS}
_SIZED: Final = {size: name for name, size in _SIZE_OF.items()}
_FIELDS: Final[dict[str, tuple[str, Callable[[object], Any]]]] = {
    semconv.KIND: ("kind", _text),
    semconv.NAME: ("name", _text),
    semconv.PARENT: ("parent", _integer),
    semconv.PARENT_GUESS: ("parent_guess", _flag),
    semconv.BRANCH: ("branch", _text),
    semconv.LANE: ("lane", _text),
    semconv.RUN_STEPS: ("steps", _integer),
    semconv.RUN_LOST: ("lost", _integer),
    semconv.LATE: ("late", _flag),
    semconv.FLAGGED: ("flagged", _reasons),
    semconv.RUN_START: ("run_start", _text),
    semconv.REPLAY_OF: ("replay_of", _text),
    semconv.REPLAY_VERDICT: ("verdict", _text),
    semconv.DIVERGENCE: ("divergence", _text),
}
"""Attribute → field of the Envelope, and how it is read."""
