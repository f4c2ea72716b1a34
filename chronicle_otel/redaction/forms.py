"""How pseudonyms look: one table for the engine, which scans nothing inside of them, and for the replayer, which looks behind them.

A pattern says where one may stand; its range or its check (recognise.py) says whether it is one. Patterns read ASCII, as
Python's `re` does on bytes and on text alike.
"""

from __future__ import annotations

from typing import Final

LETTER: Final = "[a-km-np-z2-9]"

FORMS: Final = {
    "email": rf"m{LETTER}{{16}}@d{LETTER}{{6}}\.example\.com",
    "secret": rf"chr{LETTER}{{24}}",
    "domain": rf"d{LETTER}{{6}}\.example\.com",
    "iban": r"[Gg][Bb][0-9]{2}[ -]?[Tt][Ee][Ss][Tt](?:[ -]?[0-9]){14}",
    "card": r"4(?:(?: ?\r?\n ?|[ .\t-])?0){5}(?:(?: ?\r?\n ?|[ .\t-])?[0-9]){6,13}",
    "phone": r"(?:\+?1[ .-]?)?\(?[2-9][0-9]{2}\)?[ \t./-]{0,3}555[ \t./-]{0,3}01[0-9]{2}",
    "us_ssn": r"9[0-9]{2}(?P<gap>[ .-]?)[0-4][0-9](?P=gap)[0-9]{4}",
    "ipv4": r"24[0-7]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
    "ipv6": r"2001:0?[dD][bB]8:[0-9A-Fa-f:]+",
    "int": r"(?:99[0-9]{2}(?P<join>[ -])[0-9]{4}(?P=join)[0-9]{4}|99[0-9]{10,})",
}
