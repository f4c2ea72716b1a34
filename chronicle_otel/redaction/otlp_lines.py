"""OTLP JSON lines in, redacted OTLP JSON lines out: traces and logs, of our exporter or anybody's.

line ──► tree ──every place──► tree ──► line        (a line in which nothing changes is copied byte by byte)
"""

from __future__ import annotations

import base64
import binascii
import json
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, cast

from .names import NOWHERE
from .places import KeyValues, Pairs, Places
from .redactor import Redactor, Tally
from .report import written
from .tenants import NoTenant, Tenants

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

    def __init__(self, redactor: Redactor | Tenants) -> None:
        self._redactors = redactor
        self._known: weakref.WeakKeyDictionary[Redactor, _Walk] = weakref.WeakKeyDictionary()
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
            except (NotOtlp, NoTenant, RecursionError) as error:
                refused(number, str(error) or "nested too deeply")

    def line(self, line: bytes) -> bytes:
        """Redact one line; NotOtlp if it is none, NoTenant if the policy wants a tenant and it names none."""
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
                self._walk(resource).resource(resource, scopes, items, self)
        if json.dumps(record) == before:
            return line if line.endswith(b"\n") else line + b"\n"
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    def _walk(self, resource: Tree) -> _Walk:
        """Return the walk of the tenant to whom a resource belongs."""
        listed = _list(_object(resource.get("resource")).get("attributes"))
        redactor = self._redactors.of((str(item.get("key", "")), _read(_object(item.get("value")))) for item in listed)
        found = self._known.get(redactor)
        if found is None:
            found = self._known[redactor] = _Walk(redactor)
        return found

    def count(self, tally: Tally) -> None:
        """Count what was done to one span, record or resource."""
        self.total.rules.update(tally.rules)
        self.total.opaque.update(tally.opaque)


class _Walk:
    """Goes through every place of what belongs to a resource."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._places = Places(redactor)

    def resource(self, tree: Tree, scopes: str, items: str, totals: OtlpLines) -> None:
        """Redact a resource and all that stands under it."""
        tally = Tally()
        self._attributes(_object(tree.get("resource")), tally)
        self._texts(tree, ("schemaUrl",), tally)
        for scope in [*_list(tree.get(scopes)), *_list(tree.get("instrumentationLibrarySpans"))]:
            self._texts(scope, ("schemaUrl",), tally)
            about = _object(scope.get("scope"))
            self._texts(about, ("name", "version"), tally)
            self._attributes(about, tally)
            for item in _list(scope.get(items)):
                totals.spans += 1
                done = self._span(item) if items == "spans" else self._record(item)
                totals.changed += bool(+done.rules) or bool(+done.opaque)
                totals.count(done)
        totals.count(tally)

    def _span(self, span: Tree) -> Tally:
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
        reported = written(pairs, self._redactor, tally, changed=changed)
        if reported is not pairs:
            _write(span, reported)
        return tally

    def _record(self, record: Tree) -> Tally:
        tally = Tally()
        self._texts(record, ("severityText", "eventName"), tally)
        if isinstance(record.get("body"), dict):
            body = _read(record["body"])
            record["body"] = _any(self._places.value(body, NOWHERE, tally), record["body"], body)
        self._attributes(record, tally)
        return tally

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
