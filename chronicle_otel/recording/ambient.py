"""Reads of the clock, of randomness and of the environment by the user's own modules, passed through the seam.

    user module ──► time.time() ──► patched: is the caller the user's own file? ──► seam.interceptor.ambient(source, real read)
    any library ──► time.time() ──► patched: it is not ──────────────────────────► real read

Recording and replaying share the patches; what is done with a read is the Interceptor's matter. Not covered: `Random`
objects of the user's own, `numpy.random`, `time.monotonic`, C code.
"""

from __future__ import annotations

import datetime as _datetime
import functools
import os
import random
import secrets
import sys
import sysconfig
import threading
import time
import types
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from .interceptor import seam

SOURCES: Final = ("clock", "random", "uuid", "secrets", "env")

_lock = threading.RLock()
_installs: list[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = []
"""(sources, environment variables, module prefixes) of each `install` in force."""
_sources: frozenset[str] = frozenset()
_variables: frozenset[str] = frozenset()
_prefixes: tuple[str, ...] = ()
_undo: list[Callable[[], None]] = []
_seen: dict[str, int] = {}
"""Modules that have been looked at, by name, with their `id`: a script becomes `__main__` after another one was."""
_looked_at: tuple[int, int] = (0, 0)
"""How many modules there were, and which `__main__`, when all were looked at last."""
_REAL_DATETIME = _datetime.datetime
_REAL_DATE = _datetime.date
_real_time = time.time
_real_time_ns = time.time_ns

# ---- whose code is it --------------------------------------------------------------------------

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_DEMO = os.path.join(_OWN, "demo") + os.sep


@functools.cache
def _library_roots() -> tuple[str, ...]:
    roots = {path for name, path in sysconfig.get_paths().items() if name in ("stdlib", "platstdlib", "purelib", "platlib") and path}
    roots |= {os.path.realpath(path) for path in roots}
    return tuple(os.path.join(root, "") for root in roots)


@functools.lru_cache(maxsize=4096)
def _is_user_file(file: str) -> bool:
    if file.startswith("<") and not file.startswith(("<stdin", "<ipython", "<string")):
        return False
    path = os.path.abspath(file)
    if path.startswith(_OWN + os.sep):
        return path.startswith(_DEMO)
    if f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path:
        return False
    return not path.startswith(_library_roots())


def _is_user_module(name: str, file: str) -> bool:
    if _prefixes:
        return name == "__main__" or any(name == prefix or name.startswith(prefix + ".") for prefix in _prefixes)
    return _is_user_file(file)


def is_users(frame: types.FrameType) -> bool:
    """Say whether a frame executes the user's own code."""
    return _is_user_module(frame.f_globals.get("__name__", ""), frame.f_code.co_filename)


def is_own(file: str) -> bool:
    """Say whether a file is one of ours."""
    return file.startswith(_OWN + os.sep)


def _asked(depth: int = 2) -> Any:
    """Return the Interceptor, if the caller `depth` frames up is the user's own code and a recording or replay is on."""
    interceptor = seam.interceptor
    if interceptor is None:
        return None
    frame = sys._getframe(depth)
    return interceptor if _is_user_module(frame.f_globals.get("__name__", ""), frame.f_code.co_filename) else None


# ---- clock -------------------------------------------------------------------------------------


def _now_ns(interceptor: Any) -> int:
    return int(interceptor.ambient("clock", _real_time_ns))


def _local(interceptor: Any) -> _datetime.datetime:
    return cast("_datetime.datetime", interceptor.ambient("clock.local", _REAL_DATETIME.now))


def _time() -> float:
    interceptor = _asked()
    return _real_time() if interceptor is None else _now_ns(interceptor) / 1e9


def _time_ns() -> int:
    interceptor = _asked()
    return _real_time_ns() if interceptor is None else _now_ns(interceptor)


_real_localtime, _real_gmtime, _real_strftime, _real_ctime = time.localtime, time.gmtime, time.strftime, time.ctime


def _localtime(seconds: float | None = None, /) -> time.struct_time:
    interceptor = _asked() if seconds is None else None
    return _real_localtime(seconds) if interceptor is None else _local(interceptor).timetuple()


def _gmtime(seconds: float | None = None, /) -> time.struct_time:
    interceptor = _asked() if seconds is None else None
    return _real_gmtime(seconds) if interceptor is None else _real_gmtime(_now_ns(interceptor) / 1e9)


def _strftime(layout: str, moment: Any = None, /) -> str:
    interceptor = _asked() if moment is None else None
    if interceptor is not None:
        moment = _local(interceptor).timetuple()
    return _real_strftime(layout) if moment is None else _real_strftime(layout, moment)


def _ctime(seconds: float | None = None, /) -> str:
    interceptor = _asked() if seconds is None else None
    return _real_ctime(seconds) if interceptor is None else time.asctime(_local(interceptor).timetuple())


class _AsDate(type):
    """Makes the stand-in classes answer `isinstance` and `issubclass` like the real ones."""

    real: type

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.real) if "real" in vars(cls) else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.real) if "real" in vars(cls) else super().__subclasscheck__(subclass)

    def __eq__(cls, other: object) -> bool:
        return other is cls or ("real" in vars(cls) and other is cls.real)

    def __hash__(cls) -> int:
        return hash(cls.real) if "real" in vars(cls) else super().__hash__()

    def __get_pydantic_core_schema__(cls, _source: Any, handler: Callable[[Any], Any]) -> Any:
        """A model that resolves its annotations late finds the stand-in in the user's module: the field is of the real class."""
        return handler(cls.real)


class _UserDatetime(_REAL_DATETIME, metaclass=_AsDate):
    """`datetime.datetime` as the user's modules see it; makes real ones."""

    real = _REAL_DATETIME

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return _REAL_DATETIME(*args, **kwargs) if cls is _UserDatetime else super().__new__(cls, *args, **kwargs)

    @classmethod
    def now(cls, tz: _datetime.tzinfo | None = None) -> Any:
        interceptor = _asked()
        if interceptor is None:
            return _REAL_DATETIME.now(tz)
        return _local(interceptor) if tz is None else _from_ns(_now_ns(interceptor), tz)

    @classmethod
    def today(cls) -> Any:
        interceptor = _asked()
        return _REAL_DATETIME.today() if interceptor is None else _local(interceptor)

    @classmethod
    def utcnow(cls) -> Any:
        interceptor = _asked()
        moment = _REAL_DATETIME.now(_datetime.UTC) if interceptor is None else _from_ns(_now_ns(interceptor), _datetime.UTC)
        return moment.replace(tzinfo=None)


class _UserDate(_REAL_DATE, metaclass=_AsDate):
    """`datetime.date` as the user's modules see it."""

    real = _REAL_DATE

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return _REAL_DATE(*args, **kwargs) if cls is _UserDate else super().__new__(cls, *args, **kwargs)

    @classmethod
    def today(cls) -> Any:
        interceptor = _asked()
        return _REAL_DATE.today() if interceptor is None else _local(interceptor).date()


def _from_ns(ns: int, tz: _datetime.tzinfo) -> _datetime.datetime:
    seconds, rest = divmod(ns, 1_000_000_000)
    return _REAL_DATETIME.fromtimestamp(seconds, tz).replace(microsecond=rest // 1000)


class _UserModule(types.ModuleType):
    """The `datetime` module as the user's modules see it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_datetime, name)


_user_datetime = _UserModule("datetime")
_user_datetime.__dict__.update(datetime=_UserDatetime, date=_UserDate)

# ---- randomness --------------------------------------------------------------------------------

_instance: Any = getattr(random, "_inst")  # noqa: B009  the generator behind the module's functions


class _UserRandom(random.Random):
    """The module's generator with its two sources of randomness read through the seam; all else is made from them."""

    def random(self) -> float:
        interceptor = seam.interceptor
        return float(_instance.random() if interceptor is None else interceptor.ambient("random", _instance.random))

    def getrandbits(self, k: int, /) -> int:
        interceptor = seam.interceptor
        return int(
            _instance.getrandbits(k) if interceptor is None else interceptor.ambient("random.bits", lambda: _instance.getrandbits(k))
        )

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """The original keeps every second value for the next call, which may belong to another Step."""
        self.gauss_next = None
        try:
            return super().gauss(mu, sigma)
        finally:
            self.gauss_next = None


_user_random = _UserRandom()
_RANDOM: Final = [
    "random",
    "uniform",
    "triangular",
    "randint",
    "choice",
    "randrange",
    "sample",
    "shuffle",
    "choices",
    "normalvariate",
    "lognormvariate",
    "expovariate",
    "vonmisesvariate",
    "gammavariate",
    "gauss",
    "betavariate",
    "paretovariate",
    "weibullvariate",
    "getrandbits",
    "randbytes",
    "binomialvariate",
]


def _random_function(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    ours = getattr(_user_random, name)

    @functools.wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (real if _asked() is None else ours)(*args, **kwargs)

    return call


def _read(source: str, real: Callable[..., Any], *, key: Callable[..., bool] = lambda *args: True) -> Callable[..., Any]:
    @functools.wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        interceptor = _asked() if key(*args) else None
        return real(*args, **kwargs) if interceptor is None else interceptor.ambient(source, lambda: real(*args, **kwargs))

    return call


def _choice(sequence: Sequence[Any], /) -> Any:
    interceptor = _asked()
    if interceptor is None:
        return _real_choice(sequence)
    return sequence[interceptor.ambient("secrets.randbelow", lambda: secrets.SystemRandom().randrange(len(sequence)))]


_real_choice = secrets.choice

# ---- environment -------------------------------------------------------------------------------


def _environment() -> Callable[[], None]:
    mapping: Any = type(os.environ)
    real = mapping.__getitem__

    def getitem(self: Any, name: Any) -> Any:
        if self is os.environ and name in _variables:
            interceptor = _asked_through_library()
            if interceptor is not None:
                value = interceptor.ambient(f"env.{name}", lambda: self._data.get(self.encodekey(name)) and real(self, name))
                if value is None:
                    raise KeyError(name)
                return value
        return real(self, name)

    mapping.__getitem__ = getitem

    def undo() -> None:
        mapping.__getitem__ = real

    return undo


def _asked_through_library() -> Any:
    """`os.getenv` and `Mapping.get` stand between the user's line and the mapping: look past the standard library."""
    interceptor = seam.interceptor
    if interceptor is None:
        return None
    frame = sys._getframe(2)
    while (
        frame is not None
        and frame.f_code.co_filename.startswith(("<frozen", *_library_roots()))
        and "packages" not in frame.f_code.co_filename
    ):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return None
    return interceptor if _is_user_module(frame.f_globals.get("__name__", ""), frame.f_code.co_filename) else None


# ---- on and off --------------------------------------------------------------------------------


def install(sources: Sequence[str] = SOURCES, *, env: Sequence[str] = (), modules: Sequence[str] = ()) -> None:
    """Pass the reads of `sources` by user modules through the seam; counted, so that calls may nest.

    `env` names the environment variables of the source "env"; `modules` are prefixes of the user's own modules
    (default: everything outside the standard library and site-packages).
    """
    with _lock:
        _installs.append((tuple(sources), tuple(env), tuple(modules)))
        _apply()


def uninstall() -> None:
    """Undo the latest `install`."""
    with _lock:
        if _installs:
            _installs.pop()
            _apply()


def refresh() -> None:
    """Also serve user modules that were imported since; called when a Step begins, recording and replaying alike."""
    if _sources and _looked_at != _modules_now():
        with _lock:
            _rebind_modules()


def _modules_now() -> tuple[int, int]:
    return len(sys.modules), id(sys.modules.get("__main__"))


def _apply() -> None:
    global _sources, _variables, _prefixes
    while _undo:
        _undo.pop()()
    _seen.clear()
    _sources = frozenset(source for sources, _, _ in _installs for source in sources)
    _variables = frozenset(name for _, env, _ in _installs for name in env)
    _prefixes = _installs[-1][2] if _installs else ()
    if not _sources:
        return
    for owner, name, ours in _replacements():
        real = getattr(owner, name)
        setattr(owner, name, ours)
        _undo.append(functools.partial(setattr, owner, name, real))
    if "env" in _sources and _variables:
        _undo.append(_environment())
    _rebind_modules()


@functools.cache
def _functions(source: str) -> tuple[tuple[Any, str, Callable[..., Any], Callable[..., Any]], ...]:
    """(module, name, real function, ours) of one source; made once, so that names bound to ours stay the same."""
    if source == "clock":
        ours = {"time": _time, "time_ns": _time_ns, "localtime": _localtime, "gmtime": _gmtime, "strftime": _strftime, "ctime": _ctime}
        return tuple((time, name, getattr(time, name), function) for name, function in ours.items())
    if source == "random":
        names = [name for name in _RANDOM if hasattr(random, name)]
        return tuple((random, name, getattr(random, name), _random_function(name, getattr(random, name))) for name in names)
    if source == "uuid":
        return tuple((uuid, name, getattr(uuid, name), _read(f"uuid.{name}", getattr(uuid, name))) for name in ("uuid1", "uuid4"))
    if source == "secrets":
        names = ["token_bytes", "token_hex", "token_urlsafe", "randbelow", "randbits"]
        made = [(secrets, name, getattr(secrets, name), _read(f"secrets.{name}", getattr(secrets, name))) for name in names]
        return (*made, (secrets, "choice", _real_choice, _choice), (os, "urandom", os.urandom, _read("os.urandom", os.urandom)))
    return ()


def _replacements() -> list[tuple[Any, str, Callable[..., Any]]]:
    return [(owner, name, ours) for source in sorted(_sources) for owner, name, _, ours in _functions(source)]


def _rebind_modules() -> None:
    """`from time import time`, `from datetime import datetime`: names that user modules hold themselves."""
    global _looked_at
    _looked_at = _modules_now()
    swaps: dict[int, Any] = {id(real): ours for source in _sources for _, _, real, ours in _functions(source)}
    if "clock" in _sources:
        swaps |= {id(_REAL_DATETIME): _UserDatetime, id(_REAL_DATE): _UserDate, id(_datetime): _user_datetime}
    for name, module in list(sys.modules.items()):
        if _seen.get(name) == id(module) or type(module) is not types.ModuleType:
            continue
        _seen[name] = id(module)
        file = getattr(module, "__file__", None)
        if not file or not _is_user_module(name, file):
            continue
        for attribute, value in list(vars(module).items()):
            ours = swaps.get(id(value))
            if ours is not None:
                setattr(module, attribute, ours)
                _undo.append(functools.partial(setattr, module, attribute, value))
