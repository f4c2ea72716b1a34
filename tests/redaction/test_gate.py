"""The quick looks are sound: what they pass over holds nothing that the rules themselves would find.

CHRONICLE_GATE sets how many values of each kind are generated, CHRONICLE_AGREE_SEED which ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest.importorskip("re2", reason="redaction needs google-re2")
from chronicle_otel.redaction import Redactor
from chronicle_otel.redaction.gate import Gate
from chronicle_otel.redaction.names import NOWHERE, Names
from chronicle_otel.redaction.patterns import Cores
from chronicle_otel.redaction.pseudonyms import Pseudonyms
from chronicle_otel.redaction.scanning import Scanner, core_patterns

from . import generated
from .engine import ENGINE, KEY, POLICY

COUNT = int(os.environ.get("CHRONICLE_GATE", "1500"))
SEED = int(os.environ.get("CHRONICLE_AGREE_SEED", "1"))
THOROUGH = Redactor(POLICY, key=KEY, tenant="acme", gate=False)
NAMES = Names(POLICY.tree)
SCANNER = Scanner(POLICY, NAMES, Pseudonyms(KEY, "acme"))


def values() -> Iterator[tuple[str, str]]:
    """Values of every kind, and how they are redacted."""
    for kind, made in (
        ("text", generated.texts(COUNT, SEED)),
        ("payload", generated.payloads(COUNT, SEED)),
        ("text", generated.glued_texts(COUNT, SEED)),
        ("payload", generated.glued_payloads(COUNT, SEED)),
        ("text", generated.numbers(COUNT * 2, SEED)),
    ):
        for value in made:
            yield kind, value


def test_what_the_gate_calls_clean_holds_nothing() -> None:
    """A value is passed over only where scanning it thoroughly changes nothing."""
    gate = Gate(POLICY, SCANNER)
    wrong: list[tuple[str, str, str]] = []
    for kind, value in values():
        if gate.clean(value.encode("utf-8", "surrogatepass")):
            thorough = getattr(THOROUGH, kind)(value)
            if thorough not in (value, getattr(ENGINE, kind)(value)):  # a length at which stores cut is looked at thoroughly anyway
                wrong.append((kind, value, thorough))
    assert wrong[:5] == []


def test_no_rule_finds_what_its_cores_do_not_announce() -> None:
    """In any text, where a rule finds something, one of its cores occurs."""
    patterns, owners = core_patterns(SCANNER.rules, NAMES)
    cores = Cores(patterns)
    wrong: list[tuple[str, str]] = []
    for _, value in values():
        part = value.encode("utf-8", "surrogatepass")
        announced = {owners[number] for number in cores.match(part)}
        for number, rule in enumerate(SCANNER.rules):
            silent = ("rule", number) not in announced and ("hinted", number) not in announced
            if silent and rule.detector.find(part, SCANNER.scope(NOWHERE)):
                wrong.append((rule.type, value))
    assert wrong[:5] == []
