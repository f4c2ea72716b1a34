"""The built collector as a process, with the configurations that ship."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import ClassVar

from .servers import ROOT, Server, free_port

__all__ = ["BINARY", "KEY", "MISSING", "NO_STOCK", "PIPELINES", "ROOT", "STOCK", "Collector", "StockCollector", "free_port"]

PIPELINES = ROOT / "collector-config" / "pipelines"
BINARY = Path(os.environ.get("CHRONICLE_TEST_COLLECTOR") or ROOT / "collector-config" / "build" / "chronicle-collector")
MISSING = f"the collector is not built: {BINARY} (make collector, or CHRONICLE_TEST_COLLECTOR=/path/to/it)"
STOCK_SCRIPT = ROOT / "scripts" / "stock-collector"


def _stock() -> Path:
    """Where the collector of stock parts is, or would be: its script knows."""
    named = os.environ.get("CHRONICLE_TEST_STOCK_COLLECTOR")
    if named or not STOCK_SCRIPT.exists():
        return Path(named or "/no/stock-collector")
    return Path(subprocess.run([STOCK_SCRIPT, "--path"], check=True, capture_output=True, text=True).stdout.strip())


STOCK = _stock()
NO_STOCK = f"the collector of stock parts is not built: {STOCK} (make stock-collector, or CHRONICLE_TEST_STOCK_COLLECTOR=/path/to/it)"
KEY = "0" * 32


class Collector(Server):
    """A collector with its configurations; keywords are environment variables."""

    binary: ClassVar[Path] = BINARY

    def __init__(self, folder: Path, *configs: str | Path, **environment: str) -> None:
        self.grpc, self.http, self.health = free_port(), free_port(), free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "redaction.key").write_text(KEY)
        command: list[str | Path] = [self.binary]
        for config in configs:
            command += ["--config", config]
        addresses = {
            "CHRONICLE_REDACTION_KEY": KEY,
            "CHRONICLE_REDACTION_KEY_FILE": str(folder / "redaction.key"),
            "CHRONICLE_GRPC": f"127.0.0.1:{self.grpc}",
            "CHRONICLE_HTTP": f"127.0.0.1:{self.http}",
            "CHRONICLE_HEALTH": f"127.0.0.1:{self.health}",
        }
        super().__init__("collector", folder, command, {**os.environ, **addresses, **environment}, f"http://127.0.0.1:{self.health}/")


class StockCollector(Collector):
    """One with the processors that people have, and none of ours."""

    binary = STOCK
