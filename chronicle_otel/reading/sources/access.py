"""How a store is reached, from the environment alone: credentials, TLS, limits.

CHRONICLE_<STORE>_<NAME>, for instance CHRONICLE_TEMPO_TOKEN, holds for one kind of store; CHRONICLE_SOURCE_<NAME> for all of them.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from chronicle_otel.errors import UsageError
from chronicle_otel.reading.sources.location import Location

VARIABLES: Final = {
    "TOKEN": "bearer token",
    "USER": "user of basic authentication",
    "PASSWORD": "password of basic authentication",
    "HEADERS": "more headers, as in `x-api-key=secret,x-team=a`; values may be percent-encoded",
    "TENANT": "tenant, sent as `X-Scope-OrgID` to Tempo and as `x-tenant` to Jaeger",
    "CA_FILE": "certificates to trust, PEM; default: those of the system",
    "CERT_FILE": "certificate of the client, PEM",
    "KEY_FILE": "key of that certificate, where it is in a file of its own",
    "TLS_VERIFY": "`false` accepts any certificate: whoever is in between reads and changes what you pull",
    "TIMEOUT": "seconds to wait for a connection, and for each part of an answer; default 30",
    "MAX_BYTES": "largest answer that is read, unpacked; default 512 MiB",
}
"""The names, and what they hold; docs/sources.md lists them."""
TIMEOUT: Final = 30.0
MAX_BYTES: Final = 512 * 1024 * 1024
"""A trace of 10,000 Steps with 50 KB each."""
_TENANT_HEADERS: Final = {"tempo": "X-Scope-OrgID", "jaeger": "x-tenant"}
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


@dataclass(frozen=True, slots=True)
class Access:
    """What the environment says about reaching one store."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Credentials and tenant among them: never sent to another origin than the store's."""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    timeout: float = TIMEOUT
    max_bytes: int = MAX_BYTES

    @classmethod
    def of(cls, location: Location) -> Access:
        """Read the environment. UsageError names a variable that is wrong."""

        def value(name: str) -> str | None:
            for prefix in (location.variables, "CHRONICLE_SOURCE_"):
                if found := os.environ.get(prefix + name):
                    return found.strip()
            return None

        def wrong(name: str, why: str) -> UsageError:
            set_one = next(p + name for p in (location.variables, "CHRONICLE_SOURCE_") if os.environ.get(p + name))
            return UsageError(f"{set_one}: {why}")

        headers: dict[str, str] = {}
        for pair in (value("HEADERS") or "").split(","):
            name, equals, text = pair.partition("=")
            if not pair.strip():
                continue
            if not equals or not _HEADER_NAME.fullmatch(name.strip()):
                raise wrong("HEADERS", "write name=value, with commas in between; a comma in a value is %2C")
            headers[name.strip()] = unquote(text.strip())
        if (tenant := value("TENANT")) and location.store in _TENANT_HEADERS:
            headers[_TENANT_HEADERS[location.store]] = tenant
        authorization = _authorization(location)
        if authorization:
            headers["Authorization"] = authorization
        if any("\r" in text or "\n" in text or not text.isascii() for text in headers.values()):
            raise UsageError(f"{location.variables}…: a header's value may hold neither line breaks nor letters outside ASCII")
        verify = (value("TLS_VERIFY") or "true").lower()
        if verify not in ("true", "1", "yes", "false", "0", "no"):
            raise wrong("TLS_VERIFY", "write true or false")
        files = {name: value(name) for name in ("CA_FILE", "CERT_FILE", "KEY_FILE")}
        for name, path in files.items():
            if path is not None and not os.path.isfile(path):
                raise wrong(name, f"no such file: {path}")
        try:
            timeout, most = float(value("TIMEOUT") or TIMEOUT), int(value("MAX_BYTES") or MAX_BYTES)
        except ValueError:
            timeout, most = 0.0, 0
        if not timeout > 0 or most <= 0:
            raise UsageError(f"{location.variables}TIMEOUT is a number of seconds, {location.variables}MAX_BYTES a number of bytes")
        return cls(headers, files["CA_FILE"], files["CERT_FILE"], files["KEY_FILE"], verify in ("true", "1", "yes"), timeout, most)

    def tls(self) -> ssl.SSLContext:
        """The TLS settings. UsageError if a certificate cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if not self.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (ssl.SSLError, OSError) as error:
            raise UsageError(f"cannot use the certificates in {self.ca_file or ''} {self.cert_file or ''}: {error}") from error
        return context


def _authorization(location: Location) -> str | None:
    """The header that the narrowest variables make; UsageError if they contradict each other."""
    for prefix in (location.variables, "CHRONICLE_SOURCE_"):
        token, user, password = (os.environ.get(prefix + name, "").strip() for name in ("TOKEN", "USER", "PASSWORD"))
        if token and (user or password):
            raise UsageError(f"{prefix}TOKEN and {prefix}USER exclude each other: set one of them")
        if password and not user:
            raise UsageError(f"{prefix}PASSWORD is set, and {prefix}USER is not")
        if token:
            return f"Bearer {token}"
        if user:
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return None
