"""URLs with something personal in them, and credentials in front of hosts. Scheme, port, plain segments and names stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ..found import ALNUM, Found, Piece, Scope, before, secret, text
from ..recognise import domain_at, is_secret
from ..tables import table
from . import addresses
from .credentials import Jwt
from .email import Email

_TABLE: Final[dict[str, Any]] = table("tables-v1.json")
_SCHEMES: Final = frozenset(name.encode() for name in _TABLE["url_schemes"])
_PEOPLE: Final = frozenset(name.encode() for name in _TABLE["url_people"])
_NOT_PEOPLE: Final = frozenset(name.encode() for name in _TABLE["url_not_people"])
_SECRETS: Final = frozenset(name.encode() for name in _TABLE["url_secrets"])
_LOOSE: Final = frozenset(name.encode() for name in _TABLE["url_loose"])
_DIGESTS: Final = frozenset(name.encode() for name in _TABLE["url_digests"])
_DIGEST: Final = re.compile(rb"(?:sha256:)?(?:[0-9a-f]{40}|[0-9a-f]{64})")
_SITES: Final = frozenset(name.encode() for name in _TABLE["sites"])
_SCHEME: Final = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)://")
_REST: Final = re.compile(rb"""[^ \t\r\n"'<>\\^`{|}\x80-\xff]*""")
_TRAILING: Final = b".,;:!?)]*_~"
_NUMBER_GOES_ON: Final = re.compile(rb"[&;,:+(][0-9]{1,6}[ \t\r\n][0-9]")
"""Where a number begins at the end of a URL that goes on behind a blank."""
_USERINFO: Final = re.compile(rb"""([A-Za-z][A-Za-z0-9+.-]*)://([^ \t\r\n/@?#"'<>\\]{1,256})@[A-Za-z0-9\[]""")
_AUTHORITY: Final = re.compile(rb"[^/?#]*")
_RUN: Final = re.compile(rb"[A-Za-z0-9_-]{20,}")
_UUID: Final = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""Names a thing, and opens nothing; what a secret's name or a person's segment says of one still holds."""
_PARAMETER: Final = re.compile(rb"""[?&;]([A-Za-z0-9_.-]{1,40})=([^ \t\r\n"'<>&;#\\]{6,})""")
_PORT: Final = re.compile(rb":[0-9]*\Z")


def end_of(part: bytes, start: int) -> int:
    """Return where the URL ends whose part after `://` begins here."""
    rest = _REST.match(part, start)
    assert rest is not None
    end = rest.end()
    number = _NUMBER_GOES_ON.search(part, max(start, end - 7), end + 2)
    if number is not None and number.end() == end + 2:
        end = number.start() + 1
    while end > start and part[end - 1] in _TRAILING:
        closing = part[end - 1]
        if closing == 0x29 and b"(" in part[start:end]:
            break
        if closing == 0x5D and b"[" in part[start:end]:
            break
        end -= 1
    return end


def random(run: bytes) -> bool:
    """Say whether a long run looks made by a machine for one person, and not like words."""
    pieces = re.split(rb"[_-]", run)
    if any(len(piece) >= 4 and re.search(rb"[0-9]", piece) and re.search(rb"[A-Za-z]", piece) for piece in pieces):
        return True
    return len(pieces) == 1 and re.search(rb"[a-z]", run) is not None and re.search(rb"[A-Z]", run) is not None


class _Parts:
    """Start and end of the parts of one URL."""

    def __init__(self, part: bytes, scheme: int, start: int, end: int) -> None:
        self.part = part
        self.end = end
        self.scheme = part[scheme : start - 3].lower()
        authority = _AUTHORITY.match(part, start, end)
        assert authority is not None
        stop = authority.end()
        at = part.rfind(b"@", start, stop)
        self.userinfo = (start, at) if at >= 0 else None
        self.host = at + 1 if at >= 0 else start
        port = _PORT.search(part, self.host, stop) if part[self.host : self.host + 1] != b"[" else None
        self.host_end = port.start() if port is not None else stop
        self.bare = port is None and stop == end
        question = part.find(b"?", stop, end)
        hashed = part.find(b"#", stop, end)
        if question > hashed >= 0:
            question = -1
        self.path = (stop, min(edge for edge in (question, hashed, end) if edge >= 0))
        self.query = (question + 1, hashed if hashed >= 0 else end) if question >= 0 else None
        self.fragment = (hashed + 1, end) if hashed >= 0 else None

    def segments(self) -> Iterator[tuple[int, int]]:
        """Yield the segments of the path."""
        at, stop = self.path
        while at < stop:
            at += 1
            end = self.part.find(b"/", at, stop)
            end = stop if end < 0 else end
            yield at, end
            at = end

    def parameters(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield names in lower case, and where their values stand."""
        for span in (self.query, self.fragment):
            if span is None:
                continue
            at, stop = span
            while at <= stop:
                end = min((edge for edge in (self.part.find(b"&", at, stop), self.part.find(b";", at, stop)) if edge >= 0), default=stop)
                equals = self.part.find(b"=", at, end)
                if equals >= 0:
                    yield self.part[at:equals].lower(), equals + 1, end
                else:
                    yield b"", at, end
                at = end + 1


def _credentials(part: bytes, start: int, end: int) -> list[tuple[int, int]]:
    colon = part.find(b":", start, end)
    spans = [(start, end)] if colon < 0 else [(start, colon), (colon + 1, end)]
    return [(first, last) for first, last in spans if first < last]


def _has_alnum(value: bytes) -> bool:
    return any(byte in ALNUM for byte in value)


def personal_spans(url: _Parts) -> list[tuple[int, int]]:
    """Return the parts of a URL that lead to a person."""
    part = url.part
    spans: list[tuple[int, int]] = _credentials(part, *url.userinfo) if url.userinfo else []
    people = digests = False
    for start, end in url.segments():
        segment = part[start:end]
        if digests and _DIGEST.fullmatch(segment):
            pass
        elif people and _has_alnum(segment) and segment.lower() not in _NOT_PEOPLE:
            spans.append((start, end))
        else:
            spans += _runs(part, start, end)
        people = segment.lower() in _PEOPLE
        digests = segment.lower() in _DIGESTS
    for name, start, end in url.parameters():
        if name in _SECRETS and _has_alnum(part[start:end]):
            spans.append((start, end))
        else:
            spans += _runs(part, start, end)
    return [(start, end) for start, end in spans if not is_secret(part[start:end])]


def _runs(part: bytes, start: int, end: int) -> list[tuple[int, int]]:
    return [found.span() for found in _RUN.finditer(part, start, end) if random(found[0]) and not _UUID.fullmatch(found[0])]


def front_page(url: _Parts) -> bool:
    """Say whether a URL is only somebody's host name."""
    if (
        url.scheme not in (b"http", b"https")
        or url.userinfo
        or url.query
        or url.fragment
        or (not url.bare and url.path[1] - url.path[0] > 1)
    ):
        return False
    host = url.part[url.host : url.host_end].lower()
    if url.host_end < url.end and url.part[url.host_end : url.host_end + 1] == b":":
        return False
    labels = host.split(b".")
    if not all(label and all(byte in ALNUM or byte == 0x2D for byte in label) for label in labels) or not labels[-1].isalpha():
        return False
    count = len(labels) - 1 if labels[0] == b"www" else len(labels)
    return (count == 2 or (count == 3 and labels[0] == b"www")) and b".".join(labels[-2:]) not in _SITES


def host_piece(url: _Parts) -> list[Piece]:
    """Return the piece that replaces a host, if it is to be."""
    host = url.part[url.host : url.host_end]
    if not host or host[:1] == b"[" or b"." not in host:
        return []
    if re.fullmatch(rb"[0-9.]+", host):
        quad = addresses.quad(host) if host.count(b".") == 3 and re.fullmatch(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", host) else None
        if quad is None or not addresses.personal(quad):
            return []
        return [Piece(url.host, url.host_end, "ipv4", str(quad))]
    if domain_at(host, 0) == len(host):
        return []
    return [Piece(url.host, url.host_end, "domain", text(host).lower())]


def typed(start: int, end: int, part: bytes, scope: Scope) -> list[Piece]:
    """Return the pieces of a personal part: an address or a token keeps the stand-in that it has elsewhere."""
    value = part[start:end]
    if b"@" in value:
        address = Email().find(value, scope)
        if address and (address[0].start, address[0].end) == (0, len(value)):
            return [Piece(start, end, "email", address[0].value)]
    token = Jwt().find(value, scope) if value.startswith(b"eyJ") else []
    if token and token[0].end == len(value):
        return [Piece(start + piece.start, start + piece.end, piece.kind, piece.value, piece.extra) for piece in token[0].pieces]
    return [secret(start, end, part, scope)]


def whole(part: bytes, scheme: int, start: int, scope: Scope, rule: str) -> tuple[int, Found | None]:
    """Return the end of a URL, and what is to be replaced in it."""
    end = end_of(part, start)
    url = _Parts(part, scheme, start, end)
    spans = personal_spans(url)
    web = url.scheme in _SCHEMES
    if not spans and not (web and url.host < url.host_end and front_page(url)):
        return end, None
    pieces = [piece for first, last in spans for piece in typed(first, last, part, scope)]
    pieces += [piece for piece in host_piece(url) if web or piece.kind == "ipv4"]
    if not pieces:
        return end, None
    pieces.sort(key=lambda piece: piece.start)
    host = text(part[url.host : url.host_end]).lower()
    return end, Found(scheme, end, rule, tuple(pieces), host, open=True)


class UserInfo:
    """user and password before a host."""

    name = "userinfo"
    cores = (r"""://[^ \t\r\n/@?#"'<>\\]{1,256}@[A-Za-z0-9\[]""",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the whole URLs, with all that is personal in them."""
        made: list[Found] = []
        at = 0
        while (found := _USERINFO.search(part, at)) is not None:
            scheme = found.start()
            at = found.end(1)
            if before(part, scheme) in ALNUM:
                continue
            known = next((known for known in _SCHEMES if found[1].lower().endswith(known)), b"")
            begins = found.end(1) - len(known)
            # an address ends where the scheme begins, or a token does: `Bearer abc123…https://`
            if known and (before(part, scheme) == 0x40 or (begins > scheme and part[begins - 1] in ALNUM)):
                scheme = begins
            end, match = whole(part, scheme, found.start(2), scope, self.name)
            if match is not None:
                made.append(match)
                at = end
        return made


class Url:
    """web addresses that lead to a person, and secrets in query parameters."""

    name = "url"
    cores = (
        f"(?i:[?&;#](?:{'|'.join(re.escape(name) for name in _TABLE['url_secrets'])})=[^ \\t\\r\\n&;#])",
        f"(?i:://[^ \\t\\r\\n\\\"'<>]*/(?:{'|'.join(_TABLE['url_people'])})/[^/?# \\t\\r\\n])",
        r"""://[^ \t\r\n/?#"'<>\\]+@""",
        r"""://[^ \t\r\n"'<>]*[A-Za-z0-9_-]{20}""",
        r"(?i:https?://[A-Za-z0-9.-]+/?(?:[^A-Za-z0-9/:?#@.%_~-]|[.,;:!?)*_~-]|$))",
    )

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the URLs, and the parameters outside of them."""
        made: list[Found] = []
        ends: list[tuple[int, int]] = []
        at = 0
        while (found := _SCHEME.search(part, at)) is not None:
            at = found.end()
            if found[1].lower() not in _SCHEMES:
                known = next((known for known in _SCHEMES if found[1].lower().endswith(known)), None)
                if known is None or part[found.end(1) - len(known) - 1] in ALNUM:
                    continue
                scheme = found.end(1) - len(known)
            else:
                scheme = found.start()
            if before(part, scheme) in ALNUM:
                continue
            at, match = whole(part, scheme, found.end(), scope, self.name)
            ends.append((scheme, at))
            if match is not None:
                made.append(match)
        made += self._parameters(part, scope, ends)
        made.sort(key=lambda match: match.start)
        apart: list[Found] = []
        for match in made:  # a parameter may begin before a URL and hold it
            if not apart or match.start >= apart[-1].end:
                apart.append(match)
        return apart

    def _parameters(self, part: bytes, scope: Scope, urls: list[tuple[int, int]]) -> list[Found]:
        made: list[Found] = []
        for found in _PARAMETER.finditer(part):
            start, end = found.span(2)
            if found[1].lower() not in _LOOSE or is_secret(found[2]) or not _has_alnum(found[2]):
                continue
            if not any(first <= start < last for first, last in urls):
                made.append(Found(start, end, self.name, tuple(typed(start, end, part, scope)), text(found[2])))
        return made
