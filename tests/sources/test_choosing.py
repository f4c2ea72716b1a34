"""Runs by time, service, session variable, error and tag: the same on files as on stores."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from chronicle_otel import reading, semconv
from chronicle_otel.errors import UsageError
from tests.conftest import Chronicle
from tests.unit.spans import line, root, step, write

A, B, C = "a" * 32, "b" * 32, "c" * 32
START = 1_790_000_000_000_000_000


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three Runs, ten seconds apart: A of shop, B of bank with an error and tags, C of bank for another user."""

    def at(written: dict[str, Any], seconds: int) -> dict[str, Any]:
        return {**written, "startTimeUnixNano": str(START + seconds * 10**9), "endTimeUnixNano": str(START + seconds * 10**9 + 5)}

    other = {"payloads": {semconv.INPUT: {}, semconv.SESSION: {"user": "u2", "level": 3}}}
    failed = step(
        2, run=B, trace=B, payloads={semconv.INPUT: {}, semconv.ERROR: {"class": "x"}}, changes={"http.status": 500, "tags": ["x", "y"]}
    )
    lines = [
        line(at(root(1, run=A, trace=A), 0), service="shop"),
        line(at(root(2, run=B, trace=B), 10), at(failed, 11), service="bank"),
        line(at(root(1, run=C, trace=C, **other), 20), service="bank"),
    ]
    return write(tmp_path / "three.jsonl", lines)


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ({}, "abc"),
        ({"service": "bank"}, "bc"),
        ({"service": "shop"}, "a"),
        ({"since": "2026-09-21T14:13:25"}, "bc"),
        ({"until": dt.datetime(2026, 9, 21, 14, 13, 30, tzinfo=dt.UTC)}, "ab"),
        ({"since": dt.timedelta(days=365_000)}, "abc"),
        ({"since": "1s"}, ""),
        ({"errors": True}, "b"),
        ({"session": {"user": "u2"}}, "c"),
        ({"session": {"user": "u2", "level": 3}}, "c"),
        ({"session": ["user=u1"]}, "ab"),
        ({"session": {"user": "u"}}, ""),
        ({"tags": {"http.status": 500}}, "b"),
        ({"tags": ["http.status:500", "service.name=bank"]}, "b"),
        ({"tags": ["tags=y"]}, "b"),
        ({"tags": ["http.status=500", "chronicle.seq=1"]}, ""),
        ({"limit": 2}, "bc"),
        ({"limit": 1, "service": "bank"}, "c"),
    ],
)
def test_choices(choice: dict[str, Any], found: str, three: Path) -> None:
    """Each choice, alone and with others; `limit` takes the newest."""
    assert "".join(run.id[0] for run in reading.runs(three, **choice)) == found


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"since": "x"}, "since=x: write how long ago"),
        ({"since": "1969-01-01"}, "since=1969-01-01"),
        ({"limit": -1}, "limit=-1"),
        ({"tags": ["=x"]}, "tag '=x'"),
        ({"since": "1h", "until": "2h"}, "since is later than until"),
    ],
)
def test_a_wrong_choice_is_one_sentence(choice: dict[str, Any], words: str, three: Path) -> None:
    """It names the argument."""
    with pytest.raises(UsageError, match=words):
        reading.runs(three, **choice)


def test_two_services_contradict_each_other() -> None:
    """The address and the argument may both name a service, if it is the same."""
    with pytest.raises(UsageError, match="two services are wanted, 'a' and 'b'"):
        reading.runs("tempo://127.0.0.1:9?service=a", service="b")


def test_the_command_line_chooses(three: Path, chronicle: Chronicle) -> None:
    """`chronicle runs` with the same choices; none is an empty list, not an error."""
    done = chronicle("runs", str(three), "--service", "bank", "--tag", "http.status:500", "--errors", "--session", "user=u1", "--json")
    assert [run["id"] for run in json.loads(done.stdout)] == [B]
    done = chronicle("runs", str(three), "--since", "1s")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "chronicle: no run is like that\n")
    assert json.loads(chronicle("runs", str(three), "--since", "1s", "--json").stdout) == []
