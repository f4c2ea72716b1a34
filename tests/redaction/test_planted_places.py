"""Every place of every signal is redacted: a value planted there does not come out of `chronicle redact`."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, environment
from tests.redaction.corpus.cases import CARD
from tests.redaction.corpus.readings import holds

pytest.importorskip("re2", reason="redaction needs google-re2")

KEY = "0" * 32


def planted(place: str) -> str:
    """An address that tells where it was planted."""
    return f"{place}.person@kestrel.de"


def attribute(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


def resource() -> dict[str, Any]:
    return {"attributes": [attribute("service.name", stringValue="shop"), attribute("enduser.id", stringValue=planted("resource"))]}


def scope() -> dict[str, Any]:
    return {"name": f"for {planted('scopename')}", "version": "1.0", "attributes": [attribute("owner", stringValue=planted("scopeattr"))]}


def span() -> dict[str, Any]:
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "traceState": f"vendor={base64.b64encode(planted('tracestate').encode()).decode().rstrip('=')},chronicle=0123",
        "name": f"GET /users/{planted('spanname')}",
        "kind": 3,
        "startTimeUnixNano": "1732233600123456789",
        "endTimeUnixNano": "1732233601123456789",
        "attributes": [
            attribute("note", stringValue=planted("attr")),
            attribute(planted("key"), boolValue=True),
            attribute("pan", intValue=CARD),
            attribute("ratio", doubleValue=0.25),
            attribute("raw", bytesValue=base64.b64encode(planted("bytes").encode()).decode()),
            attribute("list", arrayValue={"values": [{"stringValue": "ok"}, {"stringValue": planted("list")}]}),
            attribute("map", kvlistValue={"values": [attribute(planted("mapkey"), stringValue=planted("mapvalue"))]}),
        ],
        "events": [
            {
                "timeUnixNano": "1732233600523456789",
                "name": f"mail {planted('eventname')}",
                "attributes": [attribute("x", stringValue=planted("eventattr"))],
            }
        ],
        "links": [
            {
                "traceId": "5b8efff798038103d269b633813fc60d",
                "spanId": "eee19b7ec3c1b175",
                "traceState": f"vendor={planted('linkstate')}",
                "attributes": [attribute("x", stringValue=planted("linkattr"))],
            }
        ],
        "status": {"code": 2, "message": f"no user {planted('status')}"},
    }


def log_record() -> dict[str, Any]:
    body = {"kvlistValue": {"values": [attribute("to", stringValue=planted("logbody")), attribute("pan", intValue=CARD)]}}
    return {
        "timeUnixNano": "1732233600123456789",
        "severityText": "INFO",
        "body": body,
        "attributes": [attribute("user", stringValue=planted("logattr"))],
    }


def lines() -> Iterator[dict[str, Any]]:
    yield {"resourceSpans": [{"resource": resource(), "scopeSpans": [{"scope": scope(), "spans": [span()]}]}]}
    yield {"resourceLogs": [{"resource": resource(), "scopeLogs": [{"scope": scope(), "logRecords": [log_record()]}]}]}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the command line writes for the planted lines."""
    folder = tmp_path_factory.mktemp("places")
    source, target = folder / "in.jsonl", folder / "out.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines()))
    run(source, target)
    return [json.loads(line) for line in target.read_text().splitlines()]


def run(source: Path, target: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "chronicle_otel.cli",
        "redact",
        str(source),
        "-o",
        str(target),
        "--key-env",
        "PLACES_KEY",
        "--tenant",
        "acme",
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment() | {"PLACES_KEY": KEY}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not holds(done.stdout + done.stderr, ".person@kestrel.de")


PLACES = "resource scopename scopeattr tracestate spanname attr key bytes list mapkey mapvalue eventname eventattr"
PLACES += " linkstate linkattr status logbody logattr"


@pytest.mark.parametrize("place", PLACES.split())
def test_a_planted_address_does_not_come_out(written: list[dict[str, Any]], place: str) -> None:
    """Neither the address nor its local part stands anywhere in what is written, in any reading."""
    assert not any(holds(json.dumps(line), f"{place}.person") for line in written)


def test_a_card_under_an_integer_stays_an_integer(written: list[dict[str, Any]]) -> None:
    """Integer attributes hold integers of the same length, and the number is another."""
    [found] = [item["value"]["intValue"] for item in spans(written)["attributes"] if item["key"] == "pan"]
    assert (len(str(int(found))), str(found) == CARD) == (16, False)


def test_what_is_not_private_stays(written: list[dict[str, Any]]) -> None:
    """Identity, times, ids, kinds and numbers are as they were."""
    given = span()
    assert written[0]["resourceSpans"][0]["resource"]["attributes"][0] == attribute("service.name", stringValue="shop")
    for name in ("traceId", "spanId", "kind", "startTimeUnixNano", "endTimeUnixNano"):
        assert spans(written)[name] == given[name]
    assert [item["value"] for item in spans(written)["attributes"] if item["key"] == "ratio"] == [{"doubleValue": 0.25}]
    assert spans(written)["name"].startswith("GET /users/m")


def test_shapes_stay(written: list[dict[str, Any]]) -> None:
    """Lists keep their lengths, bytes stay bytes, and each attribute keeps its type."""
    kinds = [next(iter(item["value"])) for item in spans(written)["attributes"] if not item["key"].startswith("chronicle.")]
    assert kinds == ["stringValue", "boolValue", "intValue", "doubleValue", "bytesValue", "arrayValue", "kvlistValue"]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """Redacting what was redacted gives the same bytes."""
    source, once, twice = tmp_path / "in.jsonl", tmp_path / "once.jsonl", tmp_path / "twice.jsonl"
    source.write_text(json.dumps(next(lines())) + "\n")
    run(source, once)
    run(once, twice)
    assert once.read_bytes() == twice.read_bytes()


def spans(written: list[dict[str, Any]]) -> dict[str, Any]:
    """The one span."""
    return written[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
