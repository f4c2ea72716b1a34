"""Arguments that several verbs take, under the same names and in the same order."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..reading import Search
    from ..redaction import Redactor

SOURCE = "recording: a file of OTLP, a folder of them, - for stdin, or a store, as in jaeger://HOST:16686/TRACE_ID (docs/sources.md)"


def add_source(parser: argparse.ArgumentParser) -> None:
    """SOURCE and --run."""
    parser.add_argument("source", metavar="SOURCE", help=SOURCE)
    add_run(parser)


def add_run(parser: argparse.ArgumentParser) -> None:
    """--run."""
    parser.add_argument("--run", metavar="ID", help="run id or the beginning of one, or a trace id; needed where the source holds several")


def add_search(parser: argparse.ArgumentParser) -> None:
    """The arguments that choose Runs."""
    parser.add_argument("--since", metavar="WHEN", help="runs that started then or later: 2h, 7d ago, or a time in UTC")
    parser.add_argument("--until", metavar="WHEN", help="runs that started then or earlier")
    parser.add_argument("--service", metavar="NAME", help="runs of this service.name")
    parser.add_argument("--session", metavar="KEY=VALUE", action="append", help="runs with this session variable; may be repeated")
    parser.add_argument("--errors", action="store_true", help="runs in which a step failed")
    parser.add_argument(
        "--tag", metavar="KEY=VALUE", action="append", help="runs with a step that has this span or resource attribute; may be repeated"
    )
    parser.add_argument("--limit", metavar="N", type=int, help="the newest N; a store is asked for so many traces, 50 by default")


def search_of(options: argparse.Namespace) -> Search:
    """What these arguments choose."""
    from ..reading import Search

    return Search.of(
        since=options.since,
        until=options.until,
        service=options.service,
        session=options.session,
        errors=options.errors,
        tags=options.tag,
        limit=options.limit,
        where="--",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def add_replay(parser: argparse.ArgumentParser) -> None:
    """Everything that says how a Run is replayed."""
    parser.add_argument("--entry", metavar="MODULE:FUNCTION", help="what to call with the recorded arguments; default: the recorded entry")
    parser.add_argument(
        "--provide",
        metavar="PARAMETER=MODULE:FACTORY",
        action="append",
        default=[],
        help="make an argument of the entry that no recording can hold, such as a connection; may be repeated",
    )
    parser.add_argument(
        "--live",
        metavar="WHAT",
        action="append",
        default=[],
        help="execute these boundaries: a kind, kind:glob, or changed; may be repeated",
    )
    parser.add_argument(
        "--assert", dest="assertion", metavar="EXPR", help="true where the run does no harm, over the run's steps and output"
    )
    parser.add_argument(
        "--ignore", metavar="PATH", action="append", default=[], help="input member that differs by nature, as a dotted path"
    )
    parser.add_argument("--on-divergence", choices=("continue", "stop"), default="continue", help="report all, or stop at the first")
    parser.add_argument("--strict", action="store_true", help="count differences that are only times and ids as divergences")
    parser.add_argument("--freeze", action="store_true", help="set the clock to the recorded start and seed random")
    parser.add_argument(
        "--pace", choices=("instant", "recorded"), default="instant", help="yield streams at once, or as fast as they were recorded"
    )
    parser.add_argument("--allow-net", metavar="HOST[:PORT]", action="append", default=[], help="let the replay connect to this host")
    parser.add_argument("--allow-effects", action="store_true", help="let --live name effects: they act on the world")


def add_key(parser: argparse.ArgumentParser, *, default: str, tenant: str = "the policy's default tenant") -> None:
    """--policy, --key-env, --key-file and --tenant; `default` says what happens without a key."""
    parser.add_argument("--policy", metavar="FILE", help="redaction policy; default: the one that ships")
    parser.add_argument("--key-env", metavar="NAME", help=f"environment variable that holds the redaction key; default: {default}")
    parser.add_argument("--key-file", metavar="FILE", help="file that holds the redaction key")
    parser.add_argument("--tenant", metavar="NAME", help=f"whose pseudonyms; default: {tenant}")


def redactor_of(options: argparse.Namespace) -> Redactor:
    """Make the Redactor that these arguments name. UsageError says what is missing."""
    from ..redaction import Redactor, load_policy
    from ..redaction.keys import key_name, read_key

    policy = load_policy(options.policy)
    tenant = options.tenant if options.tenant is not None else policy.tree["tenant"]["default"]
    name = key_name(options.key_env, options.key_file)
    return Redactor(policy, read_key(options.key_env, options.key_file), tenant, key_name=name)


def provided(options: argparse.Namespace) -> dict[str, str]:
    """The parameters of --provide, by name."""
    from ..errors import UsageError

    found: dict[str, str] = {}
    for word in options.provide:
        name, equals, factory = word.partition("=")
        if not equals or ":" not in factory:
            raise UsageError(f"--provide {word}: write PARAMETER=MODULE:FACTORY, as in store=shop.stores:memory_store")
        found[name] = factory
    return found


def replay_options(options: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments of `chronicle.replay` and `replaying`, without the entry."""
    return {
        "live": options.live,
        "assertion": options.assertion,
        "ignore": options.ignore,
        "on_divergence": options.on_divergence,
        "strict": options.strict,
        "freeze": options.freeze,
        "pace": options.pace,
        "allow_net": options.allow_net,
        "allow_effects": options.allow_effects,
    }
