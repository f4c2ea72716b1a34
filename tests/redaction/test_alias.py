"""What a replay knows of pseudonyms without key or policy."""

from __future__ import annotations

import pytest

from chronicle_otel.redaction import Redactor, load_policy
from chronicle_otel.redaction.alias import normalised, pseudonyms, view

pytest.importorskip("re2")

VALUES = {
    "email": "maria.keller@kestrel.de",
    "card": "4539 1488 0343 6467",
    "iban": "DE89 3704 0044 0532 0130 00",
    "us_ssn": "219-09-4321",
    "phone": "+1 212-867-5309",
    "ipv4": "8.8.8.8",
    "ipv6": "2001:4860:4860::8888",
    "secret": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
}
"""Form → a value that the default policy replaces by a pseudonym of that form."""


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(load_policy(), b"0" * 32, "acme")


@pytest.mark.parametrize("form", VALUES)
def test_a_pseudonym_is_recognised_without_a_key(redactor: Redactor, form: str) -> None:
    """Its form and its place in the text are known; the private value itself is taken for none."""
    text = redactor.text(f"before <{VALUES[form]}> after")
    [found] = list(pseudonyms(view(text)))
    assert (found.form, text[found.end :]) == (form, "> after")
    assert list(pseudonyms(view(f"before <{VALUES[form]}> after"))) == []


@pytest.mark.parametrize(("form", "one", "other"), [
    ("email", "Maria.Keller@Kestrel.DE", "maria.keller@kestrel.de"),
    ("card", "4539148803436467", "4539-1488-0343-6467"),
    ("phone", "(212) 867-5309", "+12128675309"),
    ("iban", "de89370400440532013000", "DE89 3704 0044 0532 0130 00"),
    ("ipv6", "2001:4860:4860:0:0:0:0:8888", "2001:4860:4860::8888"),
])  # fmt: skip
def test_spellings_of_one_value_are_one_value(form: str, one: str, other: str) -> None:
    """What was keyed as one value is one value to the replay as well."""
    assert normalised(form, one) == normalised(form, other) is not None


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("email", "maria.keller"),
        ("card", "1000"),
        ("ipv4", "8.8.8"),
        ("phone", "call me"),
        ("email", "m***@kestrel.de"),
        ("card", "4539148803436468"),
        ("secret", "***"),
        ("iban", "DE89370400440532013001"),
        ("us_ssn", "12345"),
    ],
)
def test_what_is_of_another_type_stands_behind_no_pseudonym(form: str, text: str) -> None:
    """A live value must have the form of the type that was replaced."""
    assert normalised(form, text) is None
