"""Texts that begin like JSON, or hold pieces of it: log lines, streams of documents, damaged payloads."""

from __future__ import annotations

from collections.abc import Iterator

from tests.redaction.corpus.cases import CARD, MAIL, SSN, Case


def nearly_json() -> Iterator[Case]:
    """Yield the cases; they stand outside the rows of the threat list."""
    address = "2a02:8109:9440:1198::8f2b"
    yield Case(
        "N1 address in brackets",
        f"[{address}]:443 connected",
        gone=(address, "a02:8109"),
        same_as=(address,),
        kept=("[", "]:443 connected"),
    )
    yield Case("N2 number after a bracket", "[4539 1488 0343 6467 charged", gone=(CARD,), same_as=(CARD,))
    yield Case("N3 telephone after a bracket", "[212-867-5309 called", gone=("2128675309",))
    yield Case(
        "N4 log line with a date in brackets",
        f"[2025-03-14 09:30:12] login {MAIL}",
        gone=(MAIL,),
        same_as=(MAIL,),
        kept=("[2025-03-14 09:30:12] login ",),
    )
    yield Case(
        "N5 documents one a line",
        f'{{"a": 1}}\n{{"to": "{MAIL}", "pan": {CARD}}}\n',
        gone=(MAIL, CARD),
        same_as=(MAIL, CARD),
        kept=('{"a": 1}\n{"to": "',),
    )
    yield Case(
        "N6 password in the second document", '{"a": 1}\n{"password": "hunter2hunter2", "b": 2}\n', gone=("hunter2",), kept=('"b": 2}',)
    )
    yield Case(
        "N7 password in a stream of events",
        'data: {"password": "hunter2hunter2", "b": 2}\n\n',
        payload=False,
        gone=("hunter2",),
        kept=("data: {", '"b": 2}'),
    )
    yield Case(
        "N8 dictionary of Python",
        f"{{'email': '{MAIL}', 'pan': {CARD}}}",
        gone=(MAIL, CARD),
        same_as=(MAIL, CARD),
        kept=("{'email': '", "'pan': "),
    )
    yield Case("N9 unquoted value", '{"password": hunter2hunter2} and more', gone=("hunter2",), kept=("and more",))
    yield Case("N10 number in a damaged document", f'{{"row": , {SSN}', gone=(SSN,), same_as=(SSN,))
    yield Case(
        "N11 typed value under a name",
        '{"password": {"$chronicle.type": ["Decimal", "hunter2hunter2"]}}',
        gone=("hunter2",),
        kept=('["Decimal", ',),
    )
    yield Case(
        "N12 long text under a name of measures",
        f'{{"index": "{"lorem ipsum " * 12}SSN {SSN}, call 212-867-5309"}}',
        gone=(SSN, "2128675309"),
        same_as=(SSN,),
    )
    yield Case("N13 own domain behind a private local part", "maria.keller@dih54qp.example.com", payload=False, gone=("maria.keller",))
    yield Case(
        "N14 address after a name and a colon",
        f"src:{address} dst:10.0.0.1",
        payload=False,
        gone=(address,),
        same_as=(address,),
        kept=("dst:10.0.0.1",),
    )
    yield Case("N15 names of images are no addresses", '{"srcset": "icon@2x.png 2x, logo@3x.webp 3x", "t": 1}', unchanged=True)
    yield Case(
        "N16 quoted password with a blank", 'DB_PASSWORD="p@ss w0rd 42" make', payload=False, gone=("w0rd",), kept=("DB_PASSWORD=", " make")
    )
