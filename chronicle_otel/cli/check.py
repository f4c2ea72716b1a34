"""Say what recordings are worth before anything is replayed: complete, steps missing, values cut or lost, redacted."""

from __future__ import annotations

import argparse
from typing import Any

from . import arguments
from .runs import started
from .terminal import one_line, paint, print_json, progress, say

HELP = "say what recordings are worth before they are replayed"
EXAMPLES = ("chronicle check .chronicle", "chronicle check traces/ --run 4f2a --json")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    arguments.add_source(parser)
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Print the findings of each Run; 3 if a Run cannot be judged."""
    import chronicle_otel as chronicle

    with progress(f"reading {options.source}"):
        found = [chronicle.load(options.source, run=options.run)] if options.run else chronicle.runs(options.source)
    if options.json:
        print_json([facts(run) for run in found])
    else:
        for run in found:
            word = paint("ok", "green") if run.checks.ok else paint("not whole", "yellow")
            print(f"{run.id[:12]}  {started(run)}  ", end="")
            print(f"{word}  ", end="")
            say(f"{one_line(run.entry.name, 100)}, {len(run.steps)} steps")
            for finding in run.checks.findings:
                at = f" at step {finding.step}" if finding.step is not None else ""
                say(f"    {finding.kind}{at}: {finding.message}")
    return 0 if all(run.checks.ok for run in found) else 3


def facts(run: Any) -> dict[str, Any]:
    """The checks of one Run as JSON."""
    findings = [{"kind": f.kind, "step": f.step, "message": f.message} for f in run.checks.findings]
    return {"run": run.id, "entry": run.entry.name, "steps": len(run.steps), "ok": run.checks.ok, "findings": findings}
