"""Send recordings to an OTLP endpoint: the spans that a process could not send, any file that chronicle reads, standard input, a store.

The endpoint is that of OpenTelemetry's environment variables (OTEL_EXPORTER_OTLP_ENDPOINT, …_PROTOCOL, …_HEADERS, …). Requests are
cut by bytes. How far a file was sent stands beside it in FILE.sent, so that a second call goes on where the first one ended; a file
of which something was left out gets no such mark, and is never removed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from . import arguments
from .terminal import print_json, progress, safe, say

if TYPE_CHECKING:
    from ..recording.export.resending import Converted

HELP = "send recordings, or spans that could not be sent, to an OTLP endpoint"
EXAMPLES = (
    "chronicle send .chronicle/unsent --delete",
    "chronicle send traces.jsonl.zst tempo://localhost:3200/5b8aa5a2d2c872e8321cf37308d69df2",
    "OTEL_EXPORTER_OTLP_HEADERS=api-key=… chronicle send traces.jsonl --endpoint https://otlp.example.com",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="a recording, a folder of them, - for stdin, or a store")
    parser.add_argument("--endpoint", metavar="URL", help="where to send to; default: what the environment says")
    parser.add_argument("--delete", action="store_true", help="remove files of which everything has arrived")
    parser.add_argument("--again", action="store_true", help="send from the start, also what was sent before")
    parser.add_argument("--wait", metavar="SECONDS", type=float, default=30.0, help="how long to try again where the endpoint is away (30)")
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Send the files; 1 if the endpoint did not take everything, 3 if something cannot be sent."""
    from ..recording.export.client import client_of
    from ..recording.export.endpoint import of_environment
    from ..recording.export.resending import Resender
    from ..settings import Settings

    endpoint = of_environment(endpoint=options.endpoint)
    files = _sources(options.files)
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
    if outcome.left_out_total > len(outcome.left_out):
        print(f"chronicle: left out: {outcome.left_out_total - len(outcome.left_out):,} more", file=sys.stderr)
    if outcome.stopped:
        print(f"chronicle: {safe(outcome.stopped)}; the rest stays where it is, the same command goes on from there", file=sys.stderr)
    return 1 if outcome.stopped or outcome.rejected else 3 if outcome.left_out else 0


def _sources(names: Sequence[str]) -> list[str | Converted]:
    """Tell OTLP JSON lines, which are sent as they stand, from what is read first: other encodings, standard input, stores."""
    from ..reading.sources import is_url
    from ..reading.sources.files import is_recording
    from ..recording.export.resending import Converted, files_of, is_lines

    found: list[str | Converted] = []
    for name in names:
        if name == "-" or is_url(name):
            found.append(Converted("standard input" if name == "-" else name, None, functools.partial(_read, name)))
            continue
        files = files_of([name], is_recording)
        found += [path if is_lines(path) else Converted(path, path, functools.partial(_read, path)) for path in files]
    return found


def _read(source: str) -> tuple[Iterator[bytes], list[str]]:
    """Read a source as lines of OTLP JSON, one span each, and say what could not be read."""
    from ..reading.normal import normal_lines
    from ..reading.sources import read

    spans = read(source)
    return normal_lines(spans.spans), [finding.message for finding in spans.findings]
