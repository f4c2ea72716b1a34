"""Recording on and off: `init`, `flush`, `shutdown`, and what happens at exit and at a fork."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry import trace

from . import _guard, instrumentation
from .errors import UsageError
from .recording import context, paths, scripts
from .recording.budget import Put
from .recording.export.endpoint import of_environment
from .recording.interceptor import seam
from .recording.recorder import Recorder
from .recording.resource import process_facts
from .recording.telemetry import Redaction, Telemetry
from .settings import Settings, is_words

_lock = threading.RLock()
_recorder: Recorder | None = None
_following: Recorder | None = None
"""The Recorder that `follow` made."""
_hooked = False


def init(path: str | os.PathLike[str] | None = None, instrument: bool | str | Sequence[str] = True, **settings: Any) -> None:
    """Switch recording on.

    Where the application has an OpenTelemetry TracerProvider, spans go to it, and to `path` as well if one is given.
    Where it has none, they go to OTLP JSON lines at `path`: a file, or a folder in which every process writes a file
    of its own; default `./.chronicle`. Which of the two is decided when the first Run starts. With `export="own"` they
    go to the OTLP endpoint of the environment (`OTEL_EXPORTER_OTLP_…`) by themselves, and to `path` if one is given.

    `instrument`: switch on the Instrumentors of the SDKs that are installed, or of those named. `settings` are the
    fields of `chronicle_otel.settings.Settings`. UsageError names what is wrong. A second call replaces the first.
    """
    checked = Settings.of(settings)
    target = paths.checked(path)
    names = _names_of(instrument)
    redact = _redaction(checked, target)
    if checked.export == "own":
        of_environment()  # what is wrong with it is said here, not when the first span is lost
    put = _store(checked)
    with _lock:
        if _replaying():
            return
        if instrument:
            instrumentation.instrument_all(names)
        if _recorder is not None:
            shutdown()
        _start(Recorder(checked, Telemetry(checked, target, redact=redact, put=put)))


def follow(tracer_provider: Any = None) -> None:
    """Record into the application's TracerProvider, or the one given, and nowhere else, unless recording is on already.

    This is what an Instrumentor does that is switched on without `init`, as `opentelemetry-instrument` does; `init` replaces it.
    """
    global _following
    settings = Settings.of({"tracer_provider": tracer_provider})
    with _lock:
        if _recorder is None and seam.interceptor is None:
            _following = Recorder(settings, Telemetry(settings, None, own=False))
            _start(_following)


def unfollow() -> None:
    """Undo `follow`, if nothing has replaced it."""
    if _recorder is not None and _recorder is _following:
        shutdown()


def _start(recorder: Recorder) -> None:
    global _recorder, _hooked
    checked = recorder.settings
    threading.Thread(target=process_facts, name="chronicle-facts", daemon=True).start()
    if checked.threads:
        context.install()
    if checked.ambient:
        from .recording import ambient

        ambient.install(checked.ambient, modules=checked.modules, env=checked.ambient_env)
    _recorder = recorder
    _stand(recorder)
    seam.after_replay = recorder.replayed
    if not _hooked:
        _hooked = True
        atexit.register(shutdown)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def _names_of(instrument: Any) -> list[str] | None:
    """Return the Instrumentors that are named; None for all, or none, of them."""
    if isinstance(instrument, bool):
        return None
    if not is_words(instrument):
        raise UsageError(f"init: instrument={instrument!r}: say True, False, or the names of Instrumentors, as in ['openai']")
    return [instrument] if isinstance(instrument, str) else list(instrument)


def _redaction(settings: Settings, path: str | None) -> Redaction | None:
    """Return what redacts before anything is written or sent; UsageError where redaction could not hold what it promises."""
    if settings.redact is None or settings.redact is False:
        return None
    from .redaction import Redactor, load_policy
    from .redaction.keys import key_name, read_key
    from .redaction.own_spans import OwnSpans
    from .redaction.tenants import Tenants

    own = settings.export == "own"
    way_out = "wrap that provider's exporter in chronicle_otel.redaction.exporter.RedactingSpanExporter and leave redact out"
    if settings.tracer_provider is not None and not own:
        raise UsageError(f"init: redact cannot reach into tracer_provider, a span is final when it ends; {way_out}")
    provider = trace.get_tracer_provider()
    if path is None and not own and not isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
        raise UsageError(
            "init: with redact, steps do not go to the application's tracer provider, where nobody could redact them; "
            f'give init a path for a file of their own, send them with export="own", or {way_out}'
        )
    redactor = settings.redact
    if not isinstance(redactor, Redactor):
        policy = load_policy(None if redactor is True else redactor)
        return OwnSpans(Tenants(Redactor(policy, read_key(), policy.tree["tenant"]["default"], key_name=key_name())))
    return OwnSpans(redactor)


def _store(settings: Settings) -> Put | None:
    """Return what moves strings to the external store; UsageError where private values would get there unseen, or never."""
    if settings.store is None:
        return None
    redacted = settings.redact is not None and settings.redact is not False
    if redacted and settings.export != "own":
        raise UsageError(
            "init: store takes what is too large for OTLP, and with redact steps go to a file, which takes any size; "
            'add export="own", or leave store out'
        )
    if not redacted and not settings.store_raw:
        raise UsageError(
            "init: the store would hold values that nobody has redacted, where no collector sees them; "
            'redact in the process, init(store=…, redact=True, export="own"), or say store_raw=True'
        )
    from .recording.storing import Mover
    from .stores import Store

    return Mover(Store(settings.store))


def run_script(script: str, arguments: Sequence[str], *, module: bool = False) -> None:
    """Execute a script or module with recording on; it is the entry of every Step that has no root boundary of its own.

    Call `init` first. Exceptions of the script, SystemExit included, go through after the Run was ended.
    """
    recorder = _recorder
    if recorder is None:
        raise UsageError("recording is off: call chronicle.init() first")
    recorder.script = (scripts.script_boundary(script), tuple(arguments))
    try:
        scripts.execute(script, arguments, module=module)
    except BaseException as error:
        recorder.end_script(scripts.failure(error))
        raise
    recorder.end_script()


def flush() -> None:
    """Write everything that has ended so far to its exporter."""
    recorder = _recorder
    if recorder is not None:
        recorder.flush()


def shutdown() -> None:
    """End what is open, write everything and switch recording off. Does nothing if it is off, or inside a replay."""
    global _recorder
    with _lock:
        if _replaying():
            return
        recorder, _recorder = _recorder, None
        if recorder is None:
            return
        _stand(None)
        seam.after_replay = None
        if recorder.settings.threads:
            context.uninstall()
        if recorder.settings.ambient:
            from .recording import ambient

            ambient.uninstall()
        try:
            recorder.shutdown()
        except Exception as error:
            _guard.failed("shut the recorder down", error)


def _replaying() -> bool:
    """Code that is replayed switches recording on and off as it does in production; the replay stays in charge."""
    return getattr(seam.interceptor, "fail_closed", False)


def _stand(recorder: Recorder | None) -> None:
    """Put the Recorder at the seam, or take it away; behind what still refuses the leftovers of a finished replay."""
    outer: Any = seam.interceptor
    if hasattr(outer, "before"):
        outer.before = recorder
    else:
        seam.interceptor = recorder


def active() -> Recorder | None:
    """The Recorder that `init` made, while it is on."""
    return _recorder


def recorded_file() -> str | None:
    """The file that this process writes; None before the first span, and where spans only go to the application's provider."""
    if _recorder is None:
        raise UsageError("recording is off: call chronicle.init() first")
    return _recorder.telemetry.file_path


def endpoint() -> str | None:
    """Where our own export sends to; None before the first span, and without `export="own"`."""
    return _recorder.telemetry.endpoint if _recorder is not None else None


def _before_fork() -> None:
    recorder = _recorder
    if recorder is not None:
        try:
            with recorder.telemetry.bounded():
                recorder.pipeline.flush()
        except Exception as error:
            _guard.failed("flush before a fork", error)


def _after_fork() -> None:
    if _recorder is not None:
        _recorder.forget()
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None:  # its children end without exit handlers, and it forgets what was registered before they began
            util.register_after_fork(shutdown, _at_end_of_child)


def _at_end_of_child(_: Any) -> None:
    from multiprocessing.util import Finalize

    Finalize(None, shutdown, exitpriority=-100)  # behind the application's own, which may still record
