"""Re-execute a recorded run on the code as it is now, without network and without keys, and say where the two disagree.

Model answers come from the recording; agents, steps and guardrails run live, and what --live names. A recorded script
is named after --, with its arguments; all runs of the source then take part, as they did when it was recorded.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from typing import Any

from . import arguments
from .terminal import coloured, print_json, progress

HELP = "re-execute a recorded run on the code as it is now"
EXAMPLES = (
    "chronicle replay .chronicle --entry agent:trade",
    "chronicle replay .chronicle --run 4f2a --live tool:place_order",
    "chronicle replay .chronicle --live changed --assert \"not calls('submit_order')\"",
    "chronicle replay .chronicle -- agent.py 'Please sell $1,000 worth of ACME'",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = "chronicle replay SOURCE [options] [-- SCRIPT | -m MODULE [ARGUMENT ...]]"
    arguments.add_source(parser)
    arguments.add_replay(parser)
    arguments.add_key(parser, default="none; pseudonyms of a redacted recording are then compared by their type")
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Replay, print the report, return the verdict's exit code."""
    from ..replayer.network import stay_closed
    from ..report.text import render

    prepare()
    if options.command:
        result = of_script(options)
    else:
        import chronicle_otel as chronicle

        from .. import testing

        with progress(f"reading {options.source}"):
            run = chronicle.load(options.source, run=options.run)
        provide = testing.factories(arguments.provided(options))
        result = chronicle.replay(run, entry=options.entry, provide=provide, **chosen(options))
    stay_closed(options.allow_net)
    with contextlib.suppress(BrokenPipeError):  # a reader that has seen enough takes nothing from the verdict
        if options.json:
            print_json(result.to_dict())
        else:
            print(render(result, color=coloured(sys.stdout)).rstrip())
    return int(result.exit_code)


def prepare() -> None:
    """Make the user's modules importable as `python -m` does, and put placeholders where keys are missing."""
    from .. import testing

    testing.prepare()
    if sys.path[:1] not in ([""], [os.getcwd()]):
        sys.path.insert(0, os.getcwd())


def of_script(options: argparse.Namespace) -> Any:
    """Replay around a script."""
    import chronicle_otel as chronicle

    from .. import testing
    from ..errors import UsageError

    if options.entry:
        raise UsageError("replay: --entry and a script after -- exclude each other; the script calls the entry itself")
    command: list[str] = options.command
    module = command[0] == "-m"
    if module:
        command = command[1:]
    if not command:
        raise UsageError("replay: -m wants the name of a module")
    with progress(f"reading {options.source}"):
        found: Any = chronicle.load(options.source, run=options.run) if options.run else chronicle.runs(options.source)
    return testing.replay_script(found, command[0], command[1:], module=module, **chosen(options))


def chosen(options: argparse.Namespace) -> dict[str, Any]:
    """The options of the replay, with the redactor where a key is named."""
    from ..errors import UsageError

    with_key = options.key_env is not None or options.key_file is not None
    if not with_key and (options.policy is not None or options.tenant is not None):
        raise UsageError("replay: --policy and --tenant say how a redaction key is used: name the key as well (--key-file or --key-env)")
    return {**arguments.replay_options(options), "redactor": arguments.redactor_of(options) if with_key else None}
