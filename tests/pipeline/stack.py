"""The stack of docker/ as plain processes: collector ──► Jaeger, Tempo, a file; with the configurations that compose mounts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .collector import BINARY, MISSING, PIPELINES, Collector
from .stores import JAEGER, NO_JAEGER, TEMPO, Jaeger, Tempo

MISSING_PARTS = "; ".join(why for binary, why in ((BINARY, MISSING), (JAEGER, NO_JAEGER)) if not binary.exists())
"""Why tests of the stack cannot run; empty if they can. Tempo may be missing: then its place stays empty."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs."""

    collector: Collector
    jaeger: Jaeger
    tempo: Tempo | None
    """None where no binary is named."""
    archive: Path
    """The file that the collector writes."""
    queue: Path

    @property
    def endpoint(self) -> str:
        """Return what agents export to, as `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://127.0.0.1:{self.collector.http}"


@contextlib.contextmanager
def stack(folder: Path) -> Iterator[Stack]:
    """Run the whole stack in a folder. Without a Tempo the collector has no exporter to it."""
    jaeger = Jaeger(folder / "jaeger")
    tempo = Tempo(folder / "tempo") if TEMPO.exists() else None
    archive, queue = folder / "archive" / "spans.jsonl", folder / "queue"
    places = {"CHRONICLE_ARCHIVE": str(archive), "CHRONICLE_QUEUE": str(queue), "CHRONICLE_JAEGER": f"127.0.0.1:{jaeger.grpc}"}
    configs: list[str | Path] = [PIPELINES / "stores.yaml"]
    if tempo is not None:
        places["CHRONICLE_TEMPO"] = f"127.0.0.1:{tempo.grpc}"
    else:
        configs.append("yaml:service::pipelines::traces::exporters: [file, otlp_grpc/jaeger]")
    with contextlib.ExitStack() as running:
        running.enter_context(jaeger)
        if tempo is not None:
            running.enter_context(tempo)
        collector = running.enter_context(Collector(folder / "collector", *configs, **places))
        yield Stack(collector, jaeger, tempo, archive, queue)
