"""What was lost on the way: a probe as it was sent against what came back. Pure.

answers ──door──┐
records ──ladder, runs, sizes──┴──► diagnoses, each with the setting of the hop that is known to do that
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final, cast

from chronicle_otel.doctor.diagnosis import Diagnosis, Report, Severity
from chronicle_otel.doctor.ladder import Where, check_ladder
from chronicle_otel.doctor.probe import PLAIN, SIZES, WHOLE, Probe, Sent
from chronicle_otel.doctor.redacted import check_redaction
from chronicle_otel.doctor.sending import Arrived
from chronicle_otel.doctor.sizes import LARGEST_SPAN, RECEIVER_GRPC, RECEIVER_HTTP, TEMPO_TRACE
from chronicle_otel.reading.model import runs_of

_AGAINST: Final = re.compile(r"\((\d+) vs\. (\d+)\)")
"""grpc-go's words for a message above its limit: its size, and the limit."""
_TEMPO_TRACE: Final = f"raise overrides.defaults.global.max_bytes_per_trace in Tempo, {TEMPO_TRACE:,} by default"


def judged(probe: Probe, arrived: Arrived, where: Where) -> Report:
    """Say what was lost. The report's facts have the numbers."""
    facts: dict[str, Any] = {"probe": probe.id, "endpoint": where.endpoint, "store": where.store, "bytes": probe.bytes}
    facts |= {"spans": len(probe.spans), "seconds": round(arrived.seconds, 1)}
    taken = arrived.taken()
    facts["taken"] = len(taken)
    found = list(_door(arrived, where, facts))
    here = [span for span in taken if (span.trace_id, span.span_id) in arrived.records]
    facts["arrived"] = len(here)
    if taken and not here:
        what = f"nothing arrived within {arrived.seconds:.0f} s, although the endpoint took {len(taken)} spans"
        setting = (
            "is this the store that the endpoint leads to? Wait longer (--wait), and look for dropped spans in the logs of the hops between"
        )
        what += f"; the last that it said: {arrived.problem[:300]}" if arrived.problem else ""
        found.append(Diagnosis("error", "nothing_arrived", where.store, what, setting))
    elif here:
        found += _sampling(taken, arrived, where, facts)
        found += _sizes(taken, arrived, where, facts)
        found += _whole(taken, arrived, where, facts)
        found += check_ladder(taken, probe.resource, arrived, where, facts)
        found += check_redaction(taken, probe.resource, arrived, where, facts)
        found += _runs(taken, arrived, where, facts)
        found += _copies(arrived, where, facts)
    return Report.of(found, facts)


# ---- the first hop -------------------------------------------------------------------------------


def _door(arrived: Arrived, where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    """What the endpoint refused."""
    large = [(sum(map(_weight, spans)), answer) for answer, spans in arrived.answers if answer.too_large]
    if large:
        smallest, answer = min(large, key=lambda each: each[0])
        exact = _AGAINST.search(answer.reason)
        limit = int(exact[2]) if exact else None
        facts["receiver_limit"] = limit
        facts["smallest_refused"] = smallest
        most = f"{limit:,} bytes" if limit else f"less than {smallest:,} bytes"
        severity: Severity = "error" if (limit or smallest) <= LARGEST_SPAN else "note"
        what = f"it takes requests of {most} and refuses larger ones for good" + (
            ""
            if severity == "error"
            else f"; a recorder makes spans of {LARGEST_SPAN:,} at most, and its own export cuts requests below that"
        )
        setting = f"raise max_recv_msg_size_mib (gRPC, {RECEIVER_GRPC:,} by default) or max_request_body_size (HTTP, {RECEIVER_HTTP:,})"
        yield Diagnosis(severity, "receiver_limit", where.endpoint, what, setting)
    else:
        facts["receiver_limit"] = None
    for answer, spans in arrived.answers:
        if not answer.taken and not answer.too_large:
            what = f"it did not take {len(spans)} spans: {answer.reason}"
            yield Diagnosis("error", "refused", where.endpoint, what, "chronicle doctor, without --store, says more about an endpoint")
        elif answer.rejected:
            what = (
                f"it took a request and threw {answer.rejected} of {len(spans)} spans away: {answer.message[:200] or 'it does not say why'}"
            )
            yield Diagnosis("error", "rejected", where.endpoint, what, "ask who runs it")


def _weight(span: Sent) -> int:
    return int(span.part.partition("/")[2]) if span.part.startswith("sizes/") else 500_000 if span.part == "whole" else 5_000


# ---- sampling ------------------------------------------------------------------------------------


def _sampling(taken: list[Sent], arrived: Arrived, where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    counts: dict[str, dict[str, int]] = {}
    for kind in ("plain", "error", "flagged"):
        traces: dict[str, list[bool]] = {}
        for span in taken:
            if span.part == f"runs/{kind}":
                traces.setdefault(span.trace_id, []).append((span.trace_id, span.span_id) in arrived.records)
        counts[kind] = {
            "sent": len(traces),
            "whole": sum(all(each) for each in traces.values()),
            "torn": sum(any(each) and not all(each) for each in traces.values()),
        }
    facts["runs"] = counts
    if not counts["plain"]["sent"]:
        return
    torn = sum(each["torn"] for each in counts.values())
    if torn:
        what = f"of {PLAIN + 2} Runs {torn} arrived in part: their spans went different ways, or were decided one by one"
        setting = "sample by trace, let all spans of a trace meet in one collector (spread.yaml), and remember decisions (decision_cache)"
        yield Diagnosis("error", "runs_torn", where.between, what, setting)
    lost = [kind for kind in ("error", "flagged") if counts[kind]["sent"] and not counts[kind]["whole"] + counts[kind]["torn"]]
    plain = counts["plain"]["whole"] + counts["plain"]["torn"]
    if lost:
        names = " and ".join({"error": "the Run with an error", "flagged": "the flagged Run"}[kind] for kind in lost)
        what = f"{names} did not arrive, and {plain} of {counts['plain']['sent']} plain ones did"
        setting = (
            "keep those always: the policies of collector-config/pipelines/sampling.yaml; or wait longer (--wait) where a sampler waits"
        )
        yield Diagnosis("error", "sampled", where.between, what, setting)
    if plain < counts["plain"]["sent"]:
        kept = "; the Run with an error and the flagged one did" if not lost else ""
        many = counts["plain"]["sent"]
        what = f"{plain} of {many} plain Runs arrived{kept}: something samples, or waits longer than {arrived.seconds:.0f} s"
        setting = "keep everything, or an archive of everything beside it (routing.yaml); chronicle doctor --config names the sampler"
        setting += "; a Tempo drops traces above max_traces_per_user" if where.kind == "tempo" else ""
        yield Diagnosis("warning", "sampled", where.between, what, setting)
    elif not torn and not lost:
        yield Diagnosis("ok", "sampled", where.between, f"no sampling: all {PLAIN} plain Runs arrived, the failed one and the flagged one")


# ---- sizes ---------------------------------------------------------------------------------------


def _sizes(taken: list[Sent], arrived: Arrived, where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    outcome: dict[int, str] = {}
    for span in taken:
        if span.part.startswith("sizes/"):
            records = arrived.records.get((span.trace_id, span.span_id))
            came = _text(records[0].attributes.get("doctor.chunks")) if records else None
            outcome[int(span.part[6:])] = "lost" if not records else "whole" if came == _text(span.attributes["doctor.chunks"]) else "cut"
    facts["spans_by_size"] = outcome
    whole = max((size for size, what in outcome.items() if what == "whole"), default=0)
    lost = sorted(size for size, what in outcome.items() if what == "lost")
    cut = sorted(size for size, what in outcome.items() if what == "cut")
    if lost:
        damaging = lost[0] <= LARGEST_SPAN
        if lost[0] < whole:
            what = f"spans of {_sizes_text(lost)} did not arrive, although one of {whole:,} bytes did: their size is not the reason"
            yield Diagnosis("error", "spans_lost", where.between, what, "look for dropped spans in the logs of the hops between")
        else:
            what = f"spans of {lost[0]:,} bytes and more were taken and did not arrive" + (f"; those up to {whole:,} did" if whole else "")
            what += "" if damaging else f"; a recorder makes none above {LARGEST_SPAN:,}"
            setting = "largest span < max_size of an exporter's batches < what the next receiver takes; --config says where that is not so"
            if where.kind == "tempo" and lost[0] >= TEMPO_TRACE:
                setting = _TEMPO_TRACE
            yield Diagnosis("error" if damaging else "note", "span_limit", where.between, what, setting)
    if cut:
        damaging = cut[0] <= LARGEST_SPAN
        what = f"spans of {_sizes_text(cut)} arrived without all of their text"
        what += "" if damaging else f"; a recorder makes none above {LARGEST_SPAN:,}"
        setting = "raise max_span_bytes of chronicle_redaction, and max_size of the batches behind it"
        yield Diagnosis("error" if damaging else "note", "span_shrunk", where.between, what, setting)
    if outcome and whole == SIZES[-1]:
        yield Diagnosis("ok", "span_limit", where.between, f"spans of every size up to {whole:,} bytes arrived whole")


def _sizes_text(sizes: list[int]) -> str:
    return " and ".join(f"{size:,}" for size in sizes) + " bytes"


def _text(value: Any) -> str:
    """A text, whatever became of its chunks: a list, JSON text of one."""
    if isinstance(value, str) and value[:1] == "[":
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, (list, tuple)):
        return "".join(map(str, cast("list[Any]", value)))
    return value if isinstance(value, str) else ""


def _whole(taken: list[Sent], arrived: Arrived, where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    sent = [span for span in taken if span.part == "whole"]
    here = sum((span.trace_id, span.span_id) in arrived.records for span in sent)
    partial = [each for each in arrived.findings if each.kind == "partial_trace"]
    if sent:
        facts["large_trace"] = {"spans": len(sent), "arrived": here}
    size = WHOLE * 500_000
    if sent and 0 < here < len(sent):
        what = f"of one trace of {size:,} bytes {here * 500_000:,} arrived: later spans vanished after they were acknowledged"
        yield Diagnosis("error", "trace_limit", where.store, what, _TEMPO_TRACE)
    elif sent and not here:
        what = f"nothing of a trace of {size:,} bytes arrived"
        yield Diagnosis(
            "error", "trace_limit", where.between, what, "take maximum_trace_size_bytes out of the tail sampler, if there is one"
        )
    elif partial:
        yield Diagnosis("error", "trace_limit", where.store, partial[0].message)
    elif sent:
        yield Diagnosis("ok", "trace_limit", where.store, f"a trace of {size:,} bytes arrived whole")


# ---- Runs ----------------------------------------------------------------------------------------


def _runs(taken: list[Sent], arrived: Arrived, where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    """Whether a Run would replay, by the checks that a replay goes by."""
    traces = {span.trace_id for span in taken if span.part.startswith("runs/")}
    complete = {
        trace for trace in traces if all((span.trace_id, span.span_id) in arrived.records for span in taken if span.trace_id == trace)
    }  # fmt: skip
    records = [record for (trace, _), copies in arrived.records.items() if trace in complete for record in copies]
    found = runs_of(records)
    damaged = [run for run in found if not run.checks.ok]
    facts["recordings"] = {"complete": len(complete), "replayable": len(found) - len(damaged)}
    if damaged or (complete and len(found) < len(complete)):
        why = str(damaged[0].checks).splitlines()[0] if damaged else "their envelopes are gone"
        count = len(complete) - len(found) + len(damaged)
        what = f"of {len(complete)} recordings that arrived with every span {count} cannot be replayed ({why})"
        yield Diagnosis("error", "recording_damaged", where.between, what, "the other findings say by what")
    elif complete:
        yield Diagnosis("ok", "recording", where.store, f"{len(complete)} recordings arrived whole and can be replayed")


def _copies(arrived: Arrived, where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    several = sum(len(copies) > 1 for copies in arrived.records.values())
    facts["spans_in_copies"] = several
    if several:
        what = f"{several} spans arrived more than once; readers take one copy of each"
        yield Diagnosis("note", "copies", where.between, what, "a full queue in a fan-out does that: block_on_overflow: true")
