"""The external store: what is too large for a span lies beside it, under a name that says nothing, and comes back when read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import chronicle_otel as chronicle
from chronicle_otel.reading.blobs import Blobs, Missing
from chronicle_otel.recording import meters

from .agents import collect, fetch
from .receiver import Receiver

BIG = 5_000_000


def arrived(receiver: Receiver, folder: Path, **options: Any) -> chronicle.Run:
    return chronicle.load(receiver.write(folder / "arrived.jsonl"), **options)


@pytest.fixture
def stored(receiver: Receiver, own: Any, tmp_path: Path) -> Path:
    """The store of a Run of which two Steps hold 5 MB and 300 KB."""
    own(store=f"file://{tmp_path}/store", store_raw=True)

    @chronicle.agent(name="twice")
    def twice() -> int:
        return len(fetch(BIG)) + len(fetch(300_000)) + len(fetch(200_000)) + len(chronicle.tool.call("again", str.upper, fetch(BIG)))

    twice()
    chronicle.shutdown()
    return tmp_path / "store"


def test_what_is_large_comes_back_whole(receiver: Receiver, stored: Path, tmp_path: Path) -> None:
    """Above 256 KiB a string is an object of the store, below it stays; the Run is complete, references to it included."""
    assert max(receiver.sizes) < 1_000_000
    run = arrived(receiver, tmp_path, store=str(stored))
    assert run.checks.ok, run.checks
    assert [len(step.output) for step in run.steps[1:]] == [BIG, 300_000, 200_000, BIG, BIG]
    assert next(iter(run.calls("again")[0].input.values())) == run.calls("fetch")[0].output
    assert sorted(path.stat().st_size for path in stored.rglob("*") if path.is_file()) == [300_000, BIG, BIG], (
        "equal values are stored once"
    )
    assert meters.totals[meters.STORED] == 3
    assert meters.totals[meters.OPAQUE] == 0


def test_names_say_nothing(stored: Path) -> None:
    """A day and random letters, readable by the owner alone: no digest by which a short private value could be guessed."""
    for path in stored.rglob("*"):
        if path.is_file():
            assert re.fullmatch(r"\d{4}-\d\d-\d\d/[a-p]{32}", str(path.relative_to(stored)))
            assert path.stat().st_mode & 0o77 == 0


def test_without_the_store_the_hole_is_named(receiver: Receiver, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No store, a wrong one, an object that is gone or cut: a finding each, never another value."""
    run = arrived(receiver, tmp_path)
    [first, *_] = [finding for finding in run.checks.findings if finding.kind == "missing_blob"]
    assert f"lies in the store file://{stored}; give it, or a copy of it, with store=… or CHRONICLE_STORE" in first.message
    monkeypatch.setenv("CHRONICLE_STORE", str(tmp_path / "elsewhere"))
    assert "is not in the store" in str(arrived(receiver, tmp_path).checks)
    large = next(path for path in stored.rglob("*") if path.is_file() and path.stat().st_size == 300_000)
    large.write_bytes(large.read_bytes()[:-1])
    said = str(arrived(receiver, tmp_path, store=str(stored)).checks)
    assert "fewer bytes in the store than the 300,000 that were written" in said


def test_a_replay_without_the_store_says_what_to_give(receiver: Receiver, stored: Path, tmp_path: Path) -> None:
    """A value that lies in a store which nobody gave is not served, and the refusal names the store as what is missing."""

    @chronicle.agent(name="twice")
    def twice() -> int:
        return len(fetch(BIG))

    with chronicle.replaying(arrived(receiver, tmp_path)) as replay, pytest.raises(chronicle.ReplayError):
        twice()
    assert replay.result.verdict == "cannot_judge"
    assert "lies in an external store that was not read: give it, or a copy of it, with store=… or CHRONICLE_STORE" in str(replay.result)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "{root}/../secret",
        "{root}/2026-11-26/../../secret",
        "{root}/2026-11-26/secret",
        "http://127.0.0.1:1/x",
        7,
        None,
    ],
)
def test_a_span_cannot_open_what_it_likes(url: Any, tmp_path: Path) -> None:
    """A marker that an application, or an attacker, writes opens nothing but objects by their random names."""
    (tmp_path / "store").mkdir()
    (tmp_path / "secret").write_text("secret")
    marker = {"$chronicle.blob": {"url": url.format(root=f"file://{tmp_path}/store") if isinstance(url, str) else url, "size": 6}}
    missing: list[Missing] = []
    assert Blobs(str(tmp_path / "store")).filled({"a": [marker]}, 1, "chronicle.output", missing) == {"a": [marker]}
    assert missing == [Missing(1, "chronicle.output", "names no object of a store")]


def test_a_copy_of_the_store_serves_as_well(receiver: Receiver, stored: Path, tmp_path: Path) -> None:
    """Only the object's name is taken from the span, so the store may have been moved, or fetched from a bucket."""
    stored.rename(tmp_path / "copy")
    assert arrived(receiver, tmp_path, store=str(tmp_path / "copy")).checks.ok


def test_more_than_is_read_is_not_read(tmp_path: Path) -> None:
    """A marker that claims 65 MB is a finding; nothing is opened."""
    marker = {"$chronicle.blob": {"url": f"file://{tmp_path}/2026-11-26/{'a' * 32}", "size": 65 * 1024 * 1024}}
    missing: list[Missing] = []
    Blobs(str(tmp_path)).filled(marker, 1, "chronicle.output", missing)
    assert missing == [Missing(1, "chronicle.output", "has 68,157,440 bytes in the store, more than is read")]


def test_a_store_that_fails_costs_as_little_as_it_can(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """What fits stays in its span, what does not is left out; both are counted, and recording goes on."""
    (tmp_path / "store").write_text("a file, not a folder")
    own(store=f"file://{tmp_path}/store", store_raw=True)
    collect(1, 300_000)
    collect(1, BIG)
    chronicle.shutdown()
    small, large = chronicle.runs(receiver.write(tmp_path / "arrived.jsonl"))
    assert small.checks.ok
    assert large.checks.kinds() == {"lossy"}
    assert (meters.totals[meters.STORE_FAILED], meters.totals[meters.OPAQUE]) == (2, 1)


def test_a_file_system_that_wants_its_folders_made_is_a_store(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """Some of fsspec's, of a disk or over SSH, write into no folder that is not there."""
    pytest.importorskip("fsspec")
    root = f"local://{tmp_path}/values"
    own(store=root, store_raw=True)
    collect(1, 1_000_000)
    chronicle.shutdown()
    run = arrived(receiver, tmp_path, store=root)
    assert run.checks.ok
    assert len(list((tmp_path / "values").rglob("*/*"))) == 1


def test_any_file_system_of_fsspec_is_a_store(receiver: Receiver, own: Any, tmp_path: Path) -> None:
    """A URL that is no folder goes through fsspec; read back the same way."""
    pytest.importorskip("fsspec")
    own(store="memory://bucket/values", store_raw=True)
    collect(1, BIG)
    chronicle.shutdown()
    run = arrived(receiver, tmp_path, store="memory://bucket/values")
    assert run.checks.ok, run.checks
    assert chronicle.replay(run, entry=collect).verdict == "reproduced"


def test_only_redacted_values_get_there_unless_told_otherwise(
    receiver: Receiver, own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With redaction in the process, the store holds what was redacted, and a second redactor leaves the reference alone."""
    pytest.importorskip("re2")
    monkeypatch.setenv("CHRONICLE_REDACTION_KEY", "0" * 32)
    own(store=f"file://{tmp_path}/store", redact=True)

    @chronicle.agent(name="letter")
    def letter(text: str) -> int:
        return len(text)

    letter("to maria.keller@kestrel.de: " + "lorem ipsum dolor " * 20_000)
    chronicle.shutdown()
    objects = [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert objects
    assert not any(b"maria.keller" in data for data in objects)
    from chronicle_otel.redaction import Redactor, load_policy
    from chronicle_otel.redaction.files import redact_files

    path = receiver.write(tmp_path / "arrived.jsonl")
    policy = load_policy()
    redact_files(path, tmp_path / "twice.jsonl", Redactor(policy, b"1" * 32, policy.tree["tenant"]["default"]))
    run = chronicle.load(tmp_path / "twice.jsonl", store=str(tmp_path / "store"))
    assert run.checks.kinds() == {"redacted"}
    assert len(run.root.input["text"]) > 360_000
