"""A real Jaeger and a real Tempo as processes, with the configurations of docker/."""

from __future__ import annotations

import os
from pathlib import Path

from .servers import ROOT, Server, free_port

DOCKER = ROOT / "docker"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
JAEGER = Path(os.environ.get("CHRONICLE_TEST_JAEGER") or _CACHE / "chronicle-otel" / "jaeger-v1.76.0" / "jaeger")
NO_JAEGER = f"Jaeger is not built: {JAEGER} (make jaeger, or CHRONICLE_TEST_JAEGER=/path/to/it)"
TEMPO = Path(os.environ.get("CHRONICLE_TEST_TEMPO") or "/CHRONICLE_TEST_TEMPO/is/not/set")
NO_TEMPO = "CHRONICLE_TEST_TEMPO does not name a Tempo binary (go build -mod=vendor ./cmd/tempo in its repository at v3.0.3)"


class Jaeger(Server):
    """Jaeger with its store in memory."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.grpc, self.http, self.query, self.query_grpc, self.health = (free_port() for _ in range(5))
        self.url = f"http://127.0.0.1:{self.query}"
        settings = {
            "JAEGER_UI_CONFIG": str(DOCKER / "jaeger-ui.json"),
            "JAEGER_GRPC": f"127.0.0.1:{self.grpc}",
            "JAEGER_HTTP": f"127.0.0.1:{self.http}",
            "JAEGER_QUERY": f"127.0.0.1:{self.query}",
            "JAEGER_QUERY_GRPC": f"127.0.0.1:{self.query_grpc}",
            "JAEGER_HEALTH": f"127.0.0.1:{self.health}",
        }
        command = [JAEGER, "--config", DOCKER / "jaeger.yaml"]
        super().__init__("jaeger", folder, command, {**os.environ, **settings, **environment}, f"http://127.0.0.1:{self.health}/status")


class Tempo(Server):
    """Tempo with its blocks in a folder; `config` for another configuration, as the stock one."""

    ends_within = 3.0  # once it has answered a query, 3.0.3 does not end by itself; what it holds is on disk after a moment

    def __init__(self, folder: Path, config: Path = DOCKER / "tempo.yaml", **environment: str) -> None:
        self.grpc, self.http, self.port, internal, gossip = (free_port() for _ in range(5))
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {
            "TEMPO_DATA": str(folder / "tempo"),
            "TEMPO_PORT": str(self.port),
            "TEMPO_INTERNAL_PORT": str(internal),
            "TEMPO_GOSSIP_PORT": str(gossip),
            "TEMPO_GRPC": f"127.0.0.1:{self.grpc}",
            "TEMPO_HTTP": f"127.0.0.1:{self.http}",
            "TEMPO_CUTOFF": "1s",
        }
        command = [TEMPO, f"-config.file={config}", "-config.expand-env=true"]
        super().__init__("tempo", folder, command, {**os.environ, **settings, **environment}, f"{self.url}/ready")
