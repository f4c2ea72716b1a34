"""Each store's own answers, recorded from the real ones for one recording, give that recording."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chronicle_otel import reading
from chronicle_otel.errors import ChronicleError, SourceError, UsageError
from chronicle_otel.reading.normal import normal_lines
from chronicle_otel.reading.pulling import pull
from chronicle_otel.reading.search import Search
from chronicle_otel.reading.sources import read
from chronicle_otel.reading.sources.tempo import traceql
from tests.sources.stores import ANSWERS, RUN, TRACE, Asked, Given, recorded, serving

PROTOBUF = "application/protobuf"
NOT_FOUND = Given(404, '{"error":{"httpCode":404,"message":"No traces found"}}\n', "text/plain")
NOTHING = [
    ("jaeger", NOT_FOUND),
    ("clickhouse", Given(type="text/plain")),
    ("phoenix", Given(body='{"data":[],"next_cursor":null}')),
]
"""How a store says that it has no such trace, or finds none."""


def jaeger(asked: Asked) -> Given:
    """Jaeger 2."""
    return recorded("jaeger-trace.json") if asked.path in (f"/base/api/v3/traces/{TRACE}", "/base/api/v3/traces") else NOT_FOUND


def tempo(asked: Asked) -> Given:
    """Tempo 3."""
    if asked.path == "/base/api/search":
        return recorded("tempo-search.json")
    return recorded("tempo-trace.binpb", PROTOBUF) if asked.path == f"/base/api/v2/traces/{TRACE}" else Given(404)


def clickhouse(asked: Asked) -> Given:
    """ClickHouse with the exporter's table."""
    if b"GROUP BY" in asked.body:
        return Given(body=json.dumps({"TraceId": TRACE}) + "\n", type="application/x-ndjson")
    return recorded("clickhouse-rows.jsonl", "application/x-ndjson") if asked.query["param_trace"] == TRACE else Given(type="text/plain")


def phoenix(asked: Asked) -> Given:
    """Phoenix 20."""
    return recorded("phoenix-spans.json") if asked.path == "/base/v1/projects/default/spans" else Given(404)


STORES: dict[str, Callable[[Asked], Given]] = {"jaeger": jaeger, "tempo": tempo, "clickhouse": clickhouse, "phoenix": phoenix}
SENT = b"".join(normal_lines(read(ANSWERS / "sent.jsonl").spans))


def normal(source: Any) -> bytes:
    """A source in normal form."""
    return b"".join(normal_lines(read(source).spans))


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("wanted", [f"/base/{TRACE}", "/base", "/base?limit=9"])
def test_a_store_gives_the_run(store: str, wanted: str) -> None:
    """By trace id and by search, below a path of its own; complete, with equal payloads."""
    sent = reading.load(ANSWERS / "sent.jsonl")
    with serving(STORES[store]) as server:
        run = reading.load(server.at(store, wanted))
    assert (run.id, run.checks.ok, run.session) == (RUN, True, sent.session)
    assert [(step.kind, step.name, step.input, step.output) for step in run.steps] == [
        (step.kind, step.name, step.input, step.output) for step in sent.steps
    ]


@pytest.mark.parametrize("store", ["jaeger", "tempo"])
def test_jaeger_and_tempo_give_the_same_bytes_as_the_file(store: str) -> None:
    """In normal form, spans of other instrumentations included, nothing differs."""
    with serving(STORES[store]) as server:
        assert normal(server.at(store, f"/base/{TRACE}")) == SENT


@pytest.mark.parametrize(
    ("answer", "type"), [("tempo-trace.json", "application/json"), ("tempo-trace-v1.binpb", PROTOBUF)], ids=["JSON", "first version"]
)
def test_other_answers_of_tempo(answer: str, type: str) -> None:
    """JSON (ids in base64, names of enums), and the first version of the API where there is no second."""

    def tempo(asked: Asked) -> Given:
        path = "/api/traces" if "v1" in answer else "/api/v2/traces"
        return recorded(answer, type) if asked.path == f"{path}/{TRACE}" else Given(404)

    with serving(tempo) as server:
        assert normal(server.at("tempo", f"/{TRACE}")) == SENT


@pytest.mark.parametrize("store", ["clickhouse", "phoenix"])
def test_what_a_store_loses_is_said(store: str) -> None:
    """A notice, and the Run is no less worth for it."""
    with serving(STORES[store]) as server:
        checks = reading.load(server.at(store, f"/base/{TRACE}")).checks
    assert (checks.kinds(), checks.ok) == ({"types_lost"}, True)


def test_attributes_of_chronicle_have_their_types_again() -> None:
    """A table of texts gives integers and lists of chunks; what is not chronicle's stays text."""
    with serving(clickhouse) as server:
        spans = {span.name: span for span in read(server.at("clickhouse", f"/base/{TRACE}")).spans}
    ours, foreign = spans["execute_tool catalogue"].attributes, spans["GET /catalogue"]
    assert (ours["chronicle.seq"], type(ours["chronicle.output"]), ours["chronicle.output.size"]) == (2, list, 6691)
    assert (foreign.attributes["b"], foreign.attributes["ints"], foreign.kind) == ("true", "[1,2]", 3)
    assert (foreign.scope, foreign.scope_version, foreign.links[0]["span_id"]) == ("other.library", "3.1", "d" * 16)


@pytest.mark.parametrize(
    ("store", "nothing"), [("tempo", Given(type=PROTOBUF)), ("tempo", Given(body='{"trace":{},"metrics":{}}')), *NOTHING]
)
def test_an_unknown_trace(store: str, nothing: Given) -> None:
    """Each store's way of having nothing: the error names the trace and how to search."""
    with serving(nothing) as server, pytest.raises(SourceError) as caught:
        reading.runs(server.at(store, f"/{TRACE}"))
    assert f"has no trace {TRACE}" in str(caught.value)
    assert f"chronicle runs '{store}://" in str(caught.value)


@pytest.mark.parametrize(("store", "nothing"), [("tempo", Given(body='{"traces":[]}')), *NOTHING])
def test_a_search_that_finds_nothing(store: str, nothing: Given) -> None:
    """With a choice it is an empty list; without one, and for one Run, it is an error that says how far it looked."""
    with serving(nothing) as server:
        assert reading.runs(server.at(store, "?since=1h")) == []
        with pytest.raises(SourceError, match=r"from the last 24 hours; look further back with \?since=7d"):
            reading.runs(server.at(store))
        with pytest.raises(SourceError, match=r"no Run"):
            reading.load(server.at(store, "?since=1h"))


# ---- what is asked -------------------------------------------------------------------------------


def asked_by(store: str, rest: str, **choice: Any) -> list[Asked]:
    """What a search asks."""
    with serving(STORES[store]) as server:
        reading.runs(server.at(store, rest), **choice)
        return server.asked


def test_what_jaeger_is_asked() -> None:
    """Raw traces with a Step that has the tags, in the window, by the service."""
    rest = "/base?service=shop&tag=error.type:ValueError&since=2026-01-01&until=2026-12-31&limit=5"
    [asked] = asked_by("jaeger", rest)
    assert json.loads(asked.query.pop("query.attributes")) == {"chronicle.version": "1", "error.type": "ValueError"}
    old = {name: asked.query.pop(name) for name in [name for name in asked.query if "_" in name]}
    assert old == {
        "query.start_time_min": "2026-01-01T00:00:00.000000Z",
        "query.start_time_max": "2026-12-31T00:00:00.000000Z",
        "query.num_traces": "5",
        "query.raw_traces": "true",
        "query.service_name": "shop",
    }
    assert asked.query == {
        "query.startTimeMin": "2026-01-01T00:00:00.000000Z",
        "query.startTimeMax": "2026-12-31T00:00:00.000000Z",
        "query.searchDepth": "5",
        "query.rawTraces": "true",
        "query.serviceName": "shop",
    }


def test_choices_join_those_of_the_address() -> None:
    """What `runs` is told goes to the store together with what the address says."""
    [asked] = asked_by("jaeger", "/base?since=2026-01-01", service="shop", errors=True, limit=3)
    assert json.loads(asked.query["query.attributes"]) == {"chronicle.version": "1"}
    assert (asked.query["query.serviceName"], asked.query["query.searchDepth"]) == ("shop", "3")


def test_what_tempo_is_asked() -> None:
    """A window in seconds, then each trace as protobuf."""
    search, trace = asked_by("tempo", "/base?since=2026-01-01&until=2026-12-31&limit=9")
    assert search.query == {"q": "{ span.chronicle.version >= 1 }", "limit": "9", "spss": "1", "start": "1767225600", "end": "1798675200"}
    assert (trace.path, trace.headers["accept"]) == (f"/base/api/v2/traces/{TRACE}", PROTOBUF)


@pytest.mark.parametrize(
    ("search", "query"),
    [
        ({"service": 'a"b\\'}, '{ span.chronicle.version >= 1 && resource.service.name = "a\\"b\\\\" }'),
        ({"tags": (("k.x", "v"), ("a b", "7"))}, '{ span.chronicle.version >= 1 && .k.x = "v" && (."a b" = "7" || ."a b" = 7) }'),
        ({"errors": True}, "{ span.chronicle.version >= 1 } && { status = error }"),
        ({"run": "ab"}, '{ span.chronicle.version >= 1 && span.chronicle.run.id = "ab" }'),
    ],
)
def test_traceql(search: dict[str, Any], query: str) -> None:
    """Values are quoted; what may be a number is asked as both."""
    assert traceql(Search(**search)) == query


def test_what_clickhouse_is_asked() -> None:
    """Every value is a parameter, none is in the SQL."""
    first, _ = asked_by("clickhouse", "/base?service=it's&tag=k:v%09w&table=t", errors=True)
    assert {name: value for name, value in first.query.items() if name not in ("param_since", "param_until")} == {
        "param_database": "default", "param_table": "t", "param_limit": "50", "param_service": "it's", "param_key0": "k",
        "param_value0": "v\\tw", "wait_end_of_query": "1",
    }  # fmt: skip
    assert b"it's" not in first.body
    assert b"{service:String}" in first.body


def test_phoenix_in_pages() -> None:
    """All pages of a list are read, in the order that the store gives them."""
    spans = json.loads((ANSWERS / "phoenix-spans.json").read_bytes())["data"]

    def paged(asked: Asked) -> Given:
        at = int(asked.query.get("cursor", 0))
        return Given(body=json.dumps({"data": spans[at : at + 2], "next_cursor": str(at + 2) if at + 2 < len(spans) else None}))

    with serving(paged) as server:
        assert len(reading.load(server.at("phoenix", f"/{TRACE}")).steps) == 3
        assert [asked.query.get("cursor") for asked in server.asked] == [None, "2", "4"]


def test_phoenix_keeps_no_services() -> None:
    """A choice that the store cannot answer is refused, not answered with nothing."""
    with serving(phoenix) as server, pytest.raises(UsageError, match="name a project"):
        reading.runs(server.at("phoenix", "/base?service=shop"))


def test_a_run_is_asked_for_by_its_id() -> None:
    """A whole run id goes to the store; what is no run is tried as a trace."""
    with serving(tempo) as server:
        assert reading.load(server.at("tempo", "/base"), RUN).id == RUN
        assert f'span.chronicle.run.id = "{RUN}"' in server.asked[0].query["q"]
    with serving(lambda asked: Given(body='{"traces":[]}') if "search" in asked.path else tempo(asked)) as server:
        assert reading.load(server.at("tempo", "/base"), TRACE).id == RUN


# ---- what is wrong -------------------------------------------------------------------------------


def test_a_partial_trace_is_named() -> None:
    """Tempo says that a trace is larger than what it returns: the Run has the finding, with Tempo's reason."""
    body = (ANSWERS / "tempo-trace.binpb").read_bytes() + b"\x18\x01\x22\x08too big!"
    with serving(Given(body=body, type=PROTOBUF)) as server:
        [finding] = reading.load(server.at("tempo", f"/{TRACE}")).damage
    assert (finding.kind, finding.trace) == ("partial_trace", TRACE)
    assert f'gives a partial trace {TRACE} ("too big!")' in finding.message


def test_a_search_that_ends_at_its_limit_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody takes the newest for all."""
    with serving(tempo) as server:
        kinds = reading.runs(server.at("tempo", "/base?limit=1"))[0].checks.kinds()
    assert kinds == {"search_limit"}


def test_a_text_that_tempo_cut_in_a_character(tmp_path: Path) -> None:
    """What follows in the answer is read all the same, the attribute is named, and the Run is whole."""
    body = (ANSWERS / "tempo-trace.binpb").read_bytes()
    place = body.index(b"x" * 1_500)
    broken = body[: place + 1_499] + b"\xc3" + body[place + 1_500 :]
    with serving(Given(body=broken, type=PROTOBUF)) as server:
        run = reading.load(server.at("tempo", f"/{TRACE}"))
    assert run.checks.ok
    assert "1 text is not UTF-8 (cut in the middle of a character?)" in run.damage[0].message


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(
    "answer", [b"null", b"[]", b"7", b'{"data":7}', b'{"traces":{"a":1}}', b"\x00\xff", b'{"data":[7,{}]}', b"[" * 100_000]
)
def test_nonsense_is_one_error(store: str, answer: bytes) -> None:
    """Whatever a server sends, there is no traceback."""
    with serving(Given(body=answer)) as server, pytest.raises(ChronicleError):
        reading.load(server.at(store, f"/{TRACE}"))
    with serving(Given(body=answer)) as server, pytest.raises(ChronicleError):
        reading.load(server.at(store))


def test_clickhouse_says_what_is_missing() -> None:
    """A table that is not there is named, with the parameters to name another."""
    given = Given(404, "Code: 60. DB::Exception: Unknown table expression identifier 'default.t'. (UNKNOWN_TABLE)", "text/plain")
    with serving(given) as server, pytest.raises(SourceError, match=r"no table default\.t: name them with \?database= and \?table="):
        reading.runs(server.at("clickhouse", "?table=t"))


def test_pull_from_a_store(tmp_path: Path) -> None:
    """A pulled file is the recording."""
    with serving(tempo) as server:
        pulled = pull(server.at("tempo", "/base?since=2026-01-01"), tmp_path / "a.jsonl")
    assert (pulled.runs, pulled.traces, pulled.spans, pulled.bytes) == ((RUN,), 1, 5, len(SENT))
    assert (tmp_path / "a.jsonl").read_bytes() == SENT
