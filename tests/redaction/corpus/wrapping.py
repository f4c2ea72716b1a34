"""Layers of encoding that a value may be wrapped in."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote


def sentence(text: str) -> str:
    return f"see {text}, ok"


def member(text: str) -> str:
    return json.dumps({"n": 1, "note": text}, ensure_ascii=False)


def element(text: str) -> str:
    return json.dumps([None, text, 2.5])


def percent(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def entities(text: str) -> str:
    return "".join(f"&#{ord(char)};" if char in "@.:-+ " else html.escape(char) for char in text)


def base64_text(text: str) -> str:
    return base64.b64encode(f"note: {text} (end)".encode(errors="surrogatepass")).decode()


def hex_text(text: str) -> str:
    return f"note: {text}".encode(errors="surrogatepass").hex()


LAYERS: tuple[Callable[[str], str], ...] = (sentence, member, element, percent, entities, base64_text, hex_text)
