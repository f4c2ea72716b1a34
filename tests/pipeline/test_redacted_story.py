"""record ──► collector, which redacts ──► file ──► replay, on a machine that has neither the key nor the model."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import chronicle_otel as chronicle
from chronicle_otel.demo.provider import Provider
from tests.conftest import environment

from . import private_agent
from .collector import BINARY, KEY, MISSING, PIPELINES, Collector

pytest.importorskip("openai")
pytest.importorskip("re2")
pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=MISSING)


def forms(value: str) -> set[bytes]:
    """A private value as it may stand in an export: plain, escaped, without separators, percent-encoded, in base64."""
    escaped = json.dumps(value)[1:-1]
    bare = "".join(char for char in value if char.isalnum())
    written = {value, escaped, json.dumps(escaped)[1:-1], value.replace("@", "%40")}
    if len(bare) > 4:  # of an IP address four digits are left, which any port or time may have
        written.add(" ".join(bare[at : at + 4] for at in range(0, len(bare), 4)))
    if sum(char.isdigit() for char in value) >= 9:
        written.add(bare)
    return {text.encode() for text in written} | {base64.b64encode(value.encode()).rstrip(b"=")}


def without_report(step: chronicle.Step) -> dict[str, str]:
    return {name: text for name, text in step.envelope.payloads.items() if name != "chronicle.redaction"}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the agent, its raw recording, and what the collector wrote of it."""
    folder = tmp_path_factory.mktemp("story")
    shutil.copy(private_agent.__file__, folder / "private_agent.py")
    with (
        Provider(private_agent.answer) as provider,
        Collector(folder, PIPELINES / "development.yaml", CHRONICLE_OUTPUT=str(folder / "redacted.jsonl")) as collector,
    ):
        endpoints = {
            "OPENAI_BASE_URL": provider.url,
            "OPENAI_API_KEY": "none",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.http}",
        }
        command = [sys.executable, "private_agent.py", "raw.jsonl"]
        subprocess.run(command, cwd=folder, env=environment(endpoints), check=True, capture_output=True, timeout=120)
        deadline = time.monotonic() + 20
        while b"chronicle.run.steps" not in (folder / "redacted.jsonl").read_bytes() and time.monotonic() < deadline:
            time.sleep(0.1)
    return folder


def test_nothing_private_is_in_any_byte_of_the_export(story: Path) -> None:
    """Prompt, tool arguments and results, stream chunks, an exception, span names, session and resource: all of it is replaced."""
    raw, redacted = (story / "raw.jsonl").read_bytes(), (story / "redacted.jsonl").read_bytes()
    assert [value for value in private_agent.PLANTED if not any(form in raw for form in forms(value))] == []
    assert [(value, form) for value in private_agent.PLANTED for form in forms(value) if form in redacted] == []
    assert b"maria.keller" not in (story / "collector.log").read_bytes()


def test_the_redacted_run_replays_without_a_key(story: Path) -> None:
    """The code does what it did, and its guardrails see what they check: a card that passes Luhn, an address."""
    kept = {name: value for name, value in os.environ.items() if name != "CHRONICLE_REDACTION_KEY"}
    command = [sys.executable, "-m", "chronicle_otel.cli", "replay", "redacted.jsonl", "--entry", "private_agent:desk", "--json"]
    done = subprocess.run(command, cwd=story, env={**environment(), "PATH": kept["PATH"]}, capture_output=True, text=True, timeout=120)
    result = json.loads(done.stdout)
    assert (done.returncode, result["verdict"], result["divergences"]) == (0, "reproduced", [])
    assert {step["step"]["name"] for step in result["ran_live"]} >= {"desk", "is_card", "is_email"}
    assert [finding["kind"] for finding in result["checks"]] == ["redacted"]


def test_both_engines_write_the_same_run(story: Path) -> None:
    """`chronicle redact` makes of the raw recording what the collector made of the spans."""
    (story / "key").write_text(KEY)
    command = [sys.executable, "-m", "chronicle_otel.cli", "redact", "raw.jsonl", "-o", "by-python.jsonl", "--key-file", "key"]
    subprocess.run(command, cwd=story, env=environment(), check=True, capture_output=True, timeout=120)
    ours, theirs = chronicle.load(story / "by-python.jsonl"), chronicle.load(story / "redacted.jsonl")
    assert len(ours.steps) == len(theirs.steps) == 14
    for one, other in zip(ours.steps, theirs.steps, strict=True):
        assert (one.name, without_report(one)) == (other.name, without_report(other))
        for mine, its in zip(one.redactions, other.redactions, strict=True):
            place = {name: its[name] for name in ("key", "tenant_from")}  # where each got them from
            assert {**mine, **place} == its
