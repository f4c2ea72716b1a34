"""Numbers in documents: a number that is private becomes a number of the same length, in the form that it had."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .allowing import allowed
from .detectors import card
from .detectors.national_ids import NationalId
from .detectors.own_rules import OwnRule
from .detectors.phone import bare_number
from .detectors.us_ssn import plausible
from .found import Found, Piece
from .layers import Edit
from .names import Context
from .recognise import is_card, is_integer, is_phone, is_ssn
from .rendering import new_digits
from .scanning import Hit, Rule, Scanner, Work

_FORM: Final = re.compile(rb"(-?)([0-9]+)(?:\.([0-9]+))?(?:([eE])([+-]?[0-9]+))?")
_MOST: Final = 40


@dataclass(frozen=True, slots=True)
class Spelled:
    """A number with a whole value, and how it is written."""

    sign: str
    whole: str
    fraction: str
    exponent: str
    digits: str

    def write(self, digits: str) -> bytes:
        """Write other digits in the same form."""
        if not self.fraction and not self.exponent:
            return (self.sign + digits).encode()
        count = len(self.whole)
        fraction = digits[count:].ljust(len(self.fraction), "0")
        return (self.sign + digits[:count] + ("." + fraction if fraction else "") + self.exponent).encode()


def spelled(token: bytes) -> Spelled | None:
    """Read a number; None if its value is no integer, or one of more than 40 digits."""
    found = _FORM.fullmatch(token)
    if found is None:
        return None
    sign, whole, fraction, letter, exponent = ((group or b"").decode() for group in found.groups())
    if not fraction and not letter:
        return Spelled(sign, whole, "", "", whole) if len(whole) <= _MOST else None
    if len(exponent) > 4:
        return None
    power = int(exponent or "0")
    all_digits = whole + fraction
    shift = power - len(fraction)
    if shift >= 0:
        digits = all_digits + "0" * shift if shift <= _MOST else ""
    else:
        digits = all_digits[:shift] if not all_digits[shift:].strip("0") else ""
    if not digits or digits[0] == "0" or len(digits) > _MOST or len(digits) < len(whole):
        return None
    return Spelled(sign, whole, fraction, letter + exponent, digits)


class Numbers:
    """Finds what is private in number tokens."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._rules = {rule.detector.name: rule for rule in scanner.rules}
        self._ids = [rule for rule in scanner.rules if isinstance(rule.detector, NationalId)]
        self._own = [rule for rule in scanner.rules if isinstance(rule.detector, OwnRule)]
        self._wanted = frozenset({"us_ssn", "phone", *(rule.type for rule in self._ids)})

    def edit(self, data: bytes, start: int, end: int, context: Context, work: Work) -> tuple[Edit, Hit] | None:
        """Return the edit on the number at a place, and what it was."""
        length = end - start
        if context.sealed or (length < 12 and context.rule is None and not self._own and not (context.hints & self._wanted)):
            return None
        token = data[start:end]
        if context.rule is not None:
            return self._named(token, start, end, context, work)
        number = spelled(token)
        if number is None:
            return None
        found = self._found(number.digits, context)
        if found is None:
            return self._by_own_rules(token, start, end, context, work) if self._own else None
        rule, kind, value, extra = found
        match = Found(start, end, rule.detector.name, (Piece(start, end, kind, value, extra),), value)
        if rule.action == "keep" or allowed(match, rule.allow):
            return None
        work.count(rule.detector.name)
        new = self._new(rule.action, kind, value, extra, len(number.digits))
        return self._result(start, end, token, number.write(new) if rule.action != "drop" else b"0", rule)

    def _result(self, start: int, end: int, old: bytes, new: bytes, rule: Rule) -> tuple[Edit, Hit] | None:
        return ((start, end, new), Hit(start, end, rule.type, rule.detector.name, rule.action)) if new != old else None

    def _new(self, action: str, kind: str, value: str, extra: str, count: int) -> str:
        names = self._scanner.pseudonyms
        if action == "mask":
            return "9" * count
        if action == "token":
            return names.integer("token", value)
        new = new_digits(kind, value, extra, names)
        return new if len(new) == count else new[-count:]

    def _card(self, digits: str, context: Context) -> bool:
        return card.is_number(digits) or ("card" in context.hints and card.may_be(digits))

    def _found(self, digits: str, context: Context) -> tuple[Rule, str, str, str] | None:
        if "card" in self._rules and "card" not in context.vetoes and self._card(digits, context):
            return None if is_card(digits) else (self._rules["card"], "card", digits, "")
        if not context.hints & self._wanted:
            return None
        scope = self._scanner.scope(context)
        for rule in self._ids:
            if rule.type in context.hints and rule.detector.find(digits.encode(), scope):
                return (rule, "int", digits, rule.type)
        if "us_ssn" in self._rules and "us_ssn" in context.hints and len(digits) == 9:
            raw = digits.encode()
            return (self._rules["us_ssn"], "us_ssn", digits, "") if plausible(raw[:3], raw[3:5], raw[5:]) and not is_ssn(digits) else None
        if "phone" in self._rules and "phone" in context.hints:
            known = bare_number(digits, scope)
            if known is None or (known[0] == "1" and is_phone(known[1:])):
                return None
            if known[0] == "1" and len(digits) in (10, 11):
                return (self._rules["phone"], "phone", known, "")
            return None if is_integer(digits) else (self._rules["phone"], "int", digits, "int")
        return None

    def _named(self, token: bytes, start: int, end: int, context: Context, work: Work) -> tuple[Edit, Hit] | None:
        assert context.rule is not None
        number = spelled(token)
        if number is None:
            found = _FORM.fullmatch(token)
            assert found is not None
            stop = found.start(4) if found[4] else len(token)
            new = re.sub(rb"[0-9]", b"9", token[:stop]) + token[stop:]
        elif is_integer(number.digits):
            return None
        else:
            new = number.write(self._scanner.pseudonyms.integer("int", number.digits))
        if new == token:
            return None
        work.count(context.rule)
        return (start, end, new), Hit(start, end, context.type, context.rule, "pseudonymise")

    def _by_own_rules(self, token: bytes, start: int, end: int, context: Context, work: Work) -> tuple[Edit, Hit] | None:
        scope = self._scanner.scope(context)
        for rule in self._own:
            for match in rule.detector.find(token, scope):
                if rule.action == "keep" or allowed(match, rule.allow) or not match.value.isdigit():
                    continue
                if is_integer(match.value):
                    return None
                work.count(match.rule)
                if rule.action == "drop":
                    return self._result(start, end, token, b"0", rule)
                digits = "9" * len(match.value) if rule.action == "mask" else self._scanner.pseudonyms.integer(match.rule, match.value)
                return self._result(start, end, token, token[: match.start] + digits.encode() + token[match.end :], rule)
        return None
