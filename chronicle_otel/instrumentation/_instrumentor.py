"""What every Instrumentor offers: the public surface of OpenTelemetry's BaseInstrumentor, without needing its package.

instrument() ──► SDK imported already? ──► patch now
                                     └──► patch right after its import
"""

from __future__ import annotations

import importlib.metadata
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from types import ModuleType
from typing import Any, ClassVar, Self

from chronicle_otel.errors import UsageError
from chronicle_otel.instrumentation import _post_import
from chronicle_otel.recording.interceptor import seam

_log = logging.getLogger("chronicle_otel")


class Instrumentor(ABC):
    """A singleton per class, as OpenTelemetry has it; `instrument` and `uninstrument` may be called in any order."""

    sdk: ClassVar[str]
    """Name of the SDK's package on import."""
    distribution: ClassVar[str]
    """Name of its distribution."""
    _instance: ClassVar[Any] = None

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        if cls.__dict__.get("_instance") is None:
            instance = super().__new__(cls)
            instance._on = False
            instance._undo = []
            cls._instance = instance
        return cls._instance

    _on: bool
    _undo: list[Callable[[], None]]

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        """Whether `instrument` is in force."""
        return self._on

    @abstractmethod
    def instrumentation_dependencies(self) -> Collection[str]:
        """Return the supported versions of the SDK, as requirements."""

    @abstractmethod
    def patch(self, module: ModuleType) -> list[Callable[[], None]]:
        """Patch the SDK, whose package has just been imported; return what undoes it, nothing if there was nothing to patch."""

    def installed(self) -> str | None:
        """Return the installed version of the SDK, None if there is none."""
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            return None

    def instrument(self, *, tracer_provider: Any = None, **_options: Any) -> None:
        """Switch on, and record into the application's TracerProvider, or the one given, unless `chronicle_otel.init` did that.

        Other options of `opentelemetry-instrument` are accepted. Without a provider nothing is recorded. UsageError as of `stand`.
        """
        self.stand()
        if seam.on_instrument is not None:
            seam.on_instrument(tracer_provider)

    def stand(self) -> None:
        """Put the seam into the SDK, whatever stands at it.

        UsageError if the SDK is not installed, or (as soon as it is imported) if there is nothing in it to patch.
        """
        if self._on:
            return
        if self.installed() is None:
            raise UsageError(
                f"{type(self).__name__}: {self.distribution} is not installed in this environment; install it, or leave it out"
            )
        self._on = True
        try:
            _post_import.when_imported(self.sdk, self._patch)
        except BaseException:
            self._on = False
            raise

    def uninstrument(self, **_options: Any) -> None:
        """Switch off and give the SDK its own methods back; calls that are running end as they began."""
        if seam.on_uninstrument is not None:
            seam.on_uninstrument()
        self._on = False
        _post_import.forget(self.sdk)
        undo, self._undo = self._undo, []
        for step in reversed(undo):
            step()

    def _patch(self, module: ModuleType) -> None:
        if not self._on:
            return
        self._undo = self.patch(module)
        if not self._undo:
            raise UsageError(
                f"{type(self).__name__} found nothing to patch in {self.distribution} {self.installed()}: no call of it would be recorded, "
                f"or served in a replay. Supported: {', '.join(self.instrumentation_dependencies())}"
            )


def replace(owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[[], None]:
    """Put a wrapper around a method that `owner` itself defines; returns what takes it away again."""
    own: Any = owner.__dict__
    original: Callable[..., Any] = own[name]
    wrapper = wrap(original)
    setattr(owner, name, wrapper)

    def undo() -> None:
        if own.get(name) is wrapper:
            setattr(owner, name, original)
        else:
            _log.warning(
                "%s.%s was wrapped again by something else: chronicle's wrapper stays below it, switched off", owner.__name__, name
            )

    return undo
