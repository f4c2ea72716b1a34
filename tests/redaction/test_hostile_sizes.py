"""Texts made to cost the square of their length cost no more than their length."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

pytest.importorskip("re2", reason="redaction needs google-re2")
from tests.redaction.engine import ENGINE

FRAGMENTS = [
    *("\\", "\\n", '\\"', "1 ", "1-", "4 4 ", "1", "12345678 ", "00 ", "1.2.3.4.", "123-45-6789-", "4539148803436467."),
    *("@", "a@", "a@b.cd@", "(", "+", "+1", "://", "a://b@", "http://a/", "https://a.io?u=https://b.io/", "?token=", "%25", "&amp;"),
    *(
        "password=",
        'password="a1" ',
        "password=a1b2c3d4e5,",
        "key: ",
        "Basic aaaa ",
        "-----BEGIN A-----",
        "-----END A-----",
        "eyJaaaaaaaa.",
    ),
    *("QUJD", "QUJDQUJDQUJDQUJD ", "GB82", "chr", "d234567.example.com", "555", "::", "[", '{"a":', '["'),
]
SHORT, LONG = 2_000, 8_000


def calls(text: str) -> int:
    """Count the calls that redacting a text takes, of functions of either language."""
    count = 0

    def seen(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        ENGINE.payload(text)
    finally:
        sys.setprofile(before)
    return count


def repeated(fragment: str, size: int) -> str:
    return fragment * (size // len(fragment) + 1)


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_four_times_the_text_takes_no_more_than_five_times_the_calls(fragment: str) -> None:
    """Work grows with the length of a text, whatever it repeats."""
    calls(repeated(fragment, SHORT))  # what is looked up once, is
    assert calls(repeated(fragment, LONG)) <= 5 * calls(repeated(fragment, SHORT)) + 500


@pytest.mark.parametrize("fragment", ["\\", "1 ", "password=", "a://b@", "123-45-6789-", "@"])
def test_a_large_text_comes_back(fragment: str) -> None:
    """100 KB of a fragment are redacted, and a second pass changes nothing."""
    out = ENGINE.text(repeated(fragment, 100_000))
    assert ENGINE.text(out) == out
