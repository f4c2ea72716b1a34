"""Patch a module when the application imports it, so that switching chronicle on imports no SDK."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from chronicle_otel import _guard

_waiting: dict[str, Callable[[ModuleType], None]] = {}
_looking = threading.local()


def when_imported(name: str, patch: Callable[[ModuleType], None]) -> None:
    """Call `patch` with the module right after its first import; at once if it is imported already."""
    module = sys.modules.get(name)
    if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
        patch(module)
        return
    _waiting[name] = patch
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def forget(name: str) -> None:
    """Do not patch that module any more when it is imported."""
    _waiting.pop(name, None)


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in _waiting or getattr(_looking, "name", None) == fullname:
            return None
        _looking.name = fullname
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            _looking.name = None
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """The module's own loader, and then the patch."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._inner  # the module is to look as if we had not been here
        module.__loader__ = self._inner
        self._inner.exec_module(module)
        patch = _waiting.pop(module.__name__, None)
        if patch is not None:
            try:
                patch(module)
            except Exception as error:
                _guard.failed(f"patch {module.__name__}", error)


_finder = _Finder()
