"""Compare two recorded runs step by step: what only one of them did, and what both did differently.

A and B are sources; where one holds several runs, write its run id behind ::, as in runs.jsonl::4f2a.
"""

from __future__ import annotations

import argparse
from typing import Any

from . import arguments
from .preview import short
from .runs import facts
from .terminal import one_line, paint, print_json, progress, say

HELP = "compare two recorded runs"
EXAMPLES = ("chronicle diff monday.jsonl tuesday.jsonl", "chronicle diff .chronicle::4f2a .chronicle::90bc --json")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("a", metavar="A[::RUN]", help="a source, and which of its runs")
    parser.add_argument("b", metavar="B[::RUN]", help="the other")
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Print the differences; 1 if there are any."""
    from ..comparison import compare_runs

    a, b = pick(options.a), pick(options.b)
    pairs = compare_runs(a, b)
    differing = [pair for pair in pairs if pair.op != "equal"]
    if options.json:
        print_json(
            {"a": facts(a), "b": facts(b), "equal": len(pairs) - len(differing), "differences": [pair.to_dict() for pair in differing]}
        )
        return 1 if differing else 0
    say(f"a  {a.id[:12]}  {a.entry.name}, {len(a.steps)} steps\nb  {b.id[:12]}  {b.entry.name}, {len(b.steps)} steps")
    for pair in differing:
        if pair.op != "changed":
            step, sign, style = (pair.a, "- only in a:", "red") if pair.op == "removed" else (pair.b, "+ only in b:", "green")
            print(paint(one_line(f"{sign} step {step.seq}  {step.kind} {step.name}", 160), style))
            continue
        print(paint(one_line(f"~ step {pair.a.seq} / {pair.b.seq}  {pair.a.kind} {pair.a.name}", 160), "yellow"))
        for payload, difference in pair.differences[:12]:
            say(f"    {payload} {difference.place}: {value(difference.recorded)}  →  {value(difference.live)}")
        if len(pair.differences) > 12:
            say(f"    and {len(pair.differences) - 12} more")
    say(f"{len(pairs) - len(differing)} steps equal, {len(differing)} differ")
    return 1 if differing else 0


def pick(name: str) -> Any:
    """Load `SOURCE::RUN`."""
    import chronicle_otel as chronicle

    source, _, run = name.partition("::")
    with progress(f"reading {source}"):
        return chronicle.load(source, run=run or None)


def value(side: Any) -> str:
    """One side of a difference, short."""
    from ..replayer.compare import MISSING

    return "nothing" if side is MISSING else one_line(short(side), 70)
