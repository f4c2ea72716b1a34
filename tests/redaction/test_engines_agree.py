"""The Python engine and the collector's: the same policy, key and tenant give the same bytes.

`make collector` builds the other engine; CHRONICLE_REDACT_LINES names another place. CHRONICLE_AGREE sets how many values
of each kind are generated, CHRONICLE_AGREE_SEED which ones.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from . import generated
from .corpus import other_spans, prose, spans, threats
from .engine import ENGINE, KEY

ROOT = Path(__file__).parents[2]
BINARY = Path(os.environ.get("CHRONICLE_REDACT_LINES") or ROOT / "collector-config" / "build" / "redact-lines")
COUNT = int(os.environ.get("CHRONICLE_AGREE", "1500"))
SEED = int(os.environ.get("CHRONICLE_AGREE_SEED", "1"))

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=f"the collector's engine is not built: {BINARY} (make collector)")


def others(kind: str, values: list[str]) -> list[str]:
    """Redact values with the collector's engine."""
    lines = "".join(json.dumps(value) + "\n" for value in values).encode()
    run = subprocess.run(
        [BINARY, "--kind", kind, "--key-env", "AGREED_KEY", "--tenant", "acme"],
        input=lines,
        env={**os.environ, "AGREED_KEY": KEY.decode()},
        capture_output=True,
        timeout=1800,
        check=True,
    )
    return [json.loads(line) for line in run.stdout.decode("utf-8", "surrogateescape").splitlines()]


def disagreements(kind: str, given: Iterable[str]) -> list[str]:
    """Return the first few values on which the engines differ, with both answers around the first difference."""
    values = list(given)
    found: list[str] = []
    redact = ENGINE.text if kind == "text" else ENGINE.payload
    for value, other in zip(values, others(kind, values), strict=True):
        ours = redact(value)
        if ours == other:
            continue
        at = next((i for i, (left, right) in enumerate(zip(ours, other)) if left != right), min(len(ours), len(other)))
        window = slice(max(0, at - 60), at + 60)
        found.append(f"given {value[window]!r}\npython {ours[window]!r}\ngo {other[window]!r}\n{value[:2000]!r}")
    return found[: int(os.environ.get("CHRONICLE_AGREE_SHOW", "5"))]


def test_labelled_payloads() -> None:
    """Payloads of agents, about people and about nobody, come out the same."""
    samples = [
        *spans.generate(400, 11),
        *spans.generate(200, 12, personal=False),
        *spans.generate(100, 13, urls=True),
        *other_spans.generate(300, 14),
    ]
    assert disagreements("payload", (sample.text for sample in samples)) == []


def test_labelled_prose() -> None:
    """Prose comes out the same."""
    assert disagreements("text", (sample.text for sample in prose.generate(500, 15))) == []


def test_threats() -> None:
    """Every case of the threat list comes out the same."""
    assert disagreements("payload", (case.given for case in threats.CASES if case.payload)) == []
    assert disagreements("text", (case.given for case in threats.CASES if not case.payload)) == []


def test_generated_texts() -> None:
    """Texts that are cut, mixed, encoded and damaged come out the same."""
    assert disagreements("text", generated.texts(COUNT, SEED)) == []


def test_generated_payloads() -> None:
    """Payloads that are nested, cut and damaged come out the same."""
    assert disagreements("payload", generated.payloads(COUNT, SEED)) == []


def test_generated_edges() -> None:
    """Values between escapes of every depth, separators and words that hint come out the same."""
    assert disagreements("text", generated.glued_texts(COUNT, SEED)) == []
    assert disagreements("payload", generated.glued_payloads(COUNT, SEED)) == []


def test_generated_numbers() -> None:
    """Digits in groups of every shape come out the same, as texts and in documents."""
    assert disagreements("text", generated.numbers(COUNT * 3, SEED)) == []
    assert disagreements("payload", (json.dumps({"phone": text, "a": [text]}) for text in generated.numbers(COUNT, SEED + 1))) == []
