"""Exceptions: raised again as what they were, or as a stand-in that holds everything."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from chronicle_otel import values
from chronicle_otel.errors import RecordedError


class Declined(Exception):
    calls = 0

    def __init__(self, code: int, *, reason: str) -> None:
        Declined.calls += 1
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class InSlots(Exception):
    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code


@dataclasses.dataclass
class Failed(Exception):
    code: int


def back(error: BaseException) -> BaseException:
    """Through the payload text and back."""
    return values.decode_error(values.loads(values.dumps(values.encode_error(error))))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no", 3),
        KeyError("name"),
        OSError(2, "no such file", "a.txt"),
        SystemExit(3),
        KeyboardInterrupt(),
        StopIteration(4),
        asyncio.CancelledError("stop"),
        UnicodeDecodeError("utf8", b"x", 0, 1, "bad"),
        ExceptionGroup("several", [ValueError(1), KeyError("b")]),
        Declined(7, reason="limit"),
        Failed(9),
    ],
    ids=lambda error: type(error).__name__,
)
def test_comes_back_as_its_class(error: BaseException) -> None:
    """An exception of a loaded class comes back with message, arguments and attributes."""
    result = back(error)
    assert type(result) is type(error)
    assert (str(result), repr(result.args), vars(result).keys()) == (str(error), repr(error.args), vars(error).keys())


def test_constructors_are_not_run_again() -> None:
    """A constructor with arguments of its own is not called with those that it passed on."""
    error = Declined(7, reason="limit")
    before = Declined.calls
    result: Any = back(error)
    assert (result.code, result.reason, Declined.calls) == (7, "limit", before)


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [(InSlots(5), "code", 5), (ImportError("no", name="shop"), "name", "shop"), (NameError("no", name="x"), "name", "x")],
    ids=lambda each: type(each).__name__,
)
def test_what_an_exception_keeps_outside_its_dict_comes_back(error: BaseException, name: str, value: Any) -> None:
    """Attributes in slots, and those that the interpreter keeps by itself, come back too."""
    assert getattr(back(error), name) == value


def test_the_cause_is_kept() -> None:
    """`raise … from …` is recorded along the chain."""
    error = ValueError("outer")
    error.__cause__ = KeyError("inner")
    assert repr(back(error).__cause__) == "KeyError('inner')"


def test_a_ring_of_causes_ends() -> None:
    """Exceptions that cause each other are recorded once each."""
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert repr(back(first).__cause__) == "ValueError('b')"


def test_notes_are_kept() -> None:
    """Notes that were added to an exception come back."""
    error = ValueError("a")
    error.add_note("seen at noon")
    assert back(error).__notes__ == ["seen at noon"]


def test_an_unknown_class_becomes_a_recorded_error() -> None:
    """An exception whose class is not loaded is raised as RecordedError with all its facts; nothing is imported."""
    error = values.decode_error({"class": "gone.module:Declined", "message": "limit", "args": [7], "attributes": {"code": 7}})
    assert isinstance(error, RecordedError)
    assert (str(error), error.type_name, error.facts["attributes"]) == ("limit", "gone.module:Declined", {"code": 7})


@pytest.mark.parametrize("name", ["builtins:eval", "builtins:int", "os:system", "", "builtins:", 3])
def test_a_name_that_is_no_exception_is_not_used(name: Any) -> None:
    """A class named in a span that is no exception is not touched."""
    assert type(values.decode_error({"class": name, "message": "m"})) is RecordedError


def test_an_exception_as_a_value() -> None:
    """An exception that was returned or passed comes back like any other value."""
    result = values.decode(values.to_tree({"error": ValueError("no")}))
    assert repr(result) == "{'error': ValueError('no')}"


def test_a_message_that_raises_does_not_escape() -> None:
    """An exception whose str raises is recorded."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert values.encode_error(Mute())["message"] == "<its str raised RuntimeError>"
