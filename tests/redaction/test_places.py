"""Every place of a span and of a log record, through the exporters that wrap others and through OTLP JSON lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("re2", reason="redaction needs google-re2")
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState

from chronicle_otel.redaction import RedactionError, Redactor, load_policy
from chronicle_otel.redaction.exporter import RedactingLogExporter, RedactingSpanExporter
from chronicle_otel.redaction.otlp_lines import NotOtlp, OtlpLines
from chronicle_otel.redaction.places import Places
from chronicle_otel.redaction.redactor import Tally
from chronicle_otel.redaction.tenants import NoTenant, Tenants

MAIL = "maria.keller@kestrel.de"
OWN = "mm9r9axwfstt6p4ym@dih54qp.example.com"
REDACTOR = Redactor(load_policy(), b"0" * 32, "acme")
PLACES = Places(REDACTOR)


def context(state: TraceState | None = None) -> SpanContext:
    return SpanContext(1, 2, False, TraceFlags(1), state or TraceState())


def exported(**parts: Any) -> ReadableSpan:
    """A span with some parts, as it comes out of the wrapped exporter."""
    inner = InMemorySpanExporter()
    span = ReadableSpan(parts.pop("name", "n"), context=parts.pop("context", context()), **parts)
    RedactingSpanExporter(inner, REDACTOR).export([span])
    [copy] = inner.get_finished_spans()
    return copy


def attributes(**given: Any) -> dict[str, Any]:
    """Attributes after redaction, without the report."""
    made = exported(attributes={name.replace("__", "."): value for name, value in given.items()}).attributes
    return {key: value for key, value in (made or {}).items() if not key.startswith("chronicle.redaction")}


def test_every_place_of_a_span() -> None:
    """Name, attributes, keys, events, links, status, resource, scope and trace state: no place is forgotten."""
    span = exported(
        name=f"GET /mail/{MAIL}",
        context=context(TraceState([("vendor", "bWFyaWE"), ("chronicle", "0" * 32)])),
        resource=Resource({"enduser": MAIL, "service.name": f"shop-{MAIL}"}),
        attributes={"a": MAIL, MAIL: 1, "list": [MAIL, "x"], "n": 4539148803436467, "f": 0.4539148803436467, "b": True},
        links=[Link(context(TraceState([("vendor", "x")])), {"to": MAIL})],
        status=Status(StatusCode.ERROR, f"no such user {MAIL}"),
        instrumentation_scope=InstrumentationScope(f"lib-{MAIL}", "1.2.3", None, {"x": MAIL}),
    )
    assert span.name == f"GET /mail/{OWN}"
    assert dict(span.resource.attributes) == {"enduser": OWN, "service.name": f"shop-{MAIL}"}
    found = dict(span.attributes or {})
    assert {key: found[key] for key in ("a", OWN, "list", "n", "f", "b")} == {
        "a": OWN,
        OWN: 1,
        "list": [OWN, "x"],
        "n": 4000002161683857,
        "f": 0.4539148803436467,
        "b": True,
    }
    assert dict(span.links[0].attributes or {}) == {"to": OWN}
    assert dict(span.links[0].context.trace_state) == {}
    assert span.status.description == f"no such user {OWN}"
    scope = span.instrumentation_scope
    assert scope is not None
    assert "kestrel" not in scope.name
    assert dict(scope.attributes or {}) == {"x": OWN}
    state = span.get_span_context()
    assert state is not None
    assert dict(state.trace_state) == {"chronicle": "0" * 32}


def test_events_and_stack_traces() -> None:
    """The lines of a stack trace stay, what is private in them goes."""
    provider = TracerProvider()
    inner = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(RedactingSpanExporter(inner, REDACTOR)))
    with provider.get_tracer("t").start_as_current_span("s") as span:
        span.add_event(f"mail to {MAIL}", {"exception.stacktrace": f"Traceback:\n  File x, line 3\nKeyError: '{MAIL}'\n"})
    [done] = inner.get_finished_spans()
    [event] = done.events
    assert event.name == f"mail to {OWN}"
    assert dict(event.attributes or {}) == {"exception.stacktrace": f"Traceback:\n  File x, line 3\nKeyError: '{OWN}'\n"}


def test_the_span_itself_is_not_touched() -> None:
    """Other exporters of the same provider see what the application wrote."""
    provider = TracerProvider()
    plain, inner = InMemorySpanExporter(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(RedactingSpanExporter(inner, REDACTOR)))
    provider.add_span_processor(SimpleSpanProcessor(plain))
    provider.get_tracer("t").start_span("s", attributes={"a": MAIL}).end()
    assert dict(plain.get_finished_spans()[0].attributes or {}) == {"a": MAIL}
    assert dict(inner.get_finished_spans()[0].attributes or {})["a"] == OWN


def test_a_payload_is_joined_and_cut_again() -> None:
    """A value that lies across two chunks is found; chunks hold at most 2,000 bytes, and the size is the new one."""
    text = json.dumps({"q": "x" * 1980 + " " + MAIL + " é" * 900}, ensure_ascii=False)
    data = text.encode()
    chunks = [data[:2000].decode(), data[2000:].decode()]
    found = attributes(chronicle__input=chunks, chronicle__input__size=len(data))
    joined = "".join(found["chronicle.input"])
    assert joined == text.replace(MAIL, OWN)
    assert max(len(chunk.encode()) for chunk in found["chronicle.input"]) <= 2000
    assert found["chronicle.input.size"] == len(joined.encode())


def test_chunks_without_anything_private_stay_as_they_were_cut() -> None:
    """A list that was cut elsewhere is not cut anew for nothing."""
    found = attributes(chronicle__input=['{"q":', '"nothing"}'], chronicle__input__size=15)
    assert found == {"chronicle.input": ['{"q":', '"nothing"}'], "chronicle.input.size": 15}


def test_a_list_that_a_store_keeps_as_text() -> None:
    """It is joined, redacted, and kept as text again."""
    parts = ['{"q": "write to maria.kel', 'ler@kestrel.de"}']
    found = attributes(chronicle__input=json.dumps(parts), chronicle__input__size=sum(map(len, parts)))
    assert found["chronicle.input"] == '{"q": "write to ' + OWN + '"}'
    assert found["chronicle.input.size"] == len(found["chronicle.input"])


def test_a_cut_payload_stays_visibly_cut() -> None:
    """What stands at the cut is masked, and the size keeps the count of the missing bytes."""
    text = '{"q": "card 4539 1488 0343'
    found = attributes(chronicle__input=text, chronicle__input__size=len(text) + 10)
    assert found["chronicle.input"] == '{"q": "card 9999 9999 9999'
    assert found["chronicle.input.size"] == len(text) + 10


def test_an_oversized_payload_is_taken_out() -> None:
    """Above the policy's limit nobody looks, so nobody may see."""
    policy = load_policy({"version": 1, "extends": "default", "limits": {"value_bytes": 1000}})
    tally = Tally()
    made = Places(Redactor(policy, b"0" * 32)).attributes(
        [("chronicle.input", '"' + "x" * 2000 + '"'), ("chronicle.input.size", 2002)], tally
    )
    assert made[0] == ("chronicle.input", '{"$chronicle.opaque":{"why":"size","size":2002}}')
    assert tally.opaque["size"] == 1


def test_references_and_run_ids_stay() -> None:
    """What we write ourselves to find our way is kept, whatever its digits look like."""
    reference = '{"messages":[{"$chronicle.ref":[2,"chronicle.input",[0],0,3]}]}'
    given = {
        "chronicle.version": 1,
        "chronicle.run.id": "4539148803436467" * 2,
        "chronicle.run.start": "4539148803436467",
        "chronicle.seq": 212_867_530,
        "chronicle.input": reference,
        "chronicle.input.size": len(reference),
        "chronicle.run.parent": '["' + "4539148803436467" * 2 + '", "4539148803436467"]',
        "chronicle.run.parent.size": 56,
    }
    assert attributes(**{key.replace(".", "__"): value for key, value in given.items()}) == given


def test_a_stream_is_redacted_in_its_joined_texts() -> None:
    """A text has the context of its first piece; lengths and times of events are left alone."""
    stream = {
        "texts": [f"write to {MAIL}", "hunter2"],
        "frames": [{"delta": {"content": {"$chronicle.piece": 0}, "password": {"$chronicle.piece": 1}}}],
        "events": [[4539148803436467, 0, 9, 3], [12, 0, 23, 4]],
        "end": "finished",
    }
    text = json.dumps(stream)
    found = attributes(chronicle__stream=text, chronicle__stream__size=len(text))
    made = json.loads(found["chronicle.stream"])
    assert made["texts"][0] == f"write to {OWN}"
    assert made["texts"][1].startswith("chr")
    assert (made["frames"], made["events"]) == (stream["frames"], stream["events"])


def test_the_report_names_policy_key_and_counts() -> None:
    """What was done stands on the span, without a value; a second pass adds nothing."""
    span = exported(attributes={"a": MAIL})
    report = json.loads(str((span.attributes or {})["chronicle.redaction"]))
    [entry] = report["passes"]
    assert entry == {
        "policy": REDACTOR.policy.id,
        "data": "fold-v1,phones-v1",
        "key": "",
        "kcv": "5e03bbd5",
        "tenant_from": "setting",
        "rules": {"email": 1},
        "opaque": {},
    }
    again = exported(attributes=dict(span.attributes or {}))
    assert dict(again.attributes or {}) == dict(span.attributes or {})


def test_a_forged_report_is_no_hiding_place() -> None:
    """A report that is not of our form is replaced, values in it included."""
    found = exported(attributes={"chronicle.redaction": json.dumps({"v": 1, "passes": [{"policy": MAIL}]})}).attributes or {}
    assert MAIL not in str(dict(found))


def test_log_records() -> None:
    """Bodies of any type, attributes, event name and severity text."""
    inner = InMemoryLogRecordExporter()
    record = LogRecord(
        timestamp=1,
        severity_text="INFO",
        severity_number=SeverityNumber.INFO,
        body={"to": MAIL, "list": [MAIL, 7], "raw": MAIL.encode(), "password": "hunter2"},
        attributes={"to": MAIL},
        event_name=f"sent to {MAIL}",
    )
    RedactingLogExporter(inner, REDACTOR).export([ReadableLogRecord(record, Resource({"enduser": MAIL}), InstrumentationScope("s"))])
    [done] = inner.get_finished_logs()
    log = done.log_record
    body: Any = log.body
    assert {key: body[key] for key in ("to", "list", "raw")} == {"to": OWN, "list": [OWN, 7], "raw": OWN.encode()}
    assert body["password"].startswith("chr")
    assert dict(log.attributes or {}) == {"to": OWN}
    assert log.event_name == f"sent to {OWN}"
    assert dict(done.resource.attributes) == {"enduser": OWN}


class Failing(Redactor):
    """A redactor with a fault of ours."""

    def text_bytes(self, data: bytes, *_: Any, **__: Any) -> bytes:
        raise RuntimeError("a fault")


def test_a_fault_takes_the_value_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redaction fails closed, value by value, and never into the host."""
    monkeypatch.delenv("CHRONICLE_RAISE", raising=False)
    inner = InMemorySpanExporter()
    RedactingSpanExporter(inner, Failing(load_policy(), b"0" * 32)).export([ReadableSpan(MAIL, context=context(), attributes={"a": MAIL})])
    for span in inner.get_finished_spans():
        assert MAIL not in span.to_json()


ANY: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"stringValue": MAIL}, {"stringValue": OWN}),
    ({"intValue": "4539148803436467"}, {"intValue": "4000002161683857"}),
    ({"bytesValue": "bWFyaWEua2VsbGVyQGtlc3RyZWwuZGU="}, {"bytesValue": "bW05cjlheHdmc3R0NnA0eW1AZGloNTRxcC5leGFtcGxlLmNvbQ=="}),
    (
        {"arrayValue": {"values": [{"stringValue": MAIL}, {"boolValue": True}]}},
        {"arrayValue": {"values": [{"stringValue": OWN}, {"boolValue": True}]}},
    ),
    (
        {"kvlistValue": {"values": [{"key": MAIL, "value": {"doubleValue": 0.5}}]}},
        {"kvlistValue": {"values": [{"key": OWN, "value": {"doubleValue": 0.5}}]}},
    ),
    ({"boolValue": False}, {"boolValue": False}),
    ({}, {}),
]


def line(value: dict[str, Any]) -> bytes:
    span = {"name": "n", "attributes": [{"key": "a", "value": value}]}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode() + b"\n"


@pytest.mark.parametrize(("given", "wanted"), ANY, ids=lambda value: next(iter(value), "empty"))
def test_values_of_every_type_in_otlp_json(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    """The type of a value stays what it was."""
    made = json.loads(OtlpLines(REDACTOR).line(line(given)))
    assert made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"][0]["value"] == wanted


def test_a_line_without_anything_private_is_copied() -> None:
    """Byte by byte, as it stood."""
    given = line({"stringValue": "nothing here"}).replace(b'"name": ', b'"name"  :  ')
    assert OtlpLines(REDACTOR).line(given) == given


@pytest.mark.parametrize("given", [b"not json\n", b"[]\n", b'{"user": "maria@kestrel.de"}\n', b'{"resourceSpans": [{"resource'])
def test_a_line_that_is_no_otlp_is_refused(given: bytes) -> None:
    """Nobody can say what is private in it."""
    with pytest.raises(NotOtlp):
        OtlpLines(REDACTOR).line(given)


TENANTS = Tenants(Redactor(load_policy(), b"0" * 32, "default", key_name="KEY"))


@pytest.mark.parametrize(
    ("named", "tenant", "tenant_from"),
    [({"tenant.id": "acme"}, "acme", "resource:tenant.id"), ({}, "default", "default"), ({"tenant.id": ""}, "default", "default")],
)
def test_the_resource_says_whose_pseudonyms_they_are(named: dict[str, str], tenant: str, tenant_from: str) -> None:
    """A span, a log record and an OTLP line come out as under a redactor of the tenant that the policy finds in their resource."""
    redactor = Redactor(load_policy(), b"0" * 32, tenant)
    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
    resource = Resource(named)
    RedactingSpanExporter(spans, TENANTS).export([ReadableSpan(MAIL, context=context(), resource=resource)])
    record = LogRecord(body=MAIL, severity_number=SeverityNumber.INFO)
    RedactingLogExporter(logs, TENANTS).export([ReadableLogRecord(record, resource, InstrumentationScope("s"))])
    [span], [log] = spans.get_finished_spans(), logs.get_finished_logs()
    assert (span.name, log.log_record.body) == (redactor.text(MAIL), redactor.text(MAIL))
    report = json.loads("".join((span.attributes or {})["chronicle.redaction"]))["passes"][0]
    assert (report["tenant_from"], report["kcv"], report["key"]) == (tenant_from, redactor.kcv, "KEY")
    listed = [{"key": key, "value": {"stringValue": value}} for key, value in named.items()]
    tree = {"resourceSpans": [{"resource": {"attributes": listed}, "scopeSpans": [{"spans": [{"name": MAIL}]}]}]}
    made = json.loads(OtlpLines(TENANTS).line(json.dumps(tree).encode()))
    assert made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == redactor.text(MAIL)


def test_a_tenant_that_is_wanted_and_missing_lets_nothing_out() -> None:
    """With `required`, a span without its resource's tenant is not exported, and a line without one is refused."""
    policy = load_policy({"version": 1, "extends": "default", "tenant": {"from": ["resource:tenant.id"], "default": "x", "required": True}})
    tenants = Tenants(Redactor(policy, b"0" * 32))
    inner = InMemorySpanExporter()
    RedactingSpanExporter(inner, tenants).export([ReadableSpan("n", context=context(), resource=Resource({}))])
    assert inner.get_finished_spans() == ()
    twice = [{"key": "tenant.id", "value": {"stringValue": name}} for name in ("a", "b")]
    for listed in ([], twice):
        with pytest.raises(NoTenant, match=r"not exactly one of: tenant\.id"):
            OtlpLines(tenants).line(json.dumps({"resourceSpans": [{"resource": {"attributes": listed}}]}).encode())


@pytest.mark.parametrize(
    ("tenant", "why"),
    [
        ({"from": ["metadata:x-tenant"], "default": "x", "required": True}, "only a collector sees the metadata"),
        ({"from": ["header:x-tenant"], "default": "x"}, "neither metadata:NAME nor resource:NAME"),
    ],
)
def test_tenants_that_nobody_can_know_here_are_refused(tenant: dict[str, Any], why: str) -> None:
    """A policy whose tenants this process could never see does not start."""
    with pytest.raises(RedactionError, match=why):
        Tenants(Redactor(load_policy({"version": 1, "extends": "default", "tenant": tenant}), b"0" * 32))
