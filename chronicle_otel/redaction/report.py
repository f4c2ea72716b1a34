"""What a redactor writes on a span about itself: policy, key check value and counts; never a value."""

from __future__ import annotations

import json
import re
from typing import Any, Final, cast

from chronicle_otel import semconv
from chronicle_otel.wire import split

from .places import Pairs
from .redactor import Redactor, Tally

_WORD: Final = re.compile(r"[A-Za-z0-9_.:+-]{0,80}")
_SIZE: Final = semconv.REDACTION + semconv.SIZE_SUFFIX


def written(pairs: Pairs, redactor: Redactor, tally: Tally, *, changed: bool) -> Pairs:
    """Return the attributes with this pass added to the report; the same object where nothing is to be said."""
    ours = any(key == semconv.VERSION for key, _ in pairs)
    old = next((value for key, value in pairs if key == semconv.REDACTION), None)
    passes = _passes(old)
    entry: dict[str, Any] = {
        "policy": redactor.policy.id,
        "data": "fold-v1,phones-v1",
        "key": redactor.key_name,
        "kcv": redactor.kcv,
        "tenant_from": redactor.tenant_from,
        "rules": dict(sorted((+tally.rules).items())),
        "opaque": dict(sorted((+tally.opaque).items())),
    }
    forged = old is not None and passes is None
    if not forged and not changed and (not ours or passes):
        return pairs
    text = json.dumps({"v": 1, "passes": [*(passes or ()), entry]}, separators=(",", ":"))
    kept = [(key, value) for key, value in pairs if key not in (semconv.REDACTION, _SIZE)]
    return [*kept, (semconv.REDACTION, split(text)), (_SIZE, len(text))]


def _passes(value: Any) -> list[dict[str, Any]] | None:
    """Return the passes of a report that has exactly our form; senders can write anything there."""
    if isinstance(value, (list, tuple)) and all(isinstance(chunk, str) for chunk in cast("list[Any]", value)):
        value = "".join(cast("list[str]", value))
    if not isinstance(value, str):
        return None
    try:
        tree: Any = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(tree, dict) or set(cast("dict[str, Any]", tree)) != {"v", "passes"} or not isinstance(tree["passes"], list):
        return None
    found = cast("list[Any]", tree["passes"])
    return found if all(_well_formed(entry) for entry in found) else None


def _well_formed(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    for name, value in cast("dict[str, Any]", entry).items():
        if name in ("rules", "opaque"):
            counts: Any = value
            if not isinstance(counts, dict):
                return False
            for rule, count in cast("dict[str, Any]", counts).items():
                if not _WORD.fullmatch(rule) or type(count) is not int or not 0 <= count < 10**9:
                    return False
        elif name not in ("policy", "data", "key", "kcv", "tenant_from") or not isinstance(value, str) or not _plain(name, value):
            return False
    return True


_FORMS: Final = {
    "policy": re.compile(r"[0-9a-f]{64}(?:\+py)?"),
    "data": re.compile(r"[a-z]{1,8}-v[0-9]{1,3}(?:,[a-z]{1,8}-v[0-9]{1,3}){0,4}"),
    "key": re.compile(r"[A-Za-z_]{0,40}"),
    "kcv": re.compile(r"[0-9a-f]{8}"),
    "tenant_from": re.compile(r"[a-z]{0,16}(?::[a-z._-]{1,64})?"),
}


def _plain(name: str, value: str) -> bool:
    return _FORMS[name].fullmatch(value) is not None
