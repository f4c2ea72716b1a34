"""The built collector as a process on free ports of the loopback, ended by its own process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
PIPELINES = ROOT / "collector-config" / "pipelines"
BINARY = Path(os.environ.get("CHRONICLE_TEST_COLLECTOR") or ROOT / "collector-config" / "build" / "chronicle-collector")
MISSING = f"the collector is not built: {BINARY} (make collector, or CHRONICLE_TEST_COLLECTOR=/path/to/it)"
KEY = "0" * 32


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Collector:
    """A collector with its configurations; it may be stopped, killed and started again on the same ports."""

    def __init__(self, folder: Path, *configs: str | Path, **environment: str) -> None:
        self.grpc, self.http, self.health = free_port(), free_port(), free_port()
        self.log = folder / "collector.log"
        self._configs = [str(config) for config in configs]
        self._environment = {
            **os.environ,
            "CHRONICLE_REDACTION_KEY": KEY,
            "CHRONICLE_GRPC": f"127.0.0.1:{self.grpc}",
            "CHRONICLE_HTTP": f"127.0.0.1:{self.http}",
            "CHRONICLE_HEALTH": f"127.0.0.1:{self.health}",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Collector:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait until it says that it is healthy."""
        arguments = [str(BINARY)]
        for config in self._configs:
            arguments += ["--config", config]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(arguments, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/", timeout=1) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.stop()
        raise AssertionError(f"the collector does not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
