"""The phone table says what the library says whose metadata it was made from."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import phonenumbers
import pytest

from tests.conftest import ROOT

KINDS = (
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.TOLL_FREE,
    phonenumbers.PhoneNumberType.VOIP,
)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@cache
def table() -> dict[str, Any]:
    """Read the table."""
    return json.loads((ROOT / "chronicle_otel" / "redaction" / "data" / "phones-v1.json").read_text())


def is_valid(region: str, national: str) -> bool:
    """Walk the states of a region, as the table's own description says."""
    state, final = table()["regions"][region][3], set(table()["final"])
    for digit in national:
        moves = [move.split(":") for move in table()["states"][state].split()]
        state = next((int(target) for digits, target in moves if digit in digits), 0)
    return state in final


def samples(region: str) -> list[str]:
    """Return example numbers of a region and, from a fixed seed, numbers that are nearly such."""
    source, found = random.Random(region), []
    for kind in KINDS:
        example = phonenumbers.example_number_for_type(region, kind)
        if example:
            found.append(phonenumbers.national_significant_number(example))
    for number in list(found) * 6:
        place = source.randrange(len(number))
        found.append(number[:place] + source.choice("0123456789") + number[place + 1 :])
    return found + [number[:-1] for number in found[:4]] + [number + "0" for number in found[:4]]


@pytest.mark.parametrize("region", REGIONS)
def test_validity_is_that_of_the_library(region: str) -> None:
    """A national number is valid in a region for the table exactly if it is for the library."""
    code = phonenumbers.country_code_for_region(region)
    wrong = []
    for national in samples(region):
        zeros = len(national) - len(national.lstrip("0"))
        number = phonenumbers.PhoneNumber(code, int(national), italian_leading_zero=zeros > 0, number_of_leading_zeros=zeros or None)
        same = phonenumbers.national_significant_number(number) == national
        # Regions that share a calling code overlap in the metadata; the library then answers with the first.
        if same and is_valid(region, national) < phonenumbers.is_valid_number_for_region(number, region):
            wrong.append(national)
        if same and is_valid(region, national) and not phonenumbers.is_valid_number(number):
            wrong.append(national)
    assert wrong == []


def test_calling_codes_and_lengths_are_those_of_the_library() -> None:
    """Every region has the library's calling code, national prefix and possible lengths, and every calling code its regions."""
    regions = table()["regions"]
    assert sorted(region for region in regions if not region.startswith("001")) == REGIONS
    for region in REGIONS:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        assert metadata is not None
        lengths = [length for length in metadata.general_desc.possible_length if length > 0]
        assert regions[region][:3] == [metadata.country_code, metadata.national_prefix or "", lengths]
        assert region in table()["codes"][str(metadata.country_code)]


@pytest.mark.parametrize(
    ("region", "national", "valid"),
    [
        ("US", "2128675309", True),
        ("US", "1128675309", False),
        ("US", "2120675309", False),
        ("GB", "2079460018", True),
        ("GB", "7700900123", False),
        ("FR", "612345678", True),
        ("FR", "012345678", False),
        ("DE", "15123456789", True),
    ],
)
def test_numbers_known_to_people(region: str, national: str, valid: bool) -> None:
    """Numbers whose validity everybody can look up."""
    assert is_valid(region, national) is valid
