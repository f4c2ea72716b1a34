"""Payloads that do not lex: what came before the break is a document, the rest a text; a value that was cut off is masked."""

from __future__ import annotations

import re
from typing import Final

from . import own
from .documents import Documents
from .layers import Edit, Layer, json_escape, json_layer
from .lexer import Broken
from .names import NOWHERE, Context
from .rendering import masked
from .scanning import Outcome, Scanner, Work

CUTS: Final = frozenset(
    (
        128,
        255,
        256,
        512,
        1000,
        1024,
        2000,
        2048,
        4095,
        4096,
        8191,
        8192,
        10000,
        16384,
        25000,
        25600,
        32766,
        32768,
        64000,
        65535,
        65536,
        131072,
        262144,
    )
)
"""Lengths at which stores and SDKs are known to cut."""
_LAST: Final = re.compile(rb"(?:[0-9]+[ .-])*[^ \t\r\n]+\Z")
_LEAST: Final = 5


def edits(data: bytes, failure: Broken, context: Context, work: Work, documents: Documents, scanner: Scanner, cut: bool) -> Outcome:
    """Return the edits on a document that breaks off or goes wrong."""
    outcome = Outcome()
    if failure.root is not None:
        outcome = documents.edits(data, failure.root, context, 0, 0, work)
    at = failure.at
    if failure.name is not None:
        below = scanner.names.context(data[failure.name[0] + 1 : failure.name[1] - 1])
    else:
        below = context
    quoted = data[at : at + 1] == b'"'
    at += quoted
    if not quoted:
        below = context
        if failure.name is not None:
            at = failure.name[0]
        elif failure.last is not None and not data[failure.last[1] : at].strip(b" \t\r\n"):
            at = failure.last[0]
        outcome.edits = [edit for edit in outcome.edits if edit[1] <= at]
        outcome.hits = [hit for hit in outcome.hits if hit.end <= at]
    rest = data[at:]
    layer = (json_layer(rest, always=True) or Layer(rest, [], json_escape, True)) if quoted else Layer(rest, [])
    found = scanner.text(layer.data, below, work)
    if cut or len(data) in CUTS:
        found.edits = _masked_end(layer.data, found.edits, scanner)
    outcome.add(found.lifted(layer), at)
    return outcome


def _masked_end(view: bytes, made: list[Edit], scanner: Scanner) -> list[Edit]:
    """Mask what stands at the cut, in place of whatever was found in it; own output stays."""
    last = _LAST.search(view)
    if last is None:
        return made
    start = max([last.start(), *(end for _, end in own.tokens(view, scanner.scope(NOWHERE)))])
    start = min([start, *(edit[0] for edit in made if edit[0] < start < edit[1])])
    tail = view[start:]
    digits = len(re.findall(rb"[0-9]", tail))
    if digits >= _LEAST or b"@" in tail or any(tail.startswith(prefix) for prefix in scanner.secrets.prefixes if len(prefix) > 2):
        return [edit for edit in made if edit[1] <= start] + [
            edit for edit in masked(view, start, len(view)) if view[edit[0] : edit[1]] != edit[2]
        ]
    return made
