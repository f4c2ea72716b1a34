"""What a policy may hold, member by member, and what each may be. Unknown names and wrong types are refused where they stand."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from . import checks, patterns
from .detectors.own_rules import BOUNDARIES
from .detectors.secrets import CLASSES
from .yaml_subset import Path, Source

Check: TypeAlias = Callable[[Source, Path, Any], None]

ACTIONS: Final = ("pseudonymise", "token", "mask", "drop", "keep")
BUILT_IN: Final = (
    "pem",
    "userinfo",
    "url",
    "jwt",
    "basic",
    "bearer",
    "secrets",
    "iban",
    "card",
    "national_ids",
    "email",
    "us_ssn",
    "phone",
    "ipv4",
    "ipv6",
)
"""The rules that ship, in their order of preference."""
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NAME: Final = re.compile(r"[a-z0-9_*]{1,80}")


def text(source: Source, path: Path, value: Any) -> None:
    """Any text."""
    if not isinstance(value, str):
        raise source.refuse(path, f"text is wanted, this is {_kind(value)}")


def integer(least: int, most: int) -> Check:
    """An integer within limits."""

    def check(source: Source, path: Path, value: Any) -> None:
        if type(value) is not int or not least <= value <= most:
            raise source.refuse(path, f"an integer from {least} to {most} is wanted")

    return check


def flag(source: Source, path: Path, value: Any) -> None:
    """True or false."""
    if type(value) is not bool:
        raise source.refuse(path, "true or false is wanted")


def one_of(*choices: Any) -> Check:
    """One of a few words."""

    def check(source: Source, path: Path, value: Any) -> None:
        if value not in choices or isinstance(value, bool):
            near = difflib.get_close_matches(str(value), [str(choice) for choice in choices], 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise source.refuse(path, f"{value!r} is none of {', '.join(map(str, choices))}{hint}")

    return check


def matching(pattern: re.Pattern[str], wanted: str) -> Check:
    """Text of a form."""

    def check(source: Source, path: Path, value: Any) -> None:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise source.refuse(path, f"{value!r} is no {wanted}")

    return check


def many(item: Check) -> Check:
    """A list."""

    def check(source: Source, path: Path, value: Any) -> None:
        if not isinstance(value, list):
            raise source.refuse(path, f"a list is wanted, this is {_kind(value)}")
        entries = cast("list[Any]", value)
        for at, entry in enumerate(entries):
            item(source, (*path, at), entry)

    return check


def record(members: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """Named members."""

    def check(source: Source, path: Path, value: Any) -> None:
        if not isinstance(value, dict):
            raise source.refuse(path, f"named members are wanted, this is {_kind(value)}")
        given = cast("dict[str, Any]", value)
        for name, member in given.items():
            if name not in members:
                near = difflib.get_close_matches(name, list(members), 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(members))}"
                raise source.refuse((*path, name), f"unknown; {hint}")
            members[name](source, (*path, name), member)
        for name in required:
            if name not in given:
                raise source.refuse(path, f"`{name}` is missing")

    return check


def _kind(value: Any) -> str:
    return {dict: "a mapping", list: "a list", str: "text", int: "a number", bool: "true or false"}.get(cast("Any", type(value)), "nothing")


def _pattern(source: Source, path: Path, value: Any) -> None:
    text(source, path, value)
    try:
        patterns.own_pattern(value)
    except ValueError as error:
        raise source.refuse(path, str(error)) from None


def _cidr(source: Source, path: Path, value: Any) -> None:
    try:
        ipaddress.ip_network(value)
    except (ValueError, TypeError):
        raise source.refuse(path, f"{value!r} is no network such as 10.0.0.0/8") from None


def _names(source: Source, path: Path, value: Any) -> None:
    many(matching(_NAME, "normalised name (lower case, digits, `_`; `*` for anything)"))(source, path, value)


_ALLOW: Final = record({"type": one_of(*BUILT_IN), "value": text, "domain": text, "cidr": _cidr, "set": one_of("published_test")})
_KEY: Final = record(
    {
        "id": matching(_ID, "id"),
        "names": _names,
        "type": one_of("secret", "token"),
        "hint": text,
        "veto": many(text),
        "words": many(text),
    },
    ("id", "names"),
)
_RUN: Final[dict[str, Check]] = {"of": one_of(*CLASSES), "min": integer(1, 1000), "max": integer(1, 1000)}
_SECRET: Final = record(
    {
        "id": matching(_ID, "id"),
        "prefix": many(text),
        **_RUN,
        "mixed": flag,
        "keys": _names,
        "then": many(record({"sep": text, **_RUN}, ("sep", "of", "min"))),
    },
    ("id", "of", "min"),
)
_CHECK: Final = record(
    {
        "kind": one_of(*checks.KINDS),
        "order": one_of("ymd", "dmy"),
        "at": integer(-40, 40),
        "loose": flag,
        "weights": many(integer(0, 100)),
        "mod": integer(2, 1000),
        "table": text,
        "last": integer(2, 40),
        "of": integer(2, 1000),
    },
    ("kind",),
)
_NATIONAL: Final = record(
    {
        "id": matching(_ID, "id"),
        "forms": many(text),
        "hinted": many(text),
        "checks": many(_CHECK),
        "names": _names,
        "words": many(text),
        "any_case": flag,
        "not_prefix": many(text),
    },
    ("id",),
)
_OWN_RULE: Final = record(
    {
        "id": matching(_ID, "id"),
        "pattern": _pattern,
        "group": integer(0, 9),
        "left": one_of(*BOUNDARIES),
        "right": one_of(*BOUNDARIES),
        "literal": text,
        "validate": one_of("none", *checks.VALIDATORS),
        "action": one_of(*ACTIONS),
        "allow": many(_ALLOW),
    },
    ("id", "pattern"),
)
_BUILT_IN: Final = record(
    {
        "use": one_of(*BUILT_IN),
        "action": one_of(*ACTIONS),
        "allow": many(_ALLOW),
        "veto_json": many(one_of("float")),
        "disabled": flag,
    },
    ("use",),
)


def _rule(source: Source, path: Path, value: Any) -> None:
    own = isinstance(value, dict) and "pattern" in value
    (_OWN_RULE if own else _BUILT_IN)(source, path, value)


_GLOB: Final = many(text)
POLICY: Final = record(
    {
        "version": one_of(1),
        "extends": one_of("default"),
        "data": record({"fold": one_of("v1"), "phones": one_of("v1")}),
        "defaults": record({"action": one_of(*ACTIONS), "phone_regions": many(matching(re.compile("[A-Z]{2}"), "region"))}),
        "limits": record(
            {
                "value_bytes": integer(1000, 1 << 30),
                "depth": integer(1, 128),
                "layers": integer(0, 64),
                "expand": integer(1, 100),
                "matches": integer(1, 1_000_000),
            }
        ),
        "on_limit": one_of("opaque", "drop"),
        "tenant": record({"from": many(text), "default": text, "required": flag}),
        "scope": record({"keep": _GLOB, "drop": _GLOB, "trace_state_keep": _GLOB}),
        "opaque_ok": many(record({"key": matching(_NAME, "normalised name")}, ("key",))),
        "keys": many(_KEY),
        "rules": many(_rule),
        "secrets": many(_SECRET),
        "national_ids": many(_NATIONAL),
        "allow": many(_ALLOW),
        "hooks": many(record({"use": text, "options": lambda _source, _path, _value: None}, ("use",))),
    },
    ("version",),
)
DEFAULTS: Final[dict[str, Any]] = {
    "version": 1,
    "data": {"fold": "v1", "phones": "v1"},
    "defaults": {"action": "pseudonymise", "phone_regions": ["US", "GB", "FR", "DE"]},
    "limits": {"value_bytes": 16_777_216, "depth": 128, "layers": 8, "expand": 4, "matches": 10_000},
    "on_limit": "opaque",
    "tenant": {"from": [], "default": "default"},
    "scope": {"keep": [], "drop": [], "trace_state_keep": []},
    "opaque_ok": [],
    "keys": [],
    "rules": [],
    "secrets": [],
    "national_ids": [],
    "allow": [],
    "hooks": [],
}
"""What a policy means by what it does not say."""
LISTS: Final = ("opaque_ok", "keys", "rules", "secrets", "national_ids", "allow", "hooks")


def check(source: Source) -> None:
    """Check a whole policy; PolicyError names the first thing that is wrong."""
    POLICY(source, (), source.tree)
    for name in ("keys", "secrets", "national_ids", "rules"):
        seen: set[str] = set()
        for at, entry in enumerate(source.tree.get(name, ())):
            label = entry.get("id") or entry.get("use")
            if label in seen:
                raise source.refuse((name, at), f"{label!r} stands twice")
            seen.add(label)
    for at, entry in enumerate(source.tree.get("secrets", ())):
        if not entry.get("keys") and not any(entry.get("prefix", ())) and not entry.get("then"):
            raise source.refuse(("secrets", at), "needs a prefix, `then` or `keys`")
    for at, entry in enumerate(source.tree.get("national_ids", ())):
        if not entry.get("forms") and not entry.get("hinted"):
            raise source.refuse(("national_ids", at), "needs `forms` or `hinted`")
