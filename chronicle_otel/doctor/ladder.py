"""What became of values: strings of growing length, lists, maps, many attributes, events, links, times. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chronicle_otel.doctor.diagnosis import Diagnosis, Severity
from chronicle_otel.doctor.probe import Sent
from chronicle_otel.doctor.sending import Arrived
from chronicle_otel.doctor.sizes import ATTRIBUTES as LEAST_ATTRIBUTES
from chronicle_otel.doctor.sizes import CHUNK, CUTS, SDK_ATTRIBUTES, TEMPO
from chronicle_otel.reading import SpanRecord

_GONE: Final = object()


@dataclass(frozen=True, slots=True)
class Where:
    """The places that a probe passes, for messages."""

    endpoint: str
    store: str
    kind: str = ""
    """tempo, jaeger, …, file."""

    @property
    def between(self) -> str:
        """The whole way: some hop of it, which a probe cannot tell from the others."""
        return "on the way"


def check_ladder(
    taken: list[Sent], resource: Mapping[str, Any], arrived: Arrived, where: Where, facts: dict[str, Any]
) -> Iterator[Diagnosis]:
    """Say what became of the values of the ladder."""
    pairs = [
        (span, arrived.records[span.trace_id, span.span_id][0])
        for span in taken
        if span.part == "ladder" and (span.trace_id, span.span_id) in arrived.records
    ]
    sent = sum(span.part == "ladder" for span in taken)
    if len(pairs) < sent:
        what = f"{sent - len(pairs)} of {sent} spans that show what becomes of values did not arrive, so that is not judged in full"
        yield Diagnosis("warning", "not_judged", where.between, what, "run it again; where something samples by chance, more than once")
    yield from _strings(pairs, resource, where, facts)
    yield from _count(pairs, where, facts)
    yield from _values(pairs, where, facts)
    yield from _times(pairs, where, facts)


def cut_at(sent: str, came: Any) -> int | None:
    """Where a string was cut, in bytes of UTF-8; None if it was not, or became another.

    Dots behind it count, unless the length without them is that of somebody who is known to add them: Datadog's agent does.
    """
    if not isinstance(came, str) or came == sent:
        return None
    if sent.startswith(came):
        return len(came.encode())
    for dots in ("...", "…"):
        bare = came.removesuffix(dots)
        if bare != came and sent.startswith(bare):
            kept = len(bare.encode())
            return kept if any(cut.bytes == kept for cut in CUTS) else len(came.encode())
    return None


# ---- strings -------------------------------------------------------------------------------------


def _strings(pairs: list[tuple[Sent, SpanRecord]], resource: Mapping[str, Any], where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    cuts: dict[int, int] = {}
    gone: list[int] = []
    whole: list[int] = []
    for span, record in pairs:
        for name, text in span.attributes.items():
            if not name.startswith("doctor.string."):
                continue
            came = record.attributes.get(name, _GONE)
            cut = cut_at(text, came)
            if came is _GONE:
                gone.append(len(text))
            elif cut is not None:
                cuts[len(text)] = cut
            else:
                whole.append(len(text))
    facts["strings"] = {"whole_up_to": max(whole, default=0), "cut_at": min(cuts.values(), default=None), "dropped": gone}
    places = [place for place, text, came in _nested(pairs, resource) if cut_at(text, came) is not None]
    if cuts:
        yield _cut(min(cuts.values()), places, where, lists_are_text=_lists_are_text(pairs))
    elif places:
        what = f"long strings {' and '.join(places)} are cut, those of spans are not"
        yield Diagnosis("warning", "string_cut", where.between, what, TEMPO.setting if where.kind == "tempo" else "")
    if gone:
        what = f"strings of {' and '.join(f'{size:,}' for size in sorted(gone))} bytes are gone, with their attributes"
        severity: Severity = "error" if min(gone) <= CHUNK else "warning"
        yield Diagnosis(
            severity, "string_dropped", where.between, what, "payloads of recordings are lists of strings of 2,000 bytes; keep those"
        )
    if whole and not cuts and not gone and not places:
        yield Diagnosis("ok", "string_cut", where.between, f"strings up to {max(whole):,} bytes arrived whole")
    missing = [place for place, _, came in _nested(pairs, resource) if came is _GONE]
    if missing:
        yield Diagnosis(
            "note", "places_lost", where.between, f"what stood {' and '.join(missing)} did not arrive; recordings do not need it"
        )


def _lists_are_text(pairs: list[tuple[Sent, SpanRecord]]) -> bool:
    """Say whether a list of chunks came as one text, which a cut would shorten like any other."""
    return any(isinstance(record.attributes.get("doctor.chunks"), str) for _, record in pairs)


def _cut(size: int, places: list[str], where: Where, *, lists_are_text: bool) -> Diagnosis:
    known = next((cut for cut in CUTS if cut.bytes == size), TEMPO if where.kind == "tempo" else None)
    also = f" (also {', '.join(places)})" if places else ""
    also = (f", as {known.who} does" if known is not None and known.bytes == size else "") + also
    if size < CHUNK:
        what = f"strings are cut at {size:,} bytes{also}: recordings cannot be replayed"
    elif lists_are_text:
        what = f"strings are cut at {size:,} bytes{also}, and lists come as JSON text: recordings with a longer payload cannot be replayed"
    else:
        what = (
            f"strings are cut at {size:,} bytes{also}: payloads of recordings, lists of shorter ones, pass; long strings of others do not"
        )
    setting = known.setting if known is not None else _ANY_CUT
    return Diagnosis("error" if size < CHUNK or lists_are_text else "warning", "string_cut", where.between, what, setting)


_ANY_CUT: Final = (
    "look for truncate_all in a transform processor, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT in an SDK on the way, and the limits of the vendor"
)


def _nested(pairs: list[tuple[Sent, SpanRecord]], resource: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Place, text and what came, of the long strings beside those of spans."""
    for span, record in pairs:
        if span.event:
            yield "in events", span.event["doctor.nested"], _first(record.events)
        if span.link:
            yield "in links", span.link["doctor.nested"], _first(record.links)
    if pairs:
        yield "on resources", resource["doctor.resource"], pairs[0][1].resource.get("doctor.resource", _GONE)


def _first(records: Sequence[Mapping[str, Any]]) -> Any:
    """The long string of the first event or link that has one."""
    return next((each["attributes"]["doctor.nested"] for each in records if "doctor.nested" in each.get("attributes", {})), _GONE)


# ---- number of attributes --------------------------------------------------------------------------


def _count(pairs: list[tuple[Sent, SpanRecord]], where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    for span, record in pairs:
        if span.name != "attributes":
            continue
        kept = sum(name in record.attributes for name in span.attributes)
        facts["attributes"] = {"sent": len(span.attributes), "arrived": kept}
        if kept == len(span.attributes):
            yield Diagnosis(
                "ok", "attributes_evicted", where.between, f"a span with {len(span.attributes)} attributes arrived with all of them"
            )
            continue
        what = f"of {len(span.attributes)} attributes of a span {kept} arrived"
        what += "; an envelope has at most 35" if kept >= LEAST_ATTRIBUTES else ": those of envelopes may be among the others"
        setting = (
            "look for limit or keep_keys in a transform processor, allowed_keys of a redaction processor, and the limits of the vendor"
        )
        if kept == SDK_ATTRIBUTES:
            setting = f"{SDK_ATTRIBUTES} is what SDKs keep (OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT): one of them is on the way"
        severity: Severity = "error" if kept < LEAST_ATTRIBUTES else "warning"
        yield Diagnosis(severity, "attributes_evicted", where.between, what, setting)


# ---- types ---------------------------------------------------------------------------------------


def _values(pairs: list[tuple[Sent, SpanRecord]], where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    changed: dict[str, str] = {}
    for span, record in pairs:
        if span.name == "values":
            for name, value in span.attributes.items():
                if name.startswith("doctor."):
                    became = _became(value, record.attributes.get(name, _GONE))
                    if became:
                        changed[name.removeprefix("doctor.")] = became
        if "doctor.unicode" in span.attributes and record.attributes.get("doctor.unicode") != span.attributes["doctor.unicode"]:
            changed["unicode"] = "another text"
    facts["values_changed"] = changed
    harmless = {name: what for name, what in changed.items() if what in ("JSON text", "text") or name in ("empty", "bytes", "map")}
    harmful = {name: what for name, what in changed.items() if name not in harmless}
    if harmless:
        what = "; ".join(f"{name}: {became}" for name, became in harmless.items())
        yield Diagnosis("note", "types_change", where.store, f"some types of values change ({what}); recordings are read back all the same")
    if harmful:
        what = "; ".join(f"{name}: {became}" for name, became in harmful.items())
        yield Diagnosis(
            "error", "values_change", where.between, f"values arrived as others ({what})", "look for processors that rewrite attributes"
        )


def _became(sent: Any, came: Any) -> str:
    """What became of a value, in a word; empty if it is as it was."""
    if came is _GONE:
        return "gone"
    if isinstance(sent, (list, tuple)):
        given: list[Any] = list(sent)  # pyright: ignore[reportUnknownArgumentType]  # a tree
        if isinstance(came, (list, tuple)):
            return "" if list(came) == given else "another list"  # pyright: ignore[reportUnknownArgumentType]
        return "JSON text" if _json(came) == given else "another value"
    if type(came) is type(sent) and came == sent:
        return ""
    if isinstance(came, str):
        if isinstance(sent, dict):
            return "JSON text" if _json(came) == sent else "text"
        if isinstance(sent, str):
            return "another text"
        return "text"
    return "another value"


def _json(value: Any) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return _GONE


# ---- times ---------------------------------------------------------------------------------------


def _times(pairs: list[tuple[Sent, SpanRecord]], where: Where, facts: dict[str, Any]) -> Iterator[Diagnosis]:
    moved = [record.start_ns - span.start_ns for span, record in pairs if record.start_ns != span.start_ns]
    facts["clock_moved_ns"] = max(moved, key=abs, default=0)
    if moved and max(map(abs, moved)) >= 1_000:
        what = f"times of {len(moved)} spans were moved, by up to {max(map(abs, moved)) / 1e6:g} ms"
        yield Diagnosis("note", "clock_moved", where.store, what, "max_clock_skew_adjust of Jaeger does that")
    elif moved:
        yield Diagnosis("note", "clock_moved", where.store, "times are kept to the microsecond")
