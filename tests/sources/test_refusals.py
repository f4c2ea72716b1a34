"""What a store refuses or does not do is one clear error; what passes by itself is tried again."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from chronicle_otel import reading
from chronicle_otel.errors import ChronicleError, SourceError, UsageError
from tests.sources.stores import TRACE, Asked, Given, recorded, serving

JAEGER = recorded("jaeger-trace.json")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine."""
    for name in [name for name in os.environ if name.startswith("CHRONICLE_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def refusal(source: str) -> str:
    """The error of reading a source, which is one line."""
    with pytest.raises(ChronicleError) as caught:
        reading.runs(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Given(401, '{"message":"no such token"}'), 'no credentials were sent: set CHRONICLE_JAEGER_TOKEN, CHRONICLE_JAEGER_USER'),
        (Given(403, '{"message":"no such token"}'), 'It says: "no such token"'),
        (Given(404, '{"error":{"message":"No traces found"}}\n', "text/plain"), f"has no trace {TRACE}; search for it: chronicle runs"),
        (Given(404, "404 page not found", "text/plain"), "has no /api/v3: it is older than 1.35"),
        (Given(413, "big", "text/plain"), "too large for one answer (HTTP 413)"),
        (Given(400, '{"error":{"httpCode":400,"message":"malformed"}}'), 'refuses the request (HTTP 400). It says: "malformed"'),
        (Given(500, "oops", "text/plain"), "(HTTP 500)"),
        (Given(503, "", "text/plain", {"Retry-After": "0"}), "is not available (HTTP 503, after 4 tries at most)"),
        (Given(429, "", "text/plain", {"Retry-After": "3600"}), "is asked too often"),
        (Given(200, "<!doctype html><title>Jaeger UI</title>", "text/html"), "answers with a web page where the API of Jaeger"),
        (Given(200, "SSH-2.0", "text/plain"), "does not answer with JSON"),
        (Given(200, '{"ok":true}'), "holds no spans"),
        (Given(302, headers={"Location": "/again"}), "redirects more than 5 times"),
        (Given(302, headers={"Location": "file:///etc/passwd"}), "redirects to file:///etc/passwd, which is not followed"),
        (Given(200, b"{", cut=True), "the connection broke 4 times"),
        (Given(200, b"\x1f\x8b\x08broken", headers={"Content-Encoding": "gzip"}), "the connection broke 4 times"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Given) else "",
)  # fmt: skip
def test_what_a_server_answers(given: Given, words: str) -> None:
    """Each refusal says what happened and what to do."""
    with serving(given) as store:
        assert words in refusal(store.at("jaeger", f"/{TRACE}"))


def test_nobody_listens() -> None:
    """A closed port is named as one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "nobody listens there" in refusal(f"tempo://127.0.0.1:{port}/{TRACE}")


def test_a_proxy_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the proxy of the environment that cannot be reached then, not the store, which nobody has asked."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", f"http://user:secret@127.0.0.1:{port}")
    for source in (f"tempo://tempo.example:3200/{TRACE}", f"tempo+https://tempo.example/{TRACE}"):
        said = refusal(source)
        assert f"the proxy 127.0.0.1:{port} of the environment is not there: nobody listens" in said
        assert "NO_PROXY" in said
        assert "secret" not in said
    monkeypatch.setenv("http_proxy", "http://no-such-proxy.invalid:3128")
    assert "the proxy no-such-proxy.invalid:3128 of the environment is not there: unknown host" in refusal(f"tempo://tempo.example/{TRACE}")


def test_an_unknown_host() -> None:
    """A name that does not resolve is named."""
    assert "unknown host nowhere.invalid" in refusal(f"tempo://nowhere.invalid/{TRACE}")


def test_tls_where_there_is_none() -> None:
    """https against a plain port says which scheme to write."""
    with serving(JAEGER) as store:
        assert "it speaks no TLS on this port: write jaeger:// instead of jaeger+https://" in refusal(store.at("jaeger+https", f"/{TRACE}"))


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and is silent ends in a time-out that names its setting."""
    monkeypatch.setenv("CHRONICLE_JAEGER_TIMEOUT", "0.2")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        message = refusal(f"jaeger://127.0.0.1:{silent.getsockname()[1]}/{TRACE}")
    assert "no answer within 0.2 s; raise CHRONICLE_JAEGER_TIMEOUT" in message


def test_an_answer_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound counts unpacked bytes, and the error names gRPC and the setting."""
    monkeypatch.setenv("CHRONICLE_SOURCE_MAX_BYTES", "100000")
    with serving(Given(body=gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"})) as store:
        message = refusal(store.at("jaeger", f"/{TRACE}"))
    assert "larger than 100,000 bytes" in message
    assert "jaeger+grpc://127.0.0.1:16685" in message
    assert "CHRONICLE_JAEGER_MAX_BYTES" in message


@pytest.mark.parametrize(
    "given", [Given(503, headers={"Retry-After": "0"}), Given(429, headers={"Retry-After": "0"}), Given(200, b"{", cut=True)]
)
def test_what_passes_is_tried_again(given: Given) -> None:
    """Three failures, then the answer."""
    answers = iter([given, given, given, JAEGER])
    with serving(lambda asked: next(answers)) as store:
        assert reading.load(store.at("jaeger", f"/{TRACE}")).entry.name == "buy"
        assert len(store.asked) == 4


def test_a_refusal_is_not_repeated() -> None:
    """What trying again cannot mend is asked once."""
    with serving(Given(401)) as store:
        refusal(store.at("jaeger", f"/{TRACE}"))
        assert len(store.asked) == 1


# ---- TLS -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca.pem), and certificate and key that it signed for 127.0.0.1 (one.pem, one.key)."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates, and is not installed")
    folder = tmp_path_factory.mktemp("pem")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    sign = ["openssl", "x509", "-req", "-days", "2"]
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj"]
    for command in (
        [*new, "/CN=ca", "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
        [*new, "/CN=one", "-keyout", "one.key", "-out", "one.csr"],
        [*sign, "-in", "one.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san", "-out", "one.pem"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def server_tls(pem: Path) -> ssl.SSLContext:
    """A server that asks for a certificate of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem / "one.pem", pem / "one.key")
    context.load_verify_locations(pem / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_tls_with_an_authority_and_a_certificate_of_ones_own(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verified by default; each thing that is missing is named; with all of them it works."""
    with serving(JAEGER, server_tls(pem)) as store:
        source = store.at("jaeger+https", f"/{TRACE}")
        assert "name the authority that signed it in CHRONICLE_JAEGER_CA_FILE" in refusal(source)
        monkeypatch.setenv("CHRONICLE_SOURCE_CA_FILE", str(pem / "ca.pem"))
        assert "CHRONICLE_JAEGER_CERT_FILE" in refusal(source)
        monkeypatch.setenv("CHRONICLE_JAEGER_CERT_FILE", str(pem / "one.pem"))
        monkeypatch.setenv("CHRONICLE_JAEGER_KEY_FILE", str(pem / "one.key"))
        assert reading.load(source).entry.name == "buy"
        monkeypatch.delenv("CHRONICLE_SOURCE_CA_FILE")
        monkeypatch.setenv("CHRONICLE_JAEGER_TLS_VERIFY", "false")
        assert reading.load(source).entry.name == "buy"


def test_no_way_back_from_tls(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect from https to http is not followed."""
    for name, file in (("CA_FILE", "ca.pem"), ("CERT_FILE", "one.pem"), ("KEY_FILE", "one.key")):
        monkeypatch.setenv(f"CHRONICLE_SOURCE_{name}", str(pem / file))
    with serving(Given(302, headers={"Location": "http://127.0.0.1/x"}), server_tls(pem)) as store:
        assert "redirects to http://127.0.0.1/x, which is not followed" in refusal(store.at("tempo+https", f"/{TRACE}"))


# ---- credentials ---------------------------------------------------------------------------------


def headers_sent(scheme: str, names: tuple[str, ...]) -> list[str | None]:
    """What a store of that kind is sent under these headers."""
    with serving(Given(404, '{"error":{}}')) as store:
        refusal(store.at(scheme, f"/{TRACE}"))
        return [store.asked[0].headers.get(name) for name in names]


def test_a_token_of_one_store_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """CHRONICLE_<STORE>_… goes before CHRONICLE_SOURCE_…, and to no other store."""
    monkeypatch.setenv("CHRONICLE_SOURCE_TOKEN", "general")
    monkeypatch.setenv("CHRONICLE_TEMPO_USER", "u")
    monkeypatch.setenv("CHRONICLE_TEMPO_PASSWORD", "p")
    assert headers_sent("jaeger", ("authorization",)) == ["Bearer general"]
    assert headers_sent("tempo", ("authorization",)) == ["Basic dTpw"]


def test_tenant_and_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tenant goes by the header that each store reads; more headers as they are."""
    monkeypatch.setenv("CHRONICLE_SOURCE_TENANT", "acme")
    monkeypatch.setenv("CHRONICLE_SOURCE_HEADERS", "x-api-key=a%2Cb, x-team=t")
    assert headers_sent("tempo", ("x-scope-orgid", "x-api-key", "x-team")) == ["acme", "a,b", "t"]
    assert headers_sent("jaeger", ("x-tenant", "x-scope-orgid")) == ["acme", None]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CHRONICLE_TEMPO_TOKEN": "t", "CHRONICLE_TEMPO_USER": "u"}, "CHRONICLE_TEMPO_TOKEN and CHRONICLE_TEMPO_USER exclude each other"),
        ({"CHRONICLE_TEMPO_PASSWORD": "p"}, "CHRONICLE_TEMPO_USER is not"),
        ({"CHRONICLE_SOURCE_HEADERS": "secret"}, "CHRONICLE_SOURCE_HEADERS: write name=value"),
        ({"CHRONICLE_TEMPO_HEADERS": "a=b%0d%0asecret: x"}, "a header's value may hold neither line breaks"),
        ({"CHRONICLE_TEMPO_CA_FILE": "/nowhere/ca.pem"}, "CHRONICLE_TEMPO_CA_FILE: no such file"),
        ({"CHRONICLE_TEMPO_TIMEOUT": "soon"}, "CHRONICLE_TEMPO_TIMEOUT is a number of seconds"),
        ({"CHRONICLE_TEMPO_TLS_VERIFY": "no way"}, "CHRONICLE_TEMPO_TLS_VERIFY: write true or false"),
    ],
)
def test_a_wrong_variable_is_named(variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent, and no value is repeated."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        reading.runs(f"tempo://127.0.0.1:9/{TRACE}")
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_another_host_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect is followed; only the store in the address gets the token."""
    monkeypatch.setenv("CHRONICLE_JAEGER_TOKEN", "t")
    monkeypatch.setenv("CHRONICLE_JAEGER_HEADERS", "x-api-key=k")
    with serving(JAEGER) as other:

        def moved(asked: Asked) -> Given:
            return (
                JAEGER
                if asked.path == "/here"
                else Given(307, headers={"Location": "/here" if asked.query.get("own") else f"http://127.0.0.1:{other.port}/x"})
            )

        with serving(moved) as store:
            assert reading.load(store.at("jaeger", f"/{TRACE}")).entry.name == "buy"
            assert store.asked[0].headers["authorization"] == "Bearer t"
        assert {"authorization", "x-api-key"} & set(other.asked[0].headers) == set()


def test_a_redirect_in_the_same_place_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store itself gets the token after a redirect too."""
    monkeypatch.setenv("CHRONICLE_JAEGER_TOKEN", "t")
    with serving(lambda asked: JAEGER if asked.path == "/here" else Given(308, headers={"Location": "/here"})) as store:
        assert reading.load(store.at("jaeger", f"/{TRACE}")).entry.name == "buy"
        assert [asked.headers["authorization"] for asked in store.asked] == ["Bearer t", "Bearer t"]


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """A path keeps its own errors."""
    with pytest.raises(SourceError, match="no such file or folder"):
        reading.runs(tmp_path / "nowhere")
