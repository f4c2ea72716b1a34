"""Addresses of stores: everything that is understood, and one sentence for everything that is not."""

from __future__ import annotations

import pytest

from chronicle_otel import reading
from chronicle_otel.errors import UsageError
from chronicle_otel.reading.search import moment
from chronicle_otel.reading.sources.access import VARIABLES
from chronicle_otel.reading.sources.location import STORES, is_url, parse, schemes
from tests.conftest import ROOT

TRACE = "5b8aa5a2d2c872e8321cf37308d69df2"


@pytest.mark.parametrize(
    ("address", "url", "trace"),
    [
        (f"jaeger://localhost/{TRACE}", "http://localhost:16686", TRACE),
        (f"jaeger://localhost:80/{TRACE}", "http://localhost:80", TRACE),
        (f"jaeger+https://h/jaeger/{TRACE.upper()}", "https://h:443/jaeger", TRACE),
        (f"jaeger+grpc://h/{TRACE}", "grpc://h:16685", TRACE),
        (f"jaeger+grpcs://h:9/{TRACE}/", "grpcs://h:9", TRACE),
        (f"tempo://[::1]:3200/{TRACE}", "http://[::1]:3200", TRACE),
        (f"tempo+https://h/tempo/{TRACE}", "https://h:443/tempo", TRACE),
        ("tempo+https://h/a/b/", "https://h:443/a/b", ""),
        ("tempo+http://h/0123456789abcdef", "http://h:3200", "0" * 16 + "0123456789abcdef"),
        ("TEMPO://h", "http://h:3200", ""),
        ("clickhouse://h?table=t", "http://h:8123", ""),
        ("clickhouse+https://h", "https://h:8443", ""),
        ("phoenix+https://h/base?project=p", "https://h:443/base", ""),
    ],
)
def test_an_address_is_taken_apart(address: str, url: str, trace: str) -> None:
    """Scheme, host, port, path in front of the API and trace id."""
    found = parse(address)
    assert (found.url, found.trace) == (url, trace)


def test_a_search_is_taken_apart() -> None:
    """Every parameter of a search, tags more than once."""
    found = parse(
        "tempo://h?service=a%20b&since=2026-01-02T03:04:05&until=2026-01-02T04:04:05%2B00:00&tag=k:v:w&tag=n=1&errors&limit=7"
    ).search
    assert (found.service, found.tags, found.errors, found.limit) == ("a b", (("k", "v:w"), ("n", "1")), True, 7)
    assert (found.since_ns, found.until_ns) == (1767323045000000000, 1767326645000000000)


def test_options_of_a_store() -> None:
    """Database, table and project have their usual names unless the address says otherwise."""
    assert parse("clickhouse://h?table=t").options == {"database": "default", "table": "t"}
    assert parse("phoenix://h").options == {"project": "default"}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("jeager://h", "unknown scheme jeager://; understood are jaeger://, jaeger+https://"),
        ("jeager://h", "Did you mean jaeger://?"),
        ("tempo+grpc://h", "unknown scheme tempo+grpc://"),
        ("https://h:3200/x", "say which store answers there, as in jaeger+https://h:3200/x or tempo+https://h:3200/x"),
        ("tempo://user:secret@h", "CHRONICLE_TEMPO_USER and CHRONICLE_TEMPO_PASSWORD, or CHRONICLE_TEMPO_TOKEN"),
        ("tempo://", "no host"),
        ("tempo://h:port", "Port could not be cast"),
        ("tempo://h?sevice=x", "unknown parameter 'sevice'; Tempo understands service, since"),
        ("tempo://h?sevice=x", "Did you mean service?"),
        ("tempo://h?table=x", "unknown parameter 'table'"),
        ("tempo://h?service=", "the parameter service has no value"),
        ("tempo://h?service=a&service=b", "the parameter service is given 2 times"),
        ("tempo://h?since=yesterday", "since=yesterday: write how long ago, as in 30m, 2h or 7d, or a time"),
        ("tempo://h?since=1h&until=2h", "since is later than until"),
        ("tempo://h?limit=0", "give a number from 1 to 100000"),
        ("tempo://h?errors=perhaps", "write errors=true"),
        ("tempo://h?tag=x", "tag 'x': write name=value"),
        (f"tempo://h/{TRACE}?since=1h", "a trace id and a search exclude each other"),
        (f"tempo://h/{TRACE}0", "is no trace id: one has 32 hex digits, or 16 in old systems, and this has 33 characters"),
        ("tempo://h/5b8aa5a2-d2c8-72e8-321c-f37308d69df2", "is no trace id"),
        (f"jaeger+grpc://h/base/{TRACE}", "gRPC knows no path in front of the API"),
        ("tempo://h#x", "no #fragment"),
    ],
)
def test_a_wrong_address_is_one_sentence(address: str, words: str) -> None:
    """What is wrong, what is understood, and no secret."""
    with pytest.raises(UsageError) as caught:
        reading.runs(address)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("source", "is_one"), [("jaeger://h", True), ("C:\\traces\\a.jsonl", False), ("a.jsonl", False), ("-", False)])
def test_paths_are_no_addresses(source: str, is_one: bool) -> None:
    """Only what has :// is an address."""
    assert is_url(source) is is_one


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-11-26", 1795651200000000000),
        ("2026-11-26T09:00", 1795683600000000000),
        ("2026-11-26T09:00:00+01:00", 1795680000000000000),
        ("2026-11-26T09:00:00 01:00", 1795680000000000000),
        ("2026-11-26T09:00:00.000001Z", 1795683600000001000),
    ],
)
def test_times(text: str, ns: int) -> None:
    """A time is UTC where it does not say; a plus that a query string turned into a space is one."""
    assert moment(text, "since") == ns


def test_everything_is_documented() -> None:
    """docs/sources.md names every scheme, parameter, variable and notice."""
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    assert [scheme for scheme in schemes() if f"`{scheme}://" not in text] == []
    assert [name for name in VARIABLES if f"`{name}`" not in text] == []
    assert [name for store in STORES.values() for name in store.options if f"{name}=NAME" not in text] == []
    assert [kind for kind in ("search_limit", "types_lost", "partial_trace", "cut_attribute") if f"`{kind}`" not in text] == []
