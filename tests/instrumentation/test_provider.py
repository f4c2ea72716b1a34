"""The scripted provider: what it says it does, seen with a plain HTTP client."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from chronicle_otel.demo.provider import Provider, Reply, error


def post(provider: Provider, path: str, body: Any) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", int(provider.url.split(":")[2].split("/")[0]), timeout=5)
    connection.request("POST", "/v1" + path, json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()


def test_rules_are_used_in_order_and_requests_are_kept() -> None:
    """Each call takes the next rule; a function sees the request; all requests can be looked at."""
    with Provider([Reply(text="one"), lambda request: Reply(text=request["body"]["model"])]) as provider:
        said = [json.loads(post(provider, "/chat/completions", {"model": "m"})[2])["choices"][0]["message"]["content"] for _ in range(2)]
        assert (said, provider.hits) == (["one", "m"], 2)
        assert provider.requests[0]["path"] == "/v1/chat/completions"


def test_a_call_beyond_the_script_says_so() -> None:
    """More calls than rules is an error that counts both."""
    with Provider([Reply(text="one")]) as provider:
        post(provider, "/responses", {"model": "m"})
        status, _, body = post(provider, "/responses", {"model": "m"})
        assert (status, "has 1 answers" in json.loads(body)["error"]["message"]) == (400, True)


def test_errors_carry_status_body_and_headers() -> None:
    """A scripted error is answered with its headers beside the usual request id."""
    with Provider([error(429, "slow", headers={"retry-after-ms": "5"})]) as provider:
        status, headers, body = post(provider, "/chat/completions", {})
        assert (status, headers["retry-after-ms"], headers["x-request-id"]) == (429, "5", "req_0001")
        assert json.loads(body)["error"]["message"] == "slow"


def test_a_stream_can_break() -> None:
    """After `drop_after` events the connection is cut without an end."""
    with Provider([Reply(text="a b c d", drop_after=2)]) as provider, pytest.raises(http.client.IncompleteRead) as raised:
        post(provider, "/chat/completions", {"stream": True})
    assert raised.value.partial.count(b"data: ") == 2


def test_the_port_is_free_afterwards() -> None:
    """`close` ends the server; nobody answers any more."""
    with Provider() as provider:
        url = provider.url
    provider.url = url
    with pytest.raises(OSError):
        post(provider, "/models", {})
