"""Agents whose runs a sampler must tell apart; run as a script with the path of a file, it exports to a collector and records there."""

from __future__ import annotations

import sys

import chronicle_otel as chronicle

OFFSET = 1


@chronicle.tool(name="look")
def look(number: int) -> int:
    return number * 2


@chronicle.agent(name="plain")
def plain(number: int) -> int:
    return look(number) + look(number + OFFSET)


@chronicle.agent(name="failing")
def failing(number: int) -> int:
    raise ValueError(f"{look(number)} is too much")


@chronicle.tool(name="shaky")
def shaky() -> int:
    raise TimeoutError("no answer")


@chronicle.agent(name="recovering")
def recovering() -> str:
    """An error inside of a run that ends well."""
    try:
        return str(shaky())
    except TimeoutError:
        return "later"


@chronicle.agent(name="flagged")
def flagged(number: int) -> int:
    chronicle.flag("the customer complained")
    return look(number)


def main() -> None:
    """Record twelve runs and replay two of them: one as it was, one with changed code."""
    global OFFSET
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=100))
    trace.set_tracer_provider(provider)
    chronicle.init(sys.argv[1])
    for number in range(8):
        plain(number)
    recovering()
    flagged(3)
    try:
        failing(4)
    except ValueError:
        pass
    chronicle.flush()
    first = next(run for run in chronicle.runs(sys.argv[1]) if run.entry.name == "plain")
    assert chronicle.replay(first, entry=plain).verdict == "reproduced"
    OFFSET = 2
    assert chronicle.replay(first, entry=plain).verdict == "diverged"
    chronicle.shutdown()
    provider.shutdown()


if __name__ == "__main__":
    main()
