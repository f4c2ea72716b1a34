"""Names of classes, and classes by their names, without ever importing anything."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

import os
import sys
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import ModuleType
from typing import Any, Final

_script: str | None = None


def call_main(name: str) -> None:
    """Call `__main__` so from now on: a script that is executed inside another program goes away before all of it is written."""
    global _script
    _script = name


def main_module_name() -> str:
    """Return the name under which the script of this process could be imported: `agent` for `python agent.py`."""
    if _script is not None:
        return _script
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None and isinstance(spec.name, str):
        return spec.name.removesuffix(".__main__")
    path = getattr(main, "__file__", None)
    return os.path.splitext(os.path.basename(path))[0] if isinstance(path, str) else "__main__"


def type_name(cls: type) -> str:
    """Return `module:qualname`, with the real name of the module in place of `__main__`."""
    module: Any = getattr(cls, "__module__", None)
    if module == "__main__":
        module = main_module_name()
    return f"{module if isinstance(module, str) else '?'}:{getattr(cls, '__qualname__', '?')}"


def loaded_class(name: str) -> type | None:
    """Return the class of that `module:qualname` if the application has it loaded already; never import."""
    module_name, _, qualname = name.partition(":")
    module: ModuleType | None = sys.modules.get(module_name)
    if module is None and module_name == main_module_name():
        module = sys.modules.get("__main__")
    found = _attribute(module, qualname)
    if found is None and "[" in qualname:
        found = _attribute(module, qualname[: qualname.index("[")])
    return found


def _attribute(module: ModuleType | None, qualname: str) -> type | None:
    found: Any = module
    for part in qualname.split("."):
        members = getattr(found, "__dict__", None)
        if not isinstance(members, Mapping) or part not in members:
            return None
        found = members[part]  # type: ignore[reportUnknownVariableType]  # a module's or class's own dictionary
    return found if isinstance(found, type) else None


FACTORIES: Final[Mapping[str, Callable[[], Any]]] = {
    each.__name__: each
    for each in (list, dict, set, frozenset, tuple, str, bytes, bytearray, int, float, complex, bool, deque, Counter, OrderedDict, Decimal)
}
"""What may fill a `defaultdict`, by name: a recording never names other code to be called."""
MAPPINGS: Final = ("OrderedDict", "defaultdict", "Counter")
"""Typed values that equal a dict of the same members, as in Python."""


class Recorded:
    """Stands in for a recorded object whose class is not loaded, or that could not be recorded at all.

    Members are read as attributes. Encoding it again gives what it was made of.
    """

    __slots__ = ("fields", "text", "tree", "type_name")

    def __init__(self, type_name: str, fields: Mapping[str, Any] | None = None, *, text: str = "", tree: Any = None) -> None:
        self.type_name = type_name
        """The class as `module:qualname`, or the name of the typed value."""
        self.fields: dict[str, Any] = dict(fields or {})
        """Recorded members, decoded."""
        self.text = text
        """The recorded `repr`, for an object that nobody could encode."""
        self.tree = tree
        """The payload's part that this was read from."""

    def __getattr__(self, name: str) -> Any:
        if name in Recorded.__slots__ or name not in self.fields:
            raise AttributeError(f"the recorded {self.type_name if name != 'type_name' else 'object'} has no {name!r}")
        return self.fields[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recorded):
            return NotImplemented
        return (self.type_name, self.fields, self.text) == (other.type_name, other.fields, other.text)

    __hash__ = None  # type: ignore[assignment]  # its members can change

    def __repr__(self) -> str:
        inside = self.text or ", ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"Recorded({self.type_name}: {inside})"
