"""Compare the two engines on damaged and wrapped corpus values.

python -m tests.redaction.parity BINARY [--count N] [--seed N]

BINARY is `redact-lines` of the collector processor: one JSON string a line in, one out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tests.redaction.corpus import other_prose, other_spans, prose, spans, threats
from tests.redaction.corpus.wrapping import LAYERS

NASTY = [
    '"',
    "\\",
    "\\u0040",
    "%40",
    "%2",
    "&#64;",
    "&",
    "@",
    "+",
    "-",
    ".",
    ":",
    "/",
    " ",
    "\n",
    "\t",
    "\u200b",
    "\u00ad",
    "\u00a0",
    "４",
    "а",
    "é",
    "連",
    "🙂",
    "0",
    "9",
    "{",
    "}",
    "[",
    "]",
    ",",
    "=",
    "_",
    "eyJ",
    "chr",
    "\ud800",
    "\x00",
    "\x7f",
]


def values(count: int, seed: int) -> Iterator[str]:
    """Yield corpus values, threats, and what becomes of them under random damage and wrapping."""
    source = random.Random(f"parity {seed}")
    pool = [case.given for case in threats.CASES if len(case.given) < 20_000]
    for generate in (spans.generate, other_spans.generate, prose.generate, other_prose.generate):
        pool += [sample.text for sample in generate(60, seed)]
    yield from pool
    for _ in range(count - len(pool)):
        text = source.choice(pool)
        for _ in range(source.randint(1, 4)):
            text = damaged(text, source)
        yield text


def damaged(text: str, source: random.Random) -> str:
    """Cut, double, disturb or wrap a text."""
    at = source.randrange(len(text) + 1)
    to = min(len(text), at + source.randrange(200))
    choice = source.randrange(6)
    if choice == 0:
        return text[at:to] or text
    if choice == 1:
        return text[:at] + text[to:]
    if choice == 2:
        return text[:at] + source.choice(NASTY) + text[at:]
    if choice == 3:
        return text[:at] + source.choice(NASTY) + text[at + 1 :]
    if choice == 4:
        return text[:at] + text[at:to] * 2 + text[to:]
    return source.choice(LAYERS)(text) if len(text) < 4000 else text[at:to]


def answers(binary: str, kind: str, texts: Sequence[str], key: str, tenant: str) -> list[str]:
    """Redact texts with the other engine."""
    done = subprocess.run(
        [binary, "--kind", kind, "--key-env", "PARITY_KEY", "--tenant", tenant],
        input="".join(json.dumps(text) + "\n" for text in texts),
        env={**os.environ, "PARITY_KEY": key},
        capture_output=True,
        text=True,
        check=True,
        timeout=3600,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def differences(binary: str, count: int, seed: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield kind, value and both answers wherever the engines differ."""
    from tests.redaction.engine import ENGINE, KEY

    texts = list(values(count, seed))
    for kind, redact in (("payload", ENGINE.payload), ("text", ENGINE.text)):
        other = answers(binary, kind, texts, KEY.decode(), "acme")
        assert len(other) == len(texts)
        for text, theirs in zip(texts, other):
            ours = redact(text)
            if ours != theirs:
                yield kind, text, ours, theirs


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the differences, at most 50 of them."""
    parser = argparse.ArgumentParser(description="Compare the two engines.")
    parser.add_argument("binary")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    found = list(differences(options.binary, options.count, options.seed))
    for kind, text, ours, theirs in found[:50]:
        at = next((i for i, (left, right) in enumerate(zip(ours, theirs)) if left != right), min(len(ours), len(theirs)))
        near = slice(max(0, at - 60), at + 60)
        print(f"{kind}\n  given  {text[:200]!r}\n  python {ours[near]!r}\n  go     {theirs[near]!r}")
    print(f"{len(found)} differences in {options.count} values, as payload and as text")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
