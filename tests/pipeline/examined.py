"""What tests of the doctor share: a collector of one hop, its configuration looked at, and a probe sent through it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chronicle_otel.doctor.checkup import checked
from chronicle_otel.doctor.diagnosis import Report
from chronicle_otel.doctor.examination import examined
from tests.conftest import environment

from .collector import Collector

FRONT = """
receivers: {otlp: {protocols: {http: {endpoint: "${env:CHRONICLE_HTTP}"}, grpc: {endpoint: "${env:CHRONICLE_GRPC}"}}}}
extensions: {health_check: {endpoint: "${env:CHRONICLE_HEALTH}"}}
exporters:
  file: {path: "${env:CHRONICLE_OUTPUT}", append: true, flush_interval: 100ms}
  otlp_grpc:
    endpoint: ${env:CHRONICLE_NEXT:-127.0.0.1:1}
    tls: {insecure: true}
    sending_queue:
      batch: {sizer: bytes, min_size: "${env:CHRONICLE_MIN:-100000}", max_size: "${env:CHRONICLE_MAX:-1500000}", flush_timeout: 500ms}
service:
  extensions: [health_check]
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [file]}}
"""
"""A collector without redactor: to a file, or by EXPORT to another one."""
EXPORT = "yaml:service::pipelines::traces::exporters: [otlp_grpc]"


def doctor(store: str | Path, endpoint: str, *options: str, code: int, **environ: str) -> dict[str, Any]:
    """Run `chronicle doctor --store` as a user does, and return its JSON."""
    command = [sys.executable, "-m", "chronicle_otel.cli", "doctor", "--store", str(store), "--json", *options]
    env = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **environ})
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr.startswith("chronicle: probe ")
    return json.loads(done.stdout)


def probed(store: str | Path, endpoint: str, *, wait: float = 5, small: bool = True, protocol: str = "http/protobuf") -> Report:
    """Do what `chronicle doctor --store` does, without a process of its own."""
    return examined(str(store), endpoint=endpoint, environ={"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}, wait=wait, small=small)


def found(report: Report) -> list[tuple[str, str]]:
    """Severity and kind of what a probe found."""
    return [(each.severity, each.kind) for each in report.diagnoses if each.severity != "ok"]


def sentence(report: Report, kind: str) -> str:
    """What a probe found of a kind, in words."""
    return " | ".join(str(each) for each in report.diagnoses if each.kind == kind and each.severity != "ok")


def harms(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["severity"], each["kind"]) for each in report["diagnoses"] if each["severity"] != "ok"]


def http(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def front(folder: Path, *more: str, **environment: str) -> Collector:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "front.yaml").write_text(FRONT)
    return Collector(folder, folder / "front.yaml", *more, **environment)


def named(*configs: Path) -> list[tuple[str, str]]:
    """Look at configurations as `chronicle doctor --config` does; severity and kind of what was found."""
    return found(checked(configs))


def said(kind: str, *configs: Path) -> str:
    """Everything that is said of a kind about some configurations."""
    return sentence(checked(configs), kind)


@dataclass(frozen=True, slots=True)
class Hop:
    """A collector that writes a file, or sends on; and the files that configure it."""

    collector: Collector
    configs: tuple[Path, ...]
    output: Path

    @property
    def http(self) -> str:
        """What agents export to."""
        return http(self.collector.http)


def hop(folder: Path, change: str = "", kind: type[Collector] = Collector, **environ: str) -> Hop:
    """Make a collector of one hop, with a change to FRONT: YAML that is merged as collectors merge."""
    folder.mkdir(parents=True, exist_ok=True)
    configs = (folder / "front.yaml", folder / "change.yaml")
    for path, text in zip(configs, (FRONT, change or "{}"), strict=True):
        path.write_text(text)
    output = folder / "spans.jsonl"
    return Hop(kind(folder, *configs, **{"CHRONICLE_OUTPUT": str(output), **environ}), configs, output)
