"""OTLP JSON lines in, redacted OTLP JSON lines out: traces and logs, of our exporter or anybody's.

line ──► tree ──every place──► tree ──► line        (a line in which nothing changes is copied byte by byte)
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, cast

from .names import NOWHERE
from .places import KeyValues, Pairs, Places
from .redactor import Redactor, Tally
from .report import written

Tree: TypeAlias = dict[str, Any]

_RESOURCES: Final = {
    "resourceSpans": ("scopeSpans", "spans"),
    "batches": ("scopeSpans", "spans"),
    "resourceLogs": ("scopeLogs", "logRecords"),
}


class NotOtlp(ValueError):
    """A line that is no OTLP JSON: nobody can say what is private in it, so it is not written."""


class OtlpLines:
    """Redacts lines, and counts over all of them."""

    def __init__(self, redactor: Redactor, *, tenant_from: str = "setting") -> None:
        self._redactor = redactor
        self._places = Places(redactor)
        self._tenant_from = tenant_from
        self.total = Tally()
        self.spans = 0
        self.changed = 0

    def lines(self, source: Iterable[bytes], refused: Callable[[int, str], None]) -> Iterator[bytes]:
        """Yield redacted lines; `refused` is told number and reason of those that are left out."""
        for number, line in enumerate(source, 1):
            if not line.strip():
                continue
            try:
                yield self.line(line)
            except (NotOtlp, RecursionError) as error:
                refused(number, str(error) or "nested too deeply")

    def line(self, line: bytes) -> bytes:
        """Redact one line; NotOtlp if it is none."""
        try:
            tree: Any = json.loads(line.decode("utf-8", "replace"))
        except ValueError:
            raise NotOtlp("not JSON, perhaps cut off") from None
        if not isinstance(tree, dict):
            raise NotOtlp("not OTLP: an object with resourceSpans or resourceLogs is wanted")
        record: Tree = cast("Tree", tree)
        if not any(name in record for name in _RESOURCES) or any(name not in _RESOURCES for name in record):
            raise NotOtlp("not OTLP: an object with resourceSpans or resourceLogs and nothing else is wanted")
        before = json.dumps(record)
        for name, (scopes, items) in _RESOURCES.items():
            for resource in _list(record.get(name)):
                self._resource(resource, scopes, items)
        if json.dumps(record) == before:
            return line if line.endswith(b"\n") else line + b"\n"
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    # ---- places

    def _resource(self, tree: Tree, scopes: str, items: str) -> None:
        tally = Tally()
        self._attributes(_object(tree.get("resource")), tally)
        self._texts(tree, ("schemaUrl",), tally)
        for scope in [*_list(tree.get(scopes)), *_list(tree.get("instrumentationLibrarySpans"))]:
            self._texts(scope, ("schemaUrl",), tally)
            about = _object(scope.get("scope"))
            self._texts(about, ("name", "version"), tally)
            self._attributes(about, tally)
            for item in _list(scope.get(items)):
                self.spans += 1
                self._span(item) if items == "spans" else self._record(item)
        self._count(tally)

    def _span(self, span: Tree) -> None:
        tally = Tally()
        self._texts(span, ("name",), tally)
        self._state(span, tally)
        for event in _list(span.get("events")):
            self._texts(event, ("name",), tally)
            self._attributes(event, tally)
        for link in _list(span.get("links")):
            self._state(link, tally)
            self._attributes(link, tally)
        self._texts(_object(span.get("status")), ("message",), tally)
        pairs = self._attributes(span, tally, payloads=True)
        changed = bool(+tally.rules) or bool(+tally.opaque)
        self.changed += changed
        reported = written(pairs, self._redactor, tally, changed=changed, tenant_from=self._tenant_from)
        if reported is not pairs:
            _write(span, reported)
        self._count(tally)

    def _record(self, record: Tree) -> None:
        tally = Tally()
        self._texts(record, ("severityText", "eventName"), tally)
        if isinstance(record.get("body"), dict):
            body = _read(record["body"])
            record["body"] = _any(self._places.value(body, NOWHERE, tally), record["body"], body)
        self._attributes(record, tally)
        self.changed += bool(+tally.rules) or bool(+tally.opaque)
        self._count(tally)

    def _count(self, tally: Tally) -> None:
        self.total.rules.update(tally.rules)
        self.total.opaque.update(tally.opaque)

    def _texts(self, tree: Tree, names: tuple[str, ...], tally: Tally) -> None:
        for name in names:
            value = tree.get(name)
            if isinstance(value, str) and value:
                tree[name] = self._places.text(value, tally)

    def _state(self, tree: Tree, tally: Tally) -> None:
        state = tree.get("traceState")
        if isinstance(state, str) and state:
            members = [tuple(member.strip().partition("=")[::2]) for member in state.split(",") if member.strip()]
            kept = self._places.trace_state(cast("list[tuple[str, str]]", members), tally)
            tree["traceState"] = ",".join(f"{key}={value}" for key, value in kept)

    def _attributes(self, tree: Tree, tally: Tally, *, payloads: bool = False) -> Pairs:
        listed = _list(tree.get("attributes"))
        pairs: Pairs = [(str(item.get("key", "")), _read(_object(item.get("value")))) for item in listed]
        new = self._places.attributes(pairs, tally, payloads=payloads)
        for item, (old_key, old), (key, value) in zip(listed, pairs, new):
            if key != old_key:
                item["key"] = key
            if value is not old and value != old:
                item["value"] = _any(value, _object(item.get("value")), old)
        return new


def _write(span: Tree, pairs: Pairs) -> None:
    """Put the report among the attributes, which stand there already."""
    names = {key for key, _ in pairs[-2:]}
    listed = [item for item in _list(span.get("attributes")) if item.get("key") not in names]
    listed += [{"key": key, "value": _any(value, {}, None)} for key, value in pairs[-2:]]
    span["attributes"] = listed


def _list(value: Any) -> list[Tree]:
    return [item for item in cast("list[Any]", value) if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: Any) -> Tree:
    return cast("Tree", value) if isinstance(value, dict) else {}


def _read(value: Tree) -> Any:
    """Return an AnyValue as a Python value."""
    for kind, content in value.items():
        if kind == "stringValue":
            return content if isinstance(content, str) else str(content)
        if kind == "intValue":
            try:
                return int(content)
            except (ValueError, TypeError):
                return str(content)
        if kind == "doubleValue":
            return float(content) if isinstance(content, (int, float)) else str(content)
        if kind == "boolValue":
            return bool(content)
        if kind == "bytesValue":
            try:
                return base64.b64decode(str(content), validate=True)
            except (binascii.Error, ValueError):
                return str(content)
        if kind == "arrayValue":
            return [_read(item) for item in _list(_object(content).get("values"))]
        if kind == "kvlistValue":
            return KeyValues(
                (str(item.get("key", "")), _read(_object(item.get("value")))) for item in _list(_object(content).get("values"))
            )
    return None


def _any(value: Any, before: Tree, old: Any) -> Tree:
    """Return a Python value as an AnyValue; what did not change keeps its spelling."""
    if before and (value is old or value == old):
        return before
    if isinstance(value, str):
        return {next(iter(before), "stringValue") if isinstance(old, str) and before else "stringValue": value}
    if value is None:
        return before
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, KeyValues):
        return {"kvlistValue": {"values": [{"key": key, "value": _any(item, {}, None)} for key, item in value]}}
    return {"arrayValue": {"values": [_any(item, {}, None) for item in value]}}
