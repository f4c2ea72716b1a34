"""The Instrumentor is on for these tests; each test stands its own interceptor at the seam."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

openai = pytest.importorskip("openai")

from chronicle_otel.demo.provider import Provider  # noqa: E402
from chronicle_otel.instrumentation.openai import OpenAIInstrumentor  # noqa: E402
from tests.instrumentation.tape import Playing, Taping, interceptor  # noqa: E402


@pytest.fixture(autouse=True)
def _instrumented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CHRONICLE_RAISE", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-placeholder")
    OpenAIInstrumentor().stand()
    yield
    OpenAIInstrumentor().uninstrument()
    gc.collect()


class Lab:
    """Runs code live against a provider, then again from the tape, and keeps both tapes."""

    def __init__(self) -> None:
        self.recorded = Taping()
        self.played: Taping = Taping()
        self.hits_after_live = 0

    def record(self, code: Callable[[Any], Any], script: Any) -> Any:
        with Provider(script) as provider, interceptor(self.recorded):
            value = code(provider.url)
            self.hits_after_live = provider.hits
        return value

    def replay(self, code: Callable[[Any], Any]) -> Any:
        with interceptor(Playing(self.recorded.json())) as self.played:
            return code("http://127.0.0.1:9/v1")

    def both(self, code: Callable[[Any], Any], script: Any) -> tuple[Any, Any]:
        """The value of a live run, and of its replay against a port where nobody listens."""
        return self.record(code, script), self.replay(code)


@pytest.fixture
def lab() -> Lab:
    return Lab()
