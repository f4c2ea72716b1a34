"""Bytes that a Run leaves behind, and the time to read and to replay it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import chronicle_otel as chronicle
from tests.bench import agents


def _file(folder: Path) -> Path:
    return next(path for path in folder.iterdir() if path.is_file())


def _converse(made: Any, turns: int) -> int:
    """Run an agent of so many turns; returns the bytes that a recorder of whole histories would store, as JSON strings."""
    messages: Any = agents.history(700, "stored")
    whole = 0
    for at in range(turns):
        raw = made.chat.completions.with_raw_response.create(model="gpt-4.1", messages=messages, tools=agents.TOOLS)
        whole += (
            len(json.dumps(raw.http_request.content.decode()))
            + len(json.dumps(raw.text if isinstance(raw.text, str) else raw.text()))
            + 700
        )
        message = raw.parse().choices[0].message.model_dump(exclude_unset=True, exclude={"refusal"})
        messages = [*messages, message, agents.turn((at + 1,))[1]]
    return whole


@chronicle.agent(name="converse")
def converse(turns: int) -> int:
    return _converse(agents.client(), turns)


def growth(folder: Path) -> list[tuple[int, int, int, int]]:
    """Turns, bytes stored, bytes of whole histories, bytes of each message once."""
    rows = []
    for turns in (5, 20, 80, 320):
        place = folder / str(turns)
        chronicle.init(place)
        whole = converse(turns)
        chronicle.shutdown()
        once = (
            sum(len(agents.answer(at)) + len(json.dumps(agents.turn((at,))[1])) for at in range(turns))
            + 700
            + len(json.dumps(agents.TOOLS))
        )
        rows.append((turns, _file(place).stat().st_size, whole, once))
    return rows


@chronicle.agent(name="listen")
def listen(count: int) -> int:
    return sum(1 for _ in agents.client(stream=agents.sse(count)).chat.completions.create(model="m", messages=[], stream=True))


def streamed(folder: Path, count: int = 500) -> tuple[int, int, int]:
    """Bytes of the events, of the stream's payload, and of the whole file of a Run with one stream."""
    chronicle.init(folder)
    listen(count)
    chronicle.shutdown()
    step = chronicle.load(folder).calls("openai.chat.completions")[0]
    payload = len(json.dumps(step.tree("chronicle.stream"), ensure_ascii=False, separators=(",", ":")).encode())
    return sum(map(len, agents.sse(count))), payload, _file(folder).stat().st_size


@chronicle.llm(name="bench.model")
def model(prompt: str) -> str:
    return "answer to " + prompt


@chronicle.agent(name="ask_100")
def ask_100() -> list[str]:
    return [model(f"question {n}") for n in range(100)]


@chronicle.agent(name="call_100")
def call_100() -> int:
    made = agents.client()
    return sum(len(made.chat.completions.create(model="m", messages=[{"role": "user", "content": f"q{n}"}]).choices) for n in range(100))


def replayed(folder: Path) -> list[tuple[str, float, float]]:
    """What, ms to run the 100 calls bare, ms to replay them; the best of five."""
    rows = []
    for what, code in (("100 model functions", ask_100), ("100 calls of the SDK", call_100)):
        place = folder / code.__name__
        chronicle.init(place)
        code()
        chronicle.shutdown()
        run = chronicle.load(place)

        def replay(run: Any = run, code: Any = code) -> None:
            with chronicle.replaying(run) as replaying:
                code()
            assert replaying.result.verdict == "reproduced", str(replaying.result)

        rows.append((what, _best(code), _best(replay)))
    return rows


def loaded(folder: Path) -> tuple[float, float, float]:
    """MB of a file of many Runs, MB/s to load it, MB/s of request bodies resolved from it."""
    place = folder / "one"
    chronicle.init(place)
    converse(320)
    chronicle.shutdown()
    line = _file(place).read_text()
    one = chronicle.load(place)
    many = folder / "many.jsonl"
    with many.open("w") as out:
        for copy in range(24):
            out.write(line.replace(one.id, f"{copy:032x}").replace(next(iter(one.traces)), f"{copy + 1000:032x}"))
    size = many.stat().st_size / 1e6
    seconds = _best(lambda: chronicle.runs(many), rounds=3) / 1000
    began = time.perf_counter()
    resolved = sum(len(json.dumps(step.tree("chronicle.input"))) for step in chronicle.load(place).calls("openai.chat.completions"))
    return size, size / seconds, resolved / 1e6 / (time.perf_counter() - began)


def _best(code: Any, rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        code()
        times.append(time.perf_counter() - began)
    return min(times) * 1000
