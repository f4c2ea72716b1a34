"""What one text holds: layers off, folded, cut at own output, and rule after rule on what lies between.

bytes ──layers──► view ──own output cut out──► parts ──first rule that finds something──► its matches, and the gaps again
"""

from __future__ import annotations

import collections
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from . import encoded, own, recognise
from .allowing import allowed
from .detectors.addresses import IPv4, IPv6
from .detectors.card import Card
from .detectors.credentials import Basic, Bearer, Jwt
from .detectors.email import Email
from .detectors.iban import Iban
from .detectors.national_ids import NationalId
from .detectors.own_rules import OwnRule
from .detectors.pem import Pem
from .detectors.phone import Phone
from .detectors.secrets import Secrets
from .detectors.urls import Url, UserInfo
from .detectors.us_ssn import UsSsn
from .folding import fold_layer
from .found import Detector, Found, Piece, Scope, text
from .layers import Edit, Layer, TooManyLayers, apply, unwrap
from .lexer import Node, is_document
from .names import NOWHERE, Context, Names
from .patterns import Cores
from .policy import Policy
from .policy_schema import BUILT_IN
from .pseudonyms import Pseudonyms
from .rendering import edits_of

_SIMPLE: Final[Mapping[str, Callable[[], Detector]]] = {
    "pem": Pem,
    "jwt": Jwt,
    "basic": Basic,
    "userinfo": UserInfo,
    "bearer": Bearer,
    "card": Card,
    "iban": Iban,
    "email": Email,
    "url": Url,
    "us_ssn": UsSsn,
    "phone": Phone,
    "ipv4": IPv4,
    "ipv6": IPv6,
}
_SCHEME_WORD: Final = re.compile(rb"(?:[Bb][Ee][Aa][Rr][Ee][Rr]|[Bb][Aa][Ss][Ii][Cc]|[Tt][Oo][Kk][Ee][Nn])[ \t\r\n]+")
_BLANKS: Final = b" \t\r\n"
_PLACEHOLDER: Final = re.compile(rb"\$?\{\{?[A-Za-z0-9_. -]+\}?\}|<[A-Za-z0-9_. -]+>")
_SOMETHING: Final = re.compile(rb"[A-Za-z0-9]")
_NAMED: Final = re.compile(rb"[:=#]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A match where it stands in a text."""

    start: int
    end: int
    type: str
    rule: str
    action: str


class LimitReached(Exception):
    """A value is over a limit of the policy; `why` says which."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class Work:
    """What happens to one value."""

    most: int
    rules: collections.Counter[str] = field(default_factory=collections.Counter[str])
    opaque: collections.Counter[str] = field(default_factory=collections.Counter[str])
    collect: bool = False

    def count(self, rule: str) -> None:
        """Count a match; LimitReached when there are too many."""
        self.rules[rule] += 1
        self.most -= 1
        if self.most < 0:
            raise LimitReached("matches")


@dataclass(slots=True)
class Outcome:
    """Edits on a text, and matches in it where somebody asked for them; both in order."""

    edits: list[Edit] = field(default_factory=list[Edit])
    hits: list[Hit] = field(default_factory=list[Hit])

    def add(self, other: Outcome, shift: int) -> None:
        """Take over what was found in a piece that begins at `shift`."""
        self.edits += [(start + shift, end + shift, new) for start, end, new in other.edits]
        self.hits += [Hit(hit.start + shift, hit.end + shift, hit.type, hit.rule, hit.action) for hit in other.hits]

    def lifted(self, layer: Layer) -> Outcome:
        """Return the same on the bytes that the layer encodes."""
        hits = [Hit(*layer.range(hit.start, hit.end), hit.type, hit.rule, hit.action) for hit in self.hits]
        return Outcome(layer.lift(self.edits), hits)


@dataclass(frozen=True, slots=True)
class Rule:
    """A detector as the policy uses it."""

    detector: Detector
    type: str
    action: str
    allow: Sequence[Mapping[str, Any]]
    hints: str = ""
    """Hint without which its hinted cores do not count."""


class Scanner:
    """The rules of one policy under one tenant's key. Holds no state between texts."""

    def __init__(self, policy: Policy, names: Names, pseudonyms: Pseudonyms) -> None:
        self.policy = policy
        self.names = names
        self.pseudonyms = pseudonyms
        self.secrets = Secrets(policy.tree["secrets"])
        self.rules = list(_rules(policy, self.secrets))
        self._layers = policy.limits["layers"]
        self._depth = policy.limits["depth"]
        self._regions: Sequence[str] = policy.tree["defaults"]["phone_regions"]
        self._drop = policy.tree["on_limit"] == "drop"
        self.document: Callable[[bytes, Node, Context, int, int, Work], Outcome]
        """Set by the walk of documents, which stands above: nested JSON goes back to it."""
        self._cores, self._owners = _cores(self.rules, self.secrets, names)

    def scope(self, context: Context) -> Scope:
        """Return what detectors may know about a text under a name."""
        return Scope(self.names, context, regions=self._regions, prefixes=self.secrets.prefixes)

    def stand_in(self, why: str, work: Work) -> bytes:
        """Return what comes in place of a text that cannot be judged."""
        work.opaque[why] += 1
        return b"" if self._drop else recognise.OPAQUE.encode()

    # ---- one text

    def text(self, data: bytes, context: Context, work: Work, used: int = 0, depth: int = 0) -> Outcome:
        """Return the edits on a text: used layers and depth of nesting count on from what holds it."""
        if not data or context.sealed:
            return Outcome()
        if context.rule is None and (nested := self._nested(data, depth)) is not None:
            if used + 1 > self._layers:
                return Outcome([(0, len(data), self.stand_in("layers", work))])
            return self.document(data, nested, context, used + 1, depth, work)
        try:
            layers, used = unwrap(data, used, self._layers)
        except TooManyLayers:
            return Outcome([(0, len(data), self.stand_in("layers", work))])
        view = layers[-1].data if layers else data
        if layers and context.rule is None and (nested := self._nested(view, depth)) is not None and used < self._layers:
            outcome = self.document(view, nested, context, used + 1, depth, work)
        else:
            fold = fold_layer(view)
            if fold is not None:
                layers.append(fold)
                view = fold.data
            outcome = self._named(view, context, work) if context.rule is not None else self._scan(view, self.scope(context), work, used, depth)
        for layer in reversed(layers):
            outcome = outcome.lifted(layer)
        return outcome

    def _nested(self, data: bytes, depth: int) -> Node | None:
        found = is_document(data)
        return found[0] if found is not None and depth + found[1] <= self._depth else None

    def _named(self, view: bytes, context: Context, work: Work) -> Outcome:
        """Replace a whole text that a key rule takes."""
        start = len(view) - len(view.lstrip(_BLANKS))
        end = len(view.rstrip(_BLANKS))
        word = _SCHEME_WORD.match(view, start, end)
        if word is not None and word.end() < end:
            start = word.end()
        value = view[start:end]
        if start >= end or _SOMETHING.search(value) is None or _PLACEHOLDER.fullmatch(value):
            return Outcome()
        if recognise.is_secret(value, self.secrets.prefixes) or value == recognise.OPAQUE.encode():
            return Outcome()
        assert context.rule is not None
        work.count(context.rule)
        scope = self.scope(context)
        if context.type == "secret":
            new = self.pseudonyms.secret(text(value), text(scope.prefix(value)))
        else:
            new = self.pseudonyms.token("token", text(value))
        hits = [Hit(start, end, context.type, context.rule, "pseudonymise")] if work.collect else []
        return Outcome([(start, end, new.encode("utf-8", "surrogateescape"))], hits)

    # ---- one view, one part of it

    def _scan(self, part: bytes, scope: Scope, work: Work, used: int, depth: int) -> Outcome:
        outcome = Outcome()
        present = self._cores.match(part)
        if not present and not scope.context.spellings:
            return outcome
        owners = {self._owners[number] for number in present}
        if ("own", "") in owners and (cuts := own.tokens(part, scope)):
            self._between(part, cuts, scope, work, used, depth, outcome, None)
            return outcome
        for number, rule in enumerate(self.rules):
            if not self._due(number, rule, owners, scope, part):
                continue
            found = rule.detector.find(part, scope)
            if found:
                spans = [(match.start, match.end) for match in found]
                self._between(part, spans, scope, work, used, depth, outcome, (rule, found))
                return outcome
        if ("encoded", "") in owners:
            self._encoded(part, scope, work, used, depth, outcome)
        return outcome

    def _due(self, number: int, rule: Rule, owners: set[tuple[str, str]], scope: Scope, part: bytes) -> bool:
        key = str(number)
        if ("rule", key) in owners:
            return True
        if rule.detector is self.secrets:
            return ("named", "") in owners or bool(scope.first and scope.context.spellings)
        if ("hinted", key) not in owners:
            return False
        return rule.hints in scope.context.hints or ("word", rule.hints) in owners or _NAMED.search(part) is not None

    def _between(
        self,
        part: bytes,
        spans: Sequence[tuple[int, int]],
        scope: Scope,
        work: Work,
        used: int,
        depth: int,
        outcome: Outcome,
        matches: tuple[Rule, Sequence[Found]] | None,
    ) -> None:
        """Scan what lies between spans, each piece by itself, and make the edits of the matches that the spans are."""
        at = 0
        first = scope.first
        for number in range(len(spans) + 1):
            start, end = spans[number] if number < len(spans) else (len(part), len(part))
            if at < start:
                scope.first = first and at == 0
                outcome.add(self._scan(part[at:start], scope, work, used, depth), at)
            if matches is not None and number < len(spans):
                self._replace(matches[0], matches[1][number], part, work, outcome)
            at = end
        scope.first = first

    def _replace(self, rule: Rule, match: Found, part: bytes, work: Work, outcome: Outcome) -> None:
        action = "keep" if allowed(match, rule.allow) else rule.action
        if action != "keep":
            work.count(match.rule)
            outcome.edits += edits_of(match, action, part, self.pseudonyms)
        if work.collect:
            outcome.hits.append(Hit(match.start, match.end, rule.type, match.rule, action))

    def _encoded(self, part: bytes, scope: Scope, work: Work, used: int, depth: int, outcome: Outcome) -> None:
        for run in encoded.runs(part):
            if run.data is None:
                outcome.edits.append((run.start, run.end, self.stand_in("packed", work)))
                continue
            if used + 1 > self._layers:
                outcome.edits.append((run.start, run.end, self.stand_in("layers", work)))
                continue
            inner = self.text(run.data, _inside(scope.context), work, used + 1, depth)
            if inner.edits:
                outcome.edits.append((run.start, run.end, run.encode(apply(run.data, inner.edits))))
            outcome.hits += [Hit(run.start, run.end, hit.type, hit.rule, hit.action) for hit in inner.hits[:1]]


def _inside(context: Context) -> Context:
    return context if context.rule is None else NOWHERE


def _rules(policy: Policy, secrets: Secrets) -> Sequence[Rule]:
    tree = policy.tree
    default: str = tree["defaults"]["action"]
    general: Sequence[Mapping[str, Any]] = tree["allow"]
    made: list[Rule] = []
    built_in = {entry["use"]: entry for entry in tree["rules"] if "use" in entry and not entry.get("off")}
    for name in BUILT_IN:
        entry = built_in.get(name)
        if entry is None:
            continue
        allow = [*entry.get("allow", ()), *(item for item in general if item.get("type", name) == name)]
        action: str = entry.get("action", default)
        if name == "secrets":
            made.append(Rule(secrets, "secret", action, allow))
        elif name == "national_ids":
            made += [Rule(NationalId(item), item["id"], action, allow, item["id"]) for item in tree["national_ids"]]
        else:
            made.append(Rule(_SIMPLE[name](), name, action, allow, name))
    for entry in tree["rules"]:
        if "pattern" in entry:
            allow = [*entry.get("allow", ()), *(item for item in general if "type" not in item)]
            made.append(Rule(OwnRule(entry), entry["id"], entry.get("action", default), allow))
    return made


_QUARTET: Final = "[CDI-Za-f][AC-HQS-Xgi-nwyz0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
ENCODED: Final = (_QUARTET * 3, encoded.HEX_CORE, "H4s[A-Za-z0-9+/_-]", "KLUv[/_]")
"""Where none of these occurs, no run of base64 or hex decodes to text or to compressed content."""


def _cores(rules: Sequence[Rule], secrets: Secrets, names: Names) -> tuple[Cores, list[tuple[str, str]]]:
    patterns: list[str] = []
    owners: list[tuple[str, str]] = []

    def add(owner: tuple[str, str], listed: Sequence[str]) -> None:
        patterns.extend(listed)
        owners.extend([owner] * len(listed))

    add(("own", ""), own.CORES)
    for number, rule in enumerate(rules):
        detector: Any = rule.detector
        hinted: Sequence[str] = getattr(detector, "hinted_cores", ())
        plain: Sequence[str] = getattr(detector, "plain_cores", detector.cores)
        add(("rule", str(number)), plain)
        add(("hinted", str(number)), hinted)
    for hint, pattern in names.patterns().items():
        add(("word", hint), (words_core(pattern),))
    add(("named", ""), (secrets.named_core,))
    add(("encoded", ""), ENCODED)
    return Cores(patterns), owners


def words_core(pattern: re.Pattern[bytes]) -> str:
    """Return the words of a hint as an RE2 pattern."""
    source = pattern.pattern.decode("latin-1")
    return source.replace("(?<![A-Za-z0-9])", "(?:^|[^A-Za-z0-9])").replace("(?![A-Za-z0-9])", "(?:[^A-Za-z0-9]|$)")


def token_piece(start: int, end: int, value: str, tag: str) -> Piece:
    """Make the piece of a value that a hook found: it has a type and no form."""
    return Piece(start, end, "token", value, tag)
