"""A script or module as the entry of a Run: `chronicle run script.py ARGS`, and the same again in a replay."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import TracebackType

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


def check(script: str, *, module: bool = False) -> None:
    """Refuse, with UsageError, what cannot be started; everything that goes wrong later is the script's own."""
    if not module:
        if not os.path.exists(script):
            raise UsageError(f"no such script: {script}; give the path of a Python file, or -m and the name of a module")
        if os.path.isdir(script) and not os.path.isfile(os.path.join(script, "__main__.py")):
            raise UsageError(f"{script} is a folder without a __main__.py; give the path of a Python file, or -m and the name of a module")
        return
    path = sys.path[:]
    sys.path.insert(0, os.getcwd())
    try:
        found = find_spec(script)
        package = found is not None and found.submodule_search_locations is not None
        runs = not package or find_spec(f"{script}.__main__") is not None
    except (ImportError, ValueError):
        found, runs = None, False
    finally:
        sys.path[:] = path
    if found is None:
        raise UsageError(f"no module named {script}; modules are looked for in this folder and where Python has them")
    if not runs:
        raise UsageError(f"{script} is a package without a __main__.py: it cannot be executed; name a module in it")


def user_part(traceback: TracebackType | None) -> TracebackType | None:
    """Leave our own frames and those of runpy out of the beginning of a script's traceback."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    while traceback is not None and ("runpy" in (file := traceback.tb_frame.f_code.co_filename) or file.startswith(ours)):
        traceback = traceback.tb_next
    return traceback


def execute(script: str, arguments: Sequence[str], *, module: bool = False) -> None:
    """Run a script file, or with `module` a module, as the interpreter would: `__main__`, `sys.argv` and `sys.path[0]` set.

    UsageError if there is no such script or module; whatever the script raises goes through.
    """
    check(script, module=module)
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
