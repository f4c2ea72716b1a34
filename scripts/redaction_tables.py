"""Write the tables that both redaction engines ship, or check that they are what would be written.

python scripts/redaction_tables.py            write fold-v1.json and phones-v1.json in chronicle_otel/redaction/data
python scripts/redaction_tables.py --check    exit 1 and name each table that differs

A released table is frozen: what it folds decides which pseudonym a value gets. A different one takes a new name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import redaction_fold
import redaction_phones

DATA = Path(__file__).resolve().parent.parent / "chronicle_otel" / "redaction" / "data"
TABLES: dict[str, Callable[[], str]] = {"fold-v1.json": redaction_fold.render, "phones-v1.json": redaction_phones.render}


def main(arguments: list[str]) -> int:
    """Render every table; write it, or with `--check` compare it."""
    stale = 0
    for name, render in TABLES.items():
        text = render()
        if "--check" not in arguments:
            (DATA / name).write_text(text, encoding="utf-8")
        elif (DATA / name).read_text(encoding="utf-8") != text:
            stale = 1
            print(f"{name} is not what this script writes")
    return stale


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
