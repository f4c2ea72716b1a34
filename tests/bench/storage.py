"""`python -m tests.bench.storage`: bytes per Step, in every form in which a pipeline keeps them. docs/guides/scale.md quotes it.

agent with tools ──► file ──► collector ──► JSON lines, protobuf, each plain and with zstd
                       ├────► Tempo ──► its blocks on disk
                       └────► Jaeger ──► its memory
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import chronicle_otel as chronicle
from tests.bench import agents
from tests.pipeline.collector import BINARY, Collector
from tests.pipeline.servers import ROOT
from tests.pipeline.spans import wait_for
from tests.pipeline.stores import DOCKER, JAEGER, TEMPO, Jaeger, Tempo

STEPS = 2_000
"""About so many Steps are stored of each agent."""
_COLLECTOR = """
extensions: {{health_check: {{endpoint: "${{env:CHRONICLE_HEALTH}}"}}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: "${{env:CHRONICLE_HTTP}}"}}}}}}}}
exporters:
  file/json: {{path: {0}/json, format: json}}
  file/json-zstd: {{path: {0}/json-zstd, format: json, compression: zstd}}
  file/proto: {{path: {0}/proto, format: proto}}
  file/proto-zstd: {{path: {0}/proto-zstd, format: proto, compression: zstd}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [file/json, file/json-zstd, file/proto, file/proto-zstd]}}}}
"""


@chronicle.tool(name="place_order")
def place_order(at: int, note: str) -> str:
    return agents.turn((at, note))[1]["content"]


@chronicle.agent(name="converse")
def converse(turns: int, run: int) -> int:
    """So many turns: a model call that resends the history, and the tool that it asks for."""
    made, messages = agents.client(first=run * 1_000), agents.history(700, run)
    for at in range(turns):
        answer = made.chat.completions.create(model="gpt-4.1", messages=messages, tools=agents.TOOLS).choices[0].message
        arguments = json.loads(answer.tool_calls[0].function.arguments)  # type: ignore[index, union-attr]
        result = {"role": "tool", "tool_call_id": answer.tool_calls[0].id, "content": place_order(at, arguments["note"])}  # type: ignore[index]
        messages = [*messages, answer.model_dump(exclude_unset=True, exclude={"refusal"}), result]
    return len(messages)


def recorded(turns: int, path: Path) -> int:
    """Record runs of so many turns; return how many Steps they have."""
    steps = 1 + 2 * turns
    runs = round(STEPS / steps)
    chronicle.init(path)
    for run in range(runs):
        converse(turns, run)
    chronicle.shutdown()
    return runs * steps


def sizes(path: Path, folder: Path) -> Iterator[tuple[str, float]]:
    """Yield where, and the bytes that a recording takes there."""
    whole = path.read_bytes()
    yield "file of the recorder", len(whole)
    yield "the same, gzip", len(gzip.compress(whole, 6))
    yield "the same, zstd", _zstd(whole)
    if BINARY.exists():
        yield from _collector(path, folder / "collector")
    if TEMPO.exists():
        yield "Tempo, blocks on disk", _tempo(path, folder / "tempo")
    if JAEGER.exists():
        yield "Jaeger, memory", _jaeger(path, folder / "jaeger")


def _zstd(whole: bytes) -> int:
    import zstandard

    return len(zstandard.ZstdCompressor(3).compress(whole))


def _send(path: Path, port: int) -> None:
    command = [sys.executable, "-m", "chronicle_otel.cli", "send", "--again", str(path), "--endpoint", f"http://127.0.0.1:{port}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)


def _collector(path: Path, folder: Path) -> Iterator[tuple[str, float]]:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(_COLLECTOR.format(folder))
    with Collector(folder, folder / "config.yaml") as collector:
        _send(path, collector.http)
    for name, what in (
        ("json", "JSON lines"),
        ("json-zstd", "JSON, compression: zstd"),
        ("proto", "protobuf, as on the wire"),
        ("proto-zstd", "protobuf, compression: zstd"),
    ):
        yield f"the collector's file: {what}", (folder / name).stat().st_size


def _tempo(path: Path, folder: Path) -> int:
    """Bytes of the blocks, once no span is left in memory or in a log."""
    folder.mkdir(parents=True)
    config = (
        (DOCKER / "tempo.yaml").read_text().replace("  flush_check_period: 1s\n", "  flush_check_period: 1s\n  max_block_duration: 5s\n")
    )
    (folder / "tempo.yaml").write_text(config)
    with Tempo(folder, folder / "tempo.yaml") as tempo:
        _send(path, tempo.http)
        time.sleep(20)  # traces go to the log after two seconds, and the log becomes a block after five
        blocks = folder / "tempo" / "blocks"  # its backend; the live store keeps a second copy of the newest ones
        wait_for("Tempo has a block", lambda: any(blocks.rglob("data.parquet")))
        return sum(each.stat().st_size for each in blocks.rglob("*") if each.is_file())


def _jaeger(path: Path, folder: Path) -> int:
    with Jaeger(folder, GOGC="25", JAEGER_MAX_TRACES="100000") as jaeger:
        before = jaeger.peak_memory
        _send(path, jaeger.http)
        return jaeger.peak_memory - before


def main(*more: str) -> None:
    """Print a table: where, bytes per Step for each agent."""
    turns = [int(each) for each in more] or [20, 80]
    documents = "".join(each.read_text(encoding="utf-8") for each in sorted((ROOT / "docs").glob("*.md")))
    agents.WORDS[:] = sorted(set(re.findall(r"[A-Za-z]{3,}", documents)))  # some thousand words: what packs says something then
    table: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        for count in turns:
            folder = Path(name) / str(count)
            folder.mkdir()
            path = folder / "runs.jsonl"
            steps = recorded(count, path)
            for where, size in sizes(path, folder):
                table.setdefault(where, []).append(size / steps)
    print(f"| bytes per step | {' | '.join(f'{count} turns' for count in turns)} |\n|---|{'---:|' * len(turns)}")
    for where, found in table.items():
        print(f"| {where} | {' | '.join(f'{each:,.0f}' for each in found)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
