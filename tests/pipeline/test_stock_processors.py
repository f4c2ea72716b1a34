"""recordings, a probe ──► the processors that people have ──► a file ──► replay, doctor: survived, or named and never replayed wrongly."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .collector import NO_STOCK, STOCK, StockCollector
from .examined import Hop, found, hop, named, probed, said
from .recorded import forward, recorded, verdicts
from .spans import one_span, post, traces_in, wait_for

pytestmark = pytest.mark.skipif(not STOCK.exists(), reason=NO_STOCK)

WHOLE = {"small": "reproduced", "long": "reproduced", "large": "reproduced"}
NOTHING = dict.fromkeys(WHOLE, "cannot_judge")
ANY_OF_THEM = dict[str, str]()
"""What a sampler by chance left, whole."""
UNREDACTED = ("warning", "no_redaction")

TRANSFORM = "  transform:\n    error_mode: ignore\n    trace_statements:\n"


def statements(*lines: str) -> str:
    return TRANSFORM + "".join(f"      - {line}\n" for line in lines)


def dots(name: str, size: int) -> str:
    """Cut a string as Datadog's agent does: so many bytes, and dots behind them."""
    return f'set(span.attributes["{name}"], Concat([Substring(span.attributes["{name}"], 0, {size}), "..."], ""))'


def as_json(*names: str) -> list[str]:
    """Make JSON text of lists, as Honeycomb does before it cuts."""
    each = 'set(span.attributes["{0}"], Concat([span.attributes["{0}"]], "")) where IsList(span.attributes["{0}"])'
    return [each.format(name) for name in names]


@dataclass(frozen=True)
class Case:
    """A processor, and what is to be seen of it."""

    processors: str
    config: tuple[str, str] | None
    """What `doctor --config` finds in it."""
    probe: list[tuple[str, str]]
    """What `doctor --store` finds behind it."""
    words: str = ""
    """Of the first that the probe finds."""
    replays: dict[str, str] = field(default_factory=lambda: WHOLE)
    """Verdict of each recorded run that came through it."""


CASES = {
    "cut-at-1000": Case(
        statements("truncate_all(span.attributes, 1000)"),
        ("error", "string_cut"), [("error", "string_cut"), UNREDACTED], "strings are cut at 1,000 bytes: recordings cannot be replayed",
        {**WHOLE, "small": "cannot_reproduce"},  # longer payloads are lists, which this one leaves alone
    ),
    "cut-as-tempo": Case(
        statements("truncate_all(span.attributes, 2048)"),
        ("note", "string_cut"), [("warning", "string_cut"), UNREDACTED], "strings are cut at 2,048 bytes, as Tempo does",
    ),
    "cut-as-datadog": Case(
        statements(*(dots(f"doctor.string.{size}", 25_000) for size in (26_000, 65_600))),
        ("warning", "payloads_rewritten"), [("warning", "string_cut"), UNREDACTED], "strings are cut at 25,000 bytes, as Datadog does",
    ),
    "cut-as-honeycomb": Case(
        statements(*as_json("chronicle.output", "doctor.chunks"), "truncate_all(span.attributes, 65535)"),
        ("note", "string_cut"), [("error", "string_cut"), UNREDACTED, ("note", "types_change")],
        "strings are cut at 65,535 bytes, as Honeycomb does, and lists come as JSON text: recordings with a longer payload cannot",
        {**WHOLE, "large": "cannot_judge"},
    ),
    "cut-as-azure": Case(
        statements("truncate_all(span.attributes, 65536)"),
        ("note", "string_cut"), [("warning", "string_cut"), UNREDACTED], "strings are cut at 65,536 bytes, as Azure Monitor does",
    ),
    "gen-ai-view-gone": Case(  # more than Azure's 256 KB for its content takes: nobody needs the view for a replay
        statements('delete_matching_keys(span.attributes, "gen_ai[.].*")'),
        None, [UNREDACTED], "",
    ),
    "few-attributes": Case(
        statements("limit(span.attributes, 10, [])"),
        ("error", "attributes_evicted"),
        [("error", "attributes_evicted"), ("error", "recording_damaged")], "of 132 attributes of a span 10 ",
        dict.fromkeys(WHOLE, "cannot_reproduce"),
    ),
    "attributes-as-sdks": Case(
        statements("limit(span.attributes, 128, [])"),
        None, [("warning", "attributes_evicted"), UNREDACTED], "of 132 attributes of a span 128 arrived; an envelope has at most 35",
    ),
    "redaction-skips-lists": Case(
        '  redaction: {allow_all_keys: true, blocked_values: ["[a-z]+@[a-z.-]+", "4[0-9]{15}"]}',
        ("error", "redaction_skips_lists"), [("error", "redaction_skips"), ("error", "recording_damaged")],
        "private values were replaced in events, resources, strings, payloads, and not in links, lists, names, status messages",
    ),
    "redaction-of-all-types": Case(
        '  redaction: {allow_all_keys: true, redact_all_types: true, blocked_values: ["[a-z]+@[a-z.-]+", "Part [0-9]+"]}',
        ("error", "redaction_skips_lists"), [("error", "redaction_skips"), ("error", "recording_damaged")],
        "private values were replaced in events, resources, strings, and not in links, lists, names, status messages, payloads",
        {**WHOLE, "large": "cannot_judge"},
    ),
    "redaction-of-unknown-keys": Case(
        "  redaction: {allowed_keys: [service.name]}",
        ("error", "envelope_changed"),
        [("error", "string_dropped"), ("error", "recording_damaged")], "bytes are gone, with their attributes",
        {},
    ),
    "payloads-deleted": Case(
        "  attributes: {actions: [{key: chronicle.output, action: delete}]}",
        ("error", "envelope_changed"), [("error", "recording_damaged"), UNREDACTED], "chronicle.output of Step 2 (look) is missing",
        NOTHING,
    ),
    "payloads-hashed": Case(
        "  attributes: {actions: [{pattern: chronicle.output, action: hash}]}",
        ("error", "envelope_changed"), [("error", "recording_damaged"), UNREDACTED], "22 recordings that arrived with every span 22 cannot",
        NOTHING,
    ),
    "steps-dropped": Case(
        """  filter: {trace_conditions: ['span.name == "execute_tool look" or span.name == "execute_tool stock"']}""",
        ("warning", "runs_torn"), [("error", "runs_torn"), UNREDACTED], "of 22 Runs 22 arrived in part",
        {"small": "cannot_judge", "long": "cannot_judge", "large": "reproduced"},
    ),
    "a-share-of-runs": Case(
        "  probabilistic_sampler: {sampling_percentage: 50}", ("warning", "sampled"), [("warning", "sampled")], "", ANY_OF_THEM,
    ),
    "a-share-by-an-attribute": Case(
        "  probabilistic_sampler: {sampling_percentage: 50, attribute_source: record, from_attribute: chronicle.step}",
        ("warning", "sampled"), [("warning", "sampled")], "", ANY_OF_THEM,  # which holds for logs: traces stay whole
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("recorded"), "small", "long", "large")


def stock(folder: Path, processors: str, more: str = "", to: str = "file", **environ: str) -> Hop:
    """Make a hop with processors in front of its exporter: YAML of a mapping, in their order."""
    order = [line.split(":")[0].strip() for line in processors.splitlines() if line[:2] == "  " and line[2] != " "]
    change = f"processors:\n{processors}\nservice: {{pipelines: {{traces: {{processors: [{', '.join(order)}], exporters: [{to}]}}}}}}\n"
    return hop(folder, change + more, StockCollector, **environ)


@pytest.mark.parametrize("name", CASES)
def test_it_is_survived_or_named(name: str, recording: Path, tmp_path: Path) -> None:
    """Its configuration and a probe through it name what it does; a recording that came through it replays as it was, or is refused."""
    case = CASES[name]
    line = stock(tmp_path, case.processors)
    with line.collector:
        report = probed(line.output, line.http, wait=2)
        forward(recording, line.http)
    if case.config:
        assert case.config in named(*line.configs)
    else:
        assert [kind for severity, kind in named(*line.configs) if severity == "error"] == []
    assert [each for each in case.probe if each not in found(report)] == []
    assert case.words in str(report.diagnoses[0])
    assert report.facts["runs"]["plain"]["torn"] == (20 if ("error", "runs_torn") in case.probe else 0)
    replayed = verdicts(line.output)
    if case.replays is not ANY_OF_THEM:
        assert replayed == case.replays
    else:
        assert set(replayed.values()) <= {"reproduced"}


def test_the_batch_processor_says_yes_and_loses(tmp_path: Path) -> None:
    """It makes one request of what came, larger than the next receiver takes, after each sender was told that its spans have arrived."""
    behind = hop(tmp_path / "behind", kind=StockCollector)
    batch = "  batch: {timeout: 2s}"
    queue = "exporters: {otlp_grpc: {sending_queue: {enabled: false}}}"
    front = stock(tmp_path / "front", batch, queue, to="otlp_grpc", CHRONICLE_NEXT=f"127.0.0.1:{behind.collector.grpc}")
    with behind.collector, front.collector:
        report = probed(behind.output, front.http, wait=5, small=False)
    assert report.facts["taken"] == report.facts["spans"]
    assert ("error", "nothing_arrived") in found(report)
    assert {("error", "batch_by_count"), ("warning", "batch_processor")} <= set(named(*front.configs))


def test_group_by_trace_loses_what_it_holds(tmp_path: Path) -> None:
    """Above num_traces it drops the oldest trace, and a killed collector has forgotten all that waited; its configuration says so."""
    line = stock(tmp_path, "  groupbytrace: {wait_duration: 1s, num_traces: 2}")
    with line.collector:
        for trace in range(1, 5):
            post(line.collector.http, one_span(trace, 1))
        wait_for("the last", lambda: 4 in traces_in(line.output))
    assert traces_in(line.output).keys() == {3, 4}
    assert "above num_traces" in said("held_in_memory", *line.configs)
    held = stock(tmp_path / "held", "  groupbytrace: {wait_duration: 60s}")
    with held.collector:
        post(held.collector.http, one_span(1, 1))
        held.collector.kill()
        held.collector.start()
    assert list(traces_in(held.output)) == []
