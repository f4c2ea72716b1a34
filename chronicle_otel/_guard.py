"""One place where our own failures end: logged once per place, counted, never raised into the application.

`CHRONICLE_RAISE=1` re-raises them, for chronicle's own tests.
"""

from __future__ import annotations

import collections
import logging
import os

_log = logging.getLogger("chronicle_otel")
failures: collections.Counter[str] = collections.Counter()
"""How often each place failed in this process."""


def failed(where: str, error: BaseException) -> None:
    """Log the first failure of a place and count every one; with its traceback, unless it is the machine that said no.

    `where` names the place in a few stable words; it must not hold data of the application.
    """
    if os.environ.get("CHRONICLE_RAISE") == "1":
        raise error
    failures[where] += 1
    if failures[where] == 1:
        said_no = error if isinstance(error, OSError) else None
        reason = f" ({said_no.strerror or said_no})" if said_no is not None else ""
        _log.error(
            "chronicle could not %s%s; the application goes on, later failures here are only counted",
            where,
            reason,
            exc_info=error if said_no is None else None,
        )


def warn_once(where: str, message: str) -> None:
    """Log a warning the first time `where` comes up in this process; count every time."""
    failures[where] += 1
    if failures[where] == 1:
        _log.warning("%s", message)
