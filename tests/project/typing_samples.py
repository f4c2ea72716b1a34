"""What a type checker sees through the decorators: `make check` runs pyright over this file, and tests/project/test_typing.py too.

Each `reveal` is an assertion of pyright's: the type on the right is what the decorated name has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

import chronicle_otel as chronicle


@chronicle.tool
def quote(symbol: str, *, market: str = "X") -> float:
    return len(symbol + market)


@chronicle.agent(name="trade")
async def trade(text: str) -> list[str]:
    return [text]


@chronicle.step
def words(text: str) -> Iterator[str]:
    yield from text.split()


@chronicle.step(name="letters")
async def letters(text: str) -> AsyncIterator[str]:
    for letter in text:
        yield letter


class Desk:
    @chronicle.guardrail
    def allowed(self, quantity: int) -> bool:
        return quantity > 0

    @staticmethod
    @chronicle.tool(name="half")
    def half(quantity: int) -> float:
        return quantity / 2

    @classmethod
    @chronicle.memory
    def default(cls) -> Desk:
        return cls()


assert_type(quote("ACME", market="Y"), float)
assert_type(words("a b"), Iterator[str])
assert_type(letters("ab"), AsyncIterator[str])
assert_type(Desk().allowed(1), bool)
assert_type(Desk.half(3), float)
assert_type(Desk.default(), Desk)
assert_type(chronicle.tool.call("quote", quote, "ACME"), float)


async def use() -> None:
    assert_type(await trade("x"), list[str])
    assert_type([letter async for letter in letters("ab")], list[str])


quote(1)  # pyright: ignore[reportArgumentType]
quote("ACME", "Y")  # pyright: ignore[reportCallIssue]
Desk().allowed("1")  # pyright: ignore[reportArgumentType]
