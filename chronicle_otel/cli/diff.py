"""Compare two recorded runs step by step: what only one of them did, and what both did differently.

A and B are sources; where one holds several runs, write its run id behind ::, as in runs.jsonl::4f2a.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from . import arguments
from .preview import short
from .runs import facts
from .terminal import one_line, paint, print_json, progress, say

if TYPE_CHECKING:
    from ..comparison import Pair

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
        tell(pair)
    say(f"{len(pairs) - len(differing)} steps equal, {len(differing)} differ")
    return 1 if differing else 0


def tell(pair: Pair) -> None:
    """Print one pair of Steps that differ."""
    if pair.b is None and pair.a is not None:
        print(paint(one_line(f"- only in a: step {pair.a.seq}  {pair.a.kind} {pair.a.name}", 160), "red"))
    elif pair.a is None and pair.b is not None:
        print(paint(one_line(f"+ only in b: step {pair.b.seq}  {pair.b.kind} {pair.b.name}", 160), "green"))
    elif pair.a is not None and pair.b is not None:
        print(paint(one_line(f"~ step {pair.a.seq} / {pair.b.seq}  {pair.a.kind} {pair.a.name}", 160), "yellow"))
        for payload, difference in pair.differences[:12]:
            say(f"    {payload} {difference.place}: {value(difference.recorded)}  →  {value(difference.live)}")
        if len(pair.differences) > 12:
            say(f"    and {len(pair.differences) - 12} more")


def pick(name: str) -> Any:
    """Load `SOURCE::RUN`."""
    import chronicle_otel as chronicle

    source, _, run = name.rpartition("::") if "::" in name[name.rfind("]") + 1 :] else (name, "", "")  # [::1] is an address
    with progress(f"reading {source}"):
        return chronicle.load(source, run=run or None)


def value(side: Any) -> str:
    """One side of a difference, short."""
    from ..replayer.compare import MISSING

    return "nothing" if side is MISSING else one_line(short(side), 70)
