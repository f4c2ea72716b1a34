"""The reference of the command line as Markdown, made from the parsers: `python -m chronicle_otel.cli.reference [--check] FILE`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from . import EXIT_CODES, VERBS, build_parser

_HEAD = """# Command line

<!-- Written by `make docs` from the parsers; `make check` compares. -->

`chronicle VERB …`; every verb has `--help`, and `--json` for output that a program reads. Errors are one line on stderr.
Colour is for terminals only, and never where `NO_COLOR` is set.

"""


def reference() -> str:
    """Return the whole page."""
    _, verbs = build_parser()
    return _HEAD + _exit_codes() + "".join("\n".join(_verb(name, parser)) for name, parser in verbs.items())


def _exit_codes() -> str:
    rows = [line.split(maxsplit=1) for line in EXIT_CODES.splitlines()[1:]]
    return "| exit code | meaning |\n| --- | --- |\n" + "".join(f"| {code} | {meaning} |\n" for code, meaning in rows) + "\n"


def _verb(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## chronicle {name}\n"
    yield f"{(parser.description or '').strip()}\n"
    yield "```console"
    yield from (f"$ {line}" for line in VERBS[name].EXAMPLES)
    yield "```\n"
    yield "| argument | meaning |"
    yield "| --- | --- |"
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]  # argparse has no public list of them
        if not isinstance(action, argparse._HelpAction):  # pyright: ignore[reportPrivateUsage]
            yield f"| {_signature(action)} | {(action.help or '').replace('|', '&#124;')} |"
    yield "\n"


def _signature(action: argparse.Action) -> str:
    value = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper())
    if not action.option_strings:
        return f"`{value}`"
    names = ", ".join(action.option_strings)
    return f"`{names}`" if action.nargs == 0 else f"`{names} {value}`"


def main(arguments: list[str]) -> int:
    """Write the page, or with --check compare it with the file."""
    path = Path(arguments[-1])
    text = reference().rstrip() + "\n"
    if "--check" in arguments:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return 0
        print(f"{path} is not what the parsers say: run make docs", file=sys.stderr)
        return 1
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
