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
    from ..redaction.tenants import Tenants

HELP = "replace what is private in recordings, so that they still replay"
EXAMPLES = (
    "chronicle redact .chronicle -o shared/",
    "chronicle redact traces.jsonl -o redacted.jsonl --policy policy.yaml --key-file key.txt --tenant acme",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("source", metavar="IN", help="an OTLP JSON lines file (plain or gzip) or a folder of them")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the file or folder to write")
    arguments.add_key(
        parser, default="CHRONICLE_REDACTION_KEY", tenant="what the resource says where the policy looks, else the policy's default tenant"
    )
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Write the redacted files; 3 if something was left out."""
    from ..redaction.files import redact_files
    from ..redaction.tenants import Tenants

    redactor: Redactor | Tenants = arguments.redactor_of(options)
    if options.tenant is None:
        redactor = Tenants(redactor)
    with progress(f"redacting {options.source}"):
        outcome = redact_files(options.source, options.output, redactor)
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
