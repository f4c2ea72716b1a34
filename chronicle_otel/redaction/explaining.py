"""What a policy says, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .policy import Policy
from .policy_schema import BUILT_IN

_ABOUT: Final = {
    "pem": "keys and certificates between BEGIN and END lines: the body",
    "userinfo": "user and password in a URL of any scheme, and what else is personal in it",
    "url": "web addresses that lead to a person, and secrets in their parameters",
    "jwt": "JSON web tokens",
    "basic": "basic authentication",
    "bearer": "bearer tokens",
    "secrets": "credentials by prefix, and values assigned to a name that says so",
    "iban": "bank account numbers whose check digits fit",
    "card": "payment card numbers: issuer, length and Luhn",
    "national_ids": "national ids with check digits",
    "email": "e-mail addresses",
    "us_ssn": "US social security numbers and ITINs",
    "phone": "telephone numbers",
    "ipv4": "public IPv4 addresses",
    "ipv6": "public IPv6 addresses",
}
_BECOMES: Final = {
    "pseudonymise": "a value of the same type",
    "token": "a token",
    "mask": "x and 9 (a replay may diverge)",
    "drop": "nothing",
    "keep": "itself",
}


def explain(policy: Policy) -> Iterator[str]:
    """Yield lines that say what the policy does, in the order in which it decides."""
    tree = policy.tree
    yield f"policy {policy.id} ({policy.name})"
    yield ""
    yield "by name, the whole value:"
    for entry in tree["keys"]:
        if entry.get("type"):
            yield f"  {entry['id']}: {entry['type']} for {', '.join(entry['names'])}"
    yield ""
    yield "by form, in this order:"
    rules = {entry["use"]: entry for entry in tree["rules"] if "use" in entry and not entry.get("disabled")}
    for name in BUILT_IN:
        if name in rules:
            yield f"  {name}: {_ABOUT[name]}; becomes {_becomes(rules[name], tree)}"
    for entry in tree["rules"]:
        if "pattern" in entry:
            yield f"  {entry['id']}: {entry['pattern']}; becomes {_becomes(entry, tree)}"
    yield ""
    yield f"credentials: {', '.join(entry['id'] for entry in tree['secrets']) or 'none'}"
    yield f"national ids: {', '.join(entry['id'] for entry in tree['national_ids']) or 'none'}"
    yield f"telephone numbers without a country code: of {', '.join(tree['defaults']['phone_regions'])}"
    yield ""
    for entry in tree["keys"]:
        if entry.get("hint"):
            yield f"hint at {entry['hint']}: {', '.join(entry['names'])}"
    for entry in tree["keys"]:
        if entry.get("veto"):
            yield f"no {', '.join(entry['veto'])} under: {', '.join(entry['names'])}"
    yield ""
    yield f"kept attributes: {', '.join(tree['scope']['keep']) or 'none'}"
    yield f"kept values of providers: {', '.join(entry['key'] for entry in tree['opaque_ok']) or 'none'}"
    yield f"allowed: {len(tree['allow'])} entries for all rules"
    limits = tree["limits"]
    yield f"a value above {limits['value_bytes']} bytes or {limits['matches']} matches becomes {tree['on_limit']}"


def _becomes(entry: Mapping[str, Any], tree: Mapping[str, Any]) -> str:
    return _BECOMES[entry.get("action", tree["defaults"]["action"])]
