"""Measure the redactor with the default policy on the labelled corpora, as Markdown.

python -m tests.redaction.quality [--count N] [--seed N] [--examples]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence

from tests.redaction import judging
from tests.redaction.corpus import other_prose, other_spans, prose, spans
from tests.redaction.corpus.labelling import KINDS, Sample
from tests.redaction.engine import ENGINE
from tests.redaction.verdicts import failures

LABELLED: dict[str, Callable[[int, int], Iterable[Sample]]] = {
    "agent spans": spans.generate,
    "prose": prose.generate,
    "agent spans, held out": other_spans.generate,
    "prose, held out": other_prose.generate,
}
FREE: dict[str, Callable[[int, int], Iterable[Sample]]] = {
    "spans": lambda count, seed: spans.generate(count, seed, personal=False),
    "spans full of URLs": lambda count, seed: spans.generate(count, seed, personal=False, urls=True),
    "prose": lambda count, seed: prose.generate(count, seed, personal=False),
    "spans, held out": lambda count, seed: other_spans.generate(count, seed, personal=False),
    "prose, held out": lambda count, seed: other_prose.generate(count, seed, personal=False),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Quality of the default policy.")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", action="store_true", help="list what was missed, wrong or damaged")
    options = parser.parse_args(arguments)
    found(options.count, options.seed, options.examples)
    harm(options.count, options.seed, options.examples)
    threats()
    speed(options.seed)


def found(count: int, seed: int, examples: bool) -> None:
    """Precision and coverage of each corpus, by kind of value."""
    print("| corpus | all P / C | " + " | ".join(KINDS) + " |\n" + "| --- " * (len(KINDS) + 2) + "|")
    notes: list[str] = []
    for name, generate in LABELLED.items():
        total = judging.score(ENGINE, generate(count, seed))
        cells = [
            f"{total.precision(kind):.3f} / {total.coverage(kind):.3f}" if total.gold[kind] + total.predicted[kind] else "–"
            for kind in KINDS
        ]
        print(f"| {name} | {total.precision():.4f} / {total.coverage():.4f} | " + " | ".join(cells) + " |")
        notes += [f"- {name}: missed {kind}: `{text}` ({origin})" for kind, text, origin in total.missed[:40]]
        notes += [f"- {name}: wrong {kind}: `{text}` ({origin})" for kind, text, origin in total.wrong[:40]]
    if examples:
        print("\n" + "\n".join(notes))


def harm(count: int, seed: int, examples: bool) -> None:
    """What changes that should not."""
    print(
        "\n| corpus | changed | broken or reshaped | values left | changed outside finds | changed by a second pass |\n"
        + "| --- " * 6
        + "|"
    )
    notes: list[str] = []
    for name, generate in (LABELLED | {f"free of personal data: {name}": generate for name, generate in FREE.items()}).items():
        total = judging.damage(ENGINE, generate(count, seed))
        counts = [total.broken, total.left, total.disturbed, total.restless]
        print(f"| {name} | {total.changed / total.seen:.1%} | " + " | ".join(str(len(items)) for items in counts) + " |")
        notes += [f"- {name}: broken: {origin}" for origin in sorted(set(total.broken))]
        notes += [f"- {name}: left: `{value}` ({origin})" for value, origin in total.left[:20]]
        notes += [f"- {name}: changed outside finds: {origin}" for origin in sorted(set(total.disturbed))]
        notes += [f"- {name}: restless: {origin}" for origin in sorted(set(total.restless))]
    for name, generate in FREE.items():
        wrong = judging.score(ENGINE, generate(count, seed)).wrong
        notes += [f"- free {name}: {kind}: `{text}` ({origin})" for kind, text, origin in wrong[:30]]
    if examples:
        print("\n" + "\n".join(notes))


def threats() -> None:
    """Adversarial cases that fail."""
    failed = failures(ENGINE)
    print(f"\nAdversarial cases that fail: {len(failed)}\n")
    for name, reasons in failed.items():
        print(f"- {name}: {'; '.join(reasons)}")


def speed(seed: int) -> None:
    """Megabytes per second on one core, on payloads of at least 2 KB."""
    print("\n| payloads | MB/s |\n| --- | --- |")
    for name, samples in {
        "personal": spans.generate(120, seed),
        "free of personal data": spans.generate(120, seed, personal=False),
    }.items():
        texts = [sample.text for sample in samples if len(sample.text) >= 2000]
        size = sum(len(text.encode()) for text in texts)
        began = time.perf_counter()
        for text in texts:
            ENGINE.payload(text)
        print(f"| {name} | {size / (time.perf_counter() - began) / 1e6:.1f} |")


if __name__ == "__main__":
    main()
