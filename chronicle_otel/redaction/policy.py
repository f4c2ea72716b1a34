"""A policy: what is private, and what becomes of it. The same file drives this engine and the collector processor.

file ──yaml_subset──► tree ──schema──► checked ──extends──► whole ──canonical JSON + table hashes──► id
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import policy_schema, tables
from .errors import PolicyError
from .yaml_subset import Source, load

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Policy:
    """A checked policy with all its defaults."""

    tree: Mapping[str, Any]
    id: str
    """SHA-256 of the whole policy and of the tables that it builds on."""
    name: str
    """Where it was read from."""

    @property
    def limits(self) -> Mapping[str, int]:
        """Deterministic budgets: bytes, depth, layers, matches."""
        return self.tree["limits"]


def load_policy(source: str | os.PathLike[str] | Mapping[str, Any] | None = None) -> Policy:
    """Read a policy from a file or a mapping; without one, the default that ships. PolicyError names what is refused, and where."""
    if source is None or source == DEFAULT:
        return _finish(_default(), "the default policy")
    if isinstance(source, Mapping):
        return read_policy(json.dumps(source), "policy")
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"cannot read the policy {path}: {getattr(error, 'strerror', None) or error}") from None
    return read_policy(text, str(path))


def read_policy(text: str, name: str) -> Policy:
    """Read a policy from its text."""
    source = load(text, name)
    policy_schema.check(source)
    tree: Mapping[str, Any] = source.tree
    if tree.get("extends") == DEFAULT:
        tree = _on_top(_default(), {key: value for key, value in tree.items() if key != "extends"})
    policy = _finish(tree, name)
    _check_together(policy, source)
    return policy


def _default() -> dict[str, Any]:
    source = load(tables.raw("default.yaml").decode(), "default.yaml")
    policy_schema.check(source)
    return source.tree


def _on_top(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(base)
    for name, value in own.items():
        if name in policy_schema.LISTS:
            made[name] = _entries(base.get(name, ()), value)
        elif name == "scope":
            scope: Mapping[str, Any] = base.get("scope", {})
            made[name] = {**scope, **{list_name: [*scope.get(list_name, ()), *entries] for list_name, entries in value.items()}}
        elif isinstance(value, dict):
            made[name] = {**base.get(name, {}), **value}
        else:
            made[name] = value
    return made


def _entries(base: Any, own: Any) -> list[Any]:
    made: list[Any] = list(base)
    at = {_label(entry): place for place, entry in enumerate(made)}
    for entry in own:
        place = at.get(_label(entry)) if _label(entry) else None
        if place is None:
            made.append(entry)
        else:
            made[place] = entry
    return made


def _label(entry: Mapping[str, Any]) -> str | None:
    return entry.get("id") or entry.get("use")


def _finish(tree: Mapping[str, Any], name: str) -> Policy:
    whole: dict[str, Any] = {}
    for member, default in policy_schema.DEFAULTS.items():
        given = tree.get(member, default)
        whole[member] = {**default, **given} if isinstance(default, dict) else given
    canonical = json.dumps({"policy": whole, "tables": tables.hashes()}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    identity = hashlib.sha256(canonical.encode()).hexdigest()
    return Policy(whole, identity + ("+py" if whole["hooks"] else ""), name)


def _check_together(policy: Policy, source: Source) -> None:
    known = {*policy_schema.BUILT_IN, *(entry["id"] for entry in policy.tree["national_ids"])}
    own = {rule["id"] for rule in policy.tree["rules"] if "pattern" in rule}
    for at, entry in enumerate(source.tree.get("keys", ())):
        for word in (*([entry["hint"]] if "hint" in entry else ()), *entry.get("veto", ())):
            if word not in known and word not in own:
                raise source.refuse(("keys", at), f"{word!r} is no rule of this policy")
