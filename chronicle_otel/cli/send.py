"""Send OTLP JSON lines to an OTLP endpoint: the spans that a process could not send, or any recording.

The endpoint is that of OpenTelemetry's environment variables (OTEL_EXPORTER_OTLP_ENDPOINT, …_PROTOCOL, …_HEADERS, …). Requests are
cut by bytes. How far a file was sent stands beside it in FILE.sent, so that a second call goes on where the first one ended.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys

from . import arguments
from .terminal import print_json, progress, safe, say

HELP = "send recordings, or spans that could not be sent, to an OTLP endpoint"
EXAMPLES = (
    "chronicle send .chronicle/unsent --delete",
    "OTEL_EXPORTER_OTLP_HEADERS=api-key=… chronicle send traces.jsonl --endpoint https://otlp.example.com",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="an OTLP JSON lines file (plain or gzip) or a folder of them")
    parser.add_argument("--endpoint", metavar="URL", help="where to send to; default: what the environment says")
    parser.add_argument("--delete", action="store_true", help="remove files of which everything has arrived")
    parser.add_argument("--again", action="store_true", help="send from the start, also what was sent before")
    parser.add_argument("--wait", metavar="SECONDS", type=float, default=30.0, help="how long to try again where the endpoint is away (30)")
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Send the files; 1 if the endpoint did not take everything, 3 if something cannot be sent."""
    from ..recording.export.client import client_of
    from ..recording.export.endpoint import of_environment
    from ..recording.export.resending import Resender, files_of
    from ..settings import Settings

    endpoint = of_environment(endpoint=options.endpoint)
    files = files_of(options.files)
    client = client_of(endpoint)
    sender = Resender(
        client, str(endpoint), span_bytes=Settings().span_bytes, retry_seconds=options.wait, again=options.again, delete=options.delete
    )
    try:
        with progress(f"sending to {endpoint}"):
            outcome = sender.send(files)
    finally:
        client.close()
    if options.json:
        print_json({**dataclasses.asdict(outcome), "complete": outcome.complete})
    else:
        say(f"sent {outcome.spans} spans in {outcome.requests} requests ({outcome.bytes / 1e6:.1f} MB) to {endpoint}")
        if outcome.earlier:
            say(f"{len(outcome.earlier)} of {len(files)} files were sent before (--again sends them once more)")
        if outcome.deleted:
            say(f"removed {len(outcome.deleted)} files")
    if outcome.rejected:
        print(
            f"chronicle: rejected: {outcome.rejected} spans{safe(': ' + '; '.join(outcome.messages) if outcome.messages else '')}",
            file=sys.stderr,
        )
    for line in outcome.left_out:
        print(f"chronicle: left out: {safe(line)}", file=sys.stderr)
    if outcome.stopped:
        print(f"chronicle: {safe(outcome.stopped)}; the rest stays where it is, the same command goes on from there", file=sys.stderr)
    return 1 if outcome.stopped or outcome.rejected else 3 if outcome.left_out else 0
