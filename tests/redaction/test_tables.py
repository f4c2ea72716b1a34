"""The shipped tables are the ones that pseudonyms of released versions were made with."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.conftest import ROOT

DATA = ROOT / "chronicle_otel" / "redaction" / "data"
FROZEN = {
    "fold-v1.json": "9e93c93bcc6a968f720e75dd54d3afe1cc4812327f31df188072a78da44dab1d",
    "phones-v1.json": "1eb1e42c83bf4f063c91783b4c683afd68eca265dd69dfc9c1f8f140063aab6c",
    "npa-us-v1.txt": "fe8ac42b57fabf6561465ab1162e3d22b2c604115449cd9fa7f7277871dbfec4",
}


def folded() -> dict[str, str]:
    """Read the folding table into a plain mapping."""
    table = json.loads((DATA / "fold-v1.json").read_text(encoding="utf-8"))
    read = {chr(point): "" for first, last in table["remove"] for point in range(int(first, 16), int(last, 16) + 1)}
    for first, text in table["runs"]:
        read |= {chr(int(first, 16) + i): char for i, char in enumerate(text)}
    return read


@pytest.mark.parametrize("name", FROZEN)
def test_a_released_table_never_changes(name: str) -> None:
    """A table under a released name has the bytes that it was released with."""
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == FROZEN[name]


def test_the_tables_are_what_their_script_writes() -> None:
    """Nobody has edited a generated table by hand."""
    made_with = json.loads((DATA / "fold-v1.json").read_text(encoding="utf-8"))["unicode"]
    if unicodedata.unidata_version != made_with:
        pytest.skip(f"the table was made with Unicode {made_with}")
    script = Path("scripts") / "redaction_tables.py"
    done = subprocess.run([sys.executable, str(script), "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("spelling", "reads_as"),
    [
        ("４５３９＠ｋｅｓｔｒｅｌ．ｄｅ", "4539@kestrel.de"),
        ("𝟒𝟝𝟨𝟵 𝓂𝖺𝑟𝒾𝚊 ℎℯℬ", "4569 maria heB"),
        ("٤٥٣٩ ۴۵۳۹", "4539 4539"),
        ("1\u00a02\u20073\u30004", "1 2 3 4"),
        ("1\u20102\u20113\u20134\u22125\u2e3a6", "1-2-3-4-5-6"),
        ("Müller Łódź İstanbul øre straße Þór", "Muller Lodz Istanbul ore strase Tor"),
        ("mu\u0308ller", "muller"),
        ("\u043c\u0430\u0440\u0456\u0430", "mapia"),
        ("\u039c\u03b1\u03c1\u03b9\u03b1", "Mapia"),
        ("\u017f\u212a", "sK"),
        ("ma\u00adr\u200bi\u2060a\u202e\ufeff\ufe0f\U000e0100\U000e01ef!", "maria!"),
        ("連絡先 ж 🙂 × ½", "連絡先 ж 🙂 × ½"),
    ],
)
def test_spellings_read_as_ascii(spelling: str, reads_as: str) -> None:
    """Other spellings of a character read as the ASCII character that a person sees, and nothing else does."""
    table = folded()
    assert "".join(table.get(char, char) for char in spelling) == reads_as


def test_the_folding_table_is_well_formed() -> None:
    """Ranges and runs are sorted and disjoint, results are printable ASCII, and ASCII itself is never folded."""
    table = json.loads((DATA / "fold-v1.json").read_text(encoding="utf-8"))
    spans = [(int(first, 16), int(last, 16)) for first, last in table["remove"]]
    spans += [(int(first, 16), int(first, 16) + len(text) - 1) for first, text in table["runs"]]
    spans.sort()
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))
    assert spans[0][0] > 0x7F
    assert all(char.isascii() and char.isprintable() for _, text in table["runs"] for char in text)


def test_area_codes_are_sorted_and_few_enough_for_their_range() -> None:
    """The phone pseudonyms have the 381 area codes that their arithmetic counts on."""
    codes = (DATA / "npa-us-v1.txt").read_text().split()
    assert len(codes) == 381
    assert codes == sorted(set(codes))
