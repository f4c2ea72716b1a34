"""agents, replays ──► collector with sampling.yaml ──► file: whole runs, or nothing of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import chronicle_otel as chronicle
from chronicle_otel import semconv
from tests.conftest import environment

from . import sampled_agent
from .collector import BINARY, MISSING, PIPELINES, Collector
from .spans import one_span, post, traces_in, wait_for

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

SCATTERED = [number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128 for number in range(1, 61)]
"""Trace ids that are spread as random ones are."""


def to_file(output: Path) -> str:
    """Return a configuration that puts a file where the exporter to a backend was."""
    return f"""yaml:
exporters: {{file: {{path: "{output}", flush_interval: 100ms}}}}
service: {{pipelines: {{traces: {{exporters: [file]}}}}}}
"""


def sampler(folder: Path, output: Path, share: int, **environment: str) -> Collector:
    settings = {"CHRONICLE_DECISION_WAIT": "30s", "CHRONICLE_DECISION_AFTER_ROOT": "1s", "CHRONICLE_QUEUE": str(folder / "queue")}
    config = (PIPELINES / "sampling.yaml", to_file(output))
    return Collector(folder, *config, **{**settings, "CHRONICLE_SHARE": str(share), **environment})


def test_what_is_worth_a_look_is_kept_whole_and_nothing_else(tmp_path: Path) -> None:
    """With a share of 0, runs with an error, a flag or a divergence arrive with every step; the others leave no span at all."""
    output, raw = tmp_path / "kept.jsonl", tmp_path / "raw.jsonl"
    with sampler(tmp_path, output, share=0) as collector:
        command = [sys.executable, "-m", "tests.pipeline.sampled_agent", str(raw)]
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.http}"}
        subprocess.run(command, env=environment(endpoint), check=True, capture_output=True, timeout=120)
        wait_for("four runs are kept", lambda: len(traces_in(output)) >= 4)
        # Those that were sent last were decided last: a run that is kept, sent now, comes after all that could still come.
        post(collector.http, one_span(trace=1, span=1, failed=True))
        wait_for("the last trace is kept", lambda: 1 in traces_in(output))
    kept, all_of_them = chronicle.runs(output), chronicle.runs(raw)
    shown = sorted((run.entry.name, run.replay_of is not None, run.checks.ok) for run in kept)
    assert shown == [("failing", False, True), ("flagged", False, True), ("plain", True, True), ("recovering", False, True)]
    assert len(all_of_them) == 13
    [replay] = [run for run in kept if run.replay_of]
    assert [step.envelope.divergence for step in replay.steps if step.envelope.divergence] == ["unexpected_step"]
    kept_traces = {trace for run in kept for trace in run.traces}
    assert {format(trace, "032x") for trace in traces_in(output) if trace != 1} == kept_traces


def test_a_late_root_goes_the_way_of_its_run(tmp_path: Path) -> None:
    """A run that outlasts the wait is decided by what is there; its root, which comes later, is kept or dropped with the rest."""
    output = tmp_path / "kept.jsonl"
    with sampler(tmp_path, output, share=0, CHRONICLE_DECISION_WAIT="1s") as collector:
        post(collector.http, one_span(trace=1, span=12, parent=11, failed=True))
        post(collector.http, one_span(trace=2, span=22, parent=21))
        wait_for("the failed run is kept", lambda: 1 in traces_in(output))
        post(collector.http, one_span(trace=2, span=21, failed=True))
        post(collector.http, one_span(trace=1, span=11))
        post(collector.http, one_span(trace=3, span=31, failed=True))
        wait_for("a run that came later is kept", lambda: 3 in traces_in(output))
        wait_for("the late root has followed", lambda: traces_in(output)[1] == {11, 12})
    assert traces_in(output) == {1: {11, 12}, 3: {31}}


def test_a_share_is_of_whole_traces(tmp_path: Path) -> None:
    """With a share of 40 percent some plain traces are kept and some are not, each of them with all of its spans or none."""
    output = tmp_path / "kept.jsonl"
    sent = SCATTERED
    with sampler(tmp_path, output, share=40) as collector:
        for trace in sent:
            post(collector.http, one_span(trace, 2, parent=1))
        for trace in sent:
            post(collector.http, one_span(trace, 1))
        post(collector.http, one_span(trace=1, span=1, failed=True))
        wait_for("the last trace is kept", lambda: 1 in traces_in(output))
    kept = {trace: spans for trace, spans in traces_in(output).items() if trace != 1}
    assert 0 < len(kept) < len(sent)
    assert set(map(frozenset, kept.values())) == {frozenset({1, 2})}


def test_all_spans_of_a_trace_meet_in_one_sampler(tmp_path: Path) -> None:
    """Behind spread.yaml two samplers get about half of the traces each, and none of them gets a part of one."""
    outputs = [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    sent = SCATTERED
    samplers = [sampler(tmp_path / output.stem, output, share=100) for output in outputs]
    with samplers[0], samplers[1]:
        addresses = {f"CHRONICLE_SAMPLER_{at}": f"127.0.0.1:{each.grpc}" for at, each in enumerate(samplers, 1)}
        with Collector(tmp_path, PIPELINES / "spread.yaml", CHRONICLE_SAMPLER_INSECURE="true", **addresses) as front:
            for span in (3, 2, 1):  # the root last
                for trace in sent:
                    post(front.http, one_span(trace, span, parent=0 if span == 1 else 1))
            wait_for("every trace is somewhere", lambda: sum(len(traces_in(output)) for output in outputs) == len(sent))
    first, second = (traces_in(output) for output in outputs)
    assert first.keys() & second.keys() == set()
    assert set(map(frozenset, [*first.values(), *second.values()])) == {frozenset({1, 2, 3})}
    assert min(len(first), len(second)) > len(sent) // 5


def test_the_names_in_the_policies_are_those_on_the_spans() -> None:
    """sampling.yaml asks for attributes that chronicle writes, by the names that it writes them under."""
    text = (PIPELINES / "sampling.yaml").read_text()
    assert [name for name in (semconv.DIVERGENCE, semconv.REPLAY_VERDICT, semconv.FLAGGED) if f'"{name}"' not in text] == []


def test_the_sampled_agents_are_what_they_say() -> None:
    """The module that records for these tests is importable without recording anything."""
    assert sampled_agent.plain(1) == 6
