"""Tail sampling: whether it keeps whole Runs, and those that are worth it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from chronicle_otel import semconv
from chronicle_otel.doctor.configuration import Configuration, Path, Unknown, number, on, seconds
from chronicle_otel.doctor.diagnosis import Diagnosis
from chronicle_otel.doctor.pipelines import pipelines, type_of
from chronicle_otel.doctor.sizes import DECISION_WAIT, LONG_RUN


def check_sampling(config: Configuration) -> Iterator[Diagnosis]:
    """Say what tail sampling would do."""
    used = {processor for pipeline in pipelines(config) for processor in pipeline.processors}
    for processor in sorted(used):
        if type_of(processor) in ("tail_sampling", "tailsampling"):
            yield from _tail(config, ("processors", processor))


def _tail(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    cache = number(config.get(*at, "decision_cache", "sampled_cache_size")) or 0
    traces = number(config.get(*at, "num_traces")) or 50_000
    yield from _wait(config, at, bool(cache))
    if cache and cache <= traces:
        what = (
            f"{int(cache):,} decisions are remembered and {int(traces):,} traces are held: late spans find no decision and are decided anew"
        )
        yield Diagnosis(
            "warning", "runs_torn", config.where(*at, "decision_cache", "sampled_cache_size"), what, "set it far above num_traces"
        )
    both = "decision_cache.sampled_cache_size and non_sampled_cache_size above num_traces"
    if not on(config.get(*at, "block_on_overflow")):
        what = f"above {int(traces):,} open traces the oldest is dropped, undecided"
        yield Diagnosis("warning", "sampled", config.where(*at, "num_traces"), what, f"set block_on_overflow: true, and {both}")
    elif not (cache and number(config.get(*at, "decision_cache", "non_sampled_cache_size"))):
        what = f"without both decision caches decided traces keep their place: after {int(traces):,} traces it takes no more, for ever"
        yield Diagnosis("error", "sampler_stops", config.where(*at, "block_on_overflow"), what, f"set {both}")
    largest = number(config.get(*at, "maximum_trace_size_bytes"))
    if largest:
        what = f"traces of more than {int(largest):,} bytes are dropped, and Runs with many Steps are large"
        yield Diagnosis("warning", "trace_limit", config.where(*at, "maximum_trace_size_bytes"), what, "take it out")
    what = "the payload of every open trace waits in memory: a killed collector loses what waits, acknowledged or not"
    yield Diagnosis("note", "held_in_memory", config.where(*at), what, "keep an archive of everything in front of it (routing.yaml)")
    policies = json.dumps(config.get(*at, "policies"), default=str)
    if "always_sample" in policies and '"drop"' not in policies:
        return
    missing = [
        what
        for what, sign in (("with an error", "ERROR"), ("that were flagged", semconv.FLAGGED), ("that diverged", semconv.DIVERGENCE))
        if sign not in policies
    ]
    if missing:
        what = f"no policy keeps Runs {', or '.join(missing)}: they are sampled like all others"
        setting = "add the policies of collector-config/pipelines/sampling.yaml"
        yield Diagnosis("warning", "sampled", config.where(*at, "policies"), what, setting)
    what = "Runs are kept or dropped as its policies say; all spans of a trace must meet in this collector"
    yield Diagnosis(
        "note",
        "sampled",
        config.where(*at),
        what,
        "with several of them, spread.yaml stands in front; routing.yaml keeps everything beside it",
    )


def _wait(config: Configuration, at: Path, cache: bool) -> Iterator[Diagnosis]:
    given = config.get(*at, "decision_wait")
    if isinstance(given, Unknown):
        return
    wait = DECISION_WAIT if given is None else seconds(given)
    if wait is None or wait > LONG_RUN:
        if not cache:
            what = "decisions are forgotten with their traces: spans that come later are decided anew, and leave holes in Runs"
            where = config.where(*at, "decision_cache")
            yield Diagnosis(
                "warning", "runs_torn", where, what, "set decision_cache.sampled_cache_size and non_sampled_cache_size above num_traces"
            )
        return
    where = config.where(*at, "decision_wait")
    if not cache:
        what = f"a decision falls {wait:g} s after the first span and is forgotten: Runs that take longer lose later spans and their root"
        setting = "set decision_wait above the longest Run (900s), and decision_cache.sampled_cache_size above num_traces"
        yield Diagnosis("error", "runs_torn", where, what, setting)
    else:
        what = (
            f"a decision falls {wait:g} s after the first span: in longer Runs the root, which has their flags and errors, comes too late"
        )
        setting = "set decision_wait above the longest Run (900s), and decision_wait_after_root_received: 10s"
        yield Diagnosis("warning", "sampled", where, what, setting)
