"""The table of limits is true: every test that it names is there, and every finding is one that the doctor has."""

from __future__ import annotations

import re

from tests.conftest import ROOT

ROWS = [line.strip("|").split("|") for line in (ROOT / "docs" / "limits.md").read_text().splitlines() if line.startswith("| ")]
LIMITS = [[cell.strip() for cell in row] for row in ROWS if row[0].strip() not in ("limit", "---")]


def test_every_limit_is_met_by_a_test_that_exists() -> None:
    """Each row names at least one test, and each named one is in its file."""
    assert len(LIMITS) > 50
    missing: list[str] = []
    for limit, *_, tests in LIMITS:
        named = re.findall(r"`([^`]+)::(\w+)`", tests)
        missing += [limit] if not named else []
        missing += [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / "tests" / file).read_text()]
    assert missing == []


SETTINGS = {"append", "block_on_overflow", "chronicle_redaction", "compression", "limit", "storage"}
OF_THE_READER = {"partial_trace", "search_limit"}


def test_every_limit_is_survived_or_named() -> None:
    """Each row says how it ends, and what is said to name it is a kind of finding that docs/doctor.md explains."""
    table = (ROOT / "docs" / "doctor.md").read_text().partition("## What is found")[2]
    kinds = {word for line in table.splitlines() if line.startswith("| `") for word in re.findall(r"`(\w+)`", line.split("|")[1])}
    for limit, _, _, outcome, _ in LIMITS:
        assert re.search(r"survived|named|the same", outcome), limit
        assert set(re.findall(r"`([a-z_]+)`", outcome)) - kinds <= SETTINGS | OF_THE_READER, limit
