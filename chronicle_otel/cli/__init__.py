"""The command line: one module per verb, no logic that the library lacks.

    argv ──► parser of the verb ──► its execute(options) ──► exit code
                                        └─► ChronicleError ──► one line on stderr, exit code of its class

Each verb's module has HELP, EXAMPLES, `configure(parser)` and `execute(options) -> int`, and imports what is heavy only
when it is executed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from . import check, demo, diff, doctor, policy, promote, pull, redact, replay, run, runs, send, show
from .terminal import safe

VERBS: dict[str, ModuleType] = {
    "demo": demo,
    "run": run,
    "runs": runs,
    "show": show,
    "pull": pull,
    "replay": replay,
    "diff": diff,
    "promote": promote,
    "check": check,
    "redact": redact,
    "policy": policy,
    "send": send,
    "doctor": doctor,
}
"""In the order of use; the order of the help and of docs/cli.md."""

_EXECUTE_OTHERS_CODE = frozenset({"demo", "run", "replay", "promote"})
"""Verbs in whose process an application runs: its settings are its own."""

EXIT_CODES = """exit codes:
  0  reproduced or fixed; done
  1  diverged, failed or still failing; two runs differ; spans that the endpoint did not take; doctor: recordings are damaged
  2  wrong usage, or a source that cannot be read
  3  the recording cannot be judged: steps missing, values cut; or it holds lines that cannot be redacted or sent
  4  the entry could not be started
"""


class Help(argparse.RawDescriptionHelpFormatter):
    """Keeps examples as they are written, and lines short enough to read."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=min(terminal_width(), 110))


def terminal_width() -> int:
    """Columns of the terminal, 100 where there is none."""
    try:
        return int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        return 100


def build_parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Make the parser, and those of the verbs by name."""
    from .. import __version__

    parser = argparse.ArgumentParser(
        prog="chronicle",
        description="Record AI-agent runs as OpenTelemetry spans, re-execute them, and promote them to tests.",
        epilog=EXIT_CODES,
        formatter_class=Help,
    )
    parser.add_argument("--version", action="version", version=f"chronicle {__version__}")
    choices = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    verbs: dict[str, argparse.ArgumentParser] = {}
    for name, module in VERBS.items():
        examples = "examples:\n" + "".join(f"  {line}\n" for line in module.EXAMPLES)
        verb = choices.add_parser(name, help=module.HELP, description=module.__doc__, epilog=examples, formatter_class=Help)
        module.configure(verb)
        verb.set_defaults(execute=module.execute, command=None)
        verbs[name] = verb
    return parser, verbs


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a test may have put something simpler there
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    arguments, command = split_command(arguments)
    parser, _ = build_parser()
    options = parser.parse_args(arguments)
    options.command = command
    if options.verb not in _EXECUTE_OTHERS_CODE:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what gRPC logs would stand before the one line that says it
    code = 0
    try:
        code = int(options.execute(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):  # what is still buffered has no reader
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        code = code_of(error)
        if code is None:
            raise
        print(f"chronicle: {safe(str(error))}", file=sys.stderr)
        return code


def _stand_in_for_closed_streams() -> None:
    """A shell's `>&-` leaves None for a stream: what would be printed there is dropped, and the exit code says it all."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  open as long as the process


def code_of(error: Exception) -> int | None:
    """The exit code of an error that is the user's to solve; None for one that is ours."""
    from ..errors import CannotReproduce, ChronicleError

    if isinstance(error, CannotReproduce):
        return 4
    return 2 if isinstance(error, ChronicleError | OSError) else None


def split_command(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Take the user's own command off: what follows `--`, and for `run` what follows our options."""
    if arguments[:1] == ["run"]:
        at = run.end_of_options(arguments)
        own, command = arguments[:at], arguments[at:]
        return own, command[1:] if command[:1] == ["--"] else command
    if "--" in arguments:
        at = arguments.index("--")
        return arguments[:at], arguments[at + 1 :]
    return arguments, []
