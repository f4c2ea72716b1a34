"""What the doctor says about a probe that came back damaged in one way: each kind of damage is named, and nothing else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from chronicle_otel import semconv
from chronicle_otel.doctor.arrival import judged
from chronicle_otel.doctor.diagnosis import Report
from chronicle_otel.doctor.ladder import Where, cut_at
from chronicle_otel.doctor.probe import EMAIL, Probe, make
from chronicle_otel.doctor.sending import Arrived
from chronicle_otel.reading import Finding, SpanRecord
from chronicle_otel.reading.otlp_proto import spans_in_message
from chronicle_otel.recording.export.client import Answer

Change = Callable[[SpanRecord], SpanRecord | None]
WHERE = Where("http://localhost:4318/v1/traces", "tempo://localhost:3200", "tempo")
PROBE = make(1_764_000_000_000_000_000)


def refused(reason: str) -> None:
    raise AssertionError(reason)


RECORDS = [record for request in PROBE.requests for record in spans_in_message(request.body, file="", bad=refused)]


def arrived(change: Change = lambda record: record, probe: Probe = PROBE) -> Arrived:
    """The probe as it came back after a change to each of its spans."""
    result = Arrived([(Answer(taken=True), request.spans) for request in probe.requests], seconds=3.0)
    for record in RECORDS:
        came = change(record)
        if came is not None:
            result.records[came.trace_id, came.span_id] = [came]
    return result


def harms(report: Report) -> list[tuple[str, str]]:
    """Severity and kind of everything that is not good, without redaction, which this probe never had."""
    return [(each.severity, each.kind) for each in report.diagnoses if each.severity != "ok" and each.kind != "no_redaction"]


def texts(value: Any, change: Callable[[str], str]) -> Any:
    return change(value) if isinstance(value, str) else value


def strings(change: Callable[[str], str]) -> Change:
    """Change every string attribute, lists not."""

    def changed(record: SpanRecord) -> SpanRecord:
        events = tuple({**each, "attributes": {k: texts(v, change) for k, v in each["attributes"].items()}} for each in record.events)
        attributes = {name: texts(value, change) for name, value in record.attributes.items()}
        return dataclasses.replace(record, attributes=attributes, events=events)

    return changed


def attributes(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    return lambda record: dataclasses.replace(record, attributes=change(dict(record.attributes)))


def of_part(*parts: str) -> set[str]:
    return {span.span_id for span in PROBE.spans if span.part in parts}


def without(spans: set[str]) -> Change:
    return lambda record: None if record.span_id in spans else record


PLAIN = [span.span_id for span in PROBE.spans if span.part == "runs/plain"]


def as_json(value: Any) -> Any:
    return json.dumps(list(value)) if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize(
    ("change", "expected", "said"),
    [
        (lambda record: record, [], ""),
        (strings(lambda text: text.encode()[:2048].decode()),
            [("warning", "string_cut")], "strings are cut at 2,048 bytes, as Tempo does (also in events)"),
        (strings(lambda text: text if len(text) <= 25_000 else text[:25_000] + "..."),
            [("warning", "string_cut")], "cut at 25,000 bytes, as Datadog does"),
        (strings(lambda text: text[:65_535]), [("warning", "string_cut")], "cut at 65,535 bytes, as Honeycomb does"),
        (strings(lambda text: text[:4096]), [("warning", "string_cut")], "strings are cut at 4,096 bytes:"),
        (strings(lambda text: text[:40]), [("error", "string_cut"), ("error", "recording_damaged")], "strings are cut at 40 bytes"),
        (attributes(lambda held: dict(list(held.items())[-128:])),
            [("warning", "attributes_evicted")], "of 132 attributes of a span 128 arrived"),
        (attributes(lambda held: dict(list(held.items())[:20])),
            [("error", "attributes_evicted")], "of 132 attributes of a span 20 arrived"),
        (without(of_part("sizes/3900000", "sizes/5000000")),
            [("note", "span_limit")], "spans of 3,900,000 bytes and more were taken and did not"),
        (without(of_part("sizes/2000000", "sizes/3000000", "sizes/3900000", "sizes/5000000")),
            [("error", "span_limit")], "those up to 1,000,000 did"),
        (without(of_part("sizes/1000000")),
            [("error", "spans_lost")], "spans of 1,000,000 bytes did not arrive, although one of 5,000,000"),
        (without({span.span_id for span in PROBE.spans if span.part == "whole"} - set(
            [span.span_id for span in PROBE.spans if span.part == "whole"][:9])),
            [("error", "trace_limit")], "of one trace of 6,000,000 bytes 4,500,000"),
        (without(of_part("whole")), [("error", "trace_limit")], "nothing of a trace of 6,000,000 bytes arrived"),
        (without(set(PLAIN)), [("warning", "sampled")], "0 of 20 plain Runs arrived; the Run with an error and the flagged one did"),
        (without(set(PLAIN[:24])), [("warning", "sampled")], "8 of 20 plain Runs arrived"),
        (without(of_part("runs/error")), [("error", "sampled")], "the Run with an error did not arrive, and 20 of 20 plain ones did"),
        (without({PLAIN[0]}), [("error", "runs_torn")], "of 22 Runs 1 arrived in part"),
        (attributes(lambda held: {name: as_json(value) for name, value in held.items()}), [("note", "types_change")], "list: JSON text"),
        (attributes(lambda held: {**held, "doctor.unicode": "Gr??e"}), [("error", "values_change")], "unicode: another text"),
        (lambda record: dataclasses.replace(record, start_ns=record.start_ns + 5_000_000), [("note", "clock_moved")], "by up to 5 ms"),
        (lambda record: None, [("error", "nothing_arrived")], "nothing arrived within 3 s, although the endpoint took 73 spans"),
    ],
)  # fmt: skip
def test_each_damage_is_named(change: Change, expected: list[tuple[str, str]], said: str) -> None:
    """One kind of damage on the way gives its finding, by exact numbers."""
    report = judged(PROBE, arrived(change), WHERE)
    assert [each for each in harms(report) if each != ("note", "types_change") or each in expected] == expected
    assert not said or any(said in each.what for each in report.diagnoses), [each.what for each in report.diagnoses]


def test_the_setting_is_that_of_the_store() -> None:
    """A cut in Tempo, whatever its length, names Tempo's setting; elsewhere the known length names who does that."""
    report = judged(PROBE, arrived(strings(lambda text: text[:4096])), WHERE)
    [cut] = [each for each in report.diagnoses if each.kind == "string_cut"]
    assert cut.setting.startswith("set distributor.max_attribute_bytes: 0 and overrides.defaults.ingestion.max_attribute_bytes: 0")


def test_what_the_endpoint_refuses_is_named() -> None:
    """A receiver that says its limit is quoted exactly; what a recorder never sends is a note, what it does send an error."""
    for limit, severity in ((4_194_304, "note"), (1_048_576, "error")):
        result = arrived(without(of_part("sizes/5000000")))
        reason = f"gRPC RESOURCE_EXHAUSTED: grpc: received message larger than max (5003941 vs. {limit})"
        for at, (_, spans) in enumerate(result.answers):
            if spans[0].part == "sizes/5000000":
                result.answers[at] = (Answer(too_large=True, reason=reason), spans)
        report = judged(PROBE, result, WHERE)
        assert harms(report) == [(severity, "receiver_limit")]
        assert f"it takes requests of {limit:,} bytes" in next(each.what for each in report.diagnoses if each.kind == "receiver_limit")


def test_what_the_endpoint_throws_away_is_named() -> None:
    """A partial success and a refusal are errors with the endpoint's own words."""
    result = arrived()
    result.answers[0] = (Answer(taken=True, rejected=3, message="too many attributes"), result.answers[0][1])
    result.answers[1] = (Answer(reason="HTTP 403 Forbidden"), result.answers[1][1])
    report = judged(PROBE, result, WHERE)
    assert [each.what for each in report.diagnoses if each.severity == "error"] == [
        "it took a request and threw 3 of 11 spans away: too many attributes",
        "it did not take 44 spans: HTTP 403 Forbidden",
    ]


def test_copies_and_partial_traces_are_named() -> None:
    """A span that arrived twice, and a store that says that a trace is partial."""
    result = arrived()
    key = next(iter(result.records))
    result.records[key] = result.records[key] * 2
    result.findings.append(Finding("partial_trace", None, "Tempo gives a partial trace"))
    assert harms(judged(PROBE, result, WHERE)) == [("error", "trace_limit"), ("note", "copies")]


def test_redaction_is_told_by_place() -> None:
    """Raw everywhere, replaced everywhere, and replaced in strings but not in lists are three different things."""

    def masked(value: Any) -> Any:
        return value.replace(EMAIL, "x@y.example").replace("4539148803436467", "4000000000000000") if isinstance(value, str) else value

    def everywhere(record: SpanRecord) -> SpanRecord:
        text = {
            name: [masked(item) for item in value] if isinstance(value, list) else masked(value)
            for name, value in record.attributes.items()
        }
        policy = {semconv.REDACTION: '{"v":1,"passes":[{"policy":"437dec00051669ff"}]}'}
        events = tuple({**each, "attributes": {k: masked(v) for k, v in each["attributes"].items()}} for each in record.events)
        resource = {name: masked(value) for name, value in record.resource.items()}
        links = tuple({**each, "attributes": {k: masked(v) for k, v in each["attributes"].items()}} for each in record.links)
        words = {"name": masked(record.name), "status": (record.status[0], masked(record.status[1]))}
        return dataclasses.replace(record, attributes={**text, **policy}, events=events, links=links, resource=resource, **words)

    def kinds(change: Change) -> list[tuple[str, str]]:
        report = judged(PROBE, arrived(change), WHERE)
        return [(each.severity, each.what) for each in report.diagnoses if "redact" in each.kind]

    assert kinds(lambda record: record) == [("warning", "no redaction: a mail address and a card number arrived as they were sent")]
    assert kinds(everywhere) == [("ok", "private values were replaced everywhere by chronicle_redaction, policy 437dec000516")]
    assert kinds(attributes(lambda held: {name: masked(value) for name, value in held.items()})) == [
        ("error", "private values were replaced in strings, payloads, and not in events, links, resources, lists, names, status messages")
    ]


def test_a_small_probe_is_small() -> None:
    """--small sends less than a quarter of a megabyte, and no span above a hundred kilobytes."""
    small = make(1_764_000_000_000_000_000, small=True)
    assert small.bytes < 250_000
    assert {span.part for span in small.spans} == {"ladder", "runs/error", "runs/flagged", "runs/plain"}


def test_every_span_of_a_probe_says_so() -> None:
    """People can find and delete what the doctor sent: by service name, and by an attribute on every span."""
    assert {record.resource["service.name"] for record in RECORDS} == {"chronicle-doctor"}
    assert {record.attributes[semconv.DOCTOR] for record in RECORDS} == {PROBE.id}


@pytest.mark.parametrize(
    ("sent", "came", "at"),
    [
        ("abcdef", "abcdef", None),
        ("abcdef", "abc", 3),
        ("abcdefgh", "ab...", 5),
        ("äöü", "äö", 4),
        ("abcdef", "xyz", None),
        ("abc", None, None),
    ],
)
def test_a_cut_is_told_from_another_text(sent: str, came: Any, at: int | None) -> None:
    """A prefix, or a prefix with dots, was cut, by its bytes; anything else was not."""
    assert cut_at(sent, came) == at
