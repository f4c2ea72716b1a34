"""Values that no template writes: samples of the corpora, cut, mixed, encoded again and damaged, always the same for a seed."""

from __future__ import annotations

import base64
import html
import json
import random
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Final

from .corpus import other_spans, prose, spans, threats

PARTS: Final = (
    *(
        "maria.keller@kestrel.de",
        "MARIA@KESTREL.DE",
        "a@example.xn--p1ai",
        "4539 1488 0343 6467",
        "4539148803436467",
        "5105-1051-0510-5100",
    ),
    *(
        "3782 822463 10005",
        "DE89 3704 0044 0532 0130 00",
        "gb82west12345698765432",
        "219-09-9999",
        "219099999",
        "+1 212-867-5309",
        "(212) 867-5309",
    ),
    *(
        "+49 30 901820",
        "030 901820-12",
        "0171 5550123",
        "+44 (0)20 7946 0018 ext. 12",
        "8.8.8.8",
        "10.0.0.1",
        "1.2.3.4",
        "2001:4860:4860::8888",
    ),
    *("::1", "https://u:p@kestrel.de/users/maria?token=a1b2c3d4e5#x", "https://kellerbau.net/", "ghp_" + "a1B2" * 9, "sk-ant-" + "x1" * 12),
    *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl", "Basic bWFyaWE6aHVudGVyMg==", "Bearer abcdef0123456789abcdef"),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "password=hunter2-correct",
        "api_key: s3cr3t-v4lue",
        "phone ",
        "ssn ",
        "ip: ",
    ),
    *(
        "616.831.827-58",
        "AB123456C",
        "12345678Z",
        "756.9217.0769.85",
        "1732233600123",
        "250 300 1000",
        "0.4539148803436467",
        "4.539148803436467e15",
    ),
    *(
        "m234567abcdefghij@dabcdef.example.com",
        "chrabcdefghijkmnopqrstuvwxyz",
        "555-0155",
        "+1 912-555-0155",
        "933-01-4603",
        "243.46.69.219",
    ),
    *(
        "2001:db8:bee7:ea25:792f:b191:8b13:1926",
        "4000002161683857",
        "GB42TEST85030139492286",
        "dih54qp.example.com",
        "\\u0040",
        "%40",
        "&#64;",
    ),
    *(
        "\u200b",
        "\u00ad",
        "\ufe0f",
        "４５３９",
        "а",
        "é",
        "\ud800",
        "\n",
        "\t",
        " ",
        ",",
        ";",
        ":",
        "=",
        "/",
        "\\",
        '"',
        "'",
        "<",
        ">",
        "-",
        ".",
        "_",
        "@",
    ),
    *("{", "}", "[", "]", "null", "true", "1e5", "-0", "漢字", "\U0001f600", "xn--", "www.", "://", "?token=", "&key=", "#", "x", "Z9"),
)
NAMES: Final = (
    *(
        "to",
        "phone",
        "ssn",
        "pan",
        "password",
        "first_name",
        "id",
        "order_id",
        "ip",
        "client_address",
        "ts",
        "iban",
        "signature",
        "version",
    ),
    *("cardNumber", "X-Api-Key", "gen_ai.tool.name", "maria@kestrel.de", "name", "value", "key", "$chronicle.ref", "$chronicle.type"),
)


JOINTS: Final = (
    *("\\", "\\\\", "\\\\\\", "\\n", "\\\\n", "\\b", "\\f", "\\t", "\\r", "\\/", '\\"', "\\u200b", "\\\\u200b", "\\\\\\u200b"),
    *("\\u005c", "\\uff3c", "\uff3c", "\\u0031", "\\\\u0031", "\\\\\\u0031", "\\\\\\u006e", "\\ud835\\udfce", "\\ud835\\\\udfce", "\\udce"),
    *(
        "\n",
        "\t",
        " ",
        "'",
        '"',
        ",",
        ":",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "#",
        "=",
        "_",
        "-",
        ".",
        "/",
        "@",
        "\u200b",
        "é",
        "",
        "",
        "1",
        "5",
        "a",
    ),
    *(
        "\\u002d",
        "\\u0020",
        "1 ",
        "4-",
        "-----BEGIN PUBLIC KEY-----",
        "-----END PUBLIC KEY-----",
        "http://kestrel.de",
        "users/",
        "http://u@",
    ),
    *(
        "tel ",
        "call me at ",
        "order ",
        "Git ",
        "(+44)",
        "(+",
        "%B",
        "^",
        "bounce+maria=",
        "SRS0=a=",
        "/home/maria",
        "C:\\Users\\maria",
        "4945 3076",
    ),
    *("1.7.12.2", "0090946583", "565938683192", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "https://kestrel.io/a/", "card "),
    *("call", "tel", "ssn", "card", "phone", "pan", "password", "aws_secret_access_key", "a1B2c3D4e5F6g7H8i9J0" * 2),
)
"""What stands at the edges of values, and decides whether they count."""


def _full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else char for char in text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


ENCODINGS: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: json.dumps(text),
    lambda text: json.dumps({"a": text}),
    lambda text: json.dumps(text)[1:-1],
    lambda text: urllib.parse.quote(text, errors="replace"),
    lambda text: urllib.parse.quote(urllib.parse.quote(text, errors="replace")),
    lambda text: html.escape(text).replace("@", "&#64;").replace(".", "&period;"),
    lambda text: base64.b64encode(_bytes(text)).decode(),
    lambda text: base64.urlsafe_b64encode(_bytes(text)).decode().rstrip("="),
    lambda text: _bytes(text).hex(),
    _full_width,
    _escaped,
    lambda text: "\u200b".join(text[:60]),
    lambda text: text.upper(),
)


def seeds() -> list[str]:
    """Return texts of every corpus."""
    made = [sample.text for sample in spans.generate(150, 7)]
    made += [sample.text for sample in other_spans.generate(150, 7)]
    made += [sample.text for sample in prose.generate(150, 7)]
    return made + [case.given for case in threats.CASES if len(case.given) < 20_000]


def texts(count: int, seed: int) -> Iterator[str]:
    """Yield texts."""
    source = random.Random(f"texts {seed}")
    known = seeds()
    for _ in range(count):
        yield _text(source, known)


def payloads(count: int, seed: int) -> Iterator[str]:
    """Yield payloads: JSON, JSON in JSON, and what is left of it when something has cut or damaged it."""
    source = random.Random(f"payloads {seed}")
    known = seeds()
    for _ in range(count):
        value = json.dumps(_value(source, known, 3), ensure_ascii=source.random() < 0.5, indent=source.choice((None, None, None, 1)))
        yield _damaged(source, value) if source.random() < 0.2 else value


def glued_texts(count: int, seed: int) -> Iterator[str]:
    """Yield short texts of values between what decides about them: escapes of every depth, separators, words that hint."""
    source = random.Random(f"glued texts {seed}")
    for _ in range(count):
        yield _glued(source)


def glued_payloads(count: int, seed: int) -> Iterator[str]:
    """Yield short documents of such texts, some nested or damaged, and such texts that are no documents."""
    source = random.Random(f"glued payloads {seed}")
    for _ in range(count):
        text, name = _glued(source), source.choice((*NAMES, "aws_secret_access_key", "card"))
        tree = source.choice(({name: text}, [text, _glued(source)], {"name": name, "value": text}, [name, text], {text: 1}, text))
        value = json.dumps(tree, ensure_ascii=source.random() < 0.5)
        if source.random() < 0.3:
            value = json.dumps({"a": value})
        yield text if source.random() < 0.3 else _damaged(source, value) if source.random() < 0.15 else value


def numbers(count: int, seed: int) -> Iterator[str]:
    """Yield groups of digits as telephone numbers, cards, ids, dates and addresses have them, behind words and marks."""
    source = random.Random(f"numbers {seed}")
    for _ in range(count):
        yield "".join(_number(source) for _ in range(source.choice((1, 1, 1, 2))))


def _number(source: random.Random) -> str:
    separator = source.choice((" ", "-", ".", "/", "", ":", ", ", "\t", "\n", " - "))
    groups: list[str] = []
    for _ in range(source.choice((1, 1, 2, 3, 3, 4, 5, 6))):
        group = "".join(source.choice("0123456789") for _ in range(source.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 9, 10, 11, 12, 16))))
        group = f"({group})" if source.random() < 0.08 else group
        groups.append(group + (separator if source.random() < 0.9 else source.choice((" ", "", "-", "."))))
    before = source.choice(
        ("", "", "tel ", "phone: ", "call me at ", "card ", "ssn ", "ip ", "order ", "NHS ", "(", "x", ".", "/", "a-", "Git ")
    )
    lead = source.choice(("", "", "", "+", "(+", "00", "0", "1 ", "+1 ", "+49 ", "011 44 ", "(0", "%B4"))
    return before + lead + "".join(groups).rstrip(separator) + source.choice(("", "", " ", ".", " x12", "^", ")", "/", "-a", ".5"))


def _glued(source: random.Random) -> str:
    parts: list[str] = []
    for _ in range(source.randint(1, 5)):
        parts += [source.choice(JOINTS), source.choice(PARTS) if source.random() < 0.5 else "", source.choice(JOINTS)]
    text = "".join(parts)
    return _damaged(source, text) if source.random() < 0.2 else text


def _text(source: random.Random, known: list[str]) -> str:
    kind = source.random()
    if kind < 0.25:
        sample = source.choice(known)
        start = source.randrange(len(sample))
        text = sample[start : start + source.choice((20, 80, 300, 2000))]
    else:
        joint = source.choice(("", "", " ", ", ", ": "))
        text = joint.join(source.choice(PARTS) for _ in range(source.randint(1, 9)))
    for _ in range(source.choice((0, 0, 0, 1, 1, 2))):
        encoded = source.choice(ENCODINGS)(text)
        text = encoded if source.random() < 0.6 else f"{source.choice(PARTS)}{encoded}{source.choice(PARTS)}"
        if len(text) > 6000:
            break
    return _damaged(source, text) if source.random() < 0.15 else text


def _damaged(source: random.Random, text: str) -> str:
    if not text:
        return text
    kind = source.randrange(4)
    at = source.randrange(len(text))
    if kind == 0:
        return text[:at]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + source.choice(PARTS) + text[at:]
    return text[: source.choice((128, 255, 256, 512, 1000, 1024))]


def _value(source: random.Random, known: list[str], depth: int) -> object:
    kind = source.random()
    if depth == 0 or kind < 0.45:
        return _text(source, known)
    if kind < 0.55:
        return source.choice(
            (
                4539148803436467,
                1732233600123,
                219099999,
                2128675309,
                12128675309,
                12345678,
                0.5,
                4.539148803436467e15,
                -7,
                10**25,
                True,
                None,
            )
        )
    if kind < 0.6:
        digits = source.choice(("4539148803436467", "4000002161683857", "1234567812345678"))
        step = source.choice((2, 4, 5))
        return [digits[at : at + step] for at in range(0, len(digits), step)]
    if kind < 0.7:
        return [_value(source, known, depth - 1) for _ in range(source.randint(0, 4))]
    if kind < 0.75:
        return [source.choice(NAMES), _value(source, known, depth - 1)]
    if kind < 0.8:
        return {source.choice(("name", "key")): source.choice(NAMES), "value": _value(source, known, depth - 1)}
    return {source.choice(NAMES): _value(source, known, depth - 1) for _ in range(source.randint(1, 4))}
