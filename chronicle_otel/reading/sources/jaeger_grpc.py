"""Jaeger 2 over gRPC: traces too large for one answer come in pieces.

request, three or four fields written by hand ──► jaeger.api_v3.QueryService ──stream──► TracesData, … ──otlp_proto──► span records
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false
# (grpcio has no types)

from __future__ import annotations

import time
from typing import Any, Final

from chronicle_otel.errors import SourceError
from chronicle_otel.reading.otlp_proto import spans_in_message, varint
from chronicle_otel.reading.search import LIMIT, Search
from chronicle_otel.reading.sources.access import Access
from chronicle_otel.reading.sources.jaeger import attributes_of, note_limit
from chronicle_otel.reading.sources.location import Location
from chronicle_otel.reading.sources.spans import Spans

_SERVICE: Final = "/jaeger.api_v3.QueryService/"
_TRIES: Final = 4
_DEADLINE: Final = 20
"""Time-outs that one answer may take in all, as over HTTP."""
_INT32: Final = (1 << 31) - 1
# Fields of the requests (jaegertracing/jaeger-idl: proto/api_v3/query_service.proto).
_GET_TRACE_ID, _GET_RAW = 1, 4
_FIND_QUERY = 1
_SERVICE_NAME, _ATTRIBUTES, _START_MIN, _START_MAX, _DEPTH, _RAW = 1, 3, 4, 5, 8, 9


def read(location: Location) -> Spans:
    """Return the spans of one trace, or of the traces that a search finds."""
    if location.trace:
        result = _asked(location, "GetTrace", _text(_GET_TRACE_ID, location.trace) + _number(_GET_RAW, 1))
        if not result.spans:
            raise SourceError(_missing(location))
        return result
    result = _asked(location, "FindTraces", _bytes(_FIND_QUERY, _query(location.search)))
    note_limit(result, location)
    return result


def _query(search: Search) -> bytes:
    since, until = search.window()
    found = b"".join(_bytes(_ATTRIBUTES, _text(1, name) + _text(2, value)) for name, value in attributes_of(search).items())
    found += _bytes(_START_MIN, _timestamp(since)) + _bytes(_START_MAX, _timestamp(until))
    found += _number(_DEPTH, search.limit or LIMIT) + _number(_RAW, 1)
    return found + (_text(_SERVICE_NAME, search.service) if search.service else b"")


def _asked(location: Location, method: str, request: bytes) -> Spans:
    """Call a method and read its stream; tried again as long as the server is not available and nothing has come."""
    try:
        import grpc
    except ImportError as error:
        raise SourceError(f"{location.text} needs grpcio: pip install grpcio") from error

    access = Access.of(location)
    attempt = 1
    while True:
        result = Spans()
        channel = _channel(grpc, location, access)
        try:
            _stream(channel, method, request, location, access, result)
            return result
        except grpc.RpcError as error:
            code = error.code().name  # type: ignore[attr-defined]
            if code == "NOT_FOUND":
                return Spans()
            if code != "UNAVAILABLE" or result.spans or attempt == _TRIES or "refused" in str(error.details()):  # type: ignore[attr-defined]
                raise SourceError(_refusal(location, access, code, str(error.details()))) from error  # type: ignore[attr-defined]
        finally:
            channel.close()
        time.sleep(0.25 * 2 ** (attempt - 1))
        attempt += 1


def _stream(channel: Any, method: str, request: bytes, location: Location, access: Access, result: Spans) -> None:
    call = channel.unary_stream(_SERVICE + method)
    metadata = [(name.lower(), value) for name, value in access.headers.items()]
    size = 0
    stream = call(request, timeout=_DEADLINE * access.timeout, metadata=metadata)
    for message in stream:
        size += len(message)
        if size > access.max_bytes:
            stream.cancel()
            limit = f"{location.variables}MAX_BYTES"
            raise SourceError(f"{_who(location)}: the answer is larger than {access.max_bytes:,} bytes: ask for less, or raise {limit}")
        result.spans += spans_in_message(message, file=location.text, bad=result.bad(location.text))


def _channel(grpc: Any, location: Location, access: Access) -> Any:
    options = [("grpc.max_receive_message_length", min(access.max_bytes, _INT32))]
    if location.transport == "grpc":
        return grpc.insecure_channel(location.address, options=options)
    if not access.verify:
        raise SourceError(f"{location.text}: gRPC cannot leave a certificate unchecked; name its authority in {location.variables}CA_FILE")

    def content(path: str | None) -> bytes | None:
        if path is None:
            return None
        with open(path, "rb") as file:
            return file.read()

    credentials = grpc.ssl_channel_credentials(
        content(access.ca_file), content(access.key_file or access.cert_file) if access.cert_file else None, content(access.cert_file)
    )
    return grpc.secure_channel(location.address, credentials, options=options)


def _who(location: Location) -> str:
    return f"Jaeger at {location.transport}://{location.address}"


def _refusal(location: Location, access: Access, code: str, details: str) -> str:
    said = f' It says: "{" ".join(details.split())[:300]}"' if details else ""
    who = _who(location)
    if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        given = "what was sent is not accepted" if access.headers else "no credentials were sent"
        return f"{who} refuses the request ({code}); {given}: set {location.variables}TOKEN or {location.variables}HEADERS.{said}"
    if code == "UNAVAILABLE":
        return f"{who} cannot be reached: is it the query port for gRPC, 16685 by default, and does it speak TLS as the address says?{said}"
    if code == "UNIMPLEMENTED":
        return f"{who} has no {_SERVICE.strip('/')}: is it Jaeger 2, and the query port for gRPC?{said}"
    if code == "DEADLINE_EXCEEDED":
        return f"{who}: no whole answer within {_DEADLINE * access.timeout:g} s; raise {location.variables}TIMEOUT, or ask for less"
    if code == "RESOURCE_EXHAUSTED":
        return f"{who}: the answer is too large; ask for less, or raise {location.variables}MAX_BYTES.{said}"
    return f"{who} refuses the request ({code}).{said}"


def _missing(location: Location) -> str:
    search = f"{location.text.partition('://')[0]}://{location.address}?service=NAME&since=2h"
    return f"{_who(location)} has no trace {location.trace}; search for it: chronicle runs '{search}'"


# ---- protobuf (https://protobuf.dev/programming-guides/encoding/) ---------------------------------


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode("utf-8", "replace"))


def _timestamp(time_ns: int) -> bytes:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return _number(1, seconds) + _number(2, rest)
