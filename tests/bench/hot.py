"""Microseconds added to the caller's thread: per LLM call, per tool call, per stream chunk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import openai

import chronicle_otel as chronicle
from chronicle_otel.recording.interceptor import seam
from tests.bench import agents, reference
from tests.bench.stopwatch import Background, Layer, median_us

SIZES = {
    "1 KB": (1_000, 100, 16, 15),
    "10 KB": (10_000, 1_000, 16, 8),
    "100 KB": (100_000, 2_100, 16, 4),
    "1 MB": (1_000_000, 2_100, 12, 2),
}
"""Label → (bytes of history when measuring begins, bytes added per turn, measured calls per Run, Runs)."""
GROWTH = 4
"""Before measuring, each call of a Run brings this many times the history of the one before: an agent in its later turns."""


class SdkLayers:
    """Shims around what chronicle wraps in the SDK; made before the Instrumentor is on, closed after it."""

    def __init__(self) -> None:
        self._base: Any = openai._base_client  # type: ignore[attr-defined]
        self._http: Any = agents.library().Client
        self.request, self.build, self.send, self.create = Layer(), Layer(), Layer(), Layer()
        self._points = ((self._base.SyncAPIClient, "request", self.request), (self._base.BaseClient, "_build_request", self.build))
        for owner, name, layer in (*self._points, (self._http, "send", self.send)):
            assert not hasattr(getattr(owner, name), "__wrapped__"), "chronicle has wrapped the SDK already: measure this first"
            setattr(owner, name, layer.below(getattr(owner, name)))

    def close(self) -> None:
        """Put the upper shims on; the HTTP client's `send` must have been wrapped by a first call."""
        for owner, name, layer in (*self._points, (self._http, "send", self.send)):
            setattr(owner, name, layer.above(getattr(owner, name)))

    def take(self) -> int:
        return self.request.take() + self.build.take() + self.send.take()


def llm(folder: str) -> list[dict[str, Any]]:
    """Measure chat completions at each size of history: bare, with the reference recorder, and with chronicle, call by call."""
    layers = SdkLayers()
    chronicle.init(folder)
    made = agents.client()
    made.chat.completions.create(model="gpt-4.1", messages=agents.history(500, 0))  # type: ignore[arg-type]
    layers.close()
    recorder = seam.interceptor
    plain: Callable[..., Any] = layers.create.above(layers.create.below(made.chat.completions.create))
    naive: Callable[..., Any] = layers.create.above(reference.recorded(layers.create.below(made.chat.completions.create)))
    rows = []
    for label, (size, step, calls, runs) in SIZES.items():
        taken: dict[str, list[int]] = {"bare": [], "bare create": [], "reference": [], "chronicle": [], "sdk": []}

        behind = Background()

        @chronicle.agent(name="bench")
        def conversation(
            seed: int, size: int = size, step: int = step, calls: int = calls, taken: Any = taken, behind: Background = behind
        ) -> None:
            whole: Any = agents.history(size, seed)
            for part in reversed([len(whole) // GROWTH**power for power in range(8)]):
                plain(model="gpt-4.1", messages=whole[: max(2, part)], tools=agents.TOOLS)
            messages = whole
            chronicle.flush()
            behind.begin()
            for at in range(calls):
                for mode in ("bare", "reference", "chronicle"):
                    seam.interceptor = recorder if mode == "chronicle" else None
                    layers.take(), layers.create.take()
                    began = time.thread_time_ns()
                    (naive if mode == "reference" else plain)(model="gpt-4.1", messages=messages, tools=agents.TOOLS)
                    spent = time.thread_time_ns() - began
                    used, outer = layers.take(), layers.create.take()
                    taken[mode].append(outer if mode == "reference" else used)
                    if mode == "bare":
                        taken["bare create"].append(outer)
                        taken["sdk"].append(spent)
                messages = [*messages, *agents.turn((seed, at), step)]
            seam.interceptor = recorder
            behind.end(chronicle.flush)

        conversation(-1)  # warm: source digests, caches
        chronicle.flush()
        for series in taken.values():
            series.clear()
        behind.ns = 0
        for seed in range(runs):
            conversation(seed)
        hot = median_us(taken["chronicle"]) - median_us(taken["bare"])
        rows.append(
            {
                "what": f"LLM call, {label} of history",
                "bare": median_us(taken["sdk"]),
                "reference": median_us(taken["reference"]) - median_us(taken["bare create"]),
                "chronicle": hot,
                "process": hot + behind.ns / 1000 / (calls * runs),
            }
        )
    chronicle.shutdown()
    return rows


def brought(folder: str, size: int = 1_000_000, runs: int = 6) -> dict[str, Any]:
    """Measure Runs of one call that bring a long history, as a chat server's do: nothing of it is known in the Run, all is written."""
    chronicle.init(folder)
    made = agents.client()
    messages: Any = agents.history(size, "brought")
    taken: list[int] = []

    @chronicle.agent(name="bench")
    def run() -> None:
        began = time.thread_time_ns()
        made.chat.completions.create(model="gpt-4.1", messages=messages, tools=agents.TOOLS)
        taken.append(time.thread_time_ns() - began)

    run()
    chronicle.flush()
    taken.clear()
    behind = Background()
    behind.begin()
    for _ in range(runs):
        run()
    behind.end(chronicle.flush)
    chronicle.shutdown()
    whole = median_us(taken)
    return {
        "what": "a Run of one LLM call that brings 1 MB",
        "bare": whole,
        "reference": None,
        "chronicle": None,
        "process": behind.ns / 1000 / runs,
    }


def tool(folder: str) -> dict[str, Any]:
    """Measure a decorated tool with about 500 bytes in and out, inside a Run."""
    given = {"symbol": "ACME", "note": agents.text(440, "in"), "limits": [1, 2.5, None, True]}
    gives = {"status": "filled", "text": agents.text(450, "out"), "quantity": 5}

    def place(order: dict[str, Any]) -> dict[str, Any]:
        return dict(gives, symbol=order["symbol"])

    chronicle.init(folder)
    ways: dict[str, Any] = {"bare": place, "reference": reference.recorded(place), "chronicle": chronicle.tool(name="place")(place)}
    taken: dict[str, list[int]] = {way: [] for way in ways}
    rounds, block = 40, 50

    @chronicle.agent(name="bench")
    def run() -> None:
        for _ in range(rounds):
            for way, function in ways.items():
                began = time.thread_time_ns()
                for _ in range(block):
                    function(given)
                taken[way].append((time.thread_time_ns() - began) // block)

    run()
    for series in taken.values():
        series.clear()
    chronicle.flush()
    behind = Background()
    behind.begin()
    run()
    behind.end(chronicle.flush)
    chronicle.shutdown()
    bare = median_us(taken["bare"])
    hot = median_us(taken["chronicle"]) - bare
    return {
        "what": "tool call, 500 B in and out",
        "bare": bare,
        "reference": median_us(taken["reference"]) - bare,
        "chronicle": hot,
        "process": hot + behind.ns / 1000 / (rounds * block),
    }


def chunk(folder: str, count: int = 500) -> dict[str, Any]:
    """Measure what each chunk of a stream adds: a stream of `count` of them, less one of five, whose call has rows of its own."""
    long, long_behind = _streamed(folder, count)
    short, short_behind = _streamed(folder, _FEW)
    each = {way: (long[way] - short[way]) / (count - _FEW) for way in long}
    behind = (long_behind - short_behind) / (count - _FEW)
    return {
        "what": f"stream chunk, of {count} (reference: parse each, join the texts)",
        "bare": each["bare"],
        "reference": each["reference"] - each["bare"],
        "chronicle": each["chronicle"] - each["bare"],
        "process": each["chronicle"] - each["bare"] + behind,
    }


_FEW = 5
"""Chunks of the short stream: what repeats is known by then."""


def _streamed(folder: str, count: int, rounds: int = 60) -> tuple[dict[str, float], float]:
    """Return µs of reading a stream of the SDK, by who records it, and of the other threads for chronicle.

    It is read as bytes, so that the SDK's parser (80 µs a chunk) does not hide what is measured.
    """
    chronicle.init(folder)
    made = agents.client(stream=agents.sse(count))
    recorder = seam.interceptor
    taken: dict[str, list[int]] = {"bare": [], "reference": [], "chronicle": []}

    @chronicle.agent(name="bench")
    def run(rounds: int) -> None:
        for _ in range(rounds):
            for way, spent in taken.items():
                seam.interceptor = recorder if way == "chronicle" else None
                with made.chat.completions.with_streaming_response.create(model="m", messages=[], stream=True) as response:
                    began = time.thread_time_ns()
                    if way == "reference":
                        reference.streamed(response.iter_bytes())
                    else:
                        for _ in response.iter_bytes():
                            pass
                    spent.append(time.thread_time_ns() - began)
        seam.interceptor = recorder

    run(2)
    chronicle.flush()
    for spent in taken.values():
        spent.clear()
    behind = Background()
    behind.begin()
    run(rounds)
    behind.end(chronicle.flush)
    chronicle.shutdown()
    return {way: median_us(spent) for way, spent in taken.items()}, behind.ns / 1000 / rounds
