"""One HTTP request to a store: bounded in time and bytes, tried again where that helps, and one clear error where it does not.

GET ──► 429, 502, 503, 504, connection lost ──► wait (Retry-After) ──► again, 4 times in all
 └────► redirect ──► followed; another origin gets no credentials
 └────► answer, unpacked, within MAX_BYTES
"""

from __future__ import annotations

import email.utils
import http.client
import random
import socket
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

from chronicle_otel.errors import SourceError
from chronicle_otel.reading.sources.access import Access
from chronicle_otel.reading.sources.location import Location
from chronicle_otel.version import __version__

TRIES: Final = 4
_AGAIN: Final = frozenset({429, 502, 503, 504})
_MOST_WAIT: Final = 30.0
"""Seconds that a Retry-After is followed for; a store that asks for more gets the error instead."""
_DEADLINE: Final = 20
"""Time-outs that one answer may take in all: a server that sends a byte now and then must not hold us for ever."""
_REDIRECTS: Final = 5
_STEP: Final = 1 << 18
_ERROR_BYTES: Final = 100_000
"""Read of an error's body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a store said."""

    status: int
    content_type: str
    body: bytes
    url: str


class _Lost(Exception):
    """The connection broke; trying again may help."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to us, who know whom the credentials are for."""

    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        return None


class Client:
    """Asks one store."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self.access = Access.of(location)
        self._tls = self.access.tls() if location.transport == "https" else None
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if self._tls is not None:
            handlers.append(urllib.request.HTTPSHandler(context=self._tls))
        self._opener = urllib.request.build_opener(*handlers)

    def get(
        self,
        path: str,
        query: Iterable[tuple[str, str]] = (),
        *,
        accept: str = "application/json",
        body: bytes | None = None,
        expected: frozenset[int] = frozenset(),
        too_large: str = "",
    ) -> Answer:
        """Ask for a path below the store's address; with a `body`, post it.

        Statuses of 200 and those in `expected` are answers, every other one is a SourceError. `too_large` says what helps
        where the answer exceeds the bytes allowed.
        """
        query = list(query)
        url = self.location.url + path + (f"?{urlencode(query)}" if query else "")
        answer = self._tried(url, accept, body, expected, too_large)
        if answer.status not in expected | {200}:
            raise SourceError(self._refusal(answer))
        if answer.content_type == "text/html" or (answer.status == 200 and answer.body[:15].lower().startswith((b"<!doctype", b"<html"))):
            raise SourceError(
                f"{self._who} answers with a web page where the API of {self.location.title} was expected: is it the right port, "
                "and is a path in front of the API missing in the address?"
            )
        return answer

    def _tried(self, url: str, accept: str, body: bytes | None, expected: frozenset[int], too_large: str) -> Answer:
        attempt = 1
        while True:
            try:
                answer, wait = self._once(url, accept, body, too_large)
            except _Lost as lost:
                if attempt == TRIES:
                    raise SourceError(f"{self._who}: the connection broke {TRIES} times ({lost}); is it the right port?") from lost
                wait = None
            else:
                if answer.status not in _AGAIN or answer.status in expected or attempt == TRIES or (wait or 0) > _MOST_WAIT:
                    return answer
            time.sleep(_pause(attempt) if wait is None else wait)
            attempt += 1

    @property
    def _who(self) -> str:
        return f"{self.location.title} at {self.location.url}"

    def _once(self, url: str, accept: str, body: bytes | None, too_large: str) -> tuple[Answer, float | None]:
        """Send a request, follow its redirects; return the answer, and how long it asks to wait."""
        origin = urlsplit(url)[:2]
        for _ in range(_REDIRECTS + 1):
            headers = {"Accept": accept, "Accept-Encoding": "gzip", "User-Agent": f"chronicle-otel/{__version__}"}
            if urlsplit(url)[:2] == origin:
                headers.update(self.access.headers)
            request = urllib.request.Request(url, data=body, headers=headers)
            if body is not None:
                request.add_header("Content-Type", "text/plain; charset=utf-8")
            deadline = time.monotonic() + _DEADLINE * self.access.timeout
            try:
                with self._open(request) as response:
                    target = response.headers.get("Location")
                    if response.status in (301, 302, 303, 307, 308) and target:
                        url = self._redirected(url, target)
                        continue
                    content = self._read(response, deadline, too_large)
                    kind = response.headers.get_content_type()
                    return Answer(response.status, kind, content, url), _retry_after(response.headers.get("Retry-After"))
            except TimeoutError as error:
                raise SourceError(self._timed_out()) from error
            except ssl.SSLError as error:
                raise SourceError(f"{self._who}: {self._tls_problem(error)}") from error
            except (http.client.HTTPException, OSError, EOFError, zlib.error) as error:
                raise _Lost(str(error) or type(error).__name__) from error
        raise SourceError(f"{self._who} redirects more than {_REDIRECTS} times, at last to {url}")

    def _open(self, request: urllib.request.Request) -> Any:
        try:
            return self._opener.open(request, timeout=self.access.timeout)
        except urllib.error.HTTPError as answer:  # every status but 200 to 299
            return answer
        except urllib.error.URLError as error:
            reason = error.reason
            if isinstance(reason, (TimeoutError, ssl.SSLError)) and not isinstance(reason, ssl.SSLZeroReturnError):
                raise reason from error
            asked = urlsplit(request.full_url)
            if request.host != asked.netloc and isinstance(reason, (socket.gaierror, ConnectionRefusedError)):
                why = "nobody listens" if isinstance(reason, ConnectionRefusedError) else "unknown host"
                advice = f"correct {asked.scheme}_proxy, or name {asked.hostname} in NO_PROXY"
                raise SourceError(f"{self._who}: the proxy {request.host} of the environment is not there: {why}; {advice}") from error
            if isinstance(reason, socket.gaierror):
                raise SourceError(f"{self._who}: unknown host {self.location.host} ({reason.strerror or reason})") from error
            if isinstance(reason, ConnectionRefusedError):
                if request.host != urlsplit(self.location.url).netloc:
                    raise SourceError(f"{self._who} redirects to {request.host}, where nobody listens") from error
                raise SourceError(f"{self._who}: nobody listens there: start it, or name its query port in the address") from error
            if isinstance(reason, ConnectionError):
                raise _Lost(str(reason)) from error
            raise SourceError(f"{self._who} cannot be reached: {reason}") from error

    def _redirected(self, url: str, target: str) -> str:
        found = urljoin(url, target)
        parts = urlsplit(found)
        if parts.scheme not in ("http", "https") or (urlsplit(url).scheme == "https" and parts.scheme == "http"):
            raise SourceError(f"{self._who} redirects to {found}, which is not followed: write the right address")
        return found

    def _read(self, response: Any, deadline: float, too_large: str) -> bytes:
        """Read a whole body, unpacked, within the limits."""
        most = self.access.max_bytes if response.status < 300 else _ERROR_BYTES
        unpacker = zlib.decompressobj(wbits=31) if (response.headers.get("Content-Encoding") or "").lower() == "gzip" else None
        parts: list[bytes] = []
        size = 0
        while data := response.read(_STEP):
            while data:
                part = unpacker.decompress(data, _STEP) if unpacker is not None else data
                data = unpacker.unconsumed_tail if unpacker is not None else b""
                parts.append(part)
                size += len(part)
                if size > most:
                    if response.status >= 300:
                        return b"".join(parts)[:most]
                    raise SourceError(self._too_large(too_large))
            if time.monotonic() > deadline:
                raise TimeoutError
        if getattr(response, "length", None):  # bytes announced and not sent; a read of a part says nothing of it
            raise EOFError("the answer ends early")
        if unpacker is not None and not unpacker.eof and size:
            raise EOFError("the gzip data of an answer ends early")
        return b"".join(parts)

    def _too_large(self, advice: str) -> str:
        limit = f"the answer is larger than {self.access.max_bytes:,} bytes"
        return f"{self._who}: {limit}: {advice + ', or ' if advice else ''}raise {self.location.variables}MAX_BYTES"

    def _timed_out(self) -> str:
        return f"{self._who}: no answer within {self.access.timeout:g} s; raise {self.location.variables}TIMEOUT, or ask for less"

    def _tls_problem(self, error: ssl.SSLError) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            advice = f"name the authority that signed it in {self.location.variables}CA_FILE"
            return f"its certificate is not trusted ({error.verify_message}): {advice}"
        if "WRONG_VERSION_NUMBER" in str(error) or "HTTP_REQUEST" in str(error):
            return f"it speaks no TLS on this port: write {self.location.store}:// instead of {self.location.store}+https://"
        return (
            f"TLS failed ({error.reason or error}); a server that asks for one gets the certificate of {self.location.variables}CERT_FILE"
        )

    def _refusal(self, answer: Answer) -> str:
        said = message_of(answer.body)
        quoted = f' It says: "{said}"' if said else ""
        if answer.status in (401, 403):
            names = ", ".join(self.location.variables + name for name in ("TOKEN", "USER and …_PASSWORD", "HEADERS", "TENANT"))
            given = "what was sent is not accepted" if self.access.headers else "no credentials were sent"
            return f"{self._who} refuses the request (HTTP {answer.status}); {given}: set {names}.{quoted}"
        if answer.status == 413:
            return f"{self._who}: the trace is too large for one answer (HTTP 413); ask for one trace, or a smaller window.{quoted}"
        if answer.status in _AGAIN:
            why = "is asked too often" if answer.status == 429 else "is not available"
            return f"{self._who} {why} (HTTP {answer.status}, after {TRIES} tries at most); try again later.{quoted}"
        if answer.status == 404:
            path = urlsplit(answer.url).path
            return f"{self._who} has no {path}: is it {self.location.title}, and is the path in front of the API right?{quoted}"
        return f"{self._who} refuses the request (HTTP {answer.status}).{quoted}"


def _pause(attempt: int) -> float:
    """Seconds before the next try: 0.25, 0.5, 1, and up to half as much again, so that many clients do not come at once."""
    return 0.25 * 2 ** (attempt - 1) * random.uniform(1, 1.5)


def _retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks to wait: it holds a number or a date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None


def message_of(body: bytes) -> str:
    """What an error's body says, on one line and short: the message of Jaeger's and others' JSON, else the text."""
    import json

    text = body[:2_000].decode("utf-8", "replace")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and name in found:
            found = found[name]  # pyright: ignore[reportUnknownVariableType]  # a tree
    if isinstance(found, str):
        text = found
    if "<html" in text[:200].lower():
        return ""
    return " ".join(text.split())[:300]
