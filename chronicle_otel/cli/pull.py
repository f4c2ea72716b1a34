"""Write the traces of a source to one portable file: OTLP JSON lines in a normal form, so that equal recordings are equal bytes.

Whole traces are written, with the spans of other instrumentations; with --run or a choice, those of the chosen runs only.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys

from . import arguments
from .terminal import print_json, progress, safe, say

HELP = "write runs of a store or file to one portable recording"
EXAMPLES = (
    "chronicle pull jaeger://localhost:16686/5b8aa5a2d2c872e8321cf37308d69df2 -o incident.jsonl",
    "chronicle pull tempo+https://tempo.example.com -o errors.jsonl.gz --service shop --since 2h --errors",
    "chronicle pull recording.jsonl -o - | sha256sum",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    arguments.add_source(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="file to write: .jsonl, .jsonl.gz or .jsonl.zst; - for stdout"
    )
    parser.add_argument("--force", action="store_true", help="overwrite a file of that name")
    arguments.add_search(parser)
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Write the file."""
    from ..errors import UsageError
    from ..reading.pulling import pull

    if options.json and options.output == "-":
        raise UsageError("pull: --json and -o - both write to stdout; name a file")
    search = arguments.search_of(options)
    with progress(f"pulling {options.source}"):
        pulled = pull(options.source, options.output, run=options.run, search=search, force=options.force)
    for finding in pulled.findings:
        print(f"chronicle: {finding.kind}: {safe(finding.message)}", file=sys.stderr)
    if options.json:
        print_json(dataclasses.asdict(pulled))
    elif options.output != "-":
        say(f"wrote {pulled.path} ({os.path.getsize(pulled.path) / 1000:.1f} kB)")
        say(f"{plural(len(pulled.runs), 'run')}, {plural(pulled.traces, 'trace')}, {plural(pulled.spans, 'span')}")
    return 0


def plural(number: int, word: str) -> str:
    """A count with its word."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
