"""Promote a recorded run to a regression test: replay it with the code as it is now and write what that showed.

The test expects the verdict and every divergence of this replay, and the assertion, which has to be false on the
recording and true now. The recording, this run's spans only, is written beside it.
"""

from __future__ import annotations

import argparse
import os
import sys

from . import arguments
from .replay import prepare
from .terminal import print_json, safe, say

HELP = "write a regression test from a recorded run"
EXAMPLES = (
    "chronicle promote .chronicle --entry agent:trade -o tests/test_trade.py",
    "chronicle promote .chronicle --run 4f2a --live tool:place_order --assert \"not calls('submit_order')\" -o tests/",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = "chronicle promote SOURCE [options] -o TEST [-- SCRIPT | -m MODULE [ARGUMENT ...]]"
    arguments.add_source(parser)
    parser.add_argument("-o", "--output", metavar="TEST", required=True, help="test module to write, or a folder for it")
    parser.add_argument("--force", action="store_true", help="overwrite a test and recording of that name")
    arguments.add_replay(parser)
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Write the test."""
    from ..errors import UsageError
    from ..promotion import NotPromoted, promote
    from ..replayer.network import stay_closed

    prepare()
    if options.command == ["-m"]:
        raise UsageError("promote: -m wants the name of a module")
    if options.command and options.entry:
        raise UsageError("promote: --entry and a script after -- exclude each other")
    try:
        promotion = promote(
            options.source,
            options.output,
            run=options.run,
            entry=options.entry,
            script=options.command,
            provide=arguments.provided(options),
            force=options.force,
            **arguments.replay_options(options),
        )
    except NotPromoted as refusal:
        if options.json:
            print_json({"test": None, "reason": str(refusal), "replay": refusal.result.to_dict()})
        else:
            say(str(refusal.result).rstrip())
        print(f"chronicle: {safe(str(refusal))}", file=sys.stderr)
        return refusal.result.exit_code if refusal.by_verdict else 2
    finally:
        stay_closed(options.allow_net)
    if options.json:
        departures = [{"kind": d.kind, "step": d.step, "occurrence": d.occurrence} for d in promotion.case.departures]
        written = {"test": str(promotion.test), "recording": str(promotion.recording)}
        print_json({**written, "verdict": promotion.case.verdict, "departures": departures})
        return 0
    say(f"wrote {promotion.test}")
    say(f"wrote {promotion.recording} ({os.path.getsize(promotion.recording) / 1000:.1f} kB)")
    say(f"the test expects: {promotion.case.verdict}")
    for departure in promotion.case.departures:
        say(f"    {departure}")
    return 0
