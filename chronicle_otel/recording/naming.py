"""Stable names and code identity of functions: what tells two versions of a boundary apart."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import os
from collections.abc import Callable
from typing import Any

from .. import values


def module_name(module: str) -> str:
    """Return the importable name of a module; `__main__` becomes the script's or package's own name."""
    return values.main_module_name() if module == "__main__" else module


def unwrapped(function: Any) -> Any:
    """Return the innermost function behind partials, bound methods and wrappers."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            return function


def import_path(function: Any) -> str:
    """Name a function by module and qualified name, without `<locals>`: "shop.tools.quote"."""
    inner = unwrapped(function)
    name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    module = module_name(getattr(inner, "__module__", None) or "")
    return f"{module}.{name}".replace("<locals>.", "").lstrip(".")


@functools.lru_cache(maxsize=4096)
def identity(function: Callable[..., Any]) -> dict[str, Any]:
    """Return `{module, qualname, file, line, digest, module_digest}` of a function, as far as its source is at hand.

    Digests are over the AST without positions and docstrings: formatting and comments do not change them. The file
    is given below the module's import root, so that no home folder is recorded.
    """
    inner = unwrapped(function)
    module = getattr(inner, "__module__", None) or ""
    facts: dict[str, Any] = {"module": module_name(module), "qualname": getattr(inner, "__qualname__", type(inner).__qualname__)}
    code = getattr(inner, "__code__", None)
    if code is None:
        return facts
    facts["file"] = _below_import_root(code.co_filename, facts["module"])
    facts["line"] = code.co_firstlineno
    try:
        facts["digest"] = source_digest("".join(inspect.getsourcelines(inner)[0]))
    except (OSError, TypeError, SyntaxError):
        pass
    digest = module_digest(code.co_filename)
    if digest:
        facts["module_digest"] = digest
    return facts


def _below_import_root(file: str, module: str) -> str:
    parts = module.count(".") + (2 if os.path.basename(file) == "__init__.py" else 1)
    return "/".join(file.replace(os.sep, "/").split("/")[-parts:])


@functools.lru_cache(maxsize=1024)
def module_digest(file: str) -> str | None:
    """Digest of a module's source file; None where there is none."""
    try:
        with open(file, encoding="utf-8") as source:
            return source_digest(source.read())
    except (OSError, SyntaxError, ValueError):
        return None


def source_digest(source: str) -> str:
    """16 hex digits over the AST of `source`, without positions and docstrings."""
    import textwrap

    tree = ast.parse(textwrap.dedent(source))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and body:
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = body[1:] or [ast.Pass()]
    return hashlib.blake2b(ast.dump(tree).encode(), digest_size=8).hexdigest()
