"""Check a redaction policy, say in words what it does, or try it on texts. FILE may be `default`, the policy that ships.

`test` uses a key that it forgets: the stand-ins differ each time, what is found does not.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from .terminal import print_json, say

HELP = "check, explain or try a redaction policy"
EXAMPLES = (
    "chronicle policy check policy.yaml",
    "chronicle policy explain default",
    'chronicle policy test policy.yaml "write to maria@kestrel.de"',
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=("check", "explain", "test"), help="what to do")
    parser.add_argument("file", metavar="FILE", help="a policy, or default")
    parser.add_argument("texts", metavar="TEXT", nargs="*", help="for test: texts or JSON payloads; none: lines of standard input")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def execute(options: argparse.Namespace) -> int:
    """Do it; a policy that is refused is an error that names file, line and field."""
    from ..redaction import Redactor, load_policy
    from ..redaction.explaining import explain

    policy = load_policy(options.file)
    if options.action == "explain":
        print_json(dict(policy.tree)) if options.json else say("\n".join(explain(policy)))
        return 0
    redactor = Redactor(policy, secrets.token_bytes(32))
    if options.action == "check":
        print_json({"id": policy.id}) if options.json else say(f"ok, policy {policy.id}")
        return 0
    for text in options.texts or (line.rstrip("\n") for line in sys.stdin):
        matches = redactor.find(text)
        redacted = redactor.payload(text)
        if options.json:
            found = [{"type": m.type, "rule": m.rule, "action": m.action, "start": m.start, "end": m.end} for m in matches]
            print_json({"matches": found, "redacted": redacted})
        else:
            say(redacted)
            for m in matches:
                say(f"  {m.type}: {text[m.start : m.end]} ({m.rule}, {m.action})")
    return 0
