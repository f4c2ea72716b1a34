"""Every place of a span or log record: names, attributes and their keys, payloads joined and cut again, trace state.

(key, value) pairs ──payloads joined──► Redactor ──► pairs again, types as they were, sizes as they are now
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast

from chronicle_otel import _guard, semconv
from chronicle_otel.wire import split

from .documents import split_cards
from .names import NOWHERE, Context
from .redactor import Redactor, Tally

Pairs: TypeAlias = list[tuple[str, Any]]

_OWN: Final = {
    semconv.RUN_ID: re.compile(r"[0-9a-f]{32}"),
    semconv.RUN_START: re.compile(r"[0-9a-f]{16}"),
    semconv.REPLAY_OF: re.compile(r"[0-9a-f]{32}"),
}
"""Attributes of ours that are kept where they hold what we write."""
_RUN_PARENT: Final = re.compile(r'\["[0-9a-f]{32}",\s?"[0-9a-f]{16}"\]')
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_COUNTS: Final = frozenset((semconv.VERSION, semconv.SEQ, semconv.PARENT, semconv.RUN_STEPS, semconv.RUN_LOST))


class KeyValues(list[tuple[str, Any]]):
    """A map value in OTLP's form: names may stand twice."""


class Places:
    """Redacts what stands in the places of spans and log records."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        scope = redactor.policy.tree["scope"]
        self._keep = _globs(scope["keep"])
        self._drop = _globs(scope["drop"])
        self._states = _globs(scope["trace_state_keep"])

    def text(self, value: str, tally: Tally, context: Context = NOWHERE) -> str:
        """Redact a name or message; what cannot be judged becomes opaque."""
        if not value:
            return value
        try:
            data = value.encode("utf-8", "surrogatepass")
            new = self._redactor.text_bytes(data, context, tally)
        except Exception as error:
            return self._failed(error, tally, "chronicle-opaque")
        return value if new == data else new.decode("utf-8", "replace")

    def _failed(self, error: Exception, tally: Tally, stand_in: Any) -> Any:
        tally.opaque["error"] += 1
        _guard.failed("redact a value, which was taken out", error)
        return stand_in

    # ---- attributes

    def attributes(self, pairs: Pairs, tally: Tally, *, payloads: bool = True) -> Pairs:
        """Redact attributes; `payloads` where they may be chronicle's."""
        sizes = {key: value for key, value in pairs if key.endswith(semconv.SIZE_SUFFIX)} if payloads else {}
        new_sizes: dict[str, int] = {}
        made: Pairs = []
        for key, value in pairs:
            if payloads and key in semconv.PAYLOADS and key != semconv.REDACTION:
                new, size = self._payload(key, value, sizes.get(key + semconv.SIZE_SUFFIX), tally)
                if size is not None:
                    new_sizes[key + semconv.SIZE_SUFFIX] = size
            elif self._drop is not None and self._drop.fullmatch(key):
                new = _emptied(value)
                tally.rules["scope"] += 1
            elif self._kept(key, value):
                new = value
            else:
                new = self.value(value, self._redactor.context(key), tally)
            made.append((key, new))
        made = [(key, new_sizes.get(key, value)) for key, value in made]
        return self._keys(made, tally)

    def _kept(self, key: str, value: Any) -> bool:
        form = _OWN.get(key)
        if form is not None:
            return isinstance(value, str) and form.fullmatch(value) is not None
        if key in _COUNTS or (key.endswith(semconv.SIZE_SUFFIX) and key[: -len(semconv.SIZE_SUFFIX)] in semconv.PAYLOADS):
            return isinstance(value, int) and 0 <= value < 1_000_000_000
        if key == semconv.REDACTION:
            return True
        return self._keep is not None and self._keep.fullmatch(key) is not None

    def _keys(self, pairs: Pairs, tally: Tally) -> Pairs:
        renamed = [(self.text(key, tally), value) for key, value in pairs]
        if all(new[0] == old[0] for new, old in zip(renamed, pairs)):
            return pairs
        seen = {new[0]: old[0] for new, old in zip(renamed, pairs) if new[0] == old[0]}
        made: Pairs = []
        for (new, value), (old, _) in zip(renamed, pairs):
            wanted, count = new, 1
            while new != old and seen.setdefault(wanted, old) != old:
                count += 1
                wanted = f"{new}~{count}"
            made.append((wanted, value))
        return made

    # ---- values

    def value(self, value: Any, context: Context, tally: Tally) -> Any:
        """Redact a value of any type; the type stays."""
        if isinstance(value, str):
            return self.text(value, tally, context)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            return self._number(value, context, tally)
        if isinstance(value, bytes):
            return self._bytes(value, context, tally)
        if isinstance(value, KeyValues):
            return KeyValues(self._members(value, tally))
        if isinstance(value, dict):
            return dict(self._members(list(cast("dict[str, Any]", value).items()), tally))
        if isinstance(value, Sequence):
            return self._sequence(cast("Sequence[Any]", value), context, tally)
        return None

    def _members(self, pairs: Pairs, tally: Tally) -> Pairs:
        return self._keys([(key, self.value(item, self._redactor.context(key), tally)) for key, item in pairs], tally)

    def _sequence(self, items: Sequence[Any], context: Context, tally: Tally) -> Any:
        cut = split_cards([item.encode("utf-8", "surrogatepass") if isinstance(item, str) else b"" for item in items])
        tally.opaque["split"] += len(cut)
        made = ["chronicle-opaque" if at in cut else self.value(item, context, tally) for at, item in enumerate(items)]
        if all(new is old or new == old for new, old in zip(made, items)):
            return items
        return tuple(made) if isinstance(items, tuple) else made

    def _number(self, value: int | float, context: Context, tally: Tally) -> int | float:
        token = repr(value).encode()
        try:
            new = self._redactor.payload_bytes(token, context, tally)
            return value if new == token else type(value)(new.decode())
        except Exception as error:
            return self._failed(error, tally, type(value)(0))

    def _bytes(self, value: bytes, context: Context, tally: Tally) -> bytes:
        if value[:2] == b"\x1f\x8b" or value[:4] == b"\x28\xb5\x2f\xfd":
            tally.opaque["packed"] += 1
            return b""
        try:
            return self._redactor.text_bytes(value, context, tally)
        except Exception as error:
            return self._failed(error, tally, b"")

    # ---- payloads

    def _payload(self, key: str, value: Any, size: Any, tally: Tally) -> tuple[Any, int | None]:
        """Redact a payload in any of its forms; return it with its new size."""
        stored, text = _joined(value, size)
        if text is None:
            return self.value(value, NOWHERE, tally), None
        if key == semconv.RUN_PARENT and _RUN_PARENT.fullmatch(text):
            return value, None
        data = text.encode("utf-8", "surrogatepass")
        missing = int(size) - len(data) if isinstance(size, int) and not isinstance(size, bool) else 0
        try:
            new = self._redactor.payload_bytes(data, self._redactor.context(key), tally, cut=missing != 0, stream=key == semconv.STREAM)
        except Exception as error:
            new = self._failed(error, tally, b'{"$chronicle.opaque":{"why":"error","size":%d}}' % len(data))
        if new == data:
            return value, None
        made: Any = split(new.decode("utf-8", "replace"))
        if stored and not isinstance(made, str):
            made = json.dumps(made, ensure_ascii=False)
        elif isinstance(value, tuple) and isinstance(made, list):
            made = tuple(cast("list[str]", made))
        return made, len(new) + missing

    # ---- trace state

    def trace_state(self, members: list[tuple[str, str]], tally: Tally) -> list[tuple[str, str]]:
        """Drop members that no policy keeps; what is kept is redacted. Chronicle's own member holds a run id."""
        made: list[tuple[str, str]] = []
        for key, value in members:
            if key == "chronicle" and _RUN_ID.fullmatch(value):
                made.append((key, value))
            elif self._states is not None and self._states.fullmatch(key):
                made.append((key, self.text(value, tally)))
            else:
                tally.rules["trace_state"] += 1
        return made


def _joined(value: Any, size: Any) -> tuple[bool, str | None]:
    """Return a payload's text, and whether a store had turned its list into text."""
    if isinstance(value, str):
        if value[:1] == "[" and isinstance(size, int) and len(value.encode("utf-8", "surrogatepass")) != size:
            try:
                chunks: Any = json.loads(value)
            except (ValueError, RecursionError):
                return False, value
            if isinstance(chunks, list) and all(isinstance(chunk, str) for chunk in cast("list[Any]", chunks)):
                joined = "".join(cast("list[str]", chunks))
                if len(joined.encode("utf-8", "surrogatepass")) == size:
                    return True, joined
        return False, value
    if isinstance(value, (list, tuple)) and all(isinstance(chunk, str) for chunk in cast("list[Any]", value)):
        return False, "".join(cast("list[str]", value))
    return False, None


def _emptied(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    kind = cast("Any", type(value))
    return kind()


def _globs(names: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(".*".join(map(re.escape, name.split("*"))) for name in names)) if names else None
