"""The installed version of chronicle_otel."""

from __future__ import annotations

from importlib import metadata

try:
    __version__ = metadata.version("chronicle-otel")
except metadata.PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"
