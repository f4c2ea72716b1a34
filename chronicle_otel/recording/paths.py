"""Where a recording may be written, checked when the path is given and not when the first span is lost."""

from __future__ import annotations

import os
from typing import Any, cast

from ..errors import UsageError


def checked(path: Any) -> str | None:
    """Return the path as text, None for None. UsageError where no recording can or should be written."""
    if path is None:
        return None
    given: Any = os.fspath(cast("os.PathLike[Any]", path)) if isinstance(path, os.PathLike) else path
    if not isinstance(given, str) or not given:
        raise UsageError(f"init: path={path!r}: give the name of a file or folder to record into")
    if given.lower().endswith((".gz", ".zst")):
        plain = os.path.splitext(given)[0]
        raise UsageError(f"init: path={given!r}: recordings are written uncompressed; name it {plain!r}, and compress it when it is done")
    full = os.path.abspath(os.path.expanduser(given))
    if os.path.isfile(full):
        _refuse_other_files(full, given)
    elif not os.path.exists(full):
        _refuse_without_a_folder(os.path.dirname(full), given)
    return given


def _refuse_other_files(full: str, given: str) -> None:
    try:
        with open(full, "rb") as file:
            first = file.read(1)
    except OSError as error:
        raise UsageError(f"init: path={given!r} cannot be opened ({error.strerror}); name another file") from error
    if first not in (b"", b"{"):
        raise UsageError(f"init: path={given!r} is a file that holds something else than a recording; name another one")


def _refuse_without_a_folder(folder: str, given: str) -> None:
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise UsageError(f"init: path={given!r}: {folder} is a file, not a folder; name another path")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"init: path={given!r}: nothing may be written in {folder}; name another path")
