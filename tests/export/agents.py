"""An agent whose Steps are as large as one likes."""

from __future__ import annotations

import chronicle_otel as chronicle


@chronicle.tool(name="fetch")
def fetch(size: int, at: int = 0) -> str:
    return f"{at:08d}" + "x" * (size - 8)


@chronicle.agent(name="collect")
def collect(count: int, size: int) -> int:
    return sum(len(fetch(size, at)) for at in range(count))
