"""The vectors that both engines must meet. `CHRONICLE_REFILL=1` writes the outputs anew: read the difference before you commit it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("re2", reason="redaction needs google-re2")
from chronicle_otel.redaction import Redactor, load_policy

FOLDER = Path(__file__).parent / "vectors"
KEY = b"0" * 32
_engines: dict[str, Redactor] = {}


def engine(case: dict[str, Any], key: bytes = KEY) -> Redactor:
    """The redactor of a case."""
    name = json.dumps([case["policy"], case["tenant"], key.decode()])
    if name not in _engines:
        policy = load_policy(None if case["policy"] == "default" else case["policy"])
        _engines[name] = Redactor(policy, key, case["tenant"])
    return _engines[name]


def redact(redactor: Redactor, case: dict[str, Any], text: str) -> str:
    return redactor.text(text) if case["kind"] == "text" else redactor.payload(text)


def cases(path: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(path.read_text())
    return loaded


FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_vector_is_met(path: Path) -> None:
    """Each input gives the recorded output, byte for byte."""
    listed = cases(path)
    outs = [redact(engine(case), case, case["in"]) for case in listed]
    if os.environ.get("CHRONICLE_REFILL") == "1":
        filled = [json.dumps({**case, "out": out}) for case, out in zip(listed, outs)]
        path.write_text("[\n" + ",\n".join(filled) + "\n]\n")
    wrong = [(case["in"][:200], case["out"][:200], out[:200]) for case, out in zip(listed, outs) if out != case["out"]]
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_second_pass_with_another_key_changes_nothing(path: Path) -> None:
    """What came out of a redactor goes through any other one as it is; masks promise that only for our own."""
    restless = [
        (case["out"], again)
        for case in cases(path)
        if '"mask"' not in json.dumps(case["policy"])
        and (again := redact(engine(case, b"another key, that nobody has seen"), case, case["out"])) != case["out"]
    ]
    assert restless == []


def test_the_published_vectors() -> None:
    """The pseudonyms of version 1 are what every other reader of the format expects."""
    expected = {
        "maria.keller@kestrel.de": "mm9r9axwfstt6p4ym@dih54qp.example.com",
        "4539148803436467": "4000002161683857",
        "DE89370400440532013000": "GB42TEST85030139492286",
        "8.8.8.8": "243.46.69.219",
        "2001:4860:4860::8888": "2001:db8:bee7:ea25:792f:b191:8b13:1926",
        "219-09-9999": "933-01-4603",
        "+12128675309": "+19125550155",
        '{"password":"hunter2-correct-horse"}': '{"password":"chr8ditagnnguqsjcxmdsnichd2"}',
        '{"password":123456789012345}': '{"password":993200131690719}',
        '{"password":12345678}': '{"password":99999999}',
    }
    redactor = Redactor(load_policy(), KEY, "acme")
    assert {given: redactor.payload(given) for given in expected} == expected
    assert redactor.kcv == "5e03bbd5"
