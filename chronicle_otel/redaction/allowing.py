"""Allow lists: they speak of one match, never of the value around it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .found import Found
from .tables import table

_TEST_CARDS: Final = frozenset(table("tables-v1.json")["test_cards"])


def allowed(match: Found, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a policy lets a match stand."""
    return any(_fits(match, entry) for entry in entries)


def _fits(match: Found, entry: Mapping[str, Any]) -> bool:
    wanted = [name for name in ("value", "domain", "cidr", "set") if name in entry]
    return bool(wanted) and all(_TESTS[name](match, entry[name]) for name in wanted)


def _value(match: Found, wanted: str) -> bool:
    return match.value in (wanted, wanted.lower())


def _domain(match: Found, wanted: str) -> bool:
    host = match.value.rpartition("@")[2]
    return host == wanted.lower() or host.endswith("." + wanted.lower())


def _network(match: Found, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(match.value) in ipaddress.ip_network(wanted)
    except ValueError:
        return False


def _set(match: Found, wanted: str) -> bool:
    return match.value in _TEST_CARDS


_TESTS: Final = {"value": _value, "domain": _domain, "cidr": _network, "set": _set}
