"""Settings of recording, checked once when `init` is called."""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, cast

from . import semconv
from .errors import UsageError

CAPTURE = ("full", "inputs-only", "outputs-only", "shape", "off")
AMBIENT_SOURCES = ("clock", "random", "uuid", "secrets", "env")


@dataclass(frozen=True, slots=True)
class Settings:
    """What `chronicle.init(path, instrument, **settings)` understands."""

    service_name: str | None = None
    """`service.name` of our own provider; default: `OTEL_SERVICE_NAME`, else the name of the program."""
    capture: Mapping[str, str] = field(default_factory=dict[str, str])
    """Granularity per boundary kind: full, inputs-only, outputs-only, shape, off. A boundary's own choice wins."""
    step_bytes: int | None = None
    """Budget of one Step's payloads in bytes; the largest strings above it become opaque. None: no budget of ours."""
    span_bytes: int = 3 * 1024 * 1024
    """The same for spans that leave by the application's provider: OTLP receivers take 4 MiB by default."""
    view_bytes: int = 1000
    """Content bytes that the `gen_ai.*` view of one Step may take; the view is for other tools, replay does not need it."""
    view_run_bytes: int = 8000
    """The same for a whole Run: later Steps keep model, tokens and names in the view, their content is in the envelope."""
    queue_bytes: int = 64 * 1024 * 1024
    """Finished Steps waiting for the background thread; above this the caller writes them himself."""
    threads: bool = True
    """Carry the current Step into executors and threads, and name concurrent children, by patching their starters."""
    ambient: Sequence[str] = ()
    """Ambient sources of the user's own modules to record: clock, random, uuid, secrets, env."""
    ambient_env: Sequence[str] = ()
    """Environment variables whose reads are recorded with the source env."""
    modules: Sequence[str] = ()
    """The user's own modules, as prefixes; default: everything outside the standard library and site-packages."""
    replays: bool | None = None
    """Whether a replay in this process is written as a trace of its own. None: where spans go to the application's provider."""
    redact: Any = None
    """Redact before anything leaves: True (the default policy), a policy's path, or a Redactor. Needs a file, or `export`, of their own."""
    export: str | None = None
    """`"own"`: send Steps to the OTLP endpoint of the environment by an export of our own, and not to the application's provider."""
    retry_seconds: float = 2.0
    """How long our own export offers a batch that the endpoint does not take; then it is kept on disk. Until then a kill loses it."""
    shutdown_seconds: float = 5.0
    """How long `flush` and `shutdown` wait for our own export; what is left at `shutdown` is kept on disk."""
    unsent: str = ".chronicle/unsent"
    """Folder for spans that the endpoint did not take; `chronicle send` posts them."""
    unsent_bytes: int = 512 * 1024 * 1024
    """Bytes of that folder, all processes together; above it spans are lost, and counted. 0: keep none."""
    store: str | None = None
    """Where strings above `inline_bytes` go that leave by OTLP: a URL such as s3://bucket/prefix or file:///path. Needs redaction."""
    store_raw: bool = False
    """Use the store without redaction in the process."""
    inline_bytes: int = 256 * 1024
    """Strings up to this size stay in the span where there is a store."""
    tracer_provider: Any = None
    """An OpenTelemetry TracerProvider to use instead of the global one."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Check what the caller gave; UsageError names an unknown or wrong setting."""
        known = {f.name for f in dataclasses.fields(cls)}
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f", did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(known))}"
                raise UsageError(f"init: unknown setting {name!r}{hint}")
        settings = cls(**{name: _checked(name, value) for name, value in given.items()})
        for kind, choice in settings.capture.items():
            if kind not in semconv.KINDS or choice not in CAPTURE:
                wrong = f"init: capture={{{kind!r}: {choice!r}}}"
                raise UsageError(f"{wrong}: kinds are {', '.join(semconv.KINDS)}; choices {', '.join(CAPTURE)}")
        for source in settings.ambient:
            if source not in AMBIENT_SOURCES:
                raise UsageError(f"init: ambient source {source!r} is not one of {', '.join(AMBIENT_SOURCES)}")
        return settings


def _size(value: Any) -> bool:
    return type(value) is int and value > 0


def _seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 86_400


def is_words(value: Any) -> bool:
    """Say whether a value lists names; one name stands for itself."""
    if isinstance(value, (bytes, bytearray)) or not isinstance(value, (Sequence, Set)):
        return False
    return all(isinstance(word, str) for word in cast("Sequence[Any]", value))


_WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "service_name": (lambda value: value is None or isinstance(value, str), "a name"),
    "capture": (lambda value: isinstance(value, Mapping), 'a granularity per kind, as in {"llm": "shape"}'),
    "step_bytes": (lambda value: value is None or _size(value), "a number of bytes, or None"),
    "span_bytes": (_size, "a number of bytes"),
    "view_bytes": (lambda value: value == 0 or _size(value), "a number of bytes"),
    "view_run_bytes": (lambda value: value == 0 or _size(value), "a number of bytes"),
    "queue_bytes": (_size, "a number of bytes"),
    "threads": (lambda value: isinstance(value, bool), "True or False"),
    "ambient": (is_words, "a list of sources"),
    "ambient_env": (is_words, "a list of names of environment variables"),
    "modules": (is_words, "a list of names of modules"),
    "replays": (lambda value: value is None or isinstance(value, bool), "True, False or None"),
    "redact": (
        lambda value: value is None or isinstance(value, (bool, str, os.PathLike)) or hasattr(value, "payload"),
        "True, the path of a policy, or a Redactor",
    ),
    "export": (lambda value: value is None or value == "own", 'None or "own"'),
    "retry_seconds": (lambda value: _seconds(value), "a number of seconds"),
    "shutdown_seconds": (lambda value: _seconds(value), "a number of seconds"),
    "unsent": (lambda value: isinstance(value, (str, os.PathLike)) and bool(os.fspath(cast("str", value))), "the path of a folder"),
    "unsent_bytes": (lambda value: value == 0 or _size(value), "a number of bytes, or 0"),
    "store": (
        lambda value: value is None or (isinstance(value, str) and "://" in value),
        "a URL, as in s3://bucket/prefix or file:///path",
    ),
    "store_raw": (lambda value: isinstance(value, bool), "True or False"),
    "inline_bytes": (_size, "a number of bytes"),
    "tracer_provider": (lambda value: value is None or hasattr(value, "get_tracer"), "a TracerProvider of OpenTelemetry"),
}
"""What each setting accepts, and how to say so."""


def _checked(name: str, value: Any) -> Any:
    accepts, wanted = _WANTED[name]
    if not accepts(value):
        raise UsageError(f"init: {name}={value!r}: give {wanted}")
    if name == "unsent":
        return os.fspath(cast("str", value))
    return ((value,) if isinstance(value, str) else tuple(value)) if name in ("ambient", "ambient_env", "modules") else value
