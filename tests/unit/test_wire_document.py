"""docs/wire-format.md says what the code does: its examples are run, its tables are complete."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

from chronicle_otel import semconv, values, wire
from chronicle_otel.values.decoding import _types

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "wire-format.md").read_text()
CASES = {case["case"]: case for case in map(json.loads, re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))}


def targets(payloads: dict[str, Any]) -> dict[Any, Any]:
    """`"3 chronicle.input"` as (3, "chronicle.input")."""
    return {(int(name.split()[0]), name.split()[1]): tree for name, tree in payloads.items()}


def test_every_attribute_is_described() -> None:
    """Each attribute that is written has its row."""
    names = {value for value in vars(semconv).values() if isinstance(value, str) and value.startswith("chronicle.") and value[-1] != "."}
    assert {name for name in names if f"| `{name}` |" not in TEXT} == set()


def test_every_marker_and_typed_value_is_described() -> None:
    """Each marker and each name of a typed value has its place in a table."""
    rows = " ".join(line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `"))
    assert {
        name for name in (*_types, "?", semconv.REF, semconv.PIECE, semconv.TYPE, semconv.BLOB, semconv.OPAQUE) if f"`{name}`" not in rows
    } == set()


def test_the_example_of_escapes() -> None:
    """The example of escaped names, in both directions."""
    case = CASES["escape"]
    assert (values.to_tree(case["value"]), values.decode(case["payload"])) == (case["payload"], case["value"])


def test_the_example_of_references() -> None:
    """The example of references, whole and with a lost Step."""
    case = CASES["references"]
    trees = targets(case["payloads"])
    resolved, _ = wire.resolve(trees)
    assert {name: resolved[name] for name in targets(case["resolved"])} == targets(case["resolved"])
    del trees[3, "chronicle.input"]
    resolved, _ = wire.resolve(trees)
    assert {name: resolved[name] for name in targets(case["resolved without step 3"])} == targets(case["resolved without step 3"])


def test_the_example_of_a_stream() -> None:
    """The example of a stream, in both directions."""
    case = CASES["stream"]
    assert wire.decode_stream(case["stream"])["chunks"] == case["chunks"]
    assert wire.encode_stream([(ms, tree) for ms, tree in case["chunks"]], end="finished", consumed=4)["texts"] == case["stream"]["texts"]


def test_the_example_of_typed_values() -> None:
    """The example of typed values, in both directions."""
    value = {"on": dt.date(2026, 1, 2), "pair": (1, "a")}
    assert (values.decode(CASES["typed"]["payload"]), values.to_tree(value)) == (value, CASES["typed"]["payload"])
