"""A small run with everything that stores treat differently, recorded to a file: python -m tests.sources.shop FILE

Payloads above a chunk, unicode, an error, a foreign span with every type of attribute, an event, a link, empty lists.
"""

from __future__ import annotations

import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState

import chronicle_otel as chronicle

LINKED = SpanContext(int("c" * 32, 16), int("d" * 16, 16), False, TraceFlags(1), TraceState([("vendor", "x")]))


def record(path: str) -> None:
    """Record the run, and the span of another instrumentation inside it."""
    resource = Resource.create({"service.name": "shop", "service.version": "1.2", "host.cores": 4, "tags": ["a", "b"]})
    provider = TracerProvider(resource=resource)
    chronicle.init(path, instrument=False, tracer_provider=provider)
    tracer = provider.get_tracer("other.library", "3.1", attributes={"layer": "http"})

    @chronicle.tool(name="catalogue")
    def catalogue(query: str) -> list[str]:
        with tracer.start_as_current_span("GET /catalogue", kind=SpanKind.CLIENT, links=[Link(LINKED, {"why": "retry", "n": 2})]) as span:
            span.set_attributes({"b": True, "i": 7, "f": 0.5, "whole": 2.0, "s": "größe 東京 🎲", "empty": "", "none": [], "ints": [1, 2]})
            span.set_attributes({"long": "x" * 1_500, "http.response.status_code": 200})
            span.add_event("cache miss", {"key": "ä", "n": 1})
        return [f"item {number}: größe 東京 {'x' * 40}" for number in range(100)]

    @chronicle.tool(name="pay")
    def pay(amount: float) -> None:
        raise ValueError(f"declined: {amount} €")

    @chronicle.agent(name="buy")
    def buy(wish: str) -> str:
        found = catalogue(wish)
        try:
            pay(12.5)
        except ValueError as error:
            return f"{len(found)} found, {error}"
        return "bought"

    with chronicle.session(customer="C-1042", desk="größe"):
        buy("a lamp")
    chronicle.shutdown()
    provider.shutdown()


if __name__ == "__main__":
    record(sys.argv[1])
