"""sender ──► file exporter, in every form that it writes, started again, killed, rotated ──► reading: whole, or what is gone is named."""

from __future__ import annotations

from pathlib import Path

import pytest

import chronicle_otel as chronicle

from .collector import BINARY, MISSING
from .examined import hop, named, said
from .recorded import forward, recorded, verdicts
from .spans import one_span, post, traces_in, wait_for

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)

ALL = ("small", "large", "scripts")
FORMS = {
    "json": "format: json",
    "json-zstd": "format: json, append: false, compression: zstd",
    "json-zstd-appended": "format: json, append: true, compression: zstd",
    "proto": "format: proto",
    "proto-zstd": "format: proto, append: false, compression: zstd",
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("recorded"), *ALL)


def exporter(settings: str) -> str:
    return f"exporters: {{file: {{{settings}}}}}\n"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_replays(form: str, recording: Path, tmp_path: Path) -> None:
    """Lines of JSON, frames of protobuf, each packed or not, with a line of 5 MB among them: the runs are read and reproduced."""
    line = hop(tmp_path, exporter(FORMS[form]))
    with line.collector:
        forward(recording, line.http)
    assert verdicts(line.output) == dict.fromkeys(ALL, "reproduced")


def test_one_stream_of_zstd_replays(recording: Path, tmp_path: Path) -> None:
    """With the feature gate for native compression a file is one zstd stream; it is read as well."""
    line = hop(tmp_path, exporter("append: false, compression: zstd"))
    line.collector.command.append("--feature-gates=+exporter.file.nativeCompression")
    with line.collector:
        forward(recording, line.http)
    assert verdicts(line.output) == dict.fromkeys(ALL, "reproduced")


def test_a_restart_empties_the_file(tmp_path: Path) -> None:
    """Without append, as it comes, what was stored is gone after a restart; the configuration says so. With it, all is there."""
    for append, kept in (("false", {2}), ("true", {1, 2})):
        line = hop(tmp_path / append, exporter(f"append: {append}"))
        for trace in (1, 2):
            with line.collector:
                post(line.collector.http, one_span(trace, 1))
        assert traces_in(line.output).keys() == kept
        assert (("warning", "file_emptied") in named(*line.configs)) is (append == "false")


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        ("append: true, rotation: {max_megabytes: 1}", "append and rotation"),
        ("path: /tmp/spans.jsonl, group_by: {enabled: true, resource_attribute: service.name}", "exactly one"),
        ('path: "*.jsonl", group_by: {enabled: true, resource_attribute: service.name}', "must not start with"),
    ],
)
def test_settings_that_do_not_go_together(settings: str, refusal: str, tmp_path: Path) -> None:
    """The collector refuses to start with them, and `doctor --config` says so without starting it."""
    line = hop(tmp_path, exporter(settings))
    with pytest.raises(AssertionError, match=refusal):
        line.collector.start()
    assert ("error", "file_settings") in named(*line.configs)


def test_a_kill_tears_a_line_and_costs_no_more(recording: Path, tmp_path: Path) -> None:
    """Killed in the middle of a write, started again behind it: the line that is torn is named, and what came later is read."""
    line = hop(tmp_path, exporter("flush_interval: 20s"))  # what does not fit in its buffer is written, and torn where that ended
    with line.collector:
        forward(recording, line.http)
        for trace in (1, 2, 3):
            post(line.collector.http, one_span(trace, 1, text="x" * 2000))
        line.collector.kill()
        torn = line.output.read_bytes()
        line.collector.start()
        forward(recording, line.http)
    assert not torn.endswith(b"\n")
    assert ("note", "file_buffered") in named(*line.configs)
    run, *_ = chronicle.runs(line.output)
    assert [finding.message.partition(": ")[2].split(",")[0] for finding in run.checks.findings] == ["torn"]
    assert len(traces_in(line.output).keys() & {1, 2, 3}) < 3
    assert verdicts(line.output) == dict.fromkeys(ALL, "reproduced")


def test_rotation_deletes_the_oldest(tmp_path: Path) -> None:
    """Above max_backups files, the oldest are deleted; a folder of rotated files is read as one, and the configuration says what goes."""
    line = hop(tmp_path, exporter("append: false, rotation: {max_megabytes: 1, max_backups: 2}"))
    with line.collector:
        for trace in range(1, 9):
            post(line.collector.http, one_span(trace, 1, text="x" * 700_000))
        wait_for("the oldest is deleted", lambda: 1 not in traces_in(tmp_path))
        wait_for("the newest is there", lambda: 8 in traces_in(tmp_path))
    assert len(traces_in(tmp_path)) == 3
    assert "the oldest of 2 files of 1 MB is deleted" in said("file_rotation", *line.configs)


@pytest.mark.parametrize(("append", "kept"), [("false", range(9, 13)), ("true", range(1, 13))])
def test_group_by_empties_files_that_it_opens_again(append: str, kept: range, tmp_path: Path) -> None:
    """More services than max_open_files, and no append: a file that is opened again is emptied. Spans without a service go silently."""
    group = "group_by: {enabled: true, resource_attribute: service.name, max_open_files: 2}"
    line = hop(tmp_path, exporter(f'append: {append}, path: "{tmp_path}/by/*.jsonl", {group}'))
    with line.collector:
        for trace in range(1, 13):
            post(line.collector.http, one_span(trace, 1, service=f"agent-{trace % 4}"))
        post(line.collector.http, one_span(13, 1).replace(b"service.name", b"service.none"))
    assert traces_in(tmp_path / "by").keys() == set(kept)
    assert (("error", "file_emptied") in named(*line.configs)) is (append == "false")
    assert ("note", "ungrouped") in named(*line.configs)


def test_the_debug_exporter_prints_payloads(tmp_path: Path) -> None:
    """With verbosity: detailed, and no redaction in front, what customers wrote is in the collector's log; the configuration says so."""
    debug = "exporters: {debug: {verbosity: detailed}}\nservice: {pipelines: {traces: {exporters: [file, debug]}}}"
    line = hop(tmp_path, debug)
    with line.collector:
        post(line.collector.http, one_span(1, 1, text="mail maria@kestrel.de"))
    assert "maria@kestrel.de" in line.collector.log.read_text()
    assert ("warning", "payloads_logged") in named(*line.configs)
