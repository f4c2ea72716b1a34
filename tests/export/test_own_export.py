"""`init(export="own")`: what is recorded arrives at the OTLP endpoint of the environment, whole, in requests that it takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import chronicle_otel as chronicle
from chronicle_otel import _guard
from chronicle_otel.recording import meters

from .agents import collect, fetch
from .receiver import Receiver, Say


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: item.value for item in span.attributes}


def test_a_run_arrives_whole_and_replays(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """400 Steps of 50 KB, which one batch of OpenTelemetry's processor would lose, arrive in requests below 4 MiB, and replay."""
    own()
    assert collect(400, 50_000) == 20_000_000
    chronicle.shutdown()
    assert max(receiver.sizes) <= 3_000_000
    run = chronicle.load(receiver.write(tmp_path / "arrived.jsonl"))
    assert (len(run.steps), run.checks.ok) == (401, True)
    assert chronicle.replay(run, entry=collect).verdict == "reproduced"
    assert meters.totals[meters.EXPORTED] == 402, "with the start of the Run"
    assert meters.totals[meters.SENT_BYTES] == sum(receiver.sizes)


def test_the_file_and_the_endpoint_get_the_same_run(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """With a path, both are written: every Step with the same ids, times and payloads."""
    own(tmp_path / "beside.jsonl")
    collect(3, 6000)
    chronicle.shutdown()
    here, there = chronicle.load(tmp_path / "beside.jsonl"), chronicle.load(receiver.write(tmp_path / "arrived.jsonl"))
    assert [step.record.attributes for step in here.steps] == [step.record.attributes for step in there.steps]
    for mine, its in zip(here.steps, there.steps, strict=True):
        assert (mine.span_id, mine.trace_id, mine.start_ns, mine.end_ns) == (its.span_id, its.trace_id, its.start_ns, its.end_ns)
    assert dict(here.resource) == dict(there.resource)


def test_traces_are_those_of_the_application(receiver: Receiver, own: Any) -> None:
    """Steps hang below the application's spans and these below Steps, with the application's resource; its exporter sees no Step."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "shop", "service.version": "3"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("shop")

    @chronicle.agent(name="outer")
    def outer() -> None:
        with tracer.start_as_current_span("http"):
            fetch(10)

    own(tracer_provider=provider)
    with tracer.start_as_current_span("request") as request:
        outer()
    chronicle.shutdown()
    theirs = {span.name: span for span in exporter.get_finished_spans()}
    ours = {span.name: span for span in receiver.spans()}
    assert set(theirs) == {"request", "http"}
    assert set(ours) == {"invoke_agent outer", "execute_tool fetch", "chronicle.run.start"}
    assert {span.trace_id for span in ours.values()} == {request.get_span_context().trace_id.to_bytes(16, "big")}
    assert ours["invoke_agent outer"].parent_span_id == request.get_span_context().span_id.to_bytes(8, "big")
    assert theirs["http"].parent.span_id.to_bytes(8, "big") == ours["invoke_agent outer"].span_id
    assert ours["execute_tool fetch"].parent_span_id == theirs["http"].context.span_id.to_bytes(8, "big")
    resource = {item.key: item.value.string_value for item in receiver.requests[0].resource_spans[0].resource.attributes}
    assert (resource["service.name"], resource["service.version"]) == ("shop", "3")
    assert "process.runtime.version" in resource, "the facts of the process, which only our own resource may add"


def test_the_sampler_of_the_application_decides_for_whole_runs(receiver: Receiver, own: Any) -> None:
    """A Run whose root is not sampled sends nothing, and what it calls still works."""
    own(tracer_provider=TracerProvider(sampler=ALWAYS_OFF))
    assert collect(2, 10) == 20
    chronicle.shutdown()
    assert list(receiver.spans()) == []


def test_a_sampler_that_drops_runs_is_said(receiver: Receiver, own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an export of our own too: what never arrives is named, with what to change."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    own()
    collect(1, 10)
    chronicle.shutdown()
    own(tracer_provider=TracerProvider(sampler=ALWAYS_OFF))
    collect(1, 10)
    assert [name for name in _guard.failures if "limits of the SDK" in name] == [
        "check the limits of the SDK (OTEL_TRACES_SAMPLER=always_off)",
        "check the limits of the SDK (sampler of the tracer provider)",
    ]


def test_a_span_above_every_limit_gives_up_its_largest_string(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """2 MB stay in the span; of 5 MB the string goes, the Step stays and says so, and later references find the hole."""
    own(tmp_path / "whole.jsonl")

    @chronicle.agent(name="twice")
    def twice() -> int:
        body = fetch(5_000_000)
        fetch(2_000_000)
        return len(chronicle.tool.call("again", lambda text: text, body))

    assert twice() == 5_000_000
    chronicle.shutdown()
    run = chronicle.load(receiver.write(tmp_path / "arrived.jsonl"))
    assert run.checks.kinds() == {"lossy"}, "nothing is truncated, and every reference leads somewhere"
    assert [len(str(step.output)) > 1_000_000 for step in run.calls("fetch")] == [False, True]
    hole = {"$chronicle.opaque": {"why": "size", "size": 5_000_000}}
    assert run.calls("fetch")[0].tree("chronicle.output") == hole
    assert run.calls("again")[0].tree("chronicle.output") == hole, "it was a reference to the first"
    assert meters.totals[meters.OPAQUE] == 1
    assert chronicle.load(tmp_path / "whole.jsonl").checks.ok, "a file takes any size"


def test_many_small_values_fit_too(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """Where no string is large, the smallest container that is enough goes; what is beside it stays."""
    own(span_bytes=100_000)

    @chronicle.tool(name="rows")
    def rows() -> dict[str, Any]:
        return {"kept": "yes", "rows": [[number, number + 1] for number in range(50_000)]}

    @chronicle.agent(name="table")
    def table() -> int:
        return len(rows()["rows"])

    table()
    chronicle.shutdown()
    tree = chronicle.load(receiver.write(tmp_path / "arrived.jsonl")).calls("rows")[0].tree("chronicle.output")
    assert tree["kept"] == "yes"
    assert list(tree["rows"]) == ["$chronicle.opaque"]
    assert max(len(span.SerializeToString()) for span in receiver.spans()) <= 100_000


def test_redaction_in_the_process_holds_for_what_is_sent(
    receiver: Receiver, own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With redact=, no byte of a private value leaves the process, and the Run still replays."""
    pytest.importorskip("re2")
    monkeypatch.setenv("CHRONICLE_REDACTION_KEY", "0" * 32)
    own(redact=True)

    @chronicle.tool(name="owner")
    def owner(account: str) -> dict[str, str]:
        return {"account": account, "mail": "maria.keller@kestrel.de"}

    @chronicle.agent(name="ask")
    def ask(account: str) -> str:
        return owner(account)["mail"]

    with chronicle.session(customer="maria.keller@kestrel.de"):
        ask("DE89370400440532013000")
    chronicle.shutdown()
    sent = b"".join(request.SerializeToString() for request in receiver.requests)
    assert [value for value in (b"maria.keller", b"DE89370400440532013000") if value in sent] == []
    run = chronicle.load(receiver.write(tmp_path / "arrived.jsonl"))
    assert run.checks.kinds() == {"redacted"}
    assert chronicle.replay(run, entry=ask).verdict == "reproduced"


def test_the_environment_says_how(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoint, headers and compression are those of OpenTelemetry's variables, the signal's own before the general ones."""
    with Receiver() as general, Receiver() as signal:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{general.port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"http://127.0.0.1:{signal.port}/custom")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret%20one,x-tenant=acme")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        own()
        collect(1, 5000)
        chronicle.shutdown()
    assert general.requests == []
    assert [(seen["api-key"], seen["x-tenant"], seen["content-encoding"]) for seen in signal.headers[:1]] == [
        ("secret one", "acme", "gzip")
    ]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_tls_with_a_certificate_of_ones_own(protocol: str, own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_EXPORTER_OTLP_CERTIFICATE is whom to trust; without it the same endpoint gets nothing, and nothing is lost."""
    pair = (tmp_path / "certificate.pem", tmp_path / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-out", pair[0]]
    subprocess.run([*command, "-keyout", pair[1], "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with Receiver(protocol, certificate=pair) as receiver:
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        own(retry_seconds=0, shutdown_seconds=3)
        collect(1, 10)
        chronicle.shutdown()
        assert (len(list(receiver.spans())), meters.totals[meters.UNSENT]) == (0, 3)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(pair[0]))
        own(shutdown_seconds=20)
        collect(1, 10)
        chronicle.shutdown()
        assert len(list(receiver.spans())) == 3


def test_partial_success_is_counted_and_not_repeated(receiver: Receiver, own: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Spans that an endpoint throws away are counted as dropped and said once; the request is not sent again."""
    receiver.answers.append(Say(rejected=1, message="too old"))
    own()
    collect(0, 8)
    chronicle.shutdown()
    assert meters.totals[f"{meters.DROPPED} rejected"] == 1
    assert len(list(receiver.spans())) == 2
    said = [record.message.partition(" spans away: ")[2] for record in caplog.records]
    assert said == ["'too old'; later ones are only counted"]


def test_a_receiver_that_takes_less_gets_less(protocol: str, own: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a request is too large for the endpoint after all, it is halved until it fits, and nothing is lost."""
    with Receiver(protocol, limit=300_000) as receiver:
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        own()
        collect(40, 50_000)
        chronicle.shutdown()
        assert chronicle.load(receiver.write(tmp_path / "arrived.jsonl")).checks.ok
    assert not (tmp_path / "unsent").exists()


def test_an_endpoint_that_is_busy_gets_it_later(receiver: Receiver, own: Any) -> None:
    """An answer that asks to come back is followed; nothing goes to disk and nothing is sent twice."""
    busy: int | str = "UNAVAILABLE" if receiver.protocol == "grpc" else 503
    receiver.answers += [Say(busy), Say(busy)]
    own(shutdown_seconds=20)
    collect(2, 5000)
    chronicle.shutdown()
    assert len({span.span_id for span in receiver.spans()}) == len(list(receiver.spans())) == 4
    assert meters.totals[meters.UNSENT] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_sends_on_its_own(protocol: str, tmp_path: Path) -> None:
    """Parent and child each send their Runs, once."""
    from tests.conftest import environment

    script = tmp_path / "forks.py"
    script.write_text(
        "import os, chronicle_otel as chronicle\n"
        "from tests.export.agents import collect\n"
        "chronicle.init(instrument=False, export='own')\n"
        "collect(2, 5000)\n"
        "chronicle.flush()\n"
        "child = os.fork()\n"
        "collect(3 if child else 5, 5000)\n"
        "chronicle.shutdown()\n"
        "if child: os.waitpid(child, 0)\n"
        "else: os._exit(0)\n"
    )
    with Receiver(protocol) as receiver:
        done = subprocess.run(
            [sys.executable, script], cwd=tmp_path, env=environment(receiver.environment), capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        runs = chronicle.runs(receiver.write(tmp_path / "arrived.jsonl"))
    assert sorted(len(run.steps) for run in runs) == [3, 4, 6]
    assert all(run.checks.ok for run in runs)
    ids = [span.span_id for span in receiver.spans()]
    assert len(ids) == len(set(ids))


def test_nothing_that_leads_nowhere_is_accepted(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol that is not spoken, and a store that would hold raw values, are refused by `init` with the way out."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    with pytest.raises(chronicle.UsageError, match="http/protobuf or grpc"):
        own()
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_PROTOCOL")
    with pytest.raises(chronicle.UsageError, match="store_raw=True"):
        own(store="file:///tmp/values")
    with pytest.raises(chronicle.UsageError, match=r"give None or \"own\""):
        chronicle.init(export="both")


def test_a_disabled_sdk_sends_nothing(receiver: Receiver, own: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OTEL_SDK_DISABLED holds for our own export as well; a file that was asked for is still written."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    own(tmp_path / "file.jsonl")
    collect(1, 10)
    chronicle.shutdown()
    assert receiver.requests == []
    assert len(chronicle.load(tmp_path / "file.jsonl").steps) == 2


def test_what_ends_after_shutdown_is_kept(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """A Step that a thread ends too late goes to the folder of unsent spans and not into nothing."""
    own()

    @chronicle.tool(name="slow")
    def slow() -> None:
        chronicle.shutdown()

    @chronicle.agent(name="ends")
    def ends() -> None:
        slow()

    ends()
    kept = chronicle.load(tmp_path / "unsent")
    assert [step.name for step in kept.steps] == ["ends", "slow"]


def test_the_store_serves_the_applications_provider_too(own: Any, tmp_path: Path) -> None:
    """With store_raw=True, what leaves by the application's exporters is moved before the span ends."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    chronicle.init(instrument=False, tracer_provider=provider, store=f"file://{tmp_path}/store", store_raw=True)
    collect(1, 5_000_000)
    chronicle.shutdown()
    [span] = [span for span in exporter.get_finished_spans() if span.name == "execute_tool fetch"]
    payload = str(dict(span.attributes)["chronicle.output"])
    assert payload.startswith('{"$chronicle.blob":{"url":"file://')
    assert dict(span.attributes)["chronicle.output.size"] == len(payload)
    assert [path.stat().st_size for path in (tmp_path / "store").rglob("*") if path.is_file()] == [5_000_000]
