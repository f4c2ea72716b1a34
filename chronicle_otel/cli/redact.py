"""Redact OTLP JSON lines: what is private becomes a value of the same type, the same one everywhere, and the runs still replay.

A line that is no OTLP is not written, and named: nobody can say what is private in it.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import TYPE_CHECKING

from . import arguments
from .terminal import print_json, progress, safe, say

if TYPE_CHECKING:
    from ..redaction import Redactor
    from ..redaction.files import Outcome
    from ..redaction.tenants import Tenants

HELP = "replace what is private in recordings, so that they still replay"
EXAMPLES = (
    "chronicle redact .chronicle -o shared/",
    "chronicle redact traces.jsonl -o redacted.jsonl --policy policy.yaml --key-file key.txt --tenant acme",
    "chronicle redact jaeger://localhost:16686 --run 3ee50793e27797d2af3f21bbb4667da5 -o shareable.jsonl",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source", metavar="IN", help="an OTLP JSON lines file (plain or gzip), a folder of them, - for stdin, or a store (docs/sources.md)"
    )
    arguments.add_run(parser)
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the file or folder to write")
    arguments.add_key(
        parser, default="CHRONICLE_REDACTION_KEY", tenant="what the resource says where the policy looks, else the policy's default tenant"
    )
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Write the redacted files; 3 if something was left out."""
    from ..redaction.tenants import Tenants

    redactor: Redactor | Tenants = arguments.redactor_of(options)
    if options.tenant is None:
        redactor = Tenants(redactor)
    with progress(f"redacting {options.source}"):
        outcome = redacted(options, redactor)
    if options.json:
        print_json(dataclasses.asdict(outcome))
    else:
        for path in outcome.files:
            say(f"wrote {path}")
        say(f"{outcome.changed} of {outcome.spans} spans and log records changed")
        for title, counts in (("replaced", outcome.rules), ("taken out", outcome.opaque)):
            if any(counts.values()):
                say(f"{title}: {', '.join(f'{name} {count}' for name, count in sorted(counts.items()) if count)}")
    for line in outcome.refused:
        print(f"chronicle: left out: {safe(line)}", file=sys.stderr)
    return 3 if outcome.refused else 0


def redacted(options: argparse.Namespace, redactor: Redactor | Tenants) -> Outcome:
    """Redact files line by line as they are; anything else as `chronicle pull` would write it, without a raw copy on the disk."""
    from ..reading.pulling import chosen_lines
    from ..reading.sources import is_url
    from ..redaction.files import redact_files, redact_lines

    if options.source != "-" and not is_url(options.source) and options.run is None:
        return redact_files(options.source, options.output, redactor)
    lines, _ = chosen_lines(options.source, run=options.run)
    return redact_lines(lines, options.source, options.output, redactor)
