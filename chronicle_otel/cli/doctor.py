"""Say what damages recordings on their way, and which setting to change.

Without arguments it looks at this environment: OpenTelemetry's variables, what is installed, whether the OTLP endpoint answers.
With --config it looks at configuration files of a collector, Jaeger 2 or Tempo, without starting or asking anybody.
With --store it sends a probe to the OTLP endpoint of the environment, reads it back from there, and says what was lost between.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import arguments
from .terminal import paint, print_json, progress, safe, say

if TYPE_CHECKING:
    from ..doctor.diagnosis import Report

HELP = "say what damages recordings on their way, and which setting to change"
EXAMPLES = (
    "chronicle doctor",
    "chronicle doctor --config collector.yaml --config tempo.yaml",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 chronicle doctor --store jaeger://localhost:16686",
    "chronicle doctor --store tempo+https://tempo.example.com --endpoint https://otlp.example.com --small --wait 60",
)
_STYLES = {"error": "red", "warning": "yellow", "note": "cyan", "ok": "green"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="a collector's configuration (several are merged, as the collector does it), Jaeger's or Tempo's; may be repeated",
    )
    parser.add_argument(
        "--next", metavar="FILE", nargs="+", action="extend", default=[], help="the configuration of what that collector sends to"
    )
    parser.add_argument(
        "--store",
        metavar="SOURCE",
        help="send a probe and read it back from here: a store, as in tempo://HOST:3200, or the file a collector writes",
    )
    parser.add_argument("--endpoint", metavar="URL", help="where to send the probe to; default: what the environment says")
    parser.add_argument(
        "--wait", metavar="SECONDS", type=_seconds, default=30.0, help="how long to wait for the probe (30); longer than samplers wait"
    )
    parser.add_argument(
        "--small", action="store_true", help="a probe of 0.2 MB instead of 22 MB, without large spans: for those who count bytes"
    )
    parser.add_argument("--offline", action="store_true", help="ask nobody, not even whether the OTLP endpoint answers")
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Print what was found; 1 if something damages recordings."""
    from ..errors import UsageError

    if options.next and not options.config:
        raise UsageError("doctor: --next is about the hop behind --config: name that too")
    if options.store and (options.config or options.offline):
        raise UsageError("doctor: --store sends a probe; --config and --offline are for a look at files and settings, a call of their own")
    if not options.store and (options.endpoint or options.small):
        raise UsageError("doctor: --endpoint and --small are about the probe: name with --store where to read it back")
    report = _report(options)
    if options.json:
        print_json(tree_of(report))
    else:
        show(report)
    return 1 if report.harmful else 0


def _report(options: argparse.Namespace) -> Report:
    from ..doctor.diagnosis import Report

    if options.config:
        from ..doctor.checkup import checked

        return checked(options.config, options.next)
    if options.store:
        from ..doctor.examination import examined

        with _telling() as told:
            return examined(options.store, endpoint=options.endpoint, wait=options.wait, small=options.small, told=told)
    from ..doctor.environment import check_environment

    with progress("asking the endpoint"):
        return Report.of(check_environment(connect=not options.offline))


def _seconds(text: str) -> float:
    try:
        number = float(text.removesuffix("s"))
    except ValueError:
        number = 0.0
    if not 0 < number < 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return number


@contextlib.contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """Say on stderr how far it is: on a terminal in one line that goes away, else only what is said once."""
    if not sys.stderr.isatty():
        yield lambda text: print(f"chronicle: {text}", file=sys.stderr) if text.startswith("probe ") else None
        return
    yield lambda text: _rewrite(text)
    _rewrite("")


def _rewrite(text: str) -> None:
    sys.stderr.write(f"\r\x1b[K{safe(text)}" + ("\n" if text.startswith("probe ") else ""))
    sys.stderr.flush()


def tree_of(report: Report) -> dict[str, Any]:
    """A report as JSON."""
    return {
        "harmful": report.harmful,
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "diagnoses": [dataclasses.asdict(each) for each in report.diagnoses],
        "facts": report.facts,
    }


def show(report: Report) -> None:
    """Print a report."""
    for each in report.diagnoses:
        print(paint(f"{each.severity:<9}", _STYLES[each.severity]), end="")
        if each.severity == "ok":
            say(f"{each.where}: {each.what}")
            continue
        say(each.where)
        say(f"         {each.what}")
        if each.setting:
            say(f"         → {each.setting}")
    counts = [f"{number} {word}{'' if number == 1 else 's'}" for word in ("error", "warning") if (number := report.count(word))]
    say()
    say(" and ".join(counts) if counts else "nothing that damages recordings was found")
