"""The folding table of the redactor: which spellings of a character read as which ASCII character.

`fold-v1.json` holds `remove`, a list of ranges `[first, last]` of code points that read as nothing, and `runs`, a list
of `[first, text]`: code point `first + i` reads as `text[i]`. Code points are hexadecimal. Ranges and runs are sorted
and disjoint; a code point in neither reads as itself. ASCII is never in the table.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator

REMOVED = [
    (0x00AD, 0x00AD),  # soft hyphen
    (0x0300, 0x036F),  # combining accents: a decomposed spelling is that of the composed one; joiner 034F
    (0x061C, 0x061C),  # bidi mark
    (0x115F, 0x1160),  # Hangul fillers, invisible
    (0x17B4, 0x17B5),  # Khmer vowels without a glyph
    (0x180B, 0x180F),  # Mongolian variation selectors and vowel separator
    (0x200B, 0x200F),  # zero-width space and joiners, bidi marks
    (0x202A, 0x202E),  # bidi embeddings
    (0x2060, 0x206F),  # word joiner, invisible operators, bidi isolates, deprecated format characters
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # half-width Hangul filler
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0x1D173, 0x1D17A),  # musical format characters
    (0xE0001, 0xE0001),  # language tag
    (0xE0020, 0xE007F),  # tag characters
    (0xE0100, 0xE01EF),  # variation selectors
]
SPACES = [0x0085, 0x00A0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x2800, 0x3000]
DASHES = [0x02D7, 0x058A, 0x05BE, 0x1400, 0x1806, *range(0x2010, 0x2016), 0x2043, 0x2212, 0x2796, 0x2E17, 0x2E1A]
DASHES += [0x2E3A, 0x2E3B, 0x2E40, 0xFE58, 0xFE63, 0xFF0D]
# Letters of the Latin blocks whose name does not begin with their base letter.
NAMED_LATIN = {
    **dict(zip("ÆÐØÞßæðøþıĲĳĸŁłŊŋŒœ", "ADOTsadotiIikLlNnOo")),
    **dict(zip("ƄƅƆƉƍƎƏƐƔƕƖƛƜƟƢƣƦƧƨƩƪƱƷƸƹƺƻƼƽƾƿ", "BbODdEEEGhIlMOOoRSsEsUZZzz2555w")),
    **dict(zip("ǄǅǆǇǈǉǊǋǌǝǢǣǮǯǱǲǳǶǷǼǽǾǿȜȝȢȣȸȹɁɂɄɅɊɋ", "DDdLLlNNneAaZzDDdHWAaOoYyOodqPpUVQq")),
}
CYRILLIC = {
    **dict(zip("АВЕКМНОРСТУХІЈЅЇЁЀҮԌԚԜӀ", "ABEKMHOPCTYXIJSIEEYGQWI")),
    **dict(zip("авекмнорстухіјѕїёѐүһԁԛԝӏѵ", "abekmhopctyxijsieeyhdqwlv")),
}
GREEK = {
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϿ", "ABEZHIKMNOPTYXCC")),
    **dict(zip("αγεηικνορςτυχωϲϳ", "ayenikvopctuxwcj")),
}
DIGITS = (0x0660, 0x06F0)  # Arabic-Indic, Extended Arabic-Indic
MATHEMATICAL = [range(0x2100, 0x2150), range(0x1D400, 0x1D800), range(0x1FBF0, 0x1FBFA)]


def latin() -> Iterator[tuple[int, str]]:
    """Yield the letters of U+00C0 to U+024F with their base letter."""
    for point in range(0x00C0, 0x0250):
        name = unicodedata.name(chr(point), "")
        plain = re.fullmatch(r"LATIN (SMALL|CAPITAL) LETTER (?:DOTLESS |LONG |REVERSED |TURNED |SHARP )?([A-Z])(?: WITH .*)?", name)
        if plain and chr(point) not in NAMED_LATIN:
            yield point, plain[2].lower() if plain[1] == "SMALL" else plain[2]
        elif chr(point) in NAMED_LATIN:
            yield point, NAMED_LATIN[chr(point)]
        elif name.startswith("LATIN SMALL LETTER N PRECEDED"):
            yield point, "n"


def mathematical() -> Iterator[tuple[int, str]]:
    """Yield the mathematical alphabets, with the letters among the letter-like symbols that fill their gaps."""
    for point in (point for block in MATHEMATICAL for point in block):
        plain = unicodedata.normalize("NFKC", chr(point))
        plain = GREEK.get(plain) or unicodedata.normalize("NFD", plain)[0]
        if re.fullmatch("[A-Za-z0-9]", plain) and unicodedata.decomposition(chr(point)).count(" ") <= 1:
            yield point, plain


def pairs() -> dict[int, str]:
    """Return every folded code point with the character that it reads as."""
    table = {point: "" for first, last in REMOVED for point in range(first, last + 1)}
    table |= dict.fromkeys(SPACES, " ") | dict.fromkeys(DASHES, "-")
    table |= {0xFF01 + i: chr(0x21 + i) for i in range(94)}
    small = zip(range(0xFE50, 0xFE6C), ", . ;:?! ()    #&*+-<>= \\$%@")
    table |= {point: char for point, char in small if char != " "}
    table |= {zero + i: str(i) for zero in DIGITS for i in range(10)}
    table |= dict(latin()) | dict(mathematical())
    return table | {ord(char): plain for char, plain in (CYRILLIC | GREEK).items()}


def render() -> str:
    """Write the table as JSON, one range or run a line."""
    table = pairs()
    runs: list[tuple[int, str]] = []
    for point in sorted(point for point in table if table[point]):
        if runs and runs[-1][0] + len(runs[-1][1]) == point:
            runs[-1] = runs[-1][0], runs[-1][1] + table[point]
        else:
            runs.append((point, table[point]))
    remove = [json.dumps([f"{first:04x}", f"{last:04x}"]) for first, last in REMOVED]
    lines = [json.dumps([f"{first:04x}", text]) for first, text in runs]
    listed = {"remove": ",\n    ".join(remove), "runs": ",\n    ".join(lines)}
    body = ",\n".join(f'  "{name}": [\n    {text}\n  ]' for name, text in listed.items())
    return f'{{\n  "version": "fold-v1",\n  "unicode": "{unicodedata.unidata_version}",\n{body}\n}}\n'
