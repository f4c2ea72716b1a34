"""Whose pseudonyms: the tenant that a resource names, as the policy says where, in the process as in the collector.

    policy: tenant.from ──► sources ──attributes of the resource──► tenant ──► its Redactor

In a process there is no client, and so no metadata of one: a source `metadata:NAME` has no value here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from .errors import RedactionError
from .redactor import Redactor

_MOST: Final = 1024
"""Tenants that are remembered: senders may name any number of them. One that was forgotten is made again, the same."""
_PLAIN: Final = re.compile(r"[a-z._-]{1,64}")
"""What a report holds of a source's name: neither capitals nor digits."""


class NoTenant(RedactionError):
    """The policy wants a tenant, and a resource names none, or two: nobody may see this under another one's pseudonyms."""


class Tenants:
    """Gives each resource the redactor of its tenant. Wrap a Redactor to take the tenant from the resource.

    RedactionError if the policy's sources cannot be read, or if it wants a tenant and none of them can have one here.
    """

    def __init__(self, redactor: Redactor) -> None:
        tenant: dict[str, Any] = redactor.policy.tree["tenant"]
        sources: list[str] = tenant["from"]
        for source in sources:
            kind, _, name = source.partition(":")
            if kind not in ("metadata", "resource") or not name:
                raise RedactionError(f"policy: tenant.from: {source!r} is neither metadata:NAME nor resource:NAME")
        self._names = [source.partition(":")[2] for source in sources if source.startswith("resource:")]
        self._required = bool(tenant.get("required"))
        if self._required and not self._names:
            raise RedactionError(
                "policy: tenant.required wants a tenant, and only a collector sees the metadata of clients: "
                "name an attribute of the resource in tenant.from, as resource:tenant.id, or redact in the collector"
            )
        self._redactor = redactor
        self._default: str = tenant["default"]
        self._known: dict[tuple[str, str], Redactor] = {}

    def of(self, attributes: Iterable[tuple[str, Any]]) -> Redactor:
        """Return the redactor of the tenant that a resource's attributes name; NoTenant where one is wanted and there is none."""
        pairs = [(key, value) for key, value in attributes if key in self._names and isinstance(value, str)]
        for name in self._names:
            values = [value for key, value in pairs if key == name]
            if len(values) > 1:
                break
            if values and values[0]:
                return self._made(values[0], f"resource:{name}" if _PLAIN.fullmatch(name) else "resource")
        if self._required:
            wanted = ", ".join(self._names)
            raise NoTenant(f"the policy wants a tenant, and the resource has not exactly one of: {wanted}")
        return self._made(self._default, "default")

    def _made(self, tenant: str, tenant_from: str) -> Redactor:
        key = (tenant, tenant_from)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[key] = self._redactor.for_tenant(tenant, tenant_from)
        return found
