"""`python -m tests.bench`: everything measured, as Markdown. How: see each module; figures are medians, of this machine."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

import openai

from tests.bench import export, hot, stall, stored


def _us(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _kb(size: float) -> str:
    return f"{size / 1000:,.1f} KB" if size < 1e6 else f"{size / 1e6:,.2f} MB"


def main() -> None:
    print(f"Python {platform.python_version()}, openai {openai.__version__}, {os.cpu_count()} cores. Thread CPU in µs.\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("| added per | bare call | span + json.dumps | chronicle | ratio | with background thread |\n|---|---:|---:|---:|---:|---:|")
        calls = hot.llm(str(folder / "llm"))  # first: its shims go below what chronicle wraps in the SDK
        for row in [*calls, *(measure(str(folder / measure.__name__)) for measure in (hot.brought, hot.tool, hot.chunk))]:
            ratio = f"{row['chronicle'] / row['reference']:.2f}" if row["reference"] else ""
            cells = (_us(row["bare"]), _us(row["reference"]), _us(row["chronicle"]), ratio, _us(row["process"]))
            print(f"| {row['what']} | {' | '.join(cells)} |")
            sys.stdout.flush()
        print("\n| turns of an agent | stored | whole histories | each message once | growth |\n|---:|---:|---:|---:|---:|")
        before = None
        for turns, size, whole, once in stored.growth(folder / "growth"):
            print(f"| {turns} | {_kb(size)} | {_kb(whole)} | {_kb(once)} | {f'{size / before:.2f} times' if before else ''} |")
            before = size
        raw, payload, file = stored.streamed(folder / "stream")
        print(f"\nA stream of 500 chunks: {_kb(raw)} of events, {_kb(payload)} as payload, {_kb(file)} as a file.\n")
        print("| replayed | bare | replay |\n|---|---:|---:|")
        for what, bare, replay in stored.replayed(folder / "replay"):
            print(f"| {what} | {bare:.1f} ms | {replay:.1f} ms |")
        size, speed, resolved = stored.loaded(folder / "load")
        print(f"\nLoading {size:.0f} MB of OTLP JSON lines: {speed:.0f} MB/s; request bodies resolved: {resolved:.0f} MB/s.")
    _exports()


def _exports() -> None:
    print("\n| export | | spans/s | µs CPU per span | lost in a burst |\n|---|---|---:|---:|---:|")
    for protocol, size, *both in export.rows():
        for who, figures in zip(("OpenTelemetry", "chronicle"), both, strict=True):
            cells = (f"{figures['speed']:,.0f}", _us(figures["cpu"]), f"{figures['lost']:.0%}")
            print(f"| {protocol}, {size // 1000} KB | {who} | {' | '.join(cells)} |")
            sys.stdout.flush()
    print()
    for line in stall.table():
        print(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
