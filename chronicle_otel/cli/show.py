"""Show one run as a tree: kinds, durations, tokens, what went in and came out. With --step, everything about one step."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from . import arguments
from .preview import preview, tokens
from .runs import duration, facts, started, state
from .terminal import one_line, paint, print_json, progress, say

HELP = "show one run as a tree, or all about one step"
EXAMPLES = ("chronicle show .chronicle", "chronicle show .chronicle --run 4f2a --step 7", "chronicle show .chronicle --json")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    arguments.add_source(parser)
    parser.add_argument("--step", metavar="N", type=int, help="print the envelope of step N as JSON")
    parser.add_argument(
        "--width", metavar="COLUMNS", type=int, help="cut lines here; default: the terminal's width, 160 where there is none"
    )
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Print the tree or the Step."""
    import chronicle_otel as chronicle

    from ..errors import UsageError
    from . import terminal_width

    if options.width is not None and options.width < 20:
        raise UsageError(f"show: --width {options.width}: at least 20 columns are needed")
    with progress(f"reading {options.source}"):
        run = chronicle.load(options.source, run=options.run)
    if options.step is not None:
        step = next((step for step in run.steps if step.seq == options.step), None)
        if step is None:
            raise UsageError(f"run {run.id[:12]} has no step {options.step}; its steps are {run.steps[0].seq} to {run.steps[-1].seq}")
        print_json(envelope(step))
        return 0
    if options.json:
        print_json({**facts(run), "steps": [envelope(step) for step in run.steps]})
        return 0
    import sys

    width = options.width or (terminal_width() if sys.stdout.isatty() else 160)
    print(paint(one_line_keep(f"run {run.id}  {run.entry.kind} {run.entry.name}  {started(run)} UTC  {state(run)}", width), "bold"))
    for name, value in run.session.items():
        say(one_line_keep(f"   {name} = {json.dumps(value, ensure_ascii=False, default=repr)}", width))
    for text in tree_lines(run, width):
        print(text)
    if not run.checks.ok:
        for finding in run.checks.findings:
            print(paint(one_line(f"{finding.kind}: {finding.message}", max(width, 200)), "yellow"))
    return 0


def tree_lines(run: Any, width: int) -> Iterator[str]:
    """One line per Step, children below their parent."""
    children: dict[int, list[Any]] = {}
    for step in run.steps:
        children.setdefault(step.parent.seq if step.parent is not None else 0, []).append(step)
    digits = len(str(run.steps[-1].seq)) if run.steps else 1
    stack: list[tuple[Any, str, str]] = [(step, "", "") for step in reversed(children.get(0, []))]
    rows: list[tuple[Any, str]] = []
    while stack:
        step, lead, below = stack.pop()
        rows.append((step, lead))
        inner = children.get(step.seq, [])
        for number, child in reversed(list(enumerate(inner))):
            last = number == len(inner) - 1
            stack.append((child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")))
    name_width = min(max((len(lead) + len(label(step)) for step, lead in rows), default=0), 56)
    for step, lead in rows:
        name = (
            one_line(lead + label(step), name_width).ljust(name_width) if not lead else (lead + label(step))[:name_width].ljust(name_width)
        )
        start = f"{step.seq:>{digits}}  {name}  {duration(step.start_ns, step.end_ns):>7}  "
        line = one_line_keep(start + tokens(step) + preview(step), width)
        yield paint(line, "red") if step.error is not None else line


def label(step: Any) -> str:
    """Kind and name of a Step."""
    branch = f" [{step.branch}]" if step.branch else ""
    return f"{step.kind} {step.name}{branch}"


def one_line_keep(text: str, width: int) -> str:
    """Cut a safe line, keeping the spaces of its columns."""
    from .terminal import safe

    text = safe(text.replace("\n", " "))
    return text if len(text) <= width else text[: width - 1] + "…"


def envelope(step: Any) -> dict[str, Any]:
    """One Step as JSON: its facts and its payloads, references resolved."""
    from .. import semconv

    facts_of_step: dict[str, Any] = {
        "seq": step.seq,
        "kind": step.kind,
        "name": step.name,
        "index": step.index,
        "parent": step.parent.seq if step.parent is not None else None,
        "branch": step.branch,
        "lane": step.lane,
        "late": step.late,
        "form": step.form,
        "trace_id": step.trace_id,
        "span_id": step.span_id,
        "start_ns": step.start_ns,
        "end_ns": step.end_ns,
        "damage": dict(step.damage),
    }
    for name in semconv.PAYLOADS:
        tree = step.tree(name)
        if tree is not None:
            facts_of_step[name] = tree
    facts_of_step["attributes"] = {name: value for name, value in step.attributes.items() if not name.startswith("chronicle.")}
    return facts_of_step
