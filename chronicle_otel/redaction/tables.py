"""The shipped tables: where they lie, what they hash to. Both engines carry the same bytes."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "data"
NAMES: Final = ("fold-v1.json", "npa-us-v1.txt", "phones-v1.json", "tables-v1.json")
"""Tables that decide about output; their hashes are part of a policy's id."""


@functools.cache
def raw(name: str) -> bytes:
    """Return the bytes of a table."""
    return (FOLDER / name).read_bytes()


@functools.cache
def table(name: str) -> Any:
    """Return a JSON table, parsed."""
    return json.loads(raw(name))


@functools.cache
def hashes() -> dict[str, str]:
    """Return the SHA-256 of every table, in hex."""
    return {name: hashlib.sha256(raw(name)).hexdigest() for name in NAMES}
