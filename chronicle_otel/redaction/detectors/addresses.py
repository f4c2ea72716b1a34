"""IP addresses that are somebody's: not private, loopback, documentation, multicast or reserved."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from ..found import ALNUM, DIGIT, LETTER, WORD, Found, Piece, Scope, after, before, digit_after

_QUAD: Final = re.compile(rb"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_NOT_PERSONAL: Final = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_NOT_PERSONAL6: Final = tuple(ipaddress.IPv6Network(block) for block in ("::/127", "fe80::/10", "fc00::/7", "ff00::/8", "2001:db8::/32"))
_ONE_DIGIT: Final = 10
"""Four numbers below are a version, where nothing hints at an address."""
_SMALL: Final = 32
"""And so are four below this one behind a word; one address in four thousand has four such octets."""
_RUN6: Final = re.compile(rb"[0-9A-Fa-f:.]{8,}")


def quad(found: bytes) -> ipaddress.IPv4Address | None:
    """Return the address of a dotted quad, None if an octet is out of range or has a leading zero."""
    octets = found.split(b".")
    if any(len(octet) > 1 and octet[0] == 0x30 for octet in octets):
        return None
    numbers = bytes_of(octets)
    return ipaddress.IPv4Address(numbers) if numbers is not None else None


def bytes_of(octets: list[bytes]) -> bytes | None:
    """Return four octets as bytes."""
    numbers = [int(octet) for octet in octets]
    return bytes(numbers) if max(numbers) < 256 else None


def personal(address: ipaddress.IPv4Address) -> bool:
    """Say whether an address is somebody's."""
    return not any(address in block for block in _NOT_PERSONAL)


def quad_at(part: bytes, start: int, end: int) -> bool:
    """Say whether the surroundings let a dotted quad be an address, and not a version."""
    previous = before(part, start)
    if previous in WORD:
        return False
    if start > 1 and previous in b".-/" and part[start - 2] in WORD:
        return False
    if after(part, end) in WORD or digit_after(part, end, b"."):
        return False
    return end == len(part) or not (part[end] in b"-+" and after(part, end + 1) in LETTER)


class IPv4:
    """addresses in dotted decimal."""

    name = "ipv4"
    cores = (r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",)

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the addresses."""
        made: list[Found] = []
        found = _QUAD.search(part)
        while found is not None:
            start, end = found.span()
            address = quad(found[0]) if quad_at(part, start, end) else None
            if address is not None and personal(address) and self._counts(address, part, start, scope):
                value = str(address)
                made.append(Found(start, end, self.name, (Piece(start, end, "ipv4", value),), value))
                found = _QUAD.search(part, end)
            else:
                found = _QUAD.search(part, start + 1)
        return made

    def _counts(self, address: ipaddress.IPv4Address, part: bytes, start: int, scope: Scope) -> bool:
        if scope.vetoed(self.name, part, start) or part[max(0, start - 2) : start] == b"==":
            return False
        octets = address.packed
        if max(octets) >= _SMALL or octets[0] == octets[1]:
            return True
        if max(octets) >= _ONE_DIGIT and not scope.follows_word(part, start):
            return True
        return scope.hinted(self.name, part, start)


def address6(run: bytes) -> ipaddress.IPv6Address | None:
    """Return the IPv6 address that a run of hex digits, colons and dots is."""
    if run.count(b":") < 2 or len(run) < 8 or not any(byte in DIGIT for byte in run):
        return None
    _, double, rest = run.partition(b"::")
    if double and not any(byte in ALNUM for byte in rest):
        return None
    try:
        return ipaddress.IPv6Address(run.decode())
    except ValueError:
        return None


class IPv6:
    """addresses in hex groups."""

    name = "ipv6"
    cores = (r"::[0-9A-Fa-f]", r"(?:[0-9A-Fa-f]{1,4}:){6}[0-9A-Fa-f]")

    def find(self, part: bytes, scope: Scope) -> list[Found]:
        """Return the addresses."""
        made: list[Found] = []
        for found in _RUN6.finditer(part):
            start, end = found.span()
            while start < end and part[start] == 0x2E:
                start += 1
            while end > start and part[end - 1] == 0x2E:
                end -= 1
            if part[end - 1 : end] == b":" and part[end - 2 : end - 1] != b":":
                end -= 1
            if part[start : start + 1] == b":" and part[start + 1 : start + 2] != b":":
                start += 1
            if before(part, start) in WORD and b":" in part[start:end]:
                start = part.index(b":", start, end) + 1
            if before(part, start) in WORD or after(part, end) in WORD:
                continue
            address = address6(part[start:end])
            if address is not None and not any(address in block for block in _NOT_PERSONAL6):
                if scope.vetoed(self.name, part, start):
                    continue
                made.append(Found(start, end, self.name, (Piece(start, end, "ipv6", address.packed.hex()),), str(address)))
        return made
