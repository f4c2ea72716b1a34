"""Embedded ClickHouse behind the one HTTP call that the reader makes, so that its SQL runs on the real engine: needs `chdb`.

python -m tests.sources.chdb_server FILE [PORT]    puts a recording into the table and serves it
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chronicle_otel.reading.otlp import SpanRecord
from chronicle_otel.reading.sources.files import read_files

KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
TABLE = """
CREATE TABLE otel_traces (
    Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String, SpanName LowCardinality(String),
    SpanKind LowCardinality(String), ServiceName LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String),
    ScopeName String, ScopeVersion String, SpanAttributes Map(LowCardinality(String), String), Duration UInt64,
    StatusCode LowCardinality(String), StatusMessage String,
    Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)),
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String))
) ENGINE = MergeTree ORDER BY (ServiceName, SpanName, Timestamp)"""
"""The columns that the collector's exporter makes."""


def quoted(value: Any) -> str:
    """A value as a literal of ClickHouse."""
    if isinstance(value, dict):
        return "map(" + ", ".join(f"{quoted(name)}, {quoted(item)}" for name, item in value.items()) + ")" if value else "map()"
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)


def as_text(value: Any) -> str:
    """An attribute's value as the exporter writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def row(span: SpanRecord) -> str:
    """One span as the exporter stores it: every attribute as text, lists and maps as JSON."""

    def texts(attributes: Any) -> dict[str, str]:
        return {name: as_text(value) for name, value in attributes.items()}

    def time(ns: int) -> str:
        return f"{ns // 10**9}.{ns % 10**9:09d}"

    columns = [
        time(span.start_ns), span.trace_id, span.span_id, span.parent_span_id, span.trace_state, span.name, KINDS[span.kind],
        str(span.resource.get("service.name", "")), texts(span.resource), span.scope, span.scope_version, texts(span.attributes),
        span.end_ns - span.start_ns, ("Unset", "Ok", "Error")[span.status[0]], span.status[1],
        [time(event["time_ns"]) for event in span.events], [event["name"] for event in span.events],
        [texts(event["attributes"]) for event in span.events],
        [link["trace_id"] for link in span.links], [link["span_id"] for link in span.links],
        [link.get("trace_state", "") for link in span.links], [texts(link["attributes"]) for link in span.links],
    ]  # fmt: skip
    return "(" + ", ".join(map(quoted, columns)) + ")"


def filled(path: str) -> Any:
    """A session of the engine with the table and the spans of a recording."""
    from chdb import session

    engine = session.Session()
    engine.query("CREATE DATABASE IF NOT EXISTS default")
    engine.query("USE default")
    engine.query(TABLE)
    for span in read_files(path).spans:
        engine.query(f"INSERT INTO otel_traces VALUES {row(span)}")
    return engine


def server_of(engine: Any, port: int = 0) -> ThreadingHTTPServer:
    """An HTTP server on the loopback that passes posted SQL and its parameters to the engine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
            given = {
                name.removeprefix("param_"): value for name, value in parse_qsl(urlsplit(self.path).query) if name.startswith("param_")
            }
            try:
                status, body = 200, engine.query(sql, params=given).bytes()
            except Exception as error:
                status, body = 404, str(error).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-ndjson" if status == 200 else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Stay silent."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    serving = server_of(filled(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(serving.server_address[1], flush=True)
    serving.serve_forever()
