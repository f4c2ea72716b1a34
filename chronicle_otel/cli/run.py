"""Run a script or module with recording on: its agents, tools and model calls become spans in a file.

Instrumentors of installed SDKs and the recording of clock, random, uuid and environment reads are switched on. Where
the script sets an OpenTelemetry TracerProvider, the spans go there too; with --export own they go to the OTLP endpoint of the environment.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading

from .terminal import print_json, safe

HELP = "run a script or module with recording on"
EXAMPLES = (
    "chronicle run agent.py 'Please sell $1,000 worth of ACME'",
    "chronicle run --path runs/today.jsonl -m shop.assistant --verbose",
    "chronicle run -- agent.py --json",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 chronicle run --export own agent.py",
)
_WITH_VALUE = ("--path", "--env", "--export")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments; the script and its own are split off before."""
    parser.usage = "chronicle run [options] [--] SCRIPT [ARGUMENT ...]\n       chronicle run [options] -m MODULE [ARGUMENT ...]"
    parser.add_argument("--path", metavar="PATH", help="file or folder to write to (default: ./.chronicle)")
    parser.add_argument(
        "--export", choices=("own",), help="own: send the spans to the OTLP endpoint of the environment, in requests cut by bytes"
    )
    parser.add_argument("--no-instrument", action="store_true", help="switch no Instrumentor on")
    parser.add_argument("--no-ambient", action="store_true", help="do not record reads of clock, random, uuid, secrets and environment")
    parser.add_argument(
        "--env", metavar="NAME", action="append", default=[], help="environment variable whose reads are recorded; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print, as the last line, where the recording is and which runs it has")
    parser.add_argument("--quiet", action="store_true", help="do not say where the recording is")


def end_of_options(arguments: list[str]) -> int:
    """Find where our options end and the user's command begins."""
    at = 1
    while at < len(arguments):
        word = arguments[at]
        if word in ("--", "-m") or not word.startswith("-"):
            return at
        at += 2 if word in _WITH_VALUE else 1
    return at


def execute(options: argparse.Namespace) -> int:
    """Run the command; its exit code is ours, and its traceback its own."""
    from .. import lifecycle
    from ..errors import UsageError
    from ..recording import scripts
    from ..settings import AMBIENT_SOURCES

    command: list[str] = options.command
    module = command[:1] == ["-m"]
    if module:
        command = command[1:]
    if not command:
        raise UsageError("run: name a script, or -m and a module, as in: chronicle run agent.py")
    ambient = [] if options.no_ambient else [source for source in AMBIENT_SOURCES if source != "env" or options.env]
    scripts.check(command[0], module=module)
    lifecycle.init(
        options.path, instrument=not options.no_instrument, ambient=ambient, ambient_env=tuple(options.env), export=options.export
    )
    path: str | None = None
    endpoint: str | None = None
    try:
        lifecycle.run_script(command[0], command[1:], module=module)
        code = 0
    except SystemExit as exit_:
        code = _exit_code(exit_)
    except Exception as error:
        sys.excepthook(type(error), error.with_traceback(part := scripts.user_part(error.__traceback__)), part)
        code = 1
    finally:
        sys.stdout.flush()
        _wait_for_threads()
        lifecycle.flush()
        path, endpoint = lifecycle.recorded_file(), lifecycle.endpoint()
        lifecycle.shutdown()
    _tell(options, path, endpoint)
    return code


def _wait_for_threads() -> None:
    """Let the script's threads end first, as the interpreter does: what they cross is recorded too.

    Its first step is to tell the pools that nothing more comes. Without that the workers of one that nobody shut down, such as a
    library's own, wait for ever. At exit they are told once more, which finds them gone.
    """
    for name in ("concurrent.futures.process", "concurrent.futures.thread"):
        no_more = getattr(sys.modules.get(name), "_python_exit", None)  # what `threading` was given to call at exit
        if no_more is not None:
            no_more()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def _exit_code(exit_: SystemExit) -> int:
    if exit_.code is None or isinstance(exit_.code, int):
        return exit_.code or 0
    print(exit_.code, file=sys.stderr)
    return 1


def _tell(options: argparse.Namespace, path: str | None, endpoint: str | None) -> None:
    if options.json:
        import chronicle_otel as chronicle

        from .runs import facts

        found = chronicle.runs(path) if path is not None and os.path.exists(path) else []
        print_json(
            {
                "path": path,
                "endpoint": endpoint,
                **({"spans": _counts()} if endpoint is not None else {}),
                "runs": [facts(run) for run in found if run.resource.get("process.pid") in (None, os.getpid())],
            }
        )
    elif not options.quiet:
        shown = os.path.relpath(path) if path is not None else None
        text = f"recorded to {shown}" if shown else "nothing was recorded: the script crossed no boundary"
        if path is not None and not os.path.exists(path):
            text = f"nothing was recorded: {shown} could not be written"
        if endpoint is not None:
            text = _sent(endpoint) + (f", and {text}" if shown else "")
        print(f"chronicle: {safe(text)}", file=sys.stderr)


def _counts() -> dict[str, int]:
    """Return what became of the spans of this process."""
    from ..recording import meters

    return {"sent": meters.totals[meters.EXPORTED], "unsent": meters.totals[meters.UNSENT], "lost": meters.totals[meters.DROPPED]}


def _sent(endpoint: str) -> str:
    """Say what really reached the endpoint."""
    from ..settings import Settings

    counts = _counts()
    if not any(counts.values()):
        return f"nothing was sent to {endpoint}: no run was recorded (does a sampler drop them?)"
    if counts["sent"] and not counts["unsent"] and not counts["lost"]:
        return f"sent to {endpoint}"
    folder = Settings().unsent
    parts = [f"{counts['sent']} spans were sent to {endpoint}" if counts["sent"] else f"nothing arrived at {endpoint}"]
    if counts["unsent"]:
        parts.append(f"{counts['unsent']} spans are kept in {folder} (`chronicle send {folder}` posts them)")
    if counts["lost"]:
        parts.append(f"{counts['lost']} are lost")
    return ", ".join(parts)
