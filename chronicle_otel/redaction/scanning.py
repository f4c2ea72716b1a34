"""What one text holds: layers off, folded, cut at own output, and rule after rule on what lies between.

bytes ──layers──► view ──own output cut out──► parts ──first rule that finds something──► its matches, and the gaps again
"""

from __future__ import annotations

import collections
import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from .detectors.secrets import Assigned, Secrets
from .detectors.urls import Url, UserInfo
from .detectors.us_ssn import UsSsn
from .folding import fold_layer
from .found import Detector, Found, Scope, text
from .hooks import HookDetector, load_hook
from .layers import Edit, Layer, TooManyLayers, apply, unwrap
from .lexer import Node, is_document
from .names import NOWHERE, Context, Names, name_core
from .patterns import Cores
from .policy import Policy
from .policy_schema import BUILT_IN
from .pseudonyms import Pseudonyms
from .rendering import edits_of
from .tables import table

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
_SEALED: Final = re.compile(rb"[A-Za-z0-9+/=_.:-]{16,}")
"""What providers sign or encrypt looks like this; what does not is scanned, whatever its name says."""
_NAMED: Final = re.compile(rb"[:=#]")
_OPENS: Final = b'{["'
_SHORTEST: Final = 6
"""No built-in rule finds anything in less: `a@b.cd`."""
_LONG: Final = 64
"""Bytes from which on a text is running text, whatever its name says."""
_LEVELS: Final = 32
"""Cuts within cuts: only a text that is made for it has more, and each of them costs a look at all that is left."""
NAMED: Final = ("card", "phone")
"""Rules that a name hints at without `:` or `=` as well: `tel 0090946583`."""
_OWN: Final = ("own", 0)
_ENCODED: Final = ("encoded", 0)


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
        self._shortest = 1 if any(isinstance(rule.detector, (OwnRule, HookDetector)) for rule in self.rules) else _SHORTEST
        self._assigned = next((at for at, rule in enumerate(self.rules) if isinstance(rule.detector, Assigned)), -1)
        self._regions: Sequence[str] = policy.tree["defaults"]["phone_regions"]
        self._drop = policy.tree["on_limit"] == "drop"
        self.document: Callable[[bytes, Node, Context, int, int, Work], Outcome]
        """Set by the walk of documents, which stands above: nested JSON goes back to it."""
        patterns, self._owners = core_patterns(self.rules, names)
        self._cores = Cores(patterns)

    def keyed(self, pseudonyms: Pseudonyms) -> Scanner:
        """Return a scanner with the same rules under another key."""
        made = copy.copy(self)
        made.pseudonyms = pseudonyms
        return made

    def scope(self, context: Context, size: int = 0) -> Scope:
        """Return what detectors may know about a text under a name: the name of a long one says nothing against its parts."""
        if size > _LONG and context.vetoes:
            context = replace(context, vetoes=frozenset())
        return Scope(self.names, context, regions=self._regions, prefixes=self.secrets.prefixes)

    def plain(self, data: bytes, context: Context) -> bool:
        """Say quickly that the raw content of a string holds nothing; False says nothing."""
        if context.rule is not None or context.secrets:
            return False
        if len(data) < self._shortest:
            return True
        if not data.isascii() or data[0] in _OPENS or b"\\" in data or b"%" in data or b"&" in data:
            return False
        present = self._cores.match(data)
        return not present or (not context.hints and self._only_words(present))

    def _only_words(self, present: list[int]) -> bool:
        return all(self._owners[number][0] == "word" for number in present)

    def stand_in(self, why: str, work: Work) -> bytes:
        """Return what comes in place of a text that cannot be judged."""
        work.opaque[why] += 1
        return b"" if self._drop else recognise.OPAQUE.encode()

    # ---- one text

    def text(self, data: bytes, context: Context, work: Work, used: int = 0, depth: int = 0) -> Outcome:
        """Return the edits on a text: used layers and depth of nesting count on from what holds it."""
        if not data or (context.sealed and _SEALED.fullmatch(data)):
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
            outcome = (
                self._named(view, context, work)
                if context.rule is not None
                else self._scan(view, self.scope(context, len(view)), work, used, depth)
            )
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
        scope = self.scope(context)
        if (
            _SOMETHING.search(value, len(scope.prefix(value))) is None
            or _PLACEHOLDER.fullmatch(value)
            or _says_nothing(value, context.type)
        ):
            return Outcome()
        if recognise.is_secret(value, self.secrets.prefixes) or value == recognise.OPAQUE.encode():
            return Outcome()
        assert context.rule is not None
        work.count(context.rule)
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
        if not present and not scope.context.secrets:
            return outcome
        owners = {self._owners[number] for number in present}
        if _OWN in owners and (cuts := own.tokens(part, scope)):
            if scope.level >= _LEVELS:
                return self._too_deep(part, work)
            self._between(part, cuts, scope, work, used, depth, outcome, None)
            return outcome
        for number in sorted(self._due(owners, scope, part)):
            rule = self.rules[number]
            found = rule.detector.find(part, scope)
            if found and rule.type in self.names.vetoed and rule.hints != "phone":
                found = [match for match in found if not scope.vetoed(rule.type, part, match.start)]
            if found and scope.level >= _LEVELS:
                return self._too_deep(part, work)
            if found:
                spans = [(match.start, match.end) for match in found]
                self._between(part, spans, scope, work, used, depth, outcome, (rule, found))
                return outcome
        if _ENCODED in owners:
            self._encoded(part, scope, work, used, depth, outcome)
        return outcome

    def _too_deep(self, part: bytes, work: Work) -> Outcome:
        return Outcome([(0, len(part), self.stand_in("layers", work))])

    def _due(self, owners: set[tuple[str, int]], scope: Scope, part: bytes) -> set[int]:
        """Return the numbers of the rules that can find something in a part."""
        due = {number for kind, number in owners if kind == "rule"}
        if scope.context.secrets and scope.first:
            due.add(self._assigned)
        hinted = [number for kind, number in owners if kind == "hinted"]
        if hinted:
            named = _NAMED.search(part) is not None
            words = {number for kind, number in owners if kind == "word"}
            due.update(number for number in hinted if named or number in words or self.rules[number].hints in scope.context.hints)
        return due

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
        scope.level += 1
        for number in range(len(spans) + 1):
            start, end = spans[number] if number < len(spans) else (len(part), len(part))
            if at < start:
                scope.first = first and at == 0
                outcome.add(self._scan(part[at:start], scope, work, used, depth), at)
            if matches is not None and number < len(spans):
                self._replace(matches[0], matches[1][number], part, scope, work, used, depth, outcome)
            at = end
        scope.first = first
        scope.level -= 1

    def _replace(self, rule: Rule, match: Found, part: bytes, scope: Scope, work: Work, used: int, depth: int, outcome: Outcome) -> None:
        spared = allowed(match, rule.allow)
        action = "keep" if spared else rule.action
        if work.collect and not spared:  # what a policy allows is not private
            outcome.hits.append(Hit(match.start, match.end, rule.type, match.rule, action))
        if action == "keep":
            return
        work.count(match.rule)
        edits = edits_of(match, action, part, self.pseudonyms)
        if match.open:
            edits += self._inside(match, part, scope, work, used, depth)
            edits.sort()
        outcome.edits += edits

    def _inside(self, match: Found, part: bytes, scope: Scope, work: Work, used: int, depth: int) -> list[Edit]:
        """Return the edits on what lies between the pieces of a match."""
        made = Outcome()
        at = match.start
        first, scope.first = scope.first, False
        for start, end in [*((piece.start, piece.end) for piece in match.pieces), (match.end, match.end)]:
            if at < start:
                made.add(self._scan(part[at:start], scope, work, used, depth), at)
            at = end
        scope.first = first
        return made.edits

    def _encoded(self, part: bytes, scope: Scope, work: Work, used: int, depth: int, outcome: Outcome) -> None:
        for run in encoded.runs(part):
            if run.data is None:
                outcome.edits.append((run.start, run.end, self.stand_in("packed", work)))
                continue
            if used + 1 > self._layers:
                outcome.edits.append((run.start, run.end, self.stand_in("layers", work)))
                continue
            inner = self.text(run.data, _without_rule(scope.context), work, used + 1, depth)
            if inner.edits:
                outcome.edits.append((run.start, run.end, run.encode(apply(run.data, inner.edits))))
            outcome.hits += [Hit(run.start, run.end, hit.type, hit.rule, hit.action) for hit in inner.hits[:1]]


_NOBODY: Final = frozenset(word.encode() for word in table("tables-v1.json")["nobody"])
_NOTHING: Final = frozenset(word.encode() for word in table("tables-v1.json")["nothing"])
_ARTICLES: Final = (b"the ", b"a ", b"an ", b"no ", b"not ")


def _says_nothing(value: bytes, kind: str) -> bool:
    """Say whether a whole value only says that there is none, or names a part that anybody could play."""
    low = value.lower()
    return low in _NOTHING or (kind == "token" and (low in _NOBODY or low.startswith(_ARTICLES)))


def _without_rule(context: Context) -> Context:
    return context if context.rule is None else NOWHERE


def _rules(policy: Policy, secrets: Secrets) -> Sequence[Rule]:
    tree = policy.tree
    default: str = tree["defaults"]["action"]
    general: Sequence[Mapping[str, Any]] = tree["allow"]
    made: list[Rule] = []
    built_in = {entry["use"]: entry for entry in tree["rules"] if "use" in entry and not entry.get("disabled")}
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
        if name == "email" and "secrets" in built_in:
            entry = built_in["secrets"]
            made.append(Rule(Assigned(tree["secrets"]), "secret", entry.get("action", default), entry.get("allow", ())))
    for entry in tree["rules"]:
        if "pattern" in entry:
            allow = [*entry.get("allow", ()), *(item for item in general if "type" not in item)]
            made.append(Rule(OwnRule(entry), entry["id"], entry.get("action", default), allow))
    made += [Rule(hook, hook.name, default, ()) for hook in map(load_hook, tree["hooks"])]
    return made


_QUARTET: Final = "[CDI-Za-f][AC-HQS-Xgi-nwyz0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
ENCODED: Final = (_QUARTET * 3, encoded.HEX_CORE, "H4s[A-Za-z0-9+/_-]", "KLUv[/_]")
"""Where none of these occurs, no run of base64 or hex decodes to text or to compressed content."""


def core_patterns(rules: Sequence[Rule], names: Names) -> tuple[list[str], list[tuple[str, int]]]:
    """Return the patterns without which a text holds nothing, and what each speaks for."""
    patterns: list[str] = []
    owners: list[tuple[str, int]] = []

    def add(owner: tuple[str, int], listed: Sequence[str]) -> None:
        patterns.extend(listed)
        owners.extend([owner] * len(listed))

    add(_OWN, own.CORES)
    for number, rule in enumerate(rules):
        detector: Any = rule.detector
        hinted: Sequence[str] = getattr(detector, "hinted_cores", ())
        add(("rule", number), detector.cores)
        add(("hinted", number), hinted)
    words = names.patterns()
    for number, rule in enumerate(rules):
        if rule.hints in words:
            add(("word", number), (words_core(words[rule.hints]),))
        if rule.hints in NAMED and rule.hints in names.hinting:
            add(("word", number), (name_core(names.hinting[rule.hints]) + r"""["'\\ )(]* """,))
    add(_ENCODED, ENCODED)
    return patterns, owners


def words_core(pattern: re.Pattern[bytes]) -> str:
    """Return the words of a hint as an RE2 pattern."""
    source = pattern.pattern.decode("latin-1")
    return source.replace("(?<![A-Za-z0-9._@/-])", "(?:^|[^A-Za-z0-9._@/-])").replace(
        "(?![A-Za-z0-9_]|[.-][A-Za-z])", "(?:[^A-Za-z0-9_]|$)"
    )
