"""Where span records come from: one module per kind of store, each with `read`, and the choice between them.

path or "-" ──────────────────────────► files
jaeger://… tempo://… ──► Location ──► the module of that name
"""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from typing import TypeAlias

from chronicle_otel.reading.search import Search
from chronicle_otel.reading.sources.location import Location, is_url, parse
from chronicle_otel.reading.sources.spans import Spans

Source: TypeAlias = str | os.PathLike[str]
"""A path of a file or folder, "-" for standard input, or the address of a store."""

__all__ = ["Location", "Source", "Spans", "is_url", "parse", "read"]


def read(source: Source, search: Search | None = None) -> Spans:
    """Return the spans that a source holds. A store is asked for what `search` wants; files are read whole.

    UsageError for an address that is wrong, SourceError for a source that cannot be read.
    """
    if not is_url(source):
        from chronicle_otel.reading.sources.files import read_files

        return read_files(source)
    location = parse(str(source))
    if search and not location.trace:
        location = replace(location, search=location.search.joined(search))
    return importlib.import_module(f"{__name__}.{location.store}").read(location)
