"""What the processors of a collector do to recordings: by their order, and each by its settings. Pure; no pattern of theirs is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.doctor.configuration import Configuration, Path, number, on
from chronicle_otel.doctor.diagnosis import Diagnosis
from chronicle_otel.doctor.pipelines import pipelines, routes, type_of
from chronicle_otel.doctor.sizes import ATTRIBUTES, CHUNK

_LOSES_METADATA: Final = frozenset({"batch", "tail_sampling", "groupbytrace", "group_by_trace", "groupbyattrs"})
_CALL: Final = re.compile(
    r"\b(truncate_all|limit|keep_keys|keep_matching_keys|delete_key|delete_matching_keys)\s*\(([^()]*(?:\[[^\]]*\][^()]*)*)\)"
)
_SECOND: Final = re.compile(r",\s*(\d+)")
_OF_RESOURCE: Final = re.compile(r"\bresource\.[a-z_]+(?:\[\"[^\"]*\"\])?|\"[^\"]*\"")
_OF_SPAN: Final = re.compile(r"\b(?:span|spanevent|attributes|name|kind|status|duration|events|IsRootSpan|start_time\w*|end_time\w*)\b")


def check_processors(config: Configuration) -> Iterator[Diagnosis]:
    """Say what the processors for traces would do."""
    used = {processor for pipeline in pipelines(config) for processor in pipeline.processors}
    for processor in sorted(used):
        check = _CHECKS.get(type_of(processor))
        if check is not None:
            yield from check(config, ("processors", processor))
    yield from _memory(config)
    yield from _metadata(config)


def _memory(config: Configuration) -> Iterator[Diagnosis]:
    connectors = config.mapping("connectors")
    by_extension = any(type_of(each) == "memory_limiter" for each in config.words("service", "extensions"))
    for pipeline in pipelines(config):
        if by_extension or all(receiver in connectors for receiver in pipeline.receivers):
            continue
        where = config.where("service", "pipelines", pipeline.name, "processors")
        at = [index for index, each in enumerate(pipeline.processors) if type_of(each) == "memory_limiter"]
        if not at:
            what = "nothing refuses while memory runs out: the process is killed with all that it holds"
            yield Diagnosis("warning", "no_memory_limiter", where, what, "put a memory_limiter first, and set GOMEMLIMIT")
        elif at[0] > 0:
            what = f"memory_limiter stands behind {pipeline.processors[0]}: what it refuses is dropped there, instead of being sent again"
            yield Diagnosis("warning", "memory_limiter_late", where, what, "put it first")
    for name in config.mapping("processors"):
        if type_of(name) != "memory_limiter":
            continue
        settings = config.mapping("processors", name)
        if settings.get("check_interval") in (None, 0, "0s") or not ({"limit_mib", "limit_percentage"} & settings.keys()):
            where = config.where("processors", name)
            what = "memory_limiter has no check_interval or no limit, so the collector does not start"
            yield Diagnosis("error", "memory_limiter_unset", where, what, "set check_interval: 1s, and limit_mib or limit_percentage")


def _metadata(config: Configuration) -> Iterator[Diagnosis]:
    """A tenant by the client's metadata must still be there where it is looked for."""
    for way in routes(config):
        for index, processor in enumerate(way.processors):
            path = ("processors", processor)
            sources = config.words(*path, "tenant", "from")
            if type_of(processor) != "chronicle_redaction" or not any(each.startswith("metadata:") for each in sources):
                continue
            result = "all content becomes opaque" if on(config.get(*path, "tenant", "required")) else "all tenants share pseudonyms"
            before = next((each for each in way.processors[:index] if type_of(each) in _LOSES_METADATA), None)
            if before is not None:
                where = config.where("service", "pipelines", way.pipeline, "processors")
                what = f"{before} stands before {processor} and drops the metadata by which that knows the tenant: {result}"
                yield Diagnosis("error", "tenant_lost", where, what, f"put {processor} before {before}")
            protocols = config.mapping("receivers", way.receiver, "protocols")
            silent = [name for name in protocols if not on(config.get("receivers", way.receiver, "protocols", name, "include_metadata"))]
            if silent:
                where = config.where("receivers", way.receiver, "protocols", silent[0], "include_metadata")
                what = f"the metadata by which {processor} knows the tenant is not handed on: {result}"
                yield Diagnosis("error", "tenant_lost", where, what, "set include_metadata: true")


def _batch(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    what = "the batch processor cuts by number of spans, says yes before anything is exported, and drops what is then refused"
    setting = "take it out; sending_queue.batch of the exporters does its work, by bytes"
    yield Diagnosis("warning", "batch_processor", config.where(*at), what, setting)


def _probabilistic(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    """Spans are decided by their trace's id, whatever `attribute_source` says: that is for logs."""
    share = number(config.get(*at, "sampling_percentage"))
    if share is not None and share < 100:
        what = f"of 100 Runs about {share:g} arrive, the others not at all, failed and flagged ones among them"
        setting = "keep everything, or choose whole Runs by tail_sampling (collector-config/pipelines/sampling.yaml)"
        yield Diagnosis("warning", "sampled", config.where(*at, "sampling_percentage"), what, setting)


def _group(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    what = "all spans wait in memory; those that come after wait_duration (1s) go on by themselves, and a killed collector loses what waits"
    traces = number(config.get(*at, "num_traces"))
    what += f"; above num_traces ({int(traces or 1_000_000):,}) the oldest trace is dropped"
    yield Diagnosis("note", "held_in_memory", config.where(*at), what, "tail_sampling does not need it")


def _attributes(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    actions = config.get(*at, "actions")
    for index, action in enumerate(cast("list[Any]", actions) if isinstance(actions, list) else []):
        facts = cast("dict[str, Any]", action) if isinstance(action, dict) else {}
        what = str(facts.get("action", ""))
        named = str(facts.get("key") or facts.get("pattern") or "")
        if what not in ("insert", "") and "chronicle" in named:
            where = config.where(*at, "actions", index)
            yield Diagnosis(
                "error", "envelope_changed", where, f"{what} of {named} takes from recordings what a replay needs", "spare chronicle.*"
            )


def _transform(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    for path, text in _texts(config, (*at, "trace_statements")):
        where = config.where(*path)
        for call in _CALL.finditer(text):
            function, inside = call[1], call[2]
            given = _SECOND.search(inside)
            size = int(given[1]) if given else None
            if function == "truncate_all" and size is not None:
                if size < CHUNK:
                    what = f"strings are cut at {size:,} bytes: recordings made so cannot be replayed"
                    yield Diagnosis("error", "string_cut", where, what, f"raise it to {CHUNK} at least")
                else:
                    what = f"strings are cut at {size:,} bytes; payloads of recordings are lists of shorter ones and pass, others do not"
                    yield Diagnosis("note", "string_cut", where, what, "raise it where you need those")
            elif function == "limit" and size is not None and size < ATTRIBUTES:
                what = f"a span keeps {size} attributes; those of its envelope may be among the others"
                yield Diagnosis("error", "attributes_evicted", where, what, f"raise it to {ATTRIBUTES}")
            elif function in ("keep_keys", "keep_matching_keys") and "chronicle" not in inside:
                yield Diagnosis(
                    "error", "envelope_changed", where, f"{function} deletes chronicle.*, which a replay needs", "keep chronicle.* too"
                )
            elif function.startswith("delete") and "chronicle" in inside:
                yield Diagnosis(
                    "error", "envelope_changed", where, f"{function} deletes chronicle.*, which a replay needs", "spare chronicle.*"
                )
        if re.search(r"\b(Substring|replace_all_patterns|replace_all_matches|replace_pattern)\s*\(", text) and "resource" not in text:
            what = "what it replaces inside of a payload changes its size and may break its JSON; such payloads are not used by a replay"
            yield Diagnosis(
                "warning", "payloads_rewritten", where, what, "redact with chronicle_redaction, which rewrites payloads as a whole"
            )


def _texts(config: Configuration, path: Path) -> Iterator[tuple[Path, str]]:
    """Every string below a path."""
    found = config.get(*path)
    if isinstance(found, str):
        yield path, found
    elif isinstance(found, list):
        for index in range(len(cast("list[Any]", found))):
            yield from _texts(config, (*path, index))
    elif isinstance(found, dict):
        for name in cast("dict[str, Any]", found):
            yield from _texts(config, (*path, name))


def _contrib_redaction(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    where = config.where(*at)
    if not on(config.get(*at, "allow_all_keys")):
        allowed = config.words(*at, "allowed_keys")
        if semconv.OUTPUT not in allowed:
            what = "every attribute that is not in allowed_keys is deleted, the envelope of recordings too"
            yield Diagnosis(
                "error", "envelope_changed", where, what, "set allow_all_keys: true, and blocked_values or blocked_key_patterns"
            )
    if on(config.get(*at, "redact_all_types")):
        what = "a list in which something is found becomes one masked text: payloads of recordings are lists, and cannot be replayed then"
    else:
        what = "it does not look into lists, and long payloads are lists: what is private in them passes as it is"
    setting = "use chronicle_redaction, which reads payloads and keeps them replayable (docs/redaction.md)"
    yield Diagnosis("error", "redaction_skips_lists", where, what, setting)


def _filter(config: Configuration, at: Path) -> Iterator[Diagnosis]:
    for base in ("traces", "trace_conditions"):
        for path, text in _texts(config, (*at, base)):
            rest = _OF_RESOURCE.sub("", text)
            if _OF_SPAN.search(rest) and "spanevent" not in path:
                what = "a condition on single spans drops Steps out of Runs"
                yield Diagnosis(
                    "warning",
                    "runs_torn",
                    config.where(*path),
                    what,
                    "write conditions on resource.attributes, or spare spans with chronicle.version",
                )


_CHECKS: Final = {
    "batch": _batch,
    "probabilistic_sampler": _probabilistic,
    "groupbytrace": _group,
    "group_by_trace": _group,
    "attributes": _attributes,
    "transform": _transform,
    "redaction": _contrib_redaction,
    "filter": _filter,
}
