"""A script or module as the entry of a Run: `chronicle run script.py ARGS`, and the same again in a replay."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence

from .. import values
from ..errors import UsageError
from .interceptor import Boundary

PREFIX = "script:"
"""Begins the name of a root boundary that is a script: no function of the user's has such a name."""


def script_boundary(script: str) -> Boundary:
    """Return the boundary that stands for a script; its one input is `argv`, the arguments behind the script."""
    name = os.path.basename(script.rstrip(os.sep)) or script
    return Boundary(kind="agent", name=PREFIX + name, bind=lambda args, _kwargs: {"argv": list(args)})


def failure(error: BaseException) -> BaseException | None:
    """Return what a script's end is recorded as: `sys.exit()` and `sys.exit(0)` are how many a script returns, and no error."""
    return None if isinstance(error, SystemExit) and error.code in (None, 0) else error


def execute(script: str, arguments: Sequence[str], *, module: bool = False) -> None:
    """Run a script file, or with `module` a module, as the interpreter would: `__main__`, `sys.argv` and `sys.path[0]` set.

    UsageError if there is no such script or module; whatever the script raises goes through.
    """
    if not module and not os.path.exists(script):
        raise UsageError(f"{script}: no such script; give the path of a Python file, or -m and the name of a module")
    argv, path = sys.argv, sys.path[:]
    try:
        values.call_main(script if module else os.path.splitext(os.path.basename(script))[0])
        if module:
            sys.argv = [script, *arguments]
            sys.path.insert(0, os.getcwd())
            runpy.run_module(script, run_name="__main__", alter_sys=True)
        else:
            sys.argv = [script, *arguments]
            sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
            runpy.run_path(script, run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, path
