"""Runs of the travellers as files, and what becomes of them where they are sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import requests

import chronicle_otel as chronicle
from tests.conftest import environment
from tests.pipeline import travellers  # by the name under which the recording has its classes

_CODE = """
import sys
import chronicle_otel
from tests.pipeline import travellers
chronicle_otel.init(sys.argv[1], instrument=False, service_name="travellers")
for name in sys.argv[2:]:
    if name == "small":
        travellers.small("lamp " * 300)  # 1,500 bytes: one string, not yet a list of them
    else:
        travellers.travel(name)
chronicle_otel.shutdown()
"""


def recorded(folder: Path, *names: str) -> Path:
    """Record some travellers in a process of their own, into a file."""
    path = folder / "recorded.jsonl"
    subprocess.run([sys.executable, "-c", _CODE, path, *names], env=environment(), check=True, capture_output=True, timeout=120)
    return path


def forward(recording: Path, endpoint: str) -> int:
    """Post a recording to an OTLP receiver, a request a line, as whatever sends files does; returns how many spans that were."""
    count = 0
    for line in recording.read_bytes().splitlines():
        answer = requests.post(f"{endpoint}/v1/traces", data=line, headers={"Content-Type": "application/json"}, timeout=30)
        assert answer.status_code == 200, answer.text
        count += line.count(b'"spanId"')
    return count


def verdicts(source: str | Path) -> dict[str, str]:
    """Replay the travellers' runs of a source; a run that the source no longer shows is missing."""
    try:
        runs = chronicle.runs(source)
    except chronicle.SourceError:  # none of them, which is said
        return {}
    known = [(run, travellers.ENTRIES[run.entry.name]) for run in runs if run.entry.name in travellers.ENTRIES]
    return {run.entry.name: chronicle.replay(run, entry=entry).verdict for run, entry in known}
