"""Configuration files as data: lines, substitutions, merging; and what is said without a YAML parser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chronicle_otel.doctor.configuration import Unknown, merged, parse, read, seconds
from tests.conftest import environment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: ${env:X:-4317}", 4317),
        ("a: ${env:X:-true}", True),
        ("a: ${env:X:-127.0.0.1:4317}", "127.0.0.1:4317"),
        ("a: http://${HOST:-localhost}:${PORT:-80}/", "http://localhost:80/"),
        ("a: ${env:X:-}", ""),
        ("a: ${env:X}", Unknown("env:X")),
        ("a: http://${HOST}/", Unknown("env:HOST")),
        ("a: ${file:/etc/secret}", Unknown("file:/etc/secret")),
        ("a: 'plain $ text'", "plain $ text"),
    ],
)
def test_substitutions_stand_for_their_defaults(text: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A default is read as YAML would read it, what has none is unknown, and the environment is not looked at."""
    monkeypatch.setenv("X", "of this machine")
    assert parse(text, "x").get("a") == value


def test_several_files_are_one() -> None:
    """Mappings are joined, lists and values replaced; each value keeps the file and line that it is from."""
    one = parse("a: {b: 1, c: [1, 2, 3]}\nd: x", "one.yaml")
    other = parse("a:\n  b: 2\n  c: [9]", "other.yaml")
    both = merged([one, other])
    assert both is not None
    assert both.tree == {"a": {"b": 2, "c": [9]}, "d": "x"}
    assert [both.where("a", "b"), both.where("d"), both.where("a", "c", 0)] == [
        "other.yaml, line 2: a::b",
        "one.yaml, line 2: d",
        "other.yaml, line 3: a::c::0",
    ]


def test_merge_keys_and_aliases_are_followed() -> None:
    """`&`, `*` and `<<` give what they stand for."""
    assert parse("a: &x {b: 1}\nc: {<<: *x, d: 2}\ne: *x", "x").tree == {"a": {"b": 1}, "c": {"b": 1, "d": 2}, "e": {"b": 1}}


def test_a_fragment_is_understood() -> None:
    """What a collector takes as `--config yaml:…` is taken here too."""
    assert read("yaml:exporters::file::path: out.jsonl").tree == {"exporters": {"file": {"path": "out.jsonl"}}}


@pytest.mark.parametrize(("text", "value"), [("30s", 30), ("1m30s", 90), ("1h", 3600), ("200ms", 0.2), ("0s", 0), ("0", 0), ("soon", None)])
def test_durations(text: str, value: float | None) -> None:
    """Durations are those of Go."""
    assert seconds(text) == value


def test_without_a_parser_the_extra_is_named(tmp_path: Path) -> None:
    """Without PyYAML, --config says what to install, in one line; the rest of the doctor needs none."""
    (tmp_path / "x.yaml").write_text("receivers: {}\n")
    start = "import sys; sys.modules['yaml'] = None; from chronicle_otel.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", start, "doctor", "--config", "x.yaml"], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "chronicle: configuration files are read with PyYAML: pip install 'chronicle-otel[doctor]'\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "nowhere.yaml"], "nowhere.yaml: cannot be read (No such file or directory)"),
        (["--next", "x.yaml"], "--next is about the hop behind --config"),
        (["--small"], "name with --store where to read it back"),
        (["--store", "-"], "cannot be read back from standard input"),
        (["--store", "nowhere/spans.jsonl"], "no such folder: nowhere"),
        (["--store", "tempo://127.0.0.1:9", "--endpoint", "http://127.0.0.1:9"], "Tempo at http://127.0.0.1:9"),
        (["--store", "tempo://localhost/5b8aa5a2d2c872e8321cf37308d69df2"], "leave trace id and search out"),
        (["--store", "http://localhost"], "say which store answers there"),
        (["--store", "x.jsonl", "--config", "x.yaml"], "a call of their own"),
        (["--store", "x.jsonl", "--wait", "long"], "'long' is no number of seconds"),
    ],
)
def test_a_wrong_command_is_said_before_anything_is_sent(tmp_path: Path, arguments: list[str], message: str) -> None:
    """A mistake ends with exit code 2 and a message, without a traceback and without a probe."""
    command = [sys.executable, "-m", "chronicle_otel.cli", "doctor", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "spans and" not in done.stderr
