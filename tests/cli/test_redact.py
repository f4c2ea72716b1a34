"""`chronicle redact` and `chronicle policy`, as a user runs them; and recording with redaction."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("re2", reason="redaction needs google-re2")
from tests.conftest import environment

AGENT = """
import sys
import chronicle_otel as chronicle

chronicle.init("traces.jsonl", redact="redact" in sys.argv or None)


@chronicle.tool(name="look_up")
def look_up(mail: str) -> dict:
    return {"mail": mail, "card": 4539148803436467}


@chronicle.agent(name="help")
def help_customer(question: str) -> dict:
    return look_up(question.split()[-1])


if __name__ == "__main__":
    help_customer("I am maria.keller@kestrel.de")
    chronicle.shutdown()
"""
KEY = {"CHRONICLE_REDACTION_KEY": "0" * 32}


def run(folder: Path, *arguments: str, key: bool = True) -> subprocess.CompletedProcess[str]:
    env = {**environment(), **(KEY if key else {})}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True)


def chronicle(folder: Path, *arguments: str, key: bool = True) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "chronicle_otel.cli", *arguments, key=key)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder with a recording that holds personal data."""
    (tmp_path / "agent.py").write_text(AGENT)
    done = run(tmp_path, "agent.py")
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_a_recording_is_redacted_and_can_still_be_judged(recorded: Path) -> None:
    """Nothing private is left, and `check` finds the run whole."""
    done = chronicle(recorded, "redact", "traces.jsonl", "-o", "redacted.jsonl", "--tenant", "acme")
    assert done.returncode == 0, done.stderr
    text = (recorded / "redacted.jsonl").read_text()
    assert "maria" not in text
    assert "4539148803436467" not in text
    assert "mm9r9axwfstt6p4ym@dih54qp.example.com" in text
    assert chronicle(recorded, "check", "redacted.jsonl").returncode == 0


def test_a_second_pass_copies_the_file(recorded: Path) -> None:
    """With another key, too."""
    chronicle(recorded, "redact", "traces.jsonl", "-o", "once.jsonl")
    (recorded / "key").write_text("another key that is long enough!!\n")
    done = chronicle(recorded, "redact", "once.jsonl", "-o", "twice.jsonl", "--key-file", "key", key=False)
    assert done.returncode == 0, done.stderr
    assert (recorded / "twice.jsonl").read_bytes() == (recorded / "once.jsonl").read_bytes()


def test_folders_and_packed_files(recorded: Path) -> None:
    """A folder becomes a folder; what was packed stays packed."""
    (recorded / "in").mkdir()
    (recorded / "in" / "a.jsonl.gz").write_bytes(gzip.compress((recorded / "traces.jsonl").read_bytes()))
    done = chronicle(recorded, "redact", "in", "-o", "out", "--json")
    assert json.loads(done.stdout)["files"] == ["out/a.jsonl.gz"]
    assert b"maria" not in gzip.decompress((recorded / "out" / "a.jsonl.gz").read_bytes())


def test_a_line_that_is_no_otlp_is_left_out_and_named(recorded: Path) -> None:
    """It is not written, and the exit code says so."""
    path = recorded / "traces.jsonl"
    path.write_bytes(path.read_bytes() + b'{"user": "maria@kestrel.de"}\n')
    done = chronicle(recorded, "redact", "traces.jsonl", "-o", "out.jsonl")
    assert done.returncode == 3
    assert "left out: traces.jsonl, line" in done.stderr
    assert "maria" not in (recorded / "out.jsonl").read_text()


def test_without_a_key_nothing_is_written(recorded: Path) -> None:
    """One line on stderr says how to make one."""
    done = chronicle(recorded, "redact", "traces.jsonl", "-o", "out.jsonl", key=False)
    assert done.returncode == 2
    assert "openssl rand -hex 32" in done.stderr
    assert not (recorded / "out.jsonl").exists()


def test_recording_with_redaction_writes_nothing_private(recorded: Path) -> None:
    """`init(redact=True)`: what is private never reaches the file."""
    (recorded / "traces.jsonl").unlink()
    done = run(recorded, "agent.py", "redact")
    assert done.returncode == 0, done.stderr
    text = (recorded / "traces.jsonl").read_text()
    assert "maria" not in text
    assert "chronicle.redaction" in text


@pytest.mark.parametrize(
    ("setup", "call", "message"),
    [
        ("", "chronicle.init('t.jsonl', redact=True)", "is not set: make a key"),
        ("trace.set_tracer_provider(TracerProvider())", "chronicle.init(redact=True)", "give init a path for a file of their own"),
        ("p = TracerProvider()", "chronicle.init('t.jsonl', redact=True, tracer_provider=p)", "RedactingSpanExporter"),
    ],
)
def test_init_refuses_what_it_cannot_keep(tmp_path: Path, setup: str, call: str, message: str) -> None:
    """Where redaction could not hold what it promises, `init` says so and names the way out."""
    imports = "import chronicle_otel as chronicle\nfrom opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider"
    code = f"{imports}\n{setup}\n{call}"
    done = run(tmp_path, "-c", code, key=False)
    assert done.returncode == 1
    assert message in done.stderr


def test_policies_on_the_command_line(tmp_path: Path) -> None:
    """Checked, explained and tried; a wrong one is refused with its line."""
    (tmp_path / "bad.yaml").write_text("version: 1\nrulez: []\n")
    bad = chronicle(tmp_path, "policy", "check", "bad.yaml")
    assert (bad.returncode, bad.stderr) == (2, "chronicle: bad.yaml, line 2: rulez: unknown; did you mean rules?\n")
    assert chronicle(tmp_path, "policy", "check", "default").stdout.startswith("ok, policy ")
    assert "card: payment card numbers" in chronicle(tmp_path, "policy", "explain", "default").stdout
    tried = chronicle(tmp_path, "policy", "test", "default", "mail maria@kestrel.de", "--json")
    [match] = json.loads(tried.stdout)["matches"]
    assert match == {"type": "email", "rule": "email", "action": "pseudonymise", "start": 5, "end": 21}


def test_a_redacted_run_replays_with_and_without_its_key(tmp_path: Path) -> None:
    """Without a key the tool's real answer is equal to what stands for it, with the key exactly; another key is refused in one line."""
    agent = AGENT.replace("chronicle.init", 'if __name__ == "__main__":\n    chronicle.init')
    (tmp_path / "agent.py").write_text(agent)
    subprocess.run([sys.executable, "agent.py", "redact"], cwd=tmp_path, env=environment(KEY), check=True, capture_output=True)
    replay = ("replay", "traces.jsonl", "--entry", "agent:help_customer", "--live", "tool", "--json")
    (tmp_path / "other.key").write_text("1" * 32)
    without = json.loads(chronicle(tmp_path, *replay, key=False).stdout)
    exactly = json.loads(chronicle(tmp_path, *replay, "--key-env", "CHRONICLE_REDACTION_KEY").stdout)
    refused = chronicle(tmp_path, *replay, "--key-file", "other.key")
    assert [note["cause"] for note in without["notes"]] == ["redaction"] * len(without["notes"]) != []
    assert (without["verdict"], exactly["verdict"], exactly["notes"]) == ("reproduced", "reproduced", [])
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "did not redact run" in refused.stderr


def test_a_device_is_never_replaced_by_a_file(recorded: Path) -> None:
    """`-o /dev/null` and the like are refused: putting a file in their place would take them from the whole machine."""
    os.mkfifo(recorded / "pipe")
    done = chronicle(recorded, "redact", "traces.jsonl", "-o", "pipe")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "chronicle: pipe is a device, pipe or socket: name a file for the output\n"
    assert stat.S_ISFIFO((recorded / "pipe").stat().st_mode)


def test_no_name_is_not_the_folder_that_one_is_in(recorded: Path) -> None:
    """An empty name, as an unset shell variable gives it, is an error, and nothing is written."""
    done = chronicle(recorded, "redact", "", "-o", "out")
    assert (done.returncode, done.stderr) == (2, "chronicle: no file or folder is named: the name is empty\n")
    assert not (recorded / "out").exists()


def test_gzip_data_that_ends_early_is_redacted_as_far_as_it_goes(recorded: Path) -> None:
    """What stands before the end is written, the damage is named, and the exit code says that something is left out."""
    packed = gzip.compress((recorded / "traces.jsonl").read_bytes() * 2)
    (recorded / "cut.jsonl.gz").write_bytes(packed[:-12])
    done = chronicle(recorded, "redact", "cut.jsonl.gz", "-o", "out.jsonl")
    assert done.returncode == 3
    assert "cut.jsonl.gz: the gzip data ends early" in done.stderr
    assert "Traceback" not in done.stderr
    assert (recorded / "out.jsonl").read_text().count("\n") >= 1


def test_garbled_gzip_names_its_file(recorded: Path) -> None:
    """Of many files, the damaged one is named; the others are written."""
    (recorded / "in").mkdir()
    (recorded / "in/bad.jsonl.gz").write_bytes(b"\x1f\x8b" + bytes(range(7, 90)))
    (recorded / "in/good.jsonl").write_bytes((recorded / "traces.jsonl").read_bytes())
    done = chronicle(recorded, "redact", "in", "-o", "out")
    assert done.returncode == 3
    assert "left out: in/bad.jsonl.gz: the gzip data is damaged" in done.stderr
    assert (recorded / "out/good.jsonl").stat().st_size > 0


def test_zstd_is_named_and_not_taken_for_damage(recorded: Path) -> None:
    """A file that `pull` can unpack is not called cut off."""
    (recorded / "traces.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(40))
    done = chronicle(recorded, "redact", "traces.jsonl.zst", "-o", "out.jsonl")
    assert done.returncode == 2
    assert "traces.jsonl.zst is packed with zstd" in done.stderr
    assert not (recorded / "out.jsonl").exists()
