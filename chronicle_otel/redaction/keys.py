"""The master key of redaction: from an environment variable or a file, never from an argument or a configuration."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from .errors import RedactionError
from .pseudonyms import KEY_BYTES

VARIABLE: Final = "CHRONICLE_REDACTION_KEY"
"""Where the key is looked for if nobody says where."""


_PLAIN: Final = re.compile(r"[A-Za-z_]{1,40}")


def key_name(env: str | None = None, file: str | os.PathLike[str] | None = None) -> str:
    """Return what reports say of where the key came from: `file`, or the variable's name, or `env` where that is no plain word."""
    if file:
        return "file"
    name = env or VARIABLE
    return name if _PLAIN.fullmatch(name) else "env"


def read_key(env: str | None = None, file: str | os.PathLike[str] | None = None) -> bytes:
    """Return the key; line ends after it are not part of it. RedactionError says what is missing and how to make one."""
    if env and file:
        raise RedactionError("the key stands in an environment variable or in a file, not in both")
    if file:
        try:
            data = Path(file).read_bytes()
        except OSError as error:
            raise RedactionError(f"cannot read the redaction key: {file}: {error.strerror or error}") from None
        place = str(file)
    else:
        name = env or VARIABLE
        data = os.environb.get(name.encode(), b"") if hasattr(os, "environb") else os.environ.get(name, "").encode()
        place = f"the environment variable {name}"
        if not data:
            raise RedactionError(f"{place}, which is to hold the redaction key, is not set: make a key with `openssl rand -hex 32`")
    key = data.rstrip(b"\r\n")
    if len(key) < KEY_BYTES:
        raise RedactionError(
            f"the redaction key in {place} has {len(key)} bytes, at least {KEY_BYTES} are needed: make one with `openssl rand -hex 32`"
        )
    return key
