"""`chronicle doctor` without arguments: this environment, and the endpoint that it names."""

from __future__ import annotations

import json
import re
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from chronicle_otel.doctor import environment
from chronicle_otel.doctor.environment import check_environment
from tests.conftest import ROOT, Chronicle


def kinds(environ: dict[str, str]) -> list[tuple[str, str]]:
    """Severity and kind of what is said about variables, without what is always said."""
    found = check_environment(environ, connect=False)
    return [(each.severity, each.kind) for each in found if each.severity != "ok" and each.where != "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, []),
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1024"}, [("error", "string_cut")]),
        ({"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "255"}, [("error", "string_cut")]),
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4096"}, []),
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "20"}, [("error", "attributes_evicted")]),
        ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "20"}, [("error", "attributes_evicted")]),
        ({"OTEL_SDK_DISABLED": "true"}, [("error", "switched_off")]),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, [("error", "switched_off")]),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}, [("warning", "sampled")]),
        ({"OTEL_TRACES_EXPORTER": "none"}, [("warning", "switched_off")]),
        ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2048"}, [("note", "batch_by_count")]),
        ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, [("error", "endpoint_wrong")]),
        ({"CHRONICLE_REDACTION_KEY": "short"}, [("error", "key_short")]),
        ({"CHRONICLE_REDACTION_KEY": "0" * 32}, []),
    ],
    ids=lambda value: "_".join(f"{key}={text}" for key, text in value.items()) if isinstance(value, dict) else "",
)  # fmt: skip
def test_harmful_variables_are_named(environ: dict[str, str], expected: list[tuple[str, str]]) -> None:
    """Each variable that would damage or drop recordings is found, and harmless values of it are not."""
    assert kinds(environ) == expected


def test_tested_versions_are_those_of_the_project() -> None:
    """What doctor says of SDKs is what pyproject.toml allows."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(environment.EXTRAS) == set(extras) - {"demo"}
    for name, (first, end) in environment._SDKS.items():  # pyright: ignore[reportPrivateUsage]
        assert re.search(rf"^{name}>={first[0]}\.{first[1]},<{end[0]}$", extras[name][0])


class _Answers(BaseHTTPRequestHandler):
    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(type(self).status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An HTTP server on loopback that answers every POST with `_Answers.status`."""
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (200, 0, "it answers, and takes OTLP"),
        (401, 1, "HTTP 401 Unauthorized"),
        (404, 1, "OTEL_EXPORTER_OTLP_ENDPOINT is without /v1/traces"),
        (503, 1, "HTTP 503 Service Unavailable"),
    ],
)
def test_the_endpoint_is_asked(chronicle: Chronicle, endpoint: str, status: int, code: int, said: str) -> None:
    """An empty request shows whether the endpoint takes spans; if not, the answer and what to do are printed, and the exit code is 1."""
    _Answers.status = status
    done = chronicle("doctor", env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert (done.returncode, done.stderr) == (code, "")
    assert said in done.stdout


def test_an_endpoint_that_is_away(chronicle: Chronicle) -> None:
    """Nobody at the endpoint is an error, unless nobody is to be asked."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert chronicle("doctor", env=environ).returncode == 1
    assert chronicle("doctor", "--offline", env=environ).returncode == 0


def test_it_speaks_json(chronicle: Chronicle) -> None:
    """--json prints everything as one document."""
    done = chronicle("doctor", "--json", env={"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1024"})
    document = json.loads(done.stdout)
    assert (done.returncode, document["harmful"], document["errors"]) == (1, True, 1)
    assert document["diagnoses"][0] == {
        "severity": "error",
        "kind": "string_cut",
        "where": "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=1024",
        "what": "attributes are cut at 1024 characters; recordings made so cannot be replayed",
        "setting": 'unset it or raise it to 2000, or use chronicle.init(export="own")',
    }
