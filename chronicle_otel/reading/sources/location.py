"""A source's address, taken apart and checked before anything is asked of anybody.

jaeger+https://traces.example.com/base/5b8aa5a2d2c872e8321cf37308d69df2      one trace
tempo://localhost:3200?service=shop&since=2h&tag=customer:C-1042&limit=50    a search
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from chronicle_otel.errors import UsageError
from chronicle_otel.reading.search import Search


@dataclass(frozen=True, slots=True)
class Store:
    """What the address of a kind of store may say."""

    title: str
    ports: Mapping[str, int]
    """Transport → the port that it has unless the address names one. The first is that of the bare scheme."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """Query parameter of this kind of store → what it has unless the address gives one."""


STORES: Final = {
    "jaeger": Store("Jaeger", {"http": 16686, "https": 443, "grpc": 16685, "grpcs": 443}),
    "tempo": Store("Tempo", {"http": 3200, "https": 443}),
    "clickhouse": Store("ClickHouse", {"http": 8123, "https": 8443}, {"database": "default", "table": "otel_traces"}),
    "phoenix": Store("Phoenix", {"http": 6006, "https": 443}, {"project": "default"}),
}
"""By the name in the scheme; the module that reads from it has the same name."""
_SEARCH: Final = ("service", "since", "until", "tag", "session", "errors", "limit")
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_TRACE: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
_ALMOST: Final = re.compile(r"[0-9A-Fa-f]{17,}|[0-9A-Fa-f-]{36}")
"""What looks like a trace id of another length, or like one written as a UUID."""


_EVERYTHING: Final = Search()


@dataclass(frozen=True, slots=True)
class Location:
    """A store, and what is wanted of it."""

    text: str
    """As it was given; for messages."""
    store: str
    transport: str
    """http, https, grpc or grpcs."""
    host: str
    port: int
    base: str = ""
    """Path in front of the API, without a slash at its end."""
    trace: str = ""
    """32 hex digits, lower case; empty for a search."""
    search: Search = _EVERYTHING
    options: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def title(self) -> str:
        """The store's name."""
        return STORES[self.store].title

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """What the store's paths are appended to."""
        return f"{self.transport}://{self.address}{self.base}"

    def again(self) -> str:
        """The address as text, for a trace or for everything that there is."""
        scheme = self.store if self.transport == next(iter(STORES[self.store].ports)) else f"{self.store}+{self.transport}"
        options = {name: value for name, value in self.options.items() if value != STORES[self.store].options[name]}
        trace = f"/{self.trace}" if self.trace else ""
        return f"{scheme}://{self.address}{self.base}{trace}" + (f"?{urlencode(options)}" if options else "")

    @property
    def variables(self) -> str:
        """How the names of the environment variables begin that are about this store."""
        return f"CHRONICLE_{self.store.upper()}_"


def is_url(source: str | os.PathLike[str]) -> bool:
    """Say whether a source is an address, not a path."""
    return isinstance(source, str) and _URL.match(source) is not None


def schemes() -> list[str]:
    """Every scheme that is understood."""
    return [scheme for name, store in STORES.items() for scheme in _schemes(name, store)]


def _schemes(name: str, store: Store) -> list[str]:
    first = next(iter(store.ports))
    return [name if transport == first else f"{name}+{transport}" for transport in store.ports]


def parse(source: str) -> Location:
    """Take an address apart. UsageError says what is wrong and what is understood."""
    scheme = source.partition("://")[0].lower()
    name, _, transport = scheme.partition("+")
    store = STORES.get(name)
    if store is None or (transport and transport not in store.ports):
        raise UsageError(_unknown_scheme(source, scheme))
    try:
        parts = urlsplit(source)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{source}: {error}; write {name}://HOST:PORT/TRACE_ID") from error
    if parts.username is not None or parts.password is not None:
        shown = f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        prefix = f"CHRONICLE_{name.upper()}_"
        why = "a user or password in an address ends up in logs and histories"
        raise UsageError(f"{shown}: {why}: set {prefix}USER and {prefix}PASSWORD, or {prefix}TOKEN")
    if not host:
        raise UsageError(f"{source}: no host; write {name}://HOST:PORT/TRACE_ID")
    if parts.fragment:
        raise UsageError(f"{source}: an address of a store has no #fragment; write # in a value as %23")
    transport = transport or next(iter(store.ports))
    base, trace = _path(parts.path, source)
    if base and transport.startswith("grpc"):
        raise UsageError(f"{source}: gRPC knows no path in front of the API; write {scheme}://{parts.netloc}/TRACE_ID")
    search, options = _query(parts.query, store, source)
    if trace and search:
        raise UsageError(f"{source}: a trace id and a search exclude each other; leave one of them out")
    return Location(source, name, transport, host, port or store.ports[transport], base, trace, search, options)


def _unknown_scheme(source: str, scheme: str) -> str:
    message = f"{source}: unknown scheme {scheme}://; understood are {', '.join(f'{each}://' for each in schemes())}, and paths"
    if scheme in ("http", "https"):
        rest = source.partition("://")[2]
        suffix = "+https" if scheme == "https" else ""
        return f"{source}: say which store answers there, as in jaeger{suffix}://{rest} or tempo{suffix}://{rest}"
    near = difflib.get_close_matches(scheme, schemes(), 1)
    return message + (f". Did you mean {near[0]}://?" if near else "")


def _path(path: str, source: str) -> tuple[str, str]:
    """Split a path into what stands before the API, and the trace id."""
    base, _, last = path.rstrip("/").rpartition("/")
    word = last.lower()
    if _TRACE.fullmatch(word):
        return base.rstrip("/"), word.zfill(32)
    if _ALMOST.fullmatch(last):
        raise UsageError(
            f"{source}: {last} is no trace id: one has 32 hex digits, or 16 in old systems, and this has {len(last)} characters"
        )
    return path.rstrip("/"), ""


def _query(query: str, store: Store, source: str) -> tuple[Search, dict[str, str]]:
    """Read the parameters of an address."""
    given: dict[str, list[str]] = {}
    known = (*_SEARCH, *store.options)
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(f"{source}: unknown parameter {name!r}; {store.title} understands {', '.join(known)}.{hint}")
        if not value and name != "errors":
            raise UsageError(f"{source}: the parameter {name} has no value")
        given.setdefault(name, []).append(value)
    for name, values in given.items():
        if len(values) > 1 and name not in ("tag", "session"):
            raise UsageError(f"{source}: the parameter {name} is given {len(values)} times")
    one = {name: values[0] for name, values in given.items()}
    errors = one.get("errors", "false").lower()
    if errors not in ("", "true", "1", "false", "0"):
        raise UsageError(f"{source}: errors={errors}: write errors=true")
    search = Search.of(
        since=one.get("since"),
        until=one.get("until"),
        service=one.get("service"),
        tags=given.get("tag"),
        session=given.get("session"),
        errors=errors in ("", "true", "1"),
        limit=one.get("limit"),
        where=f"{source}: ",
    )
    return search, {name: one.get(name, default) for name, default in store.options.items()}
