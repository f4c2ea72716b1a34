"""Servers of the pipeline as processes on free ports of the loopback: started, waited for, ended by their own process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
_given: set[int] = set()


def free_port() -> int:
    """Return a port of the loopback that nobody listens on and that was not given before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


class Server:
    """One server with its configuration; it may be stopped, killed and started again on the same ports."""

    ends_within = 20.0
    """Seconds that it has for ending by itself."""

    def __init__(self, name: str, folder: Path, command: Sequence[str | Path], environment: Mapping[str, str], health: str) -> None:
        """`environment`: all of it. `health`: the URL that answers 200 as soon as the server works."""
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{name}.log"
        self._name = name
        self.command = [str(part) for part in command]
        """What is started, from the next start on."""
        self._environment = dict(environment)
        self._health = health
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, patience: float = 60) -> None:
        """Start, and wait until it says that it is healthy; AssertionError with the end of its log if it does not."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self._health, timeout=1) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.stop()
        raise AssertionError(f"the {self._name} does not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    @property
    def peak_memory(self) -> int:
        """Return the most bytes that it has had in memory so far, as Linux counts them; 0 where nobody does."""
        status = Path(f"/proc/{self._process.pid}/status") if self._process is not None else Path("/nowhere")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)

    @property
    def processor_time(self) -> float:
        """Return the seconds of processor time that it has used so far, as Linux counts them; 0 where nobody does."""
        stat = Path(f"/proc/{self._process.pid}/stat") if self._process is not None else Path("/nowhere")
        if not stat.exists():
            return 0.0
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(self.ends_within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
