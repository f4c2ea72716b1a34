"""Every way in which somebody might read an answer: what is gone must be gone in all of them."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import unicodedata
from urllib.parse import unquote

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]")
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")


def readings(text: str) -> set[str]:
    """Return the text with its layers taken off in every order, up to a few layers deep."""
    seen: set[str] = set()
    todo = [text]
    while todo and len(seen) < 400:
        reading = todo.pop()
        if reading not in seen and len(reading) < 3_000_000:
            seen.add(reading)
            todo += layers(reading)
    return seen


def layers(text: str) -> list[str]:
    """Return what one layer less, of any kind, gives."""
    found = [unquote(text), html.unescape(text), INVISIBLE.sub("", unicodedata.normalize("NFKC", text))]
    found.append(
        re.sub(
            r"\\u([0-9a-fA-F]{4})",
            lambda escape: chr(int(escape[1], 16)),
            text.replace("\\n", "\n").replace("\\/", "/").replace('\\"', '"'),
        )
    )
    found += strings(text)
    for run in BASE64.findall(text)[:20]:
        found += decoded(run)
    found += [bytes.fromhex(run).decode("latin-1") for run in HEX.findall(text)[:20]]
    return [reading for reading in found if reading and reading != text]


def strings(text: str) -> list[str]:
    """Return the strings of a JSON document, and their concatenation."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found: list[str] = []
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, list):
            todo += item
        elif isinstance(item, dict):
            todo += [*item.keys(), *item.values()]
    return [*found[:40], "".join(reversed(found))]


def decoded(run: str) -> list[str]:
    """Return what a base64 run holds at each of its four alignments."""
    found = []
    for offset in range(4):
        piece = run[offset:].rstrip("=").replace("-", "+").replace("_", "/")
        piece = piece[: len(piece) // 4 * 4] if offset else piece + "=" * (-len(piece) % 4)
        try:
            found.append(base64.b64decode(piece).decode("latin-1"))
        except (binascii.Error, ValueError):
            pass
    return [text for text in found if sum(char.isprintable() for char in text) > len(text) * 0.8]


def holds(answer: str, needle: str) -> bool:
    """Tell whether some reading of an answer holds a needle, in any case.

    Needles of letters and digits are looked for without what stands between those; of a telephone number, the last ten digits.
    """
    wanted = needle[-10:] if re.fullmatch(r"\+[0-9]{10,}", needle) else needle.lower()
    return any(wanted in reading.lower() or (wanted.isalnum() and wanted in compact(reading)) for reading in readings(answer))


def compact(text: str) -> str:
    """Return the letters and digits alone, all digits as ASCII."""
    return "".join(str(unicodedata.digit(char, char)) for char in text.lower() if char.isalnum())
