"""`chronicle demo`, from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Chronicle


def test_the_story_comes_out_as_told(chronicle: Chronicle, tmp_path: Path) -> None:
    """Recorded, reproduced, fixed, promoted; green on the fix and red on the old agent; its files are left to look at."""
    pytest.importorskip("openai")
    done = chronicle("demo", "story", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ok"]
    assert [(scene["step"], scene["command"].split()[0:2], scene["exit_code"]) for scene in told["scenes"]] == [
        (1, ["chronicle", "run"], 0),
        (2, ["chronicle", "show"], 0),
        (3, ["chronicle", "replay"], 0),
        (4, ["chronicle", "replay"], 0),
        (5, ["chronicle", "promote"], 0),
        (5, ["pytest", "-q"], 0),
        (5, ["pytest", "-q"], 1),
    ]
    left = ["agent.py", "agent_before.py", "agent_fixed.py", "pyproject.toml", "recording.jsonl", "test_order.jsonl", "test_order.py"]
    assert sorted(path.name for path in (tmp_path / "story").iterdir()) == left


def test_the_fixed_agent_differs_by_its_guardrail_only(chronicle: Chronicle, tmp_path: Path) -> None:
    """The two agents that the reader compares are the same but for the fix."""
    chronicle("demo", "story", "--files-only")
    before, after = [(tmp_path / "story" / name).read_text().splitlines() for name in ("agent.py", "agent_fixed.py")]
    assert [line for line in before if line not in after] == []
    assert len(after) - len(before) <= 20


def test_a_second_telling_overwrites_only_its_own_files(chronicle: Chronicle, tmp_path: Path) -> None:
    """The demo may be told again in its folder, and refuses one that holds something else."""
    assert chronicle("demo", "story", "--files-only").returncode == 0
    assert chronicle("demo", "story", "--files-only").returncode == 0
    (tmp_path / "story" / "notes.txt").write_text("mine")
    assert chronicle("demo", "story", "--files-only").returncode == 2
