"""Whether private values were replaced on the way, in which places, and by what. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chronicle_otel import semconv
from chronicle_otel.doctor.diagnosis import Diagnosis
from chronicle_otel.doctor.ladder import Where, cut_at
from chronicle_otel.doctor.probe import CARD, EMAIL, Sent
from chronicle_otel.doctor.sending import Arrived
from chronicle_otel.reading import SpanRecord


def check_redaction(
    taken: list[Sent], resource: Mapping[str, Any], arrived: Arrived, where: Where, facts: dict[str, Any]
) -> Iterator[Diagnosis]:
    """Say where the private values of the probe came through."""
    raw: list[str] = []
    replaced: list[str] = []
    policies: set[str] = set()
    for span in taken:
        record = next(iter(arrived.records.get((span.trace_id, span.span_id), ())), None)
        if record is None:
            continue
        policies |= _policies(record)
        for place, sent, came in _places(span, record, resource):
            if EMAIL in came or CARD in came:
                raw.append(place)
            elif came and cut_at(sent, came) is None:  # one that was cut in front of what is private, or is gone, says nothing
                replaced.append(place)
    if not raw and not replaced:
        return
    raw, replaced = list(dict.fromkeys(raw)), list(dict.fromkeys(replaced))
    facts["redaction"] = {"policies": sorted(policies), "raw": raw, "replaced": replaced}
    by = f" by {semconv.REDACTION.replace('.', '_')}, policy {', '.join(each[:12] for each in sorted(policies))}" if policies else ""
    if not raw:
        yield Diagnosis("ok", "redaction", where.between, f"private values were replaced everywhere{by}")
    elif not replaced:
        what = "no redaction: a mail address and a card number arrived as they were sent"
        setting = "put chronicle_redaction into the collector (add-to-yours.yaml), or chronicle.init(redact=True) into the application"
        yield Diagnosis("warning", "no_redaction", where.between, what, setting)
    else:
        what = f"private values were replaced{by} in {', '.join(replaced)}, and not in {', '.join(raw)}"
        setting = "chronicle_redaction looks into all of these; `redaction` of the contrib distribution skips some"
        yield Diagnosis("error", "redaction_skips", where.between, what, setting)


def _places(span: Sent, record: SpanRecord, resource: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Where a private value was sent, what it was, and what is there now."""
    named = {"doctor.text": "strings", "doctor.list": "lists", semconv.INPUT: "payloads"}
    for name, place in named.items():
        if name in span.attributes and _private(span.attributes[name]):
            yield place, _text(span.attributes[name]), _text(record.attributes.get(name))
    if EMAIL in span.name:
        yield "names", span.name, record.name
    if EMAIL in span.message:
        yield "status messages", span.message, record.status[1]
    if "doctor.nested.private" in span.event:
        name, events = "doctor.nested.private", record.events
        yield "events", span.event[name], next((_text(each["attributes"][name]) for each in events if name in each["attributes"]), "")
        links = record.links
        yield "links", span.link[name], next((_text(each["attributes"][name]) for each in links if name in each["attributes"]), "")
        name = "doctor.resource.private"
        yield "resources", resource[name], _text(record.resource.get(name))


def _private(value: Any) -> bool:
    return EMAIL in _text(value) or CARD in _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _policies(record: SpanRecord) -> set[str]:
    value = record.attributes.get(semconv.REDACTION)
    text = value if isinstance(value, str) else "".join(map(str, value)) if isinstance(value, (list, tuple)) else ""  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    try:
        passes = json.loads(text)["passes"]
        return {str(each["policy"])[:80] for each in passes}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()
