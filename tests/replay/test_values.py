"""Values whose copy in a recording is of another class than the value itself."""

from __future__ import annotations

from typing import Any

import pytest

import chronicle_otel as chronicle
from tests.replay.conftest import Lab, kinds, levels


@pytest.mark.parametrize("buffer", [bytearray(b"ab"), memoryview(b"ab"), {"parts": [bytearray(b"ab"), (1, b"c")]}])
def test_buffers_are_the_same_input_again(lab: Lab, buffer: Any) -> None:
    """A tool that takes a bytearray or a memoryview is answered exactly; other content is another input."""

    @chronicle.tool(name="store")
    def store(data: Any) -> int:
        return len(data)

    @chronicle.agent(name="a")
    def agent() -> int:
        return store(held[0])

    held: list[Any] = [buffer]
    run = lab.record(agent)
    same = lab.replay(run, agent)
    assert (same.verdict, levels(same)) == ("reproduced", ["store exact"])
    held[0] = bytearray(b"other")
    assert kinds(lab.replay(run, agent))[0].endswith("at store")
