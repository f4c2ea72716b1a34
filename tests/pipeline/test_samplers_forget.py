"""long runs ──► tail sampling with limits of its own ──► file: what it forgets, drops or decides anew, and how the doctor names it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .collector import BINARY, MISSING
from .examined import Hop, found, hop, named, probed, said, sentence
from .spans import one_span, post, traces_in, wait_for

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

FAILED = "policies: [{name: failed, type: status_code, status_code: {status_codes: [ERROR]}}]"
ALL = "policies: [{name: all, type: always_sample}]"


def sampler(folder: Path, settings: str) -> Hop:
    return hop(
        folder, f"processors: {{tail_sampling: {{{settings}}}}}\nservice: {{pipelines: {{traces: {{processors: [tail_sampling]}}}}}}"
    )


def test_a_decision_that_is_forgotten_leaves_holes(tmp_path: Path) -> None:
    """A run longer than decision_wait, without a decision cache: what comes later is decided anew, by itself."""
    line = sampler(tmp_path, f"decision_wait: 1s, num_traces: 1, {FAILED}")
    with line.collector:
        post(line.collector.http, one_span(1, 12, parent=11, failed=True))
        wait_for("the failed step is kept", lambda: 1 in traces_in(line.output))
        post(line.collector.http, one_span(2, 21, failed=True))  # the only trace that there is room for
        wait_for("another", lambda: 2 in traces_in(line.output))
        post(line.collector.http, one_span(1, 11))
        post(line.collector.http, one_span(3, 31, failed=True))
        wait_for("a later one", lambda: 3 in traces_in(line.output))
    assert traces_in(line.output)[1] == {12}
    assert "a decision falls 1 s after the first span and is forgotten: Runs that take longer lose" in said("runs_torn", *line.configs)
    default = sampler(tmp_path / "default", ALL)
    assert "a decision falls 30 s after the first span" in said("runs_torn", *default.configs)


def test_above_num_traces_the_oldest_is_dropped(tmp_path: Path) -> None:
    """More open traces than num_traces, 50,000 by default: the oldest go undecided, and only a metric counts them."""
    line = sampler(tmp_path, f"decision_wait: 1s, num_traces: 2, {ALL}")
    with line.collector:
        for trace in range(1, 5):
            post(line.collector.http, one_span(trace, 1))
        wait_for("the last", lambda: 4 in traces_in(line.output))
    assert traces_in(line.output).keys() == {3, 4}
    assert "above 2 open traces the oldest is dropped, undecided" in said("sampled", *line.configs)


def test_a_sampler_that_blocks_needs_both_caches(tmp_path: Path) -> None:
    """With block_on_overflow all traces are kept; without decision caches none leaves its place: after num_traces nothing passes."""
    settings = f"decision_wait: 1s, num_traces: 2, block_on_overflow: true, {ALL}"
    line = sampler(tmp_path / "caches", f"{settings}, decision_cache: {{sampled_cache_size: 100, non_sampled_cache_size: 100}}")
    with line.collector:
        for trace in range(1, 5):
            post(line.collector.http, one_span(trace, 1))
        wait_for("all of them", lambda: traces_in(line.output).keys() == {1, 2, 3, 4})
    assert "sampler_stops" not in {kind for _, kind in named(*line.configs)}
    stops = sampler(tmp_path / "none", settings)
    with stops.collector:
        for trace in range(1, 4):
            post(stops.collector.http, one_span(trace, 1))
        wait_for("the first two", lambda: traces_in(stops.output).keys() == {1, 2})
        time.sleep(2.5)  # more than decision_wait and a tick
        stops.collector.kill()  # it does not end when it is asked to
    assert traces_in(stops.output).keys() == {1, 2}
    assert "after 2 traces it takes no more, for ever" in said("sampler_stops", *stops.configs)


def test_large_traces_are_dropped(tmp_path: Path) -> None:
    """maximum_trace_size_bytes drops a whole trace, after it was acknowledged; the configuration names it, and so does a probe."""
    line = sampler(tmp_path, f"decision_wait: 1s, maximum_trace_size_bytes: 2500000, {ALL}")
    with line.collector:
        report = probed(line.output, line.http, wait=6, small=False)
    assert ("error", "trace_limit") in found(report)
    assert "take maximum_trace_size_bytes out of the tail sampler" in sentence(report, "trace_limit")
    assert "traces of more than 2,500,000 bytes are dropped" in said("trace_limit", *line.configs)


def test_what_waits_for_a_decision_goes_with_the_process(tmp_path: Path) -> None:
    """All payload of open traces is in memory: a killed collector has lost it, though it was acknowledged."""
    line = sampler(tmp_path, f"decision_wait: 60s, {ALL}")
    with line.collector:
        post(line.collector.http, one_span(1, 1))
        line.collector.kill()
        line.collector.start()
    assert list(traces_in(line.output)) == []
    assert "a killed collector loses what waits" in said("held_in_memory", *line.configs)
