"""List the recorded runs of a source, in the order of their start."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from typing import Any

from . import arguments
from .preview import arguments as arguments_of
from .terminal import one_line, paint, print_json, progress, safe, say

HELP = "list the recorded runs of a source"
EXAMPLES = (
    "chronicle runs .chronicle",
    "chronicle runs traces.jsonl.gz --json | jq '.[].id'",
    "chronicle runs jaeger://localhost:16686 --service shop --since 2h --errors",
    "chronicle runs 'tempo+https://tempo.example.com?service=shop&since=7d' --session customer=C-1042",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("source", metavar="SOURCE", help=arguments.SOURCE)
    arguments.add_search(parser)
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Print one line per Run."""
    from ..reading.choosing import find

    search = arguments.search_of(options)
    with progress(f"reading {options.source}"):
        read = find(options.source, search)
    found = read.runs
    for finding in read.spans.findings:
        if finding.kind == "search_limit":
            print(f"chronicle: {safe(finding.message)}", file=sys.stderr)
    if options.json:
        print_json([facts(run) for run in found])
        return 0
    if not found:
        print("chronicle: no run is like that", file=sys.stderr)
        return 0
    rows = [row(run) for run in found]
    head = ("RUN", "STARTED (UTC)", "ENTRY", "STEPS", "TIME", "RECORDING", "INPUT")
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head) - 1)]
    for number, line in enumerate((head, *rows)):
        cells = [cell.ljust(width) for cell, width in zip(line, widths)]
        cells[3] = line[3].rjust(widths[3])
        text = "  ".join((*cells, line[-1])).rstrip()
        say(text) if number else print(paint(text, "bold"))
    return 0


def row(run: Any) -> tuple[str, ...]:
    """The cells of one Run."""
    entry = one_line(run.entry.name, 40)
    inputs = arguments_of(run.root.input) if run.root is not None else ""
    return (run.id[:12], started(run), entry, str(len(run.steps)), duration(run.start_ns, run.end_ns), state(run), one_line(inputs, 60))


def facts(run: Any) -> dict[str, Any]:
    """One Run as JSON."""
    return {
        "id": run.id,
        "started": started(run),
        "seconds": (run.end_ns - run.start_ns) / 1e9 if run.end_ns else None,
        "entry": {"kind": run.entry.kind, "name": run.entry.name, "module": run.entry.module, "qualname": run.entry.qualname},
        "steps": len(run.steps),
        "ok": run.checks.ok,
        "findings": sorted(set(run.checks.kinds())),
        "flagged": list(run.flagged),
        "session": dict(run.session),
        "replay_of": run.replay_of,
    }


def started(run: Any) -> str:
    """When a Run began."""
    return dt.datetime.fromtimestamp(run.start_ns / 1e9, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(start_ns: int, end_ns: int | None) -> str:
    """A time span, as short as it is still telling."""
    if not end_ns:
        return "?"
    seconds = (end_ns - start_ns) / 1e9
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def state(run: Any) -> str:
    """What the recording is worth, in a word or two."""
    words = ["complete"] if run.checks.ok else sorted(set(run.checks.kinds()))
    if run.replay_of:
        words.append("replay")
    return ", ".join((*words, *("flagged" for _ in run.flagged[:1])))
