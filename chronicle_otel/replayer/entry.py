"""The recorded entry, found and given its arguments; span data never decides what gets imported.

entry="module:function" | callable | recorded, if [tool.chronicle] modules names its module ──► function
recorded inputs ──type hints──► arguments        provide={parameter: factory} ──► what JSON cannot carry
"""

from __future__ import annotations

import fnmatch
import importlib
import inspect
import os
import sys
import tomllib
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from .. import semconv, values
from ..errors import CannotReproduce, UsageError
from .compare import is_items, is_object


def find(run: Any, entry: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """Return the function to start. `CannotReproduce` says why there is none and how to name it."""
    if callable(entry):
        return entry
    if isinstance(entry, str):
        module, colon, name = entry.partition(":")
        if not colon or not module or not name:
            raise UsageError(f'entry={entry!r}: write "module:function", as in "shop.agent:answer"')
        return _resolve(module, name, f"entry {entry}")
    if entry is not None:
        raise UsageError(f'entry={entry!r:.80}: give a function, or "module:function", as in "shop.agent:answer"')
    recorded = run.entry
    module, name = getattr(recorded, "module", None) or "", getattr(recorded, "qualname", None) or ""
    if not module or not name:
        raise CannotReproduce(
            f'the recording does not say where {run.entry.name} is defined: name it with entry="module:function" (--entry)'
        )
    allowed, where = _configured_modules()
    if not any(module == m or module.startswith(m + ".") or fnmatch.fnmatchcase(module, m) for m in allowed):
        known = (
            f"{where} allows {', '.join(allowed)}"
            if allowed
            else "no [tool.chronicle] modules are configured in a pyproject.toml here or above"
        )
        raise CannotReproduce(
            f"the recorded entry is {module}:{name}, and a recording does not decide what is imported ({known}): "
            f'name it with entry="{module}:{name}" (--entry), or add modules = ["{module.partition(".")[0]}"] under [tool.chronicle]'
        )
    function = _resolve(module, name, "the recorded entry")
    boundary = getattr(function, "__chronicle_boundary__", None)
    if boundary is None:
        raise CannotReproduce(f'{module}:{name} is no boundary any more: decorate it again, or name the entry with entry="module:function"')
    return function


def _configured_modules() -> tuple[list[str], str]:
    for folder in (Path.cwd(), *Path.cwd().parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
        except (OSError, ValueError) as error:
            raise UsageError(f"{file}: not readable as TOML: {error}") from error
        modules: Any = tool.get("chronicle", {}).get("modules")
        if modules is None:
            continue
        if not is_items(modules) or not all(isinstance(m, str) for m in modules):
            raise UsageError(f'{file}: [tool.chronicle] modules must be a list of module names, as in modules = ["shop"]')
        return modules, str(file)
    return [], ""


def _resolve(module: str, name: str, what: str) -> Callable[..., Any]:
    target: Any = sys.modules.get(module) or _own_main(module)
    if target is None:
        if "" not in sys.path and os.getcwd() not in sys.path:
            sys.path.insert(0, os.getcwd())
        try:
            target = importlib.import_module(module)
        except SystemExit as error:
            why = f'it ends the process when it is imported (exit code {error.code}); put that below `if __name__ == "__main__"`'
            raise CannotReproduce(f"{what}: {module} cannot be imported: {why}") from error
        except Exception as error:
            raise CannotReproduce(f"{what}: {module} cannot be imported: {type(error).__name__}: {error}") from error
    for part in name.split("."):
        if part == "<locals>":
            raise CannotReproduce(f"{what}: {module}:{name} is defined inside a function; name an importable one, or use replaying(run)")
        try:
            target = getattr(target, part)
        except AttributeError:
            raise CannotReproduce(f'{what}: {module} has no {name}; name the entry with entry="module:function" (--entry)') from None
    if not callable(target):
        raise CannotReproduce(f"{what}: {module}:{name} is not callable")
    return cast("Callable[..., Any]", target)


def _own_main(module: str) -> Any:
    """The running script under its module name: it is loaded already, as `__main__`."""
    return sys.modules.get("__main__") if values.main_module_name() == module else None


def arguments(run: Any, function: Callable[..., Any], provide: Mapping[str, Callable[[], Any]]) -> tuple[list[Any], dict[str, Any]]:
    """Rebuild the recorded arguments for a function. `CannotReproduce` names a parameter that cannot be had."""
    root = run.root
    damage: Mapping[str, str] = root.damage or {}
    tree = root.tree(semconv.INPUT)
    if tree is None or semconv.INPUT in damage or not is_object(tree) or semconv.OPAQUE in tree:
        why = damage.get(semconv.INPUT, "they were not recorded")
        raise CannotReproduce(f"the entry's inputs are not in the recording ({why})")
    if not isinstance(provide, Mapping):
        raise UsageError(f"provide={provide!r}: give {{parameter: factory}}")
    signature = inspect.signature(function)
    hints = _hints(function)
    unknown = [name for name in provide if name not in signature.parameters]
    if unknown:
        raise UsageError(f"provide: {getattr(function, '__qualname__', function)} has no parameter {unknown[0]!r}")
    members = tree
    parameters = list(signature.parameters.values())
    by_place = any(p.kind is p.VAR_POSITIONAL and p.name in members for p in parameters) or (
        parameters[:1] and parameters[0].name in ("self", "cls")
    )
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        value: Any
        if parameter.name in provide:
            value = _provided(parameter.name, provide[parameter.name])
        elif parameter.name in members and _is_default(members[parameter.name], parameter):
            continue
        elif parameter.name in members:
            value = _rebuilt(members[parameter.name], hints.get(parameter.name), parameter, function)
        elif parameter.default is not parameter.empty or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        else:
            raise CannotReproduce(
                f"{getattr(function, '__qualname__', function)} needs {parameter.name!r}, which the recording does not hold: "
                f"provide={{{parameter.name!r}: factory}} makes it (--provide {parameter.name}=module:factory)"
            )
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional.extend(value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            named.update(value)
        elif parameter.kind is parameter.POSITIONAL_ONLY or (parameter.kind is parameter.POSITIONAL_OR_KEYWORD and by_place):
            positional.append(value)
        else:
            named[parameter.name] = value
    return positional, named


def _provided(name: str, factory: Any) -> Any:
    if not callable(factory):
        return factory
    try:
        return factory()
    except Exception as error:
        raise CannotReproduce(f"provide: the factory of {name!r} raised {type(error).__name__}: {error}") from error


def _is_default(tree: Any, parameter: inspect.Parameter) -> bool:
    """Whether a value that no recording can hold (a function, a client) is the parameter's own default."""
    return (
        parameter.default is not parameter.empty and not values.replayable(tree) and values.equal(tree, values.to_tree(parameter.default))
    )


def _rebuilt(tree: Any, hint: Any, parameter: inspect.Parameter, function: Callable[..., Any]) -> Any:
    what = f"{getattr(function, '__qualname__', function)}: the recorded {parameter.name!r}"
    if not values.replayable(tree):
        raise CannotReproduce(
            f"{what} cannot be rebuilt (it could not be recorded, or was taken out): "
            f"provide={{{parameter.name!r}: factory}} makes it (--provide {parameter.name}=module:factory)"
        )
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        hint = None
    try:
        return values.decode(tree, hint=hint)
    except Exception as error:
        raise CannotReproduce(f"{what} does not fit its type any more: {type(error).__name__}: {error}") from error


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except Exception:
        return {}
