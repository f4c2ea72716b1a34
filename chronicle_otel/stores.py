"""The external store: strings too large for a span, as objects with random names below one root.

Any URL that fsspec knows; folders without it.

    root/2026-11-26/abcdefghijklmnopabcdefghijklmnop          never a digest: that of a short private value can be guessed back

A reader opens nothing but such names below the root that it was given; a span decides neither folder nor host.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from .errors import UsageError

_NAME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}/[a-p]{32}")
_LETTERS: Final = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")
"""Names have no digits beside their date, so that none looks like a card or a telephone number to a redactor."""


def new_name() -> str:
    """A day, by which a store can be made to forget, and 128 random bits."""
    return f"{time.strftime('%Y-%m-%d', time.gmtime())}/{secrets.token_hex(16).encode().translate(_LETTERS).decode()}"


def name_of(url: str) -> str | None:
    """The name of an object in its URL, or None if that is no URL of ours."""
    name = "/".join(url.rsplit("/", 2)[-2:])
    return name if _NAME.fullmatch(name) else None


class Store:
    """Objects below one root."""

    def __init__(self, root: str) -> None:
        """`root` is a URL, or the path of a folder. UsageError if it cannot be a store, or what it takes is not installed."""
        self.root = root.rstrip("/")
        scheme = urlsplit(root).scheme if "://" in root else "file"
        self._folder: str | None = None
        self._files: Any = None
        if scheme == "file":
            self._folder = os.path.abspath(os.path.expanduser(unquote(urlsplit(root).path) if "://" in root else root))
        else:
            self._files, self._prefix = _files(root)

    def write(self, data: bytes) -> str:
        """Store an object and return its URL; the store's own error if it cannot."""
        name = new_name()
        if self._folder is None:
            path = f"{self._prefix}/{name}"
            try:
                self._files.pipe_file(path, data)
            except FileNotFoundError:  # a disk, or a server of files: the day's folder is not there yet
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._files.pipe_file(path, data)
            return f"{self.root}/{name}"
        path = os.path.join(self._folder, name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        part = f"{path}.part"
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
            os.rename(part, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        return f"{self.root}/{name}"

    def read(self, name: str, size: int) -> bytes:
        """Return an object of that many bytes; at most one byte more is read. The store's own error if it is not there."""
        if not _NAME.fullmatch(name):
            raise ValueError("not the name of an object")
        if self._folder is None:
            data: bytes = self._files.cat_file(f"{self._prefix}/{name}", start=0, end=size + 1)
            return data
        with open(os.path.join(self._folder, name), "rb") as file:
            return file.read(size + 1)


def _files(root: str) -> tuple[Any, str]:
    files: Any
    prefix: Any
    try:
        import fsspec.core as core  # pyright: ignore[reportMissingTypeStubs]  # it has no types
    except ImportError:
        raise UsageError(
            f"the store {root} needs fsspec: pip install 'chronicle-otel[store]'; a folder (file:///…) needs nothing"
        ) from None
    try:
        files, prefix = cast("Any", core).url_to_fs(root)
    except ImportError as error:
        raise UsageError(f"the store {root} needs a package that is not installed: {error}") from None
    except ValueError as error:
        raise UsageError(f"{root} is no store: {error}") from None
    return files, str(prefix).rstrip("/")
