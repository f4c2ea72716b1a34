"""The phone table of the redactor: what a telephone number may look like in each region.

`phones-v1.json` is made from one release of the PyPI package `phonenumbers`, whose metadata are libphonenumber's.

- `codes`: calling code → its regions, the main one first; `001` stands for networks that are no country.
- `regions`: region → `[calling code, national prefix, possible lengths, first states]`. The prefix is empty where there is none.
- `states`: validity without a regex engine. State n is a text such as `0789:6 12:551`: after digit 0, 7, 8 or 9 comes state 6,
  after 1 or 2 state 551, any other digit fails. `final` are the states in which a number may end. A national number (without
  prefix and calling code) is *valid* if its digits lead from the region's first state to a final one. Regions share states.
"""

from __future__ import annotations

import json
import re
import re._parser as regex_parser  # pyright: ignore
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata

TYPES = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan", "voicemail")
DIGITS = "0123456789"


class Automaton:
    """A non-deterministic automaton over digits; state 0 starts, state 1 ends."""

    def __init__(self) -> None:
        self.steps: list[list[tuple[frozenset[int], int]]] = [[], []]
        self.empty: list[list[int]] = [[], []]

    def state(self) -> int:
        self.steps.append([])
        self.empty.append([])
        return len(self.steps) - 1

    def add(self, pattern: str) -> None:
        """Let the automaton accept what `pattern` matches as a whole."""
        self.empty[self.sequence(regex_parser.parse(re.sub(r"\s", "", pattern)), 0)].append(1)

    def sequence(self, items: Iterable[Any], start: int) -> int:
        """Read `items` from `start`; return the state after them."""
        for kind, value in items:
            start = getattr(self, f"read_{kind.name.lower()}")(value, start)
        return start

    def read_literal(self, value: int, start: int) -> int:
        return self.step(frozenset({int(chr(value))}), start)

    def read_in(self, value: list[Any], start: int) -> int:
        return self.step(frozenset(digit for item in value for digit in class_digits(item)), start)

    def read_subpattern(self, value: tuple[Any, ...], start: int) -> int:
        return self.sequence(value[-1], start)

    def read_branch(self, value: tuple[None, list[Any]], start: int) -> int:
        end = self.state()
        for option in value[1]:
            self.empty[self.sequence(option, start)].append(end)
        return end

    def read_max_repeat(self, value: tuple[int, int, Any], start: int) -> int:
        least, most, items = value
        end = self.state()
        for count in range(most + 1):
            if count >= least:
                self.empty[start].append(end)
            if count < most:
                start = self.sequence(items, start)
        return end

    def step(self, digits: frozenset[int], start: int) -> int:
        end = self.state()
        self.steps[start].append((digits, end))
        return end

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """Follow the empty steps."""
        todo, seen = list(states), set(states)
        while todo:
            for state in self.empty[todo.pop()]:
                if state not in seen:
                    seen.add(state)
                    todo.append(state)
        return frozenset(seen)


def class_digits(item: tuple[Any, Any]) -> Iterator[int]:
    """Yield the digits of one part of a character class."""
    kind, value = item[0].name, item[1]
    if kind == "LITERAL":
        yield int(chr(value))
    elif kind == "RANGE":
        yield from range(int(chr(value[0])), int(chr(value[1])) + 1)
    else:
        assert (kind, value.name) == ("CATEGORY", "CATEGORY_DIGIT"), item
        yield from range(10)


class Table:
    """The states of all regions; equal ones are one. National numbers have no loops, so states are numbered from the end."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[bool, tuple[int, ...]], int] = {(False, (0,) * 10): 0}

    def first(self, patterns: Iterable[str]) -> int:
        """Return the state in which a number begins that fits one of `patterns`."""
        automaton = Automaton()
        for pattern in patterns:
            automaton.add(pattern)
        known: dict[frozenset[int], int] = {}

        def number(states: frozenset[int]) -> int:
            if states not in known:
                moves: defaultdict[int, set[int]] = defaultdict(set)
                for state in states:
                    for digits, end in automaton.steps[state]:
                        for digit in digits:
                            moves[digit].add(end)
                row = tuple(number(automaton.closure(moves[digit])) if digit in moves else 0 for digit in range(10))
                known[states] = self.numbers.setdefault((1 in states, row), len(self.numbers))
            return known[states]

        return number(automaton.closure([0]))


def patterns(metadata: PhoneMetadata) -> list[str]:
    """Return the patterns of all kinds of numbers of a region."""
    described = [getattr(metadata, kind) for kind in TYPES]
    return sorted({item.national_number_pattern for item in described if item and item.national_number_pattern})


def moves(row: tuple[int, ...]) -> str:
    """Write one state: the digits that lead to the same state stand together."""
    by_target: defaultdict[int, str] = defaultdict(str)
    for digit, target in enumerate(row):
        if target:
            by_target[target] += DIGITS[digit]
    return " ".join(f"{digits}:{target}" for target, digits in by_target.items())


def render() -> str:
    """Write the table as JSON, one region or state a line."""
    table, regions = Table(), dict[str, str]()
    for code, names in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        for name in names:
            metadata = load(code, name)
            lengths = [length for length in metadata.general_desc.possible_length if length > 0]
            key = name if name != "001" else f"001-{code}"
            prefix = metadata.national_prefix or ""
            regions[key] = json.dumps([code, prefix, lengths, table.first(patterns(metadata))], separators=(",", ":"))
    codes = {
        str(code): [n if n != "001" else f"001-{code}" for n in names] for code, names in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    }
    rows = [json.dumps(moves(row)) for _, row in table.numbers]
    final = [number for (ends, _), number in table.numbers.items() if ends]
    parts = [
        f'"version":"phones-v1",\n"source":"phonenumbers {phonenumbers.__version__}"',
        '"codes":' + json.dumps(codes, separators=(",", ":")),
        '"regions":{\n' + ",\n".join(f'"{name}":{text}' for name, text in sorted(regions.items())) + "\n}",
        '"final":' + json.dumps(final, separators=(",", ":")),
        '"states":[\n' + ",\n".join(rows) + "\n]",
    ]
    return "{" + ",\n".join(parts) + "}\n"


def load(code: int, name: str) -> PhoneMetadata:
    """Return a region's metadata."""
    found = PhoneMetadata.metadata_for_region_or_calling_code(code, name)
    assert found is not None, (code, name)
    return found
