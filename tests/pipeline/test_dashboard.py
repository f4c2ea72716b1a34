"""The dashboard and the data sources that docker/ gives to Grafana: by schema, and every query by a real Tempo."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from chronicle_otel import semconv

from .stores import DOCKER, NO_TEMPO, TEMPO, Tempo

DASHBOARD = json.loads((DOCKER / "grafana" / "dashboards" / "runs.json").read_text())
SOURCES = yaml.safe_load((DOCKER / "grafana" / "provisioning" / "datasources" / "stores.yaml").read_text())["datasources"]
JAEGER_PAGES = json.loads((DOCKER / "jaeger-ui.json").read_text())
OURS = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}


def queries() -> Iterator[tuple[str, str, str]]:
    """Yield panel, kind of panel and TraceQL of everything that the dashboard asks."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], panel["type"], target["query"].replace("$run", "0" * 32)


def test_every_panel_asks_a_source_that_is_there() -> None:
    """Panels, targets and the links of Jaeger's pages name data sources and dashboards by ids that are provisioned."""
    known = {(source["type"], source["uid"]) for source in SOURCES}
    parts = [part["datasource"] for panel in DASHBOARD["panels"] for part in (panel, *panel["targets"])]
    asked = {(part["type"], part["uid"]) for part in parts}
    assert known == {("tempo", "tempo"), ("jaeger", "jaeger")}
    assert asked == {("tempo", "tempo")}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for link in JAEGER_PAGES["linkPatterns"]:
        assert f"/d/{DASHBOARD['uid']}/" in link["url"] or "%22uid%22%3A%22tempo%22" in link["url"]


def test_every_query_asks_for_attributes_that_are_written() -> None:
    """Whatever a panel, or a link of Jaeger's pages, reads from a span is an attribute that chronicle writes."""
    for title, _, query in queries():
        for name in re.findall(r"span\.([a-z_.]+)", query):
            assert name in OURS, f"{title}: {name}"
    links = JAEGER_PAGES["linkPatterns"]
    read = {name for link in links for name in (link.get("key"), *re.findall(r"#\{([a-z_.]+)\}", link["url"])) if name}
    assert read <= OURS
    assert JAEGER_PAGES["topTagPrefixes"] == ["chronicle.", "gen_ai."]


def test_the_dashboard_shows_what_it_is_for() -> None:
    """Rate, errors, flags, divergences, tokens and redactions of runs each have a panel."""
    asked = " ".join(query for _, _, query in queries())
    wanted = (semconv.RUN_STEPS, semconv.FLAGGED, semconv.DIVERGENCE, semconv.REPLAY_VERDICT, semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS)
    assert [name for name in (*wanted, semconv.REDACTION, "status = error", "rate()") if name not in asked] == []


@pytest.fixture(scope="module")
def tempo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tempo]:
    """A Tempo that holds one span with every attribute that the dashboard asks for."""
    if not TEMPO.exists():
        pytest.skip(NO_TEMPO)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.trace import StatusCode

    attributes: dict[str, Any] = {
        semconv.KIND: "llm",
        semconv.NAME: "trade",
        semconv.RUN_ID: "0" * 32,
        semconv.RUN_STEPS: 3,
        semconv.RUN_LOST: 2,
        semconv.FLAGGED: ["odd"],
        semconv.REDACTION: "{}",
        semconv.INPUT_TOKENS: 11,
        semconv.OUTPUT_TOKENS: 7,
        semconv.REQUEST_MODEL: "gpt-4.1",
    }
    of_a_replay = {**attributes, semconv.REPLAY_OF: "0" * 32, semconv.REPLAY_VERDICT: "diverged", semconv.DIVERGENCE: "input_changed"}
    with Tempo(tmp_path_factory.mktemp("dashboard")) as running:
        provider = TracerProvider(resource=Resource.create({"service.name": "desk"}))
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{running.http}/v1/traces")))
        for each in (attributes, of_a_replay):
            with provider.get_tracer("test").start_as_current_span("invoke_agent trade") as span:
                span.set_attributes(each)
                span.set_status(StatusCode.ERROR)
        provider.shutdown()
        yield running


@pytest.mark.parametrize(("title", "kind", "query"), [pytest.param(*each, id=f"{each[0]} {at}") for at, each in enumerate(queries())])
def test_a_real_tempo_answers_every_query(tempo: Tempo, title: str, kind: str, query: str) -> None:
    """Every query of every panel is accepted, and finds what was sent."""
    deadline = time.monotonic() + 60
    while True:
        now = int(time.time())
        period = {"q": query, "start": str(now - 600), "end": str(now + 60)}
        if kind == "table":
            answer = requests.get(f"{tempo.url}/api/search", params={**period, "limit": "50"}, timeout=20)
        elif kind == "stat":
            answer = requests.get(f"{tempo.url}/api/metrics/query", params=period, timeout=20)
        else:
            answer = requests.get(f"{tempo.url}/api/metrics/query_range", params={**period, "step": "10s"}, timeout=20)
        assert answer.status_code == 200, f"{query}: {answer.text}"
        found = answer.json()
        values = [float(sample.get("value", 0)) for series in found.get("series", []) for sample in series.get("samples", [series])]
        if found.get("traces") or any(values):
            return
        assert time.monotonic() < deadline, f"{title}: {query} finds nothing: {found}"
        time.sleep(0.5)


def test_the_numbers_are_those_that_were_sent(tempo: Tempo) -> None:
    """Runs are counted by their roots, replays not with them; tokens are summed."""
    sent = [1.0, 1.0, 1.0, 4.0, 22.0, 14.0]
    deadline = time.monotonic() + 60
    while (found := _totals(tempo)) != sent and time.monotonic() < deadline:  # Tempo shows one trace earlier than the other
        time.sleep(0.5)
    assert found == sent


def _totals(tempo: Tempo) -> list[float]:
    now = int(time.time())
    period = {"start": str(now - 3000), "end": str(now + 60)}
    totals: list[float] = []
    for title, _, query in queries():
        if title in ("Runs", "Failed runs", "Divergences", "Lost crossings", "Tokens"):
            answer = requests.get(f"{tempo.url}/api/metrics/query", params={**period, "q": query}, timeout=20).json()
            totals.append(sum(float(series.get("value", 0)) for series in answer["series"]))
    return totals


def test_the_files_are_where_compose_mounts_them() -> None:
    """The dashboards' provider reads the folder that compose mounts them to."""
    provider = yaml.safe_load((DOCKER / "grafana" / "provisioning" / "dashboards" / "runs.yaml").read_text())["providers"][0]
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in compose["services"]["grafana"]["volumes"]
    assert Path(compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).name == "runs.json"
