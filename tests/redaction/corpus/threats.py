"""Ways in which a private value hides, or something harmless looks private, with what must become of each.

`ROWS` of the threat list: 1 to 10 JSON and numbers, 11 to 16 places, 17 to 22 encodings, 23 to 28 containers and cuts, 29 to 36 spellings,
37 to 41 traces that redaction itself leaves, 42 to 48 the rest. A case with a letter is a variant of its row.
"""

from __future__ import annotations

import base64
import gzip
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import quote

from tests.redaction.corpus.cases import CARD, GROUPED, IBAN, JWT, MAIL, PEM, PHONE, TEXT, Case, b64, escapes, j, wide
from tests.redaction.corpus.nearly_json import nearly_json


def json_and_numbers() -> Iterator[Case]:
    yield Case("1 JSON in JSON in JSON", j({"a": j({"b": j({"c": f"to {MAIL}"})})}), gone=(MAIL,), same_as=(MAIL,))
    yield Case("1b number three levels down", j({"a": j({"b": j({"pan": int(CARD)})})}), gone=(CARD,), same_as=(CARD,))
    yield Case("2 escaped at sign", '{"to": "maria.keller\\u0040kestrel.de"}', gone=(MAIL,), same_as=(MAIL,))
    yield Case("3 every character escaped", f'{{"to": "{escapes(MAIL)}"}}', gone=(MAIL,), same_as=(MAIL,))
    yield Case("3b every digit escaped", f'{{"pan": "{escapes(CARD)}"}}', gone=(CARD,), same_as=(CARD,))
    yield Case(
        "4 escape in the inner document", '{"a": "{\\"to\\": \\"maria.keller\\\\u0040kestrel.de\\"}"}', gone=(MAIL,), same_as=(MAIL,)
    )
    yield Case(
        "5 escaped slashes",
        '{"u": "https:\\/\\/portal.kestrel.de\\/users\\/maria.keller\\/x"}',
        gone=("maria.keller",),
        kept=("https:", "x"),
    )
    yield Case(
        "5b address after a newline escape",
        '{"t": "Contacts:\\nmaria.keller@kestrel.de\\nend"}',
        gone=(MAIL,),
        same_as=(MAIL,),
        kept=('"Contacts:\\n', '\\nend"'),
    )
    yield Case("6 card as an integer", f'{{"pan": {CARD}, "n": 1}}', gone=(CARD,), same_as=(CARD,), kept=('"n": 1',))
    yield Case("6b integer without a telling name", f'{{"note": [1, {CARD}, 2]}}', gone=(CARD,), same_as=(CARD,))
    yield Case("7 exponent", '{"pan": 4.539148803436467e15}', gone=(CARD, "4.539148803436467"))
    yield Case("7b trailing fraction of zero", f'{{"pan": {CARD}.0}}', gone=(CARD,))
    yield Case("8 fraction that passes Luhn", '{"score": 0.4539148803436467, "x": [-0.4539148803436467]}', unchanged=True)
    yield Case("9 epoch", '{"t": 1732233600123, "created": 1732233600, "us": 1732233600123456}', unchanged=True)
    yield Case("9b latencies", '{"log": "p50 250 300 1000 ms; 250 300 1000"}', unchanged=True)
    yield Case("9c versions", '{"version": "1.2.3.4", "log": "agent v10.0.19045.3803, version 1.2.3.4 up"}', unchanged=True)
    yield Case("9d dated ids", '{"run": "run-20251125-093000-1234", "inv": "INV-2025-004217", "o": "20251125-0042"}', unchanged=True)
    yield Case("10 message id that is a card by all rules", f'{{"message_id": "{CARD}"}}', gone=(CARD,), same_as=(CARD,))


def places() -> Iterator[Case]:
    yield Case("11 address as a member name", j({MAIL: {"n": 1}}), gone=(MAIL,), same_as=(MAIL,), kept=('"n": 1',))
    yield Case("11b two spellings as member names", j({MAIL: 1, MAIL.upper(): 2}), gone=(MAIL,), kept=(": 1", ": 2"))
    yield Case(
        "12 duplicate members",
        f'{{"to": "{MAIL}", "to": "tom@kestrel.de"}}',
        gone=(MAIL, "tom@kestrel.de"),
        same_as=(MAIL, "tom@kestrel.de"),
    )
    yield Case("13 span name", f"GET /users/{MAIL}/orders", payload=False, gone=(MAIL,), same_as=(MAIL,), kept=("GET /users/", "/orders"))
    yield Case("13b status message", f"no such user: {MAIL}.", payload=False, gone=(MAIL,), same_as=(MAIL,), kept=("no such user: ",))
    yield Case("14 resource attribute", f"enduser={MAIL}", payload=False, gone=(MAIL,), same_as=(MAIL,), kept=("enduser=",))
    yield Case("15 scope name", f"tenant-{MAIL}", payload=False, gone=(MAIL,))
    yield Case("16 trace state value", f"vendor={b64(MAIL)}", payload=False, gone=(MAIL,), kept=("vendor=",))


def encodings() -> Iterator[Case]:
    twice = quote(quote(MAIL, safe=""), safe="")
    yield Case(
        "17 baggage", f"user={quote(MAIL, safe='')},plan=pro", payload=False, gone=(MAIL,), same_as=(MAIL,), kept=("user=", ",plan=pro")
    )
    yield Case(
        "18 query", j({"q": f"/find?a=1&email={quote(MAIL, safe='')}&limit=50"}), gone=(MAIL,), same_as=(MAIL,), kept=("a=1", "limit=50")
    )
    yield Case(
        "18b query encoded twice", j({"q": f"/find?a=1&to={twice}&limit=50"}), gone=(MAIL,), same_as=(MAIL,), kept=("a=1", "limit=50")
    )
    yield Case("18c every byte percent-encoded", j({"q": "".join(f"%{ord(c):02x}" for c in MAIL)}), gone=(MAIL,), same_as=(MAIL,))
    yield Case("19 base64", j({"data": b64(TEXT)}), gone=(MAIL, CARD), same_as=(MAIL, CARD))
    yield Case(
        "19b base64url without padding",
        j({"data": base64.urlsafe_b64encode((TEXT + "??>>").encode()).decode().rstrip("=")}),
        gone=(MAIL, CARD),
        same_as=(MAIL,),
    )
    yield Case("19c hex", j({"data": TEXT.encode().hex()}), gone=(MAIL, CARD), same_as=(MAIL, CARD))
    yield Case(
        "19d base64 in a data URL",
        j({"u": f"data:text/plain;base64,{b64(TEXT)}"}),
        gone=(MAIL, CARD),
        same_as=(MAIL,),
        kept=("data:text/plain;base64,",),
    )
    yield Case("19e JSON in base64 in JSON", j({"a": b64(j({"to": MAIL, "n": 1}))}), gone=(MAIL,), same_as=(MAIL,))
    yield Case("20 JWT", j({"h": f"token {JWT} end"}), gone=(JWT, JWT.split(".")[1]), kept=("token ", " end"))
    yield Case("20b basic credentials", j({"h": f"Basic {b64('maria:hunter2')}"}), gone=(b64("maria:hunter2"), "hunter2"), kept=("Basic ",))
    yield Case(
        "20c URL credentials", j({"h": "postgresql://maria:hunter2x@db.kestrel.de/app"}), gone=("hunter2x",), kept=("postgresql://",)
    )
    yield Case("21 HTML entity", j({"h": "maria.keller&#64;kestrel.de"}), gone=(MAIL, "maria.keller"), same_as=(MAIL,))
    yield Case(
        "21b hexadecimal and named entities",
        j({"h": "&#x6d;aria.keller&commat;kestrel&period;de"}),
        gone=(MAIL, "aria.keller"),
        same_as=(MAIL,),
    )
    yield Case("22 compressed", j({"d": base64.b64encode(gzip.compress((TEXT * 3).encode(), mtime=0)).decode()}), gone=(MAIL, CARD, "H4sI"))


def containers() -> Iterator[Case]:
    yield Case(
        "23 lone surrogates around", '{"t": "\\ud800' + MAIL + '\\udfff"}', gone=(MAIL,), same_as=(MAIL,), kept=("\\ud800", "\\udfff")
    )
    yield Case("24 lists in lists", j(["ok", [MAIL, {"x": [MAIL]}], 3, None]), gone=(MAIL,), same_as=(MAIL,), kept=('"ok"', "3, null"))
    yield Case("25 card over list elements", j({"p": ["4539", "1488", "0343", "6467"]}), gone=(CARD, "1488", "0343"))
    yield Case(
        "26 stream text",
        j({"texts": [f"mail {MAIL}"], "frames": [{"c": {"$chronicle.piece": 0}}], "events": [[1, 0, 9], [2, 0, 12]]}),
        gone=(MAIL,),
        same_as=(MAIL,),
        kept=("[[1, 0, 9], [2, 0, 12]]",),
    )
    yield Case("27 cut document", f'{{"a": {{"to": "{MAIL}", "b": [1, 2, "x', gone=(MAIL,), same_as=(MAIL,), kept=('"b": [1, 2, "x',))
    yield Case("28 value at the cut", cut_at(2048, '{"a": "', "card 4539 1488 0343"), gone=("453914880343", "4539 1488"))
    yield Case("28b address at the cut", cut_at(4096, '{"a": "', "mail maria.keller@kest"), gone=("maria.keller",))


def cut_at(length: int, head: str, tail: str) -> str:
    """A document that was cut at a length at which stores cut."""
    return head + ("lorem ipsum dolor " * 300)[: length - len(head) - len(tail) - 1] + " " + tail


def spellings() -> Iterator[Case]:
    trace = f"Traceback (most recent call last):\n  File \"/srv/app.py\", line 12, in get\nKeyError: '{MAIL}'\n"
    yield Case("29 stack trace", trace, payload=False, gone=(MAIL,), same_as=(MAIL,), kept=('File "/srv/app.py", line 12, in get\n',))
    yield Case(
        "30 line wrap in a number", "card 4539 1488\n0343 6467 ok", payload=False, gone=(CARD,), same_as=(CARD,), kept=("card ", " ok")
    )
    yield Case("30b the same in JSON", '{"t": "card 4539 1488\\r\\n0343 6467 ok"}', gone=(CARD,), same_as=(CARD,))
    yield Case("31 zero-width space", j({"t": "maria.keller\u200b@kestrel.de"}), gone=(MAIL, "maria.keller"), same_as=(MAIL,))
    yield Case("31b soft hyphens in a card", j({"t": "4539\u00ad1488\u00ad0343\u00ad6467"}), gone=(CARD,), same_as=(CARD,))
    yield Case(
        "31c bidi marks and selectors", j({"t": "\u202emaria\ufe0f.kel\U000e0101ler@kestrel\u2060.de\u202c"}), gone=(MAIL,), same_as=(MAIL,)
    )
    yield Case("32 full-width card", j({"t": wide(CARD)}), gone=(CARD,), same_as=(CARD,))
    yield Case("32b full-width address", j({"t": wide(MAIL)}), gone=(MAIL,), same_as=(MAIL,))
    yield Case("32c mathematical digits", j({"t": "".join(chr(0x1D7CE + int(d)) for d in CARD)}), gone=(CARD,), same_as=(CARD,))
    yield Case("32d Arabic-Indic digits", j({"t": "".join(chr(0x0660 + int(d)) for d in CARD)}), gone=(CARD,), same_as=(CARD,))
    yield Case(
        "32e odd blanks and dashes",
        j({"t": "4539\u00a01488\u00a00343\u00a06467, (212)\u202f867\u20115309"}),
        gone=(CARD, "2128675309"),
        same_as=(CARD,),
    )
    yield Case(
        "33 Cyrillic letters", j({"t": "m\u0430ri\u0430.keller@kestrel.de"}), gone=(MAIL, "ri\u0430.keller", "keller@"), same_as=(MAIL,)
    )
    yield Case(
        "33b decomposed accent",
        j({"t": unicodedata.normalize("NFD", "jürgen.müller@kestrel.de")}),
        gone=("rgen", "ller@"),
        same_as=("jürgen.müller@kestrel.de",),
    )
    yield Case("34 glued to CJK", j({"t": f"連絡先{MAIL}まで"}), gone=(MAIL,), same_as=(MAIL,), kept=("連絡先", "まで"))
    yield Case("35 spaced digits", j({"t": f"it is {' '.join(CARD)} ok"}), gone=(CARD,), same_as=(CARD,))
    yield Case("36 phone spellings", j({"t": "(212) 867-5309 and 212.867.5309"}), gone=("2128675309",), same_as=(PHONE,))
    yield Case(
        "36b card and address spellings",
        j({"t": f"{GROUPED} {GROUPED.replace(' ', '-')} MARIA.Keller@Kestrel.DE"}),
        gone=(CARD, MAIL),
        same_as=(CARD, MAIL),
    )
    yield Case("36c small letters in an IBAN", j({"t": "de89 3704 0044 0532 0130 00"}), gone=(IBAN,), same_as=(IBAN,))


def traces() -> Iterator[Case]:
    digest = "sha256:01a54629efb952287e554eb23ef69c52097a75aecc0e3a93ca0855ab6d7a31a0"
    yield Case("37 digest, a documented limit", j({"d": digest}), unchanged=True)
    yield Case(
        "39 forged stand-in beside an address", j({"t": f"maaaaaaaaaaaaaaaa@daaaaaa.example.com {MAIL}"}), gone=(MAIL,), same_as=(MAIL,)
    )
    yield Case("39b forged card beside a card", j({"t": f"4000001234567899 {CARD}"}), gone=(CARD,), same_as=(CARD,))
    yield Case("39c address glued to a stand-in", j({"t": f"chr{MAIL}"}), gone=(MAIL,))


def others() -> Iterator[Case]:
    header, body, footer = PEM.partition("\n")[0], PEM.split("\n")[1], PEM.rpartition("\n")[2]
    yield Case("42 PEM with escapes", j({"k": PEM}), gone=(body, PEM.split("\n")[2]), kept=(header, footer))
    yield Case("42b PEM over two strings", j([PEM[:70], PEM[70:]]), gone=(body[:30],), kept=(header,))
    yield Case("42c PEM with doubled escapes", j({"k": PEM.replace("\n", "\\n")}), gone=(body, PEM.split("\n")[2]), kept=(header, footer))
    yield Case("43 damaged text around", j({"t": f"\ufffd\ufffd{MAIL}\ufffd"}), gone=(MAIL,), same_as=(MAIL,))
    yield Case("44 deep in a large blob", j({"b": b64("x" * 60_001 + f" {MAIL} " + "y" * 40_000)}), gone=(MAIL, b64(f" {MAIL}")[4:20]))
    yield Case("45 nested 300 deep", "[" * 300 + f'"{MAIL}"' + "]" * 300, gone=(MAIL,))
    yield Case("45b address before the deep part", f'{{"to": "{MAIL}", "d": ' + "[" * 300 + "1" + "]" * 300 + "}", gone=(MAIL,))
    yield Case("46 spelled out, a documented limit", j({"t": "maria dot keller at kestrel dot de"}), unchanged=True)
    yield Case("47 equal values", j({"a": MAIL, "b": MAIL}), gone=(MAIL,), same_as=(MAIL,))


GROUPS: tuple[Callable[[], Iterator[Case]], ...] = (json_and_numbers, places, encodings, containers, spellings, traces, others, nearly_json)
CASES = [case for group in GROUPS for case in group()]
