"""private agent ──► collector, which redacts ──► Jaeger, Tempo: nothing private in any byte of what they answer, and still useful."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

import chronicle_otel as chronicle
from chronicle_otel.demo.provider import Provider, Reply
from tests.conftest import environment

from . import private_agent
from .spans import wait_for
from .stack import MISSING_PARTS, Stack, stack
from .stores import NO_TEMPO
from .test_redacted_story import forms

pytest.importorskip("openai")
pytestmark = pytest.mark.skipif(bool(MISSING_PARTS), reason=MISSING_PARTS)

NOW = {"start": "1", "end": "4000000000"}


@dataclass(frozen=True, slots=True)
class Told:
    """One run that went through the stack."""

    stack: Stack
    folder: Path
    trace: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("private")
    shutil.copy(private_agent.__file__, folder / "private_agent.py")
    with Provider(private_agent.answer) as provider, stack(folder / "stack") as running:
        endpoints = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": running.endpoint}
        command = [sys.executable, "private_agent.py", "raw.jsonl"]
        subprocess.run(command, cwd=folder, env=environment(endpoints), check=True, capture_output=True, timeout=120)
        [run] = chronicle.runs(folder / "raw.jsonl")
        [trace] = run.traces
        for answers in (jaeger_answers, tempo_answers):
            wait_for("the root has arrived", lambda ask=answers: all(b"chronicle.run.steps" in text for text in ask(running, trace)[:1]))
        yield Told(running, folder, trace)


def jaeger_answers(stack: Stack, trace: str) -> list[bytes]:
    """Everything that Jaeger says about a trace, by every way that its pages have."""
    url, period = stack.jaeger.url, {"query.start_time_min": "2020-01-01T00:00:00Z", "query.start_time_max": "2060-01-01T00:00:00Z"}
    asked = [
        requests.get(f"{url}/api/v3/traces/{trace}", params={"rawTraces": "true"}, timeout=20),
        requests.get(f"{url}/api/v3/traces", params={**period, "query.service_name": "desk"}, timeout=20),
        requests.get(f"{url}/api/traces/{trace}", timeout=20),
        requests.get(f"{url}/api/v3/services", timeout=20),
        requests.get(f"{url}/api/v3/operations", params={"service": "desk"}, timeout=20),
    ]
    return [answer.content for answer in asked]


def tempo_answers(stack: Stack, trace: str) -> list[bytes]:
    """Everything that Tempo says about a trace: whole, found, and the values that its editor offers."""
    if stack.tempo is None:
        return []
    url = stack.tempo.url
    protobuf = {"Accept": "application/protobuf"}
    found = {**NOW, "q": "{} | select(name, resource.enduser.id, span.gen_ai.input.messages)"}
    asked = [
        requests.get(f"{url}/api/v2/traces/{trace}", headers=protobuf, timeout=20),
        requests.get(f"{url}/api/v2/traces/{trace}", timeout=20),
        requests.get(f"{url}/api/search", params=found, timeout=20),
        requests.get(f"{url}/api/v2/search/tag/resource.enduser.id/values", timeout=20),
        requests.get(f"{url}/api/v2/search/tag/name/values", timeout=20),
    ]
    return [answer.content for answer in asked]


@pytest.mark.parametrize("store", ["jaeger", "tempo"])
def test_nothing_private_is_in_any_byte_of_what_a_store_answers(told: Told, store: str) -> None:
    """Neither the planted values nor any way to write them are in an answer, in the files of the stores, in queues or logs."""
    if store == "tempo" and told.stack.tempo is None:
        pytest.skip(NO_TEMPO)
    answers = jaeger_answers(told.stack, told.trace) if store == "jaeger" else tempo_answers(told.stack, told.trace)
    folder = told.folder / "stack"
    on_disk = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "redaction.key"]
    raw = (told.folder / "raw.jsonl").read_bytes()
    assert [value for value in private_agent.PLANTED if not any(form in raw for form in forms(value))] == []
    assert [value for value in private_agent.PLANTED for form in forms(value) for text in (*answers, *on_disk) if form in text] == []
    assert len(answers[0]) > 5_000


def attributes(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the attributes of every span of an answer of Jaeger's."""
    found: list[dict[str, Any]] = []
    for resource in answer["result"]["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            spans = [span["attributes"] for span in scope["spans"]]
            found += [{each["key"]: next(iter(each["value"].values())) for each in listed} for listed in spans]
    return found


def test_jaegers_answer_has_what_its_genai_tab_reads(told: Told) -> None:
    """Names, models, tokens, tool calls, and messages as JSON with role and parts: redacted, and still JSON."""
    answer = requests.get(f"{told.stack.jaeger.url}/api/v3/traces/{told.trace}", params={"rawTraces": "true"}, timeout=20).json()
    by_operation: dict[str, list[dict[str, Any]]] = {}
    for each in attributes(answer):
        by_operation.setdefault(str(each.get("gen_ai.operation.name")), []).append(each)
    assert by_operation["invoke_agent"][0]["gen_ai.agent.name"] == "desk"
    chat = by_operation["chat"][0]
    assert (chat["gen_ai.provider.name"], chat["gen_ai.request.model"], chat["gen_ai.response.model"]) == (
        "openai",
        "gpt-4.1",
        "gpt-4.1-2025-10-01",
    )
    assert all(int(each["gen_ai.usage.input_tokens"]) > 0 and int(each["gen_ai.usage.output_tokens"]) > 0 for each in by_operation["chat"])
    asked = json.loads(chat["gen_ai.input.messages"])
    assert [(each["role"], [part["type"] for part in each["parts"]]) for each in asked] == [("system", ["text"]), ("user", ["text"])]
    assert "example.com" in asked[1]["parts"][0]["content"]
    [answered] = json.loads(chat["gen_ai.output.messages"])
    assert (answered["role"], [part["type"] for part in answered["parts"]]) == ("assistant", ["tool_call"])
    tool = by_operation["execute_tool"][0]
    assert tool["gen_ai.tool.name"] == "customer"
    assert json.loads(tool["gen_ai.tool.call.arguments"])["email"].endswith("example.com")
    assert json.loads(tool["gen_ai.tool.call.result"])["pan"]


BRIEF = """
import sys
from openai import OpenAI
import chronicle_otel as chronicle

@chronicle.agent(name="brief")
def brief(question):
    return OpenAI().responses.create(model="gpt-4.1", instructions="Answer in one line.", input=question).output_text

chronicle.init(sys.argv[1], export="own", service_name="brief")
brief("How much is a lamp?")
chronicle.shutdown()
"""


def test_instructions_stand_where_the_tab_reads_them(told: Told) -> None:
    """What the Responses API takes as instructions is `gen_ai.system_instructions` in Jaeger's answer, as JSON with parts."""
    (told.folder / "brief.py").write_text(BRIEF)
    with Provider(lambda request: Reply(text="12 euros")) as provider:
        endpoints = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": told.stack.endpoint}
        command = [sys.executable, "brief.py", "brief.jsonl"]
        subprocess.run(command, cwd=told.folder, env=environment(endpoints), check=True, capture_output=True, timeout=120)
    [run] = chronicle.runs(told.folder / "brief.jsonl")
    url = f"{told.stack.jaeger.url}/api/v3/traces/{min(run.traces)}?rawTraces=true"
    wait_for("the run", lambda: b"chronicle.run.steps" in requests.get(url, timeout=20).content)
    [chat] = [each for each in attributes(requests.get(url, timeout=20).json()) if each.get("gen_ai.operation.name") == "chat"]
    assert json.loads(chat["gen_ai.system_instructions"]) == [{"type": "text", "content": "Answer in one line."}]


@pytest.mark.parametrize("store", ["jaeger", "tempo"])
def test_a_redacted_run_replays_from_the_store(told: Told, store: str) -> None:
    """Pulled from a store by its address on the command line, without key and model, the run is reproduced."""
    if store == "tempo" and told.stack.tempo is None:
        pytest.skip(NO_TEMPO)
    port = told.stack.tempo.port if store == "tempo" and told.stack.tempo else told.stack.jaeger.query
    address = f"{store}://127.0.0.1:{port}/{told.trace}"
    command = [sys.executable, "-m", "chronicle_otel.cli", "replay", address, "--entry", "private_agent:desk", "--json"]
    done = subprocess.run(command, cwd=told.folder, env=environment(), capture_output=True, text=True, timeout=120)
    result = json.loads(done.stdout)
    assert (done.returncode, result["verdict"], result["divergences"]) == (0, "reproduced", [])
