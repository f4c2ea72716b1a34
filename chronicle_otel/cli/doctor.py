"""Say what damages recordings on their way, and which setting to change.

Without arguments it looks at this environment: OpenTelemetry's variables, what is installed, whether the OTLP endpoint answers.
With --config it looks at configuration files of a collector, Jaeger 2 or Tempo, without starting or asking anybody.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from . import arguments
from .terminal import paint, print_json, progress, say

if TYPE_CHECKING:
    from ..doctor.diagnosis import Report

HELP = "say what damages recordings on their way, and which setting to change"
EXAMPLES = (
    "chronicle doctor",
    "chronicle doctor --config collector.yaml --config tempo.yaml",
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
    parser.add_argument("--offline", action="store_true", help="ask nobody, not even whether the OTLP endpoint answers")
    arguments.add_json(parser)


def execute(options: argparse.Namespace) -> int:
    """Print what was found; 1 if something damages recordings."""
    from ..errors import UsageError

    if options.next and not options.config:
        raise UsageError("doctor: --next is about the hop behind --config: name that too")
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
    from ..doctor.environment import check_environment

    with progress("asking the endpoint"):
        return Report.of(check_environment(connect=not options.offline))


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
