"""The redactor: a policy, a key, a tenant."""

from __future__ import annotations

import collections
import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from . import broken
from .documents import Documents, opaque
from .gate import Gate
from .layers import apply
from .lexer import Broken, parse
from .names import NOWHERE, Context, Names
from .policy import Policy
from .pseudonyms import Pseudonyms
from .recognise import OPAQUE
from .scanning import LimitReached, Outcome, Scanner, Work

_BLANK: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Match:
    """A private value: code points from `start` to `end`, its type, the rule that found it, and what the policy does with it."""

    type: str
    start: int
    end: int
    rule: str
    action: str


@dataclass(slots=True)
class Tally:
    """What was done, in numbers: never a value."""

    rules: collections.Counter[str] = field(default_factory=collections.Counter[str])
    opaque: collections.Counter[str] = field(default_factory=collections.Counter[str])

    def add(self, work: Work) -> None:
        """Count what happened to one value."""
        self.rules.update(work.rules)
        self.opaque.update(work.opaque)


class Redactor:
    """Replaces what is private in texts and JSON payloads by values of the same type.

    The same value gives the same pseudonym for the same key (at least 32 bytes) and tenant, in every redactor. A second
    pass, by a redactor with any key, changes nothing. `gate=False` scans what surely holds nothing as well: for tests.
    """

    def __init__(self, policy: Policy, key: bytes, tenant: str = "default", *, key_name: str = "", gate: bool = True) -> None:
        self.policy = policy
        self.key_name = key_name
        """Where the key came from, for reports: a name, never the key."""
        self.tenant = tenant
        self.tenant_from = "setting"
        """Where the tenant came from, for reports."""
        self._key = key
        self._names = Names(policy.tree)
        self._pseudonyms = Pseudonyms(key, tenant)
        self._scanner = Scanner(policy, self._names, self._pseudonyms)
        self._documents = Documents(self._scanner)
        self._gate = Gate(policy, self._scanner) if gate else None
        self._bytes = policy.limits["value_bytes"]
        self._matches = policy.limits["matches"]
        self._drop = policy.tree["on_limit"] == "drop"

    def for_tenant(self, tenant: str, tenant_from: str) -> Redactor:
        """Return the redactor of another tenant under the same policy and key; `tenant_from` says in reports where it came from."""
        made = copy.copy(self)
        made.tenant, made.tenant_from = tenant, tenant_from
        made._pseudonyms = Pseudonyms(self._key, tenant)
        made._scanner = self._scanner.keyed(made._pseudonyms)
        made._documents = Documents(made._scanner)
        return made

    def of(self, attributes: Iterable[tuple[str, Any]]) -> Redactor:
        """Return the redactor of what comes from a resource: this one, whatever its attributes say. `Tenants` asks them."""
        return self

    @property
    def kcv(self) -> str:
        """Check value of the key: equal for redactors that give equal pseudonyms."""
        return self._pseudonyms.kcv

    def find(self, text: str) -> list[Match]:
        """Return what is private in a text, in order."""
        data = text.encode("utf-8", "surrogatepass")
        work = Work(self._matches, collect=True)
        try:
            hits = self._scanner.text(data, NOWHERE, work).hits
        except (LimitReached, RecursionError):
            return []
        points = _CodePoints(data)
        return [
            Match(hit.type, points.at(hit.start), points.at(hit.end), hit.rule, hit.action)
            for hit in sorted(hits, key=lambda hit: hit.start)
        ]

    def text(self, text: str) -> str:
        """Return a text with what is private in it replaced."""
        return self.text_bytes(text.encode("utf-8", "surrogatepass"), NOWHERE, Tally()).decode("utf-8", "surrogatepass")

    def payload(self, text: str) -> str:
        """Return a JSON payload with what is private in it replaced; only changed tokens are written again."""
        return self.payload_bytes(text.encode("utf-8", "surrogatepass"), NOWHERE, Tally()).decode("utf-8", "surrogatepass")

    def context(self, name: str) -> Context:
        """Return what the name of an attribute says about its value."""
        return self._names.context(name.encode("utf-8", "surrogatepass"))

    # ---- bytes

    def text_bytes(self, data: bytes, context: Context, tally: Tally) -> bytes:
        """Redact the bytes of a text under a context."""
        work = Work(self._matches)
        try:
            if len(data) > self._bytes:
                raise LimitReached("size")
            if context.silent and self._gate is not None and self._gate.clean(data):
                return data
            outcome = self._scanner.text(data, context, work)
        except (LimitReached, RecursionError) as limit:
            tally.opaque[_why(limit)] += 1
            return b"" if self._drop else OPAQUE.encode()
        tally.add(work)
        return apply(data, outcome.edits)

    def payload_bytes(self, data: bytes, context: Context, tally: Tally, *, cut: bool = False, stream: bool = False) -> bytes:
        """Redact the bytes of a payload; `cut` says that its end is known to be missing."""
        work = Work(self._matches)
        try:
            if len(data) > self._bytes:
                raise LimitReached("size")
            if context.silent and not cut and self._gate is not None and len(data) not in broken.CUTS and self._gate.clean(data):
                return data
            outcome = self._payload(data, context, work, cut, stream)
        except (LimitReached, RecursionError) as limit:
            tally.opaque[_why(limit)] += 1
            return b"{}" if self._drop else opaque(_why(limit), len(data))
        tally.add(work)
        return apply(data, outcome.edits)

    def _payload(self, data: bytes, context: Context, work: Work, cut: bool, stream: bool) -> Outcome:
        try:
            root, _ = parse(data)
        except Broken as failure:
            if data.lstrip(_BLANK)[:1] in (b"{", b"[") or (cut and data[:1] == b'"'):
                return broken.edits(data, failure, context, work, self._documents, self._scanner, cut)
            return self._scanner.text(data, context, work)
        return self._documents.edits(data, root, context, 0, 0, work, stream=stream)


def _why(limit: LimitReached | RecursionError) -> str:
    return limit.why if isinstance(limit, LimitReached) else "error"


class _CodePoints:
    """Byte offsets as code points."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._ascii = data.isascii()

    def at(self, offset: int) -> int:
        """Return the number of code points before a byte."""
        if self._ascii:
            return offset
        return sum(1 for byte in self._data[:offset] if byte & 0xC0 != 0x80)
