"""`runs`, `show`, `check` and `diff`, run as a user runs them."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import Chronicle, environment


def test_show_draws_the_run_as_a_tree(chronicle: Chronicle, recorded: Path) -> None:
    """The tree has a line per Step with kind, name, duration, tokens and what was asked; children are below their parent."""
    lines = chronicle("show", str(recorded / "recording.jsonl")).stdout.splitlines()
    shape = [re.sub(r"  +.*", "", line) for line in lines if re.match(r"\d", line)]
    assert shape == ["1", "2", "3", "4", "5", "6", "7", "8"]
    tree = [re.split(r"  +", line)[1] for line in lines if re.match(r"\d", line)]
    assert tree == [
        "agent trade",
        "├─ llm openai.chat.completions",
        "├─ tool get_quote",
        "├─ tool get_position",
        "├─ llm openai.chat.completions",
        "├─ tool place_order",
        "│",
        "└─ llm openai.chat.completions",
    ]
    assert re.search(r"└─ effect submit_order +\S+ \S+  \(symbol=\"ACME\", side=\"sell\", quantity=1000\)", lines[9])
    assert "tokens  gpt-4.1 user: Please sell $1,000 worth of ACME" in lines[4]
    assert lines[1].strip() == 'customer = "C-1042"'


def test_show_says_what_was_asked_again(tmp_path: Path) -> None:
    """A request that brings no new message, such as that of a second analyst, is shown with its last message all the same."""
    pytest.importorskip("openai")
    (tmp_path / "twice.py").write_text(
        "import openai\n"
        "asked = [{'role': 'user', 'content': 'Please sell $1,000 worth of ACME'}]\n"
        "for _ in range(2): openai.OpenAI().chat.completions.create(model='gpt-4.1', messages=asked)\n"
    )
    python = [sys.executable, "-m"]
    record = [*python, "chronicle_otel.demo.offline", *python, "chronicle_otel.cli", "run", "--quiet", "--path", "it.jsonl", "twice.py"]
    subprocess.run(record, cwd=tmp_path, env=environment(), check=True, capture_output=True, timeout=120)
    show = [*python, "chronicle_otel.cli", "show", "it.jsonl"]
    shown = subprocess.run(show, cwd=tmp_path, env=environment(), check=True, capture_output=True, text=True, timeout=120).stdout
    assert shown.count("gpt-4.1 user: Please sell $1,000 worth of ACME  →") == 2, shown


def test_show_step_prints_its_envelope(chronicle: Chronicle, recorded: Path) -> None:
    """The envelope of one Step is JSON with its payloads, references resolved."""
    step = json.loads(chronicle("show", str(recorded), "--step", "7").stdout)
    assert (step["kind"], step["name"], step["parent"]) == ("effect", "submit_order", 6)
    assert step["chronicle.input"] == {"symbol": "ACME", "side": "sell", "quantity": 1000}
    assert step["chronicle.output"]["notional"] == 190000.0
    request = json.loads(chronicle("show", str(recorded), "--step", "8").stdout)
    assert [m["role"] for m in request["chronicle.input"]["body"]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "tool",
    ]


def test_show_refuses_a_step_that_is_not_there(chronicle: Chronicle, recorded: Path) -> None:
    """A wrong step number is one line and exit code 2."""
    done = chronicle("show", str(recorded), "--step", "99")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"chronicle: run \w{12} has no step 99; its steps are 1 to 8\n", done.stderr)


def test_runs_lists_one_line_per_run(chronicle: Chronicle, recorded: Path) -> None:
    """Each run has its id, start, entry, number of steps, state and arguments; JSON has the same as data."""
    head, line = chronicle("runs", str(recorded)).stdout.splitlines()
    assert head.split() == ["RUN", "STARTED", "(UTC)", "ENTRY", "STEPS", "TIME", "RECORDING", "INPUT"]
    assert re.fullmatch(
        r"\w{12}  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  trade +8 +\S+ \w+  complete   instruction=\"Please sell \$1,000 worth of ACME\"", line
    )
    [run] = json.loads(chronicle("runs", str(recorded), "--json").stdout)
    assert (run["entry"]["name"], run["steps"], run["ok"], run["session"]) == ("trade", 8, True, {"customer": "C-1042", "desk": "retail"})


def test_gzip_and_stdin_are_sources(chronicle: Chronicle, recorded: Path, tmp_path: Path) -> None:
    """A gzip file is read as it is, and - is standard input."""
    text = (recorded / "recording.jsonl").read_text()
    (tmp_path / "recording.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    assert json.loads(chronicle("runs", "recording.jsonl.gz", "--json").stdout) == json.loads(
        chronicle("runs", "-", "--json", input=text).stdout
    )


def test_a_pipe_is_a_source(chronicle: Chronicle, recorded: Path, tmp_path: Path) -> None:
    """What a shell's `<(…)` gives, a file that can be read once, is read as any other, and promoted too."""
    data = (recorded / "recording.jsonl").read_bytes()
    for verb in (["runs"], ["promote", "-o", str(tmp_path / "test_it.py"), "--entry", "agent:trade"]):
        pipe = tmp_path / f"{verb[0]}.pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(data,), daemon=True)
        writer.start()
        done = chronicle(verb[0], str(pipe), *verb[1:], cwd=recorded)
        writer.join(10)
        assert done.returncode == 0, done.stderr


def test_check_names_a_missing_step(chronicle: Chronicle, recorded: Path, tmp_path: Path) -> None:
    """A recording without one of its spans is not whole: the finding names the step, the exit code is 3."""
    lines = (recorded / "recording.jsonl").read_text()
    spans = [
        span
        for line in lines.splitlines()
        for group in json.loads(line)["resourceSpans"]
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    ]
    kept = [span for span in spans if {"key": "chronicle.seq", "value": {"intValue": "4"}} not in span["attributes"]]
    assert len(kept) == len(spans) - 1
    (tmp_path / "torn.jsonl").write_text(json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": kept}]}]}))
    done = chronicle("check", "torn.jsonl")
    assert done.returncode == 3
    assert "missing_step" in done.stdout
    assert chronicle("check", str(recorded)).returncode == 0


def test_diff_shows_what_two_runs_did_differently(chronicle: Chronicle, recorded: Path, tmp_path: Path) -> None:
    """Equal steps are counted, differing ones shown with both sides; the exit code is that of diff."""
    text = (recorded / "recording.jsonl").read_text()
    [run] = json.loads(chronicle("runs", str(recorded), "--json").stdout)
    (tmp_path / "other.jsonl").write_text(text.replace('\\"price\\":190.0', '\\"price\\":191.0').replace(run["id"], "0" * 32))
    same = chronicle("diff", str(recorded), str(recorded))
    assert (same.returncode, same.stdout.splitlines()[-1]) == (0, "8 steps equal, 0 differ")
    differ = chronicle("diff", str(recorded), f"other.jsonl::{'0' * 32}")
    assert differ.returncode == 1
    assert "~ step 3 / 3 tool get_quote\n    output price: 190.0  →  191.0" in differ.stdout
    assert json.loads(chronicle("diff", str(recorded), "other.jsonl", "--json").stdout)["differences"][0]["differences"][0]["b"] == 191.0
