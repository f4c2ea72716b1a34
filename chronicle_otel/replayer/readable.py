"""Trees as a person reads them: typed values as Python writes them, everything else as JSON."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (trees are Any; every isinstance or type() on one makes the checker see a container of Unknown)

from __future__ import annotations

from typing import Any, Final

from .. import semconv, values

_CLASSES: Final = frozenset({"dataclass", "attrs", "pydantic", "namedtuple"})
_BRACKETS: Final = {"tuple": "()", "set": "{}", "frozenset": "{}"}


def readable(tree: Any) -> str:
    """Write a tree in one line. What is deeper than Python recurses is JSON as it is stored."""
    try:
        text = values.dumps(tree)
    except (TypeError, ValueError):
        return repr(tree)
    if semconv.TYPE not in text:
        return text
    try:
        return _written(tree)
    except RecursionError:
        return text


def _written(tree: Any) -> str:
    if type(tree) is list:
        return f"[{','.join(map(_written, tree))}]"
    if type(tree) is not dict:
        return values.dumps(tree)
    if len(tree) == 1 and type(tree.get(semconv.TYPE)) is list and tree[semconv.TYPE]:
        name, *content = tree[semconv.TYPE]
        return _typed(name, content) if type(name) is str else values.dumps(tree)
    return f"{{{','.join(f'{values.dumps(name)}:{_written(value)}' for name, value in tree.items())}}}"


def _typed(name: str, content: list[Any]) -> str:
    """Write a typed value (docs/wire-format.md, Typed values); one of odd content as a call of its type with all of it."""
    first, second = (*content, None, None)[:2]
    if name == "?" and type(first) is dict:
        return str(first.get("repr", "?"))
    if name == "enum" and type(second) is str:
        return f"{_short_class(first)}.{second}"
    if name in _CLASSES and type(second) is dict:
        return f"{_short_class(first)}({', '.join(f'{member}={_written(value)}' for member, value in second.items())})"
    if name in _BRACKETS and type(first) is list:
        opening, closing = _BRACKETS[name]
        return f"{opening}{', '.join(map(_written, first))}{',' if name == 'tuple' and len(first) == 1 else ''}{closing}"
    return f"{name}({', '.join(map(_written, content))})"


def _short_class(name: Any) -> str:
    return str(name).rsplit(":", 1)[-1].rsplit(".", 1)[-1]
