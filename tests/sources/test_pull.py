"""One normal form: equal spans are equal bytes. And the command that writes it."""

from __future__ import annotations

import gzip
import json
import os
import random
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from chronicle_otel import reading
from chronicle_otel.errors import RunNotFound, SourceError, UsageError
from chronicle_otel.reading import SpanRecord
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.pulling import pull
from chronicle_otel.reading.search import Search
from chronicle_otel.reading.sources import read
from tests.conftest import Chronicle
from tests.sources.stores import ANSWERS, RUN, TRACE, Asked, Given, recorded, serving
from tests.unit import spans as otlp

SENT = ANSWERS / "sent.jsonl"
SPAN = SpanRecord("a" * 32, "b" * 16, "", "n", 5, 7, {"z": 1, "a": "x"}, resource={"service.name": "s"}, scope="lib")


def line(span: SpanRecord) -> str:
    """A span in normal form, without its resource and scope."""
    [found] = normal_lines([span])
    tree = json.loads(found)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False)


def test_one_line_a_span() -> None:
    """Everything of a span in a fixed order, attributes by key; what is empty is left out."""
    assert list(normal_lines([SPAN])) == [
        b'{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},'
        b'"scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"' + b"a" * 32 + b'","spanId":"' + b"b" * 16 + b'","name":"n","kind":0,'
        b'"startTimeUnixNano":"5","endTimeUnixNano":"7","attributes":[{"key":"a","value":{"stringValue":"x"}},'
        b'{"key":"z","value":{"intValue":"1"}}]}]}]}]}\n'
    ]


def test_every_type_of_value() -> None:
    """Values of every type, by the rules of OTLP JSON; maps by key."""
    values = {"b": True, "d": 2.0, "n": float("nan"), "y": b"\x00\xff", "l": [1, "x", []], "m": {"z": 1, "a": None}, "u": "ä"}
    assert line(replace(SPAN, attributes=values)).partition('"attributes":')[2] == (
        '[{"key":"b","value":{"boolValue":true}},{"key":"d","value":{"doubleValue":2.0}},'
        '{"key":"l","value":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"x"},{"arrayValue":{"values":[]}}]}}},'
        '{"key":"m","value":{"kvlistValue":{"values":[{"key":"a","value":{}},{"key":"z","value":{"intValue":"1"}}]}}},'
        '{"key":"n","value":{"doubleValue":"NaN"}},{"key":"u","value":{"stringValue":"ä"}},{"key":"y","value":{"bytesValue":"AP8="}}]}'
    )


def test_events_links_status_and_states() -> None:
    """Events and links in their order; trace states without our own member, which repeats the run id."""
    span = replace(
        SPAN,
        events=({"name": "e", "time_ns": 6, "attributes": {"k": 1}}, {"name": "f", "time_ns": 6, "attributes": {}}),
        links=({"trace_id": "c" * 32, "span_id": "d" * 16, "attributes": {}, "trace_state": "a=1,chronicle=x"},),
        status=(2, "no"),
        trace_state="chronicle=x, b=2",
        parent_span_id="e" * 16,
    )
    assert '"traceState":"b=2","parentSpanId":"eeeeeeeeeeeeeeee"' in line(span)
    assert line(span).endswith(
        '"events":[{"timeUnixNano":"6","name":"e","attributes":[{"key":"k","value":{"intValue":"1"}}]},{"timeUnixNano":"6","name":"f"}],'
        f'"links":[{{"traceId":"{"c" * 32}","spanId":"{"d" * 16}","traceState":"a=1"}}],"status":{{"code":2,"message":"no"}}}}'
    )


def test_order_and_copies_do_not_matter() -> None:
    """Shuffled and doubled spans give the same bytes; copies that differ are all kept."""
    spans = read(SENT).spans
    shuffled = spans * 3
    random.Random(1).shuffle(shuffled)
    assert list(normal_lines(shuffled)) == list(normal_lines(spans))
    assert len(list(normal_lines([SPAN, replace(SPAN, name="other"), SPAN]))) == 2


def test_the_normal_form_of_the_normal_form(tmp_path: Path) -> None:
    """Writing what was read of it changes nothing, and it is the recording that it was."""
    pull(SENT, tmp_path / "a.jsonl")
    pull(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert reading.load(tmp_path / "b.jsonl").checks.kinds() == set()


def test_half_a_surrogate_pair_is_written(tmp_path: Path) -> None:
    """What UTF-8 cannot hold is escaped, and read back as it was."""
    [found] = normal_lines([replace(SPAN, name="\ud800")])
    (tmp_path / "a.jsonl").write_bytes(found)
    assert [span.name for span in read(tmp_path / "a.jsonl").spans] == ["\ud800"]


# ---- the file --------------------------------------------------------------------------------------


def test_the_suffix_packs(tmp_path: Path) -> None:
    """gzip and zstd by the name; the same bytes at each time; for the owner only."""
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "b.jsonl.gz"):
        pull(SENT, tmp_path / name)
    plain = (tmp_path / "a.jsonl").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == plain
    assert zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / "a.jsonl.zst").read_bytes()) == plain
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "a.jsonl").stat().st_mode) == 0o600


def test_nothing_half_written(tmp_path: Path) -> None:
    """A source that cannot be read leaves no file, and an existing one as it was."""
    kept = tmp_path / "a.jsonl"
    kept.write_text("kept")
    with pytest.raises(SourceError):
        pull(tmp_path / "nowhere", kept, force=True)
    with pytest.raises(UsageError, match="exists already; choose another name, or overwrite it with --force"):
        pull(SENT, kept)
    assert ([path.name for path in tmp_path.iterdir()], kept.read_text()) == (["a.jsonl"], "kept")


def test_only_what_is_wanted(tmp_path: Path) -> None:
    """One Run, or a choice, takes whole traces: the spans of others in them, and no trace besides."""
    other = otlp.line(otlp.root(1, run="ab" * 16, trace="d" * 32), otlp.span("c" * 16, trace="d" * 32), service="bank")
    (tmp_path / "all.jsonl").write_text(SENT.read_text() + other)
    for name, choice in {"run": {"run": RUN[:6]}, "service": {"search": Search(service="shop")}, "trace": {"run": TRACE}}.items():
        assert pull(tmp_path / "all.jsonl", tmp_path / f"{name}.jsonl", **choice).spans == 5
    assert pull(tmp_path / "all.jsonl", tmp_path / "bank.jsonl", search=Search(service="bank")).spans == 2
    assert pull(tmp_path / "all.jsonl", tmp_path / "both.jsonl").traces == 2
    with pytest.raises(RunNotFound):
        pull(tmp_path / "all.jsonl", tmp_path / "none.jsonl", run="ff")
    with pytest.raises(SourceError, match=r"no Run that is wanted \(service x\); nothing is written"):
        pull(tmp_path / "all.jsonl", tmp_path / "none.jsonl", search=Search(service="x"))


# ---- from outside ----------------------------------------------------------------------------------


def jaeger(asked: Asked) -> Given:
    """Jaeger with the recorded trace."""
    return recorded("jaeger-trace.json")


def test_the_command(chronicle: Chronicle, tmp_path: Path) -> None:
    """It says what it wrote; as JSON too; standard output holds the recording only."""
    with serving(jaeger) as store:
        done = chronicle("pull", store.at("jaeger", f"/{TRACE}"), "-o", "a.jsonl")
        assert (done.returncode, done.stdout.splitlines()[1:], done.stderr) == (0, ["1 run, 1 trace, 5 spans"], "")
        done = chronicle("pull", store.at("jaeger"), "-o", "b.jsonl", "--since", "2026-01-01", "--json")
        assert json.loads(done.stdout)["runs"] == [RUN]
        done = chronicle("pull", store.at("jaeger", f"/{TRACE}"), "-o", "-")
    assert done.stdout == (tmp_path / "a.jsonl").read_text(encoding="utf-8") == (tmp_path / "b.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "a.txt"], "a recording's name ends in .jsonl, .jsonl.gz, .jsonl.zst"),
        (["-o", "."], "is a folder: name a file in it"),
        (["-o", "-", "--json"], "--json and -o - both write to stdout"),
        (["-o", "a.jsonl", "--since", "soon"], "--since=soon: write how long ago"),
        (["-o", "a.jsonl", "--session", "customer"], "--session 'customer': write name=value"),
        (["-o", "a.jsonl", "--run", "ff"], "no Run 'ff'"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], words: str, chronicle: Chronicle, tmp_path: Path) -> None:
    """Exit code 2, one sentence, no file."""
    done = chronicle("pull", str(SENT), *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", [["show"], ["check"], ["runs"], ["replay", "--entry", "json:dumps"], ["diff", str(SENT)]])
def test_every_verb_takes_a_store(verb: list[str], chronicle: Chronicle) -> None:
    """What a verb says of the store is what it says of the file."""
    with serving(jaeger) as store:
        source = store.at("jaeger", f"/{TRACE}")
        here, there = chronicle(*verb, str(SENT)), chronicle(*verb, source)
    assert (there.returncode, there.stdout, there.stderr) == (here.returncode, here.stdout, here.stderr.replace(str(SENT), source))


def test_diff_takes_a_run_of_a_store(chronicle: Chronicle) -> None:
    """SOURCE::RUN, also where the address has colons."""
    with serving(jaeger) as store:
        done = chronicle("diff", store.at("jaeger") + f"::{RUN}", f"{SENT}::{RUN[:5]}")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 steps equal, 0 differ")


def test_redact_takes_a_store(chronicle: Chronicle, tmp_path: Path) -> None:
    """What is pulled is redacted before anything is written."""
    pytest.importorskip("re2")
    (tmp_path / "key").write_text("k" * 32)
    with serving(jaeger) as store:
        done = chronicle("redact", store.at("jaeger", f"/{TRACE}"), "-o", "out.jsonl", "--key-file", "key")
    assert (done.returncode, done.stderr) == (0, "")
    assert reading.load(tmp_path / "out.jsonl").checks.ok
